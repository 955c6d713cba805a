#include "control/ike/policy.h"

#include "control/ike/constants.h"

#include <errno.h>
#include <string.h>

/*
 * X25519 goes before ecp384 in `strong`: both are accepted, and the first is what a dialler makes a
 * key for. Measured with OpenSSL 3.0: 0.035 ms a key pair against 0.57 ms, which decides how fast
 * thousands of tunnels come back.
 */

#define T(type, id)                                                                                \
	{                                                                                          \
		IKE_TRANSFORM_##type, 0, id, 0                                                     \
	}
#define ENCR(id, bits)                                                                             \
	{                                                                                          \
		IKE_TRANSFORM_ENCR, 0, id, bits                                                    \
	}
#define STRONG_PRFS T(PRF, PRF_HMAC_SHA2_384), T(PRF, PRF_HMAC_SHA2_512), T(PRF, PRF_HMAC_SHA2_256)
#define STRONG_INTEGS                                                                              \
	T(INTEG, AUTH_HMAC_SHA2_384_192), T(INTEG, AUTH_HMAC_SHA2_512_256),                        \
		T(INTEG, AUTH_HMAC_SHA2_256_128)
#define STRONG_GROUPS                                                                              \
	T(DH, 31), T(DH, 20), T(DH, 21), T(DH, 19), T(DH, 32), T(DH, 16), T(DH, 15), T(DH, 14),    \
		T(DH, 17), T(DH, 18), T(DH, 28), T(DH, 29), T(DH, 30)
#define STRONG_GROUPS_COUNT 13

static const struct ike_proposal strong_ike[] = {
	{ IKE_PROTOCOL_IKE,
	  4 + STRONG_GROUPS_COUNT,
	  { ENCR(ENCR_AES_GCM_16, 256), STRONG_PRFS, STRONG_GROUPS } },
	{ IKE_PROTOCOL_IKE,
	  7 + STRONG_GROUPS_COUNT,
	  { ENCR(ENCR_AES_CBC, 256), STRONG_INTEGS, STRONG_PRFS, STRONG_GROUPS } },
};

static const struct ike_proposal strong_child[] = {
	{ IKE_PROTOCOL_ESP,
	  3 + STRONG_GROUPS_COUNT,
	  { ENCR(ENCR_AES_GCM_16, 256), STRONG_GROUPS, T(ESN, IKE_ESN_YES), T(ESN, IKE_ESN_NO) } },
	{ IKE_PROTOCOL_ESP,
	  6 + STRONG_GROUPS_COUNT,
	  { ENCR(ENCR_AES_CBC, 256), STRONG_INTEGS, STRONG_GROUPS, T(ESN, IKE_ESN_YES),
	    T(ESN, IKE_ESN_NO) } },
};

/* Azure's route-based defaults for phase 1, in its order. */
#define COMPAT_IKE(id, bits, integ, prf)                                                           \
	{                                                                                          \
		IKE_PROTOCOL_IKE, 4,                                                               \
		{                                                                                  \
			ENCR(id, bits), T(INTEG, integ), T(PRF, prf), T(DH, 2)                     \
		}                                                                                  \
	}
#define SHA1_IKE(id, bits) COMPAT_IKE(id, bits, AUTH_HMAC_SHA1_96, PRF_HMAC_SHA1)
#define SHA256_IKE(id, bits) COMPAT_IKE(id, bits, AUTH_HMAC_SHA2_256_128, PRF_HMAC_SHA2_256)

static const struct ike_proposal compat_ike[] = {
	SHA1_IKE(ENCR_AES_CBC, 256),   SHA256_IKE(ENCR_AES_CBC, 256), SHA1_IKE(ENCR_AES_CBC, 128),
	SHA256_IKE(ENCR_AES_CBC, 128), SHA1_IKE(ENCR_3DES, 0),	      SHA256_IKE(ENCR_3DES, 0),
};

#define OFFER_GCM                                                                                  \
	{                                                                                          \
		IKE_PROTOCOL_ESP, 2,                                                               \
		{                                                                                  \
			ENCR(ENCR_AES_GCM_16, 256), T(ESN, IKE_ESN_NO)                             \
		}                                                                                  \
	}
#define OFFER(id, bits, integ)                                                                     \
	{                                                                                          \
		IKE_PROTOCOL_ESP, 3,                                                               \
		{                                                                                  \
			ENCR(id, bits), T(INTEG, integ), T(ESN, IKE_ESN_NO)                        \
		}                                                                                  \
	}
#define SHA1_96 AUTH_HMAC_SHA1_96
#define SHA256_128 AUTH_HMAC_SHA2_256_128

