#pragma once
/*
 * Text that is built piece by piece (reports, errors, exposition), grown on demand. The first
 * allocation failure sticks; text_get() then gives "".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *p;
	size_t n;
	size_t capacity;
	bool failed;
};

void text_fini(struct text *text);
void text_clear(struct text *text);
__attribute__((format(printf, 2, 3))) void text_add(struct text *text, const char *format, ...);
/* As "%llu"; for what is printed a hundred thousand times. */
void text_add_u64(struct text *text, uint64_t value);
void text_add_bytes(struct text *text, const void *bytes, size_t n);
const char *text_get(const struct text *text);
