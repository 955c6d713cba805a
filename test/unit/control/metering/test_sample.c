/*
 * Samples of a data plane that a table plays: nothing is counted twice, whatever begins anew, and
 * what is written says the same as what is in memory.
 */
#include "cmocka_all.h"
#include "control/metering/sample.h"

#include <stdlib.h>
#include <string.h>

#define S UINT64_C(1000000000)

static struct sample_row rows[10];
static struct sampler sampler;
static uint64_t now_ns;
static uint64_t instance;

static bool read_row(void *context, uint32_t id, struct sample_row *row)
{
	if (!instance)
		return false;
	*row = rows[id];
	return true;
}

static int setup(void **state)
{
	memset(rows, 0, sizeof(rows));
	now_ns = 100 * S;
	instance = 1;
	sample_init(&sampler, read_row, NULL);
	return 0;
}

static int teardown(void **state)
{
	sample_fini(&sampler);
	return 0;
}

struct told {
	const char *name;
	uint32_t id;
	bool up;
};

/* A sample `seconds` after the one before, with these tunnels. */
static void sample(uint32_t seconds, const struct told *tunnels, uint32_t count)
{
	struct sample_subject gateway = { .type = METERING_GATEWAY,
					  .gateway = "gw",
					  .connection = "",
					  .name = "gw",
					  .up = true };

	now_ns += seconds * S;
	sample_begin(&sampler, &(struct sample_time){ now_ns / 1000000, now_ns, instance });
	sample_add(&sampler, &gateway);
	for (uint32_t i = 0; i < count; i++)
		sample_add(&sampler, &(struct sample_subject){ .type = METERING_TUNNEL,
							       .gateway = "gw",
							       .connection = "c",
							       .name = tunnels[i].name,
							       .id = tunnels[i].id,
							       .up = tunnels[i].up });
	sample_end(&sampler);
	assert_false(sampler.failed);
}

static void one(uint32_t seconds, const char *name, uint32_t id, bool up)
{
	sample(seconds, &(struct told){ name, id, up }, 1);
}

static void born(uint32_t id, uint64_t since_ns)
{
	memset(&rows[id], 0, sizeof(rows[id]));
	rows[id].since_ns = since_ns;
}

static const struct metering_subject *subject(const char *name)
{
	for (uint32_t i = 0; i < sampler.state.count; i++)
		if (!strcmp(sampler.state.items[i].name, name))
			return &sampler.state.items[i];
	return NULL;
}

static uint64_t bytes(const char *name)
{
	return subject(name)->totals[METERING_IN_BYTES];
}

static uint64_t up_ms(const char *name)
{
	return metering_up_ms(&sampler.state, subject(name));
}

/* This program dies; what was sampled is written, and another one goes on. */
static void restart(void)
{
	struct span steps = { (const uint8_t *)sampler.steps.p, sampler.steps.n };
	struct metering_state state = { 0 };

	state.wall_ms = sampler.state.wall_ms;
	state.boot_ns = sampler.state.boot_ns;
	assert_int_equal(record_apply(&state, steps), 0);
	assert_int_equal(state.elapsed_ms, sampler.state.elapsed_ms);
	assert_int_equal(state.count, sampler.state.count);
	for (uint32_t i = 0; i < state.count; i++)
		assert_memory_equal(state.items[i].totals, sampler.state.items[i].totals,
				    sizeof(state.items[i].totals));
	sample_fini(&sampler);
	sample_init(&sampler, read_row, NULL);
	assert_int_equal(sample_load(&sampler, &state), 0);
	/* for the next restart: steps from nothing */
	record_head(&sampler.steps, &sampler.state);
}

static void test_counts(void **state)
{
	born(1, 50);
	rows[1].counters[METERING_IN_BYTES] = 700; /* before the first sample: ours too */
	one(0, "t", 1, true);
	assert_int_equal(bytes("t"), 700);
	rows[1].counters[METERING_IN_BYTES] = 1000;
	rows[1].counters[METERING_OUT_PACKETS] = 3;
	one(4, "t", 1, true);
	assert_int_equal(bytes("t"), 1000);
	assert_int_equal(subject("t")->totals[METERING_OUT_PACKETS], 3);
	assert_int_equal(up_ms("t"), 4000);
	assert_int_equal(up_ms("gw"), 4000);
}

