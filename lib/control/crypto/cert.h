#pragma once
/*
 * DOC: certificates
 *
 * A crypto_cert is one parsed X.509 certificate, reference counted. A crypto_trust is a set of
 * anchors with the CRLs that belong to them; it is built once from configuration and only read
 * afterwards. A chain check never asks the network: intermediates come from the peer or from
 * configuration, CRLs from files (a fetch of a URL in a peer's certificate is an attacker's tool).
 *
 * Identities are compared with the subject and the subjectAltName only; the common name is no
 * host name (RFC 6125).
 */
#include "control/crypto/key.h"

#define CRYPTO_CHAIN_MAX 8 /* certificates between leaf and anchor, both included */

struct crypto_cert;
struct crypto_trust;

/* One certificate, DER or PEM; -EBADMSG also for a key that crypto_key refuses. */
__attribute__((warn_unused_result)) int crypto_cert_load(struct span bytes,
							 struct crypto_cert **cert);
/* PEM text, or base64 of the DER with or without line ends. -EBADMSG. */
__attribute__((warn_unused_result)) int crypto_cert_load_text(const char *text,
							      struct crypto_cert **cert);
/* Every certificate of a PEM file in order; *count is the room, then the number. */
__attribute__((warn_unused_result)) int crypto_cert_load_all(struct span pem,
							     struct crypto_cert **certs,
							     size_t *count);
/*
 * The same for one certificate in DER, out of the certificates that crypto_cert_remember() was
 * given; a new one is parsed and not remembered. OpenSSL 3.0 needs 140 us to parse a certificate:
 * twice the check of its signature.
 */
__attribute__((warn_unused_result)) int crypto_cert_load_known(struct crypto *crypto,
							       struct span der,
							       struct crypto_cert **cert);
/*
 * For a certificate whose chain was good: a stranger must not fill the memory. The 1,024 used last
 * are kept; a failure to keep one is no failure.
 */
void crypto_cert_remember(struct crypto *crypto, struct crypto_cert *cert);
struct crypto_cert *crypto_cert_get(struct crypto_cert *cert);
void crypto_cert_put(struct crypto_cert *cert);

struct span crypto_cert_der(const struct crypto_cert *cert);
struct span crypto_cert_subject(const struct crypto_cert *cert);    /* DER of the name */
struct crypto_key *crypto_cert_key(const struct crypto_cert *cert); /* borrowed */
/* SHA-1 of the SubjectPublicKeyInfo: what CERTREQ lists (RFC 7296 section 3.7). */
void crypto_cert_key_id(const struct crypto_cert *cert, uint8_t id[20]);
/* Seconds since 1970. */
int64_t crypto_cert_not_before(const struct crypto_cert *cert);
int64_t crypto_cert_not_after(const struct crypto_cert *cert);
bool crypto_cert_self_signed(const struct crypto_cert *cert);
/* The subject as text, attributes in the order of the DER, cut to size; returns buf. */
const char *crypto_cert_text(const struct crypto_cert *cert, char *buf, size_t size);

enum crypto_san { CRYPTO_SAN_DNS, CRYPTO_SAN_EMAIL, CRYPTO_SAN_IP, CRYPTO_SAN_DN };
/* DNS and mail without regard to case, no wildcard on the certificate's side; IP: 4 or 16 bytes. */
bool crypto_cert_has_san(const struct crypto_cert *cert, enum crypto_san kind, struct span value);

/* Distinguished names: text ("CN=gw, O=x") to DER and back; compare as X.509 does. */
__attribute__((warn_unused_result)) int crypto_dn_parse(const char *text, uint8_t *der, size_t *n);
const char *crypto_dn_text(struct span der, char *buf, size_t size);
bool crypto_dn_valid(struct span der);
bool crypto_dn_equal(struct span a, struct span b);
/* Attribute by attribute in order; a pattern value of "*" matches any value. */
bool crypto_dn_matches(struct span pattern, struct span der);
/* The same with a pattern as text; one without "=" is the common name. */
bool crypto_dn_matches_text(const char *pattern, struct span der);

/* reason, sentence */
#define CRYPTO_CHAIN_RESULTS(X)                                                                    \
	X(OK, "the chain is good")                                                                 \
	X(UNTRUSTED, "no chain to a trusted root")                                                 \
	X(EXPIRED, "a certificate is expired or not yet valid")                                    \
	X(REVOKED, "a certificate is revoked")                                                     \
	X(NO_CRL, "no valid CRL for a certificate, and the policy demands one")                    \
	X(USAGE, "key usage or extended key usage forbids this use")                               \
	X(CONSTRAINT, "a basic, path length, name or policy constraint is violated")               \
	X(WEAK, "a key or a signature algorithm of the chain is too weak")                         \
	X(SIGNATURE, "a signature of the chain is wrong")                                          \
	X(TOO_LONG, "the chain is too long")                                                       \
	X(MALFORMED, "a certificate of the chain is malformed")                                    \
	X(INTERNAL, "the check itself failed")

enum crypto_chain_result {
#define X(name, sentence) CRYPTO_CHAIN_##name,
	CRYPTO_CHAIN_RESULTS(X)
#undef X
		CRYPTO_CHAIN_COUNT
};

const char *crypto_chain_text(enum crypto_chain_result result);

enum crypto_purpose { CRYPTO_PURPOSE_IKE, CRYPTO_PURPOSE_TLS_CLIENT, CRYPTO_PURPOSE_TLS_SERVER };

struct crypto_chain_check {
	const struct crypto_trust *trust;
	struct crypto_cert *leaf;
	struct crypto_cert *const *others; /* from the peer and from configuration */
	size_t other_count;
	int64_t now_s;
	enum crypto_purpose purpose;
	bool crl_required;
};

__attribute__((warn_unused_result)) int crypto_trust_new(struct crypto_trust **trust);
void crypto_trust_free(struct crypto_trust *trust);
__attribute__((warn_unused_result)) int crypto_trust_add_anchor(struct crypto_trust *trust,
								struct crypto_cert *cert);
/* Not trusted by itself: completes the chain of a peer that sends its leaf alone. */
__attribute__((warn_unused_result)) int crypto_trust_add_intermediate(struct crypto_trust *trust,
								      struct crypto_cert *cert);
/* PEM (several) or DER. */
__attribute__((warn_unused_result)) int crypto_trust_add_crl(struct crypto_trust *trust,
							     struct span bytes);
/* The i-th anchor, or NULL: for CERTREQ. */
struct crypto_cert *crypto_trust_anchor(const struct crypto_trust *trust, size_t index);
enum crypto_chain_result crypto_chain_check(const struct crypto_chain_check *check);
