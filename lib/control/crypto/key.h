#pragma once
/*
 * DOC: signature keys
 *
 * A crypto_key is a private or public key of a kind that IKE signs with: RSA of at least 2048 bits
 * and an odd public exponent above 2, ECDSA on P-256, P-384 and P-521, Ed25519. Anything else is
 * refused when it is loaded, so that no odd key reaches a signature check.
 *
 * Schemes are exact: PSS has the hash of the message for MGF1 and a salt of the hash's length, and
 * nothing else is accepted. ECDSA signatures come in two forms: DER (RFC 7427) and r|s of fixed
 * length (RFC 4754).
 */
#include "control/crypto/crypto.h"

#define CRYPTO_SIGNATURE_MAX 1024 /* RSA 8192 */

enum crypto_key_kind {
	CRYPTO_KEY_RSA = 1,
	CRYPTO_KEY_ECDSA_P256,
	CRYPTO_KEY_ECDSA_P384,
	CRYPTO_KEY_ECDSA_P521,
	CRYPTO_KEY_ED25519,
};

enum crypto_scheme {
	CRYPTO_SCHEME_NONE,
	CRYPTO_RSA_PKCS1,
	CRYPTO_RSA_PSS,
	CRYPTO_ECDSA_DER,
	CRYPTO_ECDSA_RAW,
	CRYPTO_EDDSA, /* Ed25519; the hash is CRYPTO_HASH_NONE ("identity", RFC 8420) */
};

struct crypto_key;

/* PEM or DER, PKCS#8 or the older forms, encrypted PEM with `passphrase` (NULL: none). */
__attribute__((warn_unused_result)) int crypto_key_load(struct span bytes, const char *passphrase,
							struct crypto_key **key);
/* A SubjectPublicKeyInfo, PEM or DER. */
__attribute__((warn_unused_result)) int crypto_key_load_public(struct span bytes,
							       struct crypto_key **key);
struct crypto_key *crypto_key_get(struct crypto_key *key); /* reference counted */
void crypto_key_put(struct crypto_key *key);

enum crypto_key_kind crypto_key_kind(const struct crypto_key *key);
uint16_t crypto_key_bits(const struct crypto_key *key);
bool crypto_key_same(const struct crypto_key *a, const struct crypto_key *b); /* public halves */
/* Whether this kind of key can make a signature of that scheme with that hash. */
bool crypto_key_can(const struct crypto_key *key, enum crypto_scheme scheme, enum crypto_hash hash);

struct crypto_signing {
	const struct crypto_key *key;
	enum crypto_scheme scheme;
	enum crypto_hash hash;
};

/* *n is the room at `out` (CRYPTO_SIGNATURE_MAX is enough), then the length. */
__attribute__((warn_unused_result)) int crypto_sign(struct crypto *crypto,
						    const struct crypto_signing *with,
						    struct crypto_parts parts, uint8_t *out,
						    size_t *n);
/* -EBADMSG for every wrong signature. */
__attribute__((warn_unused_result)) int crypto_verify(struct crypto *crypto,
						      const struct crypto_signing *with,
						      struct crypto_parts parts,
						      struct span signature);
