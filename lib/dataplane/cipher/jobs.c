/*
 * Everything that is no GCM, by ipsec-mb's jobs in bursts without checks: CBC, CTR and NULL with a
 * hash, ChaCha20-Poly1305, CCM. An expanded key begins with its recipe, so that one row may mix
 * algorithms and a packet meets no switch.
 *
 * From ipsec-mb 1.4 on a job of a burst carries the number of its suite; it is asked for once a
 * key.
 */
#include "dataplane/cipher/lane.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define TAG_MAX 32
#define START 192 /* bytes of a text that are fetched ahead */
#define SUITE_NUMBERS (IMB_VERSION_NUM >= IMB_VERSION(1, 4, 0))

struct recipe {
	IMB_CIPHER_MODE mode;
	IMB_HASH_ALG hash;
	uint8_t key_bytes;
	uint8_t iv_bytes; /* that the job wants */
	bool aead;
#if SUITE_NUMBERS
	uint32_t suite[2][2]; /* by IMB_CIPHER_DIRECTION - 1 */
#endif
};

struct hmac_key {
	uint8_t inner[64] __attribute__((aligned(16)));
	uint8_t outer[64] __attribute__((aligned(16)));
};

struct job_key {
	struct recipe recipe;
	const void *des_ptr[3];
	union {
		struct {
			uint8_t enc[240]
				__attribute__((aligned(16))); /* ChaCha20: the key itself */
			uint8_t dec[240] __attribute__((aligned(16)));
		};
		uint64_t des[3][16];
	};
	union {
		struct hmac_key hmac;
		uint8_t cmac[3][176] __attribute__((aligned(16))); /* k1, k2, k3 */
	};
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct job_key) <= CIPHER_KEY_BYTES, "memory of a key");

struct tags {
	uint8_t made[CIPHER_BURST][TAG_MAX];
	uint32_t first[CIPHER_BURST]; /* words of received tags that an extended number covers */
};

static void job_hash(IMB_JOB *job, const struct job_key *key, const struct cipher_op *op)
{
	switch (key->recipe.hash) {
	case IMB_AUTH_CHACHA20_POLY1305:
		job->u.CHACHA20_POLY1305.aad = op->aad;
		job->u.CHACHA20_POLY1305.aad_len_in_bytes = op->aad_bytes;
		break;
	case IMB_AUTH_AES_CCM:
		job->u.CCM.aad = op->aad;
		job->u.CCM.aad_len_in_bytes = op->aad_bytes;
		break;
	case IMB_AUTH_AES_XCBC:
		job->u.XCBC._k1_expanded = (const uint32_t *)key->cmac[0];
		job->u.XCBC._k2 = key->cmac[1];
		job->u.XCBC._k3 = key->cmac[2];
		break;
	case IMB_AUTH_AES_CMAC:
		job->u.CMAC._key_expanded = key->cmac[0];
		job->u.CMAC._skey1 = key->cmac[1];
		job->u.CMAC._skey2 = key->cmac[2];
		break;
	default:
		job->u.HMAC._hashed_auth_key_xor_ipad = key->hmac.inner;
		job->u.HMAC._hashed_auth_key_xor_opad = key->hmac.outer;
	}
}

static void job_fill(IMB_JOB *job, struct cipher_op *op, bool seal, uint8_t *tag)
{
	const struct job_key *key = op->key;
	const struct recipe *r = &key->recipe;
	uint32_t head = r->aead ? 0 : op->head;
	bool des = r->mode == IMB_CIPHER_DES3;

	job->enc_keys = des ? (const void *)key->des_ptr : key->enc;
	job->dec_keys = des ? (const void *)key->des_ptr : key->dec;
	job->key_len_in_bytes = r->key_bytes;
	job->src = op->text - head;
	job->dst = op->text;
	job->cipher_start_src_offset_in_bytes = head;
	job->msg_len_to_cipher_in_bytes = op->length;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_hash_in_bytes = head + op->length + (r->aead || !op->esn ? 0u : 4u);
	job->iv = op->iv;
	job->iv_len_in_bytes = r->iv_bytes;
	job->auth_tag_output = tag;
	job->auth_tag_output_len_in_bytes = op->tag_bytes;
	job->cipher_mode = r->mode;
	job->hash_alg = r->hash;
	job->cipher_direction = seal ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
	job->chain_order = seal ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	if (r->mode == IMB_CIPHER_CCM) /* the tag is over the plain text */
		job->chain_order = seal ? IMB_ORDER_HASH_CIPHER : IMB_ORDER_CIPHER_HASH;
	job_hash(job, key, op);
#if SUITE_NUMBERS
	memcpy(job->suite_id, r->suite[job->cipher_direction - 1], sizeof(job->suite_id));
#endif
}

