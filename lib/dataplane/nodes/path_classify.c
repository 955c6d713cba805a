/*
 * First step: frame and IP header, and whether the packet is for us. Leaves ESP in path->esp and
 * what goes on in path->forward.
 */
#include "dataplane/nodes/address_table.h"
#include "dataplane/nodes/path_parse.h"

#define AHEAD 4

struct frame {
	uint8_t *data;
	uint32_t length;
	uint16_t type_be;
	uint32_t l3;
};

/* The port of a frame and where its L3 header is. */
static PATH_INLINE enum contract_drop frame_open(struct path *path, struct path_packet *p,
						 struct frame *frame)
{
	const struct path_device *device = &path->shared->devices[path->device];
	const struct net_ether_hdr *ether = (const struct net_ether_hdr *)frame->data;
	uint32_t tag = 0;

	if (unlikely(frame->length < sizeof(*ether)))
		return CONTRACT_DROP_ETHER_SHORT;
	frame->type_be = ether->type_be;
	frame->l3 = sizeof(*ether);
	if (unlikely(frame->type_be == RTE_BE16(NET_ETHERTYPE_VLAN))) {
		const struct net_vlan_hdr *vlan = (const void *)(ether + 1);

		if (frame->length < sizeof(*ether) + sizeof(*vlan))
			return CONTRACT_DROP_ETHER_SHORT;
		tag = rte_be_to_cpu_16(vlan->tci_be) & 0xfff;
		frame->type_be = vlan->type_be;
		frame->l3 += sizeof(*vlan);
	} else if (unlikely(device->rx_vlan && (p->m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED))) {
		tag = p->m->vlan_tci & 0xfff;
	}
	p->port = device->untagged;
	if (unlikely(tag))
		p->port = device->by_tag ? device->by_tag[tag] : 0;
	if (unlikely(p->port == 0))
		return CONTRACT_DROP_ETHER_VLAN;
	return CONTRACT_DROP_NONE;
}

static PATH_INLINE uint64_t mac_of(const uint8_t *at)
{
	uint64_t mac;

	memcpy(&mac, at, sizeof(mac)); /* two bytes of what follows are there in any frame */
	return mac & UINT64_C(0xffffffffffff);
}

static PATH_INLINE uint64_t mac_of_port(const struct path_port *port)
{
	uint64_t mac;

	memcpy(&mac, port->mac, sizeof(mac));
	return mac & UINT64_C(0xffffffffffff);
}

/* To Linux without its tag, as the TAP of the port has none. */
static void frame_to_mirror(struct path *path, struct path_packet *p, struct frame *frame)
{
	uint32_t extra = frame->l3 - (uint32_t)sizeof(struct net_ether_hdr);

	if (extra) {
		memmove(frame->data + extra, frame->data, 12);
		p->m->data_off += extra;
		p->m->data_len -= extra;
		p->m->pkt_len -= extra;
	}
	path_to_mirror(path, p, path->shared->ports[p->port].mirror, true);
}

static enum contract_punt_class udp_class(const struct path_packet *p, uint16_t port)
{
	return port == NET_PORT_IKE || port == NET_PORT_NATT ? CONTRACT_CLASS_IKE : 0;
}

/* UDP to us: RFC 3948 sections 2.1 to 2.3. True when the packet was taken. */
static bool udp_to_us(struct path *path, struct path_packet *p, uint32_t place)
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
			path_add(&path->esp, place);
			return true;
		}
	}
	path_punt(path, p, CONTRACT_CLASS_IKE);
	return true;
}

static PATH_INLINE void esp_spi(struct path *path, struct path_packet *p)
{
	uint32_t spi;

	memcpy(&spi, p->ip + p->l4, sizeof(spi));
	p->spi = rte_be_to_cpu_32(spi);
	__builtin_prefetch(sa_slot(path->sas, p->spi & CONTRACT_SPI_ID_MASK));
}

/* What is for us on a public port and of interest to the data plane; false: it is Linux's. */
static PATH_INLINE bool to_us(struct path *path, struct path_packet *p, uint32_t place)
{
	if (!(path->shared->ports[p->port].role & CONTRACT_PUBLIC))
		return false;
	if (p->protocol != NET_PROTO_ESP && p->protocol != NET_PROTO_UDP)
		return false;
	if (unlikely(p->fragment)) {
		path_drop(path, p, CONTRACT_DROP_IP_FRAGMENT);
		return true;
	}
	if (p->protocol == NET_PROTO_UDP)
		return udp_to_us(path, p, place);
	if (unlikely(p->length - p->l4 < ESP_HDR)) {
		path_drop(path, p, CONTRACT_DROP_ESP_SHORT);
		return true;
	}
	path_add(&path->esp, place);
	return true;
}

static PATH_INLINE bool is_ours(struct path *path, const struct path_packet *p,
				struct address_found *found)
{
	uint32_t dst;

	if (p->ip6)
		return address_find6(path->addresses, p->domain,
				     ((const struct net_ip6_hdr *)p->ip)->dst, found);
	memcpy(&dst, ((const struct net_ip4_hdr *)p->ip)->dst, sizeof(dst));
	return address_find4(path->addresses, p->domain, dst, found);
}

