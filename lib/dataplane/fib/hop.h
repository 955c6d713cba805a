#pragma once
/*
 * From a next hop id to where the packet goes; everything inline, for workers.
 */
#include "contract/object.h"
#include "dataplane/fib/hot.h"

static inline struct fib_hop fib_hop(const struct fib_hot *hot, uint32_t nexthop)
{
	uint64_t word = fib_load64(&hot->hops[nexthop]);
	struct fib_hop hop;

	memcpy(&hop, &word, sizeof(hop));
	return hop;
}

static inline bool fib_hop_has_port(struct fib_hop hop)
{
	return hop.kind == CONTRACT_NEXTHOP_GATEWAY || hop.kind == CONTRACT_NEXTHOP_CONNECTED;
}

/* The member of a table for this flow; 0 when there is none that takes flows. */
static inline uint32_t fib_table_pick(const struct fib_hot *hot, fib_table_word word,
				      uint32_t flow_hash)
{
	uint32_t log2 = (uint32_t)(word >> 32);
	const uint32_t *bucket;

	if (log2 == 0)
		return (uint32_t)word;
	bucket = fib_unit(hot, (uint32_t)word);
	return fib_load32(&bucket[flow_hash & ((1u << log2) - 1)]);
}

/* One member takes every flow: the hash need not be computed. */
static inline bool fib_group_is_single(const struct fib_hot *hot, uint32_t group)
{
	return fib_load64(&hot->groups[group]) >> 32 == 0;
}

/* Tunnel id, or 0: the group does not exist or has no member that takes flows. */
static inline uint32_t fib_group_pick(const struct fib_hot *hot, uint32_t group, uint32_t flow_hash)
{
	return fib_table_pick(hot, fib_load64(&hot->groups[group]), flow_hash);
}

/* fib_hop(), with an ECMP next hop replaced by its member for this flow. */
static inline struct fib_hop fib_hop_resolve(const struct fib_hot *hot, uint32_t nexthop,
					     uint32_t flow_hash)
{
	struct fib_hop hop = fib_hop(hot, nexthop);

	if (hop.kind == CONTRACT_NEXTHOP_ECMP)
		hop = fib_hop(hot, fib_table_pick(hot, fib_load64(&hot->ecmp[nexthop]), flow_hash));
	return hop;
}

static inline bool fib_hop_is_tunnel(struct fib_hop hop)
{
	return hop.flags & FIB_HOP_TUNNEL;
}

/* What is routed by this hop may come out of a tunnel, and so never in clear from outside. */
static inline bool fib_hop_is_behind(struct fib_hop hop)
{
	return hop.flags & (FIB_HOP_TUNNEL | FIB_HOP_SOURCED);
}

static inline bool fib_hop_is_peered(struct fib_hop hop)
{
	return hop.flags & FIB_HOP_PEERED;
}

/* This source, or any, is among those of the next hop. */
static inline bool fib_sources_have(const struct fib_hot *hot, uint32_t nexthop, uint32_t source)
{
	fib_sources_word word = fib_load64(&hot->sources[nexthop]);
	uint32_t count = (uint32_t)(word >> 32);
	const uint32_t *sources;

	if (count <= 1)
		return count && (uint32_t)word == source;
	if (count == FIB_SOURCES_ANY)
		return true;
	sources = fib_unit(hot, (uint32_t)word);
	for (uint32_t i = 0; i < count; i++)
		if (sources[i] == source)
			return true;
	return false;
}

static inline const struct fib_neighbour *fib_neighbour(const struct fib_hot *hot, uint32_t index)
{
	return fib_unit(hot, index);
}

/* MAC word of a neighbour; FIB_MAC_RESOLVED is clear while it is not known. */
static inline uint64_t fib_neighbour_mac(const struct fib_hot *hot, uint32_t index)
{
	return fib_load64(&fib_neighbour(hot, index)->mac);
}

static inline uint32_t fib_neighbour_hash(uint32_t seed, uint32_t port, const uint8_t bytes[16])
{
	uint64_t w[2];
	uint64_t h;

	memcpy(w, bytes, 16);
	h = (w[0] ^ seed) * UINT64_C(0x9e3779b97f4a7c15);
	h ^= (w[1] + port) * UINT64_C(0xc2b2ae3d27d4eb4f);
	h ^= h >> 32;
	return (uint32_t)((h * UINT64_C(0x9fb21c651e98df25)) >> 32);
}

/* Index of the neighbour, or FIB_NEIGHBOUR_NONE. The address is zero where net_addr says so. */
static inline uint32_t fib_neighbour_find(const struct fib_hot *hot, uint32_t port,
					  const struct net_addr *addr)
{
	uint32_t hash = fib_neighbour_hash(hot->seed, port, addr->bytes);
	const uint32_t *slots =
		hot->buckets + (uint64_t)(hash & hot->bucket_mask) * FIB_BUCKET_SLOTS;

	for (uint32_t s = 0; s < FIB_BUCKET_SLOTS; s++) {
		uint32_t slot = fib_load32(&slots[s]);
		const struct fib_neighbour *n;

		if (slot == 0 || (slot ^ hash) >> FIB_TAG_SHIFT)
			continue;
		n = fib_neighbour(hot, slot);
		if (n->port == port && memcmp(&n->addr, addr, sizeof(*addr)) == 0)
			return slot & FIB_UNIT_MASK;
	}
	return FIB_NEIGHBOUR_NONE;
}
