#pragma once
/*
 * DOC: circuits
 *
 * A port with the role circuit leads to sites beside the VPN. What is routed by it, by its own BGP
 * speaker or by whatever else the administrator runs on its mirror, is preferred to the tunnels for
 * the same prefix (RIB_CIRCUIT). The speaker's routes are in a table of their own in the kernel, so
 * that those learned in tunnels stand beside them and take over in the RIB at once. A circuit whose
 * link is down has no routes, whatever the kernel still says.
 *
 * Tunnels from the private addresses of the instances leave by circuits: an instance by its own
 * circuit, when there are several, and by another one while the link of its own is down.
 */
#include "control/route/netlink.h"
#include "control/route/port.h"

#define CIRCUIT_TABLE 7800

/* Every hop leads to a circuit; those whose link is down are taken out. */
bool circuit_leads(struct port_table *ports, struct netlink_route *route);
/* No circuit has lost its link. */
bool circuit_links_up(const struct port_table *ports);
/* The circuit by which the tunnels of an instance leave, or NULL. */
const struct port *circuit_of(const struct port_table *ports, uint32_t instance);
