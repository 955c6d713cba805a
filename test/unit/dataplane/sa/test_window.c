/*
 * The replay window: a table of cases, random walks against a slow reference, and several writers
 * whose history is checked afterwards.
 */
#include "../../cmocka_all.h"
#include "dataplane/sa/window.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
	struct window window;
	uint64_t slots[2 * WINDOW_MAX / WINDOW_BLOCK];
};

static void start(struct fixture *f, uint32_t size, uint64_t highest)
{
	memset(f, 0, sizeof(*f));
	window_init(&f->window, f->slots, size, highest);
}

/* As a worker does it: check before the ICV, commit after. */
static enum window_verdict take(struct fixture *f, uint64_t number, bool shared)
{
	enum window_verdict verdict = window_check(&f->window, f->window.highest, number);

	return verdict == WINDOW_NEW ? window_commit(&f->window, number, shared) : verdict;
}

struct step {
	uint64_t number;
	enum window_verdict expected;
};

static void run(uint32_t size, uint64_t highest, const struct step *steps, size_t n)
{
	for (int shared = 0; shared < 2; shared++) {
		struct fixture f;

		start(&f, size, highest);
		for (size_t i = 0; i < n; i++)
			if (take(&f, steps[i].number, shared) != steps[i].expected)
				fail_msg("size %u step %zu: %llu", size, i,
					 (unsigned long long)steps[i].number);
	}
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void numbered_table(void **state)
{
	static const struct step fresh[] = {
		{ 0, WINDOW_SEEN },    { 1, WINDOW_NEW },    { 1, WINDOW_SEEN },
		{ 64, WINDOW_NEW },    { 2, WINDOW_NEW },    { 0, WINDOW_OLD },
		{ 65, WINDOW_NEW },    { 1, WINDOW_OLD },    { 2, WINDOW_SEEN },
		{ 3, WINDOW_NEW },     { 65, WINDOW_SEEN },  { 128, WINDOW_NEW },
		{ 64, WINDOW_OLD },    { 65, WINDOW_SEEN },  { 66, WINDOW_NEW },
		{ 10000, WINDOW_NEW }, { 128, WINDOW_OLD },  { 9936, WINDOW_OLD },
		{ 9937, WINDOW_NEW },  { 9999, WINDOW_NEW },
	};
	static const struct step across[] = {
		{ UINT64_C(0xffffffff), WINDOW_NEW },	{ UINT64_C(0x100000000), WINDOW_NEW },
		{ UINT64_C(0xffffffff), WINDOW_SEEN },	{ UINT64_C(0xfffffffe), WINDOW_SEEN },
		{ UINT64_C(0x10000003f), WINDOW_NEW },	{ UINT64_C(0xffffffff), WINDOW_OLD },
		{ UINT64_C(0x100000000), WINDOW_SEEN }, { UINT64_C(0x100000001), WINDOW_NEW },
	};
	/* the farthest that 32 bits on the wire can jump */
	static const struct step far[] = {
		{ UINT64_C(0x100000063), WINDOW_NEW },
		{ 5, WINDOW_OLD },
		{ UINT64_C(0x100000024), WINDOW_NEW },
		{ UINT64_C(0x100000023), WINDOW_OLD },
	};

	(void)state;
	run(64, 0, fresh, COUNT(fresh));
	run(64, UINT64_C(0xfffffffe), across, COUNT(across));
	run(64, 100, far, COUNT(far));
}

/* The definition, with a byte for every number ever. */
struct reference {
	uint8_t *seen;
	uint64_t base;
	uint64_t highest;
	uint32_t size;
};

static enum window_verdict reference_take(struct reference *r, uint64_t number)
{
	if (number + r->size <= r->highest)
		return WINDOW_OLD;
	if (number <= r->base || r->seen[number - r->base])
		return WINDOW_SEEN;
	r->seen[number - r->base] = 1;
	if (number > r->highest)
		r->highest = number;
	return WINDOW_NEW;
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

#define WALK 60000

static void walk(uint32_t size, uint64_t base, uint64_t seed)
{
	struct reference r = { calloc(WALK * 70, 1), base, base, size };
	struct fixture f;

	start(&f, size, base);
	for (int i = 0; i < WALK; i++) {
		uint64_t x = next_random(&seed);
		uint64_t ahead = x % 100 == 0 ? next_random(&seed) % (3 * size) % 60 : x % 3;
		uint64_t back = next_random(&seed) % (size + size / 2);
		uint64_t number = x & 256 ? r.highest + ahead : r.highest - back;
		enum window_verdict expected;

		if (number > r.highest + 60 || number + 2 * size < r.highest || number < base)
			number = r.highest + 1;
		expected = reference_take(&r, number);
		assert_int_equal(take(&f, number, i & 1), expected);
		assert_true(f.window.highest == r.highest);
	}
	free(r.seen);
}

static void against_the_definition(void **state)
{
	static const uint32_t sizes[] = { 64, 65, 96, 128, 500, 1024, 4095, 4096 };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		walk(sizes[i], 0, 88172645463325252u + i);
		walk(sizes[i], UINT64_C(0xfffffff0), 1234567 + i);
		walk(sizes[i], (UINT64_C(1) << 37) - 100, 99 + i); /* block numbers wrap */
	}
}

/* RFC 4303 appendix A: the number inferred from 32 bits is the one that was sent. */
static void inference(void **state)
{
	static const uint32_t sizes[] = { 64, 1024, 4096 };
	uint64_t seed = 4242;

	(void)state;
	for (size_t s = 0; s < COUNT(sizes); s++) {
		for (int i = 0; i < 200000; i++) {
			uint64_t highest = next_random(&seed) >> (next_random(&seed) % 40 + 16);
			uint64_t sent =
				i & 1 ? highest + next_random(&seed) % (UINT32_MAX - sizes[s])
				      : highest - next_random(&seed) % sizes[s];

			if (sent > highest + UINT32_MAX)
				continue; /* below zero */
			assert_true(window_infer(highest, sizes[s], (uint32_t)sent) == sent);
		}
	}
}

#define WRITERS 4
#define NUMBERS 200000

struct writer {
	struct fixture *f;
	uint8_t *accepted; /* by number: how often this writer was told that it is new */
	uint64_t seed;
	bool shared;
};

static uint64_t frontier;

/* Each number is offered by several writers, near the front, in other orders. */
static void *write_many(void *arg)
{
	struct writer *w = arg;

	for (;;) {
		uint64_t front = __atomic_fetch_add(&frontier, 1, __ATOMIC_RELAXED) / 2;
		uint64_t back = next_random(&w->seed) % 24;

		if (front >= NUMBERS)
			return NULL;
		for (int twice = 0; twice < 2; twice++) {
			uint64_t number = (front > back ? front - back : front) + 1;

			if (take(w->f, number, w->shared) == WINDOW_NEW)
				w->accepted[number]++;
			back = next_random(&w->seed) % 24;
		}
	}
}

/* Gives how many numbers were accepted more than once. */
static uint32_t history(bool shared, uint32_t *accepted_in_all)
{
	struct fixture f;
	struct writer writers[WRITERS];
	pthread_t threads[WRITERS];
	uint32_t twice = 0;

	start(&f, 1024, 0);
	frontier = 0;
	for (int i = 0; i < WRITERS; i++) {
		writers[i] =
			(struct writer){ &f, calloc(NUMBERS + 2, 1), 77777u + (uint64_t)i, shared };
		pthread_create(&threads[i], NULL, write_many, &writers[i]);
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	*accepted_in_all = 0;
	for (uint32_t n = 1; n <= NUMBERS; n++) {
		uint32_t times = 0;

		for (int i = 0; i < WRITERS; i++)
			times += writers[i].accepted[n];
		*accepted_in_all += times != 0;
		twice += times > 1;
	}
	for (int i = 0; i < WRITERS; i++)
		free(writers[i].accepted);
	return twice;
}

static void several_writers(void **state)
{
	uint32_t accepted;

	(void)state;
	for (int round = 0; round < 5; round++) {
		assert_int_equal(history(true, &accepted), 0);
		assert_true(accepted > NUMBERS / 2);
	}
}

/* The same without the lock prefix must fail, or the test above shows nothing. */
static void planted_race(void **state)
{
	uint32_t accepted;
	uint32_t twice = 0;

	(void)state;
	for (int round = 0; round < 50 && !twice; round++)
		twice = history(false, &accepted);
	assert_true(twice > 0);
}

/* Offered by all, far less apart than the window: every number is accepted by exactly one. */
static void none_refused(void **state)
{
	struct fixture f;
	uint32_t got = 0;

	(void)state;
	start(&f, 1024, 0);
	for (uint64_t n = 1; n <= 100000; n += 512) {
		for (uint64_t k = 0; k < 512; k++) /* backwards within half a window */
			got += take(&f, n + 511 - k, true) == WINDOW_NEW;
	}
	assert_int_equal(got, (100000 / 512 + 1) * 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbered_table), cmocka_unit_test(against_the_definition),
		cmocka_unit_test(inference),	  cmocka_unit_test(several_writers),
		cmocka_unit_test(planted_race),	  cmocka_unit_test(none_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
