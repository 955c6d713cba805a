#include "control/ike/proposal.h"

#include "control/crypto/dh.h"
#include "control/ike/suite_tables.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool ike_proposal_add(struct ike_proposal *proposal, enum ike_transform_type type, uint16_t id,
		      uint16_t key_bits)
{
	if (proposal->count == IKE_TRANSFORMS_MAX)
		return false;
	proposal->transforms[proposal->count++] =
		(struct ike_transform){ .type = type, .id = id, .key_bits = key_bits };
	return true;
}

struct ike_proposal ike_proposal_without_dh(const struct ike_proposal *proposal)
{
	struct ike_proposal bare = { .protocol = proposal->protocol };

	for (uint8_t i = 0; i < proposal->count; i++)
		if (proposal->transforms[i].type != IKE_TRANSFORM_DH)
			bare.transforms[bare.count++] = proposal->transforms[i];
	return bare;
}

static bool has_type(const struct ike_proposal *proposal, enum ike_transform_type type)
{
	for (uint8_t i = 0; i < proposal->count; i++)
		if (proposal->transforms[i].type == type)
			return true;
	return false;
}

static const struct {
	const char *word;
	uint8_t type;
	uint8_t id;
	uint16_t key_bits;
} keywords[] = {
	{ "3des", IKE_TRANSFORM_ENCR, ENCR_3DES, 0 },
	{ "null", IKE_TRANSFORM_ENCR, ENCR_NULL, 0 },
	{ "aes128", IKE_TRANSFORM_ENCR, ENCR_AES_CBC, 128 },
	{ "aes192", IKE_TRANSFORM_ENCR, ENCR_AES_CBC, 192 },
	{ "aes256", IKE_TRANSFORM_ENCR, ENCR_AES_CBC, 256 },
	{ "aes128ctr", IKE_TRANSFORM_ENCR, ENCR_AES_CTR, 128 },
	{ "aes192ctr", IKE_TRANSFORM_ENCR, ENCR_AES_CTR, 192 },
	{ "aes256ctr", IKE_TRANSFORM_ENCR, ENCR_AES_CTR, 256 },
	{ "aes128gcm8", IKE_TRANSFORM_ENCR, ENCR_AES_GCM_8, 128 },
	{ "aes192gcm8", IKE_TRANSFORM_ENCR, ENCR_AES_GCM_8, 192 },
	{ "aes256gcm8", IKE_TRANSFORM_ENCR, ENCR_AES_GCM_8, 256 },
	{ "aes128gcm12", IKE_TRANSFORM_ENCR, ENCR_AES_GCM_12, 128 },
	{ "aes192gcm12", IKE_TRANSFORM_ENCR, ENCR_AES_GCM_12, 192 },
	{ "aes256gcm12", IKE_TRANSFORM_ENCR, ENCR_AES_GCM_12, 256 },
	{ "aes128gcm16", IKE_TRANSFORM_ENCR, ENCR_AES_GCM_16, 128 },
	{ "aes192gcm16", IKE_TRANSFORM_ENCR, ENCR_AES_GCM_16, 192 },
	{ "aes256gcm16", IKE_TRANSFORM_ENCR, ENCR_AES_GCM_16, 256 },
	{ "chacha20poly1305", IKE_TRANSFORM_ENCR, ENCR_CHACHA20_POLY1305, 0 },
	{ "sha1", IKE_TRANSFORM_INTEG, AUTH_HMAC_SHA1_96, 0 },
	{ "sha256", IKE_TRANSFORM_INTEG, AUTH_HMAC_SHA2_256_128, 0 },
	{ "sha384", IKE_TRANSFORM_INTEG, AUTH_HMAC_SHA2_384_192, 0 },
	{ "sha512", IKE_TRANSFORM_INTEG, AUTH_HMAC_SHA2_512_256, 0 },
	{ "aesxcbc", IKE_TRANSFORM_INTEG, AUTH_AES_XCBC_96, 0 },
	{ "aescmac", IKE_TRANSFORM_INTEG, AUTH_AES_CMAC_96, 0 },
	{ "prfsha1", IKE_TRANSFORM_PRF, PRF_HMAC_SHA1, 0 },
	{ "prfsha256", IKE_TRANSFORM_PRF, PRF_HMAC_SHA2_256, 0 },
	{ "prfsha384", IKE_TRANSFORM_PRF, PRF_HMAC_SHA2_384, 0 },
	{ "prfsha512", IKE_TRANSFORM_PRF, PRF_HMAC_SHA2_512, 0 },
	{ "prfaesxcbc", IKE_TRANSFORM_PRF, PRF_AES128_XCBC, 0 },
	{ "prfaescmac", IKE_TRANSFORM_PRF, PRF_AES128_CMAC, 0 },
	{ "nopfs", IKE_TRANSFORM_DH, IKE_DH_NONE, 0 },
	{ "noesn", IKE_TRANSFORM_ESN, IKE_ESN_NO, 0 },
	{ "esn", IKE_TRANSFORM_ESN, IKE_ESN_YES, 0 },
};

