/*
 * Where a packet goes on: source rule of public ports, TTL, longest prefix match, next hop.
 *
 * A clear packet on a public port is routed like any other, also to the inside and into a tunnel:
 * this is a router, and who wants a firewall there has one. But where its source belongs behind a
 * tunnel it is dropped and counted (clear_spoof), because from there only what was authenticated
 * may come; a port that is public and private at once has the same rule.
 */
#include "dataplane/fib/flow.h"
#include "dataplane/nodes/path_fragment.h"
#include "dataplane/nodes/path_transmit.h"
#include "dataplane/nodes/path_watch.h"

#include <rte_prefetch.h>

/* The last lookup: domain and destination, and what they gave. */
struct memory {
	uint64_t key;
	uint32_t nexthop;
};

#define MEMORY_NONE UINT64_MAX /* there is no such domain */

/* What all packets to the last next hop share: nothing, when neither is set. */
struct onward {
	uint32_t nexthop;
	uint32_t tunnel; /* that every flow takes */
	bool gateway;	 /* whose MAC is known */
	/*
	 * Elsewhere than into the own network: counted apart when it came out of a tunnel. Then
	 * what is above is not set but here, so that the others need not ask.
	 */
	bool elsewhere;
	bool far_gateway;
	uint8_t to; /* enum contract_destination */
	uint32_t far_tunnel;
	struct path_way way; /* with a gateway */
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
	uint64_t key = (uint64_t)domain << 32 | dst;

	if (unlikely(memory->key != key))
		*memory = (struct memory){ key,
					   fib_lookup4(path->fib, domain, rte_be_to_cpu_32(dst)) };
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
	return nexthop && fib_hop_is_behind(fib_hop(path->fib, nexthop));
}

static PATH_INLINE bool take_ttl(struct path_packet *p)
{
	uint32_t word;

	if (p->ip6) {
		if (unlikely(p->ip[7] <= 1))
			return false;
		p->ip[7]--;
		return true;
	}
	memcpy(&word, p->ip + 8, sizeof(word));
	if (unlikely((uint8_t)word <= 1))
		return false;
	/* TTL, protocol, checksum: one less below is one more above, brought round (RFC 1624) */
	word += word < 0xfffe0000u ? 0xffff : 0x1ffff;
	memcpy(p->ip + 8, &word, sizeof(word));
	return true;
}

static PATH_INLINE uint32_t flow_hash(const struct path_packet *p)
{
	return fib_flow_of_packet(p->ip, p->length, false);
}

static PATH_INLINE void send_or_ask(struct path *path, struct path_packet *p, uint32_t port,
				    uint64_t mac, const struct net_addr *addr)
{
	struct path_way way;

	if (unlikely(!(mac & FIB_MAC_RESOLVED))) {
		path_await_neighbour(path, p, port, addr);
		return;
	}
	way = path_way(path, port, mac);
	path_transmit_plain(path, &way, p);
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
	send_or_ask(path, p, port, mac, &dst);
}

static PATH_INLINE void to_gateway(struct path *path, struct path_packet *p, struct fib_hop hop)
{
	uint64_t mac = fib_neighbour_mac(path->fib, hop.index);

	send_or_ask(path, p, hop.port, mac, &fib_neighbour(path->fib, hop.index)->addr);
}

static PATH_INLINE void to_group(struct path *path, struct path_packet *p, uint32_t group)
{
	bool single = fib_group_is_single(path->fib, group);

	p->tunnel = fib_group_pick(path->fib, group, single ? 0 : flow_hash(p));
	if (unlikely(p->tunnel == 0)) {
		path_drop(path, p, CONTRACT_DROP_TUNNEL_NO_SA);
		return;
	}
	rte_prefetch0(&path->sas->tunnels[p->tunnel]);
	path_add(&path->tunnelled, p);
}

