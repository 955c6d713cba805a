/*
 * First step: frame and IP header, and whether the packet is for us. Leaves ESP in path->esp and
 * what goes on in path->forward.
 */
#include "dataplane/nodes/path_fragment.h"
#include "dataplane/nodes/path_parse.h"

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#define AHEAD 4

/* What holds for all frames of a port, read once a vector. */
struct arrival {
	uint64_t mac;
	uint32_t port;
	uint32_t domain;
	uint8_t from;
	bool outside; /* ESP and IKE come here */
	bool circuit;
	bool rx_checksum;
	bool rx_vlan;
};

static PATH_INLINE uint64_t mac_of(const uint8_t *at)
{
	uint64_t mac;

	memcpy(&mac, at, sizeof(mac)); /* two bytes of what follows are there in any frame */
	return mac & UINT64_C(0xffffffffffff);
}

static PATH_INLINE struct arrival arrival_of(const struct path *path, uint32_t id)
{
	const struct path_device *device = &path->shared->devices[path->device];
	const struct path_port *port = &path->shared->ports[id];

	return (struct arrival){
		.mac = mac_of(port->mac),
		.port = id,
		.domain = port->domain,
		.from = port->role & CONTRACT_PUBLIC ? PATH_FROM_PUBLIC : PATH_FROM_PRIVATE,
		.outside = port->role & (CONTRACT_PUBLIC | CONTRACT_CIRCUIT),
		.circuit = port->role & CONTRACT_CIRCUIT,
		.rx_checksum = device->rx_checksum,
		.rx_vlan = device->rx_vlan,
	};
}

static PATH_INLINE uint16_t type_of(const uint8_t *frame)
{
	return ((const struct net_ether_hdr *)frame)->type_be;
}

static bool tag_is_stripped(const struct rte_mbuf *m, const struct arrival *a)
{
	return a->rx_vlan && (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED);
}

/*
 * A frame with a tag: the port of its tag, and where its L3 header is. What is behind a tag is no
 * tag: a station of one sub-port could name another there.
 */
static enum contract_drop frame_tagged(struct path *path, struct path_packet *p, uint16_t *type_be,
				       struct arrival *a)
{
	const struct path_device *device = &path->shared->devices[path->device];
	const struct net_vlan_hdr *vlan = (const void *)p->ip;
	uint32_t tag = p->m->vlan_tci & 0xfff;

	if (!tag_is_stripped(p->m, a)) {
		if (p->m->data_len < sizeof(struct net_ether_hdr) + sizeof(*vlan))
			return CONTRACT_DROP_ETHER_SHORT;
		tag = rte_be_to_cpu_16(vlan->tci_be) & 0xfff;
		*type_be = vlan->type_be;
		p->ip += sizeof(*vlan);
	}
	if (tag != 0) /* else priority only: of the untagged port (802.1Q section 6.9) */
		*a = arrival_of(path, device->by_tag ? device->by_tag[tag] : 0);
	return a->port ? CONTRACT_DROP_NONE : CONTRACT_DROP_ETHER_VLAN;
}

static enum contract_drop frame_open(struct path *path, struct path_packet *p, uint16_t *type_be,
				     struct arrival *a)
{
	if (p->m->data_len < sizeof(struct net_ether_hdr))
		return CONTRACT_DROP_ETHER_SHORT;
	*type_be = type_of(p->ip - sizeof(struct net_ether_hdr));
	if (*type_be == RTE_BE16(NET_ETHERTYPE_VLAN) || tag_is_stripped(p->m, a))
		return frame_tagged(path, p, type_be, a);
	return a->port ? CONTRACT_DROP_NONE : CONTRACT_DROP_ETHER_VLAN;
}

/* To Linux without its tag, as the TAP of the port has none. */
static void frame_to_mirror(struct path *path, struct path_packet *p)
{
	uint8_t *data = rte_pktmbuf_mtod(p->m, uint8_t *);
	uint32_t extra = (uint32_t)(p->ip - data) - (uint32_t)sizeof(struct net_ether_hdr);

	if (extra) {
		memmove(data + extra, data, 12);
		p->m->data_off += extra;
		p->m->data_len -= extra;
		p->m->pkt_len -= extra;
	}
	path_to_mirror(path, p, path->shared->ports[p->port].mirror, true);
}

/* ESP whose header is there. */
static PATH_INLINE void to_esp(struct path *path, struct path_packet *p)
{
	uint32_t spi;

	memcpy(&spi, p->ip + p->l4, sizeof(spi));
	p->spi = rte_be_to_cpu_32(spi);
	__builtin_prefetch(sa_slot(path->sas, p->spi & CONTRACT_SPI_ID_MASK));
	path_add(&path->esp, p);
}

static enum contract_punt_class udp_class(const struct path_packet *p, uint16_t port)
{
	return port == NET_PORT_IKE || port == NET_PORT_NATT ? CONTRACT_CLASS_IKE : 0;
}

