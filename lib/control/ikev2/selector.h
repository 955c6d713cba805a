#pragma once
/*
 * Narrowing of traffic selectors (RFC 7296 section 2.9), as a pure function.
 */
#include "control/ike/payload.h"
#include "control/ikev2/config.h"

#define IKEV2_SELECTORS_MAX 64 /* of one side of one child */

struct ikev2_selectors {
	uint8_t count;
	struct net_selector list[IKEV2_SELECTORS_MAX];
};

/* What both lists have in common, without doubles; false when that is nothing. */
bool ikev2_selector_narrow(struct ikev2_selectors *out, const struct ike_ts *offered,
			   const struct net_selector *policy, uint8_t count);
/* Every selector lies inside one of the policy's. */
bool ikev2_selector_inside(const struct ike_ts *answered, const struct net_selector *policy,
			   uint8_t count);

struct ikev2_narrowed {
	struct ikev2_selectors local;
	struct ikev2_selectors remote;
	uint16_t entry;
	bool more; /* other entries fit too: ADDITIONAL_TS_POSSIBLE */
};

/*
 * Responder: the entry of the configuration that fits best: first the one that has the packet's
 * selectors (the first ones of the offer), then the first that has anything in common; else what
 * the connection accepts beyond its entries.
 */
bool ikev2_selector_choose(struct ikev2_narrowed *out, const struct ikev2_config *config,
			   const struct ike_ts *local, const struct ike_ts *remote);
