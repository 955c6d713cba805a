/*
 * The bytes of metering: what is written is read, and nothing that is not whole.
 */
#include "cmocka_all.h"
#include "control/metering/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct metering_subject gateway = {
	.type = METERING_GATEWAY, .gateway = "/s/g/gw", .connection = "", .name = "gw"
};
static const struct metering_subject tunnel = { .type = METERING_TUNNEL,
						.far = CONTRACT_TO_GATEWAY,
						.gateway = "/s/g/gw",
						.connection = "/s/c/to-branch",
						.name = "to-branch 192.0.2.1 203.0.113.10" };

static struct span steps_of(const struct text *text)
{
	return (struct span){ (const uint8_t *)text->p, text->n };
}

static void apply(struct metering_state *state, struct text *steps)
{
	assert_false(steps->failed);
	assert_int_equal(record_apply(state, steps_of(steps)), 0);
	text_fini(steps);
	*steps = (struct text){ 0 };
}

/* A gateway and a tunnel that has carried something and is up. */
static void fill(struct metering_state *state)
{
	uint64_t row[METERING_COUNTERS] = { 1000, 10, 0, 0, 3 };
	struct text steps = { 0 };

	state->wall_ms = 5000;
	record_subject(&steps, &gateway);
	record_subject(&steps, &tunnel);
	record_instance(&steps, UINT64_MAX - 1);
	record_up(&steps, 0, true);
	record_incarnation(&steps, 1, 7, 123456789);
	record_advance(&steps, 4000);
	apply(state, &steps);
	record_up(&steps, 1, true);
	record_count(&steps, 1, &state->items[1], row);
	record_advance(&steps, 1000);
	apply(state, &steps);
}

static void assert_same(const struct metering_state *a, const struct metering_state *b)
{
	assert_int_equal(a->elapsed_ms, b->elapsed_ms);
	assert_int_equal(a->instance, b->instance);
	assert_int_equal(a->count, b->count);
	for (uint32_t i = 0; i < a->count; i++) {
		const struct metering_subject *x = &a->items[i];
		const struct metering_subject *y = &b->items[i];

		assert_string_equal(x->gateway, y->gateway);
		assert_string_equal(x->connection, y->connection);
		assert_string_equal(x->name, y->name);
		assert_int_equal(x->type, y->type);
		assert_int_equal(x->far, y->far);
		assert_int_equal(x->up, y->up);
		assert_int_equal(x->id, y->id);
		assert_int_equal(x->since_ns, y->since_ns);
		assert_int_equal(x->changed_ms, y->changed_ms);
		assert_int_equal(metering_up_ms(a, x), metering_up_ms(b, y));
		assert_memory_equal(x->totals, y->totals, sizeof(x->totals));
		assert_memory_equal(x->seen, y->seen, sizeof(x->seen));
	}
}

static void test_counts(void **state)
{
	struct metering_state s = { 0 };
	uint64_t row[METERING_COUNTERS] = { 1500, 12 };
	struct text steps = { 0 };

	fill(&s);
	assert_int_equal(s.items[1].totals[METERING_IN_BYTES], 1000);
	assert_int_equal(metering_up_ms(&s, &s.items[0]), 5000);
	assert_int_equal(metering_up_ms(&s, &s.items[1]), 1000);
	record_count(&steps, 1, &s.items[1], row);
	apply(&s, &steps);
	assert_int_equal(s.items[1].totals[METERING_IN_BYTES], 1500);
	record_count(&steps, 1, &s.items[1], row);
	assert_int_equal(steps.n, 0);
	/* another incarnation: all of its counters are new */
	record_incarnation(&steps, 1, 7, 999);
	apply(&s, &steps);
	record_count(&steps, 1, &s.items[1], row);
	apply(&s, &steps);
	assert_int_equal(s.items[1].totals[METERING_IN_BYTES], 3000);
	assert_int_equal(s.items[1].totals[METERING_IN_PACKETS], 24);
	/* another data plane: the same */
	record_instance(&steps, 4);
	record_count(&steps, 1, &s.items[1], (uint64_t[METERING_COUNTERS]){ 0 });
	apply(&s, &steps);
	assert_int_equal(s.items[1].id, 0);
	assert_int_equal(s.items[1].seen[METERING_IN_BYTES], 0);
	record_up(&steps, 1, false);
	record_advance(&steps, 9000);
	apply(&s, &steps);
	assert_int_equal(metering_up_ms(&s, &s.items[1]), 1000);
	assert_int_equal(metering_up_ms(&s, &s.items[0]), 14000);
	metering_state_fini(&s);
}

