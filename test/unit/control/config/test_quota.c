/*
 * What a SKU carries is what it carries: for every SKU of the catalogue as many connections as its
 * row says and not one more, the features of its row and no other, and a smaller SKU refused with
 * everything that exceeds it.
 */
#include "config_edit.h"

#include "control/config/build.h"
#include "control/config/sku.h"

#include "base/text.h"

#define GW_P "/virtualNetworkGateways/0/properties"
#define OF_BASE 3 /* connections of the gateway in config_edit_base */
#define POLICY                                                                                     \
	"[{'saLifeTimeSeconds':27000,'saDataSizeKilobytes':102400000,'ipsecEncryption':"           \
	"'GCMAES256','ipsecIntegrity':'GCMAES256','ikeEncryption':'AES256','ikeIntegrity':"        \
	"'SHA384','dhGroup':'ECP384','pfsGroup':'ECP384'}]"

static void edit_sku(struct text *edits, const struct sku *sku, bool active)
{
	text_add(edits, GW_P "/sku/name='%s'\n", sku->name);
	if (sku->generation)
		text_add(edits, GW_P "/vpnGatewayGeneration='Generation%d'\n", sku->generation);
	if (sku_has(sku, SKU_ZONES) && sku->generation)
		text_add(edits, "/publicIPAddresses/0/zones=['1']\n"
				"/publicIPAddresses/1/zones=['1']\n");
	if (!active)
		text_add(edits, GW_P "/activeActive=false\n" GW_P "/ipConfigurations/1=-\n");
}

static void edit_connections(struct text *edits, int64_t count)
{
	for (int64_t i = OF_BASE; i < count; i++)
		text_add(edits,
			 "/localNetworkGateways/%d={'name':'s%d','properties':{'gatewayIpAddress':"
			 "'198.51.100.%d','localNetworkAddressSpace':{'addressPrefixes':"
			 "['10.10.%d.0/24']}}}\n"
			 "/connections/%d={'name':'c%d','properties':{'virtualNetworkGateway1':"
			 "'gw','localNetworkGateway2':'s%d','connectionType':'IPsec','sharedKey':"
			 "'Key%d'}}\n",
			 (int)i - 1, (int)i, (int)i, (int)i, (int)i, (int)i, (int)i, (int)i);
}

static struct config *load(struct text *edits, const struct config *previous,
			   struct config_report *report)
{
	struct config *config = NULL;

	config_report_init(report);
	assert_false(edits->failed);
	if (config_edit_load(&config, previous, text_get(edits), report) < 0)
		assert_null(config);
	text_fini(edits);
	return config;
}

static void refused_for_count(struct text *edits, const struct sku *sku)
{
	struct config_report report;
	char count[64];

	assert_null(load(edits, NULL, &report));
	assert_int_equal(report.error_count, 1);
	assert_string_equal(report.errors[0].code, "QuotaExceeded");
	assert_string_equal(report.errors[0].pointer, GW_P "/sku/name");
	snprintf(count, sizeof(count), "SKU %s carries %lld connections", sku->name,
		 (long long)sku->tunnels);
	assert_non_null(strstr(report.errors[0].message, count));
	config_report_fini(&report);
}

/* With all that the SKU carries running, one connection more comes: it is told of that one. */
static void refuses_one_more(const struct config *full, const struct sku *sku)
{
	struct config_build_options options = { .previous = full };
	struct config_body site = { .kind = CONFIG_LOCAL_GATEWAY, .id = "more", .origin = "" };
	struct config_body connection = { .kind = CONFIG_CONNECTION, .id = "more", .origin = "" };
	cJSON *json[2] = {
		cJSON_Parse(
			"{\"properties\":{\"gatewayIpAddress\":\"203.0.113.200\","
			"\"localNetworkAddressSpace\":{\"addressPrefixes\":[\"10.77.0.0/16\"]}}}"),
		cJSON_Parse("{\"properties\":{\"virtualNetworkGateway1\":{\"id\":\"gw\"},"
			    "\"localNetworkGateway2\":{\"id\":\"more\"},"
			    "\"connectionType\":\"IPsec\"}}"),
	};
	struct config_report report;
	struct config_build *build;
	struct config *config;

	config_report_init(&report);
	site.json = json[0];
	connection.json = json[1];
	assert_int_equal(config_build_begin(&build, &options, &report), 0);
	assert_int_equal(config_build_put(build, &site), 0);
	assert_int_equal(config_build_put(build, &connection), 0);
	assert_int_equal(config_build_end(build, &config), -EINVAL);
	assert_int_equal(report.error_count, 1);
	assert_string_equal(report.errors[0].code, "QuotaExceeded");
	assert_string_equal(report.errors[0].pointer, "/properties/virtualNetworkGateway1");
	assert_non_null(strstr(report.errors[0].message, sku->name));
	config_report_fini(&report);
	cJSON_Delete(json[0]);
	cJSON_Delete(json[1]);
}

static void carries(const struct sku *sku, bool active)
{
	struct config_report report;
	struct text edits = { 0 };
	struct config *config;

	edit_sku(&edits, sku, active);
	edit_connections(&edits, sku->tunnels);
	config = load(&edits, NULL, &report);
	if (!config)
		config_test_print(&report);
	assert_non_null(config);
	assert_int_equal(config_count(config, CONFIG_CONNECTION), sku->tunnels);
	refuses_one_more(config, sku);
	config_put(config);
	config_report_fini(&report);
	edit_sku(&edits, sku, active);
	edit_connections(&edits, sku->tunnels + 1);
	refused_for_count(&edits, sku);
}

static struct sku_catalogue *catalogue(void)
{
	struct sku_catalogue *all = NULL;
	struct config_report report;

