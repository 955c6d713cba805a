/*
 * HMAC (RFC 2104) over two digest contexts that are used again. OpenSSL's EVP_MAC copies a context
 * for each half of each HMAC and looks up parameters by name, which costs more than the
 * compressions of a short message; here only a key that is used more than once is kept as a copy.
 */
#include "control/crypto/internal.h"

#include <string.h>

#define HMAC_BLOCK_MAX 128
#define INNER_PAD 0x36
#define OUTER_PAD 0x5c

int crypto_hmac_new(struct crypto_hmac *hmac, const EVP_MD *md)
{
	hmac->md = md;
	for (size_t i = 0; i < CRYPTO_HMAC_HALVES; i++) {
		hmac->half[i] = EVP_MD_CTX_new();
		hmac->kept[i] = EVP_MD_CTX_new();
		if (!hmac->half[i] || !hmac->kept[i])
			return crypto_failed();
	}
	hmac->block_bytes = (size_t)EVP_MD_get_block_size(md);
	hmac->size = (size_t)EVP_MD_get_size(md);
	return 0;
}

void crypto_hmac_free(struct crypto_hmac *hmac)
{
	for (size_t i = 0; i < CRYPTO_HMAC_HALVES; i++) {
		EVP_MD_CTX_free(hmac->half[i]);
		EVP_MD_CTX_free(hmac->kept[i]);
	}
}

static bool hash_of(EVP_MD_CTX *ctx, const EVP_MD *md, struct span bytes, uint8_t *out)
{
	return EVP_DigestInit_ex2(ctx, md, NULL) == 1 &&
	       EVP_DigestUpdate(ctx, bytes.p, bytes.n) == 1 &&
	       EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

int crypto_hmac_begin(struct crypto_hmac *hmac, struct span key)
{
	static const uint8_t pads[CRYPTO_HMAC_HALVES] = { INNER_PAD, OUTER_PAD ^ INNER_PAD };
	uint8_t block[HMAC_BLOCK_MAX] = { 0 };
	bool ok = true;

	if (key.n > hmac->block_bytes)
		ok = hash_of(hmac->half[0], hmac->md, key, block);
	else if (key.n)
		memcpy(block, key.p, key.n);
	for (size_t i = 0; ok && i < CRYPTO_HMAC_HALVES; i++) {
		for (size_t k = 0; k < hmac->block_bytes; k++)
			block[k] ^= pads[i];
		ok = EVP_DigestInit_ex2(hmac->half[i], hmac->md, NULL) == 1 &&
		     EVP_DigestUpdate(hmac->half[i], block, hmac->block_bytes) == 1;
	}
	secret_wipe(block, sizeof(block));
	return ok ? 0 : crypto_failed();
}

static int copy_both(EVP_MD_CTX **to, EVP_MD_CTX *const *from)
{
	for (size_t i = 0; i < CRYPTO_HMAC_HALVES; i++)
		if (EVP_MD_CTX_copy_ex(to[i], from[i]) != 1)
			return crypto_failed();
	return 0;
}

int crypto_hmac_keep(struct crypto_hmac *hmac)
{
	return copy_both(hmac->kept, hmac->half);
}

int crypto_hmac_again(struct crypto_hmac *hmac)
{
	return copy_both(hmac->half, hmac->kept);
}

int crypto_hmac_update(struct crypto_hmac *hmac, struct span bytes)
{
	return EVP_DigestUpdate(hmac->half[0], bytes.p, bytes.n) == 1 ? 0 : crypto_failed();
}

int crypto_hmac_final(struct crypto_hmac *hmac, uint8_t *out)
{
	uint8_t inner[CRYPTO_HASH_MAX];
	bool ok = EVP_DigestFinal_ex(hmac->half[0], inner, NULL) == 1 &&
		  EVP_DigestUpdate(hmac->half[1], inner, hmac->size) == 1 &&
		  EVP_DigestFinal_ex(hmac->half[1], out, NULL) == 1;

	secret_wipe(inner, sizeof(inner));
	return ok ? 0 : crypto_failed();
}

/* A digest keeps its state and its last block when it has ended: both are written over. */
void crypto_hmac_forget(struct crypto_hmac *hmac)
{
	static const uint8_t zeros[HMAC_BLOCK_MAX];
	const struct span most = { zeros, hmac->block_bytes - 1 };
	uint8_t out[CRYPTO_HASH_MAX];

	for (size_t i = 0; i < CRYPTO_HMAC_HALVES; i++)
		if (!hash_of(hmac->half[i], hmac->md, most, out) ||
		    !hash_of(hmac->kept[i], hmac->md, most, out))
			crypto_failed();
}
