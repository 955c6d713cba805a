#pragma once
/*
 * What the resources of a configuration are made of. All of it is immutable plain data once a
 * snapshot exists; strings and arrays live as long as their resource. A field that is absent has
 * its documented default; NULL, count 0 and family NET_NONE say "none".
 */
#include "base/secret.h"
#include "net/addr.h"

#include <stdbool.h>
#include <stdint.h>

enum config_kind {
	CONFIG_APPLIANCE,
	CONFIG_VIRTUAL_NETWORK,
	CONFIG_PUBLIC_IP,
	CONFIG_GATEWAY,
	CONFIG_LOCAL_GATEWAY,
	CONFIG_CONNECTION,
	CONFIG_KINDS
};

#define CONFIG_ARRAY(type)                                                                         \
	struct {                                                                                   \
		type *items;                                                                       \
		uint32_t count;                                                                    \
	}

/* The layout of every CONFIG_ARRAY. */
struct config_array {
	void *items;
	uint32_t count;
};

/* Reference to a resource or to a part of one. `key` is the id in lower case: compare that. */
struct config_ref {
	const char *id; /* NULL: none */
	const char *key;
};

struct config_tag {
	const char *name;
	const char *value;
};

struct config_arena {
	struct config_arena_block *blocks;
};

/* The head of each resource. */
struct config_resource {
	enum config_kind kind;
	uint32_t references;
	struct config_arena arena;
	const char *id;	    /* full, canonical spelling of the segments */
	const char *key;    /* the id in lower case: what lists are sorted by */
	const char *name;   /* last segment of the id */
	const char *origin; /* JSON pointer to it in the text it came from */
	uint64_t revision;  /* of the configuration that last changed it: its etag */
	const char *location;
	CONFIG_ARRAY(struct config_tag) tags;
};

enum config_crypto_profile {
	CONFIG_CRYPTO_INHERIT, /* a connection's: what the appliance says */
	CONFIG_CRYPTO_STRONG,
	CONFIG_CRYPTO_AZURE_COMPAT,
};

enum config_direction { CONFIG_DIRECTION_SUM, CONFIG_DIRECTION_EACH };

/* Our extension: a limit of a single connection. Zero: no limit. */
struct config_limit {
	int64_t bits_per_s;
	int64_t packets_per_s;
	int64_t burst_us;
	int direction; /* enum config_direction */
};

struct config_bgp_addresses {
	struct config_ref ip_configuration;
	CONFIG_ARRAY(struct net_addr) custom;
};

struct config_bgp {
	int64_t asn;
	struct net_addr peering_address;
	int64_t peer_weight;
	int64_t keepalive_s; /* 0: by profile */
	int64_t hold_s;
	int64_t bfd_ms; /* 0: off */
	int64_t prefix_limit;
	struct secret password; /* empty: no MD5 */
	CONFIG_ARRAY(struct config_bgp_addresses) addresses;
};
