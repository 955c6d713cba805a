#pragma once
/*
 * The catalogue of SKUs: the built-in one (config/skus.json) or a file in its place.
 */
#include "control/config/config.h"

enum sku_feature {
	SKU_ROUTE_BASED,
	SKU_POLICY_BASED,
	SKU_BGP,
	SKU_ACTIVE_ACTIVE,
	SKU_ZONES,
	SKU_IPSEC_POLICIES,
	SKU_POLICY_SELECTORS,
	SKU_NAT,
	SKU_IKEV1,
	SKU_RADIUS,
	SKU_ENTRA,
	SKU_COEXISTENCE,
	SKU_IPV6,
	SKU_CERTIFICATES,
	SKU_PRIVATE_IP,
	SKU_HIGH_BANDWIDTH,
	SKU_FEATURES
};

#define SKU_NONE "none" /* ours: no limits */

struct sku {
	const char *name;
	const char *family;	 /* a resize stays in it: "vpngw", "basic", "legacy", "own" */
	int generation;		 /* enum config_generation */
	int64_t throughput_mbps; /* 0: no limit, also below */
	int64_t tunnels;
	int64_t clients_sstp;
	int64_t clients_ike_openvpn;
	CONFIG_ARRAY(int) features; /* enum sku_feature */
};

struct sku_catalogue {
	uint32_t references;
	struct config_arena arena;
	CONFIG_ARRAY(struct sku) skus;
};

/* `path` NULL: the built-in one. -EINVAL with the report, -ENOMEM, or what reading gives. */
__attribute__((warn_unused_result)) int sku_catalogue_load(struct sku_catalogue **catalogue,
							   const char *path,
							   struct config_report *report);
__attribute__((warn_unused_result)) int sku_catalogue_parse(struct sku_catalogue **catalogue,
							    struct span text,
							    struct config_report *report);
/* The one that this text of a configuration file names in appliance.skuFile, else the built-in. */
__attribute__((warn_unused_result)) int sku_catalogue_named(struct sku_catalogue **catalogue,
							    const char *text, size_t n,
							    struct config_report *report);
struct sku_catalogue *sku_catalogue_get(const struct sku_catalogue *catalogue);
void sku_catalogue_put(const struct sku_catalogue *catalogue); /* NULL is fine */

/* Name without case; generation None: the first that has this name. NULL when there is none. */
const struct sku *sku_find(const struct sku_catalogue *catalogue, const char *name,
			   enum config_generation generation);
const struct sku *sku_of_gateway(const struct config *config, const struct config_gateway *gateway);
bool sku_has(const struct sku *sku, enum sku_feature feature);
/* How many connections a gateway of this SKU may have; 0: no limit. */
int64_t sku_connections(const struct sku *sku, const struct config_gateway *gateway);
const char *sku_feature_name(enum sku_feature feature);
/* Whether a gateway may be resized in place. */
bool sku_resizable(const struct sku *from, const struct sku *to);
/* "VpnGw1, VpnGw2, ..." for messages. */
void sku_names(const struct sku_catalogue *catalogue, struct text *out);
