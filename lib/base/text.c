#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_fini(struct text *text)
{
	free(text->p);
	*text = (struct text){ 0 };
}

void text_clear(struct text *text)
{
	text->n = 0;
	text->failed = false;
	if (text->p)
		text->p[0] = 0;
}

/* Room for n more bytes and the NUL. */
static bool reserve(struct text *text, size_t n)
{
	size_t want = text->n + n + 1, capacity = text->capacity ? text->capacity : 128;
	char *p;

	if (text->failed || want <= n) {
		text->failed = true;
		return false;
	}
	if (want <= text->capacity)
		return true;
	while (capacity < want)
		capacity += capacity / 2;
	p = realloc(text->p, capacity);
	if (!p) {
		text->failed = true;
		return false;
	}
	text->p = p;
	text->capacity = capacity;
	return true;
}

void text_add(struct text *text, const char *format, ...)
{
	va_list args;
	int n;

	size_t room = text->p && !text->failed ? text->capacity - text->n : 0;

	va_start(args, format);
	n = vsnprintf(room ? text->p + text->n : NULL, room, format, args);
	va_end(args);
	if (n < 0 || !reserve(text, (size_t)n)) {
		text->failed = true;
		if (room)
			text->p[text->n] = 0;
		return;
	}
	if ((size_t)n >= room) {
		va_start(args, format);
		vsnprintf(text->p + text->n, (size_t)n + 1, format, args);
		va_end(args);
	}
	text->n += (size_t)n;
}

void text_add_u64(struct text *text, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + value % 10);
	while (value /= 10);
	text_add_bytes(text, digits + at, sizeof(digits) - at);
}

void text_add_bytes(struct text *text, const void *bytes, size_t n)
{
	if (!reserve(text, n))
		return;
	if (n)
		memcpy(text->p + text->n, bytes, n);
	text->n += n;
	text->p[text->n] = 0;
}

const char *text_get(const struct text *text)
{
	return text->failed || !text->p ? "" : text->p;
}
