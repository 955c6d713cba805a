#pragma once
/*
 * DOC: configuration
 *
 * JSON text (a file, a REST body, a journal record) becomes an immutable snapshot of typed
 * resources: text, schema table, typed resource, references, cross-field checks, diff against what
 * runs. File and REST enter by the same door and get the same answers.
 *
 * A snapshot is arrays of pointers to resources, sorted by key. Resources are shared between
 * snapshots and counted, so that a change of one of 20,000 copies pointers, not resources, and a
 * diff compares pointers first.
 *
 * Owner: who holds a reference. Threads: one (the control loop); nothing here is locked or blocks.
 * Left out on purpose: the shape of HTTP (control/rest) and what a connection does
 * (control/tunnel).
 */
#include "control/config/appliance.h"
#include "control/config/connection.h"
#include "control/config/gateway.h"
#include "control/config/network.h"
#include "control/config/report.h"

struct sku_catalogue;

struct config_list {
	const struct config_resource **items; /* sorted by key */
	uint32_t count;
};

struct config {
	uint32_t references;
	uint64_t revision;
	const struct sku_catalogue *catalogue; /* one reference is ours */
	struct config_list lists[CONFIG_KINDS];
};

static inline const struct config_appliance *config_appliance(const struct config *config)
{
	return (const struct config_appliance *)config->lists[CONFIG_APPLIANCE].items[0];
}

static inline uint32_t config_count(const struct config *config, enum config_kind kind)
{
	return config->lists[kind].count;
}

/* The i-th of its kind, in the order of keys. */
static inline const struct config_resource *config_at(const struct config *config,
						      enum config_kind kind, uint32_t i)
{
	return config->lists[kind].items[i];
}

#define CONFIG_AT(name, type, kind)                                                                \
	static inline const struct type *config_##name##_at(const struct config *config,           \
							    uint32_t i)                            \
	{                                                                                          \
		return (const struct type *)config_at(config, kind, i);                            \
	}                                                                                          \
	static inline const struct type *config_##name##_find(const struct config *config,         \
							      const struct config_ref *ref)        \
	{                                                                                          \
		return (const struct type *)config_find(config, kind, ref->key);                   \
	}

/* By key (id in lower case), or NULL; a NULL key gives NULL. */
const struct config_resource *config_find(const struct config *config, enum config_kind kind,
					  const char *key);

/* config_connection_at(config, i), config_connection_find(config, &ref), and so on. */
CONFIG_AT(virtual_network, config_virtual_network, CONFIG_VIRTUAL_NETWORK)
CONFIG_AT(public_ip, config_public_ip, CONFIG_PUBLIC_IP)
CONFIG_AT(gateway, config_gateway, CONFIG_GATEWAY)
CONFIG_AT(local_gateway, config_local_gateway, CONFIG_LOCAL_GATEWAY)
CONFIG_AT(connection, config_connection, CONFIG_CONNECTION)

struct config *config_get(const struct config *config); /* one more reference */
void config_put(const struct config *config);		/* NULL is fine */

/* What a crypto profile comes to for a connection: never INHERIT. */
enum config_crypto_profile config_crypto_profile_of(const struct config *config,
						    const struct config_connection *connection);
/* The virtual network whose GatewaySubnet this gateway is in, or NULL. */
const struct config_virtual_network *config_gateway_network(const struct config *config,
							    const struct config_gateway *gateway);
/* It uses the gateway of the hub, and the hub lets it. */
bool config_is_spoke(const struct config_virtual_network *spoke,
		     const struct config_virtual_network *hub);

/*
 * Prefixes of the networks that are peered with a gateway's of ours, but for those that have a
 * gateway of ours themselves. To be freed; *count may be 0. -ENOMEM.
 */
__attribute__((warn_unused_result)) int config_peered_prefixes(const struct config *config,
							       struct net_prefix **prefixes,
							       uint32_t *count);

/* The custom (APIPA) addresses of an instance's speaker; NULL: none are configured. */
const struct config_bgp_addresses *config_bgp_addresses(const struct config_gateway *gateway,
							uint32_t instance);
/* Our address for a peer with an APIPA one: the connection's choice for this instance, else the
 * instance's first; NULL: neither has one. */
const struct net_addr *config_custom_bgp(const struct config_gateway *gateway,
					 const struct config_connection *connection,
					 uint32_t instance);
/* Its IPv4 GatewaySubnet, or NULL. */
const struct net_prefix *config_gateway_subnet(const struct config *config,
					       const struct config_gateway *gateway);

/* One of its public addresses lies on a port of this appliance. */
bool config_gateway_is_ours(const struct config *config, const struct config_gateway *gateway);

/*
 * Loads a whole configuration. -EINVAL with the reasons in the report; -ENOMEM; from a file also
 * what open and read give. `previous` (may be NULL) lends generated keys and revisions of what did
 * not change; the new snapshot has revision previous + 1.
 */
struct config_source {
	const struct sku_catalogue *catalogue; /* NULL: previous's, else the built-in one */
	const struct config *previous;
	bool lenient;  /* unknown keys are warnings, as in REST */
	bool complete; /* a password that is not in it is none: it is not `previous`'s */
};
__attribute__((warn_unused_result)) int config_load_text(struct config **config,
							 const struct config_source *source,
							 const char *text, size_t n,
							 struct config_report *report);
__attribute__((warn_unused_result)) int config_load_file(struct config **config,
							 const struct config_source *source,
							 const char *path,
							 struct config_report *report);
/* The embedded default: config/demo.json. */
struct span config_demo_text(void);
