#include "control/config/check.h"

#include "control/config/schema.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool in_space(const struct config_virtual_network *network, const struct net_prefix *prefix)
{
	for (uint32_t i = 0; i < network->prefixes.count; i++)
		if (net_prefix_covers(&network->prefixes.items[i], prefix))
			return true;
	return false;
}

static bool overlaps_space(const struct config_virtual_network *network,
			   const struct net_prefix *prefix)
{
	for (uint32_t i = 0; i < network->prefixes.count; i++)
		if (net_prefix_overlaps(&network->prefixes.items[i], prefix))
			return true;
	return false;
}

static void check_subnet(struct check *check, const struct config_virtual_network *network,
			 uint32_t i)
{
	const struct config_subnet *subnet = &network->subnets.items[i];
	const struct config_resource *resource = &network->resource;
	static const char path[] = "/properties/subnets/#/properties/addressPrefix";
	char text[NET_PREFIX_TEXT];

	if (!in_space(network, &subnet->prefix))
		check_fail(check, AT(resource, path, i), "NetcfgInvalidSubnet",
			   "%s is not inside the address space of %s.",
			   net_prefix_text(text, &subnet->prefix), resource->name);
	if (!strcmp(subnet->name, CONFIG_GATEWAY_SUBNET) && subnet->prefix.addr.family == NET_IP4 &&
	    subnet->prefix.length > 29)
		check_fail(check, AT(resource, path, i), "GatewaySubnetTooSmall",
			   "GatewaySubnet must be a /29 or larger.");
	for (uint32_t k = 0; k < i; k++) {
		const struct config_subnet *other = &network->subnets.items[k];

		if (!strcasecmp(other->name, subnet->name))
			check_fail(check, AT(resource, "/properties/subnets/#/name", i),
				   CODE_NAME_TAKEN, "There is already a subnet %s.", subnet->name);
		if (net_prefix_overlaps(&other->prefix, &subnet->prefix))
			check_fail(check, AT(resource, path, i), "NetcfgSubnetRangesOverlap",
				   "Overlaps subnet %s.", other->name);
	}
}

static const struct config_peering *peering_back(const struct config_virtual_network *remote,
						 const struct config_virtual_network *network)
{
	for (uint32_t i = 0; i < remote->peerings.count; i++)
		if (!strcmp(remote->peerings.items[i].remote.key, network->resource.key))
			return &remote->peerings.items[i];
	return NULL;
}

static void check_peering(struct check *check, const struct config_virtual_network *network,
			  uint32_t i)
{
	const struct config_peering *peering = &network->peerings.items[i];
	const struct config_virtual_network *remote =
		config_virtual_network_find(check->config, &peering->remote);
	const struct config_peering *back = remote ? peering_back(remote, network) : NULL;
	const struct config_resource *resource = &network->resource;
	char text[NET_PREFIX_TEXT];

	for (uint32_t k = 0; k < i; k++)
		if (!strcasecmp(network->peerings.items[k].name, peering->name))
			check_fail(
				check, AT(resource, "/properties/virtualNetworkPeerings/#/name", i),
				CODE_NAME_TAKEN, "There is already a peering %s.", peering->name);
	if (remote == network)
		check_fail(check, AT(resource, "/properties/virtualNetworkPeerings/#", i),
			   CODE_PARAMETER, "A network cannot be peered with itself.");
	for (uint32_t k = 0; remote && remote != network && k < remote->prefixes.count; k++)
		if (overlaps_space(network, &remote->prefixes.items[k]))
			check_fail(check, AT(resource, "/properties/virtualNetworkPeerings/#", i),
				   "VnetAddressSpacesOverlap",
				   "The networks overlap: %s of %s is in both.",
				   net_prefix_text(text, &remote->prefixes.items[k]),
				   remote->resource.name);
	if (peering->use_remote_gateways && remote && !(back && back->allow_gateway_transit))
		check_fail(check,
			   AT(resource,
			      "/properties/virtualNetworkPeerings/#/properties/useRemoteGateways",
			      i),
			   "RemotePeeringDoesNotAllowGatewayTransit",
			   "Needs a peering in %s back to %s with allowGatewayTransit.",
			   remote->resource.name, resource->name);
}

void check_virtual_networks(struct check *check)
{
	for (uint32_t v = 0; v < config_count(check->config, CONFIG_VIRTUAL_NETWORK); v++) {
		const struct config_virtual_network *network =
			config_virtual_network_at(check->config, v);

		for (uint32_t i = 0; i < network->prefixes.count; i++)
			for (uint32_t k = 0; k < i; k++)
				if (net_prefix_overlaps(&network->prefixes.items[i],
							&network->prefixes.items[k]))
					check_fail(check,
						   AT(&network->resource,
						      "/properties/addressSpace/addressPrefixes/#",
						      i),
						   CODE_OVERLAP,
						   "Overlaps another prefix of the network.");
		for (uint32_t i = 0; i < network->subnets.count; i++)
			check_subnet(check, network, i);
		for (uint32_t i = 0; i < network->peerings.count; i++)
			check_peering(check, network, i);
	}
}

