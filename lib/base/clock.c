#include "base/clock.h"

#include <time.h>

static uint64_t read_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * CLOCK_NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t boottime_ns(const struct clock *clock)
{
	return read_ns(CLOCK_BOOTTIME);
}

static uint64_t fake_ns(const struct clock *clock)
{
	return clock->fake_ns;
}

const struct clock clock_monotonic = { .now_ns = boottime_ns };

void clock_fake_init(struct clock *clock, uint64_t start_ns)
{
	*clock = (struct clock){ .now_ns = fake_ns, .fake_ns = start_ns };
}

void clock_fake_advance(struct clock *clock, uint64_t by_ns)
{
	clock->fake_ns += by_ns;
}

uint64_t clock_wall_ms(void)
{
	return read_ns(CLOCK_REALTIME) / CLOCK_NS_PER_MS;
}
