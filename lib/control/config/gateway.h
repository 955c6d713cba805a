#pragma once
/*
 * The virtual network gateway.
 */
#include "control/config/types.h"

enum config_gateway_type {
	CONFIG_GATEWAY_VPN,
	CONFIG_GATEWAY_EXPRESS_ROUTE,
	CONFIG_GATEWAY_LOCAL,
};
enum config_vpn_type { CONFIG_ROUTE_BASED, CONFIG_POLICY_BASED };
enum config_generation { CONFIG_GENERATION_NONE, CONFIG_GENERATION_1, CONFIG_GENERATION_2 };

/* One instance's leg: active-active has two. */
struct config_ip_configuration {
	const char *name;
	int allocation; /* enum config_allocation of the private address */
	struct config_ref subnet;
	struct config_ref public_ip;
};

enum config_nat_type { CONFIG_NAT_STATIC, CONFIG_NAT_DYNAMIC };
enum config_nat_mode { CONFIG_NAT_EGRESS_SNAT, CONFIG_NAT_INGRESS_SNAT };

struct config_nat_mapping {
	struct net_prefix space;
	const char *port_range;
};

struct config_nat_rule {
	const char *name;
	int type; /* enum config_nat_type */
	int mode; /* enum config_nat_mode */
	CONFIG_ARRAY(struct config_nat_mapping) internal;
	CONFIG_ARRAY(struct config_nat_mapping) external;
	struct config_ref ip_configuration;
};

struct config_gateway_sku {
	const char *name;
	const char *tier;
};

struct config_gateway {
	struct config_resource resource;
	struct config_gateway_sku sku;
	CONFIG_ARRAY(struct config_ip_configuration) ip_configurations;
	int gateway_type; /* enum config_gateway_type */
	int vpn_type;	  /* enum config_vpn_type */
	int generation;	  /* enum config_generation */
	bool enable_bgp;
	bool active_active;
	bool private_ip;
	bool high_bandwidth;
	bool no_replay_protection;
	bool dns_forwarding;
	bool bgp_nat_translation;
	bool virtual_wan_traffic;
	bool remote_vnet_traffic;
	struct config_ref default_site;
	const struct config_bgp *bgp;
	CONFIG_ARRAY(struct config_nat_rule) nat_rules;
	CONFIG_ARRAY(struct net_prefix) custom_routes;
	const char *client_configuration; /* JSON text, until point-to-site is built */
	const char *policy_groups;
	const char *identity;
	const char *auto_scale;
	const char *migration;
	const char *extended_location;
	const char *extended_location_id;
	int admin_state;
	int resiliency;
};

#define CONFIG_ASN_DEFAULT 65515 /* as Azure's gateways have */
static inline uint32_t config_gateway_asn(const struct config_gateway *gateway)
{
	return gateway->bgp ? (uint32_t)gateway->bgp->asn : CONFIG_ASN_DEFAULT;
}
