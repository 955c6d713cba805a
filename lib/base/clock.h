#pragma once
/*
 * Monotonic time as an object, so that a test can hold a fake one. Engines take `now_ns` as an
 * argument instead; the clock is for those who drive them.
 */
#include <stdint.h>

#define CLOCK_NS_PER_S UINT64_C(1000000000)
#define CLOCK_NS_PER_MS UINT64_C(1000000)

struct clock {
	uint64_t (*now_ns)(const struct clock *clock);
	uint64_t fake_ns;
};

/* CLOCK_BOOTTIME: it counts a suspended machine too, as lifetimes of keys must. */
extern const struct clock clock_monotonic;

static inline uint64_t clock_now_ns(const struct clock *clock)
{
	return clock->now_ns(clock);
}

void clock_fake_init(struct clock *clock, uint64_t start_ns);
void clock_fake_advance(struct clock *clock, uint64_t by_ns);

/* Wall clock for what people and files see, never for a deadline. */
uint64_t clock_wall_ms(void);
