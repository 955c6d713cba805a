#pragma once
/*
 * Sequence numbers of an outbound SA. One counter gives number and IV; it only grows. Numbers are
 * reserved for a run of packets of one SA, directly before they are encrypted. Left out so far: the
 * `spread` of an SA is kept but nothing holds workers to it, so with several workers on one SA
 * numbers can arrive out of order by as much as one worker can be delayed.
 */
#include "dataplane/esp/esp.h"

struct esp_numbers {
	uint64_t first;
	uint32_t count; /* usable ones: fewer than asked for near the end */
	bool alarm;	/* some limit was passed: see esp_alarm() */
};

static ESP_INLINE uint64_t esp_counter_add(struct sa_life *life, uint32_t n, bool shared)
{
	uint64_t was;

	if (shared)
		return __atomic_fetch_add(&life->next, n, __ATOMIC_RELAXED);
	was = __atomic_load_n(&life->next, __ATOMIC_RELAXED);
	__atomic_store_n(&life->next, was + n, __ATOMIC_RELAXED);
	return was;
}

/* `shared` false: this thread is the only one that sends on any SA. */
static ESP_INLINE struct esp_numbers esp_reserve(struct sa_life *life, uint32_t n, bool shared)
{
	struct esp_numbers numbers = { esp_counter_add(life, n, shared) + 1, n, false };
	uint64_t last = numbers.first + n - 1;

	if (__builtin_expect(last >= __atomic_load_n(&life->alarm, __ATOMIC_RELAXED), 0)) {
		uint64_t hard = __atomic_load_n(&life->hard, __ATOMIC_RELAXED);

		numbers.alarm = true;
		if (last > hard)
			numbers.count =
				numbers.first > hard ? 0 : (uint32_t)(hard - numbers.first + 1);
	}
	return numbers;
}

/*
 * After an alarm, or after bytes were counted: the events to raise now, each once in the life of
 * the SA (bits of 1 << enum contract_lifetime_event).
 */
uint32_t esp_alarm(struct sa_life *life, uint64_t number, uint64_t bytes);

/* Counts bytes of an SA that has such a lifetime; true when a limit may have been reached. */
static ESP_INLINE bool esp_bytes_add(struct sa_life *life, uint64_t bytes)
{
	uint64_t now = __atomic_add_fetch(&life->bytes, bytes, __ATOMIC_RELAXED);

	return (life->soft_bytes && now >= life->soft_bytes) ||
	       (life->hard_bytes && now >= life->hard_bytes);
}

/* Past its hard lifetime in bytes. */
static ESP_INLINE bool esp_bytes_spent(const struct sa_life *life)
{
	return life->hard_bytes &&
	       __atomic_load_n(&life->bytes, __ATOMIC_RELAXED) >= life->hard_bytes;
}
