#pragma once
/*
 * A sorted set of prefixes: overlap checks over many thousands in n log n, union and cover.
 */
#include "net/addr.h"

struct net_prefix_set {
	struct net_prefix *items; /* sorted by net_prefix_compare */
	size_t count;
	size_t capacity;
};

void net_prefix_set_init(struct net_prefix_set *set);
void net_prefix_set_fini(struct net_prefix_set *set);
__attribute__((warn_unused_result)) int net_prefix_set_add(struct net_prefix_set *set,
							   const struct net_prefix *prefix);
/* Adds all of them with one sort: for loading thousands. */
__attribute__((warn_unused_result)) int net_prefix_set_add_many(struct net_prefix_set *set,
								const struct net_prefix *prefixes,
								size_t count);
bool net_prefix_set_del(struct net_prefix_set *set, const struct net_prefix *prefix);
bool net_prefix_set_has(const struct net_prefix_set *set, const struct net_prefix *prefix);
/* The longest member that contains the address, or NULL. */
const struct net_prefix *net_prefix_set_match(const struct net_prefix_set *set,
					      const struct net_addr *addr);
/* A member that overlaps, or NULL. */
const struct net_prefix *net_prefix_set_overlap(const struct net_prefix_set *set,
						const struct net_prefix *prefix);
