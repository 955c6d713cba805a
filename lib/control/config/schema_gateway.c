#include "control/config/schema_rows.h"

#define NOT_YET "it is not built yet"

static const struct schema_enum gateway_type_values[] = {
	{ .name = "Vpn", .value = CONFIG_GATEWAY_VPN },
	{ .name = "ExpressRoute",
	  .value = CONFIG_GATEWAY_EXPRESS_ROUTE,
	  .refused = true,
	  .reason = "the private circuit is a port of the appliance with the role circuit" },
	{ .name = "LocalGateway",
	  .value = CONFIG_GATEWAY_LOCAL,
	  .refused = true,
	  .reason = "it belongs to edge zones" },
	{ 0 }
};
static const struct schema_enum vpn_type_values[] = {
	{ .name = "RouteBased", .value = CONFIG_ROUTE_BASED },
	{ .name = "PolicyBased",
	  .value = CONFIG_POLICY_BASED,
	  .refused = true,
	  .reason = "it needs IKEv1, which is not built yet; take RouteBased with "
		    "usePolicyBasedTrafficSelectors on the connection" },
	{ 0 }
};
const struct schema_enum schema_generation_values[] = {
	{ .name = "None", .value = CONFIG_GENERATION_NONE },
	{ .name = "Generation1", .value = CONFIG_GENERATION_1 },
	{ .name = "Generation2", .value = CONFIG_GENERATION_2 },
	{ 0 }
};
static const struct schema_enum admin_values[] = { { .name = "Enabled", .value = 0 },
						   { .name = "Disabled", .value = 1 },
						   { 0 } };
static const struct schema_enum resiliency_values[] = { { .name = "SingleHomed", .value = 0 },
							{ .name = "MultiHomed", .value = 1 },
							{ 0 } };

static bool check_password(const struct schema_field *field, const void *value,
			   const struct where *where, struct config_report *report)
{
	struct span text = secret_span(value);

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] > ' ' && text.p[i] < 0x7f)
			continue;
		where_error(report, where, CODE_PARAMETER,
			    "Must be printable ASCII without blanks.");
		return false;
	}
	return true;
}

static const struct schema_field bgp_address_rows[] = {
	{ .name = "ipconfigurationId",
	  .type = SCHEMA_REF,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_bgp_addresses, ip_configuration),
	  .ref_kind = CONFIG_GATEWAY,
	  .ref_child = "ipConfigurations",
	  .help = "The IP configuration whose speaker it is." },
	{ .name = "customBgpIpAddresses",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_ADDR,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_bgp_addresses, custom),
	  .max = 32,
	  .help = "APIPA addresses, 169.254.21.0 to 169.254.22.255." },
	{ .name = "defaultBgpIpAddresses",
	  .type = SCHEMA_NOTHING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_READ_ONLY,
	  .help = "The address out of GatewaySubnet." },
	{ .name = "tunnelIpAddresses",
	  .type = SCHEMA_NOTHING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_READ_ONLY,
	  .help = "The public address of this leg." },
};
static const struct schema_object bgp_address_object = {
	.name = "BGP peering address",
	SCHEMA_ROWS(bgp_address_rows),
	.size = sizeof(struct config_bgp_addresses),
};

static const struct schema_field bgp_rows[] = {
	{ .name = "asn",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_bgp, asn),
	  .min = 0,
	  .max = UINT32_MAX,
	  .preset = CONFIG_ASN_DEFAULT,
	  .help = "Own AS number; numbers that Azure or IANA reserve are refused." },
	{ .name = "bgpPeeringAddress",
	  .type = SCHEMA_ADDR,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_bgp, peering_address),
	  .help = "Of a local network gateway: the remote speaker. A gateway shows its own." },
	{ .name = "peerWeight",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_bgp, peer_weight),
	  .min = 0,
	  .max = INT32_MAX,
	  .help = "Kept for clients, no effect, as in Azure." },
	{ .name = "keepaliveSeconds",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_LIVE,
	  SCHEMA_AT(config_bgp, keepalive_s),
	  .min = 0,
	  .max = 21845,
	  .help = "Of a peer: BGP keepalive. 0: 60 with azure-compat, else 3." },
	{ .name = "holdSeconds",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_LIVE,
	  SCHEMA_AT(config_bgp, hold_s),
	  .min = 0,
	  .max = 65535,
	  .help = "Of a peer: BGP hold time. 0: three keepalives." },
	{ .name = "bfdIntervalMilliseconds",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_bgp, bfd_ms),
	  .preset = 50,
	  .min = 0,
	  .max = 4000,
	  .help = "Of a peer: BFD inside the tunnel, three lost packets are down. 0: off. A peer "
		  "without BFD is not waited for." },
	{ .name = "prefixLimit",
	  .type = SCHEMA_INT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_bgp, prefix_limit),
	  .preset = 4000,
	  .min = 0,
	  .max = 4000000,
	  .help = "Of a peer: more prefixes end the session, for 5 minutes; a warning in the log "
		  "from "
		  "75 % on. 0: none." },
	{ .name = "password",
	  .type = SCHEMA_SECRET,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_EXTENSION | SCHEMA_WRITE_ONLY,
	  SCHEMA_AT(config_bgp, password),
	  .min = 1,
	  .max = 80,
	  .check = check_password,
	  .help = "Of a peer: TCP MD5 (RFC 2385). Absent: what it was; `\"\"` takes it away." },
	{ .name = "bgpPeeringAddresses",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_bgp, addresses),
	  .object = &bgp_address_object,
	  .max = 3,
	  .help = "One per IP configuration." },
};
const struct schema_object schema_bgp = { .name = "BGP settings",
					  SCHEMA_ROWS(bgp_rows),
					  .size = sizeof(struct config_bgp) };

