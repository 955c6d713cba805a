#include "../../cmocka_all.h"
#include "control/crypto/dh.h"

#include <openssl/evp.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

static struct crypto *crypto;
static const uint16_t groups[] = { 1,  2,  5,  14, 15, 16, 19, 20, 21,
				   24, 25, 26, 27, 28, 29, 30, 31, 32 };

static bool is_modp(uint16_t group)
{
	return group < 19 || group == 24;
}

static struct crypto_dh *make(uint16_t group)
{
	struct crypto_dh *dh;

	assert_int_equal(crypto_dh_new(crypto, group, &dh), 0);
	assert_int_equal(crypto_dh_public(dh).n, crypto_dh_public_size(group));
	assert_int_equal(crypto_dh_group(dh), group);
	return dh;
}

static void both_sides_agree(void **state)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct crypto_dh *a = make(groups[i]), *b = make(groups[i]);
		struct secret sa, sb;

		assert_memory_not_equal(crypto_dh_public(a).p, crypto_dh_public(b).p,
					crypto_dh_public(a).n);
		assert_int_equal(crypto_dh_compute(crypto, a, crypto_dh_public(b), &sa), 0);
		assert_int_equal(crypto_dh_compute(crypto, b, crypto_dh_public(a), &sb), 0);
		assert_int_equal(sa.n, sb.n);
		assert_memory_equal(sa.p, sb.p, sa.n);
		/* Used up. */
		secret_free(&sb);
		assert_int_equal(crypto_dh_compute(crypto, b, crypto_dh_public(a), &sb), -EINVAL);
		secret_free(&sa);
		crypto_dh_free(a);
		crypto_dh_free(b);
	}
}

static void refused(uint16_t group, const uint8_t *peer, size_t n)
{
	struct crypto_dh *dh = make(group);
	struct secret shared;

	assert_int_equal(crypto_dh_compute(crypto, dh, (struct span){ peer, n }, &shared),
			 -EBADMSG);
	assert_null(shared.p);
	crypto_dh_free(dh);
}

/* A refused value, and the peer before, leave nothing behind for the next one. */
static void one_peer_after_the_other(void **state)
{
	static const uint8_t bad[CRYPTO_DH_PUBLIC_MAX];

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct crypto_dh *a = make(groups[i]), *b = make(groups[i]), *c = make(groups[i]);
		struct crypto_dh *d = make(groups[i]);
		struct secret ab, ba, cd, dc;

		assert_int_equal(crypto_dh_compute(crypto, a, crypto_dh_public(b), &ab), 0);
		refused(groups[i], bad, crypto_dh_public_size(groups[i]));
		assert_int_equal(crypto_dh_compute(crypto, c, crypto_dh_public(d), &cd), 0);
		assert_int_equal(crypto_dh_compute(crypto, b, crypto_dh_public(a), &ba), 0);
		refused(groups[i], bad, crypto_dh_public_size(groups[i]));
		assert_int_equal(crypto_dh_compute(crypto, d, crypto_dh_public(c), &dc), 0);
		assert_memory_equal(ab.p, ba.p, ab.n);
		assert_memory_equal(cd.p, dc.p, cd.n);
		assert_memory_not_equal(ab.p, cd.p, ab.n);
		secret_free(&ab);
		secret_free(&ba);
		secret_free(&cd);
		secret_free(&dc);
		crypto_dh_free(a);
		crypto_dh_free(b);
		crypto_dh_free(c);
		crypto_dh_free(d);
	}
}

/* Wrong length; zero, one, all ones; a point beside the curve. */
static void peer_values_are_checked(void **state)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		uint8_t peer[CRYPTO_DH_PUBLIC_MAX + 1] = { 0 };
		size_t n = crypto_dh_public_size(groups[i]);
		struct crypto_dh *other = make(groups[i]);

		refused(groups[i], peer, n);
		refused(groups[i], peer, n - 1);
		refused(groups[i], peer, n + 1);
		refused(groups[i], peer, 0);
		peer[groups[i] >= 31 ? 0 : n - 1] = 1;
		refused(groups[i], peer, n);
		if (groups[i] < 31) {
			memset(peer, 0xff, n);
			refused(groups[i], peer, n);
		}
		memcpy(peer, crypto_dh_public(other).p, n);
		peer[n - 1] ^= 1;
		if (groups[i] < 31 && !is_modp(groups[i]))
			refused(groups[i], peer, n);
		crypto_dh_free(other);
	}
}

/* p - 1 has order 2 (RFC 6989 section 2.1); in group 24 a random value is outside the subgroup. */
static void modp_bounds(void **state)
{
	uint8_t value[256];

	/* The prime of group 2 ends in ff..ff; ECE65381FFFFFFFF FFFFFFFF minus 1. */
	static const uint8_t p1024_head[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	memset(value, 0x5a, sizeof(value));
	refused(24, value, 256);
	memset(value, 0, sizeof(value));
	memcpy(value, p1024_head, sizeof(p1024_head));
	memset(value + 8, 0xff, 120); /* above p */
	refused(2, value, 128);
}

static void unknown_groups(void **state)
{
	static const uint16_t none[] = { 0, 3, 4, 6, 13, 22, 23, 33, 34, 1024, 1025, 65535 };
	struct crypto_dh *dh;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_int_equal(crypto_dh_new(crypto, none[i], &dh), -ENOTSUP);
		assert_false(crypto_dh_supported(crypto, none[i]));
		assert_int_equal(crypto_dh_public_size(none[i]), 0);
	}
	assert_true(crypto_dh_supported(crypto, 18));
	assert_string_equal(crypto_dh_text(31), "x25519");
	assert_string_equal(crypto_dh_text(3), "?");
}