static bool esn_covers(const struct cipher_op *op)
{
	return op->esn && !((const struct job_key *)op->key)->recipe.aead;
}

/* RFC 4303 section 3.3.2.1: the high half is authenticated where the ICV stands. */
static void esn_put(const struct cipher_op *op, uint32_t *was)
{
	if (!esn_covers(op))
		return;
	memcpy(was, op->tag, sizeof(*was));
	memcpy(op->tag, op->aad + 4, 4);
}

static bool tag_good(struct cipher_op *op, const uint8_t *made, uint32_t was)
{
	if (esn_covers(op))
		memcpy(op->tag, &was, sizeof(was));
	return cipher_tag_equal(made, op->tag, op->tag_bytes);
}

static void run_burst(struct cipher_lane *lane, IMB_JOB **jobs, uint32_t n)
{
	uint32_t done = IMB_SUBMIT_BURST_NOCHECK(lane->mgr, n, jobs);

	while (done < n) {
		uint32_t more = IMB_FLUSH_BURST(lane->mgr, n - done, jobs);

		if (!more)
			break;
		done += more;
	}
}

/* The first lines of a text; what follows comes by itself once it is read in order. */
static void prefetch_start(const struct cipher_op *op)
{
	for (const uint8_t *at = op->text; at < op->tag && at < op->text + START; at += 64)
		__builtin_prefetch(at, 1);
}

static void run(struct cipher_lane *lane, struct cipher_op *ops, uint32_t n, bool seal)
{
	IMB_JOB *jobs[CIPHER_BURST];
	struct tags tags;
	uint32_t got = 0;

	while (got < n) { /* the ring may end before n jobs */
		uint32_t from = got;
		uint32_t count = IMB_GET_NEXT_BURST(lane->mgr, n - got, jobs);

		if (!count)
			return;
		for (uint32_t i = 0; i < count; i++) {
			struct cipher_op *op = &ops[from + i];

			prefetch_start(op);
			esn_put(op, &tags.first[from + i]);
			job_fill(jobs[i], op, seal, seal ? op->tag : tags.made[from + i]);
		}
		run_burst(lane, jobs, count);
		got += count;
	}
	for (uint32_t i = 0; !seal && i < n; i++)
		ops[i].good = tag_good(&ops[i], tags.made[i], tags.first[i]);
}

static void job_seal(struct cipher_lane *lane, struct cipher_op *ops, uint32_t n)
{
	run(lane, ops, n, true);
}

static void job_open(struct cipher_lane *lane, struct cipher_op *ops, uint32_t n)
{
	run(lane, ops, n, false);
}

/* cipher, integrity, bytes of the tag, then those of key, salt, IV and block; random IV */
#define ROW(c, i, tag, key, salt, iv, blk, random, is_aead)                                        \
	{                                                                                          \
		.cipher = (c), .integrity = CONTRACT_INTEGRITY_##i, .seal = job_seal,              \
		.open = job_open, .key_bytes = key, .salt_bytes = salt, .iv_bytes = iv,            \
		.block = blk, .tag_bytes = tag, .aead = is_aead, .random_iv = random               \
	}
#define ROWS(c, ...)                                                                               \
	ROW(c, SHA1_96, 12, __VA_ARGS__, false), ROW(c, SHA256_128, 16, __VA_ARGS__, false),       \
		ROW(c, SHA384_192, 24, __VA_ARGS__, false),                                        \
		ROW(c, SHA512_256, 32, __VA_ARGS__, false),                                        \
		ROW(c, AES_XCBC_96, 12, __VA_ARGS__, false),                                       \
		ROW(c, AES_CMAC_96, 12, __VA_ARGS__, false)

