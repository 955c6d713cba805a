#include "craft.h"

#include "net/checksum.h"

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include <stdlib.h>
#include <string.h>

static void addresses4(struct net_ip4_hdr *ip, const struct craft *c)
{
	uint32_t inside = rte_cpu_to_be_32(192u << 24 | 168u << 16 | 1u << 8 | 7);
	uint32_t far = rte_cpu_to_be_32(bed_tunnel_net(c->tunnel) | 9);

	memcpy(c->inward ? ip->dst : ip->src, &inside, 4);
	memcpy(c->inward ? ip->src : ip->dst, &far, 4);
}

static void addresses6(struct net_ip6_hdr *ip, const struct craft *c)
{
	uint8_t inside[16] = { 0xfd, 0, 0, 1, [15] = 7 };
	uint8_t far[16] = { 0xfd, 0x10, (uint8_t)(c->tunnel >> 8), (uint8_t)c->tunnel, [15] = 9 };

	memcpy(c->inward ? ip->dst : ip->src, inside, 16);
	memcpy(c->inward ? ip->src : ip->dst, far, 16);
}

static void fill(uint8_t *l4, uint32_t n, uint16_t flow)
{
	for (uint32_t i = 0; i < n; i++)
		l4[i] = (uint8_t)(i * 7 + flow);
	if (n >= 4) {
		uint16_t ports[2] = { rte_cpu_to_be_16((uint16_t)(1024 + flow)), RTE_BE16(443) };

		memcpy(l4, ports, sizeof(ports));
	}
	if (n >= 14)
		l4[13] = 0x10; /* TCP: not a SYN */
}

void craft_sum(uint8_t *ip)
{
	struct net_ip4_hdr *header = (struct net_ip4_hdr *)ip;

	header->checksum_be = 0;
	header->checksum_be = net_checksum_fold(net_checksum_add(0, ip, (size_t)(ip[0] & 15) * 4));
}

uint32_t craft_ip(uint8_t *to, const struct craft *c)
{
	uint8_t ttl = c->ttl ? c->ttl : 64;
	uint8_t protocol = c->protocol ? c->protocol : NET_PROTO_UDP;

	memset(to, 0, c->length);
	if (c->ip6) {
		struct net_ip6_hdr *ip = (struct net_ip6_hdr *)to;

		ip->version_class_flow_be = rte_cpu_to_be_32(6u << 28 | (uint32_t)c->tos << 20);
		ip->payload_length_be = rte_cpu_to_be_16((uint16_t)(c->length - sizeof(*ip)));
		ip->next_header = protocol;
		ip->hop_limit = ttl;
		addresses6(ip, c);
		fill(to + sizeof(*ip), c->length - sizeof(*ip), c->flow);
	} else {
		struct net_ip4_hdr *ip = (struct net_ip4_hdr *)to;

		*ip = (struct net_ip4_hdr){ .version_ihl = 0x45,
					    .tos = c->tos,
					    .length_be = rte_cpu_to_be_16((uint16_t)c->length),
					    .fragment_be = c->df ? RTE_BE16(NET_IP4_DF) : 0,
					    .ttl = ttl,
					    .protocol = protocol };
		addresses4(ip, c);
		craft_sum(to);
		fill(to + sizeof(*ip), c->length - sizeof(*ip), c->flow);
	}
	return c->length;
}

struct rte_mbuf *craft_inside(struct bed *bed, const struct craft *c)
{
	uint8_t ip[2048];
	uint32_t n = craft_ip(ip, c);

	return craft_frame(bed, ip, n, false);
}

struct rte_mbuf *craft_frame(struct bed *bed, const uint8_t *ip, uint32_t n, bool public)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(bed->pool);
	struct net_ether_hdr *ether;

	if (!m)
		abort();
	ether = (struct net_ether_hdr *)rte_pktmbuf_append(m, (uint16_t)(sizeof(*ether) + n));
	memcpy(ether->dst, public ? bed_mac_public : bed_mac_private, 6);
	memcpy(ether->src, public ? bed_mac_gateway_public : bed_mac_gateway_private, 6);
	ether->type_be =
		ip[0] >> 4 == 6 ? RTE_BE16(NET_ETHERTYPE_IP6) : RTE_BE16(NET_ETHERTYPE_IP4);
	memcpy(ether + 1, ip, n);
	return m;
}

static uint32_t outer_ip(uint8_t *to, const struct craft_outer *o, uint32_t n)
{
	struct net_addr src = bed_remote(o->tunnel, o->ip6);
	struct net_addr dst = bed_local(o->ip6);
	uint8_t protocol = o->port ? NET_PROTO_UDP : NET_PROTO_ESP;

	if (o->ip6) {
		struct net_ip6_hdr ip = { .version_class_flow_be = rte_cpu_to_be_32(
						  6u << 28 | (uint32_t)o->tos << 20),
					  .payload_length_be = rte_cpu_to_be_16((uint16_t)n),
					  .next_header = protocol,
					  .hop_limit = 60 };

		memcpy(ip.src, src.bytes, 16);
		memcpy(ip.dst, dst.bytes, 16);
		memcpy(to, &ip, sizeof(ip));
		return sizeof(ip);
	}
	{
		struct net_ip4_hdr ip = { .version_ihl = 0x45,
					  .tos = o->tos,
					  .length_be = rte_cpu_to_be_16((uint16_t)(n + sizeof(ip))),
					  .ttl = 60,
					  .protocol = protocol };

		memcpy(ip.src, src.bytes, 4);
		memcpy(ip.dst, dst.bytes, 4);
		ip.checksum_be = net_checksum_fold(net_checksum_add(0, &ip, sizeof(ip)));
		memcpy(to, &ip, sizeof(ip));
		return sizeof(ip);
	}
}

struct rte_mbuf *craft_esp(struct bed *bed, const struct craft_outer *o, const uint8_t *esp,
			   uint32_t n)
{
	uint8_t packet[CRAFT_MOST];
	struct net_udp_hdr udp = { .src_be = rte_cpu_to_be_16(o->port),
				   .dst_be = RTE_BE16(NET_PORT_NATT),
				   .length_be = rte_cpu_to_be_16((uint16_t)(n + sizeof(udp))) };
	uint32_t extra = o->port ? sizeof(udp) : 0;
	uint32_t at = outer_ip(packet, o, n + extra);

	memcpy(packet + at, &udp, extra);
	memcpy(packet + at + extra, esp, n);
	return craft_frame(bed, packet, at + extra + n, true);
}

void craft_insert(struct rte_mbuf *frame, const void *what, uint16_t n)
{
	uint8_t *to = (uint8_t *)rte_pktmbuf_prepend(frame, n);

	memmove(to, to + n, 12);
	memcpy(to + 12, what, n);
}

void craft_forwarded(uint8_t *packet)
{
	if (packet[0] >> 4 == 6) {
		packet[7]--;
		return;
	}
	packet[8]--;
	craft_sum(packet);
}

struct rte_mbuf *craft_sent(struct bed *bed, uint32_t device)
{
	struct path_tx *tx = path_tx(bed->path, device);

	if (tx->n != 1)
		return NULL;
	tx->n = 0;
	return tx->packets[0];
}

void craft_run(struct bed *bed, uint32_t device, struct rte_mbuf *m)
{
	path_run(bed->path, device, &m, 1);
}
