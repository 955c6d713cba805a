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

/* Every row of operations of an algorithm: one file each. */
const struct cipher_suite *cipher_gcm_suite(enum contract_cipher cipher);
void cipher_gcm_expand(struct cipher_lane *lane, enum contract_cipher cipher, const uint8_t *key,
		       void *to);

/* Constant time: no early exit, no branch on the bytes. */
static inline bool cipher_tag_equal(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	uint8_t differ = 0;

	for (uint32_t i = 0; i < n; i++)
		differ |= a[i] ^ b[i];
	return differ == 0;
}
