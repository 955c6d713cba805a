/*
 * AES-GCM by ipsec-mb's direct calls, an operation at a time with the next ones prefetched.
 */
#include "dataplane/cipher/lane.h"

#include <string.h>

#define AHEAD 4
#define ROUND_KEYS 240
_Static_assert(sizeof(struct gcm_key_data) <= CIPHER_KEY_BYTES, "memory of a key");

/* The caller has just filled in or read the header before the text: only lines behind that one. */
static inline __attribute__((always_inline)) void prefetch_text(const struct cipher_op *op)
{
	for (const uint8_t *at = op->text + 64; at < op->tag; at += 64)
		__builtin_prefetch(at, 1);
}

/*
 * The round keys and those powers of the hash key that a text of this length takes: they stand at
 * the end, the first power last. A short packet needs 7 of the 16 lines.
 */
static inline __attribute__((always_inline)) void prefetch_key(const struct cipher_op *op)
{
	const uint8_t *key = op->key;
	uint32_t powers = (op->length / 16u + 4) * 16;
	uint32_t rest = sizeof(struct gcm_key_data) - ROUND_KEYS;

	for (uint32_t at = 0; at < ROUND_KEYS; at += 64)
		__builtin_prefetch(key + at);
	for (uint32_t at = powers < rest ? rest - powers : 0; at < rest + 63; at += 64)
		__builtin_prefetch(key + ROUND_KEYS + (at < rest ? at : rest - 1));
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
		op->good = cipher_tag_equal(tag, op->tag, op->tag_bytes);
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

/*
 * RFC 4543: nothing is encrypted; ESP header, extended number, IV and payload are what GCM calls
 * additional data, in a row. An extended number goes between SPI and low half: for the time of the
 * call the header moves four bytes into what stands before it.
 */
struct gmac_row {
	uint8_t *start;
	uint64_t length;
	uint8_t saved[12];
};

static void gmac_lay(const struct cipher_op *op, struct gmac_row *row)
{
	uint8_t *esp = op->text - op->head;

	row->start = esp - (op->esn ? 4 : 0);
	row->length = (uint64_t)(op->text + op->length - row->start);
	memcpy(row->saved, esp - 4, sizeof(row->saved));
	memcpy(row->start, op->aad, op->aad_bytes);
}

static void gmac_undo(const struct cipher_op *op, const struct gmac_row *row)
{
	memcpy(op->text - op->head - 4, row->saved, sizeof(row->saved));
}

static void gmac(aes_gcm_enc_dec_t run, struct cipher_lane *lane, struct cipher_op *ops, uint32_t n,
		 bool sealing)
{
	uint8_t none[16];
	uint8_t tag[16];
	struct gmac_row row;

	for (uint32_t i = 0; i < n; i++) {
		struct cipher_op *op = &ops[i];

		prefetch_op(ops, i, n);
		gmac_lay(op, &row);
		run(op->key, &lane->gcm, none, none, 0, op->iv, row.start, row.length, tag,
		    sizeof(tag));
		gmac_undo(op, &row);
		if (sealing)
			memcpy(op->tag, tag, op->tag_bytes);
		else
			op->good = cipher_tag_equal(tag, op->tag, op->tag_bytes);
	}
}

#define GMAC_RUNS(bits)                                                                            \
	static void gmac_seal##bits(struct cipher_lane *lane, struct cipher_op *ops, uint32_t n)   \
	{                                                                                          \
		gmac(lane->mgr->gcm##bits##_enc, lane, ops, n, true);                              \
	}                                                                                          \
	static void gmac_open##bits(struct cipher_lane *lane, struct cipher_op *ops, uint32_t n)   \
	{                                                                                          \
		gmac(lane->mgr->gcm##bits##_enc, lane, ops, n, false);                             \
	}

GMAC_RUNS(128)
GMAC_RUNS(192)
GMAC_RUNS(256)

#define SUITE(bits, kind, seal_run, open_run)                                                      \
	{                                                                                          \
		.cipher = CONTRACT_CIPHER_AES##bits##_##kind,                                      \
		.integrity = CONTRACT_INTEGRITY_NONE, .seal = seal_run, .open = open_run,          \
		.key_bytes = (bits) / 8, .salt_bytes = 4, .iv_bytes = 8, .block = 4,               \
		.tag_bytes = 16, .aead = true,                                                     \
	}

static const struct cipher_suite suites[] = {
	SUITE(128, GCM, seal128, open128),
	SUITE(192, GCM, seal192, open192),
	SUITE(256, GCM, seal256, open256),
	SUITE(128, GMAC, gmac_seal128, gmac_open128),
	SUITE(192, GMAC, gmac_seal192, gmac_open192),
	SUITE(256, GMAC, gmac_seal256, gmac_open256),
};

const struct cipher_suite *cipher_gcm_suite(enum contract_cipher cipher)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (suites[i].cipher == cipher)
			return &suites[i];
	return NULL;
}

void cipher_gcm_expand(struct cipher_lane *lane, const struct cipher_suite *suite,
		       const uint8_t *key, void *to)
{
	if (suite->key_bytes == 16)
		IMB_AES128_GCM_PRE(lane->mgr, key, to);
	else if (suite->key_bytes == 24)
		IMB_AES192_GCM_PRE(lane->mgr, key, to);
	else
		IMB_AES256_GCM_PRE(lane->mgr, key, to);
}
