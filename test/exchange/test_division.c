/*
 * Selectors of a peer that divides the space between us otherwise than our entries do.
 */
#include "exchange/world.h"

#include "base/secret.h"

#include <string.h>

static struct net_selector prefix(const char *text)
{
	struct net_prefix parsed;

	assert_int_equal(net_prefix_parse(&parsed, text), 0);
	return net_selector_of_prefix(&parsed);
}

struct space {
	struct net_selector local[2]; /* of b, the responder */
	struct net_selector remote[2];
	struct net_selector asked_local[3]; /* of a */
	struct net_selector asked_remote[3];
};

/* b's entries are the four pairs of two prefixes on each side; what a has is one entry, in `asked`.
 */
static void pairs(struct world *world, struct space *space)
{
	space->local[0] = prefix("10.10.0.0/16");
	space->local[1] = prefix("10.11.0.0/16");
	space->remote[0] = prefix("10.20.0.0/16");
	space->remote[1] = prefix("10.21.0.0/16");
	for (uint16_t i = 0; i < 4; i++)
		world->b.children[i] =
			(struct ikev2_child_config){ &space->local[i / 2], &space->remote[i % 2], 1,
						     1, true };
	world->b.config.child_count = 4;
}

static void ask(struct world *world, const struct space *space, uint8_t locals, uint8_t remotes)
{
	world->a.children[0] = (struct ikev2_child_config){ space->asked_local, space->asked_remote,
							    locals, remotes, false };
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_run(world, WORLD_SECOND);
}

static void accept(struct world *world, const struct space *space)
{
	world->b.config.accept_local = space->local;
	world->b.config.accept_remote = space->remote;
	world->b.config.accept_local_count = world->b.config.accept_remote_count = 2;
}

/* What b installed last. */
static const struct world_sa *made(const struct world *world)
{
	assert_false(list_empty(&world->b.sas));
	return list_entry(world->b.sas.prev, struct world_sa, link);
}

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

static const char *const both_sides[] = { "10.20.0.0/16", "10.21.0.0/16" };
static const char *const our_side[] = { "10.10.0.0/16", "10.11.0.0/16" };

static void ask_for_all(struct world *world, struct space *space)
{
	pairs(world, space);
	for (int i = 0; i < 2; i++) {
		space->asked_local[i] = prefix(both_sides[i]);
		space->asked_remote[i] = prefix(our_side[i]);
	}
}

static void the_product_is_what_strong_gives(void **state)
{
	struct world *world = *state;
	struct space space;

	ask_for_all(world, &space);
	ask(world, &space, 2, 2);
	world_agree(world, 1);
	assert_int_equal(made(world)->entry, 0);
	assert_int_equal(made(world)->local_count, 1);
	assert_int_equal(made(world)->remote_count, 1);
}

static void what_is_asked_for_is_accepted_whole(void **state)
{
	struct world *world = *state;
	struct space space;

	ask_for_all(world, &space);
	accept(world, &space);
	ask(world, &space, 2, 2);
	world_agree(world, 1);
	assert_int_equal(made(world)->entry, IKEV2_ENTRY_ACCEPTED);
	assert_int_equal(made(world)->local_count, 2);
	assert_int_equal(made(world)->remote_count, 2);
	/* Rekeyed with the same selectors by either side. */
	assert_int_equal(ikev2_child_rekey(world->b.engine, world_child(&world->b), world->now_ns),
			 0);
	world_run(world, 10 * WORLD_SECOND);
	assert_int_equal(ikev2_child_rekey(world->a.engine, world_child(&world->a), world->now_ns),
			 0);
	world_run(world, 10 * WORLD_SECOND);
	world_agree(world, 1);
	assert_int_equal(made(world)->entry, IKEV2_ENTRY_ACCEPTED);
	assert_int_equal(made(world)->local_count, 2);
}

static void an_entry_that_has_it_all_comes_first(void **state)
{
	struct world *world = *state;
	struct space space;

	pairs(world, &space);
	accept(world, &space);
	space.asked_local[0] = prefix("10.21.7.0/24");
	space.asked_remote[0] = prefix("10.11.0.0/16");
	ask(world, &space, 1, 1);
	world_agree(world, 1);
	assert_int_equal(made(world)->entry, 3);
}

static void what_lies_elsewhere_is_cut_out(void **state)
{
	struct world *world = *state;
	struct net_selector wanted = prefix("10.21.0.0/16");
	struct space space;

	pairs(world, &space);
	accept(world, &space);
	space.asked_local[0] = prefix("10.30.0.0/16"); /* another connection's */
	space.asked_local[1] = prefix("10.21.0.0/16");
	space.asked_remote[0] = prefix("0.0.0.0/0");
	ask(world, &space, 2, 1);
	world_agree(world, 1);
	assert_int_equal(made(world)->entry, IKEV2_ENTRY_ACCEPTED);
	assert_int_equal(made(world)->local_count, 2);
	assert_int_equal(made(world)->remote_count, 1);
	assert_memory_equal(&made(world)->remote, &wanted, sizeof(wanted));
}

static void only_elsewhere_is_refused(void **state)
{
	struct world *world = *state;
	struct space space;

	pairs(world, &space);
	accept(world, &space);
	space.asked_local[0] = prefix("10.30.0.0/16");
	space.asked_remote[0] = prefix("10.10.0.0/16");
	ask(world, &space, 1, 1);
	world_agree(world, 0);
	assert_int_equal(world_last(&world->b, IKEV2_EVENT_CHILD_FAILED)->reason,
			 IKEV2_REASON_SELECTORS);
}

static size_t senders(const struct world_peer *peer)
{
	size_t n = 0;

	for (const struct list *at = peer->sas.next; at != &peer->sas; at = at->next)
		n += list_entry(at, struct world_sa, link)->sends;
	return n;
}

/* Any to any on our side; the peer makes three narrower ones, and the last of them twice. */
static void several_of_one_entry_all_send(void **state)
{
	static const char *const theirs[] = { "10.20.0.0/24", "10.20.1.0/24", "10.20.1.0/24" };
	struct world *world = *state;
	struct space space;

	for (int i = 0; i < 3; i++) {
		space.asked_local[i] = prefix(theirs[i]);
		space.asked_remote[i] = prefix("10.10.0.0/16");
		world->a.children[i] =
			(struct ikev2_child_config){ &space.asked_local[i], &space.asked_remote[i],
						     1, 1, i == 2 };
	}
	world->a.config.child_count = 3;
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_run(world, WORLD_SECOND);
	world_agree(world, 2);
	assert_int_equal(senders(&world->b), 2);
	assert_int_equal(
		ikev2_child_initiate(world->a.engine, world_ike(&world->a), 2, NULL, world->now_ns),
		0);
	world_run(world, WORLD_SECOND);
	world_agree(world, 3);
	assert_int_equal(senders(&world->b), 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_product_is_what_strong_gives),
		T(what_is_asked_for_is_accepted_whole),
		T(an_entry_that_has_it_all_comes_first),
		T(what_lies_elsewhere_is_cut_out),
		T(only_elsewhere_is_refused),
		T(several_of_one_entry_all_send),
	};

	if (secret_pool_init(4 << 20))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
