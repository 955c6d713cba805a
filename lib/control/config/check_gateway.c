#include "control/config/check.h"

#include "control/config/id.h"
#include "control/config/schema.h"
#include "control/config/sku.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define IP_PATH "/properties/ipConfigurations/#"

static bool same_zones(const struct config_public_ip *a, const struct config_public_ip *b)
{
	if (a->zones.count != b->zones.count)
		return false;
	for (uint32_t i = 0; i < a->zones.count; i++)
		if (strcmp(a->zones.items[i], b->zones.items[i]))
			return false;
	return true;
}

static const struct config_public_ip *ip_of(struct check *check,
					    const struct config_gateway *gateway, uint32_t i)
{
	return config_public_ip_find(check->config, &gateway->ip_configurations.items[i].public_ip);
}

static void check_ip_configuration(struct check *check, const struct config_gateway *gateway,
				   uint32_t i)
{
	const struct config_ip_configuration *one = &gateway->ip_configurations.items[i];
	const struct config_ip_configuration *first = &gateway->ip_configurations.items[0];
	const struct config_resource *resource = &gateway->resource;

	if (strcasecmp(config_id_name(one->subnet.id), CONFIG_GATEWAY_SUBNET))
		check_fail(check, AT(resource, IP_PATH "/properties/subnet", i),
			   "SubnetNameMustBeGatewaySubnet",
			   "The subnet of a gateway is called GatewaySubnet, not %s.",
			   config_id_name(one->subnet.id));
	if (strcmp(one->subnet.key, first->subnet.key))
		check_fail(check, AT(resource, IP_PATH "/properties/subnet", i), CODE_PARAMETER,
			   "All IP configurations of a gateway are in the same subnet.");
	for (uint32_t k = 0; k < i; k++) {
		const struct config_ip_configuration *other = &gateway->ip_configurations.items[k];

		if (!strcasecmp(other->name, one->name))
			check_fail(check, AT(resource, IP_PATH "/name", i), CODE_NAME_TAKEN,
				   "There is already an IP configuration %s.", one->name);
		if (!strcmp(other->public_ip.key, one->public_ip.key))
			check_fail(check, AT(resource, IP_PATH "/properties/publicIPAddress", i),
				   "PublicIPAddressInUse", "Is taken by IP configuration %s.",
				   other->name);
	}
}

static void check_mode(struct check *check, const struct config_gateway *gateway)
{
	uint32_t count = gateway->ip_configurations.count;
	const struct config_resource *resource = &gateway->resource;
	const struct config_public_ip *a, *b;

	if (gateway->active_active && count != 2)
		check_fail(check, AT(resource, "/properties/ipConfigurations"),
			   "ActiveActiveGatewayMustHaveExactlyTwoIpConfigurations",
			   "An active-active gateway has exactly two IP configurations; this one "
			   "has %u.",
			   count);
	if (!gateway->active_active && count != 1)
		check_fail(check, AT(resource, "/properties/ipConfigurations"), CODE_PARAMETER,
			   "A gateway that is not activeActive has one IP configuration; this one "
			   "has %u.",
			   count);
	if (gateway->active_active && gateway->vpn_type == CONFIG_POLICY_BASED)
		check_fail(check, AT(resource, "/properties/activeActive"), CODE_PARAMETER,
			   "Needs a RouteBased gateway.");
	if (!gateway->active_active || count != 2)
		return;
	a = ip_of(check, gateway, 0);
	b = ip_of(check, gateway, 1);
	if (a && b && (a->sku != b->sku || a->allocation != b->allocation || !same_zones(a, b)))
		check_fail(check, AT(resource, IP_PATH "/properties/publicIPAddress", 1),
			   "ActiveActiveGatewayPublicIPAddressesDiffersInSkuOrZones",
			   "%s and %s differ in SKU, allocation or zones.", a->resource.name,
			   b->resource.name);
}

