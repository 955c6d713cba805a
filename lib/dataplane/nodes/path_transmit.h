#pragma once
/*
 * The last step: Ethernet header before the packet, and into the row of its device.
 */
#include "dataplane/nodes/path_state.h"

/* Tags and the rare rest. */
void path_transmit_tagged(struct path *path, struct path_packet *p, uint8_t *start, uint32_t length,
			  const struct path_port *port, uint64_t mac);
/* A frame that stands ready but for the tag of its port. */
void path_transmit_frame_tagged(struct path *path, struct path_packet *p,
				const struct path_port *port);

static PATH_INLINE void path_transmit_push(struct path *path, uint32_t port, uint32_t device,
					   struct rte_mbuf *m)
{
	struct path_tx *tx = &path->tx[device];
	uint64_t *row = path->port_rows + (uint64_t)port * CONTRACT_PORT_COLUMNS;

	if (unlikely(tx->n == PATH_EXIT)) {
		path->drops[CONTRACT_DROP_TX_FULL]++;
		rte_pktmbuf_free(m);
		return;
	}
	row[CONTRACT_PORT_TX_PACKETS]++;
	row[CONTRACT_PORT_TX_BYTES] += m->pkt_len;
	tx->packets[tx->n++] = m;
}

/* `start` is the IP header, before which there is room. */
static PATH_INLINE void path_transmit_at(struct path *path, struct path_packet *p, uint8_t *start,
					 uint32_t length, uint32_t to, uint64_t mac)
{
	const struct path_port *port = &path->shared->ports[to];
	uint8_t *at = start - sizeof(struct net_ether_hdr);
	uint64_t type_be =
		start[0] >> 4 == 6 ? RTE_BE16(NET_ETHERTYPE_IP6) : RTE_BE16(NET_ETHERTYPE_IP4);
	uint64_t src;

	if (unlikely(port->vlan)) {
		path_transmit_tagged(path, p, start, length, port, mac);
		return;
	}
	/* whole words, of which the first begins two bytes before the frame */
	memcpy(&src, port->mac, sizeof(src));
	src = (src & UINT64_C(0xffffffffffff)) | type_be << 48;
	mac <<= 16;
	memcpy(at - 2, &mac, sizeof(mac));
	memcpy(at + 6, &src, sizeof(src));
	path_place(p, at, length + (uint32_t)sizeof(struct net_ether_hdr));
	path_transmit_push(path, to, port->device, p->m);
}
