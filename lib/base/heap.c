#include "base/heap.h"

#include <errno.h>
#include <stdlib.h>

void heap_init(struct heap *heap)
{
	*heap = (struct heap){ 0 };
}

void heap_fini(struct heap *heap)
{
	free(heap->nodes);
	*heap = (struct heap){ 0 };
}

static void place(struct heap *heap, struct heap_node *node, uint32_t at)
{
	heap->nodes[at] = node;
	node->index = at;
}

static void sift_up(struct heap *heap, struct heap_node *node)
{
	uint32_t at = node->index;

	while (at > 0) {
		uint32_t parent = (at - 1) / 2;

		if (heap->nodes[parent]->deadline_ns <= node->deadline_ns)
			break;
		place(heap, heap->nodes[parent], at);
		at = parent;
	}
	place(heap, node, at);
}

static void sift_down(struct heap *heap, struct heap_node *node)
{
	uint32_t at = node->index;

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count &&
		    heap->nodes[child + 1]->deadline_ns < heap->nodes[child]->deadline_ns)
			child++;
		if (heap->nodes[child]->deadline_ns >= node->deadline_ns)
			break;
		place(heap, heap->nodes[child], at);
		at = child;
	}
	place(heap, node, at);
}

static int heap_grow(struct heap *heap)
{
	uint32_t capacity = heap->capacity ? heap->capacity * 2 : 16;
	struct heap_node **nodes;

	if (heap->count < heap->capacity)
		return 0;
	nodes = reallocarray(heap->nodes, capacity, sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	heap->nodes = nodes;
	heap->capacity = capacity;
	return 0;
}

int heap_set(struct heap *heap, struct heap_node *node, uint64_t deadline_ns)
{
	uint64_t was = node->deadline_ns;
	int rc;

	if (!deadline_ns) {
		heap_del(heap, node);
		return 0;
	}
	if (!was) {
		rc = heap_grow(heap);
		if (rc)
			return rc;
		node->deadline_ns = deadline_ns;
		place(heap, node, heap->count++);
		sift_up(heap, node);
		return 0;
	}
	node->deadline_ns = deadline_ns;
	if (deadline_ns < was)
		sift_up(heap, node);
	else
		sift_down(heap, node);
	return 0;
}

void heap_del(struct heap *heap, struct heap_node *node)
{
	struct heap_node *last;

	if (!node->deadline_ns)
		return;
	last = heap->nodes[--heap->count];
	if (last != node) {
		place(heap, last, node->index);
		sift_up(heap, last);
		sift_down(heap, last);
	}
	node->deadline_ns = 0;
	node->index = 0;
}

struct heap_node *heap_first(const struct heap *heap)
{
	return heap->count ? heap->nodes[0] : NULL;
}
