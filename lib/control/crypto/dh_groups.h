#pragma once
/*
 * The groups of IKE's registry that we have, with what OpenSSL calls them.
 */
#include "control/crypto/internal.h"

enum dh_kind { DH_MODP, DH_ECP, DH_XDH };

struct dh_group {
	uint16_t number;
	uint8_t kind;	  /* enum dh_kind */
	const char *text; /* as configuration writes it */
	const char *name; /* OpenSSL's; NULL: the prime is given (groups 1 and 2) */
	uint16_t public_bytes;
	uint16_t shared_bytes;
};

const struct dh_group *dh_group_find(uint16_t number, size_t *index); /* NULL: unknown */
/* Makes the group's contexts on first use; NULL when this OpenSSL does not have it. */
struct crypto_dh_state *dh_group_state(struct crypto *crypto, const struct dh_group *group,
				       size_t index);
