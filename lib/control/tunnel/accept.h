#pragma once
/*
 * What a responder accepts beyond the entries of a connection (profile azure-compat with
 * policy-based selectors): on our side all that the gateway's network has, the networks that use
 * its gateway with it; on the peer's side what lies behind this connection and no other.
 */
#include "control/tunnel/plan.h"

struct accept_space {
	struct net_selector *selectors; /* local ones, then remote ones; owned */
	uint8_t local_count;
	uint8_t remote_count;
};

/* Empty (and 0) for a connection that narrows to its entries. */
__attribute__((warn_unused_result)) int accept_space_make(struct accept_space *space,
							  const struct plan_connection *site,
							  const struct config *config);
