#include "base/secret.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

/* Room is handed out in granules; a bitmap outside the pool says which are taken. */
#define GRANULE 32u

static struct {
	uint8_t *start;
	size_t bytes;
	uint8_t *taken; /* a byte a granule */
	size_t granules;
	size_t hint;
	struct stock *stock; /* NULL: every random byte is asked for by itself */
} pool;

/*
 * Random bytes that were fetched before they are needed: a handshake takes four times a few, and
 * each call of the kernel costs more than all of them. The page is zeroed in a forked child, which
 * so finds none left and fetches its own. What was given out is wiped.
 */
#define STOCK_BYTES 1024
#define STOCK_TAKE_MAX 64

struct stock {
	size_t left;
	uint8_t bytes[STOCK_BYTES];
};

/* A thread that computes for the control thread gives and takes secrets as well. */
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;

static size_t granules_of(size_t n)
{
	return (n + GRANULE - 1) / GRANULE;
}

/* WIPEONFORK and DONTDUMP are refused by old kernels and some sandboxes: then there is no pool. */
static int protect(void *p, size_t bytes)
{
	if (madvise(p, bytes, MADV_DONTDUMP) || madvise(p, bytes, MADV_WIPEONFORK))
		return -errno;
	if (mlock(p, bytes))
		return errno == EAGAIN ? -ENOMEM : -errno;
	return 0;
}

/* Nothing stays in it for long: where the lock is refused it does without. */
static struct stock *stock_new(size_t page)
{
	void *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, page, MADV_DONTDUMP) || madvise(p, page, MADV_WIPEONFORK)) {
		munmap(p, page);
		return NULL;
	}
	(void)mlock(p, page);
	return p;
}

static void stock_free(void)
{
	if (!pool.stock)
		return;
	secret_wipe(pool.stock, sizeof(*pool.stock));
	munmap(pool.stock, (size_t)sysconf(_SC_PAGESIZE));
}

int secret_pool_init(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *p;
	int rc;

	if (pool.start)
		return -EBUSY;
	if (!bytes || bytes > SIZE_MAX / 2)
		return -EINVAL;
	bytes = (bytes + page - 1) / page * page;
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	rc = protect(p, bytes);
	if (rc)
		goto unmap;
	pool.granules = bytes / GRANULE;
	pool.taken = calloc(pool.granules, 1);
	if (!pool.taken) {
		rc = -ENOMEM;
		goto unmap;
	}
	pool.start = p;
	pool.bytes = bytes;
	pool.hint = 0;
	pool.stock = stock_new(page);
	return 0;

unmap:
	munmap(p, bytes);
	return rc;
}

void secret_pool_fini(void)
{
	if (!pool.start)
		return;
	stock_free();
	secret_wipe(pool.start, pool.bytes);
	munmap(pool.start, pool.bytes);
	free(pool.taken);
	memset(&pool, 0, sizeof(pool));
}

size_t secret_pool_used(void)
{
	size_t used = 0;

	pthread_mutex_lock(&pool_lock);
	for (size_t i = 0; i < pool.granules; i++)
		used += pool.taken[i];
	pthread_mutex_unlock(&pool_lock);
	return used * GRANULE;
}

/* First run of `want` free granules in [from, to), or `to`. */
static size_t find_run(size_t from, size_t to, size_t want)
{
	size_t run = 0;

	for (size_t i = from; i < to; i++) {
		run = pool.taken[i] ? 0 : run + 1;
		if (run == want)
			return i + 1 - want;
	}
	return to;
}

/* The first of `want` granules that are the caller's now, or pool.granules. */
static size_t take_run(size_t want)
{
	size_t at = find_run(pool.hint, pool.granules, want);

	if (at == pool.granules)
		at = find_run(0, pool.granules, want);
	if (at < pool.granules) {
		memset(pool.taken + at, 1, want);
		pool.hint = at + want;
	}
	return at;
}

int secret_new(struct secret *secret, size_t n)
{
	size_t at;

	*secret = (struct secret){ 0 };
	if (!n)
		return 0;
	if (!pool.start || n > pool.bytes)
		return -ENOMEM;
	pthread_mutex_lock(&pool_lock);
	at = take_run(granules_of(n));
	pthread_mutex_unlock(&pool_lock);
	if (at == pool.granules)
		return -ENOMEM;
	*secret = (struct secret){ .p = pool.start + at * GRANULE, .n = n };
	return 0;
}

int secret_copy(struct secret *secret, const void *bytes, size_t n)
{
	int rc = secret_new(secret, n);

	if (!rc && n)
		memcpy(secret->p, bytes, n);
	return rc;
}

void secret_free(struct secret *secret)
{
	size_t at;

	if (!secret->p)
		return;
	at = (size_t)(secret->p - pool.start) / GRANULE;
	secret_wipe(secret->p, granules_of(secret->n) * GRANULE);
	pthread_mutex_lock(&pool_lock);
	memset(pool.taken + at, 0, granules_of(secret->n));
	pthread_mutex_unlock(&pool_lock);
	*secret = (struct secret){ 0 };
}

void secret_wipe(void *bytes, size_t n)
{
	if (n)
		explicit_bzero(bytes, n);
}

bool secret_equal(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= x[i] ^ y[i];
	return differ == 0;
}

static int random_fetch(void *to, size_t n)
{
	uint8_t *p = to;

	while (n) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			secret_wipe(to, (size_t)(p - (uint8_t *)to));
			return got < 0 ? -errno : -EIO;
		}
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

int secret_random(void *to, size_t n)
{
	struct stock *stock = pool.stock;
	int error = 0;

	if (!stock || n > STOCK_TAKE_MAX)
		return random_fetch(to, n);
	pthread_mutex_lock(&pool_lock);
	if (stock->left < n) {
		stock->left = 0;
		error = random_fetch(stock->bytes, sizeof(stock->bytes));
		stock->left = error ? 0 : sizeof(stock->bytes);
	}
	if (!error) {
		stock->left -= n;
		memcpy(to, stock->bytes + stock->left, n);
		secret_wipe(stock->bytes + stock->left, n);
	}
	pthread_mutex_unlock(&pool_lock);
	return error;
}
