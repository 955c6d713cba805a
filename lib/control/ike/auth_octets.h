#pragma once
/*
 * The octets that AUTH covers as parts, for a MAC or a signature; inside this module.
 */
#include "control/ike/auth.h"

#define AUTH_PARTS 4

struct auth_parts {
	struct span spans[AUTH_PARTS];
	uint8_t maced_id[CRYPTO_PRF_MAX];
};

/* Points into itself: it may not be copied. */
__attribute__((warn_unused_result)) int ike_auth_parts(struct crypto *crypto,
						       const struct ike_auth_octets *octets,
						       struct auth_parts *parts);
