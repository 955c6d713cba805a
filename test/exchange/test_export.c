/*
 * Another engine takes over at every step of every exchange: after each datagram and after each
 * completion of a hook, of either side or of both. Afterwards both sides agree as if nothing had
 * happened.
 */
#include "exchange/world.h"

#include "base/secret.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum who { NOBODY, A, B, BOTH };

struct scenario {
	const char *name;
	void (*act)(struct world *world);
	bool dials;
	int children;
	bool slow;
};

static void act_dial(struct world *world)
{
	world_dial(world, &world->a, NULL);
}

static void act_rekey_child(struct world *world)
{
	assert_int_equal(ikev2_child_rekey(world->a.engine, world_child(&world->a), world->now_ns),
			 0);
}

static void act_rekey_child_both(struct world *world)
{
	act_rekey_child(world);
	assert_int_equal(ikev2_child_rekey(world->b.engine, world_child(&world->b), world->now_ns),
			 0);
}

static void act_rekey_ike(struct world *world)
{
	assert_int_equal(ikev2_rekey(world->a.engine, world_ike(&world->a), world->now_ns), 0);
}

static void act_rekey_ike_both(struct world *world)
{
	act_rekey_ike(world);
	assert_int_equal(ikev2_rekey(world->b.engine, world_ike(&world->b), world->now_ns), 0);
}

static void act_delete(struct world *world)
{
	assert_int_equal(ikev2_delete(world->a.engine, world_ike(&world->a), false, world->now_ns),
			 0);
}

static void act_delete_child(struct world *world)
{
	assert_int_equal(ikev2_child_delete(world->b.engine, world_child(&world->b), world->now_ns),
			 0);
}

static const struct scenario scenarios[] = {
	{ "dial", act_dial, true, 1, false },
	{ "child rekey", act_rekey_child, false, 1, false },
	{ "both rekey the child", act_rekey_child_both, false, 1, false },
	{ "IKE rekey", act_rekey_ike, false, 1, false },
	{ "both rekey the IKE SA", act_rekey_ike_both, false, 1, false },
	{ "IKE delete", act_delete, false, 0, false },
	{ "child delete", act_delete_child, false, 0, false },
	{ "dial, slow hooks", act_dial, true, 1, true },
	{ "child rekey, slow hooks", act_rekey_child, false, 1, true },
	{ "both rekey the child, slow hooks", act_rekey_child_both, false, 1, true },
	{ "IKE rekey, slow hooks", act_rekey_ike, false, 1, true },
	{ "both rekey the IKE SA, slow hooks", act_rekey_ike_both, false, 1, true },
};

static void replace(struct world *world, enum who who)
{
	if (who == A || who == BOTH)
		world_replace(&world->a);
	if (who == B || who == BOTH)
		world_replace(&world->b);
}

/* A child whose keys were on their way is given up on import; whoever wants it asks again. */
static void make_up(struct world *world, int children)
{
	if (children == 0 || !world_established(&world->a))
		return;
	for (struct list *at = world->a.sas.next; at != &world->a.sas; at = at->next)
		if (list_entry(at, struct world_sa, link)->sends)
			return;
	assert_true(world_count(&world->a, IKEV2_EVENT_CHILD_FAILED) +
			    world_count(&world->a, IKEV2_EVENT_CHILD_DOWN) >
		    0);
	assert_int_equal(
		ikev2_child_initiate(world->a.engine, world_ike(&world->a), 0, NULL, world->now_ns),
		0);
	world_run(world, 30 * WORLD_SECOND);
}

/* Takes over after `at` steps; the number of steps without a takeover. */
static size_t play(const struct scenario *scenario, enum who who, size_t at)
{
	struct world world;
	size_t steps = 0;

	world_init(&world, IKE_PROFILE_STRONG);
	world.a.slow = world.b.slow = scenario->slow;
	world_start(&world);
	if (!scenario->dials)
		world_up(&world);
	scenario->act(&world);
	if (who && at == 0)
		replace(&world, who);
	while (world_step(&world))
		if (++steps == at && who)
			replace(&world, who);
	world_run(&world, 200 * WORLD_SECOND);
	make_up(&world, scenario->children);
	world_run(&world, 120 * WORLD_SECOND);
	world_agree(&world, scenario->children);
	world_fini(&world);
	return steps;
}

static void play_all(void **state)
{
	const struct scenario *scenario = *state;
	size_t steps = play(scenario, NOBODY, 0);

	for (enum who who = A; who <= BOTH; who++) {
		for (size_t at = 0; at <= steps; at++) {
			printf("         %s, %d after step %zu of %zu\n", scenario->name, who, at,
			       steps);
			play(scenario, who, at);
		}
	}
}

