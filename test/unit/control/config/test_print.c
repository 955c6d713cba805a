#include "config_edit.h"

#include "control/config/build.h"
#include "control/config/print.h"

static const char *const rich =
	"/connections/0/properties/ipsecPolicies=[{'saLifeTimeSeconds':27000,"
	"'saDataSizeKilobytes':102400000,'ipsecEncryption':'GCMAES256','ipsecIntegrity':"
	"'GCMAES256','ikeEncryption':'AES256','ikeIntegrity':'SHA384','dhGroup':'ECP384',"
	"'pfsGroup':'ECP384'}]\n"
	"/connections/0/tags={'owner':'a \\'quoted\\' name'}\n"
	"/connections/0/location='site1'\n"
	"/connections/0/properties/limits={'bitsPerSecond':1000000000,'direction':'each'}\n"
	"/connections/0/properties/remoteId='branch.example'\n"
	"/connections/1/properties/usePolicyBasedTrafficSelectors=true\n"
	"/connections/1/properties/trafficSelectorPolicies=[{'localAddressRanges':['10.0.0.0/16'],"
	"'remoteAddressRanges':['10.2.0.0/24','10.2.1.0/24']}]\n"
	"/virtualNetworkGateways/0/properties/bgpSettings={'asn':65010,'bgpPeeringAddresses':["
	"{'ipconfigurationId':'default','customBgpIpAddresses':['169.254.21.10']},"
	"{'ipconfigurationId':'activeActive'}]}\n"
	"/virtualNetworkGateways/0/properties/gatewayDefaultSite='a'\n"
	"/appliance/api/tokens=[{'name':'t','role':'admin','hash':"
	"'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',"
	"'expires':'2027-01-31T00:00:00Z'}]\n"
	"/appliance/cores={'control':0,'workers':[1,2]}\n"
	"/virtualNetworks/0/properties/virtualNetworkPeerings=[{'name':'to-spoke','properties':{"
	"'remoteVirtualNetwork':{'id':'spoke'},'allowGatewayTransit':true}}]\n"
	"/localNetworkGateways/2={'id':'/subscriptions/s1/resourceGroups/other/providers/"
	"Microsoft.Network/localNetworkGateways/far','properties':{'gatewayIpAddress':"
	"'2001:db8::1'}}";

static struct config *load_rich(struct config_report *report)
{
	struct config *config = NULL;

	if (config_edit_load(&config, NULL, rich, report))
		config_test_print(report);
	assert_non_null(config);
	return config;
}

/* What an export says is what was said. */
static void test_round_trip(void **state)
{
	struct config_source source = { 0 };
	struct config_report report;
	struct config *config, *again = NULL;
	struct json_out out;

	config_report_init(&report);
	json_out_init(&out);
	config = load_rich(&report);
	out.pretty = true;
	config_print_file(config, true, &out);
	if (config_load_text(&again, &source, json_out_text(&out), out.n, &report))
		config_test_print(&report);
	assert_non_null(again);
	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		assert_int_equal(config_count(config, kind), config_count(again, kind));
		for (uint32_t i = 0; i < config_count(config, kind); i++)
			assert_true(config_resource_equal(config_at(config, kind, i),
							  config_at(again, kind, i)));
	}
	json_out_fini(&out);
	json_out_init(&out);
	config_print_file(config, false, &out);
	assert_null(strstr(json_out_text(&out), "KeyFor"));
	assert_null(strstr(json_out_text(&out), "sharedKey"));
	json_out_fini(&out);
	config_put(again);
	config_put(config);
	config_report_fini(&report);
}

static bool status_of(void *context, const struct config_print_place *place, struct json_out *out)
{
	if (!strcmp(place->name, "connectionStatus")) {
		json_out_string(out, place->name, "Connected");
		return true;
	}
	if (!strcmp(place->name, "privateIPAddress")) {
		const struct config_ip_configuration *ip = place->element;

		json_out_string(out, place->name, ip->name);
		return true;
	}
	return false;
}

static cJSON *body_of(const struct config_resource *resource)
{
	struct config_print print = { .shape = CONFIG_PRINT_BODY,
				      .secrets = true, /* and still none */
				      .status = status_of };
	struct json_out out;
	cJSON *body;

	json_out_init(&out);
	config_print_resource(&print, resource, NULL, &out);
	assert_null(strstr(json_out_text(&out), "KeyFor"));
	assert_null(strstr(json_out_text(&out), "sharedKey"));
	body = cJSON_Parse(json_out_text(&out));
	assert_non_null(body);
	json_out_fini(&out);
	return body;
}

static const char *text_of(const cJSON *body, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, key);

	return cJSON_IsString(item) ? item->valuestring : "(none)";
}

static void test_bodies(void **state)
{
	struct config_report report;
	struct config *config;
	cJSON *body, *properties, *part;

	config_report_init(&report);
	config = load_rich(&report);
	body = body_of(config_at(config, CONFIG_CONNECTION, 0));
	properties = cJSON_GetObjectItemCaseSensitive(body, "properties");
	assert_string_equal(text_of(body, "name"), "to-a");
	assert_string_equal(text_of(body, "type"), "Microsoft.Network/connections");
	assert_memory_equal(text_of(body, "etag"), "W/\"", 3);
	assert_string_equal(text_of(properties, "provisioningState"), "Succeeded");
	assert_string_equal(text_of(properties, "connectionStatus"), "Connected");
	assert_string_equal(text_of(properties, "connectionProtocol"), "IKEv2");
	part = cJSON_GetObjectItemCaseSensitive(properties, "virtualNetworkGateway1");
	assert_string_equal(text_of(part, "id"), config_at(config, CONFIG_GATEWAY, 0)->id);
	cJSON_Delete(body);

	body = body_of(config_at(config, CONFIG_GATEWAY, 0));
	properties = cJSON_GetObjectItemCaseSensitive(body, "properties");
	part = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(properties, "ipConfigurations"),
				  1);
	assert_non_null(strstr(text_of(part, "id"),
			       "/virtualNetworkGateways/gw/ipConfigurations/activeActive"));
	part = cJSON_GetObjectItemCaseSensitive(part, "properties");
	assert_string_equal(text_of(part, "privateIPAddress"), "activeActive");
	assert_null(cJSON_GetObjectItemCaseSensitive(properties, "customRoutes"));
	part = cJSON_GetArrayItem(
		cJSON_GetObjectItemCaseSensitive(
			cJSON_GetObjectItemCaseSensitive(properties, "bgpSettings"),
			"bgpPeeringAddresses"),
		0);
	assert_non_null(strstr(text_of(part, "ipconfigurationId"), "/ipConfigurations/default"));
	cJSON_Delete(body);
	config_put(config);
	config_report_fini(&report);
}

static void test_etag(void **state)
{
	struct config_report report;
	struct config *config = NULL, *next = NULL;
	char a[CONFIG_ETAG], b[CONFIG_ETAG];

	config_report_init(&report);
	assert_int_equal(config_edit_load(&config, NULL, "", &report), 0);
	assert_int_equal(config_edit_load(&next, config,
					  "/connections/0/properties/dpdTimeoutSeconds=60",
					  &report),
			 0);
	assert_string_not_equal(config_etag(a, config_at(config, CONFIG_CONNECTION, 0)),
				config_etag(b, config_at(next, CONFIG_CONNECTION, 0)));
	assert_string_equal(config_etag(a, config_at(config, CONFIG_CONNECTION, 1)),
			    config_etag(b, config_at(next, CONFIG_CONNECTION, 1)));
	config_put(next);
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
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_etag),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
