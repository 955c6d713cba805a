/*
 * Every scenario with each of its datagrams lost, doubled, held back for a while, and with all of
 * them lost from one on for a while. Afterwards both sides have the same SAs, or none.
 */
#include "exchange/world.h"

#include "base/secret.h"

#include <stdio.h>
#include <string.h>

enum trouble { NOTHING, LOST, DOUBLED, LATE_A_LITTLE, LATE, LOST_TWICE, TROUBLES, DICE };

static const char *const trouble_texts[TROUBLES] = { "nothing",	    "lost",
						     "doubled",	    "late by 0.1 s",
						     "late by 6 s", "lost with its successor" };

#define SEEDS 60

struct schedule {
	enum trouble trouble;
	size_t at; /* datagram, or seed */
};

struct scenario {
	const char *name;
	void (*act)(struct world *world);
	bool dials;	 /* starts without an IKE SA */
	int established; /* at the end, on each side */
	int children;	 /* -1: both sides the same, whatever it is */
	bool no_gap;	 /* what is sent is taken, at every step */
};

/* 55 % pass, 20 % are lost, 10 % doubled, 15 % held back. Whole exchanges may fail: SAs die. */
static enum world_fate dice(const struct schedule *schedule, size_t n)
{
	uint64_t x = (schedule->at * 1000003 + n) * 0x9e3779b97f4a7c15u;
	unsigned int percent;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	percent = (x >> 33) % 100;
	return percent < 55   ? WORLD_PASS
	       : percent < 75 ? WORLD_LOSE
	       : percent < 85 ? WORLD_DOUBLE
			      : WORLD_HOLD;
}

static enum world_fate fate(struct world *world, const struct world_packet *packet, size_t n)
{
	const struct schedule *schedule = world->context;

	switch (schedule->trouble) {
	case LOST:
		return n == schedule->at ? WORLD_LOSE : WORLD_PASS;
	case DOUBLED:
		return n == schedule->at ? WORLD_DOUBLE : WORLD_PASS;
	case LATE_A_LITTLE:
	case LATE:
		return n == schedule->at ? WORLD_HOLD : WORLD_PASS;
	case LOST_TWICE:
		return n == schedule->at || n == schedule->at + 1 ? WORLD_LOSE : WORLD_PASS;
	case DICE: /* for twenty datagrams; then the network is good again */
		return n < 20 ? dice(schedule, n) : WORLD_PASS;
	default:
		return WORLD_PASS;
	}
}

static void rekey_child(struct world *world, struct world_peer *peer)
{
	assert_int_equal(ikev2_child_rekey(peer->engine, world_child(peer), world->now_ns), 0);
}

static void delete_child(struct world *world, struct world_peer *peer)
{
	assert_int_equal(ikev2_child_delete(peer->engine, world_child(peer), world->now_ns), 0);
}

static void rekey_ike(struct world *world, struct world_peer *peer)
{
	assert_int_equal(ikev2_rekey(peer->engine, world_ike(peer), world->now_ns), 0);
}

static void delete_ike(struct world *world, struct world_peer *peer)
{
	assert_int_equal(ikev2_delete(peer->engine, world_ike(peer), false, world->now_ns), 0);
}

static void act_dial(struct world *world)
{
	world_dial(world, &world->a, NULL);
}

static void act_dial_both(struct world *world)
{
	world_dial(world, &world->a, NULL);
	world_dial(world, &world->b, NULL);
}

/* What is up, of either's, is asked for a sign of life, as a gateway does before flows come. */
static void prove(struct world *world, const struct world_peer *peer)
{
	uint64_t ike = 0;

	while ((ike = ikev2_next(peer->engine, ike)))
		(void)!ikev2_probe(peer->engine, ike, world->now_ns);
}

static void act_dial_both_and_prove(struct world *world)
{
	act_dial_both(world);
	world_deliver(world);
	prove(world, &world->a);
	prove(world, &world->b);
}

