#include "../../cmocka_all.h"
#include "control/crypto/cipher.h"

#include <errno.h>
#include <string.h>

static struct crypto *crypto;
static const uint8_t keys[64] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
static const uint8_t iv[16] = { 9, 8, 7 };

static const enum contract_cipher aeads[] = {
	CONTRACT_CIPHER_AES128_GCM,
	CONTRACT_CIPHER_AES192_GCM,
	CONTRACT_CIPHER_AES256_GCM,
	CONTRACT_CIPHER_CHACHA20_POLY1305,
};

static struct crypto_aead aead_of(enum contract_cipher cipher, uint8_t icv_bytes)
{
	return (struct crypto_aead){
		.cipher = cipher,
		.icv_bytes = icv_bytes,
		.key = { keys, crypto_cipher_key_size(cipher) },
		.iv = { iv, 8 },
		.aad = { keys, 13 },
	};
}

static void aead_round_trip(void **state)
{
	for (size_t i = 0; i < sizeof(aeads) / sizeof(aeads[0]); i++) {
		for (uint8_t icv_bytes = 8; icv_bytes <= 16; icv_bytes += 4) {
			struct crypto_aead aead = aead_of(aeads[i], icv_bytes);
			uint8_t data[100] = "what is said", icv[16];

			if (aeads[i] == CONTRACT_CIPHER_CHACHA20_POLY1305 && icv_bytes < 16)
				continue;
			assert_int_equal(crypto_aead_seal(crypto, &aead, data, 100, icv), 0);
			assert_string_not_equal((char *)data, "what is said");
			assert_int_equal(crypto_aead_open(crypto, &aead, data, 100, icv), 0);
			assert_string_equal((char *)data, "what is said");
		}
	}
}

/* A flipped bit anywhere: text, ICV or what is only authenticated; nothing of the text is left. */
static void aead_refuses(void **state)
{
	static const uint8_t zero[100];

	for (size_t i = 0; i < sizeof(aeads) / sizeof(aeads[0]); i++) {
		for (int what = 0; what < 3; what++) {
			struct crypto_aead aead = aead_of(aeads[i], 16);
			uint8_t data[100] = "what is said", icv[16], aad[13];

			memcpy(aad, keys, 13);
			aead.aad.p = aad;
			assert_int_equal(crypto_aead_seal(crypto, &aead, data, 100, icv), 0);
			*(what == 0 ? &data[99] : what == 1 ? &icv[15] : &aad[12]) ^= 0x80;
			assert_int_equal(crypto_aead_open(crypto, &aead, data, 100, icv), -EBADMSG);
			assert_memory_equal(data, zero, 100);
		}
	}
}

static void aead_checks_sizes(void **state)
{
	struct crypto_aead aead = aead_of(CONTRACT_CIPHER_AES256_GCM, 16);
	uint8_t data[16] = { 0 }, icv[16];

	aead.key.n--;
	assert_int_equal(crypto_aead_seal(crypto, &aead, data, 16, icv), -EINVAL);
	aead = aead_of(CONTRACT_CIPHER_AES256_GCM, 4);
	assert_int_equal(crypto_aead_seal(crypto, &aead, data, 16, icv), -EINVAL);
	aead = aead_of(CONTRACT_CIPHER_AES256_CBC, 16);
	assert_int_equal(crypto_aead_seal(crypto, &aead, data, 16, icv), -ENOTSUP);
	aead = aead_of(CONTRACT_CIPHER_AES256_GCM, 16);
	assert_int_equal(crypto_aead_seal(crypto, &aead, data, 0, icv), 0);
	assert_int_equal(crypto_aead_open(crypto, &aead, data, 0, icv), 0);
}

static void cipher_round_trip(void **state)
{
	static const enum contract_cipher ciphers[] = {
		CONTRACT_CIPHER_AES128_CBC, CONTRACT_CIPHER_AES192_CBC, CONTRACT_CIPHER_AES256_CBC,
		CONTRACT_CIPHER_AES128_CTR, CONTRACT_CIPHER_AES192_CTR, CONTRACT_CIPHER_AES256_CTR,
		CONTRACT_CIPHER_DES3_CBC,
	};

	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
		struct crypto_cipher with = {
			.cipher = ciphers[i],
			.key = { keys, crypto_cipher_key_size(ciphers[i]) },
			.iv = { iv, crypto_cipher_iv_size(ciphers[i]) },
		};
		uint8_t data[48] = "what is said";

		assert_int_equal(crypto_cipher_encrypt(crypto, &with, data, 48), 0);
		assert_string_not_equal((char *)data, "what is said");
		assert_int_equal(crypto_cipher_decrypt(crypto, &with, data, 48), 0);
		assert_string_equal((char *)data, "what is said");
		if (crypto_cipher_block_size(ciphers[i]) > 4)
			assert_int_equal(crypto_cipher_encrypt(crypto, &with, data, 47), -EINVAL);
		with.iv.n--;
		assert_int_equal(crypto_cipher_encrypt(crypto, &with, data, 48), -EINVAL);
	}
}

static void sizes_outside_the_table(void **state)
{
	assert_int_equal(crypto_cipher_key_size(CONTRACT_CIPHER_COUNT), 0);
	assert_false(crypto_cipher_is_aead(CONTRACT_CIPHER_COUNT));
	assert_int_equal(crypto_integrity_icv_size(CONTRACT_INTEGRITY_COUNT), 0);
	assert_string_equal(crypto_cipher_text(CONTRACT_CIPHER_COUNT), "?");
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
		cmocka_unit_test(aead_round_trip),	   cmocka_unit_test(aead_refuses),
		cmocka_unit_test(aead_checks_sizes),	   cmocka_unit_test(cipher_round_trip),
		cmocka_unit_test(sizes_outside_the_table),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
