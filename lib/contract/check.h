#pragma once
/*
 * Checks that requests and events share. Each gives NULL or a sentence; each looks only at memory
 * of its own process and at nothing behind the length that it was told.
 */
#include "contract/message.h"

struct contract_body {
	const struct contract_object *object;
	enum contract_type type;
	const uint8_t *bytes; /* the fixed body */
	const uint8_t *tail;
	uint32_t tail_bytes; /* exactly what the body counts: checked before the body's row is asked
			      */
};

/* Length, alignment and the zero field of a header of `room` bytes; the type is not looked at. */
const char *contract_header_check(const struct contract_header *message, size_t room);
/* From `used` to the end: fewer than eight bytes, all zero. */
const char *contract_padding_check(const struct contract_header *message, size_t used);
/* A whole object message, body and tail: what ADD, SET and OBJECT carry. */
const char *contract_object_check(const struct contract_header *message);
/* What DELETE and CONFIRM carry: the key alone. */
const char *contract_key_check(const struct contract_header *message);
/* What LIST carries: the kind alone. */
const char *contract_kind_check(const struct contract_header *message);
const char *contract_sa_check(const struct contract_body *body);
const char *contract_datagram_check(const struct contract_header *message);
const char *contract_capture_check(const struct contract_header *message);
const char *contract_captured_check(const struct contract_header *message);
const char *contract_traced_check(const struct contract_header *message);

bool contract_addr_valid(const struct net_addr *addr);
bool contract_zero(const void *bytes, size_t n);
