#include "config_test.h"

#include <stdio.h>

static const char *const small =
	"{ '$comment': 'a branch',"
	"  'appliance': { 'resourceGroup': 'lab', 'ports': ["
	"    { 'name': 'pub0', 'device': 'net_af_packet0,iface=a', 'role': 'public',"
	"      'addresses': ['192.0.2.1/24'], 'gateway': '192.0.2.254' },"
	"    { 'name': 'prv0', 'device': 'net_af_packet1,iface=b', 'role': 'private',"
	"      'addresses': ['10.0.0.1/24'] } ] },"
	"  'virtualNetworks': [ { 'name': 'inside', 'properties': {"
	"    'addressSpace': { 'addressPrefixes': ['10.0.0.0/16'] },"
	"    'subnets': [ { 'name': 'GatewaySubnet', 'properties':"
	"      { 'addressPrefix': '10.0.255.0/27' } } ] } } ],"
	"  'publicIPAddresses': [ { 'name': 'pip0', 'properties': { 'ipAddress': '192.0.2.1' } } ],"
	"  'virtualNetworkGateways': [ { 'name': 'gw', 'properties': { 'ipConfigurations': ["
	"    { 'name': 'default', 'properties': { 'subnet': { 'id': 'inside/GatewaySubnet' },"
	"      'publicIPAddress': { 'id': '/publicIPAddresses/pip0' } } } ] } } ],"
	"  'localNetworkGateways': [ { 'name': 'branch', 'properties': {"
	"    'gatewayIpAddress': '198.51.100.7',"
	"    'localNetworkAddressSpace': { 'addressPrefixes': ['10.1.0.0/16'] } } } ],"
	"  'connections': [ { 'name': 'to-branch', 'properties': {"
	"    'virtualNetworkGateway1': { 'id': '/SUBSCRIPTIONS/"
	"00000000-0000-0000-0000-000000000000/resourcegroups/lab/providers/microsoft.network/"
	"virtualnetworkgateways/GW' },"
	"    'localNetworkGateway2': { 'id': 'branch' }, 'connectionType': 'ipsec',"
	"    'sharedKey': 'Abc123', 'dpdTimeoutSeconds': 30 } } ] }";

static void test_small(void **state)
{
	struct config_source source = { 0 };
	struct config_report report;
	struct config *config = NULL;
	const struct config_connection *connection;
	const struct config_gateway *gateway;
	const struct config_public_ip *ip;

	config_report_init(&report);
	if (config_test_try(&config, &source, small, &report))
		config_test_print(&report);
	assert_non_null(config);
	assert_int_equal(config_count(config, CONFIG_CONNECTION), 1);
	connection = config_connection_at(config, 0);
	assert_string_equal(connection->resource.id,
			    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/"
			    "lab/providers/Microsoft.Network/connections/to-branch");
	assert_int_equal(connection->dpd_timeout_s, 30);
	assert_int_equal(connection->type, CONFIG_CONNECTION_IPSEC);
	assert_int_equal(connection->shared_key.n, 6);
	assert_memory_equal(connection->shared_key.p, "Abc123", 6);
	gateway = config_gateway_find(config, &connection->gateway);
	assert_non_null(gateway);
	assert_string_equal(gateway->sku.name, "none");
	assert_false(gateway->active_active);
	ip = config_public_ip_find(config, &gateway->ip_configurations.items[0].public_ip);
	assert_non_null(ip);
	assert_non_null(config_local_gateway_find(config, &connection->local_gateway));
	assert_string_equal(config_gateway_network(config, gateway)->resource.name, "inside");
	assert_string_equal(config_appliance_port_of(config_appliance(config), &ip->address)->name,
			    "pub0");
	assert_int_equal(config_crypto_profile_of(config, connection), CONFIG_CRYPTO_STRONG);
	config_put(config);
	config_report_fini(&report);
}

/* Peered with the gateway's network, whatever the peering allows; none that has a gateway itself.
 */
