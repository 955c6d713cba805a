#include "control/config/config.h"

#include "control/config/id.h"
#include "control/config/list.h"
#include "control/config/resource.h"
#include "control/config/sku.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int config_list_copy(struct config_list *to, const struct config_list *from)
{
	*to = (struct config_list){ 0 };
	if (!from->count)
		return 0;
	to->items = malloc(from->count * sizeof(*to->items));
	if (!to->items)
		return -ENOMEM;
	for (uint32_t i = 0; i < from->count; i++)
		to->items[i] = resource_get(from->items[i]);
	to->count = from->count;
	return 0;
}

void config_list_fini(struct config_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		resource_put(list->items[i]);
	free(list->items);
	*list = (struct config_list){ 0 };
}

/* Like strcmp() from *same on, which grows by what is equal. */
static int compare_from(const char *a, const char *b, size_t *same)
{
	size_t i = *same;

	while (a[i] && a[i] == b[i])
		i++;
	*same = i;
	return (unsigned char)a[i] - (unsigned char)b[i];
}

/* Keys begin alike: what both ends of the range share with the key is not compared again. */
uint32_t config_list_find(const struct config_list *list, const char *key, bool *found)
{
	uint32_t low = 0, high = list->count;
	size_t same_low = 0, same_high = 0;

	*found = false;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		size_t same = same_low < same_high ? same_low : same_high;
		int order = compare_from(list->items[middle]->key, key, &same);

		if (!order) {
			*found = true;
			return middle;
		}
		if (order < 0) {
			low = middle + 1;
			same_low = same;
		} else {
			high = middle;
			same_high = same;
		}
	}
	return low;
}

const struct config_resource *config_find(const struct config *config, enum config_kind kind,
					  const char *key)
{
	bool found;
	uint32_t i;

	if (!key)
		return NULL;
	i = config_list_find(&config->lists[kind], key, &found);
	return found ? config->lists[kind].items[i] : NULL;
}

struct config *config_get(const struct config *config)
{
	struct config *counted = (struct config *)config;

	counted->references++;
	return counted;
}

void config_put(const struct config *config)
{
	struct config *counted = (struct config *)config;

	if (!counted || --counted->references)
		return;
	for (int kind = 0; kind < CONFIG_KINDS; kind++)
		config_list_fini(&counted->lists[kind]);
	sku_catalogue_put(counted->catalogue);
	free(counted);
}

enum config_crypto_profile config_crypto_profile_of(const struct config *config,
						    const struct config_connection *connection)
{
	int own = connection->crypto_profile;

	return own != CONFIG_CRYPTO_INHERIT ? own : config_appliance(config)->crypto_profile;
}

const struct config_virtual_network *config_gateway_network(const struct config *config,
							    const struct config_gateway *gateway)
{
	char key[1024];
	const char *subnet;
	size_t n;

	if (!gateway->ip_configurations.count)
		return NULL;
	subnet = gateway->ip_configurations.items[0].subnet.key;
	n = config_key_parent(subnet);
	if (n >= sizeof(key))
		return NULL;
	memcpy(key, subnet, n);
	key[n] = '\0';
	return (const struct config_virtual_network *)config_find(config, CONFIG_VIRTUAL_NETWORK,
								  key);
}

static bool has_gateway_of_ours(const struct config *config,
				const struct config_virtual_network *network)
{
	for (uint32_t i = 0; i < config_count(config, CONFIG_GATEWAY); i++) {
		const struct config_gateway *gateway = config_gateway_at(config, i);

		if (config_gateway_network(config, gateway) == network &&
		    config_gateway_is_ours(config, gateway))
			return true;
	}
	return false;
}

bool config_is_spoke(const struct config_virtual_network *spoke,
		     const struct config_virtual_network *hub)
{
	bool uses = false;
	bool allowed = false;

	for (uint32_t k = 0; k < spoke->peerings.count; k++)
		uses |= spoke->peerings.items[k].use_remote_gateways &&
			!strcmp(spoke->peerings.items[k].remote.key, hub->resource.key);
	for (uint32_t i = 0; i < hub->peerings.count; i++)
		allowed |= hub->peerings.items[i].allow_gateway_transit &&
			   !strcmp(hub->peerings.items[i].remote.key, spoke->resource.key);
	return uses && allowed;
}

static bool is_peered_with(const struct config *config, const struct config_virtual_network *from,
			   const struct config_virtual_network *network)
{
	for (uint32_t i = 0; i < from->peerings.count; i++)
		if (config_virtual_network_find(config, &from->peerings.items[i].remote) == network)
			return true;
	return false;
}

