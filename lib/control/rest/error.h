#pragma once
/*
 * Error bodies in Azure's shape: {"error":{"code","message","target","details":[...]}}.
 */
#include "control/config/report.h"
#include "control/rest/http.h"

struct error_answer {
	int status;
	const char *code;
	const char *target; /* JSON pointer or parameter, NULL: none */
};

/* Replaces what the reply held. */
__attribute__((format(printf, 3, 4))) void error_set(struct http_reply *reply,
						     const struct error_answer *answer,
						     const char *format, ...);
/*
 * All findings: the first is the error, all are its details. `below` (NULL: none) is taken off
 * pointers that begin with it: the client sent a part of what was checked.
 */
void error_set_report(struct http_reply *reply, const struct config_report *report,
		      const char *below);
/* A JSON string with its quotes. */
void error_json_string(struct text *out, const char *text);
