#include "dataplane/agent/send.h"
#include "dataplane/fib/hop.h"
#include "net/checksum.h"
#include "net/header.h"

#include <string.h>

#include <rte_mbuf.h>

#define SEND_TTL 64
#define SEND_MTU_MIN 1280
#define SEND_PAYLOAD_MAX 65000
#define SEND_MARKER 4

struct ip6_fragment_hdr {
	uint8_t next_header;
	uint8_t zero;
	uint16_t offset_be;
	uint32_t id_be;
} __attribute__((packed));

/* A UDP datagram in the making, and how its IP packets are cut. */
struct send {
	struct agent *agent;
	const struct contract_datagram *datagram;
	uint8_t *udp; /* header, marker, payload */
	uint32_t n;
	uint32_t id;
};

/* The MTU of the port that the next hop leads to; what every link has where it is not one. */
static uint16_t send_mtu(const struct agent *agent, uint32_t nexthop)
{
	const struct fib_hot *hot = fib_hot(agent->config.fib);
	struct fib_hop hop = { 0 };
	const struct port *port;

	if (nexthop < hot->nexthops)
		hop = fib_hop(hot, nexthop);
	if (!fib_hop_has_port(hop))
		return SEND_MTU_MIN;
	port = port_get(agent->config.ports, hop.port);
	return port ? port->mtu : SEND_MTU_MIN;
}

static uint16_t send_udp_checksum(const struct send *send)
{
	const struct contract_datagram *d = send->datagram;
	size_t n = net_addr_len(&d->local);
	const uint8_t tail[4] = { 0, NET_PROTO_UDP, (uint8_t)(send->n >> 8), (uint8_t)send->n };
	uint64_t sum = net_checksum_add(0, d->local.bytes, n);
	uint16_t folded;

	sum = net_checksum_add(sum, d->remote.bytes, n);
	sum = net_checksum_add(sum, tail, sizeof(tail));
	folded = net_checksum_fold(net_checksum_add(sum, send->udp, send->n));
	/* RFC 768: zero says that there is none. */
	return folded ? folded : 0xffff;
}

static void send_fill_udp(struct send *send, const void *payload)
{
	const struct contract_datagram *d = send->datagram;
	struct net_udp_hdr *udp = (void *)send->udp;
	uint8_t *at = send->udp + sizeof(*udp);

	udp->src_be = rte_cpu_to_be_16(d->local_port);
	udp->dst_be = rte_cpu_to_be_16(d->remote_port);
	udp->length_be = rte_cpu_to_be_16((uint16_t)send->n);
	udp->checksum_be = 0;
	/* RFC 3948 section 2.2: four zero bytes where an SPI would stand. */
	if (d->non_esp_marker)
		memset(at, 0, SEND_MARKER);
	memcpy(at + (d->non_esp_marker ? SEND_MARKER : 0), payload, d->length);
	udp->checksum_be = send_udp_checksum(send);
}

static uint8_t *send_ip4(const struct send *send, uint8_t *at, uint32_t offset, uint32_t n)
{
	const struct contract_datagram *d = send->datagram;
	struct net_ip4_hdr *ip = (void *)at;
	uint32_t fragment = offset / 8 | (offset + n < send->n ? NET_IP4_MF : 0);

	memset(ip, 0, sizeof(*ip));
	ip->version_ihl = 0x45;
	ip->tos = (uint8_t)(d->dscp << 2);
	ip->length_be = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + n));
	ip->id_be = rte_cpu_to_be_16((uint16_t)send->id);
	ip->fragment_be = rte_cpu_to_be_16((uint16_t)fragment);
	ip->ttl = SEND_TTL;
	ip->protocol = NET_PROTO_UDP;
	memcpy(ip->src, d->local.bytes, 4);
	memcpy(ip->dst, d->remote.bytes, 4);
	ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, sizeof(*ip)));
	return at + sizeof(*ip);
}

