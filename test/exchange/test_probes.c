/*
 * Probes that nobody answers: how often they are repeated, when their peer becomes suspect, and
 * what a pause of our own and many others' probes change in that.
 */
#include "control/ikev2/sa.h"
#include "exchange/world.h"

#include "base/secret.h"

#include <string.h>

#define MS (WORLD_SECOND / 1000)
#define SENT_MAX 64

static struct world world;
static uint64_t sent_ns[SENT_MAX];
static size_t sent_count;
static enum world_fate fate;

static enum world_fate note(struct world *w, const struct world_packet *packet, size_t n)
{
	if (packet->to_b && sent_count < SENT_MAX)
		sent_ns[sent_count++] = w->now_ns;
	return fate;
}

static int setup(void **state)
{
	world_init(&world, IKE_PROFILE_STRONG);
	world_start(&world);
	world_up(&world);
	world.fate = note;
	fate = WORLD_LOSE;
	sent_count = 0;
	assert_int_equal(ikev2_probe(world.a.engine, world_ike(&world.a), world.now_ns), 0);
	return 0;
}

static int teardown(void **state)
{
	world_fini(&world);
	return 0;
}

static size_t suspects(void)
{
	return world_count(&world.a, IKEV2_EVENT_SUSPECT);
}

/* Several times within the time after which it is suspect: one of ten may be lost. */
static void test_alone(void **state)
{
	world_run(&world, 1199 * MS);
	assert_int_equal(suspects(), 0);
	assert_in_range(sent_count, 4, 12);
	world_run(&world, 300 * MS);
	assert_int_equal(suspects(), 1);
}

/* Nine thousand others have their turns first: asked again less often, suspect within 3 s. */
static void test_among_thousands(void **state)
{
	struct ikev2_engine *engine = world.a.engine;
	uint64_t turn = world.now_ns + 1600 * MS;

	engine->urgent_ns = turn;
	world_run(&world, 1599 * MS);
	assert_int_equal(sent_count, 2);
	assert_int_equal(suspects(), 0);
	world_run(&world, 1400 * MS);
	assert_int_equal(suspects(), 1);
	assert_in_range(sent_ns[1], 1, sent_ns[2] - 800 * MS);
	assert_int_equal(engine->urgent_ns, turn + MS / 10); /* one was taken, then it was late */
}

/* The clock goes on, and nobody has read what came or looked at a deadline. */
static void pause_for(uint64_t ns)
{
	world.now_ns += ns;
	ikev2_tick(world.a.engine, world.now_ns);
}

static void test_pause_of_ours(void **state)
{
	fate = WORLD_HOLD;
	for (int i = 0; i < 4; i++)
		pause_for(900 * MS);
	assert_int_equal(suspects(), 0);
	world.fate = NULL;
	world_release(&world);
	world_run(&world, 5 * WORLD_SECOND);
	assert_int_equal(suspects(), 0);
	world_agree(&world, 1);
}

/* A pause hides a dead peer no longer than it lasts. */
static void test_pause_and_a_dead_peer(void **state)
{
	pause_for(3 * WORLD_SECOND);
	assert_int_equal(suspects(), 0);
	world_run(&world, 1400 * MS);
	assert_int_equal(suspects(), 1);
}

/* More comes than is read: nothing is asked again and nobody is suspect before it was read. */
static void test_unread(void **state)
{
	world.a.read_until_ns = world.now_ns;
	world_run(&world, 5 * WORLD_SECOND);
	assert_int_equal(suspects(), 0);
	assert_int_equal(sent_count, 1);
	world.a.read_until_ns = 0;
	world_run(&world, 1700 * MS);
	assert_int_equal(suspects(), 1);
}

/* Nor for ever. */
static void test_never_read(void **state)
{
	world.a.read_until_ns = world.now_ns;
	world_run(&world, 9 * WORLD_SECOND);
	assert_int_equal(suspects(), 0);
	world_run(&world, 6 * WORLD_SECOND);
	assert_int_equal(suspects(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_alone),	  TEST(test_among_thousands),
		TEST(test_pause_of_ours), TEST(test_pause_and_a_dead_peer),
		TEST(test_unread),	  TEST(test_never_read),
	};

	if (secret_pool_init(4 << 20))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
