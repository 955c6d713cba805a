#include "control/rest/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

static const char *pointer_below(const char *pointer, const char *below)
{
	size_t n = below ? strlen(below) : 0;

	return n && !strncmp(pointer, below, n) && (pointer[n] == '/' || !pointer[n]) ? pointer + n
										      : pointer;
}

void error_set_report(struct http_reply *reply, const struct config_report *report,
		      const char *below)
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
	add_fields(&reply->body, first->code, first->message, pointer_below(first->pointer, below));
	text_add(&reply->body, ",\"details\":[");
	for (uint32_t i = 0; i < report->error_kept; i++) {
		text_add(&reply->body, i ? ",{" : "{");
		add_fields(&reply->body, report->errors[i].code, report->errors[i].message,
			   pointer_below(report->errors[i].pointer, below));
		text_add(&reply->body, "}");
	}
	text_add(&reply->body, "]}}");
}