static const struct cipher_suite rows[] = {
	ROWS(CONTRACT_CIPHER_NULL, 0, 0, 0, 4, false),
	ROWS(CONTRACT_CIPHER_AES128_CBC, 16, 0, 16, 16, true),
	ROWS(CONTRACT_CIPHER_AES192_CBC, 24, 0, 16, 16, true),
	ROWS(CONTRACT_CIPHER_AES256_CBC, 32, 0, 16, 16, true),
	ROWS(CONTRACT_CIPHER_AES128_CTR, 16, 4, 8, 4, false),
	ROWS(CONTRACT_CIPHER_AES192_CTR, 24, 4, 8, 4, false),
	ROWS(CONTRACT_CIPHER_AES256_CTR, 32, 4, 8, 4, false),
	ROWS(CONTRACT_CIPHER_DES3_CBC, 24, 0, 8, 8, true),
	ROW(CONTRACT_CIPHER_CHACHA20_POLY1305, NONE, 16, 32, 4, 8, 4, false, true),
	ROW(CONTRACT_CIPHER_AES128_CCM, NONE, 16, 16, 3, 8, 4, false, true),
	ROW(CONTRACT_CIPHER_AES256_CCM, NONE, 16, 32, 3, 8, 4, false, true),
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

const struct cipher_suite *cipher_jobs_suite(enum contract_cipher cipher,
					     enum contract_integrity integrity)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].cipher == cipher && rows[i].integrity == integrity)
			return &rows[i];
	return NULL;
}

static struct recipe recipe_of(const struct cipher_suite *suite)
{
	static const IMB_HASH_ALG hashes[] = {
		[CONTRACT_INTEGRITY_SHA1_96] = IMB_AUTH_HMAC_SHA_1,
		[CONTRACT_INTEGRITY_SHA256_128] = IMB_AUTH_HMAC_SHA_256,
		[CONTRACT_INTEGRITY_SHA384_192] = IMB_AUTH_HMAC_SHA_384,
		[CONTRACT_INTEGRITY_SHA512_256] = IMB_AUTH_HMAC_SHA_512,
		[CONTRACT_INTEGRITY_AES_XCBC_96] = IMB_AUTH_AES_XCBC,
		[CONTRACT_INTEGRITY_AES_CMAC_96] = IMB_AUTH_AES_CMAC,
	};

	switch (suite->cipher) {
	case CONTRACT_CIPHER_CHACHA20_POLY1305:
		return (struct recipe){ IMB_CIPHER_CHACHA20_POLY1305, IMB_AUTH_CHACHA20_POLY1305,
					32, 12, true };
	case CONTRACT_CIPHER_AES128_CCM:
		return (struct recipe){ IMB_CIPHER_CCM, IMB_AUTH_AES_CCM, 16, 11, true };
	case CONTRACT_CIPHER_AES256_CCM:
		return (struct recipe){ IMB_CIPHER_CCM, IMB_AUTH_AES_CCM, 32, 11, true };
	case CONTRACT_CIPHER_AES128_CBC:
	case CONTRACT_CIPHER_AES192_CBC:
	case CONTRACT_CIPHER_AES256_CBC:
		return (struct recipe){ IMB_CIPHER_CBC, hashes[suite->integrity], suite->key_bytes,
					16, false };
	case CONTRACT_CIPHER_AES128_CTR:
	case CONTRACT_CIPHER_AES192_CTR:
	case CONTRACT_CIPHER_AES256_CTR:
		return (struct recipe){ IMB_CIPHER_CNTR, hashes[suite->integrity], suite->key_bytes,
					16, false };
	case CONTRACT_CIPHER_DES3_CBC:
		return (struct recipe){ IMB_CIPHER_DES3, hashes[suite->integrity], 24, 8, false };
	default:
		return (struct recipe){ IMB_CIPHER_NULL, hashes[suite->integrity], 0, 0, false };
	}
}

