/*
 * NAT rules of a gateway: what is taken, and what is wrong with those that are not.
 */
#include "config_edit.h"

#include "control/config/print.h"

#define RULES "/virtualNetworkGateways/0/properties/natRules"
#define RULE(n, type, mode, from, to, of)                                                          \
	RULES "/" #n "={'name':'r" #n "','properties':{'type':'" type "','mode':'" mode            \
	      "','internalMappings':[" from "],'externalMappings':[" to "],"                       \
	      "'ipConfigurationId':'" of "'}}\n"
#define SPACE(prefix) "{'addressSpace':'" prefix "'}"
#define PORTS(prefix, range) "{'addressSpace':'" prefix "','portRange':'" range "'}"
#define EGRESS(n, from, to) RULE(n, "Static", "EgressSnat", SPACE(from), SPACE(to), "default")
#define P(n, path) RULES "/" #n "/properties/" path
#define TO(n) P(n, "externalMappings/0/addressSpace")

static const struct {
	const char *edits;
	const char *pointer; /* NULL: it is taken */
	const char *code;
} rows[] = {
	{ EGRESS(0, "10.0.1.0/24", "100.64.1.0/24"), NULL },
	{ EGRESS(0, "10.0.1.0/24", "100.64.1.0/25"), TO(0), "InvalidParameter" },
	{ EGRESS(0, "10.0.1.0/24", "2001:db8::/24"), TO(0), "InvalidParameter" },
	/* names */
	{ EGRESS(0, "10.0.1.0/24", "100.64.1.0/24") EGRESS(1, "10.0.2.0/24", "100.64.2.0/24") RULES
	  "/1/name='R0'",
	  RULES "/1/name", "NameNotUnique" },
	{ EGRESS(0, "10.0.1.0/24", "100.64.1.0/24") RULES "/0/name='a/b'", RULES "/0/name",
	  "InvalidResourceName" },
	{ EGRESS(0, "10.0.1.0/24", "100.64.1.0/24") RULES "/0/name=-", RULES "/0/name",
	  "InvalidRequestContent" },
	/* dynamic: a small IPv4 prefix outside, no ports */
	{ RULE(0, "Dynamic", "IngressSnat", SPACE("10.1.0.0/16"), SPACE("100.64.0.0/26"),
	       "default"),
	  NULL },
	{ RULE(0, "Dynamic", "EgressSnat", SPACE("10.0.0.0/16"), SPACE("100.64.0.0/25"), "default"),
	  TO(0), "InvalidParameter" },
	{ RULE(0, "Dynamic", "EgressSnat", SPACE("2001:db8::/64"), SPACE("2001:db8:1::/64"),
	       "default"),
	  TO(0), "InvalidParameter" },
	{ RULE(0, "Dynamic", "EgressSnat", SPACE("10.0.0.0/16"), PORTS("100.64.0.0/32", "1-9"),
	       "default"),
	  P(0, "externalMappings/0/portRange"), "InvalidParameter" },
	/* port ranges of static rules */
	{ RULE(0, "Static", "EgressSnat", PORTS("10.0.1.7/32", "80"),
	       PORTS("100.64.1.1/32", "8080"), "default"),
	  NULL },
	{ RULE(0, "Static", "EgressSnat", PORTS("10.0.1.7/32", "80-89"),
	       PORTS("100.64.1.1/32", "8080-8088"), "default"),
	  P(0, "externalMappings/0/portRange"), "InvalidParameter" },
	{ RULE(0, "Static", "EgressSnat", SPACE("10.0.1.7/32"), PORTS("100.64.1.1/32", "80"),
	       "default"),
	  P(0, "externalMappings/0/portRange"), "InvalidParameter" },
	{ RULE(0, "Static", "EgressSnat", PORTS("10.0.1.7/32", "0-10"),
	       PORTS("100.64.1.1/32", "0-10"), "default"),
	  P(0, "internalMappings/0/portRange"), "InvalidParameter" },
	{ RULE(0, "Static", "EgressSnat", PORTS("10.0.1.7/32", "300-200"),
	       PORTS("100.64.1.1/32", "1"), "default"),
	  P(0, "internalMappings/0/portRange"), "InvalidParameter" },
	{ RULE(0, "Static", "EgressSnat", PORTS("10.0.1.7/32", "1-65536"),
	       PORTS("100.64.1.1/32", "1"), "default"),
	  P(0, "internalMappings/0/portRange"), "InvalidParameter" },
	{ RULE(0, "Static", "EgressSnat", PORTS("10.0.1.7/32", "-1"), PORTS("100.64.1.1/32", "1"),
	       "default"),
	  P(0, "internalMappings/0/portRange"), "InvalidParameter" },
	{ RULE(0, "Static", "EgressSnat", PORTS("10.0.1.7/32", "1-2x"), PORTS("100.64.1.1/32", "1"),
	       "default"),
	  P(0, "internalMappings/0/portRange"), "InvalidParameter" },
	/* external mappings do not overlap: not one another, not our network */
	{ EGRESS(0, "10.0.1.0/24", "100.64.1.0/24") EGRESS(1, "10.0.2.0/24", "100.64.1.0/24"),
	  TO(1), "AddressSpaceOverlap" },
	{ EGRESS(0, "10.0.1.0/24", "100.64.1.0/24")
		  RULE(1, "Static", "EgressSnat", SPACE("10.0.1.0/24"), SPACE("100.64.1.0/24"),
		       "activeActive"),
	  NULL },
	{ EGRESS(0, "10.0.1.0/24", "100.64.1.0/24")
		  RULE(1, "Static", "IngressSnat", SPACE("10.1.1.0/24"), SPACE("100.64.1.0/24"),
		       "default"),
	  NULL },
	{ RULE(0, "Static", "EgressSnat", PORTS("10.0.1.7/32", "80"), PORTS("100.64.1.1/32", "80"),
	       "default") RULE(1, "Static", "EgressSnat", PORTS("10.0.1.8/32", "80"),
			       PORTS("100.64.1.1/32", "81"), "default"),
	  NULL },
	{ RULE(0, "Static", "EgressSnat", PORTS("10.0.1.7/32", "80"), PORTS("100.64.1.1/32", "80"),
	       "default") RULE(1, "Static", "EgressSnat", PORTS("10.0.1.8/32", "80"),
			       PORTS("100.64.1.1/32", "80"), "default"),
	  TO(1), "AddressSpaceOverlap" },
	{ EGRESS(0, "10.0.1.0/24", "10.0.2.0/24"), TO(0), "AddressSpaceOverlap" },
	/* the instance */
	{ RULE(0, "Static", "EgressSnat", SPACE("10.0.1.0/24"), SPACE("100.64.1.0/24"), ""),
	  P(0, "ipConfigurationId"), "InvalidRequestContent" },
	{ RULE(0, "Static", "EgressSnat", SPACE("10.0.1.0/24"), SPACE("100.64.1.0/24"), "third"),
	  P(0, "ipConfigurationId"), "InvalidResourceReference" },
	{ RULE(0, "Static", "EgressSnat", SPACE("10.0.1.0/24"), SPACE("100.64.1.0/24"),
	       "gw2/default"),
	  P(0, "ipConfigurationId"), "InvalidResourceReference" },
	/* shapes */
	{ EGRESS(0, "10.0.1.0/24", "100.64.1.0/24") P(0, "externalMappings=[]"),
	  P(0, "externalMappings"), "InvalidParameter" },
	{ EGRESS(0, "10.0.1.0/24", "100.64.1.0/24") P(0, "internalMappings=-"),
	  P(0, "internalMappings"), "InvalidRequestContent" },
	{ EGRESS(0, "10.0.1.0/24", "100.64.1.0/24") P(0, "mode='DestinationNat'"), P(0, "mode"),
	  "InvalidParameter" },
	{ EGRESS(0, "10.0.1.0/24", "100.64.1.0/24") "/virtualNetworkGateways/0/properties/sku/name="
						    "'VpnGw1'",
	  RULES, "GatewaySkuDoesNotSupportFeature" },
	/* no effect without a connection, and a connection may not yet */
	{ EGRESS(0, "10.0.1.0/24", "100.64.1.0/24") "/connections/0/properties/egressNatRules="
						    "[{'id':'gw/r0'}]",
	  "/connections/0/properties/egressNatRules", "FeatureNotImplemented" },
};

