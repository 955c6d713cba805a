#pragma once
/*
 * DOC: key exchange
 *
 * Groups have the numbers of the IANA registry (Transform Type 4). A crypto_dh is one fresh
 * private value for one exchange: it computes once, then it is freed; a second compute is -EINVAL,
 * so that a key cannot be used again by accident. Public values are what the KE payload carries
 * (RFC 5903: x and y without a leading byte).
 *
 * Every public value of a peer is checked in crypto_dh_compute() as RFC 6989 says: MODP 1 < r <
 * p - 1, with the subgroup test for group 24; ECP length, field and curve; X25519 and X448 a result
 * that is not zero (RFC 8031).
 *
 * An exchange that waits can be kept as plain data: crypto_dh_export() and crypto_dh_import().
 * A compute may run on another thread with that thread's struct crypto: struct crypto_dh_job is
 * the request and its completion, and nobody touches the job in between.
 */
#include "control/crypto/crypto.h"

#define CRYPTO_DH_PUBLIC_MAX 1024 /* group 18 */
#define CRYPTO_DH_SHARED_MAX 1024

struct crypto_dh;

bool crypto_dh_supported(struct crypto *crypto, uint16_t group);
size_t crypto_dh_public_size(uint16_t group); /* 0: unknown group */
const char *crypto_dh_text(uint16_t group);   /* "x25519"; "?" for an unknown group */

__attribute__((warn_unused_result)) int crypto_dh_new(struct crypto *crypto, uint16_t group,
						      struct crypto_dh **dh);
void crypto_dh_free(struct crypto_dh *dh); /* wipes; NULL is fine */
uint16_t crypto_dh_group(const struct crypto_dh *dh);
struct span crypto_dh_public(const struct crypto_dh *dh);

/* -EBADMSG: the peer's value is not a public value of this group. */
__attribute__((warn_unused_result)) int crypto_dh_compute(struct crypto *crypto,
							  struct crypto_dh *dh, struct span peer,
							  struct secret *shared);

__attribute__((warn_unused_result)) int crypto_dh_export(const struct crypto_dh *dh,
							 struct secret *private_value);
__attribute__((warn_unused_result)) int crypto_dh_import(struct crypto *crypto, uint16_t group,
							 struct span private_value,
							 struct span public_value,
							 struct crypto_dh **dh);

struct crypto_dh_job {
	struct crypto_dh *dh; /* NULL: make one for `group` first (both sides of a responder) */
	uint16_t group;
	uint8_t peer[CRYPTO_DH_PUBLIC_MAX];
	uint16_t peer_len; /* 0: only make the key */
	uint64_t token;	   /* the engine's */
	int error;	   /* result: 0, or as crypto_dh_new() and crypto_dh_compute() */
	struct secret shared;
};

void crypto_dh_job_run(struct crypto *crypto, struct crypto_dh_job *job);
