#pragma once
/*
 * The same routes and destinations in DPDK's own tables.
 */
#include "net/addr.h"

#include <stdint.h>

struct against {
	enum net_family family;
	const struct net_prefix *routes;
	uint32_t count;
	const struct net_addr *destinations; /* 1 << 20 */
	const uint32_t *destinations4;
};

void against_show(const struct against *a);