	config_report_init(&report);
	assert_int_equal(sku_catalogue_load(&all, NULL, &report), 0);
	config_report_fini(&report);
	assert_int_equal(all->skus.count, 18);
	return all;
}

/* A connection counts once: those of an active-active gateway have two tunnels each. */
static void test_counts(void **state)
{
	struct sku_catalogue *all = catalogue();

	for (uint32_t i = 0; i < all->skus.count; i++) {
		const struct sku *sku = &all->skus.items[i];

		if (!strcmp(sku->name, SKU_NONE))
			continue;
		assert_true(sku->tunnels == 10 || sku->tunnels == 30 || sku->tunnels == 100);
		carries(sku, false);
		if (sku_has(sku, SKU_ACTIVE_ACTIVE))
			carries(sku, true);
	}
	sku_catalogue_put(all);
}

static void test_none_has_no_limit(void **state)
{
	struct config_report report;
	struct text edits = { 0 };
	struct config *config;

	text_add(&edits, GW_P "/sku/name='none'\n");
	edit_connections(&edits, 200);
	config = load(&edits, NULL, &report);
	assert_non_null(config);
	config_put(config);
	config_report_fini(&report);
}

static const struct {
	enum sku_feature feature;
	const char *edit;
	const char *pointer;
} features[] = {
	{ SKU_BGP, GW_P "/enableBgp=true", GW_P "/enableBgp" },
	{ SKU_ACTIVE_ACTIVE, "", GW_P "/activeActive" },
	{ SKU_IPSEC_POLICIES, "/connections/0/properties/ipsecPolicies=" POLICY,
	  "/connections/0/properties/ipsecPolicies" },
	{ SKU_POLICY_SELECTORS, "/connections/0/properties/usePolicyBasedTrafficSelectors=true",
	  "/connections/0/properties/usePolicyBasedTrafficSelectors" },
};

/* Refused exactly where the catalogue's row does not have it. */
static void feature_of(const struct sku *sku, size_t f)
{
	bool active = features[f].feature == SKU_ACTIVE_ACTIVE;
	const struct config_finding *found;
	struct config_report report;
	struct text edits = { 0 };
	struct config *config;

	edit_sku(&edits, sku, active);
	text_add(&edits, "%s", features[f].edit);
	config = load(&edits, NULL, &report);
	found = config_test_found(&report, features[f].pointer, "GatewaySkuDoesNotSupportFeature");
	if (sku_has(sku, features[f].feature))
		assert_non_null(config);
	else
		assert_non_null(found);
	config_put(config);
	config_report_fini(&report);
}

static void test_features(void **state)
{
	struct sku_catalogue *all = catalogue();

	for (uint32_t i = 0; i < all->skus.count; i++)
		for (size_t f = 0; f < sizeof(features) / sizeof(features[0]); f++)
			feature_of(&all->skus.items[i], f);
	sku_catalogue_put(all);
}

/* Addresses with zones go with SKUs that have them, and only with those. */
static void test_zones(void **state)
{
	static const struct {
		const char *edits;
		const char *code;
	} cases[] = {
		{ GW_P "/sku/name='VpnGw1AZ'\n", "VmssVpnGatewayPublicIpsMustHaveZonesConfigured" },
		{ GW_P "/sku/name='VpnGw1'\n/publicIPAddresses/0/zones=['1']\n"
		       "/publicIPAddresses/1/zones=['1']\n",
		  "NonVmssVpnGatewayPublicIpsMustNotHaveZones" },
	};

	for (size_t i = 0; i < 2; i++) {
		struct config_report report;
		struct text edits = { 0 };

		text_add(&edits, "%s", cases[i].edits);
		assert_null(load(&edits, NULL, &report));
		assert_non_null(config_test_found(
			&report, GW_P "/ipConfigurations/0/properties/publicIPAddress",
			cases[i].code));
		config_report_fini(&report);
	}
}

/* HighPerformance with eleven connections, active-active: Standard has ten, and not that. */
static void test_smaller_sku_lists_all(void **state)
{
	static const struct sku large = { .name = "HighPerformance" },
				small = { .name = "Standard" };
	struct config_report report;
	struct text edits = { 0 };
	struct config *base;

	edit_sku(&edits, &large, true);
	edit_connections(&edits, 11);
	base = load(&edits, NULL, &report);
	if (!base)
		config_test_print(&report);
	assert_non_null(base);
	config_report_fini(&report);
	edit_sku(&edits, &small, true);
	edit_connections(&edits, 11);
	assert_null(load(&edits, base, &report));
	assert_int_equal(report.error_count, 2);
	assert_non_null(config_test_found(&report, GW_P "/sku/name", "QuotaExceeded"));
	assert_non_null(config_test_found(&report, GW_P "/activeActive",
					  "GatewaySkuDoesNotSupportFeature"));
	config_put(base);
	config_report_fini(&report);
}

/* In place between all of them, but to and from Basic and across generations. */
static void test_resizes(void **state)
{
	struct sku_catalogue *all = catalogue();

	for (uint32_t a = 0; a < all->skus.count; a++)
		for (uint32_t b = 0; b < all->skus.count; b++) {
			const struct sku *from = &all->skus.items[a], *to = &all->skus.items[b];
			bool basic = !strcmp(from->name, "Basic") != !strcmp(to->name, "Basic");
			bool across = from->generation && to->generation &&
				      from->generation != to->generation;

			assert_int_equal(sku_resizable(from, to), !basic && !across);
		}
	sku_catalogue_put(all);
}

static int set_up(void **state)
{
	return secret_pool_init(1 << 20);
}

static int tear_down(void **state)
{
	secret_pool_fini();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_none_has_no_limit),
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_smaller_sku_lists_all),
		cmocka_unit_test(test_resizes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
