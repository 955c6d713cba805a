/*
 * A wrong value in place of each value of the examples: it is taken or refused, every refusal names
 * a place and says a sentence, and what is taken can be printed. Of values at the same place of the
 * schema the first one stands for all.
 */
#include "config_test.h"
#include "control/config/file.h"
#include "control/config/json_out.h"
#include "control/config/print.h"

#include <cjson/cJSON.h>

#include <stdio.h>

#define SEEN_MAX 1024

static const char *const files[] = { "demo", "examples/policy-based", "examples/bgp",
				     "examples/expressroute-coexistence", "examples/vnet-transit" };
static const char *const values[] = {
	"null", "\"\"", "-7", "[]", "{}", "\"bogus value\"", "[\"\"]"
};

static char *seen[SEEN_MAX];
static size_t seen_count;
static size_t refused, taken;

static bool is_new(const char *place)
{
	for (size_t i = 0; i < seen_count; i++)
		if (!strcmp(seen[i], place))
			return false;
	assert_true(seen_count < SEEN_MAX);
	seen[seen_count++] = strdup(place);
	return true;
}

static void printable(const struct config *config)
{
	struct json_out out;
	cJSON *json;

	json_out_init(&out);
	config_print_file(config, true, &out);
	json = cJSON_Parse(json_out_text(&out));
	assert_non_null(json);
	cJSON_Delete(json);
	json_out_fini(&out);
}

static void try_text(const char *text)
{
	struct config_source source = { 0 };
	struct config_report report;
	struct config *config = NULL;

	config_report_init(&report);
	if (config_load_text(&config, &source, text, strlen(text), &report)) {
		assert_true(report.error_count > 0);
		for (uint32_t i = 0; i < report.error_kept; i++) {
			assert_true(report.errors[i].pointer[0] == '/');
			assert_true(strlen(report.errors[i].message) > 10);
		}
		refused++;
	} else {
		printable(config);
		taken++;
	}
	config_put(config);
	config_report_fini(&report);
}

static void try_root(const cJSON *root)
{
	char *text = cJSON_PrintUnformatted(root);

	try_text(text);
	cJSON_free(text);
}

/* The value is another one while it is tried; its name and place stay. */
static void try_values(const cJSON *root, cJSON *item)
{
	const cJSON was = *item;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		cJSON *wrong = cJSON_Parse(values[i]);

		item->type = wrong->type;
		item->valuestring = wrong->valuestring;
		item->valueint = wrong->valueint;
		item->valuedouble = wrong->valuedouble;
		item->child = wrong->child;
		try_root(root);
		*item = was;
		cJSON_Delete(wrong);
	}
}

static void try_below(const cJSON *root, cJSON *parent, const char *place)
{
	cJSON *item;

	cJSON_ArrayForEach(item, parent)
	{
		char below[512];

		snprintf(below, sizeof(below), "%s/%s", place, item->string ? item->string : "#");
		if (item->string && item->string[0] == '$')
			continue;
		if (is_new(below))
			try_values(root, item);
		try_below(root, item, below);
	}
}

static void test_wrong(void **state)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct config_file file;
		struct config_report report;
		char path[512];
		cJSON *root;

		config_report_init(&report);
		snprintf(path, sizeof(path), "%s/%s.json", CONFIG_DIRECTORY, files[i]);
		assert_int_equal(config_file_read(&file, path, &report), 0);
		root = cJSON_ParseWithLength(file.text, file.n);
		assert_non_null(root);
		try_below(root, root, "");
		cJSON_Delete(root);
		config_file_fini(&file);
		config_report_fini(&report);
	}
	print_message("%zu places, %zu refused, %zu taken\n", seen_count, refused, taken);
	assert_true(seen_count > 100 && refused > 4 * taken);
	while (seen_count)
		free(seen[--seen_count]);
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
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_wrong) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
