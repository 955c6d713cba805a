#include "control/config/schema_rows.h"

#include <string.h>

static const struct schema_field subnet_properties[] = {
	{ .name = "addressPrefix",
	  .type = SCHEMA_PREFIX,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_subnet, prefix),
	  .help = "`GatewaySubnet` is at least a /29." },
	SCHEMA_PROVISIONING_ROWS,
};
static const struct schema_object subnet_properties_object = { .name = "subnet properties",
							       SCHEMA_ROWS(subnet_properties) };

static const struct schema_field subnet_rows[] = {
	{ .name = "name",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_subnet, name),
	  .min = 1,
	  .max = 80,
	  .check = schema_check_name,
	  .help = "A gateway lives in the one that is called `GatewaySubnet`." },
	SCHEMA_PART_ROWS,
	{ .name = "properties",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_INLINE | SCHEMA_REQUIRED,
	  .object = &subnet_properties_object,
	  .help = "" },
};
static const struct schema_object subnet_object = { .name = "subnet",
						    SCHEMA_ROWS(subnet_rows),
						    .size = sizeof(struct config_subnet),
						    .child = "subnets" };

static const struct schema_field peering_properties[] = {
	{ .name = "remoteVirtualNetwork",
	  .type = SCHEMA_REF,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_peering, remote),
	  .ref_kind = CONFIG_VIRTUAL_NETWORK,
	  .help = "The peered network." },
	{ .name = "allowGatewayTransit",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE,
	  SCHEMA_AT(config_peering, allow_gateway_transit),
	  .help = "The hub's side: the peered network may use this network's gateway." },
	{ .name = "useRemoteGateways",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE,
	  SCHEMA_AT(config_peering, use_remote_gateways),
	  .help = "The spoke's side: Vnet2Vnet peers of the hub reach its prefixes too." },
	{ .name = "allowForwardedTraffic",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_STORED,
	  .flags = SCHEMA_LIVE,
	  SCHEMA_AT(config_peering, allow_forwarded_traffic),
	  .help = "The private network decides this." },
	{ .name = "allowVirtualNetworkAccess",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_STORED,
	  .flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  .preset = 1,
	  SCHEMA_AT(config_peering, allow_access),
	  .help = "The private network decides this." },
	SCHEMA_PROVISIONING_ROWS,
};
static const struct schema_object peering_properties_object = { .name = "peering properties",
								SCHEMA_ROWS(peering_properties) };

static const struct schema_field peering_rows[] = {
	{ .name = "name",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_peering, name),
	  .min = 1,
	  .max = 80,
	  .check = schema_check_name,
	  .help = "Name of the peering." },
	SCHEMA_PART_ROWS,
	{ .name = "properties",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_INLINE | SCHEMA_REQUIRED,
	  .object = &peering_properties_object,
	  .help = "" },
};
static const struct schema_object peering_object = { .name = "peering",
						     SCHEMA_ROWS(peering_rows),
						     .size = sizeof(struct config_peering),
						     .child = "virtualNetworkPeerings" };

static const struct schema_field space_rows[] = {
	{ .name = "addressPrefixes",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_PREFIX,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED | SCHEMA_LIVE,
	  SCHEMA_AT(config_virtual_network, prefixes),
	  .min = 1,
	  .max = 600,
	  .help = "The prefixes of the inside network." },
};
static const struct schema_object space_object = { .name = "address space",
						   SCHEMA_ROWS(space_rows) };

static const struct schema_field virtual_network_properties[] = {
	{ .name = "addressSpace",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_INLINE | SCHEMA_REQUIRED,
	  .object = &space_object,
	  .help = "" },
	{ .name = "subnets",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_virtual_network, subnets),
	  .object = &subnet_object,
	  .max = 3000,
	  .help = "" },
	{ .name = "virtualNetworkPeerings",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE,
	  SCHEMA_AT(config_virtual_network, peerings),
	  .object = &peering_object,
	  .max = 500,
	  .help = "" },
	SCHEMA_PROVISIONING_ROWS,
};
static const struct schema_object virtual_network_properties_object = {
	.name = "virtual network properties", SCHEMA_ROWS(virtual_network_properties)
};

