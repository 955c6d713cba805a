#include "control/config/check.h"

#include "base/when.h"

#include <stdio.h>
#include <string.h>

static void check_port_pair(struct check *check, const struct config_appliance *appliance,
			    uint32_t i, uint32_t k)
{
	const struct config_port *a = &appliance->ports.items[k], *b = &appliance->ports.items[i];
	const struct config_resource *resource = &appliance->resource;

	if (!strcmp(a->name, b->name))
		check_fail(check, AT(resource, "/ports/#/name", i), CODE_NAME_TAKEN,
			   "There is already a port %s.", b->name);
	if (!strcmp(a->device, b->device) && a->vlan == b->vlan)
		check_fail(check, AT(resource, "/ports/#/device", i), CODE_PARAMETER,
			   "Is the device of port %s already; two ports of one device need "
			   "different VLANs.",
			   a->name);
	for (uint32_t m = 0; m < b->addresses.count; m++)
		for (uint32_t n = 0; n < a->addresses.count; n++)
			if (net_addr_equal(&a->addresses.items[n].addr,
					   &b->addresses.items[m].addr))
				check_fail(check, AT(resource, "/ports/#/addresses/#", i, m),
					   CODE_PARAMETER, "Is an address of port %s already.",
					   a->name);
}

/* The session of a circuit (bgp/circuit.h). */
static void check_circuit(struct check *check, const struct config_appliance *appliance, uint32_t i)
{
	const struct config_port *port = &appliance->ports.items[i];
	const struct config_resource *resource = &appliance->resource;
	const struct config_bgp *bgp = port->bgp;

	if (!bgp)
		return;
	if (!(port->role & CONFIG_ROLE_CIRCUIT))
		check_fail(check, AT(resource, "/ports/#/bgpSettings", i), CODE_PARAMETER,
			   "Belongs to a port with the role circuit.");
	if (bgp->peering_address.family != NET_IP4 ||
	    !config_port_address_to(port, &bgp->peering_address))
		check_fail(
			check, AT(resource, "/ports/#/bgpSettings/bgpPeeringAddress", i),
			CODE_PARAMETER,
			"Must be an IPv4 address in one of the networks of this port's addresses.");
	check_bgp_timers(check, AT(resource, "/ports/#/bgpSettings", i), bgp);
	if (check_asn_reserved(bgp->asn, false))
		check_fail(check, AT(resource, "/ports/#/bgpSettings/asn", i), CODE_PARAMETER,
			   "AS %lld is reserved.", (long long)bgp->asn);
}

/* What is sent and from where: upstream.h. */
static void check_probe(struct check *check, const struct config_appliance *appliance, uint32_t i)
{
	const struct config_port *port = &appliance->ports.items[i];
	const struct check_place *place = AT(&appliance->resource, "/ports/#/probe", i);
	bool has4 = false;

	if (port->probe.family == NET_NONE)
		return;
	for (uint32_t a = 0; a < port->addresses.count; a++)
		has4 |= port->addresses.items[a].addr.family == NET_IP4;
	if (port->probe.family != NET_IP4)
		check_fail(check, place, CODE_PARAMETER, "Must be an IPv4 address.");
	else if (!has4)
		check_fail(check, place, CODE_PARAMETER,
			   "Needs an IPv4 address of the port to be sent from.");
	else if (!config_port_address_to(port, &port->probe) && port->gateway.family == NET_NONE)
		check_fail(check, place, CODE_PARAMETER,
			   "Is in none of the port's networks, and the port has no gateway.");
}

static void check_port(struct check *check, const struct config_appliance *appliance, uint32_t i)
{
	const struct config_port *port = &appliance->ports.items[i];
	const struct {
		const struct net_addr *addr;
		enum net_family family;
		const char *path;
	} gateways[] = { { &port->gateway, NET_IP4, "/ports/#/gateway" },
			 { &port->gateway6, NET_IP6, "/ports/#/gateway6" } };

	for (int g = 0; g < 2; g++) {
		const struct net_addr *addr = gateways[g].addr;
		const struct check_place *place = AT(&appliance->resource, gateways[g].path, i);

		if (addr->family == NET_NONE)
			continue;
		if (addr->family != gateways[g].family)
			check_fail(check, place, CODE_PARAMETER, "Must be an IPv%d address.",
				   gateways[g].family);
		else if (!config_port_address_to(port, addr) && !net_addr_is_link_local(addr))
			check_fail(check, place, CODE_PARAMETER,
				   "Is in none of the networks of this port's addresses.");
	}
	check_probe(check, appliance, i);
	check_circuit(check, appliance, i);
	for (uint32_t k = 0; k < i; k++)
		check_port_pair(check, appliance, i, k);
	for (uint32_t a = 0; a < port->addresses.count; a++)
		if (net_addr_is_multicast(&port->addresses.items[a].addr) ||
		    net_addr_is_any(&port->addresses.items[a].addr))
			check_fail(check, AT(&appliance->resource, "/ports/#/addresses/#", i, a),
				   CODE_PARAMETER, "Is not an address that a port can have.");
}

static void check_api(struct check *check, const struct config_appliance *appliance)
{
	const struct config_api *api = &appliance->api;
	const struct config_resource *resource = &appliance->resource;

	for (uint32_t i = 0; i < api->listeners.count; i++)
		if (!api->listeners.items[i].tls &&
		    !net_addr_is_loopback(&api->listeners.items[i].addr))
			check_fail(check, AT(resource, "/api/listeners/#/tls", i), CODE_PARAMETER,
				   "Can be false on a loopback address only: tokens would cross "
				   "the network in clear.");
	for (uint32_t i = 0; i < api->tokens.count; i++) {
		const struct config_token *token = &api->tokens.items[i];
		const struct config_token *others = api->tokens.items;
		const char *name = token->name;
		uint64_t expires_ms;

		if (token->expires && when_parse(token->expires, &expires_ms) < 0)
			check_fail(check, AT(resource, "/api/tokens/#/expires", i), CODE_PARAMETER,
				   "Must be a time like 2027-01-31T00:00:00Z.");
		for (uint32_t k = 0; k < i; k++)
			if (!strcmp(others[k].name, name))
				check_fail(check, AT(resource, "/api/tokens/#/name", i),
					   CODE_NAME_TAKEN, "There is already a token %s.", name);
	}
	if (!api->certificate_file != !api->private_key_file)
		check_fail(check, AT(resource, "/api/certificateFile"), CODE_PARAMETER,
			   "certificateFile and privateKeyFile come together.");
}

void check_appliance(struct check *check)
{
	const struct config_appliance *appliance = config_appliance(check->config);
	uint32_t connections = config_count(check->config, CONFIG_CONNECTION);

	for (uint32_t i = 0; i < appliance->ports.count; i++)
		check_port(check, appliance, i);
	for (uint32_t i = 0; i < appliance->cores.workers.count; i++)
		for (uint32_t k = 0; k < i; k++)
			if (appliance->cores.workers.items[i] == appliance->cores.workers.items[k])
				check_fail(check, AT(&appliance->resource, "/cores/workers/#", i),
					   CODE_PARAMETER, "Is there twice.");
	if (appliance->state_directory[0] != '/')
		check_fail(check, AT(&appliance->resource, "/stateDirectory"), CODE_PARAMETER,
			   "Must be an absolute path.");
	check_api(check, appliance);
	if (connections > appliance->maxima.connections)
		check_fail(check, AT(&appliance->resource, "/maxima/connections"), CODE_QUOTA,
			   "Is less than the %u connections that are configured.", connections);
}