static void exported_and_imported(void **state)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct crypto_dh *a = make(groups[i]), *b = make(groups[i]), *again;
		struct secret private, s1, s2;

		assert_int_equal(crypto_dh_export(a, &private), 0);
		assert_int_equal(crypto_dh_import(crypto, groups[i], secret_span(&private),
						  crypto_dh_public(a), &again),
				 0);
		assert_int_equal(crypto_dh_compute(crypto, again, crypto_dh_public(b), &s1), 0);
		assert_int_equal(crypto_dh_compute(crypto, a, crypto_dh_public(b), &s2), 0);
		assert_memory_equal(s1.p, s2.p, s1.n);
		secret_free(&private);
		secret_free(&s1);
		secret_free(&s2);
		crypto_dh_free(again);
		crypto_dh_free(a);
		crypto_dh_free(b);
	}
}

static void by_openssl(struct span private, struct span peer, uint8_t public[32],
		       uint8_t shared[32])
{
	EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private.p, private.n);
	EVP_PKEY *other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer.p, peer.n);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
	size_t public_n = 32, shared_n = 32;

	assert_int_equal(EVP_PKEY_get_raw_public_key(own, public, &public_n), 1);
	assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(ctx, other), 1);
	assert_int_equal(EVP_PKEY_derive(ctx, shared, &shared_n), 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(other);
	EVP_PKEY_free(own);
}

/* Whatever computes it: any 32 octets are a peer's value, those above the prime as well. */
static void x25519_as_openssl_has_it(void **state)
{
	uint8_t peer[32], public[32], expected[32];
	struct secret private, shared;

	for (int i = 0; i < 200; i++) {
		struct crypto_dh *dh = make(31);

		assert_int_equal(secret_random(peer, sizeof(peer)), 0);
		if (i % 4 == 0) { /* p + 2 and up, with a bit that does not count */
			memset(peer, 0xff, sizeof(peer));
			peer[0] = (uint8_t)(0xef + i / 4 % 17);
		}
		assert_int_equal(crypto_dh_export(dh, &private), 0);
		by_openssl(secret_span(&private), (struct span){ peer, 32 }, public, expected);
		assert_memory_equal(crypto_dh_public(dh).p, public, 32);
		assert_int_equal(crypto_dh_compute(crypto, dh, (struct span){ peer, 32 }, &shared),
				 0);
		assert_memory_equal(shared.p, expected, 32);
		secret_free(&shared);
		secret_free(&private);
		crypto_dh_free(dh);
	}
}

static void x25519_has_32_octets(void **state)
{
	static const uint8_t value[33] = { 8 };
	const struct span public = { value, 32 };
	struct crypto_dh *dh;

	assert_int_equal(crypto_dh_import(crypto, 31, (struct span){ value, 31 }, public, &dh),
			 -EINVAL);
	assert_int_equal(crypto_dh_import(crypto, 31, (struct span){ value, 33 }, public, &dh),
			 -EINVAL);
}

static void *helper(void *arg)
{
	struct crypto *own;

	if (crypto_new(&own))
		return arg;
	crypto_dh_job_run(own, arg);
	crypto_free(own);
	return NULL;
}

/* The computation of an exchange on another thread, with that thread's own contexts. */
static void job_elsewhere(void **state)
{
	struct crypto_dh_job job = { .dh = make(20), .peer_len = 96 };
	struct crypto_dh *peer = make(20);
	struct secret shared;
	pthread_t thread;
	void *failed;

	memcpy(job.peer, crypto_dh_public(peer).p, 96);
	assert_int_equal(pthread_create(&thread, NULL, helper, &job), 0);
	assert_int_equal(crypto_dh_compute(crypto, peer, crypto_dh_public(job.dh), &shared), 0);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	assert_int_equal(job.error, 0);
	assert_memory_equal(shared.p, job.shared.p, shared.n);
	secret_free(&shared);
	secret_free(&job.shared);
	crypto_dh_free(job.dh);
	crypto_dh_free(peer);
}

static void job(void **state)
{
	struct crypto_dh *peer = make(31);
	struct crypto_dh_job job = { .group = 31, .peer_len = 32 };
	struct secret shared;

	memcpy(job.peer, crypto_dh_public(peer).p, 32);
	crypto_dh_job_run(crypto, &job);
	assert_int_equal(job.error, 0);
	assert_int_equal(crypto_dh_compute(crypto, peer, crypto_dh_public(job.dh), &shared), 0);
	assert_memory_equal(shared.p, job.shared.p, 32);
	secret_free(&shared);
	secret_free(&job.shared);
	crypto_dh_free(job.dh);
	crypto_dh_free(peer);
}

static int start(void **state)
{
	return secret_pool_init(1 << 16) || crypto_new(&crypto);
}

static int stop(void **state)
{
	crypto_free(crypto);
	secret_pool_fini();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_agree),
		cmocka_unit_test(peer_values_are_checked),
		cmocka_unit_test(one_peer_after_the_other),
		cmocka_unit_test(modp_bounds),
		cmocka_unit_test(unknown_groups),
		cmocka_unit_test(exported_and_imported),
		cmocka_unit_test(x25519_as_openssl_has_it),
		cmocka_unit_test(x25519_has_32_octets),
		cmocka_unit_test(job),
		cmocka_unit_test(job_elsewhere),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
