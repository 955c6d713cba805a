#include "control/crypto/key.h"

#include "control/crypto/internal.h"
#include "control/crypto/key_internal.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192 /* above, one check costs an attacker nothing and us a lot */
#define RSA_EXPONENT_BITS_MAX 64

/*
 * Sane modulus and exponent: e of 0, 1 or an even number, an even modulus and a tiny one have all
 * been sent to peers (facts: 2017-9022, 2018-17540, 2026-14957).
 */
static bool rsa_ok(EVP_PKEY *pkey)
{
	BIGNUM *n = NULL, *e = NULL;
	bool ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
		  EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
		  BN_num_bits(n) >= RSA_BITS_MIN && BN_num_bits(n) <= RSA_BITS_MAX &&
		  BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e) &&
		  BN_num_bits(e) <= RSA_EXPONENT_BITS_MAX;

	BN_free(n);
	BN_free(e);
	return ok;
}

/* A named curve; one spelled out with its own generator is refused (2020-0601). */
static uint8_t ec_kind(EVP_PKEY *pkey)
{
	static const struct {
		const char *name;
		uint8_t kind;
	} curves[] = {
		{ "prime256v1", CRYPTO_KEY_ECDSA_P256 },
		{ "secp384r1", CRYPTO_KEY_ECDSA_P384 },
		{ "secp521r1", CRYPTO_KEY_ECDSA_P521 },
	};
	char name[32];
	int explicit_curve = 0;

	if (EVP_PKEY_get_group_name(pkey, name, sizeof(name), NULL) != 1)
		return 0;
	if (EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
				   &explicit_curve) == 1 &&
	    explicit_curve)
		return 0;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (!strcmp(curves[i].name, name))
			return curves[i].kind;
	return 0;
}

static uint8_t kind_of(EVP_PKEY *pkey)
{
	if (EVP_PKEY_is_a(pkey, "RSA"))
		return rsa_ok(pkey) ? CRYPTO_KEY_RSA : 0;
	if (EVP_PKEY_is_a(pkey, "EC"))
		return ec_kind(pkey);
	return EVP_PKEY_is_a(pkey, "ED25519") ? CRYPTO_KEY_ED25519 : 0;
}

int crypto_key_of(EVP_PKEY *pkey, bool private, struct crypto_key **out)
{
	uint8_t kind = kind_of(pkey);
	struct crypto_key *key;

	if (!kind) {
		EVP_PKEY_free(pkey);
		return crypto_refused();
	}
	key = calloc(1, sizeof(*key));
	if (!key) {
		EVP_PKEY_free(pkey);
		return -ENOMEM;
	}
	*key = (struct crypto_key){ .pkey = pkey,
				    .references = 1,
				    .bits = (uint16_t)EVP_PKEY_get_bits(pkey),
				    .kind = kind,
				    .private = private };
	*out = key;
	return 0;
}

bool crypto_is_pem(struct span bytes)
{
	static const char begin[] = "-----BEGIN ";

	return memmem(bytes.p, bytes.n, begin, sizeof(begin) - 1) != NULL;
}

int crypto_no_passphrase(char *buf, int size, int writing, void *context)
{
	return -1;
}

/* Never asks on the terminal: without a passphrase an encrypted key is an error. */
static int give_passphrase(char *buf, int size, int writing, void *passphrase)
{
	size_t n = passphrase ? strlen(passphrase) : 0;

	if (!n || n > (size_t)size)
		return -1;
	memcpy(buf, passphrase, n);
	return (int)n;
}

int crypto_key_load(struct span bytes, const char *passphrase, struct crypto_key **key)
{
	const uint8_t *at = bytes.p;
	EVP_PKEY *pkey = NULL;
	BIO *bio;

	if (!bytes.n || bytes.n > INT_MAX)
		return -EBADMSG;
	if (crypto_is_pem(bytes)) {
		bio = BIO_new_mem_buf(bytes.p, (int)bytes.n);
		if (!bio)
			return -ENOMEM;
		pkey = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, (void *)passphrase);
		BIO_free(bio);
	} else {
		pkey = d2i_AutoPrivateKey(NULL, &at, (long)bytes.n);
	}
	return pkey ? crypto_key_of(pkey, true, key) : crypto_refused();
}

int crypto_key_load_public(struct span bytes, struct crypto_key **key)
{
	const uint8_t *at = bytes.p;
	EVP_PKEY *pkey = NULL;
	BIO *bio;

	if (!bytes.n || bytes.n > INT_MAX)
		return -EBADMSG;
	if (crypto_is_pem(bytes)) {
		bio = BIO_new_mem_buf(bytes.p, (int)bytes.n);
		if (!bio)
			return -ENOMEM;
		pkey = PEM_read_bio_PUBKEY(bio, NULL, crypto_no_passphrase, NULL);
		BIO_free(bio);
	} else {
		pkey = d2i_PUBKEY(NULL, &at, (long)bytes.n);
		if (pkey && at != bytes.p + bytes.n) {
			EVP_PKEY_free(pkey);
			pkey = NULL;
		}
	}
	return pkey ? crypto_key_of(pkey, false, key) : crypto_refused();
}

struct crypto_key *crypto_key_get(struct crypto_key *key)
{
	key->references++;
	return key;
}

void crypto_key_put(struct crypto_key *key)
{
	if (!key || --key->references)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

enum crypto_key_kind crypto_key_kind(const struct crypto_key *key)
{
	return key->kind;
}

uint16_t crypto_key_bits(const struct crypto_key *key)
{
	return key->bits;
}

bool crypto_key_same(const struct crypto_key *a, const struct crypto_key *b)
{
	return a->kind == b->kind && EVP_PKEY_eq(a->pkey, b->pkey) == 1;
}

static enum crypto_hash hash_of_curve(uint8_t kind)
{
	switch (kind) {
	case CRYPTO_KEY_ECDSA_P256:
		return CRYPTO_HASH_SHA256;
	case CRYPTO_KEY_ECDSA_P384:
		return CRYPTO_HASH_SHA384;
	case CRYPTO_KEY_ECDSA_P521:
		return CRYPTO_HASH_SHA512;
	default:
		return CRYPTO_HASH_NONE;
	}
}

bool crypto_key_can(const struct crypto_key *key, enum crypto_scheme scheme, enum crypto_hash hash)
{
	bool strong = hash >= CRYPTO_HASH_SHA256 && hash < CRYPTO_HASH_COUNT;

	switch (scheme) {
	case CRYPTO_RSA_PKCS1:
		return key->kind == CRYPTO_KEY_RSA && (strong || hash == CRYPTO_HASH_SHA1);
	case CRYPTO_RSA_PSS:
		return key->kind == CRYPTO_KEY_RSA && strong;
	case CRYPTO_ECDSA_DER:
		return hash_of_curve(key->kind) && strong;
	case CRYPTO_ECDSA_RAW: /* RFC 4754: each curve has its hash */
		return hash && hash_of_curve(key->kind) == hash;
	case CRYPTO_EDDSA:
		return key->kind == CRYPTO_KEY_ED25519 && hash == CRYPTO_HASH_NONE;
	default:
		return false;
	}
}
