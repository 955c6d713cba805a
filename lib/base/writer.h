#pragma once
/*
 * DOC: bounded writer
 *
 * Writes big-endian fields into a buffer of the caller. The first write that does not fit fails,
 * the failure sticks and nothing more is written, so that an encoder checks writer_ok() once.
 * Length fields are opened before and closed after what they count.
 */
#include "base/span.h"

#include <stdbool.h>
#include <string.h>

struct writer {
	uint8_t *start;
	uint8_t *p;
	uint8_t *end;
	bool failed;
};

/* Nothing may be NULL with n 0: then no write fits. */
static inline struct writer writer_of(void *bytes, size_t n)
{
	uint8_t *p = bytes ? bytes : (uint8_t *)"";

	return (struct writer){ .start = p, .p = p, .end = p + n };
}

static inline bool writer_ok(const struct writer *w)
{
	return !w->failed;
}

static inline size_t writer_len(const struct writer *w)
{
	return (size_t)(w->p - w->start);
}

/* Room for n bytes that the caller fills, or NULL (and the writer has failed). */
static inline uint8_t *writer_reserve(struct writer *w, size_t n)
{
	uint8_t *at = w->p;

	if (w->failed || (size_t)(w->end - w->p) < n) {
		w->failed = true;
		return NULL;
	}
	w->p += n;
	return at;
}

static inline void writer_u8(struct writer *w, uint8_t v)
{
	uint8_t *b = writer_reserve(w, 1);

	if (b)
		b[0] = v;
}

/* The low n <= 8 bytes of v, whole or not at all. */
static inline void writer_be(struct writer *w, uint64_t v, size_t n)
{
	uint8_t *b = writer_reserve(w, n);

	for (size_t i = 0; b && i < n; i++)
		b[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

static inline void writer_u16(struct writer *w, uint16_t v)
{
	writer_be(w, v, 2);
}

static inline void writer_u32(struct writer *w, uint32_t v)
{
	writer_be(w, v, 4);
}

static inline void writer_u64(struct writer *w, uint64_t v)
{
	writer_be(w, v, 8);
}

static inline void writer_bytes(struct writer *w, const void *bytes, size_t n)
{
	uint8_t *b = writer_reserve(w, n);

	if (b && bytes && n)
		memcpy(b, bytes, n);
}

static inline void writer_span(struct writer *w, struct span s)
{
	writer_bytes(w, s.p, s.n);
}

static inline void writer_zeros(struct writer *w, size_t n)
{
	uint8_t *b = writer_reserve(w, n);

	if (b && n)
		memset(b, 0, n);
}

/*
 * A 16-bit length field to be closed later; what it counts is chosen at close. Never NULL: callers
 * say `field + 2` before they ask whether it was there.
 */
static inline uint8_t *writer_open_u16(struct writer *w)
{
	uint8_t *b = writer_reserve(w, 2);

	if (!b)
		return w->p;
	b[0] = b[1] = 0;
	return b;
}

/* Patches the field with the bytes written since `from`; fails when they exceed 65,535. */
static inline void writer_close_u16(struct writer *w, uint8_t *field, const uint8_t *from)
{
	size_t n;

	if (w->failed)
		return;
	n = (size_t)(w->p - from);
	if (n > UINT16_MAX) {
		w->failed = true;
		return;
	}
	field[0] = (uint8_t)(n >> 8);
	field[1] = (uint8_t)n;
}
