#include "control/crypto/crypto.h"

#include "control/crypto/internal.h"

#include <openssl/core_names.h>
#include <openssl/err.h>

#include <errno.h>
#include <stdlib.h>

static const struct {
	const char *text;
	const char *name;
	size_t size;
} hashes[CRYPTO_HASH_COUNT] = {
#define X(id, text, size) [CRYPTO_HASH_##id] = { text, #id, size },
	CRYPTO_HASHES(X)
#undef X
};

static const char *const cipher_names[CONTRACT_CIPHER_COUNT] = {
	[CONTRACT_CIPHER_AES128_GCM] = "AES-128-GCM",
	[CONTRACT_CIPHER_AES192_GCM] = "AES-192-GCM",
	[CONTRACT_CIPHER_AES256_GCM] = "AES-256-GCM",
	[CONTRACT_CIPHER_CHACHA20_POLY1305] = "ChaCha20-Poly1305",
	[CONTRACT_CIPHER_AES128_CBC] = "AES-128-CBC",
	[CONTRACT_CIPHER_AES192_CBC] = "AES-192-CBC",
	[CONTRACT_CIPHER_AES256_CBC] = "AES-256-CBC",
	[CONTRACT_CIPHER_AES128_CTR] = "AES-128-CTR",
	[CONTRACT_CIPHER_AES192_CTR] = "AES-192-CTR",
	[CONTRACT_CIPHER_AES256_CTR] = "AES-256-CTR",
	[CONTRACT_CIPHER_DES3_CBC] = "DES-EDE3-CBC",
};

int crypto_failed(void)
{
	ERR_clear_error();
	return -EIO;
}

int crypto_refused(void)
{
	ERR_clear_error();
	return -EBADMSG;
}

size_t crypto_hash_size(enum crypto_hash hash)
{
	return (unsigned int)hash < CRYPTO_HASH_COUNT ? hashes[hash].size : 0;
}

const char *crypto_hash_text(enum crypto_hash hash)
{
	return crypto_hash_size(hash) ? hashes[hash].text : "none";
}

static int fetch_hashes(struct crypto *crypto)
{
	for (int i = 1; i < CRYPTO_HASH_COUNT; i++) {
		crypto->md[i] = EVP_MD_fetch(NULL, hashes[i].name, NULL);
		if (!crypto->md[i] || crypto_hmac_new(&crypto->hmac[i], crypto->md[i]))
			return crypto_failed();
	}
	return 0;
}

static int fetch_block_macs(struct crypto *crypto)
{
	OSSL_PARAM params[2] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, (char *)"AES-128-CBC", 0),
		OSSL_PARAM_END,
	};

	crypto->cmac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	crypto->cmac_ctx = crypto->cmac ? EVP_MAC_CTX_new(crypto->cmac) : NULL;
	if (!crypto->cmac_ctx || EVP_MAC_CTX_set_params(crypto->cmac_ctx, params) != 1)
		return crypto_failed();
	return crypto_xcbc_new(&crypto->xcbc);
}

/* A provider without one of them (FIPS) leaves NULL: its use is then -ENOTSUP. */
static int fetch_ciphers(struct crypto *crypto)
{
	for (int i = 0; i < CONTRACT_CIPHER_COUNT; i++) {
		if (!cipher_names[i])
			continue;
		crypto->cipher[i] = EVP_CIPHER_fetch(NULL, cipher_names[i], NULL);
		if (!crypto->cipher[i])
			continue;
		crypto->cipher_ctx[i] = EVP_CIPHER_CTX_new();
		if (!crypto->cipher_ctx[i] ||
		    EVP_CipherInit_ex2(crypto->cipher_ctx[i], crypto->cipher[i], NULL, NULL, 1,
				       NULL) != 1)
			return crypto_failed();
	}
	ERR_clear_error();
	return 0;
}

int crypto_new(struct crypto **out)
{
	struct crypto *crypto = calloc(1, sizeof(*crypto));
	int error;

	if (!crypto)
		return -ENOMEM;
	map_init(&crypto->known_certs);
	list_init(&crypto->known_order);
	crypto->md_ctx = EVP_MD_CTX_new();
	crypto->bn_ctx = BN_CTX_secure_new();
	error = crypto->md_ctx && crypto->bn_ctx ? 0 : -ENOMEM;
	if (!error)
		error = fetch_hashes(crypto);
	if (!error)
		error = fetch_block_macs(crypto);
	if (!error)
		error = fetch_ciphers(crypto);
	if (error) {
		crypto_free(crypto);
		return error;
	}
	*out = crypto;
	return 0;
}

void crypto_free(struct crypto *crypto)
{
	if (!crypto)
		return;
	crypto_known_certs_free(crypto);
	crypto_dh_states_free(crypto);
	crypto_xcbc_free(&crypto->xcbc);
	EVP_MAC_CTX_free(crypto->cmac_ctx);
	EVP_MAC_free(crypto->cmac);
	for (int i = 0; i < CRYPTO_HASH_COUNT; i++) {
		crypto_hmac_free(&crypto->hmac[i]);
		EVP_MD_free(crypto->md[i]);
	}
	for (int i = 0; i < CONTRACT_CIPHER_COUNT; i++) {
		EVP_CIPHER_CTX_free(crypto->cipher_ctx[i]);
		EVP_CIPHER_free(crypto->cipher[i]);
	}
	EVP_MD_CTX_free(crypto->md_ctx);
	BN_CTX_free(crypto->bn_ctx);
	secret_wipe(crypto, sizeof(*crypto));
	free(crypto);
}

void crypto_forget(struct crypto *crypto)
{
	static const uint8_t zeros[64];

	for (int i = 1; i < CRYPTO_PRF_COUNT; i++)
		if (crypto->macs_used >> i & 1)
			crypto_mac_forget(crypto, i);
	for (int i = 0; i < CONTRACT_CIPHER_COUNT; i++)
		if (crypto->ciphers_used >> i & 1 &&
		    EVP_CipherInit_ex2(crypto->cipher_ctx[i], NULL, zeros, zeros, 1, NULL) != 1)
			crypto_failed();
	crypto->macs_used = crypto->ciphers_used = 0;
}

int crypto_hash(struct crypto *crypto, enum crypto_hash hash, struct crypto_parts parts,
		uint8_t *out)
{
	if (!crypto_hash_size(hash))
		return -ENOTSUP;
	if (EVP_DigestInit_ex2(crypto->md_ctx, crypto->md[hash], NULL) != 1)
		return crypto_failed();
	for (size_t i = 0; i < parts.n; i++)
		if (EVP_DigestUpdate(crypto->md_ctx, parts.p[i].p, parts.p[i].n) != 1)
			return crypto_failed();
	if (EVP_DigestFinal_ex(crypto->md_ctx, out, NULL) != 1)
		return crypto_failed();
	return 0;
}