/* UDP to us: RFC 3948 sections 2.1 to 2.3. True when the packet was taken. */
static bool udp_to_us(struct path *path, struct path_packet *p)
{
	const struct net_udp_hdr *udp = (const struct net_udp_hdr *)(p->ip + p->l4);
	const uint8_t *payload = (const uint8_t *)(udp + 1);
	uint32_t n = p->length - p->l4;
	uint16_t port;

	if (n < sizeof(*udp) || rte_be_to_cpu_16(udp->length_be) < sizeof(*udp) ||
	    rte_be_to_cpu_16(udp->length_be) > n) {
		path_drop(path, p, CONTRACT_DROP_UDP_SHORT);
		return true;
	}
	n = rte_be_to_cpu_16(udp->length_be) - (uint32_t)sizeof(*udp);
	port = rte_be_to_cpu_16(udp->dst_be);
	if (!udp_class(p, port))
		return false;
	if (port == NET_PORT_NATT) {
		if (n == 1 && payload[0] == 0xff) {
			path_drop(path, p, CONTRACT_DROP_KEEPALIVE);
			return true;
		}
		if (n < 4) {
			path_drop(path, p, CONTRACT_DROP_ESP_SHORT);
			return true;
		}
		p->marker =
			payload[0] == 0 && payload[1] == 0 && payload[2] == 0 && payload[3] == 0;
		if (!p->marker) {
			p->remote_port_be = udp->src_be;
			p->l4 += (uint16_t)sizeof(*udp);
			p->length = p->l4 + n;
			to_esp(path, p);
			return true;
		}
	}
	path_punt(path, p, CONTRACT_CLASS_IKE);
	return true;
}

static bool is_icmp(const struct path_packet *p)
{
	return p->protocol == (p->ip6 ? NET_PROTO_ICMP6 : NET_PROTO_ICMP);
}

/* The whole packet, when this was the last piece, goes where it had gone in one. */
static PATH_COLD void fragment_to_us(struct path *path, struct path_packet *p)
{
	if (!path_reassemble(path, p))
		return;
	if (p->protocol == NET_PROTO_UDP && udp_to_us(path, p))
		return;
	if (p->protocol != NET_PROTO_ESP)
		frame_to_mirror(path, p);
	else if (p->length - p->l4 < ESP_HDR)
		path_drop(path, p, CONTRACT_DROP_ESP_SHORT);
	else
		to_esp(path, p);
}

/* What is for us from outside and of interest to the data plane; false: it is Linux's. */
static PATH_INLINE bool to_us(struct path *path, struct path_packet *p, bool outside)
{
	if (!outside)
		return false;
	if (p->protocol != NET_PROTO_ESP && p->protocol != NET_PROTO_UDP)
		return unlikely(is_icmp(p)) && path_icmp_report(path, p);
	if (unlikely(p->fragment)) {
		fragment_to_us(path, p);
		return true;
	}
	if (p->protocol == NET_PROTO_UDP)
		return udp_to_us(path, p);
	if (unlikely(p->length - p->l4 < ESP_HDR)) {
		path_drop(path, p, CONTRACT_DROP_ESP_SHORT);
		return true;
	}
	to_esp(path, p);
	return true;
}

/* A header that does not hold. DAD probes come from the unspecified address (RFC 4862 section
 * 5.4.2) and are for Linux. */
static void refuse(struct path *path, struct path_packet *p, enum contract_drop why)
{
	const struct net_ip6_hdr *ip = (const struct net_ip6_hdr *)p->ip;

	if (why == CONTRACT_DROP_IP_SOURCE && p->ip[0] >> 4 == 6 && ip->dst[0] == 0xff)
		frame_to_mirror(path, p);
	else
		path_drop(path, p, why);
}

/* An address of the tunnel side, asked for in clear: tunnels over a circuit end there. */
static PATH_COLD void to_tunnel_side(struct path *path, struct path_packet *p, bool circuit)
{
	if (!to_us(path, p, circuit))
		path_drop(path, p, CONTRACT_DROP_CLEAR_SPOOF);
}

