#pragma once
/*
 * What the tests of the configuration share: a text with one quote style less to escape ('), a load
 * that fails the test with the report, and looking for a finding.
 */
#include "cmocka_all.h"

#include "control/config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ' becomes ": JSON in C strings stays readable. */
static inline char *config_test_json(const char *text)
{
	char *copy = strdup(text);

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	return copy;
}

static inline int config_test_try(struct config **config, const struct config_source *source,
				  const char *text, struct config_report *report)
{
	char *json = config_test_json(text);
	int status = config_load_text(config, source, json, strlen(json), report);

	free(json);
	return status;
}

static inline void config_test_print(const struct config_report *report)
{
	struct text out = { 0 };

	config_report_text(report, &out);
	print_message("%s", text_get(&out));
	text_fini(&out);
}

static inline const struct config_finding *config_test_found(const struct config_report *report,
							     const char *pointer, const char *code)
{
	for (uint32_t i = 0; i < report->error_kept; i++) {
		const struct config_finding *finding = &report->errors[i];

		if (!strcmp(finding->pointer, pointer) &&
		    (!code || (finding->code && !strcmp(finding->code, code))))
			return finding;
	}
	return NULL;
}