static void check_ip_port(struct check *check, const struct config_public_ip *ip)
{
	const struct config_appliance *appliance = config_appliance(check->config);
	const struct net_addr *local = config_public_ip_local(ip);
	const struct config_port *port = config_appliance_port_of(appliance, local);
	const struct config_resource *resource = &ip->resource;
	char text[NET_ADDR_TEXT];
	enum check_whose whose = CHECK_OURS;

	if (map_get(check->failed, "/appliance", strlen("/appliance")))
		return; /* the ports are not known */
	if (!port && !ip->port)
		whose = check_vnet_whose(check, ip);
	if (whose == CHECK_NOBODYS)
		check_warn(check, AT(resource, "/properties/ipAddress"),
			   "%s is not an address of any port: a gateway with it is taken for "
			   "another appliance's.",
			   net_addr_text(text, local));
	if (whose != CHECK_OURS)
		return;
	if (ip->port && !config_appliance_port(appliance, ip->port)) {
		check_fail(check, AT(resource, "/properties/port"), CODE_REFERENCE,
			   "The appliance has no port %s.", ip->port);
		return;
	}
	if (!port || (ip->port && strcmp(port->name, ip->port))) {
		check_fail(check,
			   AT(resource, ip->port_address.family ? "/properties/portAddress"
								: "/properties/ipAddress"),
			   CODE_PARAMETER,
			   "%s is not an address of %s%s: add it to the port's addresses, or say "
			   "portAddress when a NAT is between.",
			   net_addr_text(text, local), ip->port ? "port " : "any port",
			   ip->port ? ip->port : "");
		return;
	}
	if (!(port->role & CONFIG_ROLE_PUBLIC))
		check_fail(check, AT(resource, "/properties/ipAddress"), CODE_PARAMETER,
			   "Is on port %s, whose role is not public.", port->name);
}

static void check_public_ip(struct check *check, const struct config_public_ip *ip)
{
	const struct config_resource *resource = &ip->resource;
	bool six = ip->address.family == NET_IP6;

	if (ip->address.family == NET_NONE) {
		check_fail(check, AT(resource, "/properties/ipAddress"),
			   "PublicIPCountLimitReached",
			   "No address of a public port is free: say ipAddress, or add one to a "
			   "port.");
		return;
	}
	if (six != (ip->version == CONFIG_IP_V6))
		check_fail(check, AT(resource, "/properties/publicIPAddressVersion"),
			   CODE_PARAMETER, "Is not the version of ipAddress.");
	if (net_addr_is_multicast(&ip->address) || net_addr_is_any(&ip->address) ||
	    net_addr_is_loopback(&ip->address))
		check_fail(check, AT(resource, "/properties/ipAddress"), CODE_PARAMETER,
			   "Is not an address that peers can reach.");
	if (ip->port_address.family && ip->port_address.family != ip->address.family)
		check_fail(check, AT(resource, "/properties/portAddress"), CODE_PARAMETER,
			   "Is not of the version of ipAddress.");
	if (ip->next_hop.family && ip->next_hop.family != ip->address.family)
		check_fail(check, AT(resource, "/properties/nextHop"), CODE_PARAMETER,
			   "Is not of the version of ipAddress.");
	check_ip_port(check, ip);
}

static int by_address(const void *a, const void *b)
{
	const struct config_public_ip *x = *(const struct config_public_ip *const *)a;
	const struct config_public_ip *y = *(const struct config_public_ip *const *)b;

	return net_addr_compare(&x->address, &y->address);
}

static void check_addresses_once(struct check *check)
{
	const struct config_list *list = &check->config->lists[CONFIG_PUBLIC_IP];
	const struct config_public_ip **sorted;

	if (list->count < 2)
		return;
	sorted = malloc(list->count * sizeof(*sorted));
	if (!sorted)
		return;
	memcpy(sorted, list->items, list->count * sizeof(*sorted));
	qsort(sorted, list->count, sizeof(*sorted), by_address);
	for (uint32_t i = 1; i < list->count; i++)
		if (!by_address(&sorted[i - 1], &sorted[i]))
			check_fail(check, AT(&sorted[i]->resource, "/properties/ipAddress"),
				   CODE_PARAMETER, "Is the address of %s already.",
				   sorted[i - 1]->resource.name);
	free(sorted);
}

void check_public_ips(struct check *check)
{
	for (uint32_t i = 0; i < config_count(check->config, CONFIG_PUBLIC_IP); i++)
		check_public_ip(check, config_public_ip_at(check->config, i));
	check_addresses_once(check);
}

void check_local_gateways(struct check *check)
{
	for (uint32_t i = 0; i < config_count(check->config, CONFIG_LOCAL_GATEWAY); i++) {
		const struct config_local_gateway *site = config_local_gateway_at(check->config, i);
		bool has_address = site->address.family != NET_NONE;

		if (has_address == (site->fqdn != NULL))
			check_fail(check, AT(&site->resource, "/properties/gatewayIpAddress"),
				   CODE_PARAMETER,
				   "Either gatewayIpAddress or fqdn, and one of them, is needed.");
		if (has_address && net_addr_is_multicast(&site->address))
			check_fail(check, AT(&site->resource, "/properties/gatewayIpAddress"),
				   CODE_PARAMETER, "Is not an address that a peer can have.");
	}
}
