/*
 * A peer that is authenticated and wants more and more: its connection has an end, and what it has
 * goes on.
 */
#include "exchange/recorded.h"

static size_t installed(const struct world_peer *peer)
{
	size_t n = 0;

	for (const struct list *at = peer->sas.next; at != &peer->sas; at = at->next)
		n++;
	return n;
}

static void one_more(struct world *world)
{
	packet_count = 0;
	assert_int_equal(
		ikev2_child_initiate(world->a.engine, world_ike(&world->a), 0, NULL, world->now_ns),
		0);
	world_deliver(world);
}

static void children_have_an_end(void **state)
{
	struct world *world = *state;

	world->b.config.children_max = 8;
	world_start(world);
	world_up(world);
	for (int i = 0; i < 40; i++)
		one_more(world);
	assert_int_equal(installed(&world->b), 8);
	world_agree(world, 8);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_CHILD_FAILED), 33);
	assert_int_equal(world_last(&world->a, IKEV2_EVENT_CHILD_FAILED)->reason,
			 IKEV2_REASON_NO_ADDITIONAL_SAS);
	/* What there is can be rekeyed, and what is deleted makes room. */
	world_child_rekey(world, &world->a);
	world_run(world, 10 * WORLD_SECOND);
	world_agree(world, 8);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_CHILD_REKEYED), 1);
	assert_int_equal(ikev2_child_delete(world->a.engine, world_child(&world->a), world->now_ns),
			 0);
	world_deliver(world);
	one_more(world);
	world_run(world, 10 * WORLD_SECOND);
	world_agree(world, 8);
}

/* The rekeyed ones take late packets for a while, but not in the place of new ones. */
static void late_packets_take_no_room(void **state)
{
	struct world *world = *state;

	world->b.config.children_max = 2;
	world_start(world);
	world_up(world);
	world->always_reachable = true;
	for (int i = 0; i < 30; i++) {
		packet_count = 0;
		world_child_rekey(world, &world->a);
		world_deliver(world);
		assert_in_range(installed(&world->b), 1, 4);
	}
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_CHILD_REKEYED), 30);
	world_run(world, 10 * WORLD_SECOND);
	world_agree(world, 1);
}

/* Who dials again has lost what he had: the oldest goes. */
static void ike_sas_have_an_end(void **state)
{
	struct world *world = *state;

	world->a.config.initial_contact = false;
	world->b.config.ike_max = 4;
	world_start(world);
	for (int i = 0; i < 20; i++) {
		packet_count = 0;
		world_dial(world, &world->a, NULL);
		world_run(world, WORLD_SECOND);
		assert_in_range(world_established(&world->b), 1, 4);
	}
	assert_int_equal(world_established(&world->b), 4);
	assert_int_equal(world_established(&world->a), 4);
	assert_int_equal(world_last(&world->b, IKEV2_EVENT_DOWN)->reason, IKEV2_REASON_CROWDED);
	world_run(world, 10 * WORLD_SECOND);
	world_agree(world, 4);
}

static void ike_rekeys_go_on(void **state)
{
	struct world *world = *state;

	world->b.config.ike_max = 1;
	world_start(world);
	world_up(world);
	world->always_reachable = true;
	for (int i = 0; i < 10; i++) {
		packet_count = 0;
		world_ike_rekey(world, i % 2 ? &world->a : &world->b);
		world_run(world, WORLD_SECOND);
	}
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_REKEYED), 10);
	world_agree(world, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(children_have_an_end),
		TEST(late_packets_take_no_room),
		TEST(ike_sas_have_an_end),
		TEST(ike_rekeys_go_on),
	};

	if (secret_pool_init(8 << 20))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
