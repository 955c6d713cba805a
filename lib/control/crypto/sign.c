#include "control/crypto/internal.h"
#include "control/crypto/key_internal.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ECDSA_DER_MAX 144 /* two integers of 66 octets and their headers */

static const char *hash_name(enum crypto_hash hash)
{
	static const char *const names[CRYPTO_HASH_COUNT] = {
		[CRYPTO_HASH_SHA1] = "SHA1",
		[CRYPTO_HASH_SHA256] = "SHA256",
		[CRYPTO_HASH_SHA384] = "SHA384",
		[CRYPTO_HASH_SHA512] = "SHA512",
	};

	return names[hash];
}

/* Ed25519 has no streaming form: its parts become one message. */
static int join(struct crypto_parts parts, struct span *whole, uint8_t **owned)
{
	size_t n = 0;

	for (size_t i = 0; i < parts.n; i++)
		n += parts.p[i].n;
	*owned = malloc(n ? n : 1);
	if (!*owned)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < parts.n; i++) {
		if (parts.p[i].n)
			memcpy(*owned + n, parts.p[i].p, parts.p[i].n);
		n += parts.p[i].n;
	}
	*whole = (struct span){ *owned, n };
	return 0;
}

/* PSS: the salt is as long as the hash, MGF1 has the same hash, nothing else passes. */
static int set_padding(EVP_PKEY_CTX *ctx, enum crypto_scheme scheme)
{
	if (scheme != CRYPTO_RSA_PSS)
		return 0;
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) != 1)
		return crypto_failed();
	return 0;
}

static size_t field_bytes(const struct crypto_key *key)
{
	return ((size_t)key->bits + 7) / 8;
}

/* DER to r|s; *n is the room, then the length. */
static int to_raw(const struct crypto_key *key, struct span der, uint8_t *out, size_t *n)
{
	const uint8_t *at = der.p;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)der.n);
	int size = (int)field_bytes(key);
	int error = -EIO;

	if (*n >= 2 * (size_t)size && sig &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, size) == size &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + size, size) == size)
		error = 0;
	*n = 2 * (size_t)size;
	ECDSA_SIG_free(sig);
	return error ? crypto_failed() : 0;
}

static int from_raw(const struct crypto_key *key, struct span raw, uint8_t *der, size_t *n)
{
	int size = (int)field_bytes(key), length = -1;
	ECDSA_SIG *sig;
	BIGNUM *r, *s;

	if (raw.n != 2 * (size_t)size)
		return -EBADMSG;
	sig = ECDSA_SIG_new();
	r = BN_bin2bn(raw.p, size, NULL);
	s = BN_bin2bn(raw.p + size, size, NULL);
	if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL;
		if (i2d_ECDSA_SIG(sig, NULL) <= ECDSA_DER_MAX)
			length = i2d_ECDSA_SIG(sig, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	if (length <= 0)
		return crypto_failed();
	*n = (size_t)length;
	return 0;
}

static int sign_parts(EVP_MD_CTX *ctx, enum crypto_scheme scheme, struct crypto_parts parts,
		      uint8_t *out, size_t *n)
{
	uint8_t *owned = NULL;
	struct span whole;
	int error = 0;

	if (scheme == CRYPTO_EDDSA) {
		error = join(parts, &whole, &owned);
		if (!error && EVP_DigestSign(ctx, out, n, whole.p, whole.n) != 1)
			error = crypto_failed();
		free(owned);
		return error;
	}
	for (size_t i = 0; i < parts.n; i++)
		if (EVP_DigestSignUpdate(ctx, parts.p[i].p, parts.p[i].n) != 1)
			return crypto_failed();
	return EVP_DigestSignFinal(ctx, out, n) == 1 ? 0 : crypto_failed();
}

int crypto_sign(struct crypto *crypto, const struct crypto_signing *with, struct crypto_parts parts,
		uint8_t *out, size_t *n)
{
	uint8_t der[ECDSA_DER_MAX];
	size_t der_n = sizeof(der);
	bool raw = with->scheme == CRYPTO_ECDSA_RAW;
	EVP_PKEY_CTX *pctx;
	EVP_MD_CTX *ctx;
	int error;

	if (!with->key->private || !crypto_key_can(with->key, with->scheme, with->hash))
		return -EINVAL;
	ctx = EVP_MD_CTX_new();
	if (!ctx)
		return -ENOMEM;
	if (EVP_DigestSignInit_ex(ctx, &pctx, hash_name(with->hash), NULL, NULL, with->key->pkey,
				  NULL) != 1)
		error = crypto_failed();
	else
		error = set_padding(pctx, with->scheme);
	if (!error)
		error = sign_parts(ctx, with->scheme, parts, raw ? der : out, raw ? &der_n : n);
	if (!error && raw)
		error = to_raw(with->key, (struct span){ der, der_n }, out, n);
	EVP_MD_CTX_free(ctx);
	return error;
}

static int verify_parts(EVP_MD_CTX *ctx, enum crypto_scheme scheme, struct crypto_parts parts,
			struct span signature)
{
	uint8_t *owned = NULL;
	struct span whole;
	int error;

	if (scheme == CRYPTO_EDDSA) {
		error = join(parts, &whole, &owned);
		/* Anything but 1 is a wrong signature, also what is below zero. */
		if (!error &&
		    EVP_DigestVerify(ctx, signature.p, signature.n, whole.p, whole.n) != 1)
			error = crypto_refused();
		free(owned);
		return error;
	}
	for (size_t i = 0; i < parts.n; i++)
		if (EVP_DigestVerifyUpdate(ctx, parts.p[i].p, parts.p[i].n) != 1)
			return crypto_failed();
	return EVP_DigestVerifyFinal(ctx, signature.p, signature.n) == 1 ? 0 : crypto_refused();
}

int crypto_verify(struct crypto *crypto, const struct crypto_signing *with,
		  struct crypto_parts parts, struct span signature)
{
	uint8_t der[ECDSA_DER_MAX];
	EVP_PKEY_CTX *pctx;
	EVP_MD_CTX *ctx;
	int error = 0;

	if (!crypto_key_can(with->key, with->scheme, with->hash))
		return -EINVAL;
	if (!signature.n || signature.n > CRYPTO_SIGNATURE_MAX)
		return -EBADMSG;
	if (with->scheme == CRYPTO_ECDSA_RAW) {
		size_t n = 0;

		error = from_raw(with->key, signature, der, &n);
		if (error)
			return error;
		signature = (struct span){ der, n };
	}
	ctx = EVP_MD_CTX_new();
	if (!ctx)
		return -ENOMEM;
	if (EVP_DigestVerifyInit_ex(ctx, &pctx, hash_name(with->hash), NULL, NULL, with->key->pkey,
				    NULL) != 1)
		error = crypto_failed();
	else
		error = set_padding(pctx, with->scheme);
	if (!error)
		error = verify_parts(ctx, with->scheme, parts, signature);
	EVP_MD_CTX_free(ctx);
	return error;
}
