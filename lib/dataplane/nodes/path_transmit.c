#include "dataplane/nodes/path_transmit.h"

#include "dataplane/nodes/path_fragment.h"

void path_transmit_tagged(struct path *path, const struct path_way *way, struct path_packet *p,
			  uint8_t *start, uint32_t length)
{
	const struct path_port *port = way->port;
	const struct path_device *device = &path->shared->devices[port->device];
	uint16_t type_be =
		start[0] >> 4 == 6 ? RTE_BE16(NET_ETHERTYPE_IP6) : RTE_BE16(NET_ETHERTYPE_IP4);
	uint32_t header = (uint32_t)(sizeof(struct net_ether_hdr) +
				     (device->tx_vlan ? 0 : sizeof(struct net_vlan_hdr)));
	uint8_t *at = start - header;

	memcpy(at, &way->mac, 6);
	memcpy(at + 6, port->mac, 6);
	if (device->tx_vlan) {
		p->m->ol_flags |= RTE_MBUF_F_TX_VLAN;
		p->m->vlan_tci = port->vlan;
	} else {
		uint16_t words[2] = { RTE_BE16(NET_ETHERTYPE_VLAN), rte_cpu_to_be_16(port->vlan) };

		memcpy(at + 12, words, sizeof(words));
	}
	memcpy(start - 2, &type_be, sizeof(type_be));
	path_place(p, at, length + header);
	path_transmit_push(path, way, p->m);
}

void path_transmit_frame_tagged(struct path *path, const struct path_way *way,
				struct path_packet *p)
{
	const struct path_port *port = way->port;
	const struct path_device *device = &path->shared->devices[port->device];
	uint16_t words[2] = { RTE_BE16(NET_ETHERTYPE_VLAN), rte_cpu_to_be_16(port->vlan) };
	uint8_t *was = rte_pktmbuf_mtod(p->m, uint8_t *);
	uint8_t *now = was;

	if (device->tx_vlan) {
		p->m->ol_flags |= RTE_MBUF_F_TX_VLAN;
		p->m->vlan_tci = port->vlan;
	} else {
		now = (uint8_t *)rte_pktmbuf_prepend(p->m, sizeof(words));
		if (!now) {
			path_drop(path, p, CONTRACT_DROP_NO_BUFFER);
			return;
		}
		memmove(now, was, 12);
		memcpy(now + 12, words, sizeof(words));
	}
	path_transmit_push(path, way, p->m);
}

void path_transmit_misfit(struct path *path, const struct path_way *way, struct path_packet *p)
{
	enum contract_drop why = CONTRACT_DROP_NO_BUFFER;

	if (p->length > way->port->mtu)
		why = path_too_big(path, p, way->port->mtu, 0);
	if (why != CONTRACT_DROP_NONE)
		path_drop(path, p, why);
}
