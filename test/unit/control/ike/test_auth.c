/* AUTH with keys of every kind: who signs how for which peer, and what is refused. */
#include "../../cmocka_all.h"
#include "control/ike/auth.h"
#include "control/ike/constants.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <errno.h>
#include <string.h>

enum { RSA2048, RSA3080, P256, P384, P521, ED25519, KEYS };

static struct crypto *crypto;
static struct crypto_key *keys[KEYS];
static uint8_t message[100] = { 1 }, nonce[32] = { 2 }, id[12] = { 3 }, sk_p[32] = { 4 };

static struct ike_auth_octets octets(void)
{
	return (struct ike_auth_octets){ .message = { message, sizeof(message) },
					 .nonce = { nonce, sizeof(nonce) },
					 .id = { id, sizeof(id) },
					 .sk_p = { sk_p, sizeof(sk_p) },
					 .prf = CRYPTO_PRF_HMAC_SHA256 };
}

static struct crypto_key *key_of(EVP_PKEY *pkey)
{
	struct crypto_key *key;
	uint8_t *der = NULL;
	int n = i2d_PrivateKey(pkey, &der);

	assert_true(n > 0);
	assert_int_equal(crypto_key_load((struct span){ der, (size_t)n }, NULL, &key), 0);
	OPENSSL_clear_free(der, (size_t)n);
	EVP_PKEY_free(pkey);
	return key;
}

#define ALL IKE_AUTH_HASHES
#define SHA256_ONLY (1u << IKE_SIGNATURE_HASH_SHA2_256)
#define SHA512_ONLY (1u << IKE_SIGNATURE_HASH_SHA2_512)
#define SHA1_ONLY (1u << IKE_SIGNATURE_HASH_SHA1)

static void every_kind(void **state)
{
	static const struct {
		int key;
		uint32_t peer;
		bool pkcs1;
		uint8_t method; /* 0: no way */
	} table[] = {
		{ RSA2048, ALL, false, 14 },
		{ RSA2048, ALL, true, 14 },
		{ RSA2048, SHA512_ONLY, false, 14 },
		{ RSA2048, 0, false, 1 },
		{ RSA2048, SHA1_ONLY, false, 1 },
		{ RSA3080, ALL, false, 14 },
		{ P256, ALL, false, 14 },
		{ P256, SHA512_ONLY, false, 14 },
		{ P256, 0, false, 9 },
		{ P384, ALL, false, 14 },
		{ P384, SHA256_ONLY, false, 14 },
		{ P384, 0, false, 10 },
		{ P521, ALL, false, 14 },
		{ P521, 0, false, 11 },
		{ ED25519, ALL, false, 14 },
		{ ED25519, SHA256_ONLY, false, 0 },
		{ ED25519, 0, false, 0 },
	};
	struct ike_auth_octets o = octets(), other = o;
	static struct ike_auth_result result;

	other.nonce.n--;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ike_auth_signer signer = { keys[table[i].key], table[i].peer,
						  table[i].pkcs1 };
		struct ike_auth_payload auth;
		int error = ike_auth_sign(crypto, &signer, &o, &result);

		assert_int_equal(error, table[i].method ? 0 : -ENOTSUP);
		if (error)
			continue;
		assert_int_equal(result.method, table[i].method);
		auth = (struct ike_auth_payload){ result.method, { result.data, result.n } };
		assert_int_equal(ike_auth_verify(crypto, signer.key, ALL, &o, &auth), 0);
		assert_int_equal(ike_auth_verify(crypto, signer.key, ALL, &other, &auth), -EBADMSG);
		for (int k = 0; k < KEYS; k++)
			if (k != table[i].key)
				assert_int_equal(ike_auth_verify(crypto, keys[k], ALL, &o, &auth),
						 -EBADMSG);
		for (size_t n = 0; n < result.n; n += 11) {
			auth.data.n = n;
			assert_int_not_equal(ike_auth_verify(crypto, signer.key, ALL, &o, &auth),
					     0);
		}
	}
}

/* Only what we announced, and nothing by method 14 when we announced nothing. */
static void announced_only(void **state)
{
	struct ike_auth_signer signer = { keys[P256], SHA512_ONLY, false };
	struct ike_auth_octets o = octets();
	static struct ike_auth_result result;
	struct ike_auth_payload auth;

	assert_int_equal(ike_auth_sign(crypto, &signer, &o, &result), 0);
	auth = (struct ike_auth_payload){ result.method, { result.data, result.n } };
	assert_int_equal(ike_auth_verify(crypto, keys[P256], SHA512_ONLY, &o, &auth), 0);
	assert_int_equal(ike_auth_verify(crypto, keys[P256], SHA256_ONLY, &o, &auth),
			 -EPROTONOSUPPORT);
	assert_int_equal(ike_auth_verify(crypto, keys[P256], 0, &o, &auth), -EPROTONOSUPPORT);
}

