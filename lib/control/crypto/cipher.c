#include "control/crypto/cipher.h"

#include "control/crypto/internal.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define AEAD_SALT_BYTES 4
#define AEAD_IV_BYTES 8
#define AEAD_NONCE_BYTES (AEAD_SALT_BYTES + AEAD_IV_BYTES)

static const struct {
	const char *text;
	uint8_t key;
	uint8_t salt;
	uint8_t iv;
	uint8_t block;
	bool aead;
} ciphers[CONTRACT_CIPHER_COUNT] = {
#define X(id, text, key, salt, iv, block, aead)                                                    \
	[CONTRACT_CIPHER_##id] = { text, key, salt, iv, block, aead },
	CONTRACT_CIPHERS(X)
#undef X
};

static const struct {
	const char *text;
	uint8_t key;
	uint8_t icv;
} integrities[CONTRACT_INTEGRITY_COUNT] = {
#define X(id, text, key, icv) [CONTRACT_INTEGRITY_##id] = { text, key, icv },
	CONTRACT_INTEGRITIES(X)
#undef X
};

static const enum crypto_prf integrity_macs[CONTRACT_INTEGRITY_COUNT] = {
	[CONTRACT_INTEGRITY_SHA1_96] = CRYPTO_PRF_HMAC_SHA1,
	[CONTRACT_INTEGRITY_SHA256_128] = CRYPTO_PRF_HMAC_SHA256,
	[CONTRACT_INTEGRITY_SHA384_192] = CRYPTO_PRF_HMAC_SHA384,
	[CONTRACT_INTEGRITY_SHA512_256] = CRYPTO_PRF_HMAC_SHA512,
	[CONTRACT_INTEGRITY_AES_XCBC_96] = CRYPTO_PRF_AES_XCBC,
	[CONTRACT_INTEGRITY_AES_CMAC_96] = CRYPTO_PRF_AES_CMAC,
};

static bool cipher_known(enum contract_cipher cipher)
{
	return (unsigned int)cipher < CONTRACT_CIPHER_COUNT;
}

size_t crypto_cipher_key_size(enum contract_cipher cipher)
{
	return cipher_known(cipher) ? (size_t)ciphers[cipher].key + ciphers[cipher].salt : 0;
}

size_t crypto_cipher_iv_size(enum contract_cipher cipher)
{
	return cipher_known(cipher) ? ciphers[cipher].iv : 0;
}

size_t crypto_cipher_block_size(enum contract_cipher cipher)
{
	return cipher_known(cipher) ? ciphers[cipher].block : 0;
}

bool crypto_cipher_is_aead(enum contract_cipher cipher)
{
	return cipher_known(cipher) && ciphers[cipher].aead;
}

const char *crypto_cipher_text(enum contract_cipher cipher)
{
	return cipher_known(cipher) ? ciphers[cipher].text : "?";
}

size_t crypto_integrity_key_size(enum contract_integrity integrity)
{
	return (unsigned int)integrity < CONTRACT_INTEGRITY_COUNT ? integrities[integrity].key : 0;
}

size_t crypto_integrity_icv_size(enum contract_integrity integrity)
{
	return (unsigned int)integrity < CONTRACT_INTEGRITY_COUNT ? integrities[integrity].icv : 0;
}

const char *crypto_integrity_text(enum contract_integrity integrity)
{
	return (unsigned int)integrity < CONTRACT_INTEGRITY_COUNT ? integrities[integrity].text
								  : "?";
}

/* Key, nonce and AAD into the context; *ctx is ready for the text. */
static int aead_begin(struct crypto *crypto, const struct crypto_aead *aead, bool seal,
		      EVP_CIPHER_CTX **ctx)
{
	uint8_t nonce[AEAD_NONCE_BYTES];
	size_t key_bytes;
	int n;

	if (!crypto_cipher_is_aead(aead->cipher) || !crypto->cipher_ctx[aead->cipher])
		return -ENOTSUP;
	if (aead->key.n != crypto_cipher_key_size(aead->cipher) || aead->iv.n != AEAD_IV_BYTES ||
	    aead->icv_bytes < 8 || aead->icv_bytes > 16)
		return -EINVAL;
	key_bytes = ciphers[aead->cipher].key;
	memcpy(nonce, aead->key.p + key_bytes, AEAD_SALT_BYTES);
	memcpy(nonce + AEAD_SALT_BYTES, aead->iv.p, AEAD_IV_BYTES);
	*ctx = crypto->cipher_ctx[aead->cipher];
	crypto->ciphers_used |= 1u << aead->cipher;
	if (EVP_CipherInit_ex2(*ctx, NULL, aead->key.p, nonce, seal, NULL) != 1)
		return crypto_failed();
	if (aead->aad.n && EVP_CipherUpdate(*ctx, NULL, &n, aead->aad.p, (int)aead->aad.n) != 1)
		return crypto_failed();
	return 0;
}

int crypto_aead_seal(struct crypto *crypto, const struct crypto_aead *aead, uint8_t *data, size_t n,
		     uint8_t *icv)
{
	EVP_CIPHER_CTX *ctx = NULL;
	int error, done = 0;

	if (n > INT_MAX || aead->aad.n > INT_MAX)
		return -EINVAL;
	error = aead_begin(crypto, aead, true, &ctx);
	if (error)
		return error;
	if ((n && EVP_CipherUpdate(ctx, data, &done, data, (int)n) != 1) || done != (int)n ||
	    EVP_CipherFinal_ex(ctx, data + n, &done) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, aead->icv_bytes, icv) != 1)
		return crypto_failed();
	return 0;
}

