/*
 * Where a packet goes on: source rule of public ports, TTL, longest prefix match, next hop.
 */
#include "dataplane/fib/flow.h"
#include "dataplane/nodes/path_fragment.h"
#include "dataplane/nodes/path_transmit.h"

struct memory {
	uint32_t dst;
	uint32_t domain;
	uint32_t nexthop;
	bool valid;
};

static PATH_INLINE uint32_t load32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static PATH_INLINE uint32_t lookup4(struct path *path, struct memory *memory, uint32_t domain,
				    const uint8_t *at)
{
	uint32_t dst = load32(at);

	if (likely(memory->valid && memory->dst == dst && memory->domain == domain))
		return memory->nexthop;
	*memory = (struct memory){ dst, domain,
				   fib_lookup4(path->fib, domain, rte_be_to_cpu_32(dst)), true };
	return memory->nexthop;
}

static PATH_INLINE uint32_t lookup(struct path *path, struct memory *memory,
				   const struct path_packet *p)
{
	if (likely(!p->ip6))
		return lookup4(path, memory, p->domain, ((const struct net_ip4_hdr *)p->ip)->dst);
	return fib_lookup6(path->fib, p->domain, ((const struct net_ip6_hdr *)p->ip)->dst);
}

/* A clear packet from outside whose source belongs behind a tunnel. */
static PATH_INLINE bool spoofed(struct path *path, struct memory *memory,
				const struct path_packet *p)
{
	uint32_t nexthop;

	if (p->ip6)
		nexthop =
			fib_lookup6(path->fib, p->domain, ((const struct net_ip6_hdr *)p->ip)->src);
	else
		nexthop =
			lookup4(path, memory, p->domain, ((const struct net_ip4_hdr *)p->ip)->src);
	return nexthop && fib_hop_is_tunnel(fib_hop(path->fib, nexthop));
}

static PATH_INLINE bool take_ttl(struct path_packet *p)
{
	if (p->ip6) {
		if (unlikely(p->ip[7] <= 1))
			return false;
		p->ip[7]--;
		return true;
	}
	if (unlikely(p->ip[8] <= 1))
		return false;
	{
		struct net_ip4_hdr *ip = (struct net_ip4_hdr *)p->ip;
		uint32_t sum = (uint32_t)ip->checksum_be + RTE_BE16(0x0100);

		ip->ttl--;
		ip->checksum_be = (uint16_t)(sum + (sum >= 0xffff));
	}
	return true;
}

static PATH_INLINE uint32_t flow_hash(const struct path_packet *p)
{
	return fib_flow_of_packet(p->ip, p->length, false);
}

/* The packet's own destination is the neighbour. */
static void to_connected(struct path *path, struct path_packet *p, uint32_t port)
{
	struct net_addr dst = { .family = p->ip6 ? NET_IP6 : NET_IP4 };
	uint32_t neighbour;
	uint64_t mac = 0;

	if (p->ip6)
		memcpy(dst.bytes, ((const struct net_ip6_hdr *)p->ip)->dst, 16);
	else
		memcpy(dst.bytes, ((const struct net_ip4_hdr *)p->ip)->dst, 4);
	neighbour = fib_neighbour_find(path->fib, port, &dst);
	if (likely(neighbour != FIB_NEIGHBOUR_NONE))
		mac = fib_neighbour_mac(path->fib, neighbour);
	if (likely(mac & FIB_MAC_RESOLVED))
		path_transmit(path, p, port, mac);
	else
		path_await_neighbour(path, p, port, &dst);
}

static PATH_INLINE void to_gateway(struct path *path, struct path_packet *p, struct fib_hop hop)
{
	uint64_t mac = fib_neighbour_mac(path->fib, hop.index);

	if (likely(mac & FIB_MAC_RESOLVED))
		path_transmit(path, p, hop.port, mac);
	else
		path_await_neighbour(path, p, hop.port, &fib_neighbour(path->fib, hop.index)->addr);
}

