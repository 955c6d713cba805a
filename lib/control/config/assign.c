#include "control/config/assign.h"

#include "control/config/sku.h"

static bool is_taken(const struct config *config, const struct net_addr *addr)
{
	for (uint32_t i = 0; i < config_count(config, CONFIG_PUBLIC_IP); i++)
		if (net_addr_equal(config_public_ip_local(config_public_ip_at(config, i)), addr))
			return true;
	return false;
}

static bool first_free(const struct config *config, struct net_addr *addr, enum net_family family)
{
	const struct config_appliance *appliance = config_appliance(config);

	for (uint32_t i = 0; i < appliance->ports.count; i++) {
		const struct config_port *port = &appliance->ports.items[i];

		for (uint32_t k = 0; k < port->addresses.count; k++) {
			*addr = port->addresses.items[k].addr;
			if ((port->role & CONFIG_ROLE_PUBLIC) && addr->family == family &&
			    !net_addr_is_link_local(addr) && !is_taken(config, addr))
				return true;
		}
	}
	return false;
}

static void assign(struct config *config, const struct config *previous,
		   struct config_public_ip *ip)
{
	const struct config_public_ip *was =
		previous ? (const struct config_public_ip *)config_find(previous, CONFIG_PUBLIC_IP,
									ip->resource.key)
			 : NULL;
	struct net_addr addr;

	if (was && was->version == ip->version)
		ip->address = was->address;
	else if (first_free(config, &addr, ip->version == CONFIG_IP_V6 ? NET_IP6 : NET_IP4))
		ip->address = addr;
}

void config_assign_addresses(struct config *config, const struct config *previous)
{
	for (uint32_t i = 0; i < config_count(config, CONFIG_PUBLIC_IP); i++) {
		struct config_public_ip *ip =
			(struct config_public_ip *)config_public_ip_at(config, i);

		if (ip->resource.revision == config->revision && ip->address.family == NET_NONE)
			assign(config, previous, ip);
	}
}

static void assign_generation(const struct config *config, const struct config *previous,
			      struct config_gateway *gateway)
{
	const struct config_ref self = { .key = gateway->resource.key };
	const struct config_gateway *was = previous ? config_gateway_find(previous, &self) : NULL;
	const struct sku *sku = NULL;

	if (was)
		sku = sku_find(config->catalogue, gateway->sku.name, was->generation);
	if (!sku)
		sku = sku_find(config->catalogue, gateway->sku.name, CONFIG_GENERATION_NONE);
	if (sku)
		gateway->generation = sku->generation;
}

void config_assign_generations(struct config *config, const struct config *previous)
{
	for (uint32_t i = 0; i < config_count(config, CONFIG_GATEWAY); i++) {
		struct config_gateway *gateway =
			(struct config_gateway *)config_gateway_at(config, i);

		if (gateway->resource.revision == config->revision &&
		    gateway->generation == CONFIG_GENERATION_NONE)
			assign_generation(config, previous, gateway);
	}
}
