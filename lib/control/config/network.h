#pragma once
/*
 * Virtual networks, public addresses and the description of remote sites.
 */
#include "control/config/types.h"

#define CONFIG_GATEWAY_SUBNET "GatewaySubnet"

struct config_subnet {
	const char *name;
	struct net_prefix prefix;
};

struct config_peering {
	const char *name;
	struct config_ref remote;
	bool allow_gateway_transit;
	bool use_remote_gateways;
	bool allow_forwarded_traffic;
	bool allow_access;
};

struct config_virtual_network {
	struct config_resource resource;
	CONFIG_ARRAY(struct net_prefix) prefixes;
	CONFIG_ARRAY(struct config_subnet) subnets;
	CONFIG_ARRAY(struct config_peering) peerings;
};

enum config_ip_sku { CONFIG_IP_STANDARD, CONFIG_IP_BASIC };
enum config_allocation { CONFIG_ALLOCATION_STATIC, CONFIG_ALLOCATION_DYNAMIC };
enum config_ip_version { CONFIG_IP_V4, CONFIG_IP_V6 };

struct config_public_ip {
	struct config_resource resource;
	int sku; /* enum config_ip_sku */
	int sku_tier;
	CONFIG_ARRAY(const char *) zones;
	struct net_addr address;      /* what the peers see */
	int allocation;		      /* enum config_allocation */
	int version;		      /* enum config_ip_version */
	const char *port;	      /* extension: its port, NULL: the one that has the address */
	struct net_addr port_address; /* extension: the address on the port where NAT is between */
	struct net_addr next_hop;     /* extension: upstream of this address, else the port's */
	int64_t idle_timeout_min;
};

/* The address that packets of this public address carry on our port. */
static inline const struct net_addr *config_public_ip_local(const struct config_public_ip *ip)
{
	return ip->port_address.family != NET_NONE ? &ip->port_address : &ip->address;
}

struct config_local_gateway {
	struct config_resource resource;
	CONFIG_ARRAY(struct net_prefix) prefixes;
	struct net_addr address; /* or */
	const char *fqdn;	 /* this */
	bool shared_prefixes;	 /* extension: other sites may have them too */
	const struct config_bgp *bgp;
};