static const struct schema_field ip_configuration_properties[] = {
	{ .name = "privateIPAllocationMethod",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_STORED,
	  .flags = SCHEMA_HAS_DEFAULT,
	  .preset = CONFIG_ALLOCATION_DYNAMIC,
	  SCHEMA_AT(config_ip_configuration, allocation),
	  .values = schema_allocation_values,
	  .help = "Kept for clients." },
	{ .name = "subnet",
	  .type = SCHEMA_REF,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_ip_configuration, subnet),
	  .ref_kind = CONFIG_VIRTUAL_NETWORK,
	  .ref_child = "subnets",
	  .help = "A subnet that is called `GatewaySubnet`." },
	{ .name = "publicIPAddress",
	  .type = SCHEMA_REF,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_ip_configuration, public_ip),
	  .ref_kind = CONFIG_PUBLIC_IP,
	  .help = "The address its tunnels end at." },
	{ .name = "privateIPAddress",
	  .type = SCHEMA_NOTHING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_READ_ONLY,
	  .help = "The instance's address in the subnet." },
	{ .name = "provisioningState",
	  .type = SCHEMA_NOTHING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_READ_ONLY,
	  .help = "The gateway's." },
};
static const struct schema_object ip_configuration_properties_object = {
	.name = "IP configuration properties", SCHEMA_ROWS(ip_configuration_properties)
};

static const struct schema_field ip_configuration_rows[] = {
	{ .name = "name",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_ip_configuration, name),
	  .min = 1,
	  .max = 80,
	  .check = schema_check_name,
	  .help = "By custom `default` and `activeActive`." },
	SCHEMA_PART_ROWS,
	{ .name = "properties",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_INLINE | SCHEMA_REQUIRED,
	  .object = &ip_configuration_properties_object,
	  .help = "" },
};
static const struct schema_object ip_configuration_object = {
	.name = "IP configuration",
	SCHEMA_ROWS(ip_configuration_rows),
	.size = sizeof(struct config_ip_configuration),
	.child = "ipConfigurations",
};

static const struct schema_field gateway_sku_rows[] = {
	{ .name = "name",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_gateway, sku.name),
	  .preset_text = "none",
	  .max = 40,
	  .help = "A name of the catalogue (`config/skus.json`); `none` has no limits." },
	{ .name = "tier",
	  .type = SCHEMA_STRING,
	  .status = SCHEMA_STORED,
	  .flags = SCHEMA_LIVE,
	  SCHEMA_AT(config_gateway, sku.tier),
	  .max = 40,
	  .help = "The same as `name` when given." },
	{ .name = "capacity",
	  .type = SCHEMA_NOTHING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_READ_ONLY,
	  .help = "Instances: always 2." },
};
static const struct schema_object gateway_sku_object = { .name = "gateway SKU",
							 SCHEMA_ROWS(gateway_sku_rows) };

static const struct schema_field custom_routes_rows[] = {
	{ .name = "addressPrefixes",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_PREFIX,
	  .status = SCHEMA_REFUSED,
	  .reason = "point-to-site is not built yet",
	  SCHEMA_AT(config_gateway, custom_routes),
	  .max = 1000,
	  .help = "Routes for clients." },
};
static const struct schema_object custom_routes_object = { .name = "custom routes",
							   SCHEMA_ROWS(custom_routes_rows) };

#define REFUSED_BOOL(json_name, member, why, text)                                                 \
	{                                                                                          \
		.name = json_name, .type = SCHEMA_BOOL, .status = SCHEMA_REFUSED, .reason = why,   \
		SCHEMA_AT(config_gateway, member), .help = text                                    \
	}
#define REFUSED_JSON(json_name, member, why, text)                                                 \
	{                                                                                          \
		.name = json_name, .type = SCHEMA_JSON, .status = SCHEMA_REFUSED, .reason = why,   \
		SCHEMA_AT(config_gateway, member), .help = text                                    \
	}

