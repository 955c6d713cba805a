#include "control/config/where.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct out {
	char *p;
	char *end;
};

static void put(struct out *out, char c)
{
	if (out->p < out->end)
		*out->p++ = c;
}

static void put_key(struct out *out, const char *key)
{
	put(out, '/');
	for (; *key; key++) {
		if (*key == '~' || *key == '/') {
			put(out, '~');
			put(out, *key == '~' ? '0' : '1');
		} else {
			put(out, (unsigned char)*key < 0x20 || *key == 0x7f ? '?' : *key);
		}
	}
}

static void put_link(struct out *out, const struct where *where)
{
	char index[16];

	if (!where->up) {
		for (const char *c = where->root ? where->root : ""; *c; c++)
			put(out, *c);
		return;
	}
	put_link(out, where->up);
	if (where->key) {
		put_key(out, where->key);
		return;
	}
	snprintf(index, sizeof(index), "%u", where->index);
	put_key(out, index);
}

const char *where_text(char buf[WHERE_TEXT], const struct where *where)
{
	struct out out = { .p = buf, .end = buf + WHERE_TEXT - 1 };

	put_link(&out, where);
	*out.p = '\0';
	return buf;
}

static const char *resource_of(const struct where *where)
{
	for (; where; where = where->up)
		if (where->resource)
			return where->resource;
	return NULL;
}

static void report_v(struct config_report *report, const struct config_problem *problem,
		     const char *format, va_list args)
{
	char *message;

	if (vasprintf(&message, format, args) < 0)
		message = NULL;
	if (problem->http_status)
		config_report_error(report, problem, "%s", message ? message : "");
	else
		config_report_warn(report, problem, "%s", message ? message : "");
	free(message);
}

#define REPORT(status, error_code)                                                                 \
	do {                                                                                       \
		char pointer[WHERE_TEXT];                                                          \
		struct config_problem problem = { .pointer = where_text(pointer, where),           \
						  .resource = resource_of(where),                  \
						  .code = (error_code),                            \
						  .http_status = (status) };                       \
		va_list args;                                                                      \
                                                                                                   \
		va_start(args, format);                                                            \
		report_v(report, &problem, format, args);                                          \
		va_end(args);                                                                      \
	} while (0)

void where_error(struct config_report *report, const struct where *where, const char *code,
		 const char *format, ...)
{
	REPORT(400, code);
}

void where_refused(struct config_report *report, const struct where *where, const char *format, ...)
{
	REPORT(501, CODE_NOT_BUILT);
}

void where_warn(struct config_report *report, const struct where *where, const char *format, ...)
{
	REPORT(0, NULL);
}
