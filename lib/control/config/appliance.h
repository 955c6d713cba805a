#pragma once
/*
 * The appliance itself: what the cloud does not ask for because it owns the machine.
 */
#include "control/config/types.h"

/* Bits. A circuit is the private one beside the VPN (ExpressRoute). */
enum config_role { CONFIG_ROLE_PUBLIC = 1, CONFIG_ROLE_PRIVATE = 2, CONFIG_ROLE_CIRCUIT = 4 };

/* An address on a port with the prefix it is connected to. */
struct config_interface_address {
	struct net_addr addr;
	uint8_t length;
};

struct config_port {
	const char *name;
	const char *device; /* PCI address or DPDK virtual device with its arguments */
	int role;	    /* enum config_role */
	int64_t vlan;
	int64_t mtu;
	int64_t queues; /* 0: one per worker */
	CONFIG_ARRAY(struct config_interface_address) addresses;
	struct net_addr gateway; /* next hop of what leaves by this port and is not connected */
	struct net_addr gateway6;
	struct net_addr probe;	      /* behind the gateway; NET_NONE: the upstream is not probed */
	const struct config_bgp *bgp; /* of a circuit: the router at its other end; may be NULL */
};

enum config_idle { CONFIG_IDLE_POLL, CONFIG_IDLE_REST };

struct config_cores {
	int64_t control;
	int64_t main;
	CONFIG_ARRAY(int64_t) workers;
	bool spread_inbound;
};

struct config_memory {
	bool huge_pages;
	int64_t megabytes;
	int64_t packets;
};

/* How many objects the data plane makes room for. */
struct config_maxima {
	int64_t security_associations;
	int64_t tunnels;
	int64_t connections;
	int64_t next_hops;
	int64_t groups;
	int64_t limits;
	int64_t routes4;
	int64_t routes6;
	int64_t domains;
	int64_t selector_pairs;
};

struct config_listener {
	struct net_addr addr;
	int64_t port;
	bool tls;
};

enum config_token_role {
	CONFIG_TOKEN_READ,
	CONFIG_TOKEN_OPERATE,
	CONFIG_TOKEN_ADMIN,
};

struct config_token {
	const char *name;
	int role;	     /* enum config_token_role */
	const char *hash;    /* "sha256:" and 64 hex digits */
	const char *expires; /* RFC 3339, NULL: never */
};

struct config_api_limits {
	int64_t changes_per_s;
	int64_t changes_burst;
	int64_t reads_per_s;
	int64_t failed_authentications_per_min;
	int64_t body_bytes;
	int64_t header_bytes;
	int64_t body_depth;
	int64_t connections;
	int64_t connections_per_source;
	int64_t header_s;
	int64_t body_s;
	int64_t timeout_s;
	int64_t operation_s;
	int64_t streams;
};

struct config_api {
	CONFIG_ARRAY(struct config_listener) listeners;
	const char *certificate_file;
	const char *private_key_file;
	const char *client_ca_file;
	CONFIG_ARRAY(struct config_token) tokens;
	const char *tokens_file;
	struct config_api_limits limits;
};

/* How much of what was metered is kept; the oldest goes first. */
struct config_metering {
	int64_t retention_days;
	int64_t megabytes;
};

struct config_appliance {
	struct config_resource resource;
	const char *subscription_id;
	const char *resource_group;
	const char *state_directory;
	const char *dataplane_socket;
	const char *sku_file;
	const char *log_levels;
	const char *diagnostic_logs;
	const char *diagnostic_file; /* NULL: in the state directory */
	int crypto_profile;	     /* enum config_crypto_profile, never INHERIT */
	int limit_direction;	     /* enum config_direction */
	int idle;		     /* enum config_idle */
	int64_t sequence_spread;
	int64_t history; /* revisions that the journal keeps */
	struct config_cores cores;
	struct config_memory memory;
	struct config_maxima maxima;
	struct config_metering metering;
	CONFIG_ARRAY(struct config_port) ports;
	struct config_api api;
};

/* By name (case counts, as for Linux interfaces), or NULL. */
const struct config_port *config_appliance_port(const struct config_appliance *appliance,
						const char *name);
/* The address of a port whose network has this one, or NULL. */
const struct net_addr *config_port_address_to(const struct config_port *port,
					      const struct net_addr *addr);
/* The port that has this address, or NULL. */
const struct config_port *config_appliance_port_of(const struct config_appliance *appliance,
						   const struct net_addr *addr);
