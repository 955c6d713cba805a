#include "control/route/speaker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VIA_BASE 0xf0000000u
#define VIA_MASK 0x0fffffffu

struct net_addr speaker_via(uint32_t tunnel)
{
	return net_addr_ip4(VIA_BASE | (tunnel & VIA_MASK));
}

static uint32_t number_of(const uint8_t bytes[4])
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

struct net_addr speaker_via_ip6(uint32_t tunnel)
{
	struct net_addr via = { .family = NET_IP6, .bytes = { [0] = 1 } };

	for (int i = 0; i < 4; i++)
		via.bytes[12 + i] = (uint8_t)(tunnel >> (24 - 8 * i));
	return via;
}

uint32_t speaker_tunnel(const struct net_addr *via)
{
	static const uint8_t begin[12] = { 1 };

	if (via->family == NET_IP6)
		return memcmp(via->bytes, begin, sizeof(begin)) ? 0 : number_of(&via->bytes[12]);
	if (via->family != NET_IP4 || via->bytes[0] >> 4 != VIA_BASE >> 28)
		return 0;
	return number_of(via->bytes) & VIA_MASK;
}

void speaker_fini(struct speaker_table *table)
{
	free(table->peers);
}

static struct speaker_peer *peer_find(const struct speaker_table *table, uint32_t tunnel)
{
	for (uint32_t i = 0; i < table->count; i++)
		if (table->peers[i].tunnel == tunnel)
			return &table->peers[i];
	return NULL;
}

const struct speaker_peer *speaker_find(const struct speaker_table *table, uint32_t tunnel)
{
	return peer_find(table, tunnel);
}

static int tun_of(const struct port_table *ports, uint32_t instance)
{
	for (uint32_t i = 0; i < ports->tunnel_count; i++)
		if (ports->tunnels[i].is.instance == instance)
			return (int)ports->tunnels[i].is.ifindex;
	return 0;
}

static bool peer_has(const struct speaker_table *table, const struct net_addr *local,
		     const struct speaker_peer *but)
{
	for (uint32_t i = 0; i < table->count; i++)
		if (&table->peers[i] != but && net_addr_equal(&table->peers[i].local, local))
			return true;
	return false;
}

static bool address_used(const struct speaker_table *table, const struct speaker_peer *but)
{
	return peer_has(table, &but->local, but) || speaker_private_find(table, &but->local);
}

static bool peer_used(const struct speaker_table *table, const struct speaker_peer *but)
{
	for (uint32_t i = 0; i < table->count; i++)
		if (&table->peers[i] != but && net_addr_equal(&table->peers[i].peer, &but->peer))
			return true;
	return false;
}

static void write_address(const struct port_table *ports, struct netlink *netlink,
			  uint32_t instance, const struct net_addr *addr, bool add)
{
	struct netlink_address address = { tun_of(ports, instance), *addr, 32 };

	if (!netlink || !address.ifindex)
		return;
	netlink_address_set(netlink, &address, add);
	netlink_rule_set(netlink, addr, SPEAKER_TABLE_BASE + instance, add);
}

/* In the main table so that FRR finds the peer; in the instance's for packets. */
static void write_way(const struct port_table *ports, struct netlink *netlink,
		      const struct speaker_peer *peer, bool add, bool shared)
{
	struct netlink_route_spec spec = { .table = SPEAKER_TABLE_BASE + peer->instance,
					   .prefix = net_prefix_of(&peer->peer, 32),
					   .ifindex = tun_of(ports, peer->instance) };

	netlink_route_set(netlink, &spec, add);
	spec.table = 254;
	if (!shared || add)
		netlink_route_set(netlink, &spec, add);
}

/* In the main table so that FRR finds the next hop. */
static void write_via(const struct port_table *ports, struct netlink *netlink,
		      const struct speaker_peer *peer, bool add)
{
	struct netlink_route_spec spec = { .table = 254,
					   .prefix = { speaker_via(peer->tunnel), 32 },
					   .ifindex = tun_of(ports, peer->instance) };

	netlink_route_set(netlink, &spec, add);
	if (!peer->ip6)
		return;
	spec.prefix = (struct net_prefix){ speaker_via_ip6(peer->tunnel), 128 };
	netlink_route_set(netlink, &spec, add);
}

static void peer_add(const struct port_table *ports, struct netlink *netlink,
		     const struct speaker_peer *peer)
{
	if (!netlink || !tun_of(ports, peer->instance))
		return;
	write_address(ports, netlink, peer->instance, &peer->local, true);
	write_way(ports, netlink, peer, true, false);
	write_via(ports, netlink, peer, true);
}

