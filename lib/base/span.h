#pragma once
/*
 * A view of bytes that somebody else owns.
 */
#include <stddef.h>
#include <stdint.h>

struct span {
	const uint8_t *p;
	size_t n;
};