static PATH_INLINE void classify_ip(struct path *path, struct path_packet *p,
				    const struct arrival *a, bool ip4)
{
	bool known = a->rx_checksum &&
		     (p->m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	uint32_t room =
		p->m->data_len - (uint32_t)(p->ip - rte_pktmbuf_mtod(p->m, const uint8_t *));
	struct address_found found;
	enum contract_drop why;

	why = likely(ip4) ? path_parse_ip4(p, room, known) : path_parse_ip6(p, room);
	if (unlikely(why != CONTRACT_DROP_NONE)) {
		refuse(path, p, why);
		return;
	}
	if (path_is_ours(path, p, &found)) {
		if (unlikely(found.port == 0))
			to_tunnel_side(path, p, a->circuit);
		else if (!to_us(path, p, a->outside))
			frame_to_mirror(path, p);
		return;
	}
	if (unlikely(path_stays_here(p))) {
		frame_to_mirror(path, p);
		return;
	}
	path_add(&path->forward, p);
}

/* Neither for this port's MAC nor IP. */
static void classify_rest(struct path *path, struct path_packet *p, uint16_t type_be)
{
	if (*rte_pktmbuf_mtod(p->m, uint8_t *) & 1 || type_be == RTE_BE16(NET_ETHERTYPE_ARP))
		frame_to_mirror(path, p);
	else
		path_drop(path, p, CONTRACT_DROP_ETHER_TYPE);
}

/* In pieces, tagged, not for our MAC, not IP. */
static __attribute__((noinline)) void classify_odd(struct path *path, struct path_packet *p,
						   struct arrival a)
{
	enum contract_drop why = CONTRACT_DROP_NO_BUFFER;
	const uint8_t *data;
	uint16_t type_be;

	if (p->m->nb_segs == 1 || rte_pktmbuf_linearize(p->m) == 0) {
		p->ip = rte_pktmbuf_mtod_offset(p->m, uint8_t *, sizeof(struct net_ether_hdr));
		why = frame_open(path, p, &type_be, &a);
		p->port = a.port;
		p->domain = a.domain;
		p->from = a.from;
	}
	if (why != CONTRACT_DROP_NONE) {
		path_drop(path, p, why);
		return;
	}
	data = rte_pktmbuf_mtod(p->m, const uint8_t *);
	if (mac_of(data) == a.mac &&
	    (type_be == RTE_BE16(NET_ETHERTYPE_IP4) || type_be == RTE_BE16(NET_ETHERTYPE_IP6)))
		classify_ip(path, p, &a, type_be == RTE_BE16(NET_ETHERTYPE_IP4));
	else if (mac_of(data) != a.mac && !(data[0] & 1))
		path_drop(path, p, CONTRACT_DROP_ETHER_NOT_US);
	else
		classify_rest(path, p, type_be);
}

bool path_frame(struct path *path, uint32_t device, struct path_packet *p, uint16_t *type_be)
{
	enum contract_drop why;
	struct arrival a;

	path->device = device;
	a = arrival_of(path, path->shared->devices[device].untagged);
	p->ip = rte_pktmbuf_mtod_offset(p->m, uint8_t *, sizeof(struct net_ether_hdr));
	why = frame_open(path, p, type_be, &a);
	p->port = a.port;
	p->domain = a.domain;
	return why == CONTRACT_DROP_NONE;
}

struct received {
	uint32_t port;
	uint32_t packets;
	uint64_t bytes;
};

static void count_received(struct path *path, const struct received *r)
{
	uint64_t *row = path->port_rows + (uint64_t)r->port * CONTRACT_PORT_COLUMNS;

	row[CONTRACT_PORT_RX_PACKETS] += r->packets;
	row[CONTRACT_PORT_RX_BYTES] += r->bytes;
}

/* IP for the MAC of the device's untagged port, in one piece: most are. */
static PATH_INLINE bool ordinary(const struct rte_mbuf *m, const uint8_t *frame,
				 const struct arrival *a)
{
	return m->data_len == m->pkt_len &&
	       m->data_len >= sizeof(struct net_ether_hdr) + sizeof(struct net_ip4_hdr) &&
	       mac_of(frame) == a->mac &&
	       (type_of(frame) == RTE_BE16(NET_ETHERTYPE_IP4) ||
		type_of(frame) == RTE_BE16(NET_ETHERTYPE_IP6)) &&
	       likely(a->port) && !(a->rx_vlan && (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED));
}

static PATH_INLINE void classify_one(struct path *path, struct path_packet *p, struct rte_mbuf *m,
				     const struct arrival *a, struct received *r)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	uint32_t bytes = m->pkt_len;

	p->m = m;
	p->ip = frame + sizeof(struct net_ether_hdr);
	p->port = a->port;
	p->domain = a->domain;
	p->from = a->from;
	p->tunnel = 0;
	p->remote_port_be = 0;
	p->marker = 0;
	p->given = 0;
	p->held_until = 0;
	if (likely(ordinary(m, frame, a))) {
		r->packets++;
		r->bytes += bytes;
		classify_ip(path, p, a, type_of(frame) == RTE_BE16(NET_ETHERTYPE_IP4));
		return;
	}
	classify_odd(path, p, *a);
	count_received(path, &(struct received){ p->port, 1, bytes });
}

void path_classify(struct path *path, struct rte_mbuf **mbufs, uint32_t n)
{
	struct received r = { .port = path->shared->devices[path->device].untagged };
	struct arrival a = arrival_of(path, r.port);

	for (uint32_t i = 0; i < AHEAD && i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], uint8_t *));
	for (uint32_t i = 0; i < n; i++) {
		if (i + 2 * AHEAD < n)
			rte_prefetch0(mbufs[i + 2 * AHEAD]);
		if (i + AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + AHEAD], uint8_t *));
		classify_one(path, &path->packets[i], mbufs[i], &a, &r);
	}
	count_received(path, &r);
}