static void test_control_dies(void **state)
{
	born(1, 50);
	one(0, "t", 1, true);
	rows[1].counters[METERING_IN_BYTES] = 1000;
	one(4, "t", 1, true);
	restart();
	rows[1].counters[METERING_IN_BYTES] = 1300; /* while nobody metered */
	one(30, "t", 1, true);
	assert_int_equal(bytes("t"), 1300);
	assert_int_equal(up_ms("t"), 34000); /* the data plane went on */
	assert_int_equal(up_ms("gw"), 34000);
}

static void test_both_die(void **state)
{
	born(1, 50);
	one(0, "t", 1, true);
	rows[1].counters[METERING_IN_BYTES] = 1000;
	one(4, "t", 1, true);
	restart();
	instance = 2;
	born(1, 50); /* the same time by chance, another data plane */
	rows[1].counters[METERING_IN_BYTES] = 1001;
	one(30, "t", 1, true);
	assert_int_equal(bytes("t"), 2001);
	assert_int_equal(up_ms("t"), 4000);
	one(4, "t", 1, true);
	assert_int_equal(bytes("t"), 2001);
	assert_int_equal(up_ms("t"), 8000);
}

static void test_dataplane_dies(void **state)
{
	born(1, 50);
	one(0, "t", 1, true);
	rows[1].counters[METERING_IN_BYTES] = 500;
	one(1, "t", 1, true); /* the last look at it */
	instance = 0;
	one(4, "t", 1, false);
	assert_int_equal(bytes("t"), 500);
	instance = 2;
	born(1, 60);
	rows[1].counters[METERING_IN_BYTES] = 20;
	one(4, "t", 1, true);
	assert_int_equal(bytes("t"), 520);
}

/* Both are gone and come one after the other: what the old data plane counted is not read again. */
static void test_starts_without_a_dataplane(void **state)
{
	born(1, 50);
	one(0, "t", 1, true);
	rows[1].counters[METERING_IN_BYTES] = 500;
	one(1, "t", 1, true);
	restart();
	instance = 0;
	one(9, "t", 0, false);
	one(4, "t", 0, false);
	assert_int_equal(up_ms("t"), 1000);
	assert_int_equal(up_ms("gw"), 1000 + 4000);
	instance = 1; /* the same one after all: it only could not be reached */
	rows[1].counters[METERING_IN_BYTES] = 600;
	one(4, "t", 1, true);
	assert_int_equal(bytes("t"), 600);
}

static void test_a_tunnel_comes_again(void **state)
{
	born(1, 50);
	rows[1].counters[METERING_IN_BYTES] = 100;
	one(0, "t", 1, true);
	born(1, 70); /* the connection was deleted and made again: less than before, then more */
	rows[1].counters[METERING_IN_BYTES] = 30;
	one(4, "t", 1, true);
	assert_int_equal(bytes("t"), 130);
	born(1, 90);
	rows[1].counters[METERING_IN_BYTES] = 3000;
	one(4, "t", 1, true);
	assert_int_equal(bytes("t"), 3130);
}

/* Between the request and the data plane's doing it, the row is still the former tunnel's. */
static void test_an_id_changes_hands(void **state)
{
	born(1, 50);
	rows[1].counters[METERING_IN_BYTES] = 100;
	one(0, "old", 1, true);
	rows[1].counters[METERING_IN_BYTES] = 150;
	one(4, "new", 1, false);
	assert_int_equal(bytes("old"), 150);
	assert_int_equal(bytes("new"), 0);
	restart(); /* the next program knows it as well */
	rows[1].counters[METERING_IN_BYTES] = 160;
	one(4, "new", 1, false);
	assert_int_equal(bytes("old"), 160);
	assert_int_equal(bytes("new"), 0);
	born(1, 99);
	rows[1].counters[METERING_IN_BYTES] = 7;
	one(4, "new", 1, true);
	assert_int_equal(bytes("old"), 160);
	assert_int_equal(bytes("new"), 7);
	one(4, "new", 1, true);
	assert_int_equal(bytes("old") + bytes("new"), 167);
}

/* The one that came first in the table got the id of the other: the next program knows that. */
static void test_an_id_changes_hands_backwards(void **state)
{
	const struct told three[] = { { "a", 0, false }, { "b", 1, true }, { "c", 1, true } };

	born(1, 50);
	rows[1].counters[METERING_IN_BYTES] = 100;
	sample(0, three, 2);
	born(1, 60);
	rows[1].counters[METERING_IN_BYTES] = 10;
	one(4, "a", 1, true);
	restart();
	rows[1].counters[METERING_IN_BYTES] = 15;
	sample(4, three + 2, 1); /* has not begun yet */
	assert_int_equal(bytes("a"), 15);
	assert_int_equal(bytes("b"), 100);
	assert_int_equal(bytes("c"), 0);
}

