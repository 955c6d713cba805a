#pragma once
/*
 * Reading known-answer files: JSON with hexadecimal members.
 */
#include "../unit/cmocka_all.h"
#include "base/span.h"

#include <cjson/cJSON.h>

#define VECTOR_MAX 8192

struct vector_bytes {
	size_t n;
	uint8_t p[VECTOR_MAX];
};

/* A path below the folder that VECTORS names; fails the test when it cannot be read. */
uint8_t *vector_file(const char *path, size_t *n);
cJSON *vector_json(const char *path);
void vector_unhex(struct vector_bytes *out, const char *hex);
/* The member as bytes; an absent one is empty. */
struct span vector_get(struct vector_bytes *out, const cJSON *object, const char *member);
const char *vector_text(const cJSON *object, const char *member); /* "" when absent */
