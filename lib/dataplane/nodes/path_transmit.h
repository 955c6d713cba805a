#pragma once
/*
 * The last step: Ethernet header before the packet, and into the row of its device.
 */
#include "dataplane/nodes/path_state.h"

#include <rte_mbuf.h>

/* Where packets leave: what those in a row to one neighbour share. */
struct path_way {
	uint64_t mac; /* the neighbour's word */
	uint64_t dst; /* whole words of the header, of which the first begins two bytes before it */
	uint64_t src; /* and the type of IPv4 */
	const struct path_port *port;
	struct path_tx *tx;
	uint64_t *row; /* counters of the port */
};

static PATH_INLINE struct path_way path_way(struct path *path, uint32_t to, uint64_t mac)
{
	const struct path_port *port = &path->shared->ports[to];
	struct path_way way = { .mac = mac,
				.dst = mac << 16,
				.port = port,
				.tx = &path->tx[port->device],
				.row = path->port_rows + (uint64_t)to * CONTRACT_PORT_COLUMNS };

	memcpy(&way.src, port->mac, sizeof(port->mac));
	way.src |= (uint64_t)RTE_BE16(NET_ETHERTYPE_IP4) << 48;
	return way;
}

#define PATH_ETHER_MOST (sizeof(struct net_ether_hdr) + sizeof(struct net_vlan_hdr))

/* Tags and the rare rest. */
void path_transmit_tagged(struct path *path, const struct path_way *way, struct path_packet *p,
			  uint8_t *start, uint32_t length);
/* Too long, or no room before it. */
void path_transmit_misfit(struct path *path, const struct path_way *way, struct path_packet *p);
/* A frame that stands ready but for the tag of its port. */
void path_transmit_frame_tagged(struct path *path, const struct path_way *way,
				struct path_packet *p);

static PATH_INLINE void path_transmit_push(struct path *path, const struct path_way *way,
					   struct rte_mbuf *m)
{
	struct path_tx *tx = way->tx;
	uint32_t n = tx->n;

	if (unlikely(n == PATH_EXIT)) {
		path->drops[CONTRACT_DROP_TX_FULL]++;
		rte_pktmbuf_free(m);
		return;
	}
	way->row[CONTRACT_PORT_TX_PACKETS]++;
	way->row[CONTRACT_PORT_TX_BYTES] += m->pkt_len;
	tx->packets[n] = m;
	tx->n = n + 1;
}

/* `start` is the IP header, before which there is room. */
static PATH_INLINE void path_transmit_at(struct path *path, const struct path_way *way,
					 struct path_packet *p, uint8_t *start, uint32_t length)
{
	uint8_t *at = start - sizeof(struct net_ether_hdr);
	uint64_t src = way->src;

	if (unlikely(way->port->vlan)) {
		path_transmit_tagged(path, way, p, start, length);
		return;
	}
	if (unlikely(start[0] >= 6 << 4))
		src ^= (uint64_t)RTE_BE16(NET_ETHERTYPE_IP4 ^ NET_ETHERTYPE_IP6) << 48;
	memcpy(at - 2, &way->dst, sizeof(way->dst));
	memcpy(at + 6, &src, sizeof(src));
	path_place(p, at, length + (uint32_t)sizeof(struct net_ether_hdr));
	path_transmit_push(path, way, p->m);
}

/* A packet that no tunnel has to wrap up, to its neighbour. */
static PATH_INLINE void path_transmit_plain(struct path *path, const struct path_way *way,
					    struct path_packet *p)
{
	if (unlikely(p->length > way->port->mtu || path_head_room(p) < PATH_ETHER_MOST))
		path_transmit_misfit(path, way, p);
	else
		path_transmit_at(path, way, p, p->ip, p->length);
}
