/*
 * Routes of a daemon that restarts: kept while it is away and for a while after, not for ever.
 */
#include "cmocka_all.h"
#include "base/clock.h"
#include "control/route/hold.h"
#include "fake_dataplane.h"

#define MS 1000000ull

struct world {
	struct event_loop *loop;
	struct hold *hold;
	bool restarting;
	int over;
	uint64_t over_ns;
};

static bool restarting(void *context)
{
	return ((struct world *)context)->restarting;
}

static void over(void *context)
{
	struct world *w = context;

	w->over++;
	w->over_ns = clock_now_ns(&clock_monotonic);
}

static bool is_over(void *context)
{
	return ((struct world *)context)->over;
}

static void world_make(struct world *w, uint64_t settle_ms, uint64_t limit_ms)
{
	struct hold_hooks hooks = { w, restarting, over, settle_ms * MS, limit_ms * MS, "it" };

	*w = (struct world){ 0 };
	assert_int_equal(event_loop_new(&w->loop), 0);
	assert_int_equal(hold_new(&w->hold, w->loop, &hooks), 0);
}

static void world_end(struct world *w)
{
	hold_free(w->hold);
	event_loop_free(w->loop);
}

static void not_when_it_lives(void **state)
{
	struct world w;

	world_make(&w, 10, 1000);
	assert_false(hold_keeps(w.hold));
	assert_false(hold_is_on(w.hold));
	world_end(&w);
}

static void until_it_has_settled(void **state)
{
	struct world w;
	uint64_t back;

	world_make(&w, 40, 1500);
	w.restarting = true;
	assert_true(hold_keeps(w.hold));
	assert_true(hold_is_on(w.hold));
	back = clock_now_ns(&clock_monotonic);
	w.restarting = false;
	assert_false(hold_keeps(w.hold)); /* what the living one takes out goes at once */
	fake_run_until(w.loop, is_over, &w);
	assert_int_equal(w.over, 1);
	assert_true(w.over_ns - back >= 40 * MS);
	assert_false(hold_is_on(w.hold));
	world_end(&w);
}

static void not_for_ever(void **state)
{
	struct world w;
	uint64_t begun = clock_now_ns(&clock_monotonic);

	world_make(&w, 20, 100);
	w.restarting = true;
	assert_true(hold_keeps(w.hold));
	fake_run_until(w.loop, is_over, &w);
	assert_true(w.over_ns - begun >= 100 * MS);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_when_it_lives),
		cmocka_unit_test(until_it_has_settled),
		cmocka_unit_test(not_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
