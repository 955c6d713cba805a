#pragma once
/*
 * Decoders of single payloads: the body without its generic header to a plain struct with spans
 * into it. Every count and length is checked against the body; a span may be empty where the RFC
 * allows it.
 */
#include "base/cursor.h"
#include "control/ike/message.h"
#include "net/selector.h"

struct ike_ke {
	uint16_t group;
	struct span data;
};
enum ike_error ike_ke_decode(struct span body, struct ike_ke *ke);

struct ike_id_payload {
	uint8_t type;
	struct span data;
	struct span body; /* RestOfIDPayload: what AUTH covers (RFC 7296 section 2.15) */
};
#define IKE_ID_MAX 1024
enum ike_error ike_id_decode(struct span body, struct ike_id_payload *id);

struct ike_cert {
	uint8_t encoding;
	struct span data; /* CERTREQ: authorities, 20 octets each for X509_SIGNATURE */
};
enum ike_error ike_cert_decode(struct span body, struct ike_cert *cert);
enum ike_error ike_certreq_decode(struct span body, struct ike_cert *certreq);

struct ike_auth_payload {
	uint8_t method;
	struct span data;
};
enum ike_error ike_auth_decode(struct span body, struct ike_auth_payload *auth);

/* Size only: 16 to 256 octets (section 2.10). Half the PRF's key is checked once it is known. */
enum ike_error ike_nonce_decode(struct span body, struct span *nonce);

struct ike_notify {
	uint8_t protocol;
	uint16_t type;
	struct span spi;
	struct span data;
};
/* Known types must have the size of data and SPI that their RFC gives. */
enum ike_error ike_notify_decode(struct span body, struct ike_notify *notify);
/* The first notify of this type in a message; IKE_ERROR_PAYLOAD_MISSING without one. */
enum ike_error ike_notify_find(const struct ike_message *message, uint16_t type,
			       struct ike_notify *notify);
bool ike_notify_has(const struct ike_message *message, uint16_t type);
/* The first error notify (type below 16384), or 0. */
uint16_t ike_notify_first_error(const struct ike_message *message, struct ike_notify *notify);

struct ike_delete {
	uint8_t protocol;
	uint8_t spi_size; /* 0 for IKE, 4 for ESP and AH */
	uint16_t count;
	struct span spis;
};
enum ike_error ike_delete_decode(struct span body, struct ike_delete *del);
static inline uint32_t ike_delete_spi(const struct ike_delete *del, uint16_t i)
{
	struct cursor c = cursor_of(del->spis.p + 4 * (size_t)i, 4);

	return cursor_u32(&c);
}

#define IKE_TS_MAX 255
struct ike_ts {
	uint8_t count;	 /* selectors of types we know */
	uint8_t unknown; /* types we do not know, skipped (section 3.13.1) */
	struct net_selector selectors[IKE_TS_MAX];
};
enum ike_error ike_ts_decode(struct span body, struct ike_ts *ts);

struct ike_cp {
	uint8_t type;
	struct span attributes;
};
struct ike_cp_attribute {
	uint16_t type;
	struct span value;
};
enum ike_error ike_cp_decode(struct span body, struct ike_cp *cp);
/* Walks cp.attributes: start with a cursor over them; false at the end. */
bool ike_cp_next(struct cursor *attributes, struct ike_cp_attribute *attribute);

struct ike_eap {
	uint8_t code;
	uint8_t identifier;
	uint8_t type;	   /* 0 for Success and Failure */
	struct span data;  /* after the type */
	struct span bytes; /* the whole EAP message */
};
enum ike_error ike_eap_decode(struct span body, struct ike_eap *eap);

/* SIGNATURE_HASH_ALGORITHMS data to a set of 1 << enum ike_signature_hash. */
uint32_t ike_signature_hashes_decode(struct span data);