/* `now`: what has its place, NULL: nothing. What both have stays: by its next hop FRR takes the
 * routes that were learned there for good or not. */
static void peer_delete(const struct speaker_table *table, const struct port_table *ports,
			struct netlink *netlink, const struct speaker_peer *peer,
			const struct speaker_peer *now)
{
	if (!netlink || !tun_of(ports, peer->instance))
		return;
	if (!now || now->instance != peer->instance || !net_addr_equal(&now->peer, &peer->peer))
		write_way(ports, netlink, peer, false, peer_used(table, peer));
	if (!now || now->instance != peer->instance || now->ip6 != peer->ip6)
		write_via(ports, netlink, peer, false);
	if (!address_used(table, peer))
		write_address(ports, netlink, peer->instance, &peer->local, false);
}

/* The new address comes before the old one goes: with the last one of an interface the kernel
 * drops all its routes, those of FRR's daemons too, and tells nobody. */
static void peer_change(const struct speaker_table *table, const struct port_table *ports,
			struct netlink *netlink, const struct speaker_peer *before,
			const struct speaker_peer *now)
{
	if (netlink && tun_of(ports, now->instance))
		write_address(ports, netlink, now->instance, &now->local, true);
	peer_delete(table, ports, netlink, before, now);
}

int speaker_set(struct speaker_table *table, const struct port_table *ports,
		struct netlink *netlink, const struct speaker_peer *peer)
{
	struct speaker_peer *at = peer_find(table, peer->tunnel);
	struct speaker_peer before;

	if (at && !memcmp(at, peer, sizeof(*at)))
		return 0;
	if (at) {
		before = *at;
		*at = *peer;
		peer_change(table, ports, netlink, &before, at);
	} else {
		struct speaker_peer *grown =
			reallocarray(table->peers, table->count + 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		table->peers = grown;
		at = &grown[table->count++];
		*at = *peer;
	}
	peer_add(ports, netlink, at);
	return 1;
}

bool speaker_delete(struct speaker_table *table, const struct port_table *ports,
		    struct netlink *netlink, uint32_t tunnel)
{
	struct speaker_peer *at = peer_find(table, tunnel);

	if (!at)
		return false;
	peer_delete(table, ports, netlink, at, NULL);
	*at = table->peers[--table->count];
	return true;
}

void speaker_apply(const struct speaker_table *table, const struct port_table *ports,
		   struct netlink *netlink)
{
	for (uint32_t i = 0; i < table->count; i++)
		peer_add(ports, netlink, &table->peers[i]);
	for (uint32_t i = 0; i < table->private_count; i++)
		write_address(ports, netlink, table->privates[i].instance, &table->privates[i].addr,
			      true);
}

void speaker_again(const struct speaker_table *table, const struct port_table *ports,
		   struct netlink *netlink)
{
	speaker_apply(table, ports, netlink);
	for (uint32_t i = 0; i < table->count; i++) {
		if (!tun_of(ports, table->peers[i].instance))
			continue;
		write_via(ports, netlink, &table->peers[i], false);
		write_via(ports, netlink, &table->peers[i], true);
	}
}

bool speaker_has(const struct speaker_table *table, const struct net_addr *addr)
{
	return peer_has(table, addr, NULL) || speaker_private_find(table, addr);
}

const struct speaker_private *speaker_private_find(const struct speaker_table *table,
						   const struct net_addr *addr)
{
	for (uint32_t i = 0; i < table->private_count; i++)
		if (net_addr_equal(&table->privates[i].addr, addr))
			return &table->privates[i];
	return NULL;
}

int speaker_privates_set(struct speaker_table *table, const struct port_table *ports,
			 struct netlink *netlink, const struct speaker_private *privates,
			 uint32_t count)
{
	struct speaker_table before = *table;

	if (count > SPEAKER_PRIVATES_MAX)
		return -E2BIG;
	if (count)
		memcpy(table->privates, privates, count * sizeof(*privates));
	table->private_count = count;
	for (uint32_t i = 0; i < before.private_count; i++) {
		const struct speaker_private *was = &before.privates[i];

		if (!speaker_private_find(table, &was->addr) && !peer_has(table, &was->addr, NULL))
			write_address(ports, netlink, was->instance, &was->addr, false);
	}
	for (uint32_t i = 0; i < count; i++)
		if (!speaker_private_find(&before, &privates[i].addr))
			write_address(ports, netlink, privates[i].instance, &privates[i].addr,
				      true);
	return 0;
}
