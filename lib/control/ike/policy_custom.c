/*
 * The custom policy of a connection: exactly one combination, with the names of the Azure API.
 * What the API lists and we refuse (DES, MD5, None as IKE group) is refused here with a sentence.
 */
#include "control/ike/constants.h"
#include "control/ike/policy.h"
#include "control/ike/suite_tables.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MIN_LIFETIME_S 300
#define MIN_LIFETIME_KB 1024
#define IKE_LIFETIME_S 28800

struct name {
	const char *name;
	uint16_t id;
	uint16_t key_bits;
	bool gcm;
	bool weak;
};

static const struct name ciphers[] = {
	{ "GCMAES256", ENCR_AES_GCM_16, 256, true, false },
	{ "GCMAES192", ENCR_AES_GCM_16, 192, true, false },
	{ "GCMAES128", ENCR_AES_GCM_16, 128, true, false },
	{ "AES256", ENCR_AES_CBC, 256, false, false },
	{ "AES192", ENCR_AES_CBC, 192, false, false },
	{ "AES128", ENCR_AES_CBC, 128, false, false },
	{ "DES3", ENCR_3DES, 0, false, true },
	{ "None", ENCR_NULL, 0, false, true },
	{ NULL },
};

static const struct name integrities[] = {
	{ "SHA384", AUTH_HMAC_SHA2_384_192, 0, false, false },
	{ "SHA256", AUTH_HMAC_SHA2_256_128, 0, false, false },
	{ "SHA1", AUTH_HMAC_SHA1_96, 0, false, true },
	{ "GCMAES256", AUTH_NONE, 256, true, false },
	{ "GCMAES192", AUTH_NONE, 192, true, false },
	{ "GCMAES128", AUTH_NONE, 128, true, false },
	{ NULL },
};

static const struct name groups[] = {
	{ "DHGroup24", 24, 0, false, true },	{ "ECP384", 20, 0, false, false },
	{ "ECP256", 19, 0, false, false },	{ "DHGroup14", 14, 0, false, false },
	{ "DHGroup2048", 14, 0, false, false }, { "DHGroup2", 2, 0, false, true },
	{ "DHGroup1", 1, 0, false, true },	{ NULL },
};

#define PFS_AS_IKE UINT16_MAX

static const struct name pfs_groups[] = {
	{ "PFS24", 24, 0, false, true },
	{ "ECP384", 20, 0, false, false },
	{ "ECP256", 19, 0, false, false },
	{ "PFS14", 14, 0, false, false },
	{ "PFS2048", 14, 0, false, false },
	{ "PFS2", 2, 0, false, true },
	{ "PFS1", 1, 0, false, true },
	{ "PFSMM", PFS_AS_IKE, 0, false, false },
	{ "None", IKE_DH_NONE, 0, false, false },
	{ NULL },
};

