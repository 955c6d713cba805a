/*
 * From nothing to an IKE SA with a child, and how that fails.
 */
#include "exchange/world.h"

#include "base/secret.h"

#include <string.h>

static int setup(void **state)
{
	static struct world world;

	world_init(&world, IKE_PROFILE_STRONG);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_fini(*state);
	return 0;
}

static void comes_up(void **state)
{
	struct world *world = *state;

	world_start(world);
	world_up(world);
	assert_int_equal(world->sent, 4);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_UP), 1);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_UP), 1);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_CHILD_UP), 1);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_CHILD_UP), 1);
	assert_int_equal(ikev2_counters(world->b.engine)->half_open, 0);
	world->always_reachable = true;
	world_run(world, 10 * WORLD_SECOND);
}

static void wrong_key(void **state)
{
	struct world *world = *state;

	world->b.psk = "another";
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_run(world, 60 * WORLD_SECOND);
	assert_int_equal(world_last(&world->a, IKEV2_EVENT_FAILED)->reason,
			 IKEV2_REASON_PEER_AUTHENTICATION);
	assert_int_equal(world_last(&world->b, IKEV2_EVENT_FAILED)->reason,
			 IKEV2_REASON_AUTHENTICATION);
	assert_int_equal(ikev2_reason_azure(IKEV2_REASON_AUTHENTICATION), 13801);
	world_empty(world);
}

/* What was refused counts as half-open: wrong keys do not fill the memory. */
static void wrong_keys_do_not_pile_up(void **state)
{
	struct world *world = *state;

	world->b.psk = "another";
	world_start(world);
	for (int i = 0; i < 20; i++) {
		world_dial(world, &world->a, NULL);
		world_deliver(world);
	}
	assert_int_equal(ikev2_counters(world->b.engine)->sas, 5);
	assert_int_equal(ikev2_counters(world->b.engine)->half_open, 5);
	world_run(world, 400 * WORLD_SECOND);
	world_empty(world);
	assert_int_equal(ikev2_counters(world->b.engine)->half_open, 0);
}

/* By its connection, without a walk over all others. */
static void found_by_connection(void **state)
{
	struct world *world = *state;
	uint64_t first, second;

	world_start(world);
	assert_int_equal(ikev2_established(world->a.engine, world->a.connection, 0), 0);
	world_up(world);
	first = world_ike(&world->a);
	assert_true(ikev2_established(world->a.engine, world->a.connection, 0) == first);
	assert_int_equal(ikev2_established(world->a.engine, world->a.connection, first), 0);
	assert_int_equal(ikev2_established(world->a.engine, world->b.connection, 0), 0);
	assert_int_equal(ikev2_rekey(world->a.engine, first, world->now_ns), 0);
	world_run(world, 10 * WORLD_SECOND);
	second = ikev2_established(world->a.engine, world->a.connection, first);
	assert_true(second && second == world_ike(&world->a));
	assert_int_equal(ikev2_delete(world->a.engine, second, false, world->now_ns), 0);
	world_deliver(world);
	assert_int_equal(ikev2_established(world->a.engine, world->a.connection, 0), 0);
}

static void deleted(void **state)
{
	struct world *world = *state;

	world_start(world);
	world_up(world);
	assert_int_equal(ikev2_delete(world->a.engine, world_ike(&world->a), false, world->now_ns),
			 0);
	world_deliver(world);
	world_empty(world);
	assert_int_equal(world_last(&world->a, IKEV2_EVENT_DOWN)->reason, IKEV2_REASON_DELETED);
	assert_int_equal(world_last(&world->b, IKEV2_EVENT_DOWN)->reason,
			 IKEV2_REASON_PEER_DELETED);
}

static void child_rekey(void **state)
{
	struct world *world = *state;

	world_start(world);
	world_up(world);
	world->always_reachable = true;
	assert_int_equal(ikev2_child_rekey(world->a.engine, world_child(&world->a), world->now_ns),
			 0);
	world_run(world, 10 * WORLD_SECOND);
	world_agree(world, 1);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_CHILD_REKEYED), 1);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_CHILD_REKEYED), 1);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_CHILD_DOWN), 0);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_CHILD_DOWN), 0);
}

static void ike_rekey(void **state)
{
	struct world *world = *state;
	uint64_t old;

	world_start(world);
	world_up(world);
	world->always_reachable = true;
	old = world_ike(&world->b);
	assert_int_equal(ikev2_rekey(world->b.engine, old, world->now_ns), 0);
	world_run(world, 10 * WORLD_SECOND);
	world_agree(world, 1);
	assert_true(world_ike(&world->b) != old);
	assert_int_equal(ikev2_counters(world->a.engine)->sas, 1);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_REKEYED), 1);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_REKEYED), 1);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_DOWN), 0);
	/* The new one works in both directions. */
	assert_int_equal(ikev2_child_rekey(world->a.engine, world_child(&world->a), world->now_ns),
			 0);
	world_run(world, 10 * WORLD_SECOND);
	assert_int_equal(ikev2_child_rekey(world->b.engine, world_child(&world->b), world->now_ns),
			 0);
	world_run(world, 10 * WORLD_SECOND);
	world_agree(world, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_up, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_key, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_keys_do_not_pile_up, setup, teardown),
		cmocka_unit_test_setup_teardown(found_by_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(deleted, setup, teardown),
		cmocka_unit_test_setup_teardown(child_rekey, setup, teardown),
		cmocka_unit_test_setup_teardown(ike_rekey, setup, teardown),
	};

	if (secret_pool_init(4 << 20))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
