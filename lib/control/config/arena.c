#include "control/config/arena.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 1024

struct config_arena_block {
	struct config_arena_block *next;
	size_t used;
	size_t size;
	_Alignas(16) char bytes[];
};

static struct config_arena_block *block_add(struct config_arena *arena, size_t n)
{
	size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;
	struct config_arena_block *block = malloc(sizeof(*block) + size);

	if (!block)
		return NULL;
	block->used = 0;
	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *config_arena_alloc(struct config_arena *arena, size_t n)
{
	struct config_arena_block *block = arena->blocks;
	size_t need = (n + 15) & ~(size_t)15;
	void *at;

	if (!block || block->size - block->used < need)
		block = block_add(arena, need);
	if (!block)
		return NULL;
	at = block->bytes + block->used;
	block->used += need;
	memset(at, 0, need);
	return at;
}

char *config_arena_text_n(struct config_arena *arena, const char *text, size_t n)
{
	char *copy = config_arena_alloc(arena, n + 1);

	if (copy)
		memcpy(copy, text, n);
	return copy;
}

char *config_arena_text(struct config_arena *arena, const char *text)
{
	return config_arena_text_n(arena, text, strlen(text));
}

void config_arena_fini(struct config_arena *arena)
{
	struct config_arena_block *block = arena->blocks;

	while (block) {
		struct config_arena_block *next = block->next;

		free(block);
		block = next;
	}
	arena->blocks = NULL;
}
