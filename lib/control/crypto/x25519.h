#pragma once
/*
 * X25519 (RFC 7748) by libsodium. OpenSSL 3.0 makes a key pair with 25-bit limbs in plain C, which
 * costs more than the shared secret itself: of a handshake with a pre-shared key it is two fifths.
 * libsodium has 51-bit limbs for it, AVX for the ladder, and no objects around either.
 *
 * A build without libsodium leaves the group to OpenSSL; nothing else is different.
 */
#include "control/crypto/crypto.h"

#define X25519_BYTES 32

bool x25519_here(void); /* false: OpenSSL does it */

/* A fresh private value and its public one. */
__attribute__((warn_unused_result)) int x25519_make(struct secret *private_value,
						    uint8_t public_value[X25519_BYTES]);
/* -EBADMSG: the result is zero (RFC 8031 section 5). */
__attribute__((warn_unused_result)) int x25519_compute(const struct secret *private_value,
						       const uint8_t peer[X25519_BYTES],
						       uint8_t shared[X25519_BYTES]);
