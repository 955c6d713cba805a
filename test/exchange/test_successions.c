/*
 * A child is rekeyed, and its successor as well, before the first one's Delete has arrived: what
 * sends is the last of them, on both sides, whatever is deleted when.
 */
#include "exchange/recorded.h"

static bool late; /* the Deletes of a, and what else it asks in an INFORMATIONAL, are lost */

static enum world_fate lose_deletes_of_a(struct world *world, const struct world_packet *packet,
					 size_t n)
{
	bool response = packet->bytes[19] & IKE_FLAG_RESPONSE;

	return late && packet->to_b && !response && packet->bytes[18] == INFORMATIONAL ? WORLD_LOSE
										       : WORLD_PASS;
}

static uint32_t newest(const struct world_peer *peer)
{
	return list_entry(peer->sas.prev, struct world_sa, link)->child;
}

static void rekey_newest(struct world *world, struct world_peer *by)
{
	assert_int_equal(ikev2_child_rekey(by->engine, newest(by), world->now_ns), 0);
	world_deliver(world);
}

/* All have settled: one child is left, and both sides send on it. */
static void settled(struct world *world)
{
	world_run(world, 20 * WORLD_SECOND);
	world_agree(world, 1);
	assert_int_equal(world_child(&world->a), newest(&world->a));
	assert_int_equal(world_child(&world->b), newest(&world->b));
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_CHILD_DOWN), 0);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_CHILD_DOWN), 0);
}

static void begin(struct world *world)
{
	then = lose_deletes_of_a;
	late = false;
	world_start(world);
	world_up(world);
	world->always_reachable = true;
}

/* a rekeys, its Delete is lost; b rekeys the new one meanwhile. */
static void the_first_delete_is_late(void **state)
{
	struct world *world = *state;

	begin(world);
	late = true;
	rekey_newest(world, &world->a);
	rekey_newest(world, &world->b);
	late = false;
	settled(world);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_CHILD_REKEYED), 2);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_CHILD_REKEYED), 2);
}

/* The same, with the second one's Delete done and its successor rekeyed once more. */
static void the_first_delete_is_later_still(void **state)
{
	struct world *world = *state;

	begin(world);
	late = true;
	rekey_newest(world, &world->a);
	rekey_newest(world, &world->b);
	rekey_newest(world, &world->b);
	world_run(world, WORLD_SECOND);
	rekey_newest(world, &world->b);
	late = false;
	settled(world);
}

/* b's second rekey begins when it has not heard that a has read the answer to the first one. */
static void nobody_goes_back(void **state)
{
	struct world *world = *state;

	begin(world);
	late = true;
	rekey_newest(world, &world->a);
	rekey_newest(world, &world->b);
	assert_int_equal(world_child(&world->b), newest(&world->b));
	late = false;
	for (int i = 0; i < 40; i++) {
		world_run(world, WORLD_SECOND / 10);
		assert_int_equal(world_child(&world->a), newest(&world->a));
		assert_int_equal(world_child(&world->b), newest(&world->b));
	}
	settled(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_delete_is_late),
		TEST(the_first_delete_is_later_still),
		TEST(nobody_goes_back),
	};

	if (secret_pool_init(8 << 20))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
