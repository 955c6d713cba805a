#include "../../cmocka_all.h"
#include "control/crypto/cipher.h"
#include "control/crypto/prf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct crypto *crypto;

static struct span text(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static size_t unhex(const char *hex, uint8_t *out)
{
	size_t n = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		unsigned int byte;

		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		out[n++] = (uint8_t)byte;
	}
	return n;
}

static void prf_is(enum crypto_prf prf, struct span key, struct span message, const char *hex)
{
	uint8_t expected[CRYPTO_PRF_MAX], got[CRYPTO_PRF_MAX];
	size_t n = unhex(hex, expected);

	assert_int_equal(n, crypto_prf_size(prf));
	assert_int_equal(crypto_prf(crypto, prf, key, CRYPTO_PARTS(message), got), 0);
	assert_memory_equal(got, expected, n);
	/* The same in two parts, split at every place. */
	for (size_t i = 0; i <= message.n; i++) {
		struct span a = { message.p, i }, b = { message.p + i, message.n - i };

		assert_int_equal(crypto_prf(crypto, prf, key, CRYPTO_PARTS(a, b), got), 0);
		assert_memory_equal(got, expected, n);
	}
}

/* RFC 2202 and RFC 4231, test case 2. */
static void hmac(void **state)
{
	struct span key = text("Jefe"), message = text("what do ya want for nothing?");

	prf_is(CRYPTO_PRF_HMAC_SHA1, key, message, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	prf_is(CRYPTO_PRF_HMAC_SHA256, key, message,
	       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	prf_is(CRYPTO_PRF_HMAC_SHA384, key, message,
	       "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c7"
	       "8b3239ecfab21649");
	prf_is(CRYPTO_PRF_HMAC_SHA512, key, message,
	       "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a"
	       "6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

/* RFC 4434 section 4 and RFC 4615 section 4: keys of 16, 10 and 18 octets. */
static void block_ciphers(void **state)
{
	uint8_t key[32], message[32];
	size_t n = unhex("000102030405060708090a0b0c0d0e0fedcb", key);
	struct span m = { message, unhex("000102030405060708090a0b0c0d0e0f10111213", message) };

	assert_int_equal(n, 18);
	prf_is(CRYPTO_PRF_AES_XCBC, (struct span){ key, 16 }, m,
	       "47f51b4564966215b8985c63055ed308");
	prf_is(CRYPTO_PRF_AES_XCBC, (struct span){ key, 10 }, m,
	       "0fa087af7d866e7653434e602fdde835");
	prf_is(CRYPTO_PRF_AES_XCBC, (struct span){ key, 18 }, m,
	       "8cd3c93ae598a9803006ffb67c40e9e4");
	prf_is(CRYPTO_PRF_AES_CMAC, (struct span){ key, 18 }, m,
	       "84a348a4a45d235babfffc0d2b4da09a");
	prf_is(CRYPTO_PRF_AES_CMAC, (struct span){ key, 16 }, m,
	       "980ae87b5f4c9c5214f5b6a8455e4c2d");
	prf_is(CRYPTO_PRF_AES_CMAC, (struct span){ key, 10 }, m,
	       "290d9e112edb09ee141fcf64c0b72f3d");
}

/* T1 = prf(K, S | 1) and T2 = prf(K, T1 | S | 2), computed here step by step. */
static void prf_plus(void **state)
{
	for (int prf = 1; prf < CRYPTO_PRF_COUNT; prf++) {
		size_t size = crypto_prf_size(prf);
		uint8_t t[2][CRYPTO_PRF_MAX], got[2 * CRYPTO_PRF_MAX], one = 1, two = 2;
		struct span key = text("key"), seed = text("seed");

		assert_int_equal(
			crypto_prf(crypto, prf, key, CRYPTO_PARTS(seed, { &one, 1 }), t[0]), 0);
		assert_int_equal(crypto_prf(crypto, prf, key,
					    CRYPTO_PARTS({ t[0], size }, seed, { &two, 1 }), t[1]),
				 0);
		assert_int_equal(
			crypto_prf_plus(crypto, prf, key, CRYPTO_PARTS(seed), got, 2 * size - 3),
			0);
		assert_memory_equal(got, t[0], size);
		assert_memory_equal(got + size, t[1], size - 3);
		assert_int_equal(
			crypto_prf_plus(crypto, prf, key, CRYPTO_PARTS(seed), got, 255 * size + 1),
			-EINVAL);
	}
	assert_int_equal(crypto_prf_plus(crypto, CRYPTO_PRF_COUNT, text("k"),
					 CRYPTO_PARTS(text("s")), NULL, 1),
			 -EINVAL);
}

static void integrity_truncates_and_compares(void **state)
{
	uint8_t icv[CRYPTO_PRF_MAX], key[64] = { 1 };

	for (int i = 1; i < CONTRACT_INTEGRITY_COUNT; i++) {
		struct span k = { key, crypto_integrity_key_size(i) };

		assert_int_equal(crypto_integrity(crypto, i, k, CRYPTO_PARTS(text("data")), icv),
				 0);
		assert_int_equal(
			crypto_integrity_check(crypto, i, k, CRYPTO_PARTS(text("data")), icv), 0);
		icv[crypto_integrity_icv_size(i) - 1] ^= 1;
		assert_int_equal(
			crypto_integrity_check(crypto, i, k, CRYPTO_PARTS(text("data")), icv),
			-EBADMSG);
		k.n--;
		assert_int_equal(crypto_integrity(crypto, i, k, CRYPTO_PARTS(text("data")), icv),
				 -EINVAL);
	}
	assert_int_equal(crypto_integrity(crypto, CONTRACT_INTEGRITY_NONE, text(""),
					  CRYPTO_PARTS(text("data")), icv),
			 -ENOTSUP);
}

static void hash(void **state)
{
	uint8_t expected[32], got[32];

	unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", expected);
	assert_int_equal(
		crypto_hash(crypto, CRYPTO_HASH_SHA256, CRYPTO_PARTS(text("a"), text("bc")), got),
		0);
	assert_memory_equal(got, expected, 32);
	assert_int_equal(crypto_hash(crypto, CRYPTO_HASH_NONE, CRYPTO_PARTS(text("")), got),
			 -ENOTSUP);
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
		cmocka_unit_test(hmac),	    cmocka_unit_test(block_ciphers),
		cmocka_unit_test(prf_plus), cmocka_unit_test(integrity_truncates_and_compares),
		cmocka_unit_test(hash),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