static void test_head_says_all(void **state)
{
	struct metering_state a = { 0 }, b = { 0 };
	struct text steps = { 0 };

	fill(&a);
	record_head(&steps, &a);
	apply(&b, &steps);
	assert_same(&a, &b);
	metering_state_fini(&a);
	metering_state_fini(&b);
}

/* A head of before there were peered networks: step 8, with 14 counters that are not counted. */
static void test_older_head(void **state)
{
	static const uint8_t totals[] = { 8, 1, 50, 0, 60, 7, 9 };
	struct metering_state s = { 0 };
	struct text steps = { 0 };
	uint8_t pairs[2 * 14];

	for (uint8_t i = 0; i < sizeof(pairs); i++)
		pairs[i] = i + 1;
	record_subject(&steps, &tunnel);
	text_add_bytes(&steps, totals, sizeof(totals));
	text_add_bytes(&steps, pairs, sizeof(pairs));
	record_subject(&steps, &gateway);
	apply(&s, &steps);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.items[0].up_ms, 50);
	assert_int_equal(s.items[0].since_ns, 9);
	for (uint32_t i = 0; i < METERING_COUNTERS; i++) {
		assert_int_equal(s.items[0].totals[i], i < 14 ? 2 * i + 1 : 0);
		assert_int_equal(s.items[0].seen[i], i < 14 ? 2 * i + 2 : 0);
	}
	/* a later one that knows more than this program */
	record_subject(&steps, &tunnel);
	text_add_bytes(&steps, (const uint8_t[]){ 9, 1, 50, 0, 60, 7, 9, METERING_COUNTERS + 1 },
		       8);
	assert_int_equal(record_apply(&s, steps_of(&steps)), -EBADMSG);
	text_fini(&steps);
	metering_state_fini(&s);
}

static void add_frame(struct text *file, enum metering_frame_type type, uint64_t wall_ms,
		      struct text *steps)
{
	struct metering_frame frame = {
		.type = type, .wall_ms = wall_ms, .boot_ns = wall_ms, .steps = steps_of(steps)
	};
	uint8_t header[METERING_FRAME_BYTES];

	metering_frame_header(header, &frame);
	text_add_bytes(file, header, sizeof(header));
	text_add_bytes(file, steps->p, steps->n);
	text_fini(steps);
	*steps = (struct text){ 0 };
}

/* A head at 5000 and two changes after it; ends[] says where each ends. */
static void make_file(struct text *file, size_t ends[3])
{
	uint64_t row[METERING_COUNTERS] = { 2000, 20 };
	struct metering_state s = { 0 };
	struct text steps = { 0 };

	fill(&s);
	text_add_bytes(file, METERING_MAGIC, METERING_MAGIC_BYTES);
	record_head(&steps, &s);
	add_frame(file, METERING_HEAD, 5000, &steps);
	ends[0] = file->n;
	record_advance(&steps, 4000);
	record_count(&steps, 1, &s.items[1], row);
	add_frame(file, METERING_CHANGE, 9000, &steps);
	ends[1] = file->n;
	record_advance(&steps, 4000);
	record_up(&steps, 1, false);
	add_frame(file, METERING_CHANGE, 13000, &steps);
	ends[2] = file->n;
	metering_state_fini(&s);
}

static void test_reads_up_to_a_time(void **state)
{
	static const struct {
		uint64_t until;
		int rc;
		uint64_t bytes;
		uint64_t wall;
	} rows[] = {
		{ 4999, -ESRCH, 0, 0 },		{ METERING_BEGINNING, 0, 1000, 5000 },
		{ 5000, 0, 1000, 5000 },	{ 8999, 0, 1000, 5000 },
		{ 9000, 0, 2000, 9000 },	{ 12999, 0, 2000, 9000 },
		{ UINT64_MAX, 0, 2000, 13000 },
	};
	struct text file = { 0 };
	size_t ends[3], good;

	make_file(&file, ends);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct metering_state s = { 0 };

		assert_int_equal(metering_frames_read(&s, steps_of(&file), rows[i].until, &good),
				 rows[i].rc);
		assert_int_equal(s.wall_ms, rows[i].wall);
		if (rows[i].rc == 0)
			assert_int_equal(s.items[1].totals[METERING_IN_BYTES], rows[i].bytes);
		metering_state_fini(&s);
	}
	text_fini(&file);
}

