/*
 * Signatures of AUTH: the four old methods and RFC 7427.
 */
#include "base/cursor.h"
#include "base/writer.h"
#include "control/ike/auth_octets.h"

#include <errno.h>
#include <string.h>

/* DER of the AlgorithmIdentifiers, RFC 7427 appendix A and RFC 8420 section A. */
static const uint8_t rsa_pkcs1_der[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
					 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00 };
static const uint8_t ecdsa_der[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
				     0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t ed25519_der[] = { 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70 };

#define ALGORITHM_MAX 80

struct algorithm {
	uint8_t scheme; /* enum crypto_scheme */
	uint8_t hash;	/* enum crypto_hash */
};

/* The hash's AlgorithmIdentifier; its NULL parameters may be left out (RFC 4055 section 2.1). */
static void write_hash(struct writer *w, enum crypto_hash hash, bool null)
{
	static const uint8_t oid[] = { 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02 };

	writer_u8(w, 0x30);
	writer_u8(w, null ? 13 : 11);
	writer_bytes(w, oid, sizeof(oid));
	writer_u8(w, (uint8_t)(hash - CRYPTO_HASH_SHA256 + 1));
	if (null)
		writer_u16(w, 0x0500);
}

/* RSASSA-PSS with hash, MGF1 of the same hash and a salt of its length, all explicit. */
static void write_pss(struct writer *w, enum crypto_hash hash, bool null_hash, bool null_mgf)
{
	static const uint8_t pss[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				       0xf7, 0x0d, 0x01, 0x01, 0x0a };
	static const uint8_t mgf1[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
					0xf7, 0x0d, 0x01, 0x01, 0x08 };
	uint8_t hash_n = null_hash ? 15 : 13, mgf_n = null_mgf ? 15 : 13;
	uint8_t mgf = (uint8_t)(sizeof(mgf1) + mgf_n);
	uint8_t params = (uint8_t)(2 + hash_n + 4 + mgf + 5);

	writer_u8(w, 0x30);
	writer_u8(w, (uint8_t)(sizeof(pss) + 2 + params));
	writer_bytes(w, pss, sizeof(pss));
	writer_u8(w, 0x30);
	writer_u8(w, params);
	writer_u8(w, 0xa0);
	writer_u8(w, hash_n);
	write_hash(w, hash, null_hash);
	writer_u8(w, 0xa1);
	writer_u8(w, (uint8_t)(2 + mgf));
	writer_u8(w, 0x30);
	writer_u8(w, mgf);
	writer_bytes(w, mgf1, sizeof(mgf1));
	write_hash(w, hash, null_mgf);
	writer_u32(w, 0xa2030201);
	writer_u8(w, (uint8_t)crypto_hash_size(hash));
}

/* A template whose octet at `at` counts the hashes from SHA-256. */
static void write_template(struct writer *w, struct span template, size_t at, uint8_t hash)
{
	uint8_t *der = writer_reserve(w, template.n);

	if (!der)
		return;
	memcpy(der, template.p, template.n);
	der[at] = (uint8_t)(der[at] + hash - CRYPTO_HASH_SHA256);
}

static void write_algorithm(struct writer *w, struct algorithm algorithm)
{
	switch (algorithm.scheme) {
	case CRYPTO_RSA_PSS:
		write_pss(w, algorithm.hash, true, true);
		break;
	case CRYPTO_RSA_PKCS1:
		write_template(w, (struct span){ rsa_pkcs1_der, sizeof(rsa_pkcs1_der) }, 12,
			       algorithm.hash);
		break;
	case CRYPTO_ECDSA_DER:
		write_template(w, (struct span){ ecdsa_der, sizeof(ecdsa_der) }, 11,
			       algorithm.hash);
		break;
	default:
		writer_bytes(w, ed25519_der, sizeof(ed25519_der));
		break;
	}
}

static bool is_algorithm(struct span got, struct algorithm algorithm)
{
	uint8_t der[ALGORITHM_MAX];
	struct writer w = writer_of(der, sizeof(der));

	write_algorithm(&w, algorithm);
	return got.n == writer_len(&w) && memcmp(got.p, der, got.n) == 0;
}

static bool is_pss(struct span got, enum crypto_hash hash)
{
	for (int nulls = 0; nulls < 4; nulls++) {
		uint8_t der[ALGORITHM_MAX];
		struct writer w = writer_of(der, sizeof(der));

		write_pss(&w, hash, nulls & 1, nulls & 2);
		if (got.n == writer_len(&w) && memcmp(got.p, der, got.n) == 0)
			return true;
	}
	return false;
}

/*
 * Exactly what we would write, with SHA-2 only; for PSS also without the NULLs. Everything else,
 * SHA-1, default parameters and odd salts first of all, has no entry here.
 */
static bool read_algorithm(struct span got, struct algorithm *algorithm)
{
	static const uint8_t schemes[] = { CRYPTO_RSA_PKCS1, CRYPTO_ECDSA_DER };

	*algorithm = (struct algorithm){ CRYPTO_EDDSA, CRYPTO_HASH_NONE };
	if (is_algorithm(got, *algorithm))
		return true;
	for (uint8_t hash = CRYPTO_HASH_SHA256; hash <= CRYPTO_HASH_SHA512; hash++) {
		for (size_t i = 0; i < sizeof(schemes); i++) {
			*algorithm = (struct algorithm){ schemes[i], hash };
			if (is_algorithm(got, *algorithm))
				return true;
		}
		*algorithm = (struct algorithm){ CRYPTO_RSA_PSS, hash };
		if (is_pss(got, hash))
			return true;
	}
	return false;
}

static uint32_t announcement_of(uint8_t hash)
{
	switch (hash) {
	case CRYPTO_HASH_SHA256:
		return 1u << IKE_SIGNATURE_HASH_SHA2_256;
	case CRYPTO_HASH_SHA384:
		return 1u << IKE_SIGNATURE_HASH_SHA2_384;
	case CRYPTO_HASH_SHA512:
		return 1u << IKE_SIGNATURE_HASH_SHA2_512;
	case CRYPTO_HASH_NONE:
		return 1u << IKE_SIGNATURE_HASH_IDENTITY;
	default:
		return 0;
	}
}

/* The hash that fits the key's strength, else any that was announced. */
static bool choose_hash(const struct ike_auth_signer *signer, enum crypto_scheme scheme,
			uint8_t *hash)
{
	enum crypto_key_kind kind = crypto_key_kind(signer->key);
	uint8_t first = CRYPTO_HASH_SHA256;

	if (kind == CRYPTO_KEY_ECDSA_P384 ||
	    (kind == CRYPTO_KEY_RSA && crypto_key_bits(signer->key) > 3072))
		first = CRYPTO_HASH_SHA384;
	else if (kind == CRYPTO_KEY_ECDSA_P521)
		first = CRYPTO_HASH_SHA512;
	for (int i = 0; i < 3; i++) {
		*hash = (uint8_t)(CRYPTO_HASH_SHA256 + (first - CRYPTO_HASH_SHA256 + i) % 3);
		if ((signer->peer_hashes & announcement_of(*hash)) &&
		    crypto_key_can(signer->key, scheme, *hash))
			return true;
	}
	return false;
}

/* RFC 7427 when the peer announced a hash that we have, else the old method of the key. */
static int choose(const struct ike_auth_signer *signer, struct algorithm *algorithm,
		  uint8_t *method)
{
	enum crypto_key_kind kind = crypto_key_kind(signer->key);

	*method = IKE_AUTH_DIGITAL_SIGNATURE;
	if (kind == CRYPTO_KEY_ED25519) {
		*algorithm = (struct algorithm){ CRYPTO_EDDSA, CRYPTO_HASH_NONE };
		return signer->peer_hashes & announcement_of(CRYPTO_HASH_NONE) ? 0 : -ENOTSUP;
	}
	algorithm->scheme = CRYPTO_ECDSA_DER;
	if (kind == CRYPTO_KEY_RSA)
		algorithm->scheme = signer->prefer_pkcs1 ? CRYPTO_RSA_PKCS1 : CRYPTO_RSA_PSS;
	if (choose_hash(signer, algorithm->scheme, &algorithm->hash))
		return 0;
	switch (kind) {
	case CRYPTO_KEY_RSA:
		/* RFC 7296 section 2.15: SHA-1 is what a peer without RFC 7427 surely has. */
		*method = IKE_AUTH_RSA_DIGITAL_SIGNATURE;
		*algorithm = (struct algorithm){ CRYPTO_RSA_PKCS1, CRYPTO_HASH_SHA1 };
		return 0;
	case CRYPTO_KEY_ECDSA_P256:
		*method = IKE_AUTH_ECDSA_SHA256_P256;
		*algorithm = (struct algorithm){ CRYPTO_ECDSA_RAW, CRYPTO_HASH_SHA256 };
		return 0;
	case CRYPTO_KEY_ECDSA_P384:
		*method = IKE_AUTH_ECDSA_SHA384_P384;
		*algorithm = (struct algorithm){ CRYPTO_ECDSA_RAW, CRYPTO_HASH_SHA384 };
		return 0;
	case CRYPTO_KEY_ECDSA_P521:
		*method = IKE_AUTH_ECDSA_SHA512_P521;
		*algorithm = (struct algorithm){ CRYPTO_ECDSA_RAW, CRYPTO_HASH_SHA512 };
		return 0;
	default:
		return -ENOTSUP;
	}
}

int ike_auth_sign(struct crypto *crypto, const struct ike_auth_signer *signer,
		  const struct ike_auth_octets *octets, struct ike_auth_result *result)
{
	struct crypto_signing with = { .key = signer->key };
	struct algorithm algorithm;
	struct auth_parts parts;
	size_t at = 0, n;
	int error = choose(signer, &algorithm, &result->method);

	if (!error)
		error = ike_auth_parts(crypto, octets, &parts);
	if (error)
		return error;
	if (result->method == IKE_AUTH_DIGITAL_SIGNATURE) {
		struct writer w = writer_of(result->data, sizeof(result->data));

		writer_u8(&w, 0);
		write_algorithm(&w, algorithm);
		at = writer_len(&w);
		result->data[0] = (uint8_t)(at - 1);
	}
	with.scheme = algorithm.scheme;
	with.hash = algorithm.hash;
	n = sizeof(result->data) - at;
	error = crypto_sign(crypto, &with, (struct crypto_parts){ parts.spans, AUTH_PARTS },
			    result->data + at, &n);
	result->n = at + n;
	return error;
}

static int verify(struct crypto *crypto, const struct crypto_key *key, struct algorithm algorithm,
		  const struct auth_parts *parts, struct span signature)
{
	struct crypto_signing with = { key, algorithm.scheme, algorithm.hash };

	if (!crypto_key_can(key, algorithm.scheme, algorithm.hash))
		return -EBADMSG;
	return crypto_verify(crypto, &with, (struct crypto_parts){ parts->spans, AUTH_PARTS },
			     signature);
}

static int verify_rfc7427(struct crypto *crypto, const struct crypto_key *key, uint32_t our_hashes,
			  const struct auth_parts *parts, struct span data)
{
	struct cursor c = cursor_of(data.p, data.n);
	uint8_t length = cursor_u8(&c);
	struct span der = cursor_span(&c, length);
	struct span signature = cursor_rest(&c);
	struct algorithm algorithm;

	if (!cursor_ok(&c) || !der.n || !signature.n)
		return -EBADMSG;
	if (!read_algorithm(der, &algorithm) || !(our_hashes & announcement_of(algorithm.hash)))
		return -EPROTONOSUPPORT;
	return verify(crypto, key, algorithm, parts, signature);
}

/* The old RSA method does not name its hash: SHA-1 by the RFC, SHA-2 by some peers. */
static int verify_rsa(struct crypto *crypto, const struct crypto_key *key,
		      const struct auth_parts *parts, struct span data)
{
	int error = -EBADMSG;

	for (uint8_t hash = CRYPTO_HASH_SHA1; error == -EBADMSG && hash < CRYPTO_HASH_COUNT; hash++)
		error = verify(crypto, key, (struct algorithm){ CRYPTO_RSA_PKCS1, hash }, parts,
			       data);
	return error;
}

int ike_auth_verify(struct crypto *crypto, const struct crypto_key *key, uint32_t our_hashes,
		    const struct ike_auth_octets *octets, const struct ike_auth_payload *auth)
{
	struct algorithm raw = { CRYPTO_ECDSA_RAW, CRYPTO_HASH_NONE };
	struct auth_parts parts;
	int error = ike_auth_parts(crypto, octets, &parts);

	if (error)
		return error;
	switch (auth->method) {
	case IKE_AUTH_DIGITAL_SIGNATURE:
		if (!our_hashes)
			return -EPROTONOSUPPORT;
		return verify_rfc7427(crypto, key, our_hashes, &parts, auth->data);
	case IKE_AUTH_RSA_DIGITAL_SIGNATURE:
		return verify_rsa(crypto, key, &parts, auth->data);
	case IKE_AUTH_ECDSA_SHA256_P256:
		raw.hash = CRYPTO_HASH_SHA256;
		return verify(crypto, key, raw, &parts, auth->data);
	case IKE_AUTH_ECDSA_SHA384_P384:
		raw.hash = CRYPTO_HASH_SHA384;
		return verify(crypto, key, raw, &parts, auth->data);
	case IKE_AUTH_ECDSA_SHA512_P521:
		raw.hash = CRYPTO_HASH_SHA512;
		return verify(crypto, key, raw, &parts, auth->data);
	default:
		return -EPROTONOSUPPORT;
	}
}
