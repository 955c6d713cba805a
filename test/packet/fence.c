#include "fence.h"

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <errno.h>
#include <stdlib.h>

#if FENCE_SEEN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, n) ((void)(at), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(at, n) ((void)(at), (void)(n))
#endif

/* First in, first out: what was freed stays poisoned as long as can be. */
struct queue {
	uint32_t first;
	uint32_t count;
	uint32_t size;
	void *items[];
};

/* Before the pool has initialized it a buffer does not know where its bytes are. */
static uint8_t *bytes_of(const struct rte_mempool *pool, void *m)
{
	return (uint8_t *)m + sizeof(struct rte_mbuf) +
	       rte_pktmbuf_priv_size((struct rte_mempool *)(uintptr_t)pool);
}

static uint16_t room_of(const struct rte_mempool *pool)
{
	return rte_pktmbuf_data_room_size((struct rte_mempool *)(uintptr_t)pool);
}

static int queue_alloc(struct rte_mempool *pool)
{
	struct queue *q = calloc(1, sizeof(*q) + pool->size * sizeof(void *));

	if (!q)
		return -ENOMEM;
	q->size = pool->size;
	pool->pool_data = q;
	return 0;
}

static void queue_free(struct rte_mempool *pool)
{
	free(pool->pool_data);
}

static int queue_put(struct rte_mempool *pool, void *const *items, unsigned int n)
{
	struct queue *q = pool->pool_data;

	if (q->count + n > q->size)
		return -ENOBUFS;
	for (unsigned int i = 0; i < n; i++) {
		ASAN_POISON_MEMORY_REGION(bytes_of(pool, items[i]), room_of(pool));
		q->items[(q->first + q->count++) % q->size] = items[i];
	}
	return 0;
}

static int queue_get(struct rte_mempool *pool, void **items, unsigned int n)
{
	struct queue *q = pool->pool_data;

	if (q->count < n)
		return -ENOBUFS;
	for (unsigned int i = 0; i < n; i++) {
		items[i] = q->items[q->first];
		q->first = (q->first + 1) % q->size;
		q->count--;
		((struct rte_mbuf *)items[i])->buf_len = room_of(pool);
		ASAN_UNPOISON_MEMORY_REGION(bytes_of(pool, items[i]), room_of(pool));
	}
	return 0;
}

static unsigned int queue_count(const struct rte_mempool *pool)
{
	return ((const struct queue *)pool->pool_data)->count;
}

const char *fence_pool(void)
{
	static const struct rte_mempool_ops ops = {
		.name = "test_fence",
		.alloc = queue_alloc,
		.free = queue_free,
		.enqueue = queue_put,
		.dequeue = queue_get,
		.get_count = queue_count,
	};

	rte_mempool_register_ops(&ops);
	return ops.name;
}

void fence_put(struct rte_mbuf *frame, uint32_t room)
{
	uint32_t bytes = frame->pkt_len + room;

	for (struct rte_mbuf *m = frame; m; m = m->next) {
		uint32_t end = m->data_off + bytes;
		uint8_t *at = m->buf_addr;

		ASAN_POISON_MEMORY_REGION(at + end, m->buf_len - end);
		m->buf_len = (uint16_t)end;
		bytes = m->next ? m->next->data_len : 0;
	}
}
