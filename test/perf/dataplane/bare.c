#include "bare.h"

#include "dataplane/esp/esp.h"

#include <intel-ipsec-mb.h>
#include <rte_common.h>
#include <stdlib.h>
#include <string.h>

struct bare {
	struct feed *feed;
	IMB_MGR *mgr;
	aes_gcm_enc_dec_t run;
	uint32_t turn; /* the packet's place in the sequence of tunnels */
	struct gcm_context_data ctx;
	uint8_t iv[16], aad[16], tag[64];
};

static aes_gcm_enc_dec_t gcm_call(const IMB_MGR *mgr, enum contract_cipher cipher, bool out)
{
	if (cipher == CONTRACT_CIPHER_AES128_GCM)
		return out ? mgr->gcm128_enc : mgr->gcm128_dec;
	if (cipher == CONTRACT_CIPHER_AES256_GCM)
		return out ? mgr->gcm256_enc : mgr->gcm256_dec;
	return NULL;
}

/* The keys in the order in which the path meets them. */
static const void *key_of(struct feed *feed, const struct bare *b, uint32_t ahead)
{
	const struct sa_hot *hot = sa_hot(feed->bed->sas);
	uint32_t tunnel = 1 + (b->turn + ahead) % feed->load.tunnels;

	return feed->load.work == WORK_IN ? sa_slot(hot, 2 * tunnel)->in.key
					  : sa_slot(hot, 2 * tunnel + 1)->out[0].key;
}

static uint8_t *esp_of(const struct feed_slot *s)
{
	return (uint8_t *)s->m->buf_addr + s->at + 34;
}

static void prefetch(const uint8_t *p, size_t n)
{
	for (size_t at = 0; at < n; at += 64)
		__builtin_prefetch(p + at, 1);
}

/* Direct calls, text and key of the packet four ahead prefetched. */
static void round_gcm(struct feed *feed, struct bare *b)
{
	for (uint32_t i = 0; i < feed->load.pool; i++, b->turn++) {
		struct feed_slot *s = &feed->slots[i];
		uint32_t length = esp_align(s->inner_length + ESP_TRAILER, 4);
		uint8_t *text = esp_of(s) + 16;

		if (i + 4 < feed->load.pool) {
			prefetch(esp_of(s + 4) + 16, s[4].inner_length);
			if (feed->load.tunnels > 1)
				prefetch(key_of(feed, b, 4), sizeof(struct gcm_key_data));
		}
		b->run(key_of(feed, b, 0), &b->ctx, text, text, length, b->iv, b->aad, 12, b->tag,
		       16);
	}
}

static void job_fill(struct bare *b, IMB_JOB *job, const struct feed_slot *s)
{
	/* Any keys will do, the cost does not depend on them. */
	static uint8_t keys[4][256] __attribute__((aligned(64)));
	bool out = b->feed->load.work == WORK_OUT;
	bool chacha = b->feed->load.cipher == CONTRACT_CIPHER_CHACHA20_POLY1305;
	uint32_t head = chacha ? 0 : 24;

	job->src = esp_of(s);
	job->dst = esp_of(s) + head;
	job->cipher_start_src_offset_in_bytes = head;
	job->msg_len_to_cipher_in_bytes = esp_align(s->inner_length + ESP_TRAILER, chacha ? 4 : 16);
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_hash_in_bytes = head + job->msg_len_to_cipher_in_bytes;
	job->enc_keys = keys[0];
	job->dec_keys = keys[1];
	job->key_len_in_bytes = 32;
	job->iv = b->iv;
	job->iv_len_in_bytes = chacha ? 12 : 16;
	job->auth_tag_output = b->tag;
	job->auth_tag_output_len_in_bytes = 16;
	job->cipher_mode = chacha ? IMB_CIPHER_CHACHA20_POLY1305 : IMB_CIPHER_CBC;
	job->hash_alg = chacha ? IMB_AUTH_CHACHA20_POLY1305 : IMB_AUTH_HMAC_SHA_256;
	job->cipher_direction = out ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
	job->chain_order = out ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	job->u.HMAC._hashed_auth_key_xor_ipad = keys[2];
	job->u.HMAC._hashed_auth_key_xor_opad = keys[3];
	if (chacha) {
		job->u.CHACHA20_POLY1305.aad = b->aad;
		job->u.CHACHA20_POLY1305.aad_len_in_bytes = 12;
	}
}

/* Jobs without checks, as many at once as there may be; the first lines of each prefetched. */
static void round_jobs(struct feed *feed, struct bare *b)
{
	IMB_JOB *jobs[IMB_MAX_BURST_SIZE];
	uint32_t count;

	for (uint32_t i = 0; i < feed->load.pool; i += count) {
		uint32_t most = RTE_MIN(feed->load.pool - i, (uint32_t)IMB_MAX_BURST_SIZE);
		uint32_t done;

		count = IMB_GET_NEXT_BURST(b->mgr, most, jobs);
		for (uint32_t k = 0; k < count; k++) {
			prefetch(esp_of(&feed->slots[i + k]), 128);
			job_fill(b, jobs[k], &feed->slots[i + k]);
		}
		done = IMB_SUBMIT_BURST_NOCHECK(b->mgr, count, jobs);
		while (done < count)
			done += IMB_FLUSH_BURST(b->mgr, count - done, jobs);
	}
}

struct bare *bare_new(struct feed *feed)
{
	struct bare *b = aligned_alloc(64, (sizeof(*b) + 63) & ~(size_t)63);

	memset(b, 0, sizeof(*b));
	b->feed = feed;
	b->mgr = alloc_mb_mgr(0);
	init_mb_mgr_auto(b->mgr, NULL);
	b->run = gcm_call(b->mgr, feed->load.cipher, feed->load.work == WORK_OUT);
	return b;
}

void bare_free(struct bare *b)
{
	free_mb_mgr(b->mgr);
	free(b);
}

double bare_round(struct bare *b)
{
	const uint32_t pool = b->feed->load.pool;
	const uint32_t repeats = (20000 + pool - 1) / pool;
	uint64_t start = feed_now(b->feed);

	for (uint32_t k = 0; k < repeats; k++)
		b->run ? round_gcm(b->feed, b) : round_jobs(b->feed, b);
	return (double)(feed_now(b->feed) - start) / repeats / pool;
}
