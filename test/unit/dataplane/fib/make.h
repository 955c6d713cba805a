#pragma once
/*
 * Objects as control sends them, for tests of the fib.
 */
#include "dataplane/fib/fib.h"
#include "dataplane/fib/hop.h"
#include "dataplane/fib/lookup.h"

#include <string.h>

struct make_object {
	struct contract_object object;
	union {
		struct contract_route route;
		struct contract_nexthop nexthop;
		struct contract_neighbour neighbour;
		struct contract_group group;
		uint8_t bytes[FIB_OBJECT_MAX];
	};
};

static inline struct make_object make_route(uint32_t domain, const struct net_prefix *prefix,
					    uint32_t nexthop)
{
	struct make_object m = { .object = { .kind = CONTRACT_ROUTE, .domain = domain } };

	m.route = (struct contract_route){ .prefix = *prefix, .nexthop = nexthop };
	return m;
}

static inline struct make_object make_mirror(uint32_t id, uint32_t mirror)
{
	struct make_object m = { .object = { .kind = CONTRACT_NEXTHOP, .id = id } };

	m.nexthop = (struct contract_nexthop){ .kind = CONTRACT_NEXTHOP_MIRROR, .target = mirror };
	return m;
}

static inline struct make_object make_gateway(uint32_t id, uint32_t port, struct net_addr gateway)
{
	struct make_object m = { .object = { .kind = CONTRACT_NEXTHOP, .id = id } };

	m.nexthop = (struct contract_nexthop){ .kind = CONTRACT_NEXTHOP_GATEWAY,
					       .port = port,
					       .gateway = gateway };
	return m;
}

static inline struct make_object make_tunnels(uint32_t id, uint32_t group)
{
	struct make_object m = { .object = { .kind = CONTRACT_NEXTHOP, .id = id } };

	m.nexthop = (struct contract_nexthop){ .kind = CONTRACT_NEXTHOP_GROUP, .target = group };
	return m;
}

static inline struct make_object make_ecmp(uint32_t id, const struct contract_member *members,
					   uint8_t count)
{
	struct make_object m = { .object = { .kind = CONTRACT_NEXTHOP, .id = id } };

	m.nexthop =
		(struct contract_nexthop){ .kind = CONTRACT_NEXTHOP_ECMP, .member_count = count };
	memcpy(m.bytes + sizeof(m.nexthop), members, count * sizeof(*members));
	return m;
}

static inline struct make_object make_group(uint32_t id, const struct contract_member *members,
					    uint8_t count)
{
	struct make_object m = { .object = { .kind = CONTRACT_GROUP, .id = id } };

	m.group = (struct contract_group){ .member_count = count };
	memcpy(m.bytes + sizeof(m.group), members, count * sizeof(*members));
	return m;
}

static inline struct make_object make_neighbour(uint32_t port, struct net_addr addr, uint8_t last)
{
	struct make_object m = { .object = { .kind = CONTRACT_NEIGHBOUR } };

	m.neighbour = (struct contract_neighbour){ .addr = addr,
						   .port = port,
						   .mac = { 2, 0, 0, 0, 0, last } };
	return m;
}
