#pragma once
/*
 * DOC: numbers
 *
 * Sequence numbers of an outbound SA. One counter gives number and IV; it only grows. Numbers are
 * reserved for a run of packets of one SA, directly before they are encrypted.
 *
 * A worker alone adds to the counter: esp_reserve(). Several keep to the SA's `spread`, which is
 * the smallest replay window of a peer that they are safe for: no number leaves while one that is
 * lower by as much is still reserved by another worker. Each worker says its oldest number not yet
 * sent in a word of its own (struct sa_slot, flight) before it takes it from the counter, and
 * clears the word when the packets are with the device or in the ring of the queue's owner:
 * esp_reserve_shared(), esp_sent(). So the bound holds however long a worker is delayed; the others
 * then wait (path_share.c), holding nothing themselves. Where the spread is too small to be shared
 * out, a worker takes all that it has when no other has any, so that one at a time sends.
 *
 * Not seen from here: what the NIC does with its transmit queues. It empties them in turn, so a
 * port driven beyond its line rate adds to the spread; one queue (queues=1) keeps the order.
 *
 * Measured (TSC cycles a reservation with its release, one core, other workers idle): 30 to 39 for
 * 2 to 8 workers, of which the bare atomic add is 20; a bitmap of finished numbers beside the
 * counter took 52. Under contention both cost the same, a move of the cache line.
 */
#include "dataplane/esp/esp.h"

struct esp_numbers {
	uint64_t first;
	uint32_t count; /* usable ones: fewer than asked for near the end */
	bool alarm;	/* some limit was passed: see esp_alarm() */
};

/* `n` numbers after `was` were taken: as many of them as may be used. */
static ESP_INLINE struct esp_numbers esp_numbers(struct sa_life *life, uint64_t was, uint32_t n)
{
	struct esp_numbers numbers = { was + 1, n, false };
	uint64_t last = was + n;

	if (__builtin_expect(last >= __atomic_load_n(&life->alarm, __ATOMIC_RELAXED), 0)) {
		uint64_t hard = __atomic_load_n(&life->hard, __ATOMIC_RELAXED);

		numbers.alarm = true;
		if (last > hard)
			numbers.count =
				numbers.first > hard ? 0 : (uint32_t)(hard - numbers.first + 1);
	}
	return numbers;
}

/* This thread is the only one that sends on any SA. */
static ESP_INLINE struct esp_numbers esp_reserve(struct sa_life *life, uint32_t n)
{
	uint64_t was = __atomic_load_n(&life->next, __ATOMIC_RELAXED);

	__atomic_store_n(&life->next, was + n, __ATOMIC_RELAXED);
	return esp_numbers(life, was, n);
}

/* One of several that send on an SA. */
struct esp_sharer {
	uint32_t worker; /* below SA_WORKERS */
	uint32_t workers;
};

/*
 * Up to `n` numbers; *taken is how many left the counter, 0: none may leave it now, try again.
 * After the packets are sent, esp_sent().
 */
struct esp_numbers esp_reserve_shared(struct sa_slot *slot, const struct esp_sharer *sharer,
				      uint32_t n, uint32_t *taken);

static ESP_INLINE void esp_sent(struct sa_slot *slot, const struct esp_sharer *sharer)
{
	__atomic_store_n(&slot->flight[sharer->worker], 0, __ATOMIC_RELEASE);
}

/*
 * After an alarm, or after bytes were counted: the events to raise now, each once in the life of
 * the SA (bits of 1 << enum contract_lifetime_event).
 */
uint32_t esp_alarm(struct sa_life *life, uint64_t number, uint64_t bytes);

/* Counts bytes of an SA that has such a lifetime; gives all so far. */
static ESP_INLINE uint64_t esp_bytes_add(struct sa_life *life, uint64_t bytes)
{
	return __atomic_add_fetch(&life->bytes, bytes, __ATOMIC_RELAXED);
}

/* A limit may have been reached by them. */
static ESP_INLINE bool esp_bytes_reached(const struct sa_life *life, uint64_t total)
{
	return (life->soft_bytes && total >= life->soft_bytes) ||
	       (life->hard_bytes && total >= life->hard_bytes);
}
