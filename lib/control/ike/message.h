#pragma once
/*
 * DOC: messages
 *
 * Decoding is pure: bytes to a plain struct whose spans point into the bytes. The steps of a
 * received datagram:
 *
 *     ike_header_decode()    length, version, SPI, exchange, flags: enough to find the IKE SA
 *     ike_message_decode()   the outer payload chain
 *     ike_sk_open()          sk.h: checks the ICV, decrypts in place, appends the inner payloads
 *     ike_message_check()    legality: exchange, direction, encrypted or not, how often; critical
 *                            unknown payloads
 *     ike_..._decode()       payload.h, one payload at a time
 *
 * Order of payloads is not checked (RFC 7296 section 2.5 asks to accept any).
 */
#include "base/span.h"
#include "control/ike/constants.h"
#include "control/ike/error.h"

#include <stdbool.h>
#include <stddef.h>

#define IKE_HEADER_BYTES 28
#define IKE_PAYLOAD_HEADER_BYTES 4
#define IKE_NON_ESP_MARKER_BYTES 4
#define IKE_PAYLOADS_MAX 96
#define IKE_MESSAGE_MAX 65535

struct ike_header {
	uint64_t spi_i; /* as a number, host order */
	uint64_t spi_r;
	uint8_t next_payload;
	uint8_t major;
	uint8_t minor;
	uint8_t exchange;
	uint8_t flags;
	uint32_t message_id;
	uint32_t length;
};

struct ike_payload {
	uint8_t type;
	bool critical;
	bool encrypted;
	struct span body; /* without the generic header */
};

struct ike_message {
	struct span bytes; /* the whole message, without the non-ESP marker */
	struct ike_header header;
	uint16_t count;
	struct ike_payload payloads[IKE_PAYLOADS_MAX];
	uint8_t sk_type;     /* IKE_PAYLOAD_SK, IKE_PAYLOAD_SKF or 0 */
	uint8_t sk_next;     /* first inner payload */
	struct span sk_body; /* after its generic header (SKF: with number and total) */
	uint16_t sk_number;  /* SKF */
	uint16_t sk_total;
	uint8_t unknown_critical; /* type for UNSUPPORTED_CRITICAL_PAYLOAD */
};

static inline bool ike_header_is_response(const struct ike_header *header)
{
	return header->flags & IKE_FLAG_RESPONSE;
}

/* Sent by the original initiator of the IKE SA. */
static inline bool ike_header_is_initiator(const struct ike_header *header)
{
	return header->flags & IKE_FLAG_INITIATOR;
}

/*
 * IKE_ERROR_MAJOR_VERSION comes with a decoded header, so that the caller can answer (or hand the
 * datagram to IKEv1). Every other error leaves *header zero.
 */
enum ike_error ike_header_decode(struct span datagram, struct ike_header *header);
enum ike_error ike_message_decode(struct span datagram, struct ike_message *message);
/* For sk.h and for reassembled messages: appends a chain that was encrypted. */
enum ike_error ike_message_append(struct ike_message *message, uint8_t first, struct span inner);
enum ike_error ike_message_check(struct ike_message *message);

/* The first payload of this type, or NULL. */
const struct ike_payload *ike_message_find(const struct ike_message *message, uint8_t type);
/* The next one after `after` (NULL: the first). */
const struct ike_payload *ike_message_next(const struct ike_message *message, uint8_t type,
					   const struct ike_payload *after);

/* What a datagram on port 4500 is (RFC 3948 section 2.2 and 2.3). */
enum ike_natt { IKE_NATT_IKE, IKE_NATT_ESP, IKE_NATT_KEEPALIVE, IKE_NATT_SHORT };
/* IKE: *message is the datagram without its marker. */
enum ike_natt ike_natt_classify(struct span datagram, struct span *message);
