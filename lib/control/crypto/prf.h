#pragma once
/*
 * Pseudo-random functions of IKE (RFC 7296 section 2.13, RFC 4434, RFC 4615) and prf+.
 */
#include "control/crypto/crypto.h"

/* name, text for people, output bytes, preferred key bytes */
#define CRYPTO_PRFS(X)                                                                             \
	X(HMAC_SHA1, "hmac-sha1", 20, 20)                                                          \
	X(HMAC_SHA256, "hmac-sha256", 32, 32)                                                      \
	X(HMAC_SHA384, "hmac-sha384", 48, 48)                                                      \
	X(HMAC_SHA512, "hmac-sha512", 64, 64)                                                      \
	X(AES_XCBC, "aes-xcbc", 16, 16)                                                            \
	X(AES_CMAC, "aes-cmac", 16, 16)

enum crypto_prf {
	CRYPTO_PRF_NONE,
#define X(name, text, size, key) CRYPTO_PRF_##name,
	CRYPTO_PRFS(X)
#undef X
		CRYPTO_PRF_COUNT
};

#define CRYPTO_PRF_MAX 64

size_t crypto_prf_size(enum crypto_prf prf);
size_t crypto_prf_key_size(enum crypto_prf prf); /* preferred, RFC 7296 section 2.14 */
const char *crypto_prf_text(enum crypto_prf prf);

/* The key may have any length; the block ciphers shorten or pad it as their RFC says. */
__attribute__((warn_unused_result)) int crypto_prf(struct crypto *crypto, enum crypto_prf prf,
						   struct span key, struct crypto_parts parts,
						   uint8_t *out);
/* out has any length up to 255 outputs of the PRF (RFC 7296 section 2.13); -EINVAL above. */
__attribute__((warn_unused_result)) int crypto_prf_plus(struct crypto *crypto, enum crypto_prf prf,
							struct span key, struct crypto_parts seed,
							uint8_t *out, size_t n);
