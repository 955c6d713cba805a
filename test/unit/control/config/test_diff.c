#include "config_edit.h"

#include "control/config/diff.h"

struct expected {
	const char *edits;
	const char *lines; /* as config_diff_text() */
};

static const struct expected cases[] = {
	{ "", "" },
	{ "/connections/0/properties/dpdTimeoutSeconds=60",
	  "~ connections/to-a /properties/dpdTimeoutSeconds\n" },
	{ "/connections/0/properties/sharedKey='Other'",
	  "~ connections/to-a /properties/sharedKey; tunnels restart\n" },
	{ "/connections/1=-", "- connections/to-b\n" },
	{ "/localNetworkGateways/0/properties/localNetworkAddressSpace/addressPrefixes/1="
	  "'10.3.0.0/16'",
	  "~ localNetworkGateways/a "
	  "/properties/localNetworkAddressSpace/addressPrefixes\n"
	  "~ connections/to-a (by what it refers to)\n" },
	{ "/localNetworkGateways/0/properties/gatewayIpAddress='198.51.100.9'",
	  "~ localNetworkGateways/a /properties/gatewayIpAddress; tunnels restart\n"
	  "~ connections/to-a (by what it refers to); tunnels restart\n" },
	{ "/localNetworkGateways/2={'name':'c','properties':{'gatewayIpAddress':'198.51.100.3'}}",
	  "+ localNetworkGateways/c\n" },
	{ "/virtualNetworkGateways/0/properties/sku/name='VpnGw3'",
	  "~ virtualNetworkGateways/gw /properties/sku/name\n"
	  "~ connections/to-a (by what it refers to)\n"
	  "~ connections/to-b (by what it refers to)\n"
	  "~ connections/to-spoke (by what it refers to)\n" },
	{ "/appliance/logLevels='debug'", "~ appliance/appliance /logLevels\n" },
	{ "/appliance/idle='rest'", "~ appliance/appliance /idle; in part at the next start\n" },
};

static void test_diff(void **state)
{
	struct config_report report;
	struct config *base = NULL;

	config_report_init(&report);
	assert_int_equal(config_edit_load(&base, NULL, "", &report), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text text = { 0 };
		struct config *config = NULL;
		struct config_diff diff;

		if (config_edit_load(&config, base, cases[i].edits, &report))
			config_test_print(&report);
		assert_non_null(config);
		assert_int_equal(config_diff(&diff, base, config), 0);
		config_diff_text(&diff, &text);
		assert_string_equal(text_get(&text), cases[i].lines);
		config_diff_fini(&diff);
		text_fini(&text);
		config_put(config);
	}
	config_put(base);
	config_report_fini(&report);
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
		cmocka_unit_test(test_diff),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
