#pragma once
/*
 * What a lane consists of; only files of this folder see ipsec-mb.
 */
#include "dataplane/cipher/cipher.h"

#include <intel-ipsec-mb.h>

#define LANE_RANDOM 2048

struct cipher_lane {
	struct gcm_context_data gcm;
	IMB_MGR *mgr;
	struct gcm_key_data *random_key;
	uint64_t random_nonce;
	uint32_t random_left;
	uint8_t random[LANE_RANDOM];
} __attribute__((aligned(64)));

/* One file each; NULL: not of this file. */
const struct cipher_suite *cipher_gcm_suite(enum contract_cipher cipher);
void cipher_gcm_expand(struct cipher_lane *lane, const struct cipher_suite *suite,
		       const uint8_t *key, void *to);
const struct cipher_suite *cipher_jobs_suite(enum contract_cipher cipher,
					     enum contract_integrity integrity);
void cipher_jobs_expand(struct cipher_lane *lane, const struct cipher_suite *suite,
			const uint8_t *key, const uint8_t *integrity_key, void *memory);

static inline bool cipher_tag_equal16(const uint8_t *a, const uint8_t *b)
{
	uint64_t x[2];
	uint64_t y[2];

	__builtin_memcpy(x, a, sizeof(x));
	__builtin_memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

/* Constant time: no early exit, no branch on the bytes. Tags are whole 32-bit words. */
static inline bool cipher_tag_equal(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	uint32_t differ = 0;
	uint32_t x;
	uint32_t y;

	if (__builtin_expect(n == 16, 1))
		return cipher_tag_equal16(a, b);
	for (uint32_t i = 0; i < n; i += sizeof(x)) {
		__builtin_memcpy(&x, a + i, sizeof(x));
		__builtin_memcpy(&y, b + i, sizeof(y));
		differ |= x ^ y;
	}
	return differ == 0;
}
