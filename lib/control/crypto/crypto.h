#pragma once
/*
 * DOC: crypto, the only door to OpenSSL
 *
 * A struct crypto holds algorithms that were fetched once and contexts that are used again: a
 * fetch or a new context per call costs more than the short HMACs and AEAD runs of a handshake.
 * It is not shared between threads: one per shard, one per helper thread. Nothing here is global.
 *
 * Owner: who called crypto_new(). Every function that takes it may change its contexts, never what
 * the caller sees. Errors of OpenSSL are converted here: -EBADMSG for something a peer got wrong
 * (signature, ICV, public value, encoding), -ENOTSUP for what this OpenSSL does not have, -EIO for
 * a failure of the library itself. Key material is in and out as spans; who owns the bytes wipes
 * them.
 *
 * X25519 is libsodium's where the build found it (x25519.h).
 *
 * Left out on purpose: MD5, DES, DSA, RC4, compression; TLS (its user brings its own context).
 */
#include "base/secret.h"
#include "base/span.h"

#include <stdbool.h>

struct crypto;

__attribute__((warn_unused_result)) int crypto_new(struct crypto **crypto);
void crypto_free(struct crypto *crypto);

/* Contexts that are used again hold the last key: call it when keys end. */
void crypto_forget(struct crypto *crypto);

/* Bytes that are read one after the other, without being copied together first. */
struct crypto_parts {
	const struct span *p;
	size_t n;
};

#define CRYPTO_PARTS(...)                                                                          \
	((struct crypto_parts){ (const struct span[]){ __VA_ARGS__ },                              \
				sizeof((const struct span[]){ __VA_ARGS__ }) /                     \
					sizeof(struct span) })

/* name, text for people, bytes */
#define CRYPTO_HASHES(X)                                                                           \
	X(SHA1, "sha1", 20)                                                                        \
	X(SHA256, "sha256", 32)                                                                    \
	X(SHA384, "sha384", 48)                                                                    \
	X(SHA512, "sha512", 64)

enum crypto_hash {
	CRYPTO_HASH_NONE,
#define X(name, text, size) CRYPTO_HASH_##name,
	CRYPTO_HASHES(X)
#undef X
		CRYPTO_HASH_COUNT
};

#define CRYPTO_HASH_MAX 64

size_t crypto_hash_size(enum crypto_hash hash);
const char *crypto_hash_text(enum crypto_hash hash);
__attribute__((warn_unused_result)) int crypto_hash(struct crypto *crypto, enum crypto_hash hash,
						    struct crypto_parts parts, uint8_t *out);
