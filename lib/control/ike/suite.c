#include "control/crypto/cipher.h"
#include "control/crypto/dh.h"
#include "control/ike/suite_tables.h"

#include <stdio.h>
#include <string.h>

static const struct {
	uint16_t encr;
	uint16_t key_bits; /* as the Key Length attribute says; 0: the cipher has none */
	uint8_t cipher;
	uint8_t icv_bytes; /* 0: no combined mode */
} ciphers[] = {
	{ ENCR_NULL, 0, CONTRACT_CIPHER_NULL, 0 },
	{ ENCR_3DES, 0, CONTRACT_CIPHER_DES3_CBC, 0 },
	{ ENCR_AES_CBC, 128, CONTRACT_CIPHER_AES128_CBC, 0 },
	{ ENCR_AES_CBC, 192, CONTRACT_CIPHER_AES192_CBC, 0 },
	{ ENCR_AES_CBC, 256, CONTRACT_CIPHER_AES256_CBC, 0 },
	{ ENCR_AES_CTR, 128, CONTRACT_CIPHER_AES128_CTR, 0 },
	{ ENCR_AES_CTR, 192, CONTRACT_CIPHER_AES192_CTR, 0 },
	{ ENCR_AES_CTR, 256, CONTRACT_CIPHER_AES256_CTR, 0 },
	{ ENCR_AES_GCM_8, 128, CONTRACT_CIPHER_AES128_GCM, 8 },
	{ ENCR_AES_GCM_8, 192, CONTRACT_CIPHER_AES192_GCM, 8 },
	{ ENCR_AES_GCM_8, 256, CONTRACT_CIPHER_AES256_GCM, 8 },
	{ ENCR_AES_GCM_12, 128, CONTRACT_CIPHER_AES128_GCM, 12 },
	{ ENCR_AES_GCM_12, 192, CONTRACT_CIPHER_AES192_GCM, 12 },
	{ ENCR_AES_GCM_12, 256, CONTRACT_CIPHER_AES256_GCM, 12 },
	{ ENCR_AES_GCM_16, 128, CONTRACT_CIPHER_AES128_GCM, 16 },
	{ ENCR_AES_GCM_16, 192, CONTRACT_CIPHER_AES192_GCM, 16 },
	{ ENCR_AES_GCM_16, 256, CONTRACT_CIPHER_AES256_GCM, 16 },
	{ ENCR_CHACHA20_POLY1305, 0, CONTRACT_CIPHER_CHACHA20_POLY1305, 16 },
};

