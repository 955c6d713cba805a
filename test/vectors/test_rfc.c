/* Numbers printed in RFCs: MACs, PRFs, ciphers, groups, and the whole SK{} of RFC 7634. */
#include "vector.h"

#include "control/crypto/cipher.h"
#include "control/crypto/dh.h"
#include "control/crypto/prf.h"
#include "control/ike/constants.h"
#include "control/ike/sk.h"

#include <stdio.h>
#include <string.h>

static struct crypto *crypto;
static struct vector_bytes a, b, c, d, e;

static bool prf(const cJSON *test, const char *alg)
{
	static const struct {
		const char *alg;
		enum crypto_prf prf;
	} names[] = {
		{ "PRF_HMAC_SHA2_256", CRYPTO_PRF_HMAC_SHA256 },
		{ "PRF_HMAC_SHA2_384", CRYPTO_PRF_HMAC_SHA384 },
		{ "PRF_HMAC_SHA2_512", CRYPTO_PRF_HMAC_SHA512 },
		{ "PRF_AES128_XCBC", CRYPTO_PRF_AES_XCBC },
		{ "PRF_AES128_CMAC", CRYPTO_PRF_AES_CMAC },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct span expected = vector_get(&c, test, "prf");
		uint8_t out[CRYPTO_PRF_MAX];

		if (strcmp(names[i].alg, alg) != 0 || !expected.n)
			continue;
		assert_int_equal(crypto_prf(crypto, names[i].prf, vector_get(&a, test, "key"),
					    CRYPTO_PARTS(vector_get(&b, test, "data")), out),
				 0);
		assert_memory_equal(out, expected.p, expected.n);
		return true;
	}
	return false;
}

static bool integrity(const cJSON *test, const char *alg)
{
	uint8_t icv[32];

	if (strcmp(alg, "AES-XCBC-MAC-96") != 0)
		return false;
	assert_int_equal(crypto_integrity(crypto, CONTRACT_INTEGRITY_AES_XCBC_96,
					  vector_get(&a, test, "key"),
					  CRYPTO_PARTS(vector_get(&b, test, "data")), icv),
			 0);
	/* The file prints the whole MAC; 96 bits of it are the ICV. */
	assert_memory_equal(icv, vector_get(&c, test, "mac").p, 12);
	return true;
}

static bool cipher(const cJSON *test, const char *alg)
{
	struct span key = vector_get(&a, test, "key"), nonce = vector_get(&d, test, "nonce");
	struct crypto_cipher with = { .iv = vector_get(&b, test, "iv") };
	bool ctr = strcmp(alg, "AES-CTR(ESP)") == 0;

	if (!ctr && strcmp(alg, "AES-CBC") != 0)
		return false;
	with.cipher =
		(ctr ? CONTRACT_CIPHER_AES128_CTR : CONTRACT_CIPHER_AES128_CBC) + (key.n - 16) / 8;
	memcpy(a.p + key.n, nonce.p, nonce.n);
	with.key = (struct span){ a.p, key.n + nonce.n };
	vector_get(&c, test, "pt");
	vector_get(&e, test, "ct");
	assert_int_equal(crypto_cipher_encrypt(crypto, &with, c.p, c.n), 0);
	assert_memory_equal(c.p, e.p, e.n);
	return true;
}

static bool group(const cJSON *test)
{
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(test, "group");
	struct crypto_dh *dh;
	struct secret shared;

	if (!cJSON_IsNumber(number))
		return false;
	for (int responder = 0; responder < 2; responder++) {
		const char *own = responder ? "r" : "i", *other = responder ? "i" : "r";
		char priv[8], pub[8], peer[8];

		snprintf(priv, sizeof(priv), "priv_%s", own);
		snprintf(pub, sizeof(pub), "pub_%s", own);
		snprintf(peer, sizeof(peer), "pub_%s", other);
		assert_int_equal(crypto_dh_import(crypto, (uint16_t)number->valueint,
						  vector_get(&a, test, priv),
						  vector_get(&b, test, pub), &dh),
				 0);
		assert_int_equal(crypto_dh_compute(crypto, dh, vector_get(&c, test, peer), &shared),
				 0);
		assert_int_equal(shared.n, vector_get(&d, test, "shared").n);
		assert_memory_equal(shared.p, d.p, shared.n);
		secret_free(&shared);
		crypto_dh_free(dh);
	}
	return true;
}

/* Appendix B: the message is opened with the keying material as SK_er. */
static bool sealed_message(const cJSON *test, const char *alg)
{
	static struct ike_message m;
	struct ike_suite suite = { .encr = ENCR_CHACHA20_POLY1305 };
	struct ike_keys keys = { .encr_bytes = 36 };
	struct ike_sk sk = { crypto, &suite, &keys, false, NULL };
	struct span content;

	if (strstr(alg, "IKEv2 SK{} CHACHA20_POLY1305") != alg)
		return false;
	vector_get(&a, test, "keymat");
	assert_int_equal(secret_new(&keys.block, 72), 0);
	memcpy(keys.block.p + 36, a.p, 36);
	vector_get(&b, test, "ike_message");
	assert_int_equal(ike_message_decode((struct span){ b.p, b.n }, &m), IKE_ERROR_OK);
	sk.initiator = ike_header_is_initiator(&m.header);
	if (sk.initiator)
		memcpy(keys.block.p, a.p, 36);
	assert_int_equal(ike_sk_open(&sk, &m, &content), IKE_ERROR_OK);
	assert_memory_equal(content.p, vector_get(&c, test, "pt").p, content.n);
	assert_int_equal(ike_message_check(&m), IKE_ERROR_OK);
	secret_free(&keys.block);
	return true;
}

static void rfc_numbers(void **state)
{
	cJSON *file = vector_json("rfc-kat/rfc_kat.json");
	const cJSON *test;
	int count = 0;

	cJSON_ArrayForEach(test, cJSON_GetObjectItemCaseSensitive(file, "tests"))
	{
		const char *alg = vector_text(test, "alg");

		count += prf(test, alg) || integrity(test, alg) || cipher(test, alg) ||
			 group(test) || sealed_message(test, alg);
	}
	cJSON_Delete(file);
	print_message("%d cases\n", count);
	assert_true(count >= 50);
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
	const struct CMUnitTest tests[] = { cmocka_unit_test(rfc_numbers) };

	return cmocka_run_group_tests(tests, start, stop);
}
