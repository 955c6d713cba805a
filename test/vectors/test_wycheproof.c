/*
 * Project Wycheproof: what IKE uses. "acceptable" rows may go either way; for us a low-order point
 * of X25519 and X448 has to fail whatever the file says.
 */
#include "vector.h"

#include "control/crypto/cipher.h"
#include "control/crypto/dh.h"
#include "control/crypto/key.h"
#include "control/crypto/prf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct crypto *crypto;
static struct vector_bytes a, b, c, d, e;

typedef int (*row_fn)(const cJSON *group, const cJSON *row, int argument);

#define SKIP 1 /* a row for something that we do not have */

static int number(const cJSON *object, const char *member)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, member);

	return cJSON_IsNumber(value) ? value->valueint : 0;
}

/* Runs every row; `run` gives 0 for a good one, a negative error for a bad one. */
static void file(const char *name, row_fn run, int argument, int at_least)
{
	char path[128];
	const cJSON *group, *row;
	cJSON *json;
	int valid = 0, invalid = 0;

	snprintf(path, sizeof(path), "wycheproof/%s_test.json", name);
	json = vector_json(path);
	cJSON_ArrayForEach(group, cJSON_GetObjectItemCaseSensitive(json, "testGroups"))
	{
		cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(group, "tests"))
		{
			const char *result = vector_text(row, "result");
			int got = run(group, row, argument);

			if (got == SKIP || strcmp(result, "acceptable") == 0)
				continue;
			if ((got == 0) != (strcmp(result, "valid") == 0))
				fail_msg("%s %d: %d, expected %s (%s)", name, number(row, "tcId"),
					 got, result, vector_text(row, "comment"));
			valid += got == 0;
			invalid += got != 0;
		}
	}
	cJSON_Delete(json);
	print_message("%-40s %d valid, %d invalid\n", name, valid, invalid);
	assert_true(valid + invalid >= at_least);
}

static int aead(const cJSON *group, const cJSON *row, int argument)
{
	struct span key = vector_get(&a, row, "key"), iv = vector_get(&b, row, "iv");
	struct crypto_aead with = { .icv_bytes = 16, .aad = vector_get(&c, row, "aad") };
	uint8_t iv_bytes[8];
	struct span tag;
	int error;

	if (number(group, "tagSize") != 128 || iv.n != 12)
		return SKIP;
	with.cipher = argument;
	if (argument == CONTRACT_CIPHER_AES128_GCM)
		with.cipher += (key.n - 16) / 8;
	memcpy(a.p + key.n, iv.p, 4); /* salt and IV are the nonce */
	memcpy(iv_bytes, iv.p + 4, 8);
	with.key = (struct span){ a.p, key.n + 4 };
	with.iv = (struct span){ iv_bytes, 8 };
	vector_get(&d, row, "ct");
	tag = vector_get(&e, row, "tag");
	error = crypto_aead_open(crypto, &with, d.p, d.n, tag.p);
	if (error)
		return error;
	vector_get(&e, row, "msg");
	return d.n == e.n && memcmp(d.p, e.p, d.n) == 0 ? 0 : -EIO;
}

static int mac(const cJSON *group, const cJSON *row, int argument)
{
	struct span key = vector_get(&a, row, "key"), tag = vector_get(&b, row, "tag");
	uint8_t out[CRYPTO_PRF_MAX];
	int error;

	if (argument == CRYPTO_PRF_AES_CMAC && key.n != 16)
		return SKIP;
	error = crypto_prf(crypto, argument, key, CRYPTO_PARTS(vector_get(&c, row, "msg")), out);
	if (error)
		return error;
	return secret_equal(out, tag.p, tag.n) ? 0 : -EBADMSG;
}

