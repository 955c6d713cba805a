#pragma once
/*
 * DOC: replay window
 *
 * Which sequence numbers of an SA were accepted, for several writers without a lock.
 *
 * The window is a ring of 64-bit slots. A slot holds the number of its block of 32 sequence
 * numbers (low 32 bits of it) above one bit for each of them. A number is accepted by one
 * compare-and-swap that sets its bit; the slot is claimed for a newer block by the same operation.
 * So no number is accepted twice whatever the writers do: a bit goes only with the block that is
 * gone, and a slot never returns to an older block. The ring is twice the window, so a block that
 * was overtaken lies below the window.
 *
 * RFC 4303 section 3.4.3 and appendix A: the number is checked before the ICV, and the 64-bit
 * number that was verified is the one that is committed.
 */
#include <stdbool.h>
#include <stdint.h>

#define WINDOW_BLOCK 32
#define WINDOW_MIN 64
#define WINDOW_MAX 4096

struct window {
	uint64_t highest; /* workers: rw */
	uint64_t *slots;  /* workers: rw; fixed while published */
	uint32_t mask;	  /* slots - 1 */
	uint32_t size;	  /* packets */
};

enum window_verdict { WINDOW_NEW, WINDOW_SEEN, WINDOW_OLD };

/* Slots for a window of `size` packets: a power of two. */
static inline uint32_t window_slot_count(uint32_t size)
{
	uint32_t need = size * 2 / WINDOW_BLOCK;

	return need <= 2 ? 2 : 1u << (32 - __builtin_clz(need - 1));
}

/* All numbers up to `highest` count as seen. */
static inline void window_init(struct window *w, uint64_t *slots, uint32_t size, uint64_t highest)
{
	uint32_t count = window_slot_count(size);
	uint64_t top = highest / WINDOW_BLOCK;

	w->highest = highest;
	w->slots = slots;
	w->mask = count - 1;
	w->size = size;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t block = top - i;
		uint32_t bits = i ? UINT32_MAX : UINT32_MAX >> (31 - highest % WINDOW_BLOCK);

		slots[block & w->mask] = block << 32 | bits;
	}
}

/* The 64-bit number for the 32 bits of a packet (RFC 4303 appendix A2.2, for any window size). */
static inline uint64_t window_infer(uint64_t highest, uint32_t size, uint32_t low)
{
	uint32_t bottom = (uint32_t)highest - size + 1;
	uint32_t high = (uint32_t)(highest >> 32);

	if ((uint32_t)highest >= size - 1)
		high += low < bottom; /* the window lies within one subspace */
	else
		high -= low >= bottom && high != 0;
	return (uint64_t)high << 32 | low;
}

/* Before the ICV: may this number still be accepted? */
static inline enum window_verdict window_check(const struct window *w, uint64_t highest,
					       uint64_t number)
{
	uint64_t slot;
	uint64_t block = number / WINDOW_BLOCK;

	if (number + w->size <= highest)
		return WINDOW_OLD;
	slot = __atomic_load_n(&w->slots[block & w->mask], __ATOMIC_RELAXED);
	if ((uint32_t)(slot >> 32) != (uint32_t)block)
		return (int32_t)((uint32_t)(slot >> 32) - (uint32_t)block) > 0 ? WINDOW_OLD
									       : WINDOW_NEW;
	return slot >> (number % WINDOW_BLOCK) & 1 ? WINDOW_SEEN : WINDOW_NEW;
}

static inline void window_raise(struct window *w, uint64_t number, bool shared)
{
	uint64_t highest = __atomic_load_n(&w->highest, __ATOMIC_RELAXED);

	if (!shared) {
		if (number > highest)
			__atomic_store_n(&w->highest, number, __ATOMIC_RELAXED);
		return;
	}
	while (number > highest && !__atomic_compare_exchange_n(&w->highest, &highest, number, true,
								__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static inline bool window_swap(uint64_t *slot, uint64_t *was, uint64_t now, bool shared)
{
	if (shared)
		return __atomic_compare_exchange_n(slot, was, now, false, __ATOMIC_RELAXED,
						   __ATOMIC_RELAXED);
	__atomic_store_n(slot, now, __ATOMIC_RELAXED);
	return true;
}

/* After the ICV held: accepts the number once. `shared` false: this thread is the only writer. */
static inline enum window_verdict window_commit(struct window *w, uint64_t number, bool shared)
{
	uint64_t block = number / WINDOW_BLOCK;
	uint64_t *slot = &w->slots[block & w->mask];
	uint64_t bit = UINT64_C(1) << (number % WINDOW_BLOCK);
	uint64_t was = __atomic_load_n(slot, __ATOMIC_RELAXED);
	uint64_t now;

	if (number + w->size <= __atomic_load_n(&w->highest, __ATOMIC_RELAXED))
		return WINDOW_OLD;
	do {
		int32_t ahead = (int32_t)((uint32_t)(was >> 32) - (uint32_t)block);

		if (ahead > 0)
			return WINDOW_OLD;
		if (ahead == 0 && (was & bit))
			return WINDOW_SEEN;
		now = ahead == 0 ? was | bit : block << 32 | bit;
	} while (!window_swap(slot, &was, now, shared));
	window_raise(w, number, shared);
	return WINDOW_NEW;
}
