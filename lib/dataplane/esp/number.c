#include "dataplane/esp/number.h"
#include "contract/message.h"

#define SHARE_MIN 4 /* numbers; smaller parts of a spread are not worth a round */

uint32_t esp_alarm(struct sa_life *life, uint64_t number, uint64_t bytes)
{
	uint64_t hard = __atomic_load_n(&life->hard, __ATOMIC_RELAXED);
	uint32_t reached = 0;
	uint32_t was;

	if (number >= hard || (life->hard_bytes && bytes >= life->hard_bytes))
		reached |= 1u << CONTRACT_HARD;
	if ((life->soft && number >= life->soft) || (life->soft_bytes && bytes >= life->soft_bytes))
		reached |= 1u << CONTRACT_SOFT;
	if (life->soft && number >= life->soft)
		__atomic_store_n(&life->alarm, hard, __ATOMIC_RELAXED);
	was = __atomic_fetch_or(&life->raised, reached, __ATOMIC_RELAXED);
	return reached & ~was;
}

/* The oldest number that another worker still holds; UINT64_MAX: there is none. */
static uint64_t oldest_of_others(const struct sa_slot *slot, const struct esp_sharer *sharer)
{
	uint64_t oldest = UINT64_MAX;

	for (uint32_t i = 0; i < sharer->workers; i++) {
		uint64_t first = __atomic_load_n(&slot->flight[i], __ATOMIC_ACQUIRE);

		if (first && first < oldest && i != sharer->worker)
			oldest = first;
	}
	return oldest;
}

/* A worker's part of the spread; all that it wants where the parts would be too small. */
static uint32_t share_of(uint32_t spread, uint32_t workers, uint32_t n)
{
	uint32_t share = spread / workers;

	return share < SHARE_MIN || n < share ? n : share;
}

/*
 * The word is set before the numbers are taken, so whoever sees the counter behind them sees the
 * word too: the exchange releases it, the load of the counter acquires it. A word that says less
 * than what the worker holds only makes others wait.
 */
struct esp_numbers esp_reserve_shared(struct sa_slot *slot, const struct esp_sharer *sharer,
				      uint32_t n, uint32_t *taken)
{
	struct sa_life *life = &slot->out_life;
	uint64_t *own = &slot->flight[sharer->worker];
	bool holds = __atomic_load_n(own, __ATOMIC_RELAXED) != 0;
	uint32_t spread = __atomic_load_n(&life->spread, __ATOMIC_RELAXED);
	uint32_t want = share_of(spread, sharer->workers, n);
	uint64_t next = __atomic_load_n(&life->next, __ATOMIC_ACQUIRE);

	do {
		uint64_t oldest = oldest_of_others(slot, sharer);
		uint64_t end = oldest == UINT64_MAX ? next + want : oldest + spread - 1;

		if (end <= next) {
			if (!holds)
				esp_sent(slot, sharer);
			*taken = 0;
			return (struct esp_numbers){ 0 };
		}
		*taken = end - next < want ? (uint32_t)(end - next) : want;
		if (!holds)
			__atomic_store_n(own, next + 1, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&life->next, &next, next + *taken, false,
					      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	return esp_numbers(life, next, *taken);
}
