#include "control/config/json_out.h"

#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_out_init(struct json_out *out)
{
	*out = (struct json_out){ .first = true };
}

void json_out_fini(struct json_out *out)
{
	if (out->p)
		secret_wipe(out->p, out->capacity);
	free(out->p);
	json_out_init(out);
}

const char *json_out_text(const struct json_out *out)
{
	return out->failed || !out->p ? "" : out->p;
}

/* Not realloc: that would leave a copy behind that nobody wipes. */
static bool grow(struct json_out *out, size_t more)
{
	size_t capacity = out->capacity ? out->capacity : 512;
	char *p;

	if (out->failed)
		return false;
	if (out->n + more + 1 <= out->capacity)
		return true;
	while (capacity < out->n + more + 1)
		capacity *= 2;
	p = malloc(capacity);
	if (!p) {
		out->failed = true;
		return false;
	}
	if (out->p) {
		memcpy(p, out->p, out->n);
		secret_wipe(out->p, out->capacity);
		free(out->p);
	}
	out->p = p;
	out->capacity = capacity;
	return true;
}

static void put(struct json_out *out, const char *bytes, size_t n)
{
	if (!grow(out, n))
		return;
	memcpy(out->p + out->n, bytes, n);
	out->n += n;
	out->p[out->n] = '\0';
}

static void put_text(struct json_out *out, const char *text)
{
	put(out, text, strlen(text));
}

static void put_line(struct json_out *out)
{
	if (!out->pretty)
		return;
	put(out, "\n", 1);
	for (uint32_t i = 0; i < out->depth; i++)
		put(out, "\t", 1);
}

static void put_escaped(struct json_out *out, const char *text, size_t n)
{
	size_t from = 0;

	put(out, "\"", 1);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		char escape[8];

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		put(out, text + from, i - from);
		from = i + 1;
		if (c == '"' || c == '\\')
			snprintf(escape, sizeof(escape), "\\%c", c);
		else
			snprintf(escape, sizeof(escape), "\\u%04x", c);
		put_text(out, escape);
	}
	put(out, text + from, n - from);
	put(out, "\"", 1);
}

static void begin(struct json_out *out, const char *key)
{
	if (!out->first)
		put(out, ",", 1);
	out->first = false;
	if (out->depth)
		put_line(out);
	if (!key)
		return;
	put_escaped(out, key, strlen(key));
	put_text(out, out->pretty ? ": " : ":");
}

void json_out_open(struct json_out *out, const char *key, char bracket)
{
	begin(out, key);
	put(out, &bracket, 1);
	out->depth++;
	out->first = true;
}

void json_out_close(struct json_out *out, char bracket)
{
	out->depth--;
	if (!out->first)
		put_line(out);
	put(out, &bracket, 1);
	out->first = false;
}

void json_out_bytes(struct json_out *out, const char *key, struct span text)
{
	begin(out, key);
	put_escaped(out, (const char *)text.p, text.n);
}

void json_out_string(struct json_out *out, const char *key, const char *text)
{
	json_out_bytes(out, key, (struct span){ (const uint8_t *)text, strlen(text) });
}

void json_out_int(struct json_out *out, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	json_out_raw(out, key, text);
}

void json_out_bool(struct json_out *out, const char *key, bool value)
{
	json_out_raw(out, key, value ? "true" : "false");
}

void json_out_null(struct json_out *out, const char *key)
{
	json_out_raw(out, key, "null");
}

void json_out_raw(struct json_out *out, const char *key, const char *json)
{
	begin(out, key);
	put_text(out, json);
}

struct json_out_mark json_out_mark(const struct json_out *out)
{
	return (struct json_out_mark){ .n = out->n, .depth = out->depth, .first = out->first };
}

void json_out_back(struct json_out *out, struct json_out_mark mark)
{
	out->n = mark.n;
	out->depth = mark.depth;
	out->first = mark.first;
	if (out->p)
		out->p[out->n] = '\0';
}
