/*
 * What a gateway's body says beyond its configuration, and that it can be put back as it is.
 */
#include "config_edit.h"

#include "control/config/build.h"
#include "control/config/print.h"
#include "control/rest/gateway.h"

#define GW_P "/virtualNetworkGateways/0/properties"
#define RULE                                                                                       \
	GW_P "/natRules=[{'name':'r','properties':{'internalMappings':[{'addressSpace':"           \
	     "'10.0.1.0/24'}],'externalMappings':[{'addressSpace':'100.64.1.0/24'}],"              \
	     "'ipConfigurationId':'default'}}]\n"
#define STANDBY GW_P "/activeActive=false\n" GW_P "/ipConfigurations/1=-\n"

static const struct {
	const char *edits;
	const char *peering; /* NULL: no settings are shown */
	const char *first;   /* private address of the first instance */
	const char *custom;
	int addresses;
} cases[] = {
	{ "", NULL, "10.0.255.4", "", 2 },
	{ GW_P "/enableBgp=true", "10.0.255.4,10.0.255.5", "10.0.255.4", "", 2 },
	{ STANDBY GW_P "/enableBgp=true", "10.0.255.30", "10.0.255.30", "", 1 },
	{ RULE GW_P "/bgpSettings={'asn':65001,'holdSeconds':9}", "10.0.255.4,10.0.255.5",
	  "10.0.255.4", "", 2 },
	{ GW_P "/bgpSettings={'asn':65515,'bgpPeeringAddresses':[{'ipconfigurationId':'default',"
	       "'customBgpIpAddresses':['169.254.21.7']},{'ipconfigurationId':'activeActive'}]}",
	  "10.0.255.4,10.0.255.5", "10.0.255.4", "169.254.21.7", 2 },
};

static bool shown(void *context, const struct config_print_place *place, struct json_out *out)
{
	return rest_gateway_print(context, place, out);
}

static cJSON *body_of(struct config *config)
{
	struct config_print print = { .shape = CONFIG_PRINT_BODY,
				      .status = shown,
				      .context = config };
	struct json_out out;
	cJSON *json;

	json_out_init(&out);
	config_print_resource(&print, config_at(config, CONFIG_GATEWAY, 0), NULL, &out);
	json = cJSON_Parse(json_out_text(&out));
	json_out_fini(&out);
	assert_non_null(json);
	return json;
}

static const char *text_of(const cJSON *item)
{
	return cJSON_IsString(item) ? item->valuestring : "";
}

static void check_body(const cJSON *json, size_t i)
{
	const cJSON *properties = cJSON_GetObjectItem(json, "properties");
	const cJSON *settings = cJSON_GetObjectItem(properties, "bgpSettings");
	const cJSON *all = cJSON_GetObjectItem(settings, "bgpPeeringAddresses");
	const cJSON *first = cJSON_GetArrayItem(all, 0);
	const cJSON *ip =
		cJSON_GetArrayItem(cJSON_GetObjectItem(properties, "ipConfigurations"), 0);

	assert_string_equal(text_of(cJSON_GetObjectItem(cJSON_GetObjectItem(ip, "properties"),
							"privateIPAddress")),
			    cases[i].first);
	assert_int_equal(settings != NULL, cases[i].peering != NULL);
	if (!settings)
		return;
	assert_string_equal(text_of(cJSON_GetObjectItem(settings, "bgpPeeringAddress")),
			    cases[i].peering);
	assert_int_equal(cJSON_GetArraySize(all), cases[i].addresses);
	assert_non_null(strstr(text_of(cJSON_GetObjectItem(first, "ipconfigurationId")),
			       "/virtualNetworkGateways/gw/ipConfigurations/default"));
	assert_string_equal(text_of(cJSON_GetObjectItem(first, "defaultBgpIpAddresses")->child),
			    cases[i].first);
	assert_string_equal(text_of(cJSON_GetObjectItem(first, "tunnelIpAddresses")->child),
			    "192.0.2.1");
	assert_string_equal(text_of(cJSON_GetObjectItem(first, "customBgpIpAddresses")->child),
			    cases[i].custom);
}

/* What GET gave, put back without its NAT rules: the same object as before. */
static void put_back(struct config *config, cJSON *json)
{
	const struct config_resource *was = config_at(config, CONFIG_GATEWAY, 0);
	struct config_build_options options = { .previous = config, .lenient = true };
	struct config_body body = {
		.kind = CONFIG_GATEWAY, .id = was->id, .origin = "", .json = json
	};
	struct config_report report;
	struct config_build *build;
	struct config *next = NULL;

	cJSON_DeleteItemFromObject(cJSON_GetObjectItem(json, "properties"), "natRules");
	rest_gateway_body(was, json);
	config_report_init(&report);
	assert_int_equal(config_build_begin(&build, &options, &report), 0);
	assert_int_equal(config_build_put(build, &body), 0);
	if (config_build_end(build, &next))
		config_test_print(&report);
	assert_non_null(next);
	assert_ptr_equal(config_at(next, CONFIG_GATEWAY, 0), was);
	config_report_fini(&report);
	config_put(next);
}

static void test_body_can_be_put_back(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *config = NULL;
		struct config_report report;
		cJSON *json;

		config_report_init(&report);
		if (config_edit_load(&config, NULL, cases[i].edits, &report))
			config_test_print(&report);
		assert_non_null(config);
		json = body_of(config);
		check_body(json, i);
		put_back(config, json);
		cJSON_Delete(json);
		config_put(config);
		config_report_fini(&report);
	}
}

/* Settings that say something stay, and what is no object harms nobody. */
static void test_what_is_meant_stays(void **state)
{
	static const struct {
		const char *body;
		const char *kept;
	} rows[] = {
		{ "{'properties':{'bgpSettings':{'asn':65001,'bgpPeeringAddress':'a,b'}}}",
		  "{\"properties\":{\"bgpSettings\":{\"asn\":65001}}}" },
		{ "{'properties':{'bgpSettings':{'asn':65515,'holdSeconds':9}}}",
		  "{\"properties\":{\"bgpSettings\":{\"asn\":65515,\"holdSeconds\":9}}}" },
		{ "{'properties':{'bgpSettings':[1]}}", "{\"properties\":{\"bgpSettings\":[1]}}" },
		{ "{'properties':1}", "{\"properties\":1}" },
		{ "[]", "[]" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = config_test_json(rows[i].body);
		cJSON *json = cJSON_Parse(text);
		char *now;

		rest_gateway_body(NULL, json);
		now = cJSON_PrintUnformatted(json);
		assert_string_equal(now, rows[i].kept);
		cJSON_free(now);
		cJSON_Delete(json);
		free(text);
	}
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
		cmocka_unit_test(test_body_can_be_put_back),
		cmocka_unit_test(test_what_is_meant_stays),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