static PATH_INLINE void follow(struct path *path, struct path_packet *p, uint32_t nexthop)
{
	struct fib_hop hop = fib_hop(path->fib, nexthop);

	if (unlikely(hop.kind == CONTRACT_NEXTHOP_ECMP))
		hop = fib_hop_resolve(path->fib, nexthop, flow_hash(p));
	switch (hop.kind) {
	case CONTRACT_NEXTHOP_GROUP:
		to_group(path, p, hop.index);
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

bool path_has_route(struct path *path, const struct path_packet *p)
{
	struct memory none = { .key = MEMORY_NONE };

	return lookup(path, &none, p) != 0;
}

void path_follow(struct path *path, struct path_packet *p, uint32_t nexthop)
{
	follow(path, p, nexthop);
	if (unlikely(path->watch))
		path_watch_follow(path, p);
}

static PATH_INLINE bool is_outside(const struct path *path, uint32_t port)
{
	return path->shared->ports[port].role == CONTRACT_PUBLIC;
}

static PATH_INLINE bool leads_inside(const struct path *path, struct fib_hop hop)
{
	return fib_hop_has_port(hop) && !is_outside(path, hop.port) && !fib_hop_is_peered(hop);
}

static PATH_COLD enum contract_destination destination_of(const struct path *path, uint32_t nexthop)
{
	struct fib_hop hop = fib_hop_resolve(path->fib, nexthop, 0);
	bool peered = fib_hop_is_peered(fib_hop(path->fib, nexthop));
	uint8_t flags;

	if (hop.kind == CONTRACT_NEXTHOP_GROUP) {
		flags = path->sas->tunnels[fib_group_pick(path->fib, hop.index, 0)].flags;
		return flags & CONTRACT_TUNNEL_TO_GATEWAY  ? CONTRACT_TO_GATEWAY
		       : flags & CONTRACT_TUNNEL_TO_CLIENT ? CONTRACT_TO_CLIENT
							   : CONTRACT_TO_SITE;
	}
	if (fib_hop_has_port(hop) && is_outside(path, hop.port))
		return CONTRACT_TO_INTERNET;
	if (hop.kind == CONTRACT_NEXTHOP_MIRROR)
		return CONTRACT_TO_SELF;
	return peered && fib_hop_has_port(hop) ? CONTRACT_TO_PEERED : CONTRACT_DESTINATIONS;
}

static PATH_INLINE uint32_t only_tunnel(const struct path *path, struct fib_hop hop)
{
	uint32_t tunnel;

	if (hop.kind != CONTRACT_NEXTHOP_GROUP || !fib_group_is_single(path->fib, hop.index))
		return 0;
	tunnel = fib_group_pick(path->fib, hop.index, 0);
	rte_prefetch0(&path->sas->tunnels[tunnel]);
	return tunnel;
}

static PATH_INLINE bool known_gateway(struct path *path, struct fib_hop hop, struct path_way *way)
{
	uint64_t mac;

	if (hop.kind != CONTRACT_NEXTHOP_GATEWAY)
		return false;
	mac = fib_neighbour_mac(path->fib, hop.index);
	*way = path_way(path, hop.port, mac);
	return mac & FIB_MAC_RESOLVED;
}

/* Where some of the vector came out of tunnels, what does not lead inside is counted. */
static void onward_to(struct path *path, struct onward *on, uint32_t nexthop)
{
	struct fib_hop hop = fib_hop(path->fib, nexthop);
	uint32_t tunnel = only_tunnel(path, hop);
	bool gateway = known_gateway(path, hop, &on->way);

	on->nexthop = nexthop;
	on->elsewhere = path->esp.n && !leads_inside(path, hop);
	on->tunnel = on->elsewhere ? 0 : tunnel;
	on->gateway = !on->elsewhere && gateway;
	if (likely(!on->elsewhere))
		return;
	on->to = destination_of(path, nexthop);
	on->far_tunnel = tunnel;
	on->far_gateway = gateway;
}

static PATH_INLINE void go_elsewhere(struct path *path, struct path_packet *p,
				     const struct onward *on)
{
	if (p->from == PATH_FROM_TUNNEL && on->to < CONTRACT_DESTINATIONS)
		path_count_destination(path, p, on->to);
	if (on->far_tunnel) {
		p->tunnel = on->far_tunnel;
		path_add(&path->tunnelled, p);
	} else if (on->far_gateway) {
		path_transmit_plain(path, &on->way, p);
	} else {
		follow(path, p, on->nexthop);
	}
}

void path_route(struct path *path)
{
	struct memory to = { .key = MEMORY_NONE };
	struct memory from = { .key = MEMORY_NONE };
	struct onward on = { 0 };

	for (uint32_t i = 0; i < path->forward.n; i++) {
		struct path_packet *p = path->forward.at[i];
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
		if (nexthop != on.nexthop)
			onward_to(path, &on, nexthop);
		if (on.tunnel) {
			p->tunnel = on.tunnel;
			path_add(&path->tunnelled, p);
		} else if (on.gateway) {
			path_transmit_plain(path, &on.way, p);
		} else if (unlikely(on.elsewhere)) {
			go_elsewhere(path, p, &on);
		} else {
			follow(path, p, nexthop);
		}
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