/* Cut anywhere: what is whole before the cut counts, and nothing else. */
static void test_torn_tail(void **state)
{
	struct text file = { 0 };
	size_t ends[3], good;

	make_file(&file, ends);
	for (size_t cut = 0; cut <= file.n; cut++) {
		struct metering_state s = { 0 };
		struct span bytes = { (const uint8_t *)file.p, cut };
		int rc = metering_frames_read(&s, bytes, UINT64_MAX, &good);

		assert_int_equal(rc, cut < ends[0] ? -EBADMSG : 0);
		if (cut >= ends[0]) {
			size_t whole = cut >= ends[2]	? ends[2]
				       : cut >= ends[1] ? ends[1]
							: ends[0];

			assert_int_equal(good, whole);
			assert_int_equal(s.items[1].totals[METERING_IN_BYTES],
					 cut >= ends[1] ? 2000 : 1000);
		}
		metering_state_fini(&s);
	}
	text_fini(&file);
}

/* One bit wrong: the record with it and all behind it are not read. */
static void test_bent(void **state)
{
	struct text file = { 0 };
	size_t ends[3], good;

	make_file(&file, ends);
	for (size_t at = 0; at < file.n; at++) {
		struct metering_state s = { 0 };
		int rc;

		file.p[at] ^= 1 << at % 8;
		rc = metering_frames_read(&s, steps_of(&file), UINT64_MAX, &good);
		file.p[at] ^= 1 << at % 8;
		if (at < ends[0])
			assert_int_equal(rc, -EBADMSG);
		else
			assert_int_equal(good, at < ends[1] ? ends[0] : ends[1]);
		metering_state_fini(&s);
	}
	text_fini(&file);
}

/* Whole frames whose steps make no sense: refused, nothing is reached outside. */
static void test_wrong_steps(void **state)
{
	static const struct {
		uint8_t bytes[32];
		size_t n;
	} rows[] = {
		{ { 0 }, 1 },				    /* no such step */
		{ { 4, 0, 1, 5 }, 4 },			    /* counts for nobody */
		{ { 5, 0 }, 2 },			    /* nobody is up */
		{ { 3, 9, 1, 1 }, 4 },			    /* nobody's incarnation */
		{ { 8, 0 }, 2 },			    /* totals of nobody */
		{ { 1, 3, 0, 0, 0, 0, 0, 0, 0 }, 9 },	    /* no such type */
		{ { 1, 2, 9, 0, 0, 0, 0, 0, 0 }, 9 },	    /* no such destination */
		{ { 1, 1, 0, 5, 0, 0, 0, 0, 0 }, 9 },	    /* shares more than there was */
		{ { 1, 1, 0, 0, 2, 'a', 0, 0, 0, 0 }, 10 }, /* a text with an end inside */
		{ { 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1 }, 12 },
		{ { 7 }, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct metering_state s = { 0 };

		assert_int_equal(record_apply(&s, (struct span){ rows[i].bytes, rows[i].n }),
				 -EBADMSG);
		metering_state_fini(&s);
	}
}

static void test_forgets(void **state)
{
	struct metering_state s = { 0 };
	struct text steps = { 0 };

	fill(&s);
	metering_state_forget(&s, 1, 6000); /* both are up */
	assert_int_equal(s.count, 2);
	record_up(&steps, 1, false);
	record_up(&steps, 0, false);
	apply(&s, &steps);
	s.items[0].round = 1; /* it is still configured */
	metering_state_forget(&s, 1, 5000);
	assert_int_equal(s.count, 2);
	metering_state_forget(&s, 1, 6000);
	assert_int_equal(s.count, 1);
	assert_string_equal(s.items[0].name, "gw");
	metering_state_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),	    cmocka_unit_test(test_head_says_all),
		cmocka_unit_test(test_older_head),  cmocka_unit_test(test_reads_up_to_a_time),
		cmocka_unit_test(test_torn_tail),   cmocka_unit_test(test_bent),
		cmocka_unit_test(test_wrong_steps), cmocka_unit_test(test_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