static void test_rules(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_report report;
		struct config *config = NULL;
		char edits[2048];
		int status;

		snprintf(edits, sizeof(edits), RULES "=[]\n%s", rows[i].edits);
		config_report_init(&report);
		status = config_edit_load(&config, NULL, edits, &report);
		if (!rows[i].pointer ? status != 0
				     : !config_test_found(&report, rows[i].pointer, rows[i].code)) {
			print_message("row %zu: %s\n", i, rows[i].edits);
			config_test_print(&report);
			fail();
		}
		assert_int_equal(status, rows[i].pointer ? -EINVAL : 0);
		config_put(config);
		config_report_fini(&report);
	}
}

/* A part has an id and a type of its own, and comes back as it was. */
static void test_printed(void **state)
{
	struct config_print print = { .shape = CONFIG_PRINT_BODY };
	struct config_report report;
	struct config *config = NULL;
	struct json_out out;

	config_report_init(&report);
	assert_int_equal(config_edit_load(&config, NULL,
					  RULES "=[]\n" EGRESS(0, "10.0.1.0/24", "100.64.1.0/24"),
					  &report),
			 0);
	json_out_init(&out);
	config_print_resource(&print, config_at(config, CONFIG_GATEWAY, 0), NULL, &out);
	assert_non_null(strstr(json_out_text(&out), "/virtualNetworkGateways/gw/natRules/r0\""));
	assert_non_null(strstr(json_out_text(&out),
			       "\"Microsoft.Network/virtualNetworkGateways/natRules\""));
	assert_non_null(
		strstr(json_out_text(&out), "\"Microsoft.Network/virtualNetworkGateways\""));
	assert_non_null(strstr(json_out_text(&out),
			       "\"externalMappings\":[{\"addressSpace\":\"100.64.1.0/24\"}]"));
	json_out_fini(&out);
	config_put(config);
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
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_printed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