/* The own public value plays no part: any of the group serves. */
static int ecdh(const cJSON *group, const cJSON *row, int argument)
{
	struct span private = vector_get(&a, row, "private"), peer = vector_get(&b, row, "public");
	struct crypto_dh *dh, *any;
	struct secret shared;
	size_t point = argument < 31;
	int error;

	if (point && (!peer.n || peer.p[0] != 4))
		return SKIP; /* compressed, infinity: IKE has only x|y */
	assert_int_equal(crypto_dh_new(crypto, (uint16_t)argument, &any), 0);
	assert_int_equal(
		crypto_dh_import(crypto, (uint16_t)argument, private, crypto_dh_public(any), &dh),
		0);
	error = crypto_dh_compute(crypto, dh, (struct span){ peer.p + point, peer.n - point },
				  &shared);
	vector_get(&c, row, "shared");
	if (!error && (shared.n != c.n || memcmp(shared.p, c.p, c.n) != 0))
		error = -EIO;
	if (!error && !point) {
		static const uint8_t zero[66];

		assert_memory_not_equal(shared.p, zero, shared.n);
	}
	secret_free(&shared);
	crypto_dh_free(dh);
	crypto_dh_free(any);
	return error;
}

struct signature {
	enum crypto_scheme scheme;
	enum crypto_hash hash;
};

static const struct signature signatures[] = {
	{ CRYPTO_ECDSA_DER, CRYPTO_HASH_SHA256 }, { CRYPTO_ECDSA_DER, CRYPTO_HASH_SHA384 },
	{ CRYPTO_ECDSA_DER, CRYPTO_HASH_SHA512 }, { CRYPTO_EDDSA, CRYPTO_HASH_NONE },
	{ CRYPTO_RSA_PSS, CRYPTO_HASH_SHA256 },	  { CRYPTO_RSA_PSS, CRYPTO_HASH_SHA512 },
	{ CRYPTO_RSA_PKCS1, CRYPTO_HASH_SHA256 }, { CRYPTO_RSA_PKCS1, CRYPTO_HASH_SHA384 },
};

static int verify(const cJSON *group, const cJSON *row, int argument)
{
	struct crypto_signing with = { .scheme = signatures[argument].scheme,
				       .hash = signatures[argument].hash };
	struct crypto_key *key;
	int error = crypto_key_load_public(vector_get(&a, group, "publicKeyDer"), &key);

	if (error)
		return error;
	with.key = key;
	error = crypto_verify(crypto, &with, CRYPTO_PARTS(vector_get(&b, row, "msg")),
			      vector_get(&c, row, "sig"));
	crypto_key_put(key);
	return error;
}

static void aeads(void **state)
{
	file("aes_gcm", aead, CONTRACT_CIPHER_AES128_GCM, 150);
	file("chacha20_poly1305", aead, CONTRACT_CIPHER_CHACHA20_POLY1305, 250);
}

static void macs(void **state)
{
	file("hmac_sha1", mac, CRYPTO_PRF_HMAC_SHA1, 170);
	file("hmac_sha256", mac, CRYPTO_PRF_HMAC_SHA256, 170);
	file("hmac_sha384", mac, CRYPTO_PRF_HMAC_SHA384, 170);
	file("hmac_sha512", mac, CRYPTO_PRF_HMAC_SHA512, 170);
	file("aes_cmac", mac, CRYPTO_PRF_AES_CMAC, 90);
}

static void groups(void **state)
{
	file("ecdh_secp256r1_ecpoint", ecdh, 19, 200);
	file("ecdh_secp384r1_ecpoint", ecdh, 20, 200);
	file("ecdh_secp521r1_ecpoint", ecdh, 21, 200);
	file("x25519", ecdh, 31, 250);
	file("x448", ecdh, 32, 250);
}

static void signature_checks(void **state)
{
	file("ecdsa_secp256r1_sha256", verify, 0, 400);
	file("ecdsa_secp384r1_sha384", verify, 1, 400);
	file("ecdsa_secp521r1_sha512", verify, 2, 400);
	file("ed25519", verify, 3, 140);
	file("rsa_pss_2048_sha256_mgf1_32", verify, 4, 90);
	file("rsa_pss_4096_sha512_mgf1_64", verify, 5, 90);
	file("rsa_signature_2048_sha256", verify, 6, 200);
	file("rsa_signature_2048_sha384", verify, 7, 200);
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
		cmocka_unit_test(aeads),
		cmocka_unit_test(macs),
		cmocka_unit_test(groups),
		cmocka_unit_test(signature_checks),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
