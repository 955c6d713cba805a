/*
 * Which routes stay that FRR has taken out: those of the daemon that restarts, those into tunnels
 * of which nobody knows whether they are dead.
 */
#include "cmocka_all.h"
#include "control/route/stale.h"

struct world {
	struct event_loop *loop;
	struct stale *stale;
	enum stale_part restarting; /* STALE_PARTS: none */
	struct net_addr suspect;
	uint32_t asked;
};

static bool restarting(void *context, enum stale_part part)
{
	return ((struct world *)context)->restarting == part;
}

static bool suspect(void *context, const struct net_addr *gateways, uint32_t count)
{
	struct world *w = context;

	w->asked += count;
	return count && net_addr_equal(&gateways[0], &w->suspect);
}

static void over(void *context)
{
}

static int world_make(void **state)
{
	static struct world w;
	const struct stale_hooks hooks = { &w, restarting, suspect, over };

	w = (struct world){ .restarting = STALE_PARTS, .suspect = net_addr_ip4(0xf0000007) };
	assert_int_equal(event_loop_new(&w.loop), 0);
	assert_int_equal(stale_new(&w.stale, w.loop, &hooks), 0);
	*state = &w;
	return 0;
}

static int world_end(void **state)
{
	struct world *w = *state;

	stale_free(w->stale);
	event_loop_free(w->loop);
	return 0;
}

static void none_without_reason(void **state)
{
	struct world *w = *state;
	struct net_addr other = net_addr_ip4(0xf0000008);

	for (int part = 0; part < STALE_PARTS; part++) {
		assert_false(stale_keeps(w->stale, (enum stale_part)part, &other, 1));
		assert_false(stale_is_on(w->stale, (enum stale_part)part));
	}
}

static void those_of_the_daemon(void **state)
{
	struct world *w = *state;

	w->restarting = STALE_CIRCUIT;
	assert_true(stale_keeps(w->stale, STALE_CIRCUIT, NULL, 0));
	assert_false(stale_keeps(w->stale, STALE_LEARNED, NULL, 0));
	assert_true(stale_is_on(w->stale, STALE_CIRCUIT));
	assert_false(stale_is_on(w->stale, STALE_LEARNED));
	assert_false(stale_is_on(w->stale, STALE_ANNOUNCED));
}

static void those_of_suspect_tunnels(void **state)
{
	struct world *w = *state;

	assert_true(stale_keeps(w->stale, STALE_LEARNED, &w->suspect, 1));
	assert_true(stale_is_on(w->stale, STALE_LEARNED));
	assert_true(stale_is_on(w->stale, STALE_ANNOUNCED)); /* who announces it goes with it */
	assert_false(stale_is_on(w->stale, STALE_CIRCUIT));
	/* That there are such ones keeps no other. */
	assert_false(stale_keeps(w->stale, STALE_LEARNED, NULL, 0));
	assert_int_equal(w->asked, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(none_without_reason, world_make, world_end),
		cmocka_unit_test_setup_teardown(those_of_the_daemon, world_make, world_end),
		cmocka_unit_test_setup_teardown(those_of_suspect_tunnels, world_make, world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
