#pragma once
/*
 * Proposal sets: the two profiles of DESIGN.md, and a custom policy with the names of the Azure
 * API. A policy is read-only and shared by every connection that has it.
 */
#include "control/ike/proposal.h"

struct ike_policy {
	const struct ike_proposal *ike_offer;
	const struct ike_proposal *ike_accept;
	const struct ike_proposal *child_offer;
	const struct ike_proposal *child_accept;
	uint8_t ike_offer_count;
	uint8_t ike_accept_count;
	uint8_t child_offer_count;
	uint8_t child_accept_count;
	bool weak; /* worth a warning in log and status */
	uint32_t ike_lifetime_s;
	uint32_t child_lifetime_s;
	uint64_t child_lifetime_bytes; /* 0: none */
};

enum ike_profile { IKE_PROFILE_STRONG, IKE_PROFILE_AZURE_COMPAT };

const struct ike_policy *ike_policy_profile(enum ike_profile profile);
/* "strong" or "azure-compat"; NULL for another name. */
const struct ike_policy *ike_policy_by_name(const char *name);

/* A suite in the API's spelling; what it has no word for in ours. The integrity of GCM is its
 * PRF's. */
#define IKE_WORD 48
struct ike_words {
	char encryption[IKE_WORD];
	char integrity[IKE_WORD];
	char group[IKE_WORD]; /* "None": without one */
};
void ike_policy_words(struct ike_words *words, const struct ike_suite *suite);

/* ipsecPolicies[0] of a connection, with the API's spelling; no field may be NULL. */
struct ike_custom_policy {
	const char *ike_encryption;
	const char *ike_integrity;
	const char *dh_group;
	const char *ipsec_encryption;
	const char *ipsec_integrity;
	const char *pfs_group;
	uint32_t sa_lifetime_s;
	uint64_t sa_lifetime_kb;
};

struct ike_policy_owned {
	struct ike_policy policy;
	struct ike_proposal ike;
	struct ike_proposal child;
};

/*
 * -EINVAL with *field (the member's API name, "ikeEncryption") and *why (a sentence). The struct
 * may not move afterwards: policy points into it.
 */
__attribute__((warn_unused_result)) int ike_policy_custom(struct ike_policy_owned *out,
							  const struct ike_custom_policy *names,
							  const char **field, const char **why);