/* Pairs over all gateways: there are a few of them, connections are what there are many of. */
static void check_shared_parts(struct check *check, const struct config_gateway *gateway,
			       const struct config_gateway *other)
{
	const struct config_resource *resource = &gateway->resource;

	if (!gateway->ip_configurations.count || !other->ip_configurations.count)
		return;
	if (!strcmp(gateway->ip_configurations.items[0].subnet.key,
		    other->ip_configurations.items[0].subnet.key))
		check_fail(check, AT(resource, IP_PATH "/properties/subnet"),
			   "OnlyOneVpnGatewayPerVirtualNetwork",
			   "The virtual network has a VPN gateway already: %s.",
			   other->resource.name);
	for (uint32_t i = 0; i < gateway->ip_configurations.count; i++)
		for (uint32_t k = 0; k < other->ip_configurations.count; k++)
			if (!strcmp(gateway->ip_configurations.items[i].public_ip.key,
				    other->ip_configurations.items[k].public_ip.key))
				check_fail(check,
					   AT(resource, IP_PATH "/properties/publicIPAddress", i),
					   "PublicIPAddressInUse", "Is taken by gateway %s.",
					   other->resource.name);
}

/* A circuit beside the VPN: what Azure asks for when an ExpressRoute gateway comes to one. */
static void check_coexistence(struct check *check, const struct config_gateway *gateway)
{
	const struct config_appliance *appliance = config_appliance(check->config);
	const struct config_resource *resource = &gateway->resource;
	const struct sku *sku = sku_of_gateway(check->config, gateway);
	const struct net_prefix *subnet = config_gateway_subnet(check->config, gateway);
	const struct config_port *circuit = NULL;

	for (uint32_t i = 0; i < appliance->ports.count && !circuit; i++)
		if (appliance->ports.items[i].role & CONFIG_ROLE_CIRCUIT)
			circuit = &appliance->ports.items[i];
	if (gateway->private_ip && !circuit)
		check_fail(check, AT(resource, "/properties/enablePrivateIpAddress"),
			   CODE_PARAMETER, "Needs a port with the role circuit.");
	if (!circuit || !config_gateway_is_ours(check->config, gateway))
		return;
	if (subnet && subnet->length > 27)
		check_fail(
			check, AT(resource, IP_PATH "/properties/subnet", 0),
			"GatewaySubnetTooSmall",
			"Beside the circuit of port %s a GatewaySubnet of /27 or more is needed.",
			circuit->name);
	if (sku && !sku_has(sku, SKU_COEXISTENCE))
		check_fail(check, AT(resource, "/properties/sku/name"), CODE_SKU_FEATURE,
			   "SKU %s cannot be beside the circuit of port %s.", sku->name,
			   circuit->name);
}

void check_gateways(struct check *check)
{
	for (uint32_t g = 0; g < config_count(check->config, CONFIG_GATEWAY); g++) {
		const struct config_gateway *gateway = config_gateway_at(check->config, g);

		for (uint32_t i = 0; i < gateway->ip_configurations.count; i++)
			check_ip_configuration(check, gateway, i);
		check_mode(check, gateway);
		check_coexistence(check, gateway);
		for (uint32_t k = 0; k < g; k++)
			check_shared_parts(check, gateway, config_gateway_at(check->config, k));
	}
}

static const struct sku *check_sku_name(struct check *check, const struct config_gateway *gateway)
{
	const struct sku_catalogue *catalogue = check->config->catalogue;
	const struct sku *sku = sku_of_gateway(check->config, gateway);
	const struct config_resource *resource = &gateway->resource;
	struct text names = { 0 };

	if (sku)
		return sku;
	if (sku_find(catalogue, gateway->sku.name, CONFIG_GENERATION_NONE)) {
		check_fail(check, AT(resource, "/properties/vpnGatewayGeneration"),
			   "VirtualNetworkGatewaySkuCannotBeCreatedForSpecifiedVmGeneration",
			   "SKU %s does not exist in Generation%d.", gateway->sku.name,
			   gateway->generation);
		return NULL;
	}
	sku_names(catalogue, &names);
	check_fail(check, AT(resource, "/properties/sku/name"), "InvalidGatewaySize",
		   "%s is none of the SKUs: %s.", gateway->sku.name, text_get(&names));
	text_fini(&names);
	return NULL;
}

static void need(struct check *check, const struct config_gateway *gateway, const struct sku *sku,
		 enum sku_feature feature, const char *path)
{
	if (!sku_has(sku, feature))
		check_fail(check, AT(&gateway->resource, path), CODE_SKU_FEATURE,
			   "SKU %s does not have %s.", sku->name, sku_feature_name(feature));
}

