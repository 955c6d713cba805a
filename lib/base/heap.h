#pragma once
/*
 * Deadlines: a binary heap of intrusive nodes, for engines that keep thousands of timers and tell
 * their driver only the next one.
 */
#include <stdint.h>

struct heap_node {
	uint64_t deadline_ns; /* 0: not in the heap */
	uint32_t index;
};

struct heap {
	struct heap_node **nodes;
	uint32_t count;
	uint32_t capacity;
};

void heap_init(struct heap *heap);
void heap_fini(struct heap *heap);
/* Inserts or moves; deadline_ns 0 removes. -ENOMEM only on insertion. */
__attribute__((warn_unused_result)) int heap_set(struct heap *heap, struct heap_node *node,
						 uint64_t deadline_ns);
void heap_del(struct heap *heap, struct heap_node *node);
struct heap_node *heap_first(const struct heap *heap); /* NULL when empty */
