#pragma once
/*
 * Identities: what IDi and IDr carry, how configuration writes them, how they are compared; and the
 * octets of a pre-shared key.
 */
#include "control/crypto/cert.h"
#include "control/ike/payload.h"

struct ike_id {
	uint8_t type; /* enum ike_id_type; 0: any (the pattern "*") */
	uint16_t size;
	uint8_t *data; /* one allocation */
};

#define IKE_ID_TEXT 300

/*
 * "203.0.113.1", "2001:db8::1", "gw.example", "user@example", "CN=gw, O=x", "keyid:hex",
 * "fqdn:text", "email:text", "dn:text" and "*". -EINVAL, -ENOMEM.
 */
__attribute__((warn_unused_result)) int ike_id_parse(struct ike_id *id, const char *text);
__attribute__((warn_unused_result)) int ike_id_set(struct ike_id *id, uint8_t type,
						   struct span data);
void ike_id_fini(struct ike_id *id);
static inline struct span ike_id_span(const struct ike_id *id)
{
	return (struct span){ .p = id->data, .n = id->size };
}
/* Printable and cut, for people; as a value in a log line it goes through log_text() too. */
const char *ike_id_text(char buf[IKE_ID_TEXT], uint8_t type, struct span data);
bool ike_id_equal(const struct ike_id *id, uint8_t type, struct span data);
/*
 * A pattern: "*" is anything, "*.example.com" every name below it, "*@example.com" every mail
 * address there, a DN with "*" values. Names compare without regard to case.
 */
bool ike_id_matches(const struct ike_id *pattern, uint8_t type, struct span data);
/* The certificate names this identity: DN as subject or SAN, the others as SAN only. */
bool ike_id_in_cert(uint8_t type, struct span data, const struct crypto_cert *cert);

/* "0x" and an even number of hex digits are octets, anything else its own bytes. */
__attribute__((warn_unused_result)) int ike_psk_octets(struct secret *psk, const char *text);