static void check_features(struct check *check, const struct config_gateway *gateway,
			   const struct sku *sku)
{
	const struct {
		bool wanted;
		enum sku_feature feature;
		const char *path;
	} rows[] = {
		{ gateway->vpn_type == CONFIG_POLICY_BASED, SKU_POLICY_BASED,
		  "/properties/vpnType" },
		{ gateway->vpn_type == CONFIG_ROUTE_BASED, SKU_ROUTE_BASED, "/properties/vpnType" },
		{ gateway->active_active, SKU_ACTIVE_ACTIVE, "/properties/activeActive" },
		{ gateway->enable_bgp, SKU_BGP, "/properties/enableBgp" },
		{ gateway->nat_rules.count != 0, SKU_NAT, "/properties/natRules" },
		{ gateway->private_ip, SKU_PRIVATE_IP, "/properties/enablePrivateIpAddress" },
		{ gateway->high_bandwidth, SKU_HIGH_BANDWIDTH,
		  "/properties/enableHighBandwidthVpnGateway" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].wanted)
			need(check, gateway, sku, rows[i].feature, rows[i].path);
}

/* AZ SKUs stand on zoned Standard addresses, the others on unzoned ones; `none` takes both. */
static void check_zones(struct check *check, const struct config_gateway *gateway,
			const struct sku *sku)
{
	bool ours = !strcasecmp(sku->name, SKU_NONE);

	for (uint32_t i = 0; i < gateway->ip_configurations.count; i++) {
		const struct config_public_ip *ip = ip_of(check, gateway, i);
		const struct check_place *place =
			AT(&gateway->resource, IP_PATH "/properties/publicIPAddress", i);

		if (!ip)
			continue;
		if (ip->sku != CONFIG_IP_STANDARD && strcmp(sku->family, "basic"))
			check_fail(check, place, "VpnGatewayPublicIpMustBeStandardSku",
				   "A gateway of SKU %s needs a public address of SKU Standard.",
				   sku->name);
		if (!ours && sku_has(sku, SKU_ZONES) && !ip->zones.count)
			check_fail(check, place, "VmssVpnGatewayPublicIpsMustHaveZonesConfigured",
				   "SKU %s needs a public address with zones; %s has none.",
				   sku->name, ip->resource.name);
		if (!ours && !sku_has(sku, SKU_ZONES) && ip->zones.count)
			check_fail(check, place, "NonVmssVpnGatewayPublicIpsMustNotHaveZones",
				   "SKU %s takes public addresses without zones only; %s has some.",
				   sku->name, ip->resource.name);
	}
}

static void check_resize(struct check *check, const struct config_gateway *gateway,
			 const struct sku *sku)
{
	const struct config_gateway *old;
	const struct sku *was;

	if (!check->previous)
		return;
	old = (const struct config_gateway *)config_find(check->previous, CONFIG_GATEWAY,
							 gateway->resource.key);
	was = old ? sku_of_gateway(check->previous, old) : NULL;
	if (!was || sku_resizable(was, sku))
		return;
	if (!strcasecmp(was->name, sku->name))
		check_fail(check, AT(&gateway->resource, "/properties/vpnGatewayGeneration"),
			   CODE_IMMUTABLE,
			   "Cannot be changed: delete the gateway and make a new one.");
	else
		check_fail(check, AT(&gateway->resource, "/properties/sku/name"),
			   "GatewaySkuChangeNotAllowed",
			   "A gateway of SKU %s cannot become %s: delete it and make a new one.",
			   was->name, sku->name);
}

void check_gateway_skus(struct check *check)
{
	for (uint32_t g = 0; g < config_count(check->config, CONFIG_GATEWAY); g++) {
		const struct config_gateway *gateway = config_gateway_at(check->config, g);
		const struct sku *sku = check_sku_name(check, gateway);

		if (gateway->sku.tier && strcasecmp(gateway->sku.tier, gateway->sku.name))
			check_fail(check, AT(&gateway->resource, "/properties/sku/tier"),
				   CODE_PARAMETER, "Is not the same as sku.name.");
		if (!sku)
			continue;
		check_features(check, gateway, sku);
		check_zones(check, gateway, sku);
		check_resize(check, gateway, sku);
	}
}
