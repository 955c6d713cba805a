/*
 * When a rekey has to start so that it is ten seconds ahead of the hard limit at the current rate.
 */
#include "control/tunnel/expiry.h"

#include <cmocka_all.h>

#define S CLOCK_NS_PER_S

/* Traffic of `rate` a second from nothing: how long before `hard` it is told, in seconds. */
static double told_ahead(uint64_t hard, uint64_t rate)
{
	for (uint64_t t = 1; t * rate < hard; t++)
		if (expiry_is_near(hard, t * rate, (t - 1) * rate, S))
			return (double)(hard - t * rate) / (double)rate;
	return 0;
}

static void ten_seconds_ahead_at_any_rate(void **state)
{
	(void)state;
	for (uint64_t seconds = 13; seconds < 5000; seconds = seconds * 3 / 2) {
		double ahead = told_ahead(seconds * 125000000, 125000000);

		assert_true(ahead >= 10);
		assert_true(ahead <= 12);
	}
}

/* Ten times as fast in the last third: still ten seconds, and not at once at the slow rate. */
static void it_follows_the_rate(void **state)
{
	const uint64_t hard = 3000000, slow = 1000, fast = 50000;
	uint64_t used = 0;

	(void)state;
	while (used < 2000000) {
		assert_false(expiry_is_near(hard, used + slow, used, S));
		used += slow;
	}
	while (!expiry_is_near(hard, used + fast, used, S)) {
		used += fast;
		assert_true(used < hard);
	}
	assert_true(hard - used - fast >= 10 * fast);
}

static void too_short_a_lifetime_is_rekeyed_at_its_half(void **state)
{
	(void)state;
	assert_false(expiry_is_near(1000, 400, 300, S));
	assert_true(expiry_is_near(1000, 500, 400, S));
}

static void nothing_is_told_without_traffic_or_limit(void **state)
{
	(void)state;
	assert_false(expiry_is_near(0, 1000, 0, S));
	assert_false(expiry_is_near(1000, 900, 900, S));
	assert_true(expiry_is_near(1000, 1000, 999, S));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_seconds_ahead_at_any_rate),
		cmocka_unit_test(it_follows_the_rate),
		cmocka_unit_test(too_short_a_lifetime_is_rekeyed_at_its_half),
		cmocka_unit_test(nothing_is_told_without_traffic_or_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