static void test_a_tunnel_goes(void **state)
{
	born(1, 50);
	rows[1].counters[METERING_IN_BYTES] = 100;
	one(0, "t", 1, true);
	rows[1].counters[METERING_IN_BYTES] = 120;
	sample_last(&sampler, 1);
	assert_int_equal(bytes("t"), 120);
	rows[1].counters[METERING_IN_BYTES] = 125; /* until the request was done */
	sample(4, NULL, 0);
	assert_int_equal(bytes("t"), 125);
	assert_int_equal(up_ms("t"), 4000);
	born(1, 70);
	rows[1].counters[METERING_IN_BYTES] = 999; /* somebody that nobody told of */
	sample(4, NULL, 0);
	assert_int_equal(bytes("t"), 125);
	assert_int_equal(up_ms("t"), 4000);
	assert_int_equal(up_ms("gw"), 8000);
}

static void test_a_tunnel_moves(void **state)
{
	born(1, 50);
	rows[1].counters[METERING_IN_BYTES] = 100;
	one(0, "t", 1, true);
	rows[1].counters[METERING_IN_BYTES] = 110;
	born(2, 60);
	rows[2].counters[METERING_IN_BYTES] = 5;
	one(4, "t", 2, true);
	assert_int_equal(bytes("t"), 115);
}

static void test_a_counter_goes_back(void **state)
{
	born(1, 50);
	rows[1].counters[METERING_IN_BYTES] = 100;
	one(0, "t", 1, true);
	rows[1].counters[METERING_IN_BYTES] = 40; /* a fault: nothing is taken away or added */
	one(4, "t", 1, true);
	rows[1].counters[METERING_IN_BYTES] = 100;
	one(4, "t", 1, true);
	assert_int_equal(bytes("t"), 100);
}

static void test_forgets_what_is_long_gone(void **state)
{
	born(1, 50);
	one(0, "t", 1, true);
	one(4, "u", 2, true);
	sample_forget(&sampler, now_ns / 1000000 + 1);
	assert_null(subject("t"));
	assert_non_null(subject("u"));
	assert_non_null(subject("gw"));
	one(4, "t", 1, true);
	assert_non_null(subject("t"));
}

/* Thousands of times anything happens: the sum of all is the sum of what was ever counted. */
static void test_storm(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	uint32_t holder[4] = { 0 };
	uint64_t truth = 0, since = 1000;
	uint32_t seed = 7;

	for (uint32_t round = 0; round < 3000; round++) {
		struct told told[4];
		uint64_t sum = 0;

		for (uint32_t i = 0; i < 4; i++) {
			uint32_t dice = rand_r(&seed) % 16;
			uint32_t more = (uint32_t)rand_r(&seed) % 1500;

			if (!holder[i] || dice == 0) { /* a new tunnel, maybe in the same place */
				if (holder[i])
					sample_last(&sampler, holder[i]);
				holder[i] = dice % 2 ? i + 1 : i + 5;
				born(holder[i], ++since);
			}
			rows[holder[i]].counters[METERING_IN_BYTES] += more;
			truth += more;
			told[i] = (struct told){ names[i], holder[i], dice != 1 };
		}
		sample(4, told, 4);
		if (rand_r(&seed) % 32 == 0)
			restart();
		if (rand_r(&seed) % 64 == 0) {
			instance++;
			memset(rows, 0, sizeof(rows));
			memset(holder, 0, sizeof(holder));
		}
		for (uint32_t i = 0; i < 4; i++)
			sum += subject(names[i]) ? bytes(names[i]) : 0;
		assert_int_equal(sum, truth);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_counts),
		TEST(test_control_dies),
		TEST(test_both_die),
		TEST(test_dataplane_dies),
		TEST(test_starts_without_a_dataplane),
		TEST(test_a_tunnel_comes_again),
		TEST(test_an_id_changes_hands),
		TEST(test_an_id_changes_hands_backwards),
		TEST(test_a_tunnel_goes),
		TEST(test_a_tunnel_moves),
		TEST(test_a_counter_goes_back),
		TEST(test_forgets_what_is_long_gone),
		TEST(test_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
