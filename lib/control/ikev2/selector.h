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

/* The same selectors, in any order. */
bool ikev2_selector_same(const struct net_selector *a, uint16_t a_count,
			 const struct net_selector *b, uint16_t b_count);

struct ikev2_narrowed {
	struct ikev2_selectors local;
	struct ikev2_selectors remote;
	uint16_t entry;
	bool more; /* other entries fit too: ADDITIONAL_TS_POSSIBLE */
};

/*
 * Responder: the entry of the configuration that fits best: the one that has the whole offer, else
 * the first that has the packet's selectors (the first ones of the offer), else the first that has
 * anything in common. What the connection accepts beyond its entries wins when it gives more than
 * the best of them: the peer's own division of the same space stays as the peer made it.
 */
bool ikev2_selector_choose(struct ikev2_narrowed *out, const struct ikev2_config *config,
			   const struct ike_ts *local, const struct ike_ts *remote);
