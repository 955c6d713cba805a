#include "control/crypto/prf.h"

#include "control/crypto/internal.h"

#include <openssl/err.h>

#include <errno.h>
#include <string.h>

static const struct {
	const char *text;
	uint8_t size;
	uint8_t key_size;
	enum crypto_hash hash; /* CRYPTO_HASH_NONE: a block cipher */
} prfs[CRYPTO_PRF_COUNT] = {
#define X(id, text, size, key) [CRYPTO_PRF_##id] = { text, size, key, CRYPTO_HASH_NONE },
	CRYPTO_PRFS(X)
#undef X
};

static enum crypto_hash prf_hash(enum crypto_prf prf)
{
	switch (prf) {
	case CRYPTO_PRF_HMAC_SHA1:
		return CRYPTO_HASH_SHA1;
	case CRYPTO_PRF_HMAC_SHA256:
		return CRYPTO_HASH_SHA256;
	case CRYPTO_PRF_HMAC_SHA384:
		return CRYPTO_HASH_SHA384;
	case CRYPTO_PRF_HMAC_SHA512:
		return CRYPTO_HASH_SHA512;
	default:
		return CRYPTO_HASH_NONE;
	}
}

size_t crypto_prf_size(enum crypto_prf prf)
{
	return (unsigned int)prf < CRYPTO_PRF_COUNT ? prfs[prf].size : 0;
}

size_t crypto_prf_key_size(enum crypto_prf prf)
{
	return (unsigned int)prf < CRYPTO_PRF_COUNT ? prfs[prf].key_size : 0;
}

const char *crypto_prf_text(enum crypto_prf prf)
{
	return crypto_prf_size(prf) ? prfs[prf].text : "none";
}

/* NULL: a block cipher. */
static struct crypto_hmac *hmac_of(struct crypto *crypto, enum crypto_prf prf)
{
	enum crypto_hash hash = prf_hash(prf);

	return hash ? &crypto->hmac[hash] : NULL;
}

static int block_begin(struct crypto *crypto, enum crypto_prf prf, const uint8_t *key)
{
	if (prf == CRYPTO_PRF_AES_XCBC)
		return crypto_xcbc_begin(&crypto->xcbc, key);
	if (EVP_MAC_init(crypto->cmac_ctx, key, CRYPTO_AES_BLOCK, NULL) != 1)
		return crypto_failed();
	return 0;
}

/* RFC 4434 section 2, RFC 4615 section 3: a long key is hashed with itself, a short one padded. */
static int block_key(struct crypto *crypto, enum crypto_prf prf, struct span key)
{
	static const uint8_t zero[CRYPTO_AES_BLOCK];
	uint8_t fitted[CRYPTO_AES_BLOCK] = { 0 };
	int error = 0;

	if (key.n > CRYPTO_AES_BLOCK || (prf == CRYPTO_PRF_AES_CMAC && key.n < CRYPTO_AES_BLOCK)) {
		error = block_begin(crypto, prf, zero);
		if (!error)
			error = crypto_mac_update(crypto, prf, CRYPTO_PARTS(key));
		if (!error)
			error = crypto_mac_final(crypto, prf, fitted);
	} else if (key.n > 0) {
		memcpy(fitted, key.p, key.n);
	}
	memcpy(crypto->mac_key, fitted, sizeof(fitted));
	secret_wipe(fitted, sizeof(fitted));
	return error;
}

int crypto_mac_begin(struct crypto *crypto, enum crypto_prf prf, struct span key)
{
	struct crypto_hmac *hmac = hmac_of(crypto, prf);
	int error;

	if (!crypto_prf_size(prf))
		return -ENOTSUP;
	crypto->macs_used |= 1u << prf;
	if (hmac)
		return crypto_hmac_begin(hmac, key);
	error = block_key(crypto, prf, key);
	return error ? error : block_begin(crypto, prf, crypto->mac_key);
}

