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
/* What the pointers of a report are for who sent the body. All may be NULL. */
struct error_places {
	const char *about; /* id of the resource that was sent: findings of others name theirs */
	const char *below; /* the client sent a part of what was checked: this is taken off, */
	const char *as;	   /* and this put before the rest */
};
/* All findings: the first is the error, all are its details. `places` NULL: they are of a file. */
void error_set_report(struct http_reply *reply, const struct config_report *report,
		      const struct error_places *places);
/* A JSON string with its quotes. */
void error_json_string(struct text *out, const char *text);
