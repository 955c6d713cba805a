/*
 * AES-XCBC-MAC (RFC 3566): CBC-MAC under K1, the last block mixed with K2 (full) or, padded, with
 * K3. The CBC context chains by itself; what it puts out before the last block is thrown away.
 */
#include "control/crypto/internal.h"

#include <string.h>

int crypto_xcbc_new(struct crypto_xcbc *xcbc)
{
	EVP_CIPHER *ecb = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
	EVP_CIPHER *cbc = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
	int error = 0;

	xcbc->ecb = EVP_CIPHER_CTX_new();
	xcbc->cbc = EVP_CIPHER_CTX_new();
	if (!ecb || !cbc || !xcbc->ecb || !xcbc->cbc ||
	    EVP_EncryptInit_ex2(xcbc->ecb, ecb, NULL, NULL, NULL) != 1 ||
	    EVP_EncryptInit_ex2(xcbc->cbc, cbc, NULL, NULL, NULL) != 1)
		error = crypto_failed();
	EVP_CIPHER_free(ecb);
	EVP_CIPHER_free(cbc);
	return error;
}

void crypto_xcbc_free(struct crypto_xcbc *xcbc)
{
	EVP_CIPHER_CTX_free(xcbc->ecb);
	EVP_CIPHER_CTX_free(xcbc->cbc);
	secret_wipe(xcbc, sizeof(*xcbc));
}

int crypto_xcbc_begin(struct crypto_xcbc *xcbc, const uint8_t key[CRYPTO_AES_BLOCK])
{
	static const uint8_t zero_iv[CRYPTO_AES_BLOCK];
	int n = 0;

	for (int i = 0; i < 3; i++)
		memset(xcbc->keys + i * CRYPTO_AES_BLOCK, i + 1, CRYPTO_AES_BLOCK);
	xcbc->held = 0;
	if (EVP_EncryptInit_ex2(xcbc->ecb, NULL, key, NULL, NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(xcbc->ecb, 0) != 1 ||
	    EVP_EncryptUpdate(xcbc->ecb, xcbc->keys, &n, xcbc->keys, sizeof(xcbc->keys)) != 1 ||
	    n != sizeof(xcbc->keys) ||
	    EVP_EncryptInit_ex2(xcbc->cbc, NULL, xcbc->keys, zero_iv, NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(xcbc->cbc, 0) != 1)
		return crypto_failed();
	return 0;
}

static int block_out(struct crypto_xcbc *xcbc, uint8_t out[CRYPTO_AES_BLOCK])
{
	int n = 0;

	if (EVP_EncryptUpdate(xcbc->cbc, out, &n, xcbc->block, CRYPTO_AES_BLOCK) != 1 ||
	    n != CRYPTO_AES_BLOCK)
		return crypto_failed();
	xcbc->held = 0;
	return 0;
}

int crypto_xcbc_update(struct crypto_xcbc *xcbc, struct span bytes)
{
	uint8_t chained[CRYPTO_AES_BLOCK];

	while (bytes.n > 0) {
		size_t take = CRYPTO_AES_BLOCK - xcbc->held;
		int error;

		if (take == 0) {
			error = block_out(xcbc, chained);
			if (error)
				return error;
			continue;
		}
		if (take > bytes.n)
			take = bytes.n;
		memcpy(xcbc->block + xcbc->held, bytes.p, take);
		xcbc->held += take;
		bytes.p += take;
		bytes.n -= take;
	}
	return 0;
}

int crypto_xcbc_final(struct crypto_xcbc *xcbc, uint8_t out[CRYPTO_AES_BLOCK])
{
	const uint8_t *mix = xcbc->keys + CRYPTO_AES_BLOCK;

	if (xcbc->held < CRYPTO_AES_BLOCK) {
		memset(xcbc->block + xcbc->held, 0, CRYPTO_AES_BLOCK - xcbc->held);
		xcbc->block[xcbc->held] = 0x80;
		mix += CRYPTO_AES_BLOCK;
	}
	for (int i = 0; i < CRYPTO_AES_BLOCK; i++)
		xcbc->block[i] ^= mix[i];
	return block_out(xcbc, out);
}
