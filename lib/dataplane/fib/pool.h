#pragma once
/*
 * Memory of the tables: blocks of 64 bytes times a power of two, found by a 26-bit unit number
 * (buddy allocation), with deferred release: a block that readers may still hold is retired and
 * handed out again after a grace period of the rte_rcu_qsbr variable. Blocks share the token of
 * their batch, so that a change costs neither readers nor writer a shared cache line. Who must wait
 * for readers gives his CPU away meanwhile: they may be on the same one. Main lcore only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIB_POOL_ORDERS 7 /* 64 bytes .. 4 KiB */
#define FIB_POOL_NONE UINT32_MAX

struct rte_rcu_qsbr;

#define FIB_POOL_BATCHES 256

/* Retired blocks up to a place of the ring. */
struct fib_batch {
	uint64_t token;
	uint32_t end;
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
	uint32_t *ring; /* retired units */
	uint32_t ring_head;
	uint32_t ring_tail;
	uint32_t ring_size;
	struct fib_batch batches[FIB_POOL_BATCHES];
	uint32_t batch_head;
	uint32_t batch_tail;
	uint32_t closed;      /* place of the ring up to which blocks have a token */
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
/* Gives what was retired so far its token. */
void fib_pool_close(struct fib_pool *pool);
/* Takes back what has a token and no reader can hold any more; all of it, waiting, when told to. */
void fib_pool_reclaim(struct fib_pool *pool, bool wait);
uint32_t fib_pool_order(const struct fib_pool *pool, uint32_t unit);

static inline void *fib_pool_at(const struct fib_pool *pool, uint32_t unit)
{
	return pool->units + (uint64_t)unit * 64;
}
