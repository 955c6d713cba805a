/*
 * Sources of a next hop: one stands in the word itself, several in a block that is never changed.
 */
#include "dataplane/fib/state.h"

#include <errno.h>

static void word_replace(struct fib *fib, fib_sources_word *word, fib_sources_word value)
{
	fib_sources_word old = *word;
	uint32_t count = (uint32_t)(old >> 32);

	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	if (count < 2 || count == FIB_SOURCES_ANY)
		return;
	fib->table_units -= 1u << fib_pool_order(&fib->pool, (uint32_t)old);
	fib_pool_retire(&fib->pool, (uint32_t)old);
}

void fib_sources_drop(struct fib *fib, fib_sources_word *word)
{
	word_replace(fib, word, 0);
}

int fib_sources_set(struct fib *fib, fib_sources_word *word, const uint32_t *sources, uint8_t count)
{
	uint32_t order = 0;
	uint32_t unit;

	if (count == CONTRACT_SOURCES_ANY) {
		word_replace(fib, word, (fib_sources_word)FIB_SOURCES_ANY << 32);
		return 0;
	}
	if (count < 2) {
		word_replace(fib, word, count ? UINT64_C(1) << 32 | sources[0] : 0);
		return 0;
	}
	while (((size_t)FIB_UNIT_BYTES << order) < count * sizeof(*sources))
		order++;
	unit = fib_pool_get(&fib->pool, order, 0);
	if (unit == FIB_POOL_NONE)
		return fib_refuse(fib, -ENOSPC, "no memory for %u sources of a next hop", count);
	memcpy(fib_pool_at(&fib->pool, unit), sources, count * sizeof(*sources));
	fib->table_units += 1u << order;
	word_replace(fib, word, (fib_sources_word)count << 32 | unit);
	return 0;
}