static void act_rekey_child(struct world *world)
{
	rekey_child(world, &world->a);
}

static void act_rekey_child_b(struct world *world)
{
	rekey_child(world, &world->b);
}

static void act_rekey_child_both(struct world *world)
{
	rekey_child(world, &world->a);
	rekey_child(world, &world->b);
}

static void act_delete_child(struct world *world)
{
	delete_child(world, &world->a);
}

static void act_delete_child_both(struct world *world)
{
	delete_child(world, &world->a);
	delete_child(world, &world->b);
}

static void act_rekey_delete_child(struct world *world)
{
	rekey_child(world, &world->a);
	delete_child(world, &world->b);
}

static void act_delete_then_rekey_child(struct world *world)
{
	delete_child(world, &world->b);
	rekey_child(world, &world->a);
}

static void act_rekey_ike(struct world *world)
{
	rekey_ike(world, &world->a);
}

static void act_rekey_ike_b(struct world *world)
{
	rekey_ike(world, &world->b);
}

static void act_rekey_ike_both(struct world *world)
{
	rekey_ike(world, &world->a);
	rekey_ike(world, &world->b);
}

static void act_rekey_ike_and_child(struct world *world)
{
	rekey_ike(world, &world->a);
	rekey_child(world, &world->b);
}

static void act_rekey_child_and_ike(struct world *world)
{
	rekey_child(world, &world->a);
	rekey_ike(world, &world->b);
}

static void act_rekey_ike_delete_child(struct world *world)
{
	rekey_ike(world, &world->a);
	delete_child(world, &world->b);
}

static void act_rekey_ike_and_delete(struct world *world)
{
	rekey_ike(world, &world->a);
	delete_ike(world, &world->b);
}

static void act_rekey_child_delete_ike(struct world *world)
{
	rekey_child(world, &world->a);
	delete_ike(world, &world->b);
}

static void act_delete_ike(struct world *world)
{
	delete_ike(world, &world->b);
}

static void act_delete_ike_both(struct world *world)
{
	delete_ike(world, &world->a);
	delete_ike(world, &world->b);
}

static void act_everything(struct world *world)
{
	rekey_child(world, &world->a);
	rekey_child(world, &world->b);
	rekey_ike(world, &world->a);
	rekey_ike(world, &world->b);
}

static void act_new_child(struct world *world)
{
	assert_int_equal(
		ikev2_child_initiate(world->a.engine, world_ike(&world->a), 0, NULL, world->now_ns),
		0);
}

static void act_new_child_and_rekey_ike(struct world *world)
{
	act_new_child(world);
	rekey_ike(world, &world->b);
}

static void act_probe_both(struct world *world)
{
	assert_int_equal(ikev2_probe(world->a.engine, world_ike(&world->a), world->now_ns), 0);
	assert_int_equal(ikev2_probe(world->b.engine, world_ike(&world->b), world->now_ns), 0);
}

