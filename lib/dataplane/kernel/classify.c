#include "dataplane/kernel/mirror.h"
#include "net/header.h"

#include <rte_byteorder.h>

#define PORT_BGP 179
#define PORT_BFD 3784
#define PORT_BFD_ECHO 3785
#define PORT_BFD_MULTIHOP 4784

/* ICMPv6 types 133..137: router and neighbour discovery, redirect (RFC 4861 section 4). */
#define ND_FIRST 133
#define ND_LAST 137

struct view {
	const uint8_t *p;
	uint32_t n;
};

static enum mirror_class classify_udp(struct view l4)
{
	const struct net_udp_hdr *udp = (const void *)l4.p;
	uint16_t port;

	if (l4.n < sizeof(*udp))
		return MIRROR_CLASS_REST;
	port = rte_be_to_cpu_16(udp->dst_be);
	return port == PORT_BFD || port == PORT_BFD_ECHO || port == PORT_BFD_MULTIHOP
		       ? MIRROR_CLASS_ROUTING
		       : MIRROR_CLASS_REST;
}

static enum mirror_class classify_tcp(struct view l4)
{
	const struct net_tcp_hdr *tcp = (const void *)l4.p;

	if (l4.n < sizeof(*tcp))
		return MIRROR_CLASS_REST;
	if (rte_be_to_cpu_16(tcp->dst_be) == PORT_BGP || rte_be_to_cpu_16(tcp->src_be) == PORT_BGP)
		return MIRROR_CLASS_ROUTING;
	return MIRROR_CLASS_TCP;
}

static enum mirror_class classify_l4(uint8_t protocol, struct view l4)
{
	switch (protocol) {
	case NET_PROTO_UDP:
		return classify_udp(l4);
	case NET_PROTO_TCP:
		return classify_tcp(l4);
	case NET_PROTO_ICMP:
		return MIRROR_CLASS_ICMP;
	case NET_PROTO_ICMP6:
		return l4.n && l4.p[0] >= ND_FIRST && l4.p[0] <= ND_LAST ? MIRROR_CLASS_NEIGHBOUR
									 : MIRROR_CLASS_ICMP;
	default:
		return MIRROR_CLASS_REST;
	}
}

static enum mirror_class classify_ip(struct view ip)
{
	uint32_t header;

	if (!ip.n)
		return MIRROR_CLASS_REST;
	if (ip.p[0] >> 4 == 4) {
		const struct net_ip4_hdr *ip4 = (const void *)ip.p;

		header = (ip.p[0] & 15u) * 4;
		if (header < sizeof(*ip4) || ip.n < header)
			return MIRROR_CLASS_REST;
		if (rte_be_to_cpu_16(ip4->fragment_be) & NET_IP4_OFFSET)
			return MIRROR_CLASS_REST;
		return classify_l4(ip4->protocol, (struct view){ ip.p + header, ip.n - header });
	}
	if (ip.p[0] >> 4 == 6) {
		const struct net_ip6_hdr *ip6 = (const void *)ip.p;

		header = sizeof(*ip6);
		if (ip.n < header)
			return MIRROR_CLASS_REST;
		return classify_l4(ip6->next_header, (struct view){ ip.p + header, ip.n - header });
	}
	return MIRROR_CLASS_REST;
}

enum mirror_class mirror_classify(const struct rte_mbuf *packet, bool ethernet)
{
	struct view view = { rte_pktmbuf_mtod(packet, const uint8_t *), packet->data_len };
	const struct net_ether_hdr *ether = (const void *)view.p;
	uint16_t type;

	if (!ethernet)
		return classify_ip(view);
	if (view.n < sizeof(*ether))
		return MIRROR_CLASS_REST;
	type = rte_be_to_cpu_16(ether->type_be);
	if (type == NET_ETHERTYPE_ARP)
		return MIRROR_CLASS_NEIGHBOUR;
	if (type != NET_ETHERTYPE_IP4 && type != NET_ETHERTYPE_IP6)
		return MIRROR_CLASS_REST;
	return classify_ip((struct view){ view.p + sizeof(*ether), view.n - sizeof(*ether) });
}
