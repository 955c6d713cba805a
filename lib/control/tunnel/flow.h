#pragma once
/*
 * DOC: flow groups
 *
 * A prefix is reached through every connection that has it; the tunnels of those connections are
 * one group of the data plane, over which flows are hashed. Connections with the same set of
 * companions share the group, so that the loss of a tunnel is one message for each group that it
 * is in, whatever the number of routes.
 *
 * A tunnel that cannot carry stays a member with weight 0. When none can carry, traffic stays where
 * it was (choose.h), and a packet may ask for an SA.
 */
#include "control/route/route.h"
#include "control/tunnel/choose.h"

struct flow_table;

/* A connection as the flow groups see it. */
struct flow_site {
	const char *name; /* unique */
	const struct net_prefix *prefixes;
	uint32_t prefix_count;
	const struct flow_member *members; /* its tunnels */
	uint32_t member_count;
	uint32_t owner; /* also as a source of its prefixes */
};

struct flow_member {
	uint32_t tunnel; /* id in the data plane */
	uint8_t fitness; /* enum fitness */
};

__attribute__((warn_unused_result)) int flow_table_new(struct flow_table **table,
						       struct desired *desired,
						       struct route *route);
void flow_table_free(struct flow_table *table);
/* Replaces everything; only differences reach the data plane. Sites are read during the call. */
__attribute__((warn_unused_result)) int flow_table_set(struct flow_table *table,
						       const struct flow_site *sites,
						       uint32_t count);
/* The members of a site became fit or not: as in the last set but for `fitness`. */
void flow_table_update(struct flow_table *table, const struct flow_site *site);
