/*
 * What algorithms are called on the devices.
 */
#include "control/rest/device.h"

#define WORDS 3

static const struct {
	uint16_t type;
	uint16_t id;
	uint16_t key_bits;
	const char *ike[WORDS]; /* strongSwan, Libreswan, Cisco; NULL: it has no word for it */
	const char *esp[WORDS];
} words[] = {
	{ IKE_TRANSFORM_ENCR,
	  ENCR_AES_GCM_16,
	  256,
	  { "aes256gcm16", "aes_gcm256", "aes-gcm-256" },
	  { "aes256gcm16", "aes_gcm256", "esp-gcm 256" } },
	{ IKE_TRANSFORM_ENCR,
	  ENCR_AES_GCM_16,
	  192,
	  { "aes192gcm16", "aes_gcm192", NULL },
	  { "aes192gcm16", "aes_gcm192", "esp-gcm 192" } },
	{ IKE_TRANSFORM_ENCR,
	  ENCR_AES_GCM_16,
	  128,
	  { "aes128gcm16", "aes_gcm128", "aes-gcm-128" },
	  { "aes128gcm16", "aes_gcm128", "esp-gcm 128" } },
	{ IKE_TRANSFORM_ENCR,
	  ENCR_AES_CBC,
	  256,
	  { "aes256", "aes256", "aes-cbc-256" },
	  { "aes256", "aes256", "esp-aes 256" } },
	{ IKE_TRANSFORM_ENCR,
	  ENCR_AES_CBC,
	  192,
	  { "aes192", "aes192", "aes-cbc-192" },
	  { "aes192", "aes192", "esp-aes 192" } },
	{ IKE_TRANSFORM_ENCR,
	  ENCR_AES_CBC,
	  128,
	  { "aes128", "aes128", "aes-cbc-128" },
	  { "aes128", "aes128", "esp-aes 128" } },
	{ IKE_TRANSFORM_ENCR,
	  ENCR_3DES,
	  0,
	  { "3des", "3des", "3des" },
	  { "3des", "3des", "esp-3des" } },
	{ IKE_TRANSFORM_ENCR, ENCR_NULL, 0, { 0 }, { "null", "null", "esp-null" } },
	{ IKE_TRANSFORM_INTEG,
	  AUTH_HMAC_SHA1_96,
	  0,
	  { "sha1", "sha1", "sha1" },
	  { "sha1", "sha1", "esp-sha-hmac" } },
	{ IKE_TRANSFORM_INTEG,
	  AUTH_HMAC_SHA2_256_128,
	  0,
	  { "sha256", "sha2_256", "sha256" },
	  { "sha256", "sha2_256", "esp-sha256-hmac" } },
	{ IKE_TRANSFORM_INTEG,
	  AUTH_HMAC_SHA2_384_192,
	  0,
	  { "sha384", "sha2_384", "sha384" },
	  { "sha384", "sha2_384", "esp-sha384-hmac" } },
	{ IKE_TRANSFORM_INTEG,
	  AUTH_HMAC_SHA2_512_256,
	  0,
	  { "sha512", "sha2_512", "sha512" },
	  { "sha512", "sha2_512", "esp-sha512-hmac" } },
	{ IKE_TRANSFORM_PRF, PRF_HMAC_SHA1, 0, { "prfsha1", "sha1", "sha1" }, { 0 } },
	{ IKE_TRANSFORM_PRF, PRF_HMAC_SHA2_256, 0, { "prfsha256", "sha2_256", "sha256" }, { 0 } },
	{ IKE_TRANSFORM_PRF, PRF_HMAC_SHA2_384, 0, { "prfsha384", "sha2_384", "sha384" }, { 0 } },
	{ IKE_TRANSFORM_PRF, PRF_HMAC_SHA2_512, 0, { "prfsha512", "sha2_512", "sha512" }, { 0 } },
#define GROUP(id, strongswan, libreswan, cisco)                                                    \
	{                                                                                          \
		IKE_TRANSFORM_DH, id, 0, { strongswan, libreswan, cisco },                         \
		{                                                                                  \
			strongswan, libreswan, cisco                                               \
		}                                                                                  \
	}
	GROUP(1, "modp768", NULL, "1"),
	GROUP(2, "modp1024", "modp1024", "2"),
	GROUP(14, "modp2048", "modp2048", "14"),
	GROUP(15, "modp3072", "modp3072", "15"),
	GROUP(16, "modp4096", "modp4096", "16"),
	GROUP(19, "ecp256", "dh19", "19"),
	GROUP(20, "ecp384", "dh20", "20"),
	GROUP(21, "ecp521", "dh21", "21"),
	GROUP(24, "modp2048s256", "dh24", "24"),
	GROUP(31, "curve25519", "dh31", NULL),
};

static const char *word_of(const struct ike_transform *t, enum device_words of, bool esp)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].type == t->type && words[i].id == t->id &&
		    words[i].key_bits == t->key_bits)
			return (esp ? words[i].esp : words[i].ike)[of];
	return NULL;
}

/* The first transform of the type that has a word. */
static const char *first_word(const struct ike_proposal *proposal, uint8_t type,
			      enum device_words of, bool *wanted)
{
	*wanted = false;
	for (uint8_t i = 0; i < proposal->count; i++) {
		const struct ike_transform *t = &proposal->transforms[i];
		const char *word;

		if (t->type != type || (type == IKE_TRANSFORM_DH && t->id == IKE_DH_NONE))
			continue;
		*wanted = true;
		word = word_of(t, of, proposal->protocol == IKE_PROTOCOL_ESP);
		if (word)
			return word;
	}
	return NULL;
}

static bool suite_of(struct device_suite *suite, const struct ike_proposal *proposal,
		     enum device_words of)
{
	const struct {
		uint8_t type;
		const char **word;
	} parts[] = {
		{ IKE_TRANSFORM_ENCR, &suite->encryption },
		{ IKE_TRANSFORM_INTEG, &suite->integrity },
		{ IKE_TRANSFORM_PRF, &suite->prf },
		{ IKE_TRANSFORM_DH, &suite->group },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		bool wanted;

		*parts[i].word = first_word(proposal, parts[i].type, of, &wanted);
		if (wanted && !*parts[i].word)
			return false;
	}
	return true;
}

bool device_suite_choose(struct device_suite *suite, enum device_words of,
			 const struct ike_proposal *proposals, uint32_t count)
{
	for (uint32_t i = 0; of < WORDS && i < count; i++)
		if (suite_of(suite, &proposals[i], of))
			return true;
	return of == DEVICE_NO_IPSEC;
}
