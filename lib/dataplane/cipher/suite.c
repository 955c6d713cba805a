#include "dataplane/cipher/lane.h"

/* RFC 4106 section 6 and RFC 4309 section 6: 8 and 12 bytes too. */
static bool tag_may_be_short(enum contract_cipher cipher)
{
	return (cipher >= CONTRACT_CIPHER_AES128_GCM && cipher <= CONTRACT_CIPHER_AES256_GCM) ||
	       cipher == CONTRACT_CIPHER_AES128_CCM || cipher == CONTRACT_CIPHER_AES256_CCM;
}

static bool tag_fits(const struct cipher_suite *suite, uint8_t tag_bytes)
{
	if (tag_bytes == 0 || suite->tag_bytes == tag_bytes)
		return true;
	return tag_may_be_short(suite->cipher) && (tag_bytes == 8 || tag_bytes == 12);
}

const struct cipher_suite *cipher_suite_find(enum contract_cipher cipher,
					     enum contract_integrity integrity, uint8_t tag_bytes)
{
	const struct cipher_suite *suite = cipher_jobs_suite(cipher, integrity);

	if (!suite && integrity == CONTRACT_INTEGRITY_NONE)
		suite = cipher_gcm_suite(cipher);
	return suite && tag_fits(suite, tag_bytes) ? suite : NULL;
}

void cipher_expand(struct cipher_lane *lane, const struct cipher_suite *suite, const uint8_t *key,
		   const uint8_t *integrity_key, void *to)
{
	if (cipher_gcm_suite(suite->cipher))
		cipher_gcm_expand(lane, suite, key, to);
	else
		cipher_jobs_expand(lane, suite, key, integrity_key, to);
}
