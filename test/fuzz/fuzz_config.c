/*
 * Any text as a configuration file, and as a body that replaces a resource of a good one: nothing
 * but findings may come of it, and what is accepted must print and load again to the same.
 */
#include "control/config/build.h"
#include "control/config/print.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void load_again(const struct config *config)
{
	struct config_source source = { .previous = config };
	struct config_report report;
	struct config *again = NULL;
	struct json_out out;

	json_out_init(&out);
	config_report_init(&report);
	config_print_file(config, true, &out);
	check(config_load_text(&again, &source, json_out_text(&out), out.n, &report) == 0);
	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		check(config_count(config, kind) == config_count(again, kind));
		for (uint32_t i = 0; i < config_count(config, kind); i++)
			check(config_at(config, kind, i) == config_at(again, kind, i));
	}
	config_put(again);
	config_report_fini(&report);
	json_out_fini(&out);
}

static void as_file(const char *text, size_t n, bool lenient)
{
	struct config_source source = { .lenient = lenient };
	struct config_report report;
	struct config *config = NULL;
	struct text lines = { 0 };

	config_report_init(&report);
	if (config_load_text(&config, &source, text, n, &report) == 0)
		load_again(config);
	else
		check(report.error_count != 0);
	config_report_text(&report, &lines);
	text_fini(&lines);
	config_put(config);
	config_report_fini(&report);
}

static void as_body(const struct config *base, const char *text, size_t n)
{
	struct config_report report;
	cJSON *json = NULL;

	config_report_init(&report);
	if (config_json_parse(&json, text, n, &report)) {
		config_report_fini(&report);
		return;
	}
	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		struct config_build_options options = { .previous = base, .lenient = true };
		struct config_body body = { .kind = kind,
					    .id = kind == CONFIG_APPLIANCE ? NULL : "fuzzed",
					    .origin = "",
					    .json = json };
		struct config_build *build;
		struct config *config = NULL;

		if (config_build_begin(&build, &options, &report))
			break;
		if (config_build_put(build, &body))
			config_build_drop(build);
		else if (config_build_end(build, &config) == 0)
			load_again(config);
		config_put(config);
	}
	config_json_free(json);
	config_report_fini(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config *base;
	const char *text = (const char *)data;

	if (!base) {
		struct config_source source = { 0 };
		struct span demo = config_demo_text();
		struct config_report report;

		config_report_init(&report);
		check(secret_pool_init(1 << 20) == 0);
		check(config_load_text(&base, &source, (const char *)demo.p, demo.n, &report) == 0);
		config_report_fini(&report);
	}
	as_file(text, size, false);
	as_file(text, size, true);
	as_body(base, text, size);
	return 0;
}
