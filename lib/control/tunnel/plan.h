#pragma once
/*
 * DOC: plan
 *
 * Which tunnels a configuration wants: each connection of a gateway of ours, times its own public
 * addresses, times the peer's addresses. A pure function of the snapshot; what differs between two
 * plans is what changes in the world. A gateway is ours when the appliance has its public
 * addresses on a port; the others are described so that a Vnet2Vnet connection can name them.
 *
 * One connection of ten thousand costs what one costs: the diff of the two snapshots says which
 * connections are touched, in themselves or by what they refer to; the plan shares the others with
 * the plan before.
 *
 * Selectors: a route-based connection gets one child, any to any (and any IPv6 when one side has
 * IPv6 prefixes). With policy-based selectors each entry of trafficSelectorPolicies is one child
 * with all its ranges; without entries each pair of a prefix here and a prefix there is one.
 */
#include "control/config/config.h"
#include "net/selector.h"

#define PLAN_PAIRS_MAX 1000 /* children of one connection; what a configuration may ask for */

struct plan_child {
	struct net_selector *local;
	struct net_selector *remote;
	uint32_t local_count;
	uint32_t remote_count;
};

/* The BGP session inside a tunnel (plan_bgp.h); family of the peer NET_NONE: there is none. */
struct plan_session {
	struct net_addr local;
	struct net_addr peer;
	uint32_t as;
	uint32_t peer_as;
	uint32_t keepalive_s;
	uint32_t hold_s;
	uint32_t bfd_ms; /* 0: off */
	uint32_t prefix_limit;
	bool ip6;				    /* IPv6 prefixes too */
	const struct config_route_filters *filters; /* live in the connection; NULL: none */
	const struct secret *password; /* SECRET; NULL: none; lives in the site or the gateway */
};

struct plan_tunnel {
	struct plan_session session;
	char *name;	   /* unique and stable: what the data plane's objects are known by */
	uint32_t instance; /* which of our ipConfigurations */
	const struct config_connection *connection;
	const struct config_gateway *gateway;
	bool over_circuit; /* from the private address of its instance, over a private circuit */
	struct net_addr local;	/* on our port, or that private address */
	struct net_addr remote; /* NET_NONE: known by name, or any */
	const char *fqdn;	/* lives in the site */
	char local_id[256];
	char remote_id[256];
};

/* What all tunnels of a connection share. Never changed; counted, since plans share it. */
struct plan_connection {
	uint32_t references;
	uint32_t first_tunnel; /* index of its first in the plan that was numbered last */
	const struct config_connection *connection; /* references, these three */
	const struct config_gateway *gateway;
	const struct config_local_gateway *site; /* NULL: the peer is a gateway */
	struct plan_child *children;
	uint32_t child_count;
	struct net_prefix *prefixes; /* behind the peer */
	uint32_t prefix_count;
	struct plan_tunnel *tunnels;
	uint32_t tunnel_count;
};

struct plan {
	const struct config *config; /* a reference */
	struct plan_connection **connections;
	bool *fresh; /* of each connection: made for this plan, not shared with the one before */
	uint32_t connection_count;
	uint32_t tunnel_count; /* of all connections */
};

/*
 * `before` without a configuration: everything is made anew. -EINVAL: more than PLAN_PAIRS_MAX
 * pairs; `why` names the connection and the count.
 */
__attribute__((warn_unused_result)) int plan_make(struct plan *plan, const struct config *config,
						  const struct plan *before, char *why,
						  size_t why_size);
void plan_fini(struct plan *plan);
/* This plan is the one that holds now: first_tunnel counts in it. */
void plan_number(struct plan *plan);
/* The same connections with the same prefixes and ends: groups, routes and look-ups stay. */
bool plan_keeps_paths(const struct plan *before, const struct plan *now);
