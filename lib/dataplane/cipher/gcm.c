/*
 * AES-GCM by ipsec-mb's direct calls, an operation at a time with the next ones prefetched.
 */
#include "dataplane/cipher/lane.h"

#include <string.h>

#define AHEAD 4

static inline __attribute__((always_inline)) void prefetch_text(const struct cipher_op *op)
{
	for (uint32_t at = 0; at < op->length; at += 64)
		__builtin_prefetch(op->text + at, 1);
}

/* All of a key schedule: 16 lines, most of which a short packet reads too. */
static inline __attribute__((always_inline)) void prefetch_key(const struct cipher_op *op)
{
	const uint8_t *key = op->key;

	for (uint32_t at = 0; at < sizeof(struct gcm_key_data); at += 64)
		__builtin_prefetch(key + at);
}

static inline __attribute__((always_inline)) void prefetch_op(const struct cipher_op *ops,
							      uint32_t i, uint32_t n)
{
	if (i + AHEAD >= n)
		return;
	prefetch_text(&ops[i + AHEAD]);
	if (ops[i + AHEAD].key != ops[i + AHEAD - 1].key)
		prefetch_key(&ops[i + AHEAD]);
}

static inline __attribute__((always_inline)) void seal(aes_gcm_enc_dec_t enc,
						       struct cipher_lane *lane,
						       struct cipher_op *ops, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct cipher_op *op = &ops[i];

		prefetch_op(ops, i, n);
		enc(op->key, &lane->gcm, op->text, op->text, op->length, op->iv, op->aad,
		    op->aad_bytes, op->tag, op->tag_bytes);
	}
}

static inline __attribute__((always_inline)) bool tag16_equal(const uint8_t *a, const uint8_t *b)
{
	uint64_t x[2];
	uint64_t y[2];

	memcpy(x, a, 16);
	memcpy(y, b, 16);
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

static inline __attribute__((always_inline)) void open_(aes_gcm_enc_dec_t dec,
							struct cipher_lane *lane,
							struct cipher_op *ops, uint32_t n)
{
	uint8_t tag[16];

	for (uint32_t i = 0; i < n; i++) {
		struct cipher_op *op = &ops[i];

		prefetch_op(ops, i, n);
		dec(op->key, &lane->gcm, op->text, op->text, op->length, op->iv, op->aad,
		    op->aad_bytes, tag, op->tag_bytes);
		op->good = op->tag_bytes == 16 ? tag16_equal(tag, op->tag)
					       : cipher_tag_equal(tag, op->tag, op->tag_bytes);
	}
}

#define RUNS(bits)                                                                                 \
	static void seal##bits(struct cipher_lane *lane, struct cipher_op *ops, uint32_t n)        \
	{                                                                                          \
		seal(lane->mgr->gcm##bits##_enc, lane, ops, n);                                    \
	}                                                                                          \
	static void open##bits(struct cipher_lane *lane, struct cipher_op *ops, uint32_t n)        \
	{                                                                                          \
		open_(lane->mgr->gcm##bits##_dec, lane, ops, n);                                   \
	}

RUNS(128)
RUNS(192)
RUNS(256)

#define SUITE(bits)                                                                                \
	{                                                                                          \
		.cipher = CONTRACT_CIPHER_AES##bits##_GCM, .integrity = CONTRACT_INTEGRITY_NONE,   \
		.seal = seal##bits, .open = open##bits, .key_bytes = (bits) / 8, .salt_bytes = 4,  \
		.iv_bytes = 8, .block = 4, .tag_bytes = 16, .aead = true,                          \
	}

static const struct cipher_suite suites[] = { SUITE(128), SUITE(192), SUITE(256) };

const struct cipher_suite *cipher_gcm_suite(enum contract_cipher cipher)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (suites[i].cipher == cipher)
			return &suites[i];
	return NULL;
}

void cipher_gcm_expand(struct cipher_lane *lane, enum contract_cipher cipher, const uint8_t *key,
		       void *to)
{
	if (cipher == CONTRACT_CIPHER_AES128_GCM)
		IMB_AES128_GCM_PRE(lane->mgr, key, to);
	else if (cipher == CONTRACT_CIPHER_AES192_GCM)
		IMB_AES192_GCM_PRE(lane->mgr, key, to);
	else
		IMB_AES256_GCM_PRE(lane->mgr, key, to);
}