static PATH_INLINE void to_group(struct path *path, uint32_t place, uint32_t group)
{
	struct path_packet *p = &path->packets[place];
	bool single = fib_group_is_single(path->fib, group);

	p->tunnel = fib_group_pick(path->fib, group, single ? 0 : flow_hash(p));
	if (unlikely(p->tunnel == 0)) {
		path_drop(path, p, CONTRACT_DROP_TUNNEL_NO_SA);
		return;
	}
	rte_prefetch0(&path->sas->tunnels[p->tunnel]);
	path_add(&path->tunnelled, place);
}

static PATH_INLINE void follow(struct path *path, uint32_t place, uint32_t nexthop)
{
	struct path_packet *p = &path->packets[place];
	struct fib_hop hop = fib_hop(path->fib, nexthop);

	if (unlikely(hop.kind == CONTRACT_NEXTHOP_ECMP))
		hop = fib_hop_resolve(path->fib, nexthop, flow_hash(p));
	switch (hop.kind) {
	case CONTRACT_NEXTHOP_GROUP:
		to_group(path, place, hop.index);
		return;
	case CONTRACT_NEXTHOP_GATEWAY:
		to_gateway(path, p, hop);
		return;
	case CONTRACT_NEXTHOP_CONNECTED:
		to_connected(path, p, hop.port);
		return;
	case CONTRACT_NEXTHOP_MIRROR:
		path_to_mirror(path, p, hop.index, false);
		return;
	case CONTRACT_NEXTHOP_DROP:
		path_drop(path, p, CONTRACT_DROP_ROUTE_DROP);
		return;
	default:
		path_drop(path, p, CONTRACT_DROP_ROUTE_NONE);
	}
}

void path_follow(struct path *path, uint32_t place, uint32_t nexthop)
{
	follow(path, place, nexthop);
}

/* The tunnel that every flow of a next hop takes; 0: there is no such one. */
static PATH_INLINE uint32_t only_tunnel(struct path *path, uint32_t nexthop)
{
	struct fib_hop hop = fib_hop(path->fib, nexthop);

	if (hop.kind != CONTRACT_NEXTHOP_GROUP || !fib_group_is_single(path->fib, hop.index))
		return 0;
	return fib_group_pick(path->fib, hop.index, 0);
}

void path_route(struct path *path)
{
	struct memory to = { .valid = false };
	struct memory from = { .valid = false };
	uint32_t last = 0;
	uint32_t tunnel = 0; /* of `last`, where all flows take the same */

	for (uint32_t i = 0; i < path->forward.n; i++) {
		uint32_t place = path->forward.at[i];
		struct path_packet *p = &path->packets[place];
		uint32_t nexthop;

		if (p->from == PATH_FROM_PUBLIC && unlikely(spoofed(path, &from, p))) {
			path_drop(path, p, CONTRACT_DROP_CLEAR_SPOOF);
			continue;
		}
		if (p->from != PATH_FROM_MIRROR && unlikely(!take_ttl(p))) {
			path_icmp_error(path, p, ICMP_TTL_EXCEEDED, 0);
			path_drop(path, p, CONTRACT_DROP_IP_TTL);
			continue;
		}
		nexthop = lookup(path, &to, p);
		if (likely(nexthop == last && tunnel)) {
			p->tunnel = tunnel;
			path_add(&path->tunnelled, place);
			continue;
		}
		last = nexthop;
		tunnel = only_tunnel(path, nexthop);
		follow(path, place, nexthop);
	}
}

bool path_group_has(const struct fib_hot *fib, uint32_t group, uint32_t tunnel)
{
	uint64_t word = fib_load64(&fib->groups[group]);
	uint32_t buckets = 1u << (word >> 32);
	const uint32_t *row;

	if (buckets == 1)
		return (uint32_t)word == tunnel;
	row = fib_unit(fib, (uint32_t)word);
	for (uint32_t i = 0; i < buckets; i++)
		if (fib_load32(&row[i]) == tunnel)
			return true;
	return false;
}
