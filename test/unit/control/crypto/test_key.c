/* Which keys are taken, and that the others are refused when they are loaded. */
#include "../../cmocka_all.h"
#include "control/crypto/key.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <errno.h>
#include <string.h>

static struct crypto *crypto;

static int load_public(EVP_PKEY *pkey)
{
	struct crypto_key *key = NULL;
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(pkey, &der), error;

	assert_true(n > 0);
	error = crypto_key_load_public((struct span){ der, (size_t)n }, &key);
	if (!error)
		crypto_key_put(key);
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
	return error;
}

static EVP_PKEY *rsa_of(const BIGNUM *n, unsigned long e)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *exponent = BN_new();
	OSSL_PARAM *params;
	EVP_PKEY *pkey = NULL;

	assert_int_equal(BN_set_word(exponent, e), 1);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent);
	params = OSSL_PARAM_BLD_to_param(build);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(exponent);
	return pkey;
}

static void rsa_numbers(void **state)
{
	BIGNUM *n = BN_new();

	assert_int_equal(BN_rand(n, 2048, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
	assert_int_equal(load_public(rsa_of(n, 65537)), 0);
	assert_int_equal(load_public(rsa_of(n, 3)), 0);
	assert_int_equal(load_public(rsa_of(n, 0)), -EBADMSG);
	assert_int_equal(load_public(rsa_of(n, 1)), -EBADMSG);
	assert_int_equal(load_public(rsa_of(n, 65536)), -EBADMSG);
	assert_int_equal(BN_sub_word(n, 1), 1); /* even */
	assert_int_equal(load_public(rsa_of(n, 65537)), -EBADMSG);
	assert_int_equal(BN_rand(n, 2047, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
	assert_int_equal(load_public(rsa_of(n, 65537)), -EBADMSG);
	assert_int_equal(BN_rand(n, 33, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
	assert_int_equal(load_public(rsa_of(n, 65537)), -EBADMSG);
	assert_int_equal(BN_rand(n, 8193, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
	assert_int_equal(load_public(rsa_of(n, 65537)), -EBADMSG);
	BN_free(n);
}

static void kinds(void **state)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *pkey = NULL;

	assert_int_equal(load_public(EVP_EC_gen("P-256")), 0);
	assert_int_equal(load_public(EVP_EC_gen("P-384")), 0);
	assert_int_equal(load_public(EVP_EC_gen("P-521")), 0);
	assert_int_equal(load_public(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")), 0);
	assert_int_equal(load_public(EVP_PKEY_Q_keygen(NULL, NULL, "ED448")), -EBADMSG);
	assert_int_equal(load_public(EVP_PKEY_Q_keygen(NULL, NULL, "X25519")), -EBADMSG);
	assert_int_equal(load_public(EVP_EC_gen("secp256k1")), -EBADMSG);
	assert_int_equal(load_public(EVP_EC_gen("P-224")), -EBADMSG);
	/* P-256 spelled out with its parameters. */
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_group_name(ctx, "P-256"), 1);
	assert_int_equal(EVP_PKEY_CTX_set_ec_param_enc(ctx, 0), 1);
	assert_int_equal(EVP_PKEY_generate(ctx, &pkey), 1);
	assert_int_equal(load_public(pkey), -EBADMSG);
	EVP_PKEY_CTX_free(ctx);
}

static void private_forms(void **state)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	struct crypto_key *key, *same;
	BIO *bio = BIO_new(BIO_s_mem()), *locked = BIO_new(BIO_s_mem());
	uint8_t *der = NULL;
	char *pem;
	int n = i2d_PrivateKey(pkey, &der);
	long pem_n;

	assert_int_equal(crypto_key_load((struct span){ der, (size_t)n }, NULL, &key), 0);
	assert_int_equal(crypto_key_kind(key), CRYPTO_KEY_ECDSA_P256);
	assert_int_equal(crypto_key_bits(key), 256);
	for (int i = 0; i < n; i++)
		assert_int_equal(crypto_key_load((struct span){ der, (size_t)i }, NULL, &same),
				 -EBADMSG);
	PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL);
	pem_n = BIO_get_mem_data(bio, &pem);
	assert_int_equal(
		crypto_key_load((struct span){ (uint8_t *)pem, (size_t)pem_n }, NULL, &same), 0);
	assert_true(crypto_key_same(key, same));
	crypto_key_put(same);
	PEM_write_bio_PrivateKey(locked, pkey, EVP_aes_128_cbc(), (const uint8_t *)"word", 4, NULL,
				 NULL);
	pem_n = BIO_get_mem_data(locked, &pem);
	for (int i = 0; i < 3; i++) {
		static const char *const words[] = { NULL, "wrong", "word" };

		assert_int_equal(crypto_key_load((struct span){ (uint8_t *)pem, (size_t)pem_n },
						 words[i], &same),
				 i == 2 ? 0 : -EBADMSG);
	}
	crypto_key_put(same);
	crypto_key_put(crypto_key_get(key));
	crypto_key_put(key);
	BIO_free(bio);
	BIO_free(locked);
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
}

/* A public key cannot sign; empty, zero and overlong signatures are just wrong. */
static void odd_signatures(void **state)
{
	static const enum crypto_scheme schemes[] = { CRYPTO_ECDSA_DER, CRYPTO_ECDSA_RAW };
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	uint8_t *der = NULL, zero[CRYPTO_SIGNATURE_MAX + 1] = { 0 }, out[CRYPTO_SIGNATURE_MAX];
	int n = i2d_PUBKEY(pkey, &der);
	struct crypto_signing with = { .hash = CRYPTO_HASH_SHA256 };
	struct span message = { (const uint8_t *)"abc", 3 };
	struct crypto_key *key;
	size_t out_n = sizeof(out);

	assert_int_equal(crypto_key_load_public((struct span){ der, (size_t)n }, &key), 0);
	with.key = key;
	for (int i = 0; i < 2; i++) {
		static const size_t sizes[] = { 0, 1, 8, 63, 64, 65, 72, 1024, 1025 };

		with.scheme = schemes[i];
		assert_int_equal(crypto_sign(crypto, &with, CRYPTO_PARTS(message), out, &out_n),
				 -EINVAL);
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++)
			assert_int_equal(crypto_verify(crypto, &with, CRYPTO_PARTS(message),
						       (struct span){ zero, sizes[k] }),
					 -EBADMSG);
	}
	with.scheme = CRYPTO_RSA_PSS;
	assert_int_equal(
		crypto_verify(crypto, &with, CRYPTO_PARTS(message), (struct span){ zero, 64 }),
		-EINVAL);
	crypto_key_put(key);
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
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
		cmocka_unit_test(rsa_numbers),
		cmocka_unit_test(kinds),
		cmocka_unit_test(private_forms),
		cmocka_unit_test(odd_signatures),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
