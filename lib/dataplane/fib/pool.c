#include "dataplane/fib/pool.h"

#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define ORDER_MAX (FIB_POOL_ORDERS - 1)
#define BLOCK_MAX (1u << ORDER_MAX) /* units */
#define RING_SIZE 65536u
#define BATCH 128u /* retired blocks */
#define STATE_FREE 0x80
#define STATE_INNER 0x40 /* not the first unit of a block */

/* Links of a free block lie in the block itself. */
struct links {
	uint32_t next;
	uint32_t prev;
};

static struct links *links_of(const struct fib_pool *pool, uint32_t unit)
{
	return fib_pool_at(pool, unit);
}

int fib_pool_init(struct fib_pool *pool, size_t bytes, int socket, struct rte_rcu_qsbr *qsbr)
{
	*pool = (struct fib_pool){ .qsbr = qsbr, .ring_size = RING_SIZE };
	pool->unit_count = (uint32_t)(bytes / 64) & ~(BLOCK_MAX - 1);
	for (uint32_t order = 0; order < FIB_POOL_ORDERS; order++)
		pool->free_heads[order] = FIB_POOL_NONE;
	pool->units = rte_malloc_socket("fib_nodes", (size_t)pool->unit_count * 64, 4096, socket);
	pool->state = malloc(pool->unit_count);
	pool->ring = malloc(RING_SIZE * sizeof(*pool->ring));
	if (!pool->units || !pool->state || !pool->ring) {
		fib_pool_fini(pool);
		return -ENOMEM;
	}
	memset(pool->state, STATE_INNER, pool->unit_count);
	return 0;
}

void fib_pool_fini(struct fib_pool *pool)
{
	rte_free(pool->units);
	free(pool->state);
	free(pool->ring);
	*pool = (struct fib_pool){ 0 };
}

static void push(struct fib_pool *pool, uint32_t unit, uint32_t order)
{
	uint32_t head = pool->free_heads[order];

	*links_of(pool, unit) = (struct links){ .next = head, .prev = FIB_POOL_NONE };
	if (head != FIB_POOL_NONE)
		links_of(pool, head)->prev = unit;
	pool->free_heads[order] = unit;
	pool->state[unit] = (uint8_t)(STATE_FREE | order);
}

static void unlink_free(struct fib_pool *pool, uint32_t unit, uint32_t order)
{
	struct links links = *links_of(pool, unit);

	if (links.prev == FIB_POOL_NONE)
		pool->free_heads[order] = links.next;
	else
		links_of(pool, links.prev)->next = links.next;
	if (links.next != FIB_POOL_NONE)
		links_of(pool, links.next)->prev = links.prev;
	pool->state[unit] = STATE_INNER;
}

/* The smallest free block that is large enough, else fresh memory. */
static uint32_t take(struct fib_pool *pool, uint32_t *order)
{
	uint32_t unit;

	for (uint32_t o = *order; o < FIB_POOL_ORDERS; o++) {
		unit = pool->free_heads[o];
		if (unit != FIB_POOL_NONE) {
			unlink_free(pool, unit, o);
			*order = o;
			return unit;
		}
	}
	if (pool->fresh == pool->unit_count)
		return FIB_POOL_NONE;
	unit = pool->fresh;
	pool->fresh += BLOCK_MAX;
	*order = ORDER_MAX;
	return unit;
}

uint32_t fib_pool_get(struct fib_pool *pool, uint32_t order, uint32_t reserve)
{
	uint32_t found = order;
	uint32_t unit;

	if (pool->unit_count - pool->used < reserve + (1u << order) && pool->retired_units)
		fib_pool_reclaim(pool, true);
	if (pool->unit_count - pool->used < reserve + (1u << order))
		return FIB_POOL_NONE;
	unit = take(pool, &found);
	if (unit == FIB_POOL_NONE && pool->retired_units) {
		fib_pool_reclaim(pool, true);
		found = order;
		unit = take(pool, &found);
	}
	if (unit == FIB_POOL_NONE)
		return FIB_POOL_NONE;
	while (found > order) {
		found--;
		push(pool, unit + (1u << found), found);
	}
	pool->state[unit] = (uint8_t)order;
	pool->used += 1u << order;
	return unit;
}

uint32_t fib_pool_order(const struct fib_pool *pool, uint32_t unit)
{
	return pool->state[unit];
}

void fib_pool_put(struct fib_pool *pool, uint32_t unit)
{
	uint32_t order = pool->state[unit];

	pool->used -= 1u << order;
	pool->state[unit] = STATE_INNER;
	while (order < ORDER_MAX) {
		uint32_t buddy = unit ^ (1u << order);

		if (pool->state[buddy] != (STATE_FREE | order))
			break;
		unlink_free(pool, buddy, order);
		unit &= ~(1u << order);
		order++;
	}
	push(pool, unit, order);
}

void fib_pool_close(struct fib_pool *pool)
{
	struct fib_batch *batch = &pool->batches[(pool->batch_tail - 1) % FIB_POOL_BATCHES];

	if (pool->closed == pool->ring_tail)
		return;
	/* with all in use, the last one takes more and is over later */
	if (pool->batch_tail - pool->batch_head < FIB_POOL_BATCHES)
		batch = &pool->batches[pool->batch_tail++ % FIB_POOL_BATCHES];
	*batch = (struct fib_batch){ rte_rcu_qsbr_start(pool->qsbr), pool->ring_tail };
	pool->closed = pool->ring_tail;
}

void fib_pool_retire(struct fib_pool *pool, uint32_t unit)
{
	if (!pool->qsbr || pool->recycle_at_once) {
		fib_pool_put(pool, unit);
		return;
	}
	if (pool->ring_tail - pool->ring_head == pool->ring_size)
		fib_pool_reclaim(pool, true);
	pool->ring[pool->ring_tail++ % pool->ring_size] = unit;
	pool->retired_units += 1u << pool->state[unit];
	if (pool->ring_tail - pool->closed >= BATCH)
		fib_pool_close(pool);
}

static bool passed(const struct fib_pool *pool, uint64_t token, bool wait)
{
	while (!rte_rcu_qsbr_check(pool->qsbr, token, false)) {
		if (!wait)
			return false;
		sched_yield();
	}
	return true;
}

void fib_pool_reclaim(struct fib_pool *pool, bool wait)
{
	if (wait)
		fib_pool_close(pool);
	while (pool->batch_head != pool->batch_tail) {
		struct fib_batch *oldest = &pool->batches[pool->batch_head % FIB_POOL_BATCHES];

		if (!passed(pool, oldest->token, wait))
			return;
		while (pool->ring_head != oldest->end) {
			uint32_t unit = pool->ring[pool->ring_head++ % pool->ring_size];

			pool->retired_units -= 1u << pool->state[unit];
			fib_pool_put(pool, unit);
		}
		pool->batch_head++;
	}
}