static void expand_cipher(IMB_MGR *mgr, struct job_key *to, const uint8_t *key)
{
	switch (to->recipe.mode) {
	case IMB_CIPHER_CHACHA20_POLY1305:
		memcpy(to->enc, key, 32);
		return;
	case IMB_CIPHER_DES3:
		for (int i = 0; i < 3; i++) {
			IMB_DES_KEYSCHED(mgr, to->des[i], key + 8 * i);
			to->des_ptr[i] = to->des[i];
		}
		return;
	case IMB_CIPHER_NULL:
		return;
	default:
		if (to->recipe.key_bytes == 16)
			IMB_AES_KEYEXP_128(mgr, key, to->enc, to->dec);
		else if (to->recipe.key_bytes == 24)
			IMB_AES_KEYEXP_192(mgr, key, to->enc, to->dec);
		else
			IMB_AES_KEYEXP_256(mgr, key, to->enc, to->dec);
	}
}

/* The state after the first block, the key with a constant (RFC 2104 section 4). */
static void hmac_half(IMB_MGR *mgr, IMB_HASH_ALG hash, const uint8_t *key, size_t n, uint8_t pad,
		      uint8_t *to)
{
	uint8_t block[128];

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < n; i++)
		block[i] ^= key[i];
	switch (hash) {
	case IMB_AUTH_HMAC_SHA_1:
		IMB_SHA1_ONE_BLOCK(mgr, block, to);
		break;
	case IMB_AUTH_HMAC_SHA_256:
		IMB_SHA256_ONE_BLOCK(mgr, block, to);
		break;
	case IMB_AUTH_HMAC_SHA_384:
		IMB_SHA384_ONE_BLOCK(mgr, block, to);
		break;
	default:
		IMB_SHA512_ONE_BLOCK(mgr, block, to);
	}
	explicit_bzero(block, sizeof(block));
}

static size_t integrity_bytes(enum contract_integrity integrity)
{
	static const uint8_t bytes[] = {
#define X(name, text, key, icv) key,
		CONTRACT_INTEGRITIES(X)
#undef X
	};

	return bytes[integrity];
}

static void expand_integrity(IMB_MGR *mgr, struct job_key *to, const struct cipher_suite *suite,
			     const uint8_t *key)
{
	size_t n = integrity_bytes(suite->integrity);
	uint8_t unused[240] __attribute__((aligned(16)));

	switch (suite->integrity) {
	case CONTRACT_INTEGRITY_NONE:
		return;
	case CONTRACT_INTEGRITY_AES_XCBC_96:
		IMB_AES_XCBC_KEYEXP(mgr, key, to->cmac[0], to->cmac[1], to->cmac[2]);
		return;
	case CONTRACT_INTEGRITY_AES_CMAC_96:
		IMB_AES_KEYEXP_128(mgr, key, to->cmac[0], unused);
		IMB_AES_CMAC_SUBKEY_GEN_128(mgr, to->cmac[0], to->cmac[1], to->cmac[2]);
		explicit_bzero(unused, sizeof(unused));
		return;
	default:
		hmac_half(mgr, to->recipe.hash, key, n, 0x36, to->hmac.inner);
		hmac_half(mgr, to->recipe.hash, key, n, 0x5c, to->hmac.outer);
	}
}

#if SUITE_NUMBERS
static void number_suite(IMB_MGR *mgr, struct recipe *r)
{
	for (IMB_CIPHER_DIRECTION way = IMB_DIR_ENCRYPT; way <= IMB_DIR_DECRYPT; way++) {
		IMB_JOB job = { .cipher_mode = r->mode,
				.hash_alg = r->hash,
				.cipher_direction = way,
				.key_len_in_bytes = r->key_bytes };

		imb_set_session(mgr, &job);
		memcpy(r->suite[way - 1], job.suite_id, sizeof(job.suite_id));
	}
}
#endif

void cipher_jobs_expand(struct cipher_lane *lane, const struct cipher_suite *suite,
			const uint8_t *key, const uint8_t *integrity_key, void *memory)
{
	struct job_key *to = memory;

	memset(to, 0, sizeof(*to));
	to->recipe = recipe_of(suite);
#if SUITE_NUMBERS
	number_suite(lane->mgr, &to->recipe);
#endif
	expand_cipher(lane->mgr, to, key);
	expand_integrity(lane->mgr, to, suite, integrity_key);
}
