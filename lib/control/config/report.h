#pragma once
/*
 * What is wrong with a configuration: several findings at once, each with a JSON pointer, a
 * sentence and the Azure error code. After CONFIG_REPORT_MAX they are only counted.
 */
#include "base/text.h"
#include "control/config/types.h"

#define CONFIG_REPORT_MAX 100

struct config_finding {
	char *pointer;	      /* "/connections/3/properties/dpdTimeoutSeconds" */
	char *resource;	      /* id, or NULL when there is none (yet) */
	char *message;	      /* a sentence; quotes what it can, never a secret */
	const char *code;     /* Azure's, else ARM's generic one */
	uint16_t http_status; /* 400, 409, 501 ... */
};

struct config_report {
	struct config_finding *errors;
	struct config_finding *warnings;
	uint32_t error_count; /* of all, also of those that are not kept */
	uint32_t warning_count;
	uint32_t error_kept;
	uint32_t warning_kept;
};

void config_report_init(struct config_report *report);
void config_report_fini(struct config_report *report);

static inline bool config_report_ok(const struct config_report *report)
{
	return report->error_count == 0;
}

/* Moves what `from` has behind what is there. */
void config_report_join(struct config_report *report, struct config_report *from);
/* One line per finding: "POINTER: sentence (Code)". */
void config_report_text(const struct config_report *report, struct text *out);

/* What a finding is about, for those who report. */
struct config_problem {
	const char *pointer;
	const char *resource;
	const char *code;
	uint16_t http_status;
};
__attribute__((format(printf, 3, 4))) void config_report_error(struct config_report *report,
							       const struct config_problem *problem,
							       const char *format, ...);
__attribute__((format(printf, 3, 4))) void config_report_warn(struct config_report *report,
							      const struct config_problem *problem,
							      const char *format, ...);