static const struct scenario scenarios[] = {
	{ "dial", act_dial, true, 1, 1, false },
	{ "both dial", act_dial_both, true, 1, 1, false },
	{ "both dial and prove", act_dial_both_and_prove, true, 1, 1, false },
	{ "child rekey", act_rekey_child, false, 1, 1, true },
	{ "child rekey by the responder", act_rekey_child_b, false, 1, 1, true },
	{ "both rekey the child", act_rekey_child_both, false, 1, 1, true },
	{ "child delete", act_delete_child, false, 1, 0, false },
	{ "both delete the child", act_delete_child_both, false, 1, 0, false },
	{ "child rekey against delete", act_rekey_delete_child, false, 1, -1, false },
	{ "child delete against rekey", act_delete_then_rekey_child, false, 1, -1, false },
	{ "IKE rekey", act_rekey_ike, false, 1, 1, true },
	{ "IKE rekey by the responder", act_rekey_ike_b, false, 1, 1, true },
	{ "both rekey the IKE SA", act_rekey_ike_both, false, 1, 1, true },
	{ "IKE rekey against child rekey", act_rekey_ike_and_child, false, 1, 1, true },
	{ "child rekey against IKE rekey", act_rekey_child_and_ike, false, 1, 1, true },
	{ "IKE rekey against child delete", act_rekey_ike_delete_child, false, 1, 0, false },
	{ "IKE rekey against IKE delete", act_rekey_ike_and_delete, false, -1, -1, false },
	{ "child rekey against IKE delete", act_rekey_child_delete_ike, false, 0, 0, false },
	{ "IKE delete", act_delete_ike, false, 0, 0, false },
	{ "both delete the IKE SA", act_delete_ike_both, false, 0, 0, false },
	{ "everything at once", act_everything, false, 1, 1, true },
	{ "new child", act_new_child, false, 1, 2, true },
	{ "new child against IKE rekey", act_new_child_and_rekey_ike, false, 1, 2, true },
	{ "both probe", act_probe_both, false, 1, 1, true },
};

/* The scenario once; the number of datagrams that it took. */
static size_t play(const struct scenario *scenario, struct schedule *schedule)
{
	struct world world;
	size_t took;
	bool died;

	if (schedule->trouble == DICE)
		printf("         %s, seed %zu\n", scenario->name, schedule->at);
	else if (schedule->trouble)
		printf("         %s, datagram %zu %s\n", scenario->name, schedule->at,
		       trouble_texts[schedule->trouble]);
	world_init(&world, IKE_PROFILE_STRONG);
	world_start(&world);
	if (!scenario->dials)
		world_up(&world);
	world.always_reachable = scenario->no_gap;
	world.sent = 0;
	world.context = schedule;
	world.fate = fate;
	scenario->act(&world);
	world_run(&world, schedule->trouble == LATE ? 6 * WORLD_SECOND : WORLD_SECOND / 10);
	took = world.sent;
	world_release(&world);
	world_run(&world, WORLD_SECOND);
	world_release(&world);
	world_run(&world, 90 * WORLD_SECOND);
	world_release(&world);
	world_run(&world, 120 * WORLD_SECOND);
	died = world_died(&world);
	if (schedule->trouble == DICE) /* the other side finds out */
		world_run(&world, 400 * WORLD_SECOND);
	died = world_died(&world);
	assert_true(!died || schedule->trouble == DICE);
	world_agree(&world, died ? -1 : scenario->children);
	if (scenario->established >= 0 && !died) {
		assert_int_equal(world_established(&world.a), scenario->established);
		assert_int_equal(world_established(&world.b), scenario->established);
	}
	world_fini(&world);
	return took;
}

static size_t play_dice(const struct scenario *scenario, size_t seed)
{
	struct schedule schedule = { .trouble = DICE, .at = seed };

	return play(scenario, &schedule);
}

static void play_all(void **state)
{
	const struct scenario *scenario = *state;
	struct schedule schedule = { 0 };
	size_t messages = play(scenario, &schedule);

	for (schedule.trouble = LOST; schedule.trouble < TROUBLES; schedule.trouble++)
		for (schedule.at = 0; schedule.at < messages; schedule.at++)
			play(scenario, &schedule);
	for (size_t seed = 1; seed <= SEEDS; seed++)
		play_dice(scenario, seed);
}

int main(void)
{
	struct CMUnitTest tests[sizeof(scenarios) / sizeof(scenarios[0])];
	size_t count = sizeof(scenarios) / sizeof(scenarios[0]);

	for (size_t i = 0; i < count; i++)
		tests[i] = (struct CMUnitTest){ .name = scenarios[i].name,
						.test_func = play_all,
						.initial_state = (void *)&scenarios[i] };
	if (secret_pool_init(4 << 20))
		return 1;
	return _cmocka_run_group_tests("schedules", tests, count, NULL, NULL);
}