/* Phase 2 as initiator: no PFS. */
static const struct ike_proposal compat_child_offer[] = {
	OFFER_GCM,
	OFFER(ENCR_AES_CBC, 256, SHA1_96),
	OFFER(ENCR_3DES, 0, SHA1_96),
	OFFER(ENCR_AES_CBC, 256, SHA256_128),
	OFFER(ENCR_AES_CBC, 128, SHA1_96),
	OFFER(ENCR_3DES, 0, SHA256_128),
};

#define ACCEPT(id, bits, integ, group)                                                             \
	{                                                                                          \
		IKE_PROTOCOL_ESP, 5,                                                               \
		{                                                                                  \
			ENCR(id, bits), T(INTEG, integ), T(DH, group), T(ESN, IKE_ESN_NO),         \
				T(ESN, IKE_ESN_YES)                                                \
		}                                                                                  \
	}

/* Phase 2 as responder; row 7 of Azure's table is DES and left out. */
static const struct ike_proposal compat_child_accept[] = {
	{ IKE_PROTOCOL_ESP,
	  4,
	  { ENCR(ENCR_AES_GCM_16, 256), T(DH, IKE_DH_NONE), T(ESN, IKE_ESN_NO),
	    T(ESN, IKE_ESN_YES) } },
	ACCEPT(ENCR_AES_CBC, 256, SHA1_96, IKE_DH_NONE),
	ACCEPT(ENCR_3DES, 0, SHA1_96, IKE_DH_NONE),
	ACCEPT(ENCR_AES_CBC, 256, SHA256_128, IKE_DH_NONE),
	ACCEPT(ENCR_AES_CBC, 128, SHA1_96, IKE_DH_NONE),
	ACCEPT(ENCR_3DES, 0, SHA256_128, IKE_DH_NONE),
	ACCEPT(ENCR_AES_CBC, 256, SHA1_96, 1),
	ACCEPT(ENCR_AES_CBC, 256, SHA1_96, 2),
	ACCEPT(ENCR_AES_CBC, 256, SHA1_96, 14),
	ACCEPT(ENCR_AES_CBC, 128, SHA1_96, 1),
	ACCEPT(ENCR_AES_CBC, 128, SHA1_96, 2),
	ACCEPT(ENCR_AES_CBC, 128, SHA1_96, 14),
	ACCEPT(ENCR_3DES, 0, SHA1_96, 1),
	ACCEPT(ENCR_3DES, 0, SHA1_96, 2),
	ACCEPT(ENCR_3DES, 0, SHA256_128, 2),
	ACCEPT(ENCR_AES_CBC, 256, SHA256_128, 1),
	ACCEPT(ENCR_AES_CBC, 256, SHA256_128, 2),
	ACCEPT(ENCR_AES_CBC, 256, SHA256_128, 14),
	ACCEPT(ENCR_AES_CBC, 256, SHA1_96, 24),
	ACCEPT(ENCR_AES_CBC, 256, SHA256_128, 24),
	ACCEPT(ENCR_AES_CBC, 128, SHA256_128, IKE_DH_NONE),
	ACCEPT(ENCR_AES_CBC, 128, SHA256_128, 1),
	ACCEPT(ENCR_AES_CBC, 128, SHA256_128, 2),
	ACCEPT(ENCR_AES_CBC, 128, SHA256_128, 14),
	ACCEPT(ENCR_3DES, 0, SHA1_96, 14),
};

#define LIST(name, table) .name = table, .name##_count = sizeof(table) / sizeof((table)[0])
#define IKE_LIFETIME_S 28800
#define CHILD_LIFETIME_S 27000
#define COMPAT_LIFETIME_BYTES (UINT64_C(102400000) * 1024)

static const struct ike_policy profiles[] = {
	[IKE_PROFILE_STRONG] = {
		LIST(ike_offer, strong_ike),
		LIST(ike_accept, strong_ike),
		LIST(child_offer, strong_child),
		LIST(child_accept, strong_child),
		.ike_lifetime_s = IKE_LIFETIME_S,
		.child_lifetime_s = CHILD_LIFETIME_S,
	},
	[IKE_PROFILE_AZURE_COMPAT] = {
		LIST(ike_offer, compat_ike),
		LIST(ike_accept, compat_ike),
		LIST(child_offer, compat_child_offer),
		LIST(child_accept, compat_child_accept),
		.weak = true,
		.ike_lifetime_s = IKE_LIFETIME_S,
		.child_lifetime_s = CHILD_LIFETIME_S,
		.child_lifetime_bytes = COMPAT_LIFETIME_BYTES,
	},
};

const struct ike_policy *ike_policy_profile(enum ike_profile profile)
{
	return &profiles[profile];
}

const struct ike_policy *ike_policy_by_name(const char *name)
{
	if (!strcmp(name, "strong"))
		return &profiles[IKE_PROFILE_STRONG];
	if (!strcmp(name, "azure-compat"))
		return &profiles[IKE_PROFILE_AZURE_COMPAT];
	return NULL;
}
