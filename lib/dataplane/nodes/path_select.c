#include "dataplane/nodes/path_select.h"

#include <rte_byteorder.h>

static void key_addr6(uint64_t to[2], const uint8_t *at)
{
	memcpy(to, at, 16);
	to[0] = rte_be_to_cpu_64(to[0]);
	to[1] = rte_be_to_cpu_64(to[1]);
}

static uint64_t key_addr4(const uint8_t *at)
{
	uint32_t be;

	memcpy(&be, at, sizeof(be));
	return rte_be_to_cpu_32(be);
}

/* ICMP type and code stand for a port (RFC 4301 section 4.4.1.1). */
static void key_ports(struct path_select_key *key, const struct path_packet *p)
{
	const uint8_t *l4 = p->ip + p->l4;
	uint32_t n = p->length - p->l4;

	key->ports = false;
	key->src_port = key->dst_port = 0;
	if (p->fragment)
		return;
	switch (p->protocol) {
	case NET_PROTO_ICMP:
	case NET_PROTO_ICMP6:
		if (n < 2)
			return;
		key->src_port = key->dst_port = (uint16_t)(l4[0] << 8 | l4[1]);
		key->ports = true;
		return;
	case NET_PROTO_TCP:
	case NET_PROTO_UDP:
	case 132: /* SCTP */
	case 33:  /* DCCP */
	case 136: /* UDP-Lite */
		if (n < 4)
			return;
		key->src_port = (uint16_t)(l4[0] << 8 | l4[1]);
		key->dst_port = (uint16_t)(l4[2] << 8 | l4[3]);
		key->ports = true;
		return;
	default:
		return;
	}
}

void path_select_key(struct path_select_key *key, const struct path_packet *p)
{
	const struct net_ip4_hdr *ip4 = (const struct net_ip4_hdr *)p->ip;
	const struct net_ip6_hdr *ip6 = (const struct net_ip6_hdr *)p->ip;

	key->family = p->ip6 ? NET_IP6 : NET_IP4;
	key->protocol = p->protocol;
	if (p->ip6) {
		key_addr6(key->src, ip6->src);
		key_addr6(key->dst, ip6->dst);
	} else {
		key->src[0] = key->dst[0] = 0;
		key->src[1] = key_addr4(ip4->src);
		key->dst[1] = key_addr4(ip4->dst);
	}
	key_ports(key, p);
}

static bool below(const uint64_t a[2], const uint64_t b[2])
{
	return a[0] < b[0] || (a[0] == b[0] && a[1] < b[1]);
}

/* start > end (RFC 7296 section 3.13.1: OPAQUE) admits packets without ports only. */
static bool port_in(const struct sa_range *range, const struct path_select_key *key, uint16_t port)
{
	if (!range->ports)
		return true;
	if (range->port_start > range->port_end)
		return !key->ports;
	return key->ports && port >= range->port_start && port <= range->port_end;
}

static bool in_any(const struct sa_range *ranges, uint32_t n, const struct path_select_key *key,
		   bool source)
{
	const uint64_t *addr = source ? key->src : key->dst;
	uint16_t port = source ? key->src_port : key->dst_port;

	for (uint32_t i = 0; i < n; i++) {
		const struct sa_range *r = &ranges[i];

		if (r->family == key->family && !below(addr, r->start) && !below(r->end, addr) &&
		    (r->protocol == 0 || r->protocol == key->protocol) && port_in(r, key, port))
			return true;
	}
	return false;
}

bool path_select_outbound(const struct sa_selectors *s, const struct path_select_key *key)
{
	return in_any(s->ranges, s->local_count, key, true) &&
	       in_any(s->ranges + s->local_count, s->remote_count, key, false);
}

bool path_select_inbound(const struct sa_selectors *s, const struct path_select_key *key)
{
	return in_any(s->ranges + s->local_count, s->remote_count, key, true) &&
	       in_any(s->ranges, s->local_count, key, false);
}
