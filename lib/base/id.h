#pragma once
/*
 * Ids: a dense allocator (lowest free first, so that arrays stay small) and random GUIDs.
 */
#include <stdbool.h>
#include <stdint.h>

struct id_pool {
	uint64_t *used; /* bitmap */
	uint32_t capacity;
	uint32_t first_free_word;
	uint32_t count;
};

#define ID_GUID_TEXT 37 /* 36 characters and NUL */

__attribute__((warn_unused_result)) int id_pool_init(struct id_pool *pool, uint32_t capacity);
void id_pool_fini(struct id_pool *pool);
/* The lowest free id not below `from`, or -ENOSPC. */
__attribute__((warn_unused_result)) int id_pool_get(struct id_pool *pool, uint32_t from,
						    uint32_t *id);
/* Takes this id (adoption); -EEXIST when it is taken, -ERANGE outside the capacity. */
__attribute__((warn_unused_result)) int id_pool_claim(struct id_pool *pool, uint32_t id);
void id_pool_put(struct id_pool *pool, uint32_t id);
bool id_pool_used(const struct id_pool *pool, uint32_t id);

void id_guid(char text[ID_GUID_TEXT]);
/* The same GUID for the same name (version 5 shape): for resourceGuid and tests. */
void id_guid_of_name(char text[ID_GUID_TEXT], const char *name);
