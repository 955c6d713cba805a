#include "control/config/sku.h"

#include "control/config/embedded.h"
#include "control/config/file.h"
#include "control/config/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct schema_enum feature_values[] = {
	{ .name = "routeBased", .value = SKU_ROUTE_BASED },
	{ .name = "policyBased", .value = SKU_POLICY_BASED },
	{ .name = "bgp", .value = SKU_BGP },
	{ .name = "activeActive", .value = SKU_ACTIVE_ACTIVE },
	{ .name = "zones", .value = SKU_ZONES },
	{ .name = "ipsecPolicies", .value = SKU_IPSEC_POLICIES },
	{ .name = "policySelectors", .value = SKU_POLICY_SELECTORS },
	{ .name = "nat", .value = SKU_NAT },
	{ .name = "ikev1", .value = SKU_IKEV1 },
	{ .name = "radius", .value = SKU_RADIUS },
	{ .name = "entra", .value = SKU_ENTRA },
	{ .name = "coexistence", .value = SKU_COEXISTENCE },
	{ .name = "ipv6", .value = SKU_IPV6 },
	{ .name = "certificates", .value = SKU_CERTIFICATES },
	{ .name = "privateIp", .value = SKU_PRIVATE_IP },
	{ .name = "highBandwidth", .value = SKU_HIGH_BANDWIDTH },
	{ 0 }
};
#define SKU_TEXT(json_name, member)                                                                \
	{                                                                                          \
		.name = json_name, .type = SCHEMA_STRING, .status = SCHEMA_ENFORCED,               \
		.flags = SCHEMA_REQUIRED, .offset = offsetof(struct sku, member), .min = 1,        \
		.max = 40                                                                          \
	}
#define SKU_LIMIT(json_name, member)                                                               \
	{                                                                                          \
		.name = json_name, .type = SCHEMA_INT, .status = SCHEMA_ENFORCED,                  \
		.flags = SCHEMA_REQUIRED, .offset = offsetof(struct sku, member), .max = 100000000 \
	}

static const struct schema_field sku_rows[] = {
	SKU_TEXT("name", name),
	SKU_TEXT("family", family),
	{ .name = "generation",
	  .type = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  .offset = offsetof(struct sku, generation),
	  .values = schema_generation_values },
	SKU_LIMIT("throughputMbps", throughput_mbps),
	SKU_LIMIT("siteToSiteTunnels", tunnels),
	SKU_LIMIT("clientsSstp", clients_sstp),
	SKU_LIMIT("clientsIkeV2OpenVpn", clients_ike_openvpn),
	{ .name = "features",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_ENUM,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  .offset = offsetof(struct sku, features),
	  .values = feature_values,
	  .max = SKU_FEATURES },
};
static const struct schema_object sku_object = { .name = "SKU",
						 SCHEMA_ROWS(sku_rows),
						 .size = sizeof(struct sku) };
static const struct schema_field catalogue_rows[] = {
	{ .name = "skus",
	  .type = SCHEMA_ARRAY,
	  .element = SCHEMA_OBJECT,
	  .status = SCHEMA_ENFORCED,
	  .flags = SCHEMA_REQUIRED,
	  .offset = offsetof(struct sku_catalogue, skus),
	  .object = &sku_object,
	  .min = 1,
	  .max = 1000 },
};
static const struct schema_object catalogue_object = { .name = "SKU catalogue",
						       SCHEMA_ROWS(catalogue_rows) };

static void check_unique(const struct sku_catalogue *catalogue, struct config_report *report)
{
	for (uint32_t i = 0; i < catalogue->skus.count; i++) {
		const struct sku *one = &catalogue->skus.items[i];
		struct where root = { .root = "/skus" };
		struct where where = where_index(&root, i);

		for (uint32_t k = 0; k < i; k++)
			if (catalogue->skus.items[k].generation == one->generation &&
			    !strcasecmp(catalogue->skus.items[k].name, one->name))
				where_error(report, &where, CODE_CONTENT,
					    "There is already a SKU %s of this generation.",
					    one->name);
	}
	if (!sku_find(catalogue, SKU_NONE, CONFIG_GENERATION_NONE)) {
		struct where where = { .root = "/skus" };

		where_error(report, &where, CODE_CONTENT,
			    "There must be a SKU \"none\": gateways that name no SKU have it.");
	}
}

