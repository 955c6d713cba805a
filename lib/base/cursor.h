#pragma once
/*
 * DOC: bounded reader
 *
 * Reads big-endian fields from a span. The first read past the end fails, the failure sticks and
 * moves the cursor to its end, so that a decoder reads a whole structure and asks cursor_ok() once.
 * Failed reads give zero. A nested length becomes a sub-reader with cursor_sub().
 */
#include "base/span.h"

#include <stdbool.h>
#include <string.h>

struct cursor {
	const uint8_t *p;
	const uint8_t *end;
	bool failed;
};

/* Nothing may be NULL with n 0; no arithmetic is done on NULL, which C does not define. */
static inline struct cursor cursor_of(const void *bytes, size_t n)
{
	const uint8_t *p = bytes ? bytes : (const uint8_t *)"";

	return (struct cursor){ .p = p, .end = p + n };
}

static inline bool cursor_ok(const struct cursor *c)
{
	return !c->failed;
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

static inline void cursor_fail(struct cursor *c)
{
	c->failed = true;
	c->p = c->end;
}

/* The next n bytes, or NULL (and the cursor has failed). */
static inline const uint8_t *cursor_take(struct cursor *c, size_t n)
{
	const uint8_t *at = c->p;

	if (cursor_left(c) < n) {
		cursor_fail(c);
		return NULL;
	}
	c->p += n;
	return at;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *b = cursor_take(c, 1);

	return b ? b[0] : 0;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
	const uint8_t *b = cursor_take(c, 2);

	return b ? (uint16_t)(b[0] << 8 | b[1]) : 0;
}

/* Big-endian value of n <= 8 bytes: compilers make one load and a swap of it. */
static inline uint64_t cursor_be(struct cursor *c, size_t n)
{
	const uint8_t *b = cursor_take(c, n);
	uint64_t v = 0;

	for (size_t i = 0; b && i < n; i++)
		v = v << 8 | b[i];
	return v;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
	return (uint32_t)cursor_be(c, 4);
}

static inline uint64_t cursor_u64(struct cursor *c)
{
	return cursor_be(c, 8);
}

static inline struct span cursor_span(struct cursor *c, size_t n)
{
	const uint8_t *b = cursor_take(c, n);

	return (struct span){ .p = b, .n = b ? n : 0 };
}

static inline struct span cursor_rest(struct cursor *c)
{
	return cursor_span(c, cursor_left(c));
}

/* Copies n bytes to where the caller keeps them; zeroes there on failure. */
static inline void cursor_copy(struct cursor *c, void *to, size_t n)
{
	const uint8_t *b = cursor_take(c, n);

	if (b)
		memcpy(to, b, n);
	else
		memset(to, 0, n);
}

/* A reader over the next n bytes; it starts failed when they are not there. */
static inline struct cursor cursor_sub(struct cursor *c, size_t n)
{
	const uint8_t *b = cursor_take(c, n);

	return (struct cursor){ .p = b ? b : c->end, .end = b ? b + n : c->end, .failed = !b };
}