static bool is_peered(const struct config *config, const struct config_virtual_network *network)
{
	for (uint32_t i = 0; i < config_count(config, CONFIG_GATEWAY); i++) {
		const struct config_gateway *gateway = config_gateway_at(config, i);
		const struct config_virtual_network *own = config_gateway_network(config, gateway);

		if (own && is_peered_with(config, own, network) &&
		    config_gateway_is_ours(config, gateway))
			return !has_gateway_of_ours(config, network);
	}
	return false;
}

int config_peered_prefixes(const struct config *config, struct net_prefix **prefixes,
			   uint32_t *count)
{
	*prefixes = NULL;
	*count = 0;
	for (uint32_t i = 0; i < config_count(config, CONFIG_VIRTUAL_NETWORK); i++) {
		const struct config_virtual_network *network = config_virtual_network_at(config, i);
		uint32_t n = network->prefixes.count;
		struct net_prefix *grown;

		if (!n || !is_peered(config, network))
			continue;
		grown = reallocarray(*prefixes, *count + n, sizeof(**prefixes));
		if (!grown) {
			free(*prefixes);
			*prefixes = NULL;
			*count = 0;
			return -ENOMEM;
		}
		*prefixes = grown;
		memcpy(grown + *count, network->prefixes.items, n * sizeof(*grown));
		*count += n;
	}
	return 0;
}

const struct net_prefix *config_gateway_subnet(const struct config *config,
					       const struct config_gateway *gateway)
{
	const struct config_virtual_network *network = config_gateway_network(config, gateway);

	for (uint32_t i = 0; network && i < network->subnets.count; i++)
		if (!strcasecmp(network->subnets.items[i].name, CONFIG_GATEWAY_SUBNET) &&
		    network->subnets.items[i].prefix.addr.family == NET_IP4)
			return &network->subnets.items[i].prefix;
	return NULL;
}

const struct config_bgp_addresses *config_bgp_addresses(const struct config_gateway *gateway,
							uint32_t instance)
{
	const struct config_bgp *bgp = gateway->bgp;

	for (uint32_t i = 0;
	     bgp && instance < gateway->ip_configurations.count && i < bgp->addresses.count; i++)
		if (config_ref_is_named(&bgp->addresses.items[i].ip_configuration,
					gateway->ip_configurations.items[instance].name))
			return &bgp->addresses.items[i];
	return NULL;
}

const struct net_addr *config_custom_bgp(const struct config_gateway *gateway,
					 const struct config_connection *connection,
					 uint32_t instance)
{
	const char *name = gateway->ip_configurations.items[instance].name;
	const struct config_bgp_addresses *own = config_bgp_addresses(gateway, instance);

	for (uint32_t i = 0; i < connection->custom_bgp.count; i++)
		if (config_ref_is_named(&connection->custom_bgp.items[i].ip_configuration, name))
			return &connection->custom_bgp.items[i].address;
	return own && own->custom.count ? &own->custom.items[0] : NULL;
}

const struct config_port *config_appliance_port(const struct config_appliance *appliance,
						const char *name)
{
	for (uint32_t i = 0; i < appliance->ports.count; i++)
		if (!strcmp(appliance->ports.items[i].name, name))
			return &appliance->ports.items[i];
	return NULL;
}

const struct net_addr *config_port_address_to(const struct config_port *port,
					      const struct net_addr *addr)
{
	for (uint32_t i = 0; i < port->addresses.count; i++) {
		const struct config_interface_address *own = &port->addresses.items[i];
		struct net_prefix on_link = net_prefix_of(&own->addr, own->length);

		if (net_prefix_contains(&on_link, addr))
			return &own->addr;
	}
	return NULL;
}

const struct config_port *config_appliance_port_of(const struct config_appliance *appliance,
						   const struct net_addr *addr)
{
	for (uint32_t i = 0; i < appliance->ports.count; i++) {
		const struct config_port *port = &appliance->ports.items[i];

		for (uint32_t k = 0; k < port->addresses.count; k++)
			if (net_addr_equal(&port->addresses.items[k].addr, addr))
				return port;
	}
	return NULL;
}

bool config_gateway_is_ours(const struct config *config, const struct config_gateway *gateway)
{
	for (uint32_t i = 0; i < gateway->ip_configurations.count; i++) {
		const struct config_public_ip *ip = config_public_ip_find(
			config, &gateway->ip_configurations.items[i].public_ip);

		if (ip && (ip->port || config_appliance_port_of(config_appliance(config),
								config_public_ip_local(ip))))
			return true;
	}
	return false;
}