static const struct {
	uint16_t integ;
	uint16_t prf; /* of the same hash or cipher */
	uint8_t integrity;
} integrities[] = {
	{ AUTH_HMAC_SHA1_96, PRF_HMAC_SHA1, CONTRACT_INTEGRITY_SHA1_96 },
	{ AUTH_HMAC_SHA2_256_128, PRF_HMAC_SHA2_256, CONTRACT_INTEGRITY_SHA256_128 },
	{ AUTH_HMAC_SHA2_384_192, PRF_HMAC_SHA2_384, CONTRACT_INTEGRITY_SHA384_192 },
	{ AUTH_HMAC_SHA2_512_256, PRF_HMAC_SHA2_512, CONTRACT_INTEGRITY_SHA512_256 },
	{ AUTH_AES_XCBC_96, PRF_AES128_XCBC, CONTRACT_INTEGRITY_AES_XCBC_96 },
	{ AUTH_AES_CMAC_96, PRF_AES128_CMAC, CONTRACT_INTEGRITY_AES_CMAC_96 },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static size_t find_cipher(const struct ike_suite *suite)
{
	size_t i;

	for (i = 0; i < COUNT(ciphers); i++)
		if (ciphers[i].encr == suite->encr && ciphers[i].key_bits == suite->key_bits)
			break;
	return i;
}

enum contract_cipher ike_suite_cipher(const struct ike_suite *suite)
{
	size_t i = find_cipher(suite);

	return i < COUNT(ciphers) ? ciphers[i].cipher : CONTRACT_CIPHER_COUNT;
}

uint8_t ike_suite_icv_bytes(const struct ike_suite *suite)
{
	size_t i = find_cipher(suite);

	if (i < COUNT(ciphers) && ciphers[i].icv_bytes)
		return ciphers[i].icv_bytes;
	return (uint8_t)crypto_integrity_icv_size(ike_suite_integrity(suite));
}

bool ike_suite_is_aead(const struct ike_suite *suite)
{
	return suite_encr_is_aead(suite->encr);
}

enum contract_integrity ike_suite_integrity(const struct ike_suite *suite)
{
	for (size_t i = 0; i < COUNT(integrities); i++)
		if (integrities[i].integ == suite->integ)
			return integrities[i].integrity;
	return CONTRACT_INTEGRITY_NONE;
}

enum crypto_prf ike_suite_prf(const struct ike_suite *suite)
{
	switch (suite->prf) {
	case PRF_HMAC_SHA1:
		return CRYPTO_PRF_HMAC_SHA1;
	case PRF_HMAC_SHA2_256:
		return CRYPTO_PRF_HMAC_SHA256;
	case PRF_HMAC_SHA2_384:
		return CRYPTO_PRF_HMAC_SHA384;
	case PRF_HMAC_SHA2_512:
		return CRYPTO_PRF_HMAC_SHA512;
	case PRF_AES128_XCBC:
		return CRYPTO_PRF_AES_XCBC;
	case PRF_AES128_CMAC:
		return CRYPTO_PRF_AES_CMAC;
	default:
		return CRYPTO_PRF_NONE;
	}
}

bool suite_encr_is_aead(uint16_t encr)
{
	for (size_t i = 0; i < COUNT(ciphers); i++)
		if (ciphers[i].encr == encr)
			return ciphers[i].icv_bytes != 0;
	return encr >= ENCR_AES_CCM_8 && encr <= ENCR_AES_CCM_16;
}

uint16_t suite_prf_of_integ(uint16_t integ)
{
	for (size_t i = 0; i < COUNT(integrities); i++)
		if (integrities[i].integ == integ)
			return integrities[i].prf;
	return 0;
}

static const char *name_of(const struct ike_transform *transform)
{
	switch (transform->type) {
	case IKE_TRANSFORM_ENCR:
		return ike_encr_text(transform->id);
	case IKE_TRANSFORM_PRF:
		return ike_prf_text(transform->id);
	case IKE_TRANSFORM_INTEG:
		return ike_integ_text(transform->id);
	case IKE_TRANSFORM_DH:
		return transform->id == IKE_DH_NONE ? "nopfs" : crypto_dh_text(transform->id);
	case IKE_TRANSFORM_ESN:
		return transform->id == IKE_ESN_YES ? "esn" : "noesn";
	default:
		return "?";
	}
}

const char *suite_transform_text(char *buf, size_t size, const struct ike_transform *transform)
{
	const char *name = name_of(transform);

	if (name[0] == '?')
		snprintf(buf, size, "%u", transform->id);
	else if (transform->key_bits)
		snprintf(buf, size, "%s-%u", name, transform->key_bits);
	else
		snprintf(buf, size, "%s", name);
	return buf;
}

const char *ike_suite_text(char buf[IKE_SUITE_TEXT], const struct ike_suite *suite)
{
	const struct ike_transform parts[] = {
		{ IKE_TRANSFORM_ENCR, 0, suite->encr, suite->key_bits },
		{ IKE_TRANSFORM_INTEG, 0, suite->integ, 0 },
		{ IKE_TRANSFORM_PRF, 0, suite->prf, 0 },
		{ IKE_TRANSFORM_DH, 0, suite->dh, 0 },
		{ IKE_TRANSFORM_ESN, 0, suite->esn, 0 },
	};
	size_t n = 0;

	buf[0] = 0;
	for (size_t i = 0; i < COUNT(parts) && n < IKE_SUITE_TEXT - 1; i++) {
		char name[48];
		bool skip = (parts[i].type == IKE_TRANSFORM_INTEG && parts[i].id == AUTH_NONE) ||
			    (parts[i].type == IKE_TRANSFORM_DH && parts[i].id == IKE_DH_NONE) ||
			    (parts[i].type == IKE_TRANSFORM_PRF &&
			     suite->protocol != IKE_PROTOCOL_IKE) ||
			    (parts[i].type == IKE_TRANSFORM_ESN && parts[i].id == IKE_ESN_NO);

		if (skip)
			continue;
		suite_transform_text(name, sizeof(name), &parts[i]);
		n += (size_t)snprintf(buf + n, IKE_SUITE_TEXT - n, "%s%s", n ? "/" : "", name);
	}
	return buf;
}