static bool word_is(const char *word, const char *text, size_t n)
{
	return strlen(word) == n && memcmp(word, text, n) == 0;
}

#define LAST_GROUP 32

static bool add_keyword(struct ike_proposal *proposal, const char *text, size_t n)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (word_is(keywords[i].word, text, n))
			return ike_proposal_add(proposal, keywords[i].type, keywords[i].id,
						keywords[i].key_bits);
	for (uint16_t group = 1; group <= LAST_GROUP; group++)
		if (crypto_dh_public_size(group) && word_is(crypto_dh_text(group), text, n))
			return ike_proposal_add(proposal, IKE_TRANSFORM_DH, group, 0);
	return false;
}

/* An IKE proposal without a PRF has those of its integrity algorithms, an ESP one has no ESN. */
static bool add_implied(struct ike_proposal *proposal)
{
	uint8_t count = proposal->count;
	bool ok = true;

	if (proposal->protocol == IKE_PROTOCOL_IKE && !has_type(proposal, IKE_TRANSFORM_PRF))
		for (uint8_t i = 0; i < count; i++)
			if (proposal->transforms[i].type == IKE_TRANSFORM_INTEG)
				ok = ok &&
				     ike_proposal_add(
					     proposal, IKE_TRANSFORM_PRF,
					     suite_prf_of_integ(proposal->transforms[i].id), 0);
	if (proposal->protocol == IKE_PROTOCOL_ESP && !has_type(proposal, IKE_TRANSFORM_ESN))
		ok = ok && ike_proposal_add(proposal, IKE_TRANSFORM_ESN, IKE_ESN_NO, 0);
	return ok;
}

int ike_proposal_parse(struct ike_proposal *proposal, enum ike_protocol protocol, const char *text,
		       struct span *bad)
{
	*proposal = (struct ike_proposal){ .protocol = protocol };
	for (;;) {
		size_t n = strcspn(text, "-");

		*bad = (struct span){ (const uint8_t *)text, n };
		if (!add_keyword(proposal, text, n))
			return -EINVAL;
		if (!text[n])
			break;
		text += n + 1;
	}
	*bad = (struct span){ 0 };
	return add_implied(proposal) && !ike_proposal_check(proposal) ? 0 : -EINVAL;
}

static const char *check_integrity(const struct ike_proposal *proposal)
{
	bool aead = false, plain = false, integ = false;

	for (uint8_t i = 0; i < proposal->count; i++) {
		const struct ike_transform *t = &proposal->transforms[i];

		if (t->type == IKE_TRANSFORM_ENCR && suite_encr_is_aead(t->id))
			aead = true;
		else if (t->type == IKE_TRANSFORM_ENCR)
			plain = true;
		else if (t->type == IKE_TRANSFORM_INTEG && t->id != AUTH_NONE)
			integ = true;
	}
	/* RFC 7296 section 3.3, RFC 5282 section 8 */
	if (aead && plain)
		return "combined-mode and other ciphers need proposals of their own";
	if (aead && integ)
		return "a combined-mode cipher has no integrity algorithm beside it";
	if (plain && !integ)
		return "the cipher needs an integrity algorithm";
	return NULL;
}

const char *ike_proposal_check(const struct ike_proposal *proposal)
{
	bool ike = proposal->protocol == IKE_PROTOCOL_IKE;

	if (!has_type(proposal, IKE_TRANSFORM_ENCR))
		return "an encryption algorithm is missing";
	if (ike && !has_type(proposal, IKE_TRANSFORM_PRF))
		return "a pseudo-random function is missing";
	if (ike && !has_type(proposal, IKE_TRANSFORM_DH))
		return "a key exchange group is missing";
	if (ike == has_type(proposal, IKE_TRANSFORM_ESN))
		return ike ? "IKE has no sequence numbers" : "ESN or not is missing";
	if (!ike && has_type(proposal, IKE_TRANSFORM_PRF))
		return "ESP has no pseudo-random function";
	for (uint8_t i = 0; i < proposal->count; i++) {
		const struct ike_transform *t = &proposal->transforms[i];

		if (ike && t->type == IKE_TRANSFORM_DH && t->id == IKE_DH_NONE)
			return "IKE needs a key exchange";
		if (ike && t->type == IKE_TRANSFORM_ENCR && t->id == ENCR_NULL)
			return "IKE needs encryption";
	}
	return check_integrity(proposal);
}

uint16_t ike_proposal_first_group(const struct ike_proposal *proposals, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (uint8_t k = 0; k < proposals[i].count; k++)
			if (proposals[i].transforms[k].type == IKE_TRANSFORM_DH)
				return proposals[i].transforms[k].id;
	return IKE_DH_NONE;
}

bool ike_proposal_has_group(const struct ike_proposal *proposals, size_t count, uint16_t group)
{
	for (size_t i = 0; i < count; i++)
		for (uint8_t k = 0; k < proposals[i].count; k++)
			if (proposals[i].transforms[k].type == IKE_TRANSFORM_DH &&
			    proposals[i].transforms[k].id == group)
				return true;
	return false;
}