static const struct schema_field virtual_network_rows[] = {
	SCHEMA_RESOURCE_ROWS,
	{ .name = "properties",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_INLINE | SCHEMA_REQUIRED,
	  .object = &virtual_network_properties_object,
	  .help = "" },
};
const struct schema_object schema_virtual_network = {
	.name = "virtualNetworks",
	SCHEMA_ROWS(virtual_network_rows),
	.size = sizeof(struct config_virtual_network),
};

static const struct schema_enum ip_sku_values[] = { { .name = "Standard",
						      .value = CONFIG_IP_STANDARD },
						    { .name = "Basic", .value = CONFIG_IP_BASIC },
						    { 0 } };
static const struct schema_enum ip_tier_values[] = {
	{ .name = "Regional", .value = 0 },
	{ .name = "Global", .value = 1, .refused = true, .reason = "one appliance is one region" },
	{ 0 }
};
static const struct schema_enum ip_version_values[] = { { .name = "IPv4", .value = CONFIG_IP_V4 },
							{ .name = "IPv6", .value = CONFIG_IP_V6 },
							{ 0 } };

static const struct schema_field ip_sku_rows[] = {
	{ .name = "name",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_public_ip, sku),
	  .values = ip_sku_values,
	  .help = "Gateways need `Standard`, but for SKU `Basic`." },
	{ .name = "tier",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_STORED,
	  .flags = SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_public_ip, sku_tier),
	  .values = ip_tier_values,
	  .help = "Kept for clients." },
};
static const struct schema_object ip_sku_object = { .name = "public IP SKU",
						    SCHEMA_ROWS(ip_sku_rows) };

static const struct schema_field public_ip_properties[] = {
	{ .name = "ipAddress",
	  .type = SCHEMA_ADDR,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_public_ip, address),
	  .help = "The address that peers see. Absent: the one it had, else the first address of a "
		  "public port that is free." },
	{ .name = "publicIPAllocationMethod",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_public_ip, allocation),
	  .values = schema_allocation_values,
	  .help = "Compared between the two addresses of an active-active gateway." },
	{ .name = "publicIPAddressVersion",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_public_ip, version),
	  .values = ip_version_values,
	  .help = "Must fit `ipAddress`." },
	{ .name = "idleTimeoutInMinutes",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_STORED,
	  .flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_public_ip, idle_timeout_min),
	  .min = 4,
	  .max = 30,
	  .preset = 4,
	  .help = "Kept for clients; a gateway has no such timeout." },
	{ .name = "port",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION,
	  SCHEMA_AT(config_public_ip, port),
	  .max = 31,
	  .help = "Its port. Default: the port that has the address." },
	{ .name = "portAddress",
	  .type = SCHEMA_ADDR,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION,
	  SCHEMA_AT(config_public_ip, port_address),
	  .help = "The address on our port when a NAT translates it to `ipAddress`." },
	{ .name = "nextHop",
	  .type = SCHEMA_ADDR,
	  .status = SCHEMA_REFUSED,
	  .reason = "the port's gateway is taken",
	  .flags = SCHEMA_EXTENSION,
	  SCHEMA_AT(config_public_ip, next_hop),
	  .help = "Upstream of what leaves with this source. Default: the port's gateway." },
	SCHEMA_PROVISIONING_ROWS,
};
static const struct schema_object public_ip_properties_object = {
	.name = "public IP properties", SCHEMA_ROWS(public_ip_properties)
};

static const struct schema_field public_ip_rows[] = {
	SCHEMA_RESOURCE_ROWS,
	{ .name = "sku",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_INLINE,
	  .object = &ip_sku_object,
	  .help = "" },
	{ .name = "zones",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_public_ip, zones),
	  .max = 8,
	  .help = "An AZ SKU needs zoned addresses, the others unzoned ones." },
	{ .name = "properties",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_INLINE | SCHEMA_REQUIRED,
	  .object = &public_ip_properties_object,
	  .help = "" },
};
const struct schema_object schema_public_ip = {
	.name = "publicIPAddresses",
	SCHEMA_ROWS(public_ip_rows),
	.size = sizeof(struct config_public_ip),
};