/* Every prefix of an export is refused, and so is another version. */
static void refuses_damage(void **state)
{
	struct world world;
	struct secret bytes;
	struct ikev2_import import;
	uint64_t ike;

	world_init(&world, IKE_PROFILE_STRONG);
	world_start(&world);
	world_up(&world);
	assert_int_equal(ikev2_export(world.a.engine, world_ike(&world.a), 0, &bytes), 0);
	import = (struct ikev2_import){ .bytes = secret_span(&bytes),
					.connection = world.a.connection };
	assert_int_equal(ikev2_import(world.a.engine, &import, world.now_ns, &ike), -EEXIST);
	assert_int_equal(ikev2_delete(world.a.engine, world_ike(&world.a), true, world.now_ns), 0);
	for (size_t n = 0; n < bytes.n; n++) {
		import.bytes.n = n;
		assert_true(ikev2_import(world.a.engine, &import, world.now_ns, &ike) < 0);
	}
	import.bytes.n = bytes.n;
	bytes.p[4] ^= 1;
	assert_int_equal(ikev2_import(world.a.engine, &import, world.now_ns, &ike), -EPROTO);
	bytes.p[4] ^= 1;
	assert_int_equal(ikev2_counters(world.a.engine)->sas, 0);
	assert_int_equal(ikev2_import(world.a.engine, &import, world.now_ns, &ike), 0);
	secret_free(&bytes);
	world_fini(&world);
}

/*
 * What was kept is what was there when the request left; meanwhile its answer came and the child
 * was installed. The later engine asks again and must neither install those keys once more nor
 * leave the child at the peer.
 */
static void returns_to_the_request(void **state)
{
	struct world world;
	struct secret bytes = { 0 };

	(void)state;
	for (size_t steps = 0; steps < 3; steps++) {
		world_init(&world, IKE_PROFILE_STRONG);
		world_start(&world);
		world_up(&world);
		act_rekey_child(&world);
		assert_int_equal(ikev2_export(world.a.engine, world_ike(&world.a), 0, &bytes), 0);
		for (size_t i = 0; i < steps; i++)
			world_step(&world);
		if (steps == 2)
			world_lose(&world); /* what follows leaves only when it was kept */
		world_return(&world.a, secret_span(&bytes));
		secret_free(&bytes);
		world_run(&world, 200 * WORLD_SECOND);
		make_up(&world, 1);
		world_run(&world, 120 * WORLD_SECOND);
		world_agree(&world, 1);
		world_fini(&world);
	}
}

/* Ten rekeys a second: what fits into the caller's room is enough to go on with. */
static void fits_after_many_rekeys(void **state)
{
	struct world world;
	struct secret whole = { 0 };
	struct secret brief = { 0 };
	const size_t room = 7680;

	(void)state;
	world_init(&world, IKE_PROFILE_STRONG);
	world_start(&world);
	world_up(&world);
	for (int i = 0; i < 40; i++) {
		act_rekey_child(&world);
		world_run(&world, WORLD_SECOND / 10);
	}
	assert_int_equal(ikev2_export(world.a.engine, world_ike(&world.a), 0, &whole), 0);
	assert_true(whole.n > room);
	assert_int_equal(ikev2_export(world.a.engine, world_ike(&world.a), room, &brief), 0);
	assert_true(brief.n <= room);
	world_return(&world.a, secret_span(&brief));
	world_run(&world, 10 * WORLD_SECOND);
	world_agree(&world, 1);
	secret_free(&whole);
	secret_free(&brief);
	world_fini(&world);
}

/* The one before may have asked often: its silence does not count against the peer. */
static void asks_anew(void **state)
{
	struct world world;
	struct secret bytes = { 0 };

	(void)state;
	world_init(&world, IKE_PROFILE_STRONG);
	world_start(&world);
	world_up(&world);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(ikev2_probe(world.a.engine, world_ike(&world.a), world.now_ns), 0);
		assert_int_equal(ikev2_export(world.a.engine, world_ike(&world.a), 0, &bytes), 0);
		world_step(&world);
		world_lose(&world); /* the answer */
		world.now_ns += 3 * WORLD_SECOND;
		world_return(&world.a, secret_span(&bytes));
		secret_free(&bytes);
	}
	world_run(&world, 10 * WORLD_SECOND);
	assert_int_equal(world_count(&world.a, IKEV2_EVENT_SUSPECT), 0);
	world_agree(&world, 1);
	world_fini(&world);
}

int main(void)
{
	size_t count = sizeof(scenarios) / sizeof(scenarios[0]);
	struct CMUnitTest tests[sizeof(scenarios) / sizeof(scenarios[0]) + 4];

	for (size_t i = 0; i < count; i++)
		tests[i] = (struct CMUnitTest){ .name = scenarios[i].name,
						.test_func = play_all,
						.initial_state = (void *)&scenarios[i] };
	tests[count] = (struct CMUnitTest){ .name = "refuses damage", .test_func = refuses_damage };
	tests[count + 1] = (struct CMUnitTest){ .name = "returns to the request",
						.test_func = returns_to_the_request };
	tests[count + 2] = (struct CMUnitTest){ .name = "asks anew", .test_func = asks_anew };
	tests[count + 3] = (struct CMUnitTest){ .name = "fits after many rekeys",
						.test_func = fits_after_many_rekeys };
	if (secret_pool_init(4 << 20))
		return 1;
	return _cmocka_run_group_tests("export", tests, count + 4, NULL, NULL);
}
