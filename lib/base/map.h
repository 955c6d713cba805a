#pragma once
/*
 * Hash map from bytes to a pointer, keyed hash (SipHash-like over a random seed) so that a peer
 * cannot choose collisions. Keys are copied. Iteration order is not defined; take the next
 * entry before the current one is deleted. Adding while iterating is not allowed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map {
	struct map_entry **buckets;
	size_t bucket_count;
	size_t count;
	uint64_t seed[2];
};

struct map_entry {
	struct map_entry *next;
	void *value;
	uint64_t hash;
	size_t key_len;
	uint8_t key[];
};

void map_init(struct map *map);
void map_fini(struct map *map); /* the values stay with the caller */
/* -ENOMEM, or 0 with the previous value (or NULL) in *old when old is not NULL. */
__attribute__((warn_unused_result)) int map_set(struct map *map, const void *key, size_t key_len,
						void *value, void **old);
void *map_get(const struct map *map, const void *key, size_t key_len);
void *map_del(struct map *map, const void *key, size_t key_len); /* the value, or NULL */
/* First entry when `after` is NULL; NULL at the end. */
struct map_entry *map_next(const struct map *map, const struct map_entry *after);

static inline void *map_get_u32(const struct map *map, uint32_t key)
{
	return map_get(map, &key, sizeof(key));
}

static inline void *map_get_u64(const struct map *map, uint64_t key)
{
	return map_get(map, &key, sizeof(key));
}
