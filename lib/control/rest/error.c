#include "control/rest/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void error_json_string(struct text *out, const char *text)
{
	text_add(out, "\"");
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			text_add(out, "\\%c", *c);
		else if (*c < 0x20)
			text_add(out, "\\u%04x", *c);
		else
			text_add_bytes(out, c, 1);
	}
	text_add(out, "\"");
}

static void add_fields(struct text *out, const char *code, const char *message, const char *target)
{
	text_add(out, "\"code\":");
	error_json_string(out, code);
	text_add(out, ",\"message\":");
	error_json_string(out, message);
	if (!target)
		return;
	text_add(out, ",\"target\":");
	error_json_string(out, target);
}

void error_set(struct http_reply *reply, const struct error_answer *answer, const char *format, ...)
{
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	reply->status = answer->status;
	text_clear(&reply->body);
	text_add(&reply->body, "{\"error\":{");
	add_fields(&reply->body, answer->code, message, answer->target);
	text_add(&reply->body, ",\"details\":[]}}");
}

static void add_finding(struct text *out, const struct config_finding *finding,
			const struct error_places *places)
{
	const char *below = places && places->below ? places->below : "";
	const char *as = places && places->as ? places->as : "";
	const char *pointer = finding->pointer;
	size_t n = strlen(below);
	char target[512];

	if (places && places->about && finding->resource &&
	    strcasecmp(places->about, finding->resource) != 0)
		snprintf(target, sizeof(target), "%s", finding->resource);
	else if (n && !strncmp(pointer, below, n) && (pointer[n] == '/' || !pointer[n]))
		snprintf(target, sizeof(target), "%s%s", as, pointer + n);
	else
		snprintf(target, sizeof(target), "%s", pointer);
	add_fields(out, finding->code, finding->message, target);
}

void error_set_report(struct http_reply *reply, const struct config_report *report,
		      const struct error_places *places)
{
	const struct config_finding *first = report->errors;

	text_clear(&reply->body);
	if (!report->error_kept) {
		error_set(reply, &(struct error_answer){ 500, "InternalServerError", NULL },
			  "The configuration was refused without a reason.");
		return;
	}
	reply->status = first->http_status ? first->http_status : 400;
	text_add(&reply->body, "{\"error\":{");
	add_finding(&reply->body, first, places);
	text_add(&reply->body, ",\"details\":[");
	for (uint32_t i = 0; i < report->error_kept; i++) {
		text_add(&reply->body, i ? ",{" : "{");
		add_finding(&reply->body, &report->errors[i], places);
		text_add(&reply->body, "}");
	}
	text_add(&reply->body, "]}}");
}