static PATH_INLINE bool is_multicast(const struct path_packet *p)
{
	uint8_t first = p->ip6 ? ((const struct net_ip6_hdr *)p->ip)->dst[0]
			       : ((const struct net_ip4_hdr *)p->ip)->dst[0];

	/* IPv4 limited broadcast and class E go to Linux too: they are never forwarded */
	return p->ip6 ? first == 0xff || first == 0xfe : first >= 224;
}

static PATH_INLINE void classify_ip(struct path *path, struct path_packet *p, struct frame *frame,
				    uint32_t place)
{
	uint64_t flags = p->m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
	bool known = path->shared->devices[path->device].rx_checksum &&
		     flags == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	uint32_t room = frame->length - frame->l3;
	struct address_found found;
	enum contract_drop why;

	p->ip = frame->data + frame->l3;
	if (likely(frame->type_be == RTE_BE16(NET_ETHERTYPE_IP4)))
		why = path_parse_ip4(p, room, known);
	else
		why = path_parse_ip6(p, room);
	if (unlikely(why != CONTRACT_DROP_NONE &&
		     !(why == CONTRACT_DROP_IP_SOURCE && p->ip[0] >> 4 == 6))) {
		path_drop(path, p, why);
		return;
	}
	/* DAD probes come from the unspecified address (RFC 4862 section 5.4.2): Linux sees them */
	if (unlikely(why != CONTRACT_DROP_NONE)) {
		if (((const struct net_ip6_hdr *)p->ip)->dst[0] == 0xff)
			frame_to_mirror(path, p, frame);
		else
			path_drop(path, p, why);
		return;
	}
	if (is_ours(path, p, &found)) {
		if (unlikely(found.port ==
			     0)) /* an address of the tunnel side, asked for in clear */
			path_drop(path, p, CONTRACT_DROP_CLEAR_SPOOF);
		else if (!to_us(path, p, place))
			frame_to_mirror(path, p, frame);
		return;
	}
	if (unlikely(is_multicast(p))) {
		frame_to_mirror(path, p, frame);
		return;
	}
	path_add(&path->forward, place);
}

static PATH_INLINE void classify_one(struct path *path, struct rte_mbuf *m, uint32_t place)
{
	struct path_packet *p = &path->packets[place];
	const struct path_port *port;
	struct frame frame;
	enum contract_drop why;

	p->m = m;
	p->marker = 0;
	p->remote_port_be = 0;
	p->tunnel = 0;
	p->held_until = 0;
	if (unlikely(m->nb_segs > 1) && rte_pktmbuf_linearize(m)) {
		p->port = path->shared->devices[path->device].untagged;
		path_drop(path, p, CONTRACT_DROP_NO_BUFFER);
		return;
	}
	frame.data = rte_pktmbuf_mtod(m, uint8_t *);
	frame.length = m->data_len;
	why = frame_open(path, p, &frame);
	if (unlikely(why != CONTRACT_DROP_NONE)) {
		path_drop(path, p, why);
		return;
	}
	port = &path->shared->ports[p->port];
	p->domain = port->domain;
	p->from = port->role & CONTRACT_PUBLIC ? PATH_FROM_PUBLIC : PATH_FROM_PRIVATE;
	if (unlikely(mac_of(frame.data) != mac_of_port(port))) {
		if (frame.data[0] & 1)
			frame_to_mirror(path, p, &frame);
		else
			path_drop(path, p, CONTRACT_DROP_ETHER_NOT_US);
		return;
	}
	if (likely(frame.type_be == RTE_BE16(NET_ETHERTYPE_IP4) ||
		   frame.type_be == RTE_BE16(NET_ETHERTYPE_IP6)))
		classify_ip(path, p, &frame, place);
	else if (frame.type_be == RTE_BE16(NET_ETHERTYPE_ARP))
		frame_to_mirror(path, p, &frame);
	else
		path_drop(path, p, CONTRACT_DROP_ETHER_TYPE);
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

void path_classify(struct path *path, struct rte_mbuf **mbufs, uint32_t n)
{
	struct received r = { .port = path->shared->devices[path->device].untagged };

	for (uint32_t i = 0; i < AHEAD && i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], uint8_t *));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t bytes;

		if (i + 2 * AHEAD < n)
			rte_prefetch0(mbufs[i + 2 * AHEAD]);
		if (i + AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + AHEAD], uint8_t *));
		path->packets[i].port = 0;
		bytes = mbufs[i]->pkt_len;
		classify_one(path, mbufs[i], i);
		if (unlikely(path->packets[i].port != r.port)) {
			count_received(path, &r);
			r = (struct received){ .port = path->packets[i].port };
		}
		r.packets++;
		r.bytes += bytes;
	}
	count_received(path, &r);
	for (uint32_t i = 0; i < path->esp.n; i++)
		esp_spi(path, &path->packets[path->esp.at[i]]);
}