int crypto_aead_open(struct crypto *crypto, const struct crypto_aead *aead, uint8_t *data, size_t n,
		     const uint8_t *icv)
{
	EVP_CIPHER_CTX *ctx = NULL;
	int error, done = 0;

	if (n > INT_MAX || aead->aad.n > INT_MAX)
		return -EINVAL;
	error = aead_begin(crypto, aead, false, &ctx);
	if (error)
		return error;
	if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, aead->icv_bytes, (void *)icv) != 1)
		return crypto_failed();
	if ((n && EVP_CipherUpdate(ctx, data, &done, data, (int)n) != 1) || done != (int)n ||
	    EVP_CipherFinal_ex(ctx, data + n, &done) != 1) {
		secret_wipe(data, n);
		return crypto_refused();
	}
	return 0;
}

/* RFC 5930 section 3: nonce, IV, block counter from 1. */
static void ctr_block(const struct crypto_cipher *cipher, uint8_t block[CRYPTO_AES_BLOCK])
{
	memcpy(block, cipher->key.p + ciphers[cipher->cipher].key, 4);
	memcpy(block + 4, cipher->iv.p, 8);
	memset(block + 12, 0, 3);
	block[15] = 1;
}

static int cipher_run(struct crypto *crypto, const struct crypto_cipher *cipher, bool encrypt,
		      uint8_t *data, size_t n)
{
	uint8_t block[CRYPTO_AES_BLOCK];
	const uint8_t *iv = cipher->iv.p;
	EVP_CIPHER_CTX *ctx;
	int done = 0;

	if (cipher->cipher == CONTRACT_CIPHER_NULL)
		return 0;
	if (!cipher_known(cipher->cipher) || ciphers[cipher->cipher].aead ||
	    !crypto->cipher_ctx[cipher->cipher])
		return -ENOTSUP;
	if (n > INT_MAX || cipher->key.n != crypto_cipher_key_size(cipher->cipher) ||
	    cipher->iv.n != ciphers[cipher->cipher].iv)
		return -EINVAL;
	if (ciphers[cipher->cipher].salt) {
		ctr_block(cipher, block);
		iv = block;
	} else if (n % ciphers[cipher->cipher].block) {
		return -EINVAL;
	}
	if (n == 0)
		return 0;
	ctx = crypto->cipher_ctx[cipher->cipher];
	crypto->ciphers_used |= 1u << cipher->cipher;
	if (EVP_CipherInit_ex2(ctx, NULL, cipher->key.p, iv, encrypt, NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 ||
	    EVP_CipherUpdate(ctx, data, &done, data, (int)n) != 1 || done != (int)n)
		return crypto_failed();
	return 0;
}

int crypto_cipher_encrypt(struct crypto *crypto, const struct crypto_cipher *cipher, uint8_t *data,
			  size_t n)
{
	return cipher_run(crypto, cipher, true, data, n);
}

int crypto_cipher_decrypt(struct crypto *crypto, const struct crypto_cipher *cipher, uint8_t *data,
			  size_t n)
{
	return cipher_run(crypto, cipher, false, data, n);
}

int crypto_integrity(struct crypto *crypto, enum contract_integrity integrity, struct span key,
		     struct crypto_parts parts, uint8_t *out)
{
	size_t icv_bytes = crypto_integrity_icv_size(integrity);
	uint8_t full[CRYPTO_PRF_MAX];
	int error;

	if (!icv_bytes)
		return -ENOTSUP;
	if (key.n != integrities[integrity].key)
		return -EINVAL;
	error = crypto_prf(crypto, integrity_macs[integrity], key, parts, full);
	if (!error)
		memcpy(out, full, icv_bytes);
	secret_wipe(full, sizeof(full));
	return error;
}

int crypto_integrity_check(struct crypto *crypto, enum contract_integrity integrity,
			   struct span key, struct crypto_parts parts, const uint8_t *icv)
{
	uint8_t expected[CRYPTO_PRF_MAX];
	int error = crypto_integrity(crypto, integrity, key, parts, expected);

	if (!error && !secret_equal(expected, icv, crypto_integrity_icv_size(integrity)))
		error = -EBADMSG;
	secret_wipe(expected, sizeof(expected));
	return error;
}
