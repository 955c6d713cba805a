#include "control/config/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void config_report_init(struct config_report *report)
{
	*report = (struct config_report){ 0 };
}

static void findings_free(struct config_finding *findings, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		free(findings[i].pointer);
		free(findings[i].resource);
		free(findings[i].message);
	}
	free(findings);
}

void config_report_fini(struct config_report *report)
{
	findings_free(report->errors, report->error_kept);
	findings_free(report->warnings, report->warning_kept);
	config_report_init(report);
}

static void finding_add(struct config_finding **findings, uint32_t *kept,
			const struct config_problem *problem, const char *format, va_list args)
{
	struct config_finding *finding;

	if (*kept >= CONFIG_REPORT_MAX)
		return;
	if (!*findings)
		*findings = calloc(CONFIG_REPORT_MAX, sizeof(**findings));
	if (!*findings)
		return;
	finding = &(*findings)[*kept];
	finding->pointer = strdup(problem->pointer ? problem->pointer : "");
	finding->resource = problem->resource ? strdup(problem->resource) : NULL;
	if (vasprintf(&finding->message, format, args) < 0)
		finding->message = NULL;
	finding->code = problem->code;
	finding->http_status = problem->http_status;
	(*kept)++;
}

void config_report_error(struct config_report *report, const struct config_problem *problem,
			 const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finding_add(&report->errors, &report->error_kept, problem, format, args);
	va_end(args);
	report->error_count++;
}

void config_report_warn(struct config_report *report, const struct config_problem *problem,
			const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finding_add(&report->warnings, &report->warning_kept, problem, format, args);
	va_end(args);
	report->warning_count++;
}

static void findings_join(struct config_finding **to, uint32_t *kept, struct config_finding *from,
			  uint32_t *from_kept)
{
	uint32_t moved = 0;

	if (*from_kept && !*to)
		*to = calloc(CONFIG_REPORT_MAX, sizeof(**to));
	while (*to && moved < *from_kept && *kept < CONFIG_REPORT_MAX)
		(*to)[(*kept)++] = from[moved++];
	if (moved)
		memmove(from, from + moved, (*from_kept - moved) * sizeof(*from));
	*from_kept -= moved;
}

void config_report_join(struct config_report *report, struct config_report *from)
{
	report->error_count += from->error_count;
	report->warning_count += from->warning_count;
	findings_join(&report->errors, &report->error_kept, from->errors, &from->error_kept);
	findings_join(&report->warnings, &report->warning_kept, from->warnings,
		      &from->warning_kept);
	config_report_fini(from);
}

static void finding_text(const struct config_finding *finding, const char *kind, struct text *out)
{
	bool root = !finding->pointer || !finding->pointer[0];

	text_add(out, "%s%s: %s%s%s%s\n", kind, root ? "(whole text)" : finding->pointer,
		 finding->message ? finding->message : "(out of memory)", finding->code ? " (" : "",
		 finding->code ? finding->code : "", finding->code ? ")" : "");
}

void config_report_text(const struct config_report *report, struct text *out)
{
	for (uint32_t i = 0; i < report->error_kept; i++)
		finding_text(&report->errors[i], "", out);
	if (report->error_count > report->error_kept)
		text_add(out, "and %u more errors\n", report->error_count - report->error_kept);
	for (uint32_t i = 0; i < report->warning_kept; i++)
		finding_text(&report->warnings[i], "warning: ", out);
	if (report->warning_count > report->warning_kept)
		text_add(out, "and %u more warnings\n",
			 report->warning_count - report->warning_kept);
}
