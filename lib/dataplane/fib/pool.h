#pragma once
/*
 * Memory of the tables: blocks of 64 bytes times a power of two, found by a 26-bit unit number
 * (buddy allocation), with deferred release: a block that readers may still hold is retired with a
 * token of the rte_rcu_qsbr variable and handed out again after its grace period. Main lcore only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIB_POOL_ORDERS 7 /* 64 bytes .. 4 KiB */
#define FIB_POOL_NONE UINT32_MAX

struct rte_rcu_qsbr;

struct fib_retired {
	uint64_t token;
	uint32_t unit;
};

struct fib_pool {
	uint8_t *units;
	uint8_t *state; /* by unit: free or used and order, at the first unit of a block */
	uint32_t unit_count;
	uint32_t fresh; /* units from here on were never handed out */
	uint32_t used;	/* units, with retired ones */
	uint32_t retired_units;
	uint32_t free_heads[FIB_POOL_ORDERS];
	struct rte_rcu_qsbr *qsbr;
	struct fib_retired *ring;
	uint32_t ring_head;
	uint32_t ring_tail;
	uint32_t ring_size;
	bool recycle_at_once; /* the planted fault of the churn test */
};

__attribute__((warn_unused_result)) int fib_pool_init(struct fib_pool *pool, size_t bytes,
						      int socket, struct rte_rcu_qsbr *qsbr);
void fib_pool_fini(struct fib_pool *pool);
/* A block of 64 << order bytes, or FIB_POOL_NONE; keeps `reserve` units for others. */
uint32_t fib_pool_get(struct fib_pool *pool, uint32_t order, uint32_t reserve);
/* Of a block that no reader has ever seen. */
void fib_pool_put(struct fib_pool *pool, uint32_t unit);
/* Of a block that was unpublished before; waits for readers only when very many are retired. */
void fib_pool_retire(struct fib_pool *pool, uint32_t unit);
/* Takes back what no reader can hold any more; waits for them when told to. */
void fib_pool_reclaim(struct fib_pool *pool, bool wait);
uint32_t fib_pool_order(const struct fib_pool *pool, uint32_t unit);

static inline void *fib_pool_at(const struct fib_pool *pool, uint32_t unit)
{
	return pool->units + (uint64_t)unit * 64;
}
