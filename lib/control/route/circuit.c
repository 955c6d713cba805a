#include "control/route/circuit.h"

bool circuit_leads(struct port_table *ports, struct netlink_route *route)
{
	uint8_t alive = 0;

	for (uint8_t i = 0; i < route->hop_count; i++) {
		const struct port *port = port_by_ifindex(ports, route->hops[i].ifindex);

		if (!port || !port->wanted.circuit)
			return false;
	}
	for (uint8_t i = 0; i < route->hop_count; i++)
		if (port_by_ifindex(ports, route->hops[i].ifindex)->is.link_up)
			route->hops[alive++] = route->hops[i];
	route->hop_count = alive;
	return true;
}

bool circuit_links_up(const struct port_table *ports)
{
	for (uint32_t i = 0; i < ports->count; i++)
		if (ports->ports[i].wanted.circuit && !ports->ports[i].is.link_up)
			return false;
	return true;
}

const struct port *circuit_of(const struct port_table *ports, uint32_t instance)
{
	const struct port *own = NULL;
	const struct port *up = NULL;
	uint32_t count = 0;
	uint32_t seen = 0;

	for (uint32_t i = 0; i < ports->count; i++)
		count += ports->ports[i].wanted.circuit;
	for (uint32_t i = 0; i < ports->count; i++) {
		const struct port *port = &ports->ports[i];

		if (!port->wanted.circuit)
			continue;
		if (seen++ == instance % count)
			own = port;
		if (port->is.link_up && !up)
			up = port;
	}
	return own && !own->is.link_up && up ? up : own;
}
