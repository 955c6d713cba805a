#include "base/map.h"
#include "base/hash.h"
#include "base/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 16

void map_init(struct map *map)
{
	*map = (struct map){ 0 };
}

void map_fini(struct map *map)
{
	for (size_t i = 0; i < map->bucket_count; i++) {
		struct map_entry *e = map->buckets[i], *next;

		for (; e; e = next) {
			next = e->next;
			free(e);
		}
	}
	free(map->buckets);
	*map = (struct map){ 0 };
}

static struct map_entry **slot_of(const struct map *map, uint64_t hash)
{
	return &map->buckets[hash & (map->bucket_count - 1)];
}

/* Where the pointer to the entry stands, or to the end of its chain. */
static struct map_entry **find(const struct map *map, uint64_t hash, const void *key,
			       size_t key_len)
{
	struct map_entry **at = slot_of(map, hash);

	while (*at && ((*at)->hash != hash || (*at)->key_len != key_len ||
		       memcmp((*at)->key, key, key_len) != 0))
		at = &(*at)->next;
	return at;
}

static int map_grow(struct map *map)
{
	struct map bigger = *map;

	bigger.bucket_count = map->bucket_count ? map->bucket_count * 2 : FIRST_BUCKETS;
	bigger.buckets = calloc(bigger.bucket_count, sizeof(*bigger.buckets));
	if (!bigger.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < map->bucket_count; i++) {
		struct map_entry *e = map->buckets[i], *next;

		for (; e; e = next) {
			struct map_entry **to = slot_of(&bigger, e->hash);

			next = e->next;
			e->next = *to;
			*to = e;
		}
	}
	free(map->buckets);
	*map = bigger;
	return 0;
}

/* A table that cannot grow goes on with longer chains; only the first buckets are needed. */
static int make_room(struct map *map)
{
	int rc;

	if (!map->bucket_count) {
		rc = secret_random(map->seed, sizeof(map->seed));
		return rc ? rc : map_grow(map);
	}
	if (map->count >= map->bucket_count)
		(void)!map_grow(map);
	return 0;
}

int map_set(struct map *map, const void *key, size_t key_len, void *value, void **old)
{
	struct map_entry **at, *e;
	uint64_t hash;
	int rc = make_room(map);

	if (rc)
		return rc;
	hash = hash_sip(map->seed, key, key_len);
	at = find(map, hash, key, key_len);
	if (old)
		*old = *at ? (*at)->value : NULL;
	if (*at) {
		(*at)->value = value;
		return 0;
	}
	e = malloc(sizeof(*e) + key_len);
	if (!e)
		return -ENOMEM;
	*e = (struct map_entry){ .value = value, .hash = hash, .key_len = key_len };
	if (key_len)
		memcpy(e->key, key, key_len);
	*at = e;
	map->count++;
	return 0;
}

void *map_get(const struct map *map, const void *key, size_t key_len)
{
	struct map_entry *e;

	if (!map->count)
		return NULL;
	e = *find(map, hash_sip(map->seed, key, key_len), key, key_len);
	return e ? e->value : NULL;
}

void *map_del(struct map *map, const void *key, size_t key_len)
{
	struct map_entry **at, *e;
	void *value;

	if (!map->count)
		return NULL;
	at = find(map, hash_sip(map->seed, key, key_len), key, key_len);
	e = *at;
	if (!e)
		return NULL;
	*at = e->next;
	value = e->value;
	free(e);
	map->count--;
	return value;
}

struct map_entry *map_next(const struct map *map, const struct map_entry *after)
{
	size_t i = 0;

	if (after) {
		if (after->next)
			return after->next;
		i = (after->hash & (map->bucket_count - 1)) + 1;
	}
	for (; i < map->bucket_count; i++)
		if (map->buckets[i])
			return map->buckets[i];
	return NULL;
}
