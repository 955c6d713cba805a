/*
 * A pool of buffers behind a mutex, for ThreadSanitizer: it does not see how DPDK's library, which
 * is not instrumented, hands a buffer from one thread to the next.
 */
#include "pool.h"

#include <rte_mempool.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct locked {
	pthread_mutex_t mutex;
	unsigned int count;
	unsigned int size;
	void *items[];
};

static int locked_alloc(struct rte_mempool *pool)
{
	struct locked *l = calloc(1, sizeof(*l) + pool->size * sizeof(void *));

	if (!l)
		return -ENOMEM;
	pthread_mutex_init(&l->mutex, NULL);
	l->size = pool->size;
	pool->pool_data = l;
	return 0;
}

static void locked_free(struct rte_mempool *pool)
{
	free(pool->pool_data);
}

static int locked_put(struct rte_mempool *pool, void *const *items, unsigned int n)
{
	struct locked *l = pool->pool_data;
	int err = 0;

	pthread_mutex_lock(&l->mutex);
	if (l->count + n > l->size)
		err = -ENOBUFS;
	for (unsigned int i = 0; !err && i < n; i++)
		l->items[l->count++] = items[i];
	pthread_mutex_unlock(&l->mutex);
	return err;
}

static int locked_get(struct rte_mempool *pool, void **items, unsigned int n)
{
	struct locked *l = pool->pool_data;
	int err = 0;

	pthread_mutex_lock(&l->mutex);
	if (l->count < n)
		err = -ENOBUFS;
	for (unsigned int i = 0; !err && i < n; i++)
		items[i] = l->items[--l->count];
	pthread_mutex_unlock(&l->mutex);
	return err;
}

static unsigned int locked_count(const struct rte_mempool *pool)
{
	return ((const struct locked *)pool->pool_data)->count;
}

const char *pool_locked(void)
{
	static const struct rte_mempool_ops ops = {
		.name = "test_locked",
		.alloc = locked_alloc,
		.free = locked_free,
		.enqueue = locked_put,
		.dequeue = locked_get,
		.get_count = locked_count,
	};

	rte_mempool_register_ops(&ops);
	return ops.name;
}
