#pragma once
/*
 * DOC: cipher
 *
 * The only door to ipsec-mb. A suite is one cipher with one integrity algorithm; it expands keys
 * into memory of the caller and seals or opens a row of operations in place. Which function does
 * it is fixed when the suite is found, so that a packet meets no switch over algorithms.
 *
 * An operation works on bytes that lie in one piece: head (ESP header and IV, authenticated), text
 * (encrypted), tag. The caller fills it, a run either writes the tag or says whether it was good.
 * Tags are compared in constant time here.
 *
 * The direct calls of ipsec-mb are used for GCM: a job costs 20 to 25 cycles more at every size up
 * to 1420 bytes. Algorithms that gain from several packets at once go through no-check bursts.
 *
 * Threads: a lane belongs to one thread. Suites are constant; expanded keys are read-only.
 */
#include "contract/sa.h"

/* CIPHER_KEY_BYTES: memory of an expanded key, aligned to 64; what ipsec-mb needs (meson.build) */
#define CIPHER_BURST 64 /* operations of a run */

struct cipher_op {
	uint8_t *text;
	uint8_t *tag; /* behind the text */
	const void *key;
	uint16_t length; /* of the text */
	uint8_t head;	 /* bytes before the text that are authenticated */
	uint8_t tag_bytes;
	uint8_t aad_bytes; /* AEAD: 8 or 12 */
	uint8_t esn;	   /* the high half is authenticated behind the text (no AEAD) */
	uint8_t good;	   /* open: the tag held */
	uint8_t zero;
	uint8_t iv[16];	 /* nonce of an AEAD or initial counter block, IV of CBC */
	uint8_t aad[16]; /* SPI, high half (when aad_bytes is 12 or esn is set), low half */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct cipher_op) == 64, "one cache line");

struct cipher_lane;
typedef void (*cipher_run_fn)(struct cipher_lane *lane, struct cipher_op *ops, uint32_t n);

struct cipher_suite {
	enum contract_cipher cipher;
	enum contract_integrity integrity;
	cipher_run_fn seal;
	cipher_run_fn open;
	uint8_t key_bytes; /* without the salt */
	uint8_t salt_bytes;
	uint8_t iv_bytes; /* in the packet */
	uint8_t block;
	uint8_t tag_bytes; /* the default one */
	bool aead;
	bool random_iv; /* CBC: unpredictable */
};

__attribute__((warn_unused_result)) int cipher_lane_new(struct cipher_lane **lane);
void cipher_lane_free(struct cipher_lane *lane);
/* Which code ipsec-mb chose for this machine, for the log. */
const char *cipher_lane_text(const struct cipher_lane *lane);

/* NULL: not supported; `tag_bytes` is one of those that the suite has, or 0. */
const struct cipher_suite *cipher_suite_find(enum contract_cipher cipher,
					     enum contract_integrity integrity, uint8_t tag_bytes);
/* Expands into CIPHER_KEY_BYTES at `to`. */
void cipher_expand(struct cipher_lane *lane, const struct cipher_suite *suite, const uint8_t *key,
		   const uint8_t *integrity_key, void *to);
/* Unpredictable bytes from a generator of the lane (AES-CTR over a random key), never a call. */
void cipher_random(struct cipher_lane *lane, void *to, size_t n);
