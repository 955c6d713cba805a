/*
 * MOBIKE (RFC 4555) against rekeys: a tells b of another address of its own while either side, or
 * both, rekey the child or the IKE SA; in every order of the datagrams, with peers that are slow
 * with their keys and data planes, and with what still goes to the old address lost.
 */
#include "exchange/order.h"
#include "exchange/world.h"

#include "base/secret.h"

#include <stdio.h>
#include <string.h>

#define MOVED 0x0a000063

static void move(struct world *world)
{
	struct ikev2_path path;
	struct ikev2_info info;

	assert_int_equal(ikev2_info(world->a.engine, world_ike(&world->a), &info), 0);
	path = info.path;
	path.local = world->a.addr = net_addr_ip4(MOVED);
	assert_int_equal(ikev2_move(world->a.engine, world_ike(&world->a), &path, world->now_ns),
			 0);
}

static void probe(struct world *world, struct world_peer *peer)
{
	assert_int_equal(ikev2_probe(peer->engine, world_ike(peer), world->now_ns), 0);
}

typedef void (*act_fn)(struct world *world, struct world_peer *peer);

struct crossing {
	const char *name;
	act_fn a_before; /* a does this, moves, and does that */
	act_fn a_after;
	act_fn b;
	bool slow_a, slow_b;
	bool old_is_dead; /* nothing reaches the address that was left */
};

static const struct crossing crossings[] = {
	{ "b rekeys the child", NULL, NULL, world_child_rekey, false, false, false },
	{ "b rekeys the child, old address dead", NULL, NULL, world_child_rekey, false, false,
	  true },
	{ "b rekeys the child, b slow", NULL, NULL, world_child_rekey, false, true, false },
	{ "b rekeys the child, a slow", NULL, NULL, world_child_rekey, true, false, false },
	{ "b rekeys the child, both slow, old address dead", NULL, NULL, world_child_rekey, true,
	  true, true },
	{ "b rekeys the IKE SA", NULL, NULL, world_ike_rekey, false, false, false },
	{ "b rekeys the IKE SA, old address dead", NULL, NULL, world_ike_rekey, false, false,
	  true },
	{ "b rekeys the IKE SA, b slow", NULL, NULL, world_ike_rekey, false, true, false },
	{ "b rekeys the IKE SA, a slow", NULL, NULL, world_ike_rekey, true, false, false },
	{ "b rekeys the IKE SA, both slow, old address dead", NULL, NULL, world_ike_rekey, true,
	  true, true },
	{ "a rekeys the child before", world_child_rekey, NULL, NULL, false, false, false },
	{ "a rekeys the child before, a slow", world_child_rekey, NULL, probe, true, false, true },
	{ "a rekeys the child after", NULL, world_child_rekey, probe, false, false, true },
	{ "a rekeys the IKE SA before", world_ike_rekey, NULL, NULL, false, false, false },
	{ "a rekeys the IKE SA before, a slow", world_ike_rekey, NULL, probe, true, false, true },
	{ "a rekeys the IKE SA after", NULL, world_ike_rekey, probe, false, false, true },
	{ "both rekey the child, a before", world_child_rekey, NULL, world_child_rekey, false,
	  false, false },
	{ "both rekey the child, a after, old address dead", NULL, world_child_rekey,
	  world_child_rekey, false, false, true },
	{ "both rekey the IKE SA, a before", world_ike_rekey, NULL, world_ike_rekey, false, false,
	  false },
	{ "both rekey the IKE SA, a after, old address dead", NULL, world_ike_rekey,
	  world_ike_rekey, false, false, true },
	{ "a rekeys the child before, b the IKE SA", world_child_rekey, NULL, world_ike_rekey,
	  false, false, true },
	{ "a rekeys the IKE SA before, b the child", world_ike_rekey, NULL, world_child_rekey,
	  false, false, true },
};

static bool not_at_the_old_address(const struct world *world, const struct world_packet *packet)
{
	return packet->to_b || net_addr_equal(&packet->path.local, &world->a.addr);
}

static enum world_fate old_is_dead(struct world *world, const struct world_packet *packet, size_t n)
{
	return not_at_the_old_address(world, packet) ? WORLD_PASS : WORLD_LOSE;
}

/* Every SA of both sides and what is said goes to and from where a is now. */
static void all_moved(struct world *world)
{
	struct ikev2_info info;
	struct list *at;

	list_for_each (at, &world->a.sas)
		assert_true(net_addr_equal(&list_entry(at, struct world_sa, link)->outbound.local,
					   &world->a.addr));
	list_for_each (at, &world->b.sas)
		assert_true(net_addr_equal(&list_entry(at, struct world_sa, link)->outbound.remote,
					   &world->a.addr));
	assert_int_equal(ikev2_info(world->a.engine, world_ike(&world->a), &info), 0);
	assert_true(net_addr_equal(&info.path.local, &world->a.addr));
	assert_int_equal(ikev2_info(world->b.engine, world_ike(&world->b), &info), 0);
	assert_true(net_addr_equal(&info.path.remote, &world->a.addr));
}

static void cross(const struct crossing *crossing, struct order *order)
{
	struct world world;

	world_init(&world, IKE_PROFILE_STRONG);
	world.a.slow = crossing->slow_a;
	world.b.slow = crossing->slow_b;
	world_start(&world);
	world_up(&world);
	world.always_reachable = true;
	if (crossing->a_before)
		crossing->a_before(&world, &world.a);
	if (crossing->b)
		crossing->b(&world, &world.b);
	move(&world);
	if (crossing->a_after)
		crossing->a_after(&world, &world.a);
	if (crossing->old_is_dead)
		world.fate = old_is_dead;
	in_order(&world, order, crossing->old_is_dead ? not_at_the_old_address : NULL);
	world_run(&world, 200 * WORLD_SECOND);
	world_agree(&world, 1);
	assert_int_equal(world_established(&world.a), 1);
	assert_int_equal(world_established(&world.b), 1);
	assert_int_equal(world_count(&world.a, IKEV2_EVENT_DOWN), 0);
	assert_int_equal(world_count(&world.b, IKEV2_EVENT_DOWN), 0);
	all_moved(&world);
	world_fini(&world);
}

static void in_every_order(void **state)
{
	const struct crossing *crossing = *state;
	struct order order = { 0 };
	size_t count = 0;

	do {
		cross(crossing, &order);
		count++;
	} while (order_next(&order) && count < 4000);
	printf("         %s: %zu orders\n", crossing->name, count);
}

int main(void)
{
	static struct CMUnitTest tests[sizeof(crossings) / sizeof(crossings[0])];
	const size_t count = sizeof(tests) / sizeof(tests[0]);

	for (size_t i = 0; i < count; i++)
		tests[i] = (struct CMUnitTest){ .name = crossings[i].name,
						.test_func = in_every_order,
						.initial_state = (void *)&crossings[i] };
	if (secret_pool_init(4 << 20))
		return 1;
	return _cmocka_run_group_tests("moves", tests, count, NULL, NULL);
}
