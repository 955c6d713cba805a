#include "dataplane/capture/match.h"

#include "net/header.h"

#include <rte_byteorder.h>

#define EXTENSIONS_MAX 8

struct view {
	const uint8_t *p;
	uint32_t n;
};

static void read_l4(struct capture_key *key, struct view l4)
{
	const struct net_tcp_hdr *tcp = (const void *)l4.p;

	if ((key->protocol != NET_PROTO_TCP && key->protocol != NET_PROTO_UDP) || l4.n < 4)
		return;
	key->ports = true;
	key->src_port = rte_be_to_cpu_16(tcp->src_be);
	key->dst_port = rte_be_to_cpu_16(tcp->dst_be);
	if (key->protocol == NET_PROTO_TCP && l4.n >= sizeof(*tcp))
		key->tcp_flags = tcp->flags;
}

static void read_ip4(struct capture_key *key, struct view view)
{
	const struct net_ip4_hdr *ip = (const void *)view.p;
	uint32_t header = (view.p[0] & 15u) * 4;

	key->src = net_addr_of(NET_IP4, ip->src);
	key->dst = net_addr_of(NET_IP4, ip->dst);
	key->protocol = ip->protocol;
	key->ttl = ip->ttl;
	if (header < sizeof(*ip) || header > view.n || ip->fragment_be & RTE_BE16(NET_IP4_OFFSET))
		return;
	read_l4(key, (struct view){ view.p + header, view.n - header });
}

static bool is_extension(uint8_t next)
{
	return next == 0 || next == NET_PROTO_IP6_ROUTE || next == NET_PROTO_IP6_DEST ||
	       next == NET_PROTO_IP6_FRAG;
}

static void read_ip6(struct capture_key *key, struct view view)
{
	const struct net_ip6_hdr *ip = (const void *)view.p;
	uint32_t at = sizeof(*ip);

	key->src = net_addr_of(NET_IP6, ip->src);
	key->dst = net_addr_of(NET_IP6, ip->dst);
	key->protocol = ip->next_header;
	key->ttl = ip->hop_limit;
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(key->protocol); i++) {
		const uint8_t *extension = view.p + at;
		bool fragment = key->protocol == NET_PROTO_IP6_FRAG;

		if (at + 8 > view.n)
			return;
		key->protocol = extension[0];
		if (fragment && (extension[2] | (extension[3] & 0xf8)))
			return; /* not the first: what follows is no header */
		at += fragment ? 8 : (extension[1] + 1u) * 8;
	}
	if (at <= view.n)
		read_l4(key, (struct view){ view.p + at, view.n - at });
}

void capture_key(struct capture_key *key, const uint8_t *ip, uint32_t room)
{
	memset(key, 0, sizeof(*key));
	if (room >= sizeof(struct net_ip4_hdr) && ip[0] >> 4 == 4)
		read_ip4(key, (struct view){ ip, room });
	else if (room >= sizeof(struct net_ip6_hdr) && ip[0] >> 4 == 6)
		read_ip6(key, (struct view){ ip, room });
}

static bool prefix_good(const struct net_prefix *prefix, const struct net_addr *addr)
{
	return !prefix->addr.family || net_prefix_contains(prefix, addr);
}

struct sides {
	const struct net_addr *src;
	const struct net_addr *dst;
	uint16_t src_port;
	uint16_t dst_port;
};

static bool rule_good(const struct contract_capture_rule *rule, const struct capture_key *key,
		      struct sides sides)
{
	if (rule->protocol && rule->protocol != key->protocol)
		return false;
	if (rule->tcp_flags != CONTRACT_TCP_ANY && !(rule->tcp_flags & key->tcp_flags))
		return false;
	if ((rule->src_port || rule->dst_port) && !key->ports)
		return false;
	return (!rule->src_port || rule->src_port == sides.src_port) &&
	       (!rule->dst_port || rule->dst_port == sides.dst_port) &&
	       prefix_good(&rule->src, sides.src) && prefix_good(&rule->dst, sides.dst);
}

bool capture_wants_tunnel(const struct capture_item *item, uint32_t tunnel)
{
	if (!item->tunnels)
		return true;
	return tunnel / 64 < item->as.tunnel_words && item->tunnels[tunnel / 64] >> tunnel % 64 & 1;
}

static bool item_good(const struct capture_item *item, const struct capture_key *key)
{
	const struct sides there = { &key->src, &key->dst, key->src_port, key->dst_port };
	const struct sides back = { &key->dst, &key->src, key->dst_port, key->src_port };

	for (uint32_t i = 0; i < item->as.rules; i++)
		if (rule_good(&item->rules[i], key, there) ||
		    (!item->as.single && rule_good(&item->rules[i], key, back)))
			return true;
	return item->as.rules == 0;
}

uint32_t capture_match(const struct capture_table *table, uint32_t captures,
		       const struct capture_key *key, uint32_t tunnel)
{
	uint32_t good = 0;

	for (uint32_t rest = captures; rest; rest &= rest - 1) {
		uint32_t id = (uint32_t)__builtin_ctz(rest);
		const struct capture_item *item = &table->items[id];

		if (capture_wants_tunnel(item, tunnel) && item_good(item, key))
			good |= 1u << id;
	}
	return good;
}