int sku_catalogue_parse(struct sku_catalogue **out, struct span text, struct config_report *report)
{
	struct sku_catalogue *catalogue = calloc(1, sizeof(*catalogue));
	struct parse parse = { .report = report, .scope = { "", "" } };
	struct where where = { .root = "" };
	uint32_t before = report->error_count;
	cJSON *root = NULL;
	int status;

	if (!catalogue)
		return -ENOMEM;
	catalogue->references = 1;
	parse.arena = &catalogue->arena;
	status = config_json_parse(&root, (const char *)text.p, text.n, report);
	if (!status && !parse_object(&parse, &catalogue_object, root, catalogue, &where))
		status = parse.no_memory ? -ENOMEM : -EINVAL;
	config_json_free(root);
	if (!status)
		check_unique(catalogue, report);
	if (!status && report->error_count != before)
		status = -EINVAL;
	if (status)
		sku_catalogue_put(catalogue);
	else
		*out = catalogue;
	return status;
}

int sku_catalogue_load(struct sku_catalogue **catalogue, const char *path,
		       struct config_report *report)
{
	struct config_file file;
	int status;

	if (!path)
		return sku_catalogue_parse(catalogue, config_embedded_skus, report);
	status = config_file_read(&file, path, report);
	if (status)
		return status;
	status = sku_catalogue_parse(catalogue, (struct span){ (const uint8_t *)file.text, file.n },
				     report);
	config_file_fini(&file);
	return status;
}

/* What is wrong with the text is said by who reads all of it. */
int sku_catalogue_named(struct sku_catalogue **catalogue, const char *text, size_t n,
			struct config_report *report)
{
	struct config_report ignored;
	cJSON *root = NULL;
	const cJSON *path = NULL;
	int status;

	config_report_init(&ignored);
	if (text && !config_json_parse(&root, text, n, &ignored))
		path = cJSON_GetObjectItemCaseSensitive(
			cJSON_GetObjectItemCaseSensitive(root, "appliance"), "skuFile");
	config_report_fini(&ignored);
	status = sku_catalogue_load(catalogue, cJSON_GetStringValue(path), report);
	config_json_free(root);
	return status;
}

struct sku_catalogue *sku_catalogue_get(const struct sku_catalogue *catalogue)
{
	struct sku_catalogue *counted = (struct sku_catalogue *)catalogue;

	counted->references++;
	return counted;
}

void sku_catalogue_put(const struct sku_catalogue *catalogue)
{
	struct sku_catalogue *counted = (struct sku_catalogue *)catalogue;

	if (!counted || --counted->references)
		return;
	config_arena_fini(&counted->arena);
	free(counted);
}

const struct sku *sku_find(const struct sku_catalogue *catalogue, const char *name,
			   enum config_generation generation)
{
	for (uint32_t i = 0; i < catalogue->skus.count; i++) {
		const struct sku *sku = &catalogue->skus.items[i];

		if (strcasecmp(sku->name, name))
			continue;
		if (!generation || !sku->generation || sku->generation == (int)generation)
			return sku;
	}
	return NULL;
}

const struct sku *sku_of_gateway(const struct config *config, const struct config_gateway *gateway)
{
	return sku_find(config->catalogue, gateway->sku.name, gateway->generation);
}

bool sku_has(const struct sku *sku, enum sku_feature feature)
{
	for (uint32_t i = 0; i < sku->features.count; i++)
		if (sku->features.items[i] == (int)feature)
			return true;
	return false;
}

/* IKEv1 with policy-based selectors is one tunnel, whatever the SKU carries otherwise. */
int64_t sku_connections(const struct sku *sku, const struct config_gateway *gateway)
{
	bool one = gateway->vpn_type == CONFIG_POLICY_BASED && !strcmp(sku->family, "basic");

	return one ? 1 : sku->tunnels;
}

const char *sku_feature_name(enum sku_feature feature)
{
	return schema_enum_name(feature_values, feature);
}

bool sku_resizable(const struct sku *from, const struct sku *to)
{
	if (!strcmp(from->family, "basic") || !strcmp(to->family, "basic"))
		return !strcasecmp(from->name, to->name);
	return !from->generation || !to->generation || from->generation == to->generation;
}

void sku_names(const struct sku_catalogue *catalogue, struct text *out)
{
	for (uint32_t i = 0; i < catalogue->skus.count; i++) {
		const struct sku *sku = &catalogue->skus.items[i];

		if (sku_find(catalogue, sku->name, CONFIG_GENERATION_NONE) == sku)
			text_add(out, "%s%s", out->n ? ", " : "", sku->name);
	}
}