/* A valid signature under an AlgorithmIdentifier that is none of ours. */
static void odd_identifiers(void **state)
{
	struct ike_auth_signer signer = { keys[RSA2048], ALL, false };
	struct ike_auth_octets o = octets();
	static struct ike_auth_result result;
	struct ike_auth_payload auth;
	static const size_t places[] = { 0, 1, 12, 33, 46, 63, 66 };

	assert_int_equal(ike_auth_sign(crypto, &signer, &o, &result), 0);
	assert_int_equal(result.data[0], 67); /* RFC 7427 appendix A.4.3 */
	auth = (struct ike_auth_payload){ result.method, { result.data, result.n } };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		result.data[places[i]]++;
		assert_int_not_equal(ike_auth_verify(crypto, keys[RSA2048], ALL, &o, &auth), 0);
		result.data[places[i]]--;
	}
	result.data[67] = 222; /* salt length */
	assert_int_equal(ike_auth_verify(crypto, keys[RSA2048], ALL, &o, &auth), -EPROTONOSUPPORT);
	/* sha1WithRSAEncryption */
	signer.prefer_pkcs1 = true;
	assert_int_equal(ike_auth_sign(crypto, &signer, &o, &result), 0);
	assert_int_equal(result.data[13], 0x0b);
	auth.data.n = result.n;
	assert_int_equal(ike_auth_verify(crypto, keys[RSA2048], ALL, &o, &auth), 0);
	result.data[13] = 0x05;
	assert_int_equal(ike_auth_verify(crypto, keys[RSA2048], ALL | SHA1_ONLY, &o, &auth),
			 -EPROTONOSUPPORT);
	result.data[0] = 255;
	assert_int_not_equal(ike_auth_verify(crypto, keys[RSA2048], ALL, &o, &auth), 0);
}

static void refused_methods(void **state)
{
	static const uint8_t zero[256];
	struct ike_auth_octets o = octets();

	for (int method = 0; method < 256; method++) {
		struct ike_auth_payload auth = { (uint8_t)method, { zero, sizeof(zero) } };

		for (int k = 0; k < KEYS; k++)
			assert_int_not_equal(ike_auth_verify(crypto, keys[k], ALL, &o, &auth), 0);
	}
}

static void psk(void **state)
{
	struct ike_auth_octets o = octets();
	struct span secret = { (const uint8_t *)"a secret", 8 };
	uint8_t out[CRYPTO_PRF_MAX];
	size_t n = sizeof(out);

	assert_int_equal(ike_auth_psk(crypto, secret, &o, out, &n), 0);
	assert_int_equal(n, 32);
	assert_int_equal(ike_auth_psk_check(crypto, secret, &o, (struct span){ out, 32 }), 0);
	for (size_t k = 0; k < 32; k++) {
		assert_int_equal(ike_auth_psk_check(crypto, secret, &o, (struct span){ out, k }),
				 -EBADMSG);
		out[k] ^= 1;
		assert_int_equal(ike_auth_psk_check(crypto, secret, &o, (struct span){ out, 32 }),
				 -EBADMSG);
		out[k] ^= 1;
	}
	secret.n = 7;
	assert_int_equal(ike_auth_psk_check(crypto, secret, &o, (struct span){ out, 32 }),
			 -EBADMSG);
	secret.n = 0;
	assert_int_equal(ike_auth_psk(crypto, secret, &o, out, &n), -EINVAL);
	secret.n = 8;
	o.int_auth = (struct span){ nonce, 5 }; /* RFC 9242: part of what is covered */
	assert_int_equal(ike_auth_psk_check(crypto, secret, &o, (struct span){ out, 32 }),
			 -EBADMSG);
}

static int start(void **state)
{
	if (secret_pool_init(1 << 16) || crypto_new(&crypto))
		return -1;
	keys[RSA2048] = key_of(EVP_RSA_gen(2048));
	keys[RSA3080] = key_of(EVP_RSA_gen(3080));
	keys[P256] = key_of(EVP_EC_gen("P-256"));
	keys[P384] = key_of(EVP_EC_gen("P-384"));
	keys[P521] = key_of(EVP_EC_gen("P-521"));
	keys[ED25519] = key_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	return 0;
}

static int stop(void **state)
{
	for (int i = 0; i < KEYS; i++)
		crypto_key_put(keys[i]);
	crypto_free(crypto);
	secret_pool_fini();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind),
		cmocka_unit_test(announced_only),
		cmocka_unit_test(odd_identifiers),
		cmocka_unit_test(refused_methods),
		cmocka_unit_test(psk),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
