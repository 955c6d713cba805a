/*
 * Each example is accepted, or refused with 501 at the places that are said here, and nowhere else.
 */
#include "config_test.h"

#include <dirent.h>
#include <stdio.h>

#define MAX_REFUSED 8

static const struct {
	const char *name;
	const char *refused[MAX_REFUSED];
	uint32_t connections;
} examples[] = {
	{ "active-standby", { NULL }, 1 },
	{ "active-active", { NULL }, 1 },
	{ "bgp", { NULL }, 1 },
	{ "multi-site", { NULL }, 3 },
	{ "vnet-to-vnet", { NULL }, 2 },
	{ "vnet-transit", { NULL }, 5 },
	{ "policy-based", { NULL }, 2 },
	{ "dual-redundancy", { NULL }, 2 },
	{ "expressroute-coexistence", { NULL }, 2 },
	{ "point-to-site", { "/virtualNetworkGateways/0/properties/vpnClientConfiguration" }, 0 },
};
#define EXAMPLES (sizeof(examples) / sizeof(examples[0]))

static void check_example(size_t i)
{
	struct config_source source = { 0 };
	struct config_report report;
	struct config *config = NULL;
	uint32_t refused = 0;
	char path[512];

	snprintf(path, sizeof(path), "%s/examples/%s.json", CONFIG_DIRECTORY, examples[i].name);
	config_report_init(&report);
	while (refused < MAX_REFUSED && examples[i].refused[refused])
		refused++;
	if ((config_load_file(&config, &source, path, &report) != 0) != (refused != 0) ||
	    report.error_count != refused) {
		print_message("%s:\n", path);
		config_test_print(&report);
	}
	assert_int_equal(report.error_count, refused);
	for (uint32_t k = 0; k < refused; k++) {
		const struct config_finding *finding =
			config_test_found(&report, examples[i].refused[k], "FeatureNotImplemented");

		assert_non_null(finding);
		assert_int_equal(finding->http_status, 501);
	}
	if (!refused) {
		assert_non_null(config);
		assert_int_equal(config_count(config, CONFIG_CONNECTION), examples[i].connections);
	}
	config_put(config);
	config_report_fini(&report);
}

static void test_examples(void **state)
{
	for (size_t i = 0; i < EXAMPLES; i++)
		check_example(i);
}

/* None was forgotten here. */
static void test_all(void **state)
{
	char path[512];
	DIR *directory;
	struct dirent *entry;
	size_t found = 0;

	snprintf(path, sizeof(path), "%s/examples", CONFIG_DIRECTORY);
	directory = opendir(path);
	assert_non_null(directory);
	while ((entry = readdir(directory)))
		found += strstr(entry->d_name, ".json") != NULL;
	closedir(directory);
	assert_int_equal(found, EXAMPLES);
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
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