static const struct schema_field gateway_properties[] = {
	{ .name = "ipConfigurations",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  SCHEMA_AT(config_gateway, ip_configurations),
	  .object = &ip_configuration_object,
	  .min = 1,
	  .max = 3,
	  .help = "One, or two when `activeActive`." },
	{ .name = "gatewayType",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_IMMUTABLE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_gateway, gateway_type),
	  .values = gateway_type_values,
	  .help = "" },
	{ .name = "vpnType",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_IMMUTABLE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_gateway, vpn_type),
	  .values = vpn_type_values,
	  .help = "" },
	{ .name = "vpnGatewayGeneration",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE | SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_gateway, generation),
	  .values = schema_generation_values,
	  .help = "`None`: what it was, else the first that the SKU exists in. It changes only "
		  "from and "
		  "to SKUs that have none." },
	{ .name = "sku",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_INLINE,
	  .object = &gateway_sku_object,
	  .help = "" },
	{ .name = "activeActive",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_gateway, active_active),
	  .help = "A tunnel from each of two public addresses to each peer, both carrying." },
	{ .name = "enableBgp",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_gateway, enable_bgp),
	  .help = "BGP through FRR, in the tunnels." },
	{ .name = "bgpSettings",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_gateway, bgp),
	  .object = &schema_bgp,
	  .help = "" },
	{ .name = "enablePrivateIpAddress",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_gateway, private_ip),
	  .help = "Tunnels may end at the instances' addresses out of GatewaySubnet, over a port "
		  "with the role `circuit`." },
	REFUSED_BOOL("enableHighBandwidthVpnGateway", high_bandwidth,
		     "a tunnel is not tied to one core here, nothing needs this mode", ""),
	{ .name = "disableIPSecReplayProtection",
	  .type = SCHEMA_BOOL,
	  .status = SCHEMA_ENFORCED,
	  SCHEMA_AT(config_gateway, no_replay_protection),
	  .help = "Takes away a protection; for peers that cannot keep order at all." },
	REFUSED_BOOL("enableDnsForwarding", dns_forwarding, NOT_YET, ""),
	{ .name = "inboundDnsForwardingEndpoint",
	  .type = SCHEMA_NOTHING,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_READ_ONLY,
	  .help = "Never set." },
	REFUSED_BOOL("enableBgpRouteTranslationForNat", bgp_nat_translation, "NAT is not built yet",
		     ""),
	REFUSED_BOOL("allowVirtualWanTraffic", virtual_wan_traffic, "it belongs to ExpressRoute",
		     ""),
	REFUSED_BOOL("allowRemoteVnetTraffic", remote_vnet_traffic, "it belongs to ExpressRoute",
		     ""),
	{ .name = "gatewayDefaultSite",
	  .type = SCHEMA_REF,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_LIVE,
	  SCHEMA_AT(config_gateway, default_site),
	  .ref_kind = CONFIG_LOCAL_GATEWAY,
	  .help = "Forced tunnelling: the site that gets the default route." },
	{ .name = "natRules",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_OBJECT,
	  .status = SCHEMA_STORED,
	  .flags = SCHEMA_LIVE,
	  SCHEMA_AT(config_gateway, nat_rules),
	  .object = &schema_nat_rule,
	  .max = 500,
	  .help = "A rule does nothing until a connection refers to it, and connections cannot do "
		  "so yet: `ingressNatRules` and `egressNatRules` are refused." },
	{ .name = "customRoutes",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_INLINE,
	  .object = &custom_routes_object,
	  .help = "" },
	REFUSED_JSON("vpnClientConfiguration", client_configuration,
		     "point-to-site is not built yet", "Point-to-site."),
	REFUSED_JSON("virtualNetworkGatewayPolicyGroups", policy_groups,
		     "point-to-site is not built yet", "User groups of point-to-site."),
	REFUSED_JSON("autoScaleConfiguration", auto_scale, "it belongs to ExpressRoute", ""),
	REFUSED_JSON("virtualNetworkGatewayMigrationStatus", migration,
		     "there is nothing to migrate from", ""),
	REFUSED_JSON("vNetExtendedLocationResourceId", extended_location_id,
		     "it belongs to edge zones", ""),
	{ .name = "adminState",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_REFUSED,
	  .reason = "it belongs to ExpressRoute",
	  .flags = SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_gateway, admin_state),
	  .values = admin_values,
	  .help = "" },
	{ .name = "resiliencyModel",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_REFUSED,
	  .reason = "it belongs to ExpressRoute",
	  .flags = SCHEMA_HAS_DEFAULT,
	  SCHEMA_AT(config_gateway, resiliency),
	  .values = resiliency_values,
	  .help = "" },
	SCHEMA_PROVISIONING_ROWS,
};
static const struct schema_object gateway_properties_object = {
	.name = "virtual network gateway properties", SCHEMA_ROWS(gateway_properties)
};

static const struct schema_field gateway_rows[] = {
	SCHEMA_RESOURCE_ROWS,
	REFUSED_JSON("identity", identity, "it is for certificates out of a key vault", ""),
	REFUSED_JSON("extendedLocation", extended_location, "it belongs to edge zones", ""),
	{ .name = "properties",
	  .type = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_INLINE | SCHEMA_REQUIRED,
	  .object = &gateway_properties_object,
	  .help = "" },
};
const struct schema_object schema_gateway = {
	.name = "virtualNetworkGateways",
	SCHEMA_ROWS(gateway_rows),
	.size = sizeof(struct config_gateway),
};