static void test_peered(void **state)
{
	struct config_source source = { 0 };
	struct config_report report;
	struct config *config = NULL;
	struct net_prefix *prefixes;
	char text[NET_PREFIX_TEXT];
	uint32_t count;
	char *json;
	const char *at = strstr(small, "    'subnets'");

	assert_true(asprintf(&json, "%.*s%s%s", (int)(at - small), small,
			     "'virtualNetworkPeerings': [ { 'name': 'p', 'properties': {"
			     "'remoteVirtualNetwork': { 'id': 'spoke' } } } ],",
			     at) > 0);
	at = strstr(json, "  'publicIPAddresses'");
	config_report_init(&report);
	{
		char *whole;

		assert_true(asprintf(&whole, "%.*s%s%s", (int)(at - json) - 3, json,
				     ", { 'name': 'spoke', 'properties': { 'addressSpace': {"
				     "'addressPrefixes': ['10.5.0.0/16', '10.7.0.0/16'] } } },"
				     "{ 'name': 'other', 'properties': { 'addressSpace': {"
				     "'addressPrefixes': ['10.9.0.0/16'] } } } ],",
				     at) > 0);
		if (config_test_try(&config, &source, whole, &report))
			config_test_print(&report);
		free(whole);
	}
	assert_non_null(config);
	assert_int_equal(config_peered_prefixes(config, &prefixes, &count), 0);
	assert_int_equal(count, 2);
	assert_string_equal(net_prefix_text(text, &prefixes[0]), "10.5.0.0/16");
	assert_string_equal(net_prefix_text(text, &prefixes[1]), "10.7.0.0/16");
	free(prefixes);
	free(json);
	config_put(config);
	config_report_fini(&report);
}

/* Several mistakes, all of them told at once, each at its place. */
static void test_findings(void **state)
{
	struct config_source source = { 0 };
	struct config_report report;
	struct config *config = NULL;
	const struct config_finding *finding;

	config_report_init(&report);
	assert_int_equal(
		config_test_try(
			&config, &source,
			"{ 'conections': [], 'connections': [ { 'name': 'c', 'properties': {"
			"'virtualNetworkGateway1': { 'id': 'gw' }, 'connectionType': 'IPsec',"
			"'localNetworkGateway2': 'nowhere', 'dpdTimeoutSecond': 9,"
			"'routingWeight': -1, 'connectionProtocol': 'IKEv1',"
			"'sharedKey': 'with space' } } ] }",
			&report),
		-EINVAL);
	finding = config_test_found(&report, "/conections", "InvalidRequestContent");
	assert_non_null(finding);
	assert_non_null(strstr(finding->message, "connections"));
	finding = config_test_found(&report, "/connections/0/properties/dpdTimeoutSecond", NULL);
	assert_non_null(finding);
	assert_non_null(strstr(finding->message, "dpdTimeoutSeconds"));
	assert_non_null(config_test_found(&report, "/connections/0/properties/routingWeight",
					  "InvalidParameter"));
	finding = config_test_found(&report, "/connections/0/properties/connectionProtocol", NULL);
	assert_non_null(finding);
	assert_int_equal(finding->http_status, 501);
	finding = config_test_found(&report, "/connections/0/properties/sharedKey", NULL);
	assert_non_null(finding);
	assert_null(strstr(finding->message, "with space"));
	config_report_fini(&report);
}

/* Names are completed with the appliance's defaults, also when there is no appliance. */
static void test_no_appliance(void **state)
{
	struct config_source source = { 0 };
	struct config_report report;
	struct config *config = NULL;

	config_report_init(&report);
	assert_int_equal(config_test_try(&config, &source,
					 "{ 'localNetworkGateways': [ { 'name': 'a', 'properties': "
					 "{ 'gatewayIpAddress': '203.0.113.1' } } ] }",
					 &report),
			 0);
	assert_string_equal(config_local_gateway_at(config, 0)->resource.id,
			    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/"
			    "vpngw/providers/Microsoft.Network/localNetworkGateways/a");
	config_put(config);
	config_report_fini(&report);
}

static void test_demo(void **state)
{
	struct config_source source = { 0 };
	struct span text = config_demo_text();
	struct config_report report;
	struct config *config = NULL;

	config_report_init(&report);
	if (config_load_text(&config, &source, (const char *)text.p, text.n, &report))
		config_test_print(&report);
	assert_non_null(config);
	assert_int_equal(report.warning_count, 0);
	assert_true(config_gateway_at(config, 0)->active_active);
	assert_int_equal(config_appliance(config)->ports.count, 3);
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
		cmocka_unit_test(test_small),	 cmocka_unit_test(test_peered),
		cmocka_unit_test(test_findings), cmocka_unit_test(test_no_appliance),
		cmocka_unit_test(test_demo),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
