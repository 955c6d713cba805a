#pragma once
/*
 * The BGP session inside a tunnel: which two speakers talk through it. An instance has an address
 * out of its GatewaySubnet (the last but one host when it is alone, the fourth and fifth of an
 * active-active pair) and custom APIPA addresses. A peer with an APIPA address is talked to from
 * one, all others from the first.
 */
#include "control/tunnel/plan.h"

/* The address of an instance out of its GatewaySubnet; false: none is to be had. */
bool plan_speaker_address(const struct config *config, const struct config_gateway *gateway,
			  uint32_t instance, struct net_addr *addr);
/* Timers, BFD, prefix limit and password of a peer; `bgp` NULL: the defaults. */
void plan_session_settings(struct plan_session *session, const struct config_bgp *bgp, bool compat);
/* Fills in the tunnel's session; `other` (NULL: the peer is a site) with its instance. */
void plan_bgp_set(struct plan_tunnel *tunnel, const struct config *config,
		  const struct config_local_gateway *site, const struct config_gateway *other,
		  uint32_t other_instance);
