#pragma once
/*
 * A control for tests: objects as lines of text, one request a line. See the help in
 * contractctl.c.
 */
#include "contract/channel.h"
#include "contract/counters.h"

struct line {
	char *words[64];
	int count;
};

/* One object message (header, object, body, tail, opaque, padding) of "KIND key=value ...". */
int fields_build(uint8_t *to, size_t size, enum contract_type type, const struct line *line,
		 int first, uint32_t session);
enum contract_kind fields_kind(const char *name);
/* The value of "key=" in the words, or NULL. */
const char *fields_value(const struct line *line, const char *key);
uint64_t fields_number(const struct line *line, const char *key, uint64_t otherwise);
int fields_hex(uint8_t *to, size_t size, const char *text);

void print_object(const struct contract_header *message);
void print_event(const struct contract_header *message);
void print_counters(const struct contract_counters *counters, const char *section);
