#include "dataplane/cipher/lane.h"

static bool tag_fits(const struct cipher_suite *suite, uint8_t tag_bytes)
{
	if (tag_bytes == 0 || suite->tag_bytes == tag_bytes)
		return true;
	/* RFC 4106 section 6, RFC 4309 section 6: 8 and 12 bytes too */
	return suite->aead && suite->cipher <= CONTRACT_CIPHER_AES256_GCM &&
	       (tag_bytes == 8 || tag_bytes == 12);
}

const struct cipher_suite *cipher_suite_find(enum contract_cipher cipher,
					     enum contract_integrity integrity, uint8_t tag_bytes)
{
	const struct cipher_suite *suite = NULL;

	if (integrity == CONTRACT_INTEGRITY_NONE)
		suite = cipher_gcm_suite(cipher);
	return suite && tag_fits(suite, tag_bytes) ? suite : NULL;
}

void cipher_expand(struct cipher_lane *lane, const struct cipher_suite *suite, const uint8_t *key,
		   const uint8_t *integrity_key, void *to)
{
	(void)integrity_key;
	cipher_gcm_expand(lane, suite->cipher, key, to);
}