static const struct name *find(const struct name *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

struct chosen {
	const struct name *ike_encryption;
	const struct name *ike_integrity;
	const struct name *dh_group;
	const struct name *ipsec_encryption;
	const struct name *ipsec_integrity;
	const struct name *pfs_group;
};

struct complaint {
	const char *field;
	const char *why;
};

static struct complaint look_up(const struct ike_custom_policy *names, struct chosen *chosen)
{
	const struct {
		const char *field;
		const char *name;
		const struct name *table;
		const struct name **to;
		const char *why;
	} fields[] = {
		{ "ikeEncryption", names->ike_encryption, ciphers, &chosen->ike_encryption,
		  "must be GCMAES256, GCMAES128, AES256, AES192, AES128 or DES3; DES is refused" },
		{ "ikeIntegrity", names->ike_integrity, integrities, &chosen->ike_integrity,
		  "must be SHA384, SHA256, SHA1, GCMAES256 or GCMAES128; MD5 is refused" },
		{ "dhGroup", names->dh_group, groups, &chosen->dh_group,
		  "must be DHGroup24, ECP384, ECP256, DHGroup14, DHGroup2048, DHGroup2 or "
		  "DHGroup1; None is refused" },
		{ "ipsecEncryption", names->ipsec_encryption, ciphers, &chosen->ipsec_encryption,
		  "must be GCMAES256, GCMAES192, GCMAES128, AES256, AES192, AES128, DES3 or None; "
		  "DES is refused" },
		{ "ipsecIntegrity", names->ipsec_integrity, integrities, &chosen->ipsec_integrity,
		  "must be GCMAES256, GCMAES192, GCMAES128, SHA256 or SHA1; MD5 is refused" },
		{ "pfsGroup", names->pfs_group, pfs_groups, &chosen->pfs_group,
		  "must be PFS24, ECP384, ECP256, PFS2048, PFS14, PFS2, PFS1, PFSMM or None" },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		*fields[i].to = find(fields[i].table, fields[i].name);
		if (!*fields[i].to)
			return (struct complaint){ fields[i].field, fields[i].why };
	}
	return (struct complaint){ 0 };
}

static struct complaint check(const struct ike_custom_policy *names, const struct chosen *c)
{
	if (c->ike_encryption->id == ENCR_NULL)
		return (struct complaint){ "ikeEncryption", "IKE itself is always encrypted" };
	if (c->ike_encryption->gcm && c->ike_encryption->key_bits == 192)
		return (struct complaint){ "ikeEncryption", "the API has no GCMAES192 for IKE" };
	if (c->ike_integrity->gcm &&
	    (!c->ike_encryption->gcm || c->ike_integrity->key_bits != c->ike_encryption->key_bits))
		return (struct complaint){ "ikeIntegrity",
					   "GCM as integrity must repeat ikeEncryption" };
	if (c->ipsec_encryption->gcm != c->ipsec_integrity->gcm ||
	    (c->ipsec_encryption->gcm &&
	     c->ipsec_encryption->key_bits != c->ipsec_integrity->key_bits))
		return (struct complaint){ "ipsecIntegrity",
					   "must be the same GCMAES as ipsecEncryption, and only "
					   "then" };
	if (names->sa_lifetime_s < MIN_LIFETIME_S)
		return (struct complaint){ "saLifeTimeSeconds", "must be at least 300" };
	if (names->sa_lifetime_kb < MIN_LIFETIME_KB)
		return (struct complaint){ "saDataSizeKilobytes", "must be at least 1024" };
	return (struct complaint){ 0 };
}

/*
 * The integrity algorithm names the PRF too. GCM there (the REST enum has it, the documents do
 * not) has no hash of its own: SHA-384 goes with the 256-bit key, SHA-256 with the other.
 */
static uint16_t prf_of(const struct name *integrity)
{
	if (integrity->gcm)
		return integrity->key_bits == 256 ? PRF_HMAC_SHA2_384 : PRF_HMAC_SHA2_256;
	switch (integrity->id) {
	case AUTH_HMAC_SHA2_384_192:
		return PRF_HMAC_SHA2_384;
	case AUTH_HMAC_SHA2_256_128:
		return PRF_HMAC_SHA2_256;
	default:
		return PRF_HMAC_SHA1;
	}
}

/* At most six transforms: ike_proposal_add() cannot fail here. */
static void build(struct ike_policy_owned *out, const struct chosen *c)
{
	struct ike_proposal *ike = &out->ike, *child = &out->child;
	uint16_t pfs = c->pfs_group->id == PFS_AS_IKE ? c->dh_group->id : c->pfs_group->id;

	ike->protocol = IKE_PROTOCOL_IKE;
	(void)ike_proposal_add(ike, IKE_TRANSFORM_ENCR, c->ike_encryption->id,
			       c->ike_encryption->key_bits);
	(void)ike_proposal_add(ike, IKE_TRANSFORM_PRF, prf_of(c->ike_integrity), 0);
	if (!c->ike_encryption->gcm)
		(void)ike_proposal_add(ike, IKE_TRANSFORM_INTEG, c->ike_integrity->id, 0);
	(void)ike_proposal_add(ike, IKE_TRANSFORM_DH, c->dh_group->id, 0);

	child->protocol = IKE_PROTOCOL_ESP;
	(void)ike_proposal_add(child, IKE_TRANSFORM_ENCR, c->ipsec_encryption->id,
			       c->ipsec_encryption->key_bits);
	if (!c->ipsec_encryption->gcm)
		(void)ike_proposal_add(child, IKE_TRANSFORM_INTEG, c->ipsec_integrity->id, 0);
	if (pfs != IKE_DH_NONE)
		(void)ike_proposal_add(child, IKE_TRANSFORM_DH, pfs, 0);
	(void)ike_proposal_add(child, IKE_TRANSFORM_ESN, IKE_ESN_YES, 0);
	(void)ike_proposal_add(child, IKE_TRANSFORM_ESN, IKE_ESN_NO, 0);
}

int ike_policy_custom(struct ike_policy_owned *out, const struct ike_custom_policy *names,
		      const char **field, const char **why)
{
	struct chosen c;
	struct complaint complaint = look_up(names, &c);

	if (!complaint.field)
		complaint = check(names, &c);
	*field = complaint.field;
	*why = complaint.why;
	if (complaint.field)
		return -EINVAL;
	*out = (struct ike_policy_owned){ 0 };
	build(out, &c);
	out->policy = (struct ike_policy){
		.ike_offer = &out->ike,
		.ike_accept = &out->ike,
		.child_offer = &out->child,
		.child_accept = &out->child,
		.ike_offer_count = 1,
		.ike_accept_count = 1,
		.child_offer_count = 1,
		.child_accept_count = 1,
		.weak = c.ike_encryption->weak || c.ike_integrity->weak || c.dh_group->weak ||
			c.ipsec_encryption->weak || c.ipsec_integrity->weak || c.pfs_group->weak,
		.ike_lifetime_s = IKE_LIFETIME_S,
		.child_lifetime_s = names->sa_lifetime_s,
		.child_lifetime_bytes = names->sa_lifetime_kb * 1024,
	};
	return 0;
}

static void word_of(char to[IKE_WORD], const struct name *table, const struct ike_transform *what)
{
	for (; table->name; table++)
		if (table->id == what->id && table->key_bits == what->key_bits)
			break;
	if (table->name)
		snprintf(to, IKE_WORD, "%s", table->name);
	else
		suite_transform_text(to, IKE_WORD, what);
}

/* Of an SA without one: the PRF's, and of a child the cipher is it. */
static void integrity_word(struct ike_words *words, const struct ike_suite *suite)
{
	static const struct name prfs[] = { { "SHA1", PRF_HMAC_SHA1, 0, false, false },
					    { "SHA256", PRF_HMAC_SHA2_256, 0, false, false },
					    { "SHA384", PRF_HMAC_SHA2_384, 0, false, false },
					    { "SHA512", PRF_HMAC_SHA2_512, 0, false, false },
					    { NULL } };
	const struct ike_transform prf = { .type = IKE_TRANSFORM_PRF, .id = suite->prf };
	const struct ike_transform integ = { .type = IKE_TRANSFORM_INTEG, .id = suite->integ };

	if (suite->integ != AUTH_NONE)
		word_of(words->integrity, integrities, &integ);
	else if (suite->protocol == IKE_PROTOCOL_IKE)
		word_of(words->integrity, prfs, &prf);
	else
		memcpy(words->integrity, words->encryption, IKE_WORD);
}

void ike_policy_words(struct ike_words *words, const struct ike_suite *suite)
{
	const struct ike_transform encr = { .type = IKE_TRANSFORM_ENCR,
					    .id = suite->encr,
					    .key_bits = suite->key_bits };
	const struct ike_transform dh = { .type = IKE_TRANSFORM_DH, .id = suite->dh };

	word_of(words->encryption, ciphers, &encr);
	integrity_word(words, suite);
	word_of(words->group, suite->protocol == IKE_PROTOCOL_IKE ? groups : pfs_groups, &dh);
}