int crypto_mac_keep(struct crypto *crypto, enum crypto_prf prf)
{
	struct crypto_hmac *hmac = hmac_of(crypto, prf);

	return hmac ? crypto_hmac_keep(hmac) : 0; /* else in crypto->mac_key */
}

int crypto_mac_again(struct crypto *crypto, enum crypto_prf prf)
{
	struct crypto_hmac *hmac = hmac_of(crypto, prf);

	return hmac ? crypto_hmac_again(hmac) : block_begin(crypto, prf, crypto->mac_key);
}

static int cmac_update(struct crypto *crypto, struct span bytes)
{
	return EVP_MAC_update(crypto->cmac_ctx, bytes.p, bytes.n) == 1 ? 0 : crypto_failed();
}

int crypto_mac_update(struct crypto *crypto, enum crypto_prf prf, struct crypto_parts parts)
{
	struct crypto_hmac *hmac = hmac_of(crypto, prf);
	int error = 0;

	for (size_t i = 0; !error && i < parts.n; i++) {
		if (hmac)
			error = crypto_hmac_update(hmac, parts.p[i]);
		else if (prf == CRYPTO_PRF_AES_XCBC)
			error = crypto_xcbc_update(&crypto->xcbc, parts.p[i]);
		else
			error = cmac_update(crypto, parts.p[i]);
	}
	return error;
}

int crypto_mac_final(struct crypto *crypto, enum crypto_prf prf, uint8_t *out)
{
	struct crypto_hmac *hmac = hmac_of(crypto, prf);
	size_t n;

	if (hmac)
		return crypto_hmac_final(hmac, out);
	if (prf == CRYPTO_PRF_AES_XCBC)
		return crypto_xcbc_final(&crypto->xcbc, out);
	if (EVP_MAC_final(crypto->cmac_ctx, out, &n, crypto_prf_size(prf)) != 1)
		return crypto_failed();
	return 0;
}

void crypto_mac_forget(struct crypto *crypto, enum crypto_prf prf)
{
	static const uint8_t zeros[CRYPTO_AES_BLOCK];
	struct crypto_hmac *hmac = hmac_of(crypto, prf);

	if (hmac)
		crypto_hmac_forget(hmac);
	else if (crypto_mac_begin(crypto, prf, (struct span){ zeros, sizeof(zeros) }))
		crypto_failed();
}

int crypto_prf(struct crypto *crypto, enum crypto_prf prf, struct span key,
	       struct crypto_parts parts, uint8_t *out)
{
	int error = crypto_mac_begin(crypto, prf, key);

	if (!error)
		error = crypto_mac_update(crypto, prf, parts);
	return error ? error : crypto_mac_final(crypto, prf, out);
}

/* T1 = prf(K, S | 1), Tn = prf(K, Tn-1 | S | n) */
int crypto_prf_plus(struct crypto *crypto, enum crypto_prf prf, struct span key,
		    struct crypto_parts seed, uint8_t *out, size_t n)
{
	size_t size = crypto_prf_size(prf);
	uint8_t t[CRYPTO_PRF_MAX];
	int error;

	if (!size || n > 255 * size)
		return -EINVAL;
	error = crypto_mac_begin(crypto, prf, key);
	if (!error && n > size)
		error = crypto_mac_keep(crypto, prf);
	for (uint8_t i = 1; !error && n > 0; i++) {
		size_t take = n < size ? n : size;
		struct span last = { t, i > 1 ? size : 0 };

		if (i > 1)
			error = crypto_mac_again(crypto, prf);
		if (!error)
			error = crypto_mac_update(crypto, prf, CRYPTO_PARTS(last));
		if (!error)
			error = crypto_mac_update(crypto, prf, seed);
		if (!error)
			error = crypto_mac_update(crypto, prf, CRYPTO_PARTS({ &i, 1 }));
		if (!error)
			error = crypto_mac_final(crypto, prf, t);
		if (error)
			break;
		memcpy(out, t, take);
		out += take;
		n -= take;
	}
	secret_wipe(t, sizeof(t));
	return error;
}
