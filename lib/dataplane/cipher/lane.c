#include "dataplane/cipher/lane.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static int lane_seed(struct cipher_lane *lane)
{
	uint8_t seed[16];

	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return -EIO;
	IMB_AES128_GCM_PRE(lane->mgr, seed, lane->random_key);
	explicit_bzero(seed, sizeof(seed));
	return 0;
}

int cipher_lane_new(struct cipher_lane **to)
{
	struct cipher_lane *lane = aligned_alloc(64, (sizeof(*lane) + 63) & ~(size_t)63);
	int err = -ENOMEM;

	if (!lane)
		return -ENOMEM;
	memset(lane, 0, sizeof(*lane));
	lane->mgr = alloc_mb_mgr(0);
	lane->random_key = aligned_alloc(64, CIPHER_KEY_BYTES);
	if (!lane->mgr || !lane->random_key)
		goto fail;
	init_mb_mgr_auto(lane->mgr, NULL);
	err = imb_get_errno(lane->mgr) ? -EOPNOTSUPP : lane_seed(lane);
	if (err)
		goto fail;
	*to = lane;
	return 0;
fail:
	cipher_lane_free(lane);
	return err;
}

void cipher_lane_free(struct cipher_lane *lane)
{
	if (!lane)
		return;
	if (lane->mgr)
		free_mb_mgr(lane->mgr);
	if (lane->random_key)
		explicit_bzero(lane->random_key, sizeof(*lane->random_key));
	free(lane->random_key);
	explicit_bzero(lane, sizeof(*lane));
	free(lane);
}

const char *cipher_lane_text(const struct cipher_lane *lane)
{
	uint64_t have = lane->mgr->features;

	if (have & IMB_FEATURE_VAES && have & IMB_FEATURE_AVX512_SKX)
		return "AVX-512 with VAES";
	if (have & IMB_FEATURE_AVX512_SKX)
		return "AVX-512";
	if (have & IMB_FEATURE_AVX2)
		return "AVX2";
	return have & IMB_FEATURE_AVX ? "AVX" : "SSE";
}

/* The key stream of AES in counter mode under a key that never leaves the lane. */
static void random_fill(struct cipher_lane *lane)
{
	static const uint8_t no_aad[16];
	uint8_t nonce[12] = { 0 };
	uint8_t tag[16];

	lane->random_nonce++;
	memcpy(nonce, &lane->random_nonce, sizeof(lane->random_nonce));
	memset(lane->random, 0, sizeof(lane->random));
	IMB_AES128_GCM_ENC(lane->mgr, lane->random_key, &lane->gcm, lane->random, lane->random,
			   sizeof(lane->random), nonce, no_aad, 0, tag, sizeof(tag));
	lane->random_left = sizeof(lane->random);
}

void cipher_random(struct cipher_lane *lane, void *to, size_t n)
{
	uint8_t *out = to;

	if (n == 16 && lane->random_left >= 16) { /* an IV of AES-CBC: no call */
		memcpy(out, lane->random + sizeof(lane->random) - lane->random_left, 16);
		lane->random_left -= 16;
		return;
	}
	while (n) {
		uint32_t take;

		if (lane->random_left == 0)
			random_fill(lane);
		take = n < lane->random_left ? (uint32_t)n : lane->random_left;
		memcpy(out, lane->random + sizeof(lane->random) - lane->random_left, take);
		lane->random_left -= take;
		out += take;
		n -= take;
	}
}
