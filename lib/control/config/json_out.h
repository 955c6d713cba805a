#pragma once
/*
 * JSON text in the making. The buffer is wiped when it grows and when it ends: keys may be in it.
 * The first failed allocation sticks. `key` is NULL in arrays and at the top.
 */
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct json_out {
	char *p; /* NUL-terminated */
	size_t n;
	size_t capacity;
	uint32_t depth;
	bool pretty; /* set before the first call */
	bool first;  /* nothing in this object or array yet */
	bool failed;
};

void json_out_init(struct json_out *out);
void json_out_fini(struct json_out *out);
const char *json_out_text(const struct json_out *out); /* "" when it failed */

void json_out_open(struct json_out *out, const char *key, char bracket); /* '{' or '[' */
void json_out_close(struct json_out *out, char bracket);		 /* '}' or ']' */
void json_out_string(struct json_out *out, const char *key, const char *text);
void json_out_bytes(struct json_out *out, const char *key, struct span text);
void json_out_int(struct json_out *out, const char *key, int64_t value);
void json_out_bool(struct json_out *out, const char *key, bool value);
void json_out_null(struct json_out *out, const char *key);
void json_out_raw(struct json_out *out, const char *key, const char *json);

/* To take back what turned out to be empty. */
struct json_out_mark {
	size_t n;
	uint32_t depth;
	bool first;
};
struct json_out_mark json_out_mark(const struct json_out *out);
void json_out_back(struct json_out *out, struct json_out_mark mark);
