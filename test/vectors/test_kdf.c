/* NIST CAVS: SKEYSEED, keying material of IKE and child SAs, with and without a new exchange. */
#include "vector.h"

#include "control/ike/constants.h"
#include "control/ike/keymat.h"

#include <string.h>

static struct crypto *crypto;

static uint16_t prf_of(const char *hash)
{
	static const struct {
		const char *name;
		uint16_t prf;
	} names[] = {
		{ "SHA-1", PRF_HMAC_SHA1 },
		{ "SHA-256", PRF_HMAC_SHA2_256 },
		{ "SHA-384", PRF_HMAC_SHA2_384 },
		{ "SHA-512", PRF_HMAC_SHA2_512 },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].name, hash))
			return names[i].prf;
	fail_msg("hash %s", hash);
	return 0;
}

static uint64_t number(const struct span bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes.n; i++)
		v = v << 8 | bytes.p[i];
	return v;
}

static void starts_with(const struct secret *block, struct span expected)
{
	size_t n = block->n < expected.n ? block->n : expected.n;

	assert_true(n >= 40);
	assert_memory_equal(block->p, expected.p, n);
}

static void one(const cJSON *test)
{
	static struct vector_bytes ni, nr, shared, again, spi_i, spi_r, expected;
	struct ike_suite suite = { .protocol = IKE_PROTOCOL_IKE,
				   .encr = ENCR_AES_GCM_16,
				   .key_bits = 256,
				   .prf = prf_of(vector_text(test, "hash")) };
	struct ike_suite child = { .protocol = IKE_PROTOCOL_ESP,
				   .encr = ENCR_AES_CBC,
				   .key_bits = 256,
				   .integ = AUTH_HMAC_SHA2_512_256 };
	struct ike_exchange_secrets in = {
		.ni = vector_get(&ni, test, "Ni"),
		.nr = vector_get(&nr, test, "Nr"),
		.shared = vector_get(&shared, test, "g^ir"),
		.spi_i = number(vector_get(&spi_i, test, "SPIi")),
		.spi_r = number(vector_get(&spi_r, test, "SPIr")),
	};
	uint8_t skeyseed[CRYPTO_PRF_MAX];
	struct ike_keys keys, rekeyed;
	struct ike_child_keys child_keys;
	struct span value;

	assert_int_equal(ike_keymat_initial(crypto, &suite, &in, &keys), 0);
	starts_with(&keys.block, vector_get(&expected, test, "DKM"));

	in.shared = (struct span){ 0 };
	assert_int_equal(ike_keymat_child(crypto, &keys, &child, &in, &child_keys), 0);
	starts_with(&child_keys.block, vector_get(&expected, test, "DKM(Child SA)"));
	ike_child_keys_wipe(&child_keys);

	in.shared = vector_get(&again, test, "g^ir (new)");
	assert_int_equal(ike_keymat_child(crypto, &keys, &child, &in, &child_keys), 0);
	starts_with(&child_keys.block, vector_get(&expected, test, "DKM(Child SA D-H)"));
	ike_child_keys_wipe(&child_keys);

	/* The file gives SKEYSEED of the rekey; the keys come from it as from any other. */
	value = vector_get(&expected, test, "SKEYSEED(Rekey)");
	assert_int_equal(crypto_prf(crypto, keys.prf, ike_keys_d(&keys),
				    CRYPTO_PARTS(in.shared, in.ni, in.nr), skeyseed),
			 0);
	assert_memory_equal(skeyseed, value.p, value.n);
	assert_int_equal(ike_keymat_rekey(crypto, &keys, &suite, &in, &rekeyed), 0);
	assert_int_equal(crypto_prf_plus(crypto, keys.prf, value,
					 CRYPTO_PARTS(in.ni, in.nr, { spi_i.p, 8 }, { spi_r.p, 8 }),
					 skeyseed, 32),
			 0);
	assert_memory_equal(skeyseed, rekeyed.block.p, 32);
	ike_keys_wipe(&keys);
	ike_keys_wipe(&rekeyed);
}

static void nist_cavs(void **state)
{
	cJSON *file = vector_json("nist-cavs-ike/ike_kdf_small.json");
	const cJSON *test;
	int count = 0;

	cJSON_ArrayForEach(test, cJSON_GetObjectItemCaseSensitive(file, "tests"))
	{
		if (strcmp(vector_text(test, "file"), "ikev2.fax") != 0)
			continue;
		one(test);
		count++;
	}
	assert_int_equal(count, 18);
	cJSON_Delete(file);
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
	const struct CMUnitTest tests[] = { cmocka_unit_test(nist_cavs) };

	return cmocka_run_group_tests(tests, start, stop);
}
