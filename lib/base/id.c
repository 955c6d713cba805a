#include "base/id.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t words_of(uint32_t capacity)
{
	return capacity / 64 + !!(capacity % 64);
}

int id_pool_init(struct id_pool *pool, uint32_t capacity)
{
	*pool = (struct id_pool){ .capacity = capacity };
	pool->used = calloc(words_of(capacity) + 1, sizeof(*pool->used));
	return pool->used ? 0 : -ENOMEM;
}

void id_pool_fini(struct id_pool *pool)
{
	free(pool->used);
	*pool = (struct id_pool){ 0 };
}

static void mark(struct id_pool *pool, uint32_t id)
{
	pool->used[id / 64] |= UINT64_C(1) << id % 64;
	pool->count++;
	while (pool->first_free_word < words_of(pool->capacity) &&
	       pool->used[pool->first_free_word] == UINT64_MAX)
		pool->first_free_word++;
}

int id_pool_get(struct id_pool *pool, uint32_t from, uint32_t *id)
{
	uint32_t word = from / 64;
	uint64_t taken = (UINT64_C(1) << from % 64) - 1; /* below `from` in its word */

	if (word < pool->first_free_word) {
		word = pool->first_free_word;
		taken = 0;
	}
	for (; word < words_of(pool->capacity); word++, taken = 0) {
		uint64_t free_bits = ~(pool->used[word] | taken);
		uint32_t found;

		if (!free_bits)
			continue;
		found = word * 64 + (uint32_t)__builtin_ctzll(free_bits);
		if (found >= pool->capacity)
			break;
		mark(pool, found);
		*id = found;
		return 0;
	}
	return -ENOSPC;
}

int id_pool_claim(struct id_pool *pool, uint32_t id)
{
	if (id >= pool->capacity)
		return -ERANGE;
	if (id_pool_used(pool, id))
		return -EEXIST;
	mark(pool, id);
	return 0;
}

void id_pool_put(struct id_pool *pool, uint32_t id)
{
	if (!id_pool_used(pool, id))
		return;
	pool->used[id / 64] &= ~(UINT64_C(1) << id % 64);
	pool->count--;
	if (id / 64 < pool->first_free_word)
		pool->first_free_word = id / 64;
}

bool id_pool_used(const struct id_pool *pool, uint32_t id)
{
	return id < pool->capacity && pool->used[id / 64] >> id % 64 & 1;
}

/* RFC 4122 section 4.1: version in the high bits of byte 6, variant in those of byte 8. */
static void guid_text(char text[ID_GUID_TEXT], uint8_t b[16], uint8_t version)
{
	static const char hex[] = "0123456789abcdef";
	char *p = text;

	b[6] = (uint8_t)((b[6] & 0x0f) | version << 4);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = hex[b[i] >> 4];
		*p++ = hex[b[i] & 15];
	}
	*p = 0;
}

void id_guid(char text[ID_GUID_TEXT])
{
	static const uint64_t seed[2] = { 1, 2 };
	static uint64_t calls;
	uint8_t bytes[16];

	if (secret_random(bytes, sizeof(bytes))) {
		/* A GUID is a name, no secret: time and count keep it unlike the others. */
		uint64_t now[2] = { clock_now_ns(&clock_monotonic), ++calls };

		now[0] = hash_sip(seed, now, sizeof(now));
		now[1] = hash_sip(seed, now, sizeof(now));
		memcpy(bytes, now, sizeof(bytes));
	}
	guid_text(text, bytes, 4);
}

void id_guid_of_name(char text[ID_GUID_TEXT], const char *name)
{
	static const uint64_t seeds[2][2] = {
		{ UINT64_C(0x76706e6777206964), UINT64_C(0x6f66206e616d6531) },
		{ UINT64_C(0x76706e6777206964), UINT64_C(0x6f66206e616d6532) },
	};
	uint8_t bytes[16];

	for (int i = 0; i < 2; i++) {
		uint64_t h = hash_sip(seeds[i], name, strlen(name));

		memcpy(bytes + 8 * i, &h, 8);
	}
	guid_text(text, bytes, 5);
}