static uint8_t *send_ip6(const struct send *send, uint8_t *at, uint32_t offset, uint32_t n)
{
	const struct contract_datagram *d = send->datagram;
	struct net_ip6_hdr *ip = (void *)at;
	struct ip6_fragment_hdr *fragment = (void *)(ip + 1);
	bool whole = n == send->n;

	ip->version_class_flow_be = rte_cpu_to_be_32(6u << 28 | (uint32_t)d->dscp << 22);
	ip->payload_length_be = rte_cpu_to_be_16((uint16_t)(n + (whole ? 0 : sizeof(*fragment))));
	ip->next_header = whole ? NET_PROTO_UDP : NET_PROTO_IP6_FRAG;
	ip->hop_limit = SEND_TTL;
	memcpy(ip->src, d->local.bytes, 16);
	memcpy(ip->dst, d->remote.bytes, 16);
	if (whole)
		return at + sizeof(*ip);
	fragment->next_header = NET_PROTO_UDP;
	fragment->zero = 0;
	fragment->offset_be = rte_cpu_to_be_16((uint16_t)(offset | (offset + n < send->n)));
	fragment->id_be = rte_cpu_to_be_32(send->id);
	return at + sizeof(*ip) + sizeof(*fragment);
}

static bool send_packet(const struct send *send, uint32_t offset, uint32_t n)
{
	const struct agent_config *config = &send->agent->config;
	struct rte_mbuf *packet = rte_pktmbuf_alloc(config->pool);
	uint8_t *start;
	uint8_t *at;

	if (!packet)
		return false;
	start = rte_pktmbuf_mtod(packet, uint8_t *);
	at = send->datagram->local.family == NET_IP4 ? send_ip4(send, start, offset, n)
						     : send_ip6(send, start, offset, n);
	memcpy(at, send->udp + offset, n);
	packet->data_len = (uint16_t)((at - start) + n);
	packet->pkt_len = packet->data_len;
	if (worker_inject(config->workers, PATH_INJECT_NEXTHOP, send->datagram->nexthop, &packet,
			  1) == 1)
		return true;
	rte_pktmbuf_free(packet);
	return false;
}

static bool send_all(const struct send *send, uint16_t mtu)
{
	uint32_t header = send->datagram->local.family == NET_IP4 ? sizeof(struct net_ip4_hdr)
								  : sizeof(struct net_ip6_hdr);
	uint32_t room =
		RTE_MIN((uint32_t)mtu, rte_pktmbuf_data_room_size(send->agent->config.pool) -
					       (uint32_t)RTE_PKTMBUF_HEADROOM);
	uint32_t step;

	if (send->n + header <= room)
		return send_packet(send, 0, send->n);
	if (send->datagram->local.family == NET_IP6)
		header += sizeof(struct ip6_fragment_hdr);
	step = (room - header) & ~7u;
	for (uint32_t offset = 0; offset < send->n; offset += step)
		if (!send_packet(send, offset, RTE_MIN(step, send->n - offset)))
			return false;
	return true;
}

void send_datagram(struct agent *agent, const struct contract_header *message)
{
	const struct contract_datagram *datagram = (const void *)(message + 1);
	struct send send = { .agent = agent, .datagram = datagram, .id = ++agent->datagram_id };
	static uint8_t room[SEND_PAYLOAD_MAX + 64];

	if (datagram->length > SEND_PAYLOAD_MAX || !datagram->nexthop ||
	    datagram->nexthop >= agent->config.limits.nexthops) {
		agent->sends_dropped++;
		return;
	}
	send.udp = room;
	send.n = (uint32_t)sizeof(struct net_udp_hdr) + datagram->length +
		 (datagram->non_esp_marker ? SEND_MARKER : 0);
	send_fill_udp(&send, datagram + 1);
	if (!send_all(&send, send_mtu(agent, datagram->nexthop)))
		agent->sends_dropped++;
}
