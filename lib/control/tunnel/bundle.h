#pragma once
/*
 * DOC: bundles
 *
 * A route that Linux learned names the tunnels it was learned in. Each set of tunnels that a route
 * has named is a group of the data plane, so that the loss of a tunnel is one message for each set
 * that it is in, whatever the number of routes. A set lives as long as this program: there are as
 * many as there are ways in which routes spread over tunnels.
 */
#include "control/tunnel/tunnel.h"

void bundle_init(struct tunnels *all);
void bundle_fini(struct tunnels *all);
/* The group over these tunnels; their order does not matter. */
__attribute__((warn_unused_result)) int bundle_get(struct tunnels *all, const uint32_t *tunnels,
						   uint32_t count, uint32_t *group);
/* A tunnel came, went or changed between usable and not; 0: any. */
void bundle_update(struct tunnels *all, uint32_t tunnel);
/* For routes: the group behind next hops of a TUN; -ENOENT. */
__attribute__((warn_unused_result)) int bundle_recurse(struct tunnels *all,
						       const struct net_addr *gateways,
						       uint32_t count, uint32_t *group);
/* The connections behind them, as sources of what is routed there. */
uint32_t bundle_sources(struct tunnels *all, const struct net_addr *gateways, uint32_t count,
			uint32_t *sources, uint32_t room);
/* For routes: see tunnels_suspect(). */
bool bundle_suspect(const struct tunnels *all, const struct net_addr *gateways, uint32_t count);
/* The way to the speaker at the other end of this tunnel. */
__attribute__((warn_unused_result)) int bundle_peer_set(struct tunnel *tunnel);
