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
#define SIZE 1024

/* What a writer was told, by number above the base. */
struct writer {
	struct fixture *f;
	uint64_t base;
	uint8_t *accepted; /* how often */
	uint8_t *seen;	   /* told that somebody has it */
	uint32_t refused;  /* as too old, although nothing so far ahead had been offered */
	uint64_t seed;
	bool shared;
};

static uint64_t frontier;
static uint64_t offered; /* the highest number that any writer has begun with */

static void offer(uint64_t number)
{
	uint64_t was = __atomic_load_n(&offered, __ATOMIC_SEQ_CST);

	while (number > was && !__atomic_compare_exchange_n(&offered, &was, number, false,
							    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

/*
 * A packet with an extended number, of which the wire has 32 bits: a high half that is not the
 * sender's fails the ICV, so what is committed is what was verified.
 */
static enum window_verdict take_wire(struct fixture *f, uint64_t sent, bool shared)
{
	uint64_t highest = __atomic_load_n(&f->window.highest, __ATOMIC_RELAXED);
	uint64_t number = window_infer(highest, f->window.size, (uint32_t)sent);
	enum window_verdict verdict;

	if (number != sent)
		return WINDOW_OLD;
	verdict = window_check(&f->window, highest, number);
	return verdict == WINDOW_NEW ? window_commit(&f->window, number, shared) : verdict;
}

static void write_one(struct writer *w, uint64_t number)
{
	enum window_verdict verdict;

	offer(number);
	verdict = take_wire(w->f, number, w->shared);
	w->accepted[number - w->base] += verdict == WINDOW_NEW;
	w->seen[number - w->base] |= verdict == WINDOW_SEEN;
	w->refused += verdict == WINDOW_OLD &&
		      number + SIZE > __atomic_load_n(&offered, __ATOMIC_SEQ_CST);
}

/* Each number is offered by several writers, near the front, in other orders. */
static void *write_many(void *arg)
{
	struct writer *w = arg;

	for (;;) {
		uint64_t front = __atomic_fetch_add(&frontier, 1, __ATOMIC_RELAXED) / 2;

		if (front >= NUMBERS)
			return NULL;
		for (int twice = 0; twice < 2; twice++) {
			uint64_t back = next_random(&w->seed) % 24;

			write_one(w, w->base + (front > back ? front - back : front) + 1);
		}
	}
}

struct found {
	uint32_t twice;	   /* accepted more than once */
	uint32_t refused;  /* neither seen nor below the window */
	uint32_t accepted; /* in all */
};

static struct found judge(const struct writer writers[WRITERS])
{
	struct found found = { 0 };

	for (uint32_t n = 1; n <= NUMBERS; n++) {
		uint32_t times = 0;
		bool seen = false;

		for (int i = 0; i < WRITERS; i++) {
			times += writers[i].accepted[n];
			seen |= writers[i].seen[n];
		}
		found.accepted += times != 0;
		found.twice += times > 1;
		found.refused += seen && !times;
	}
	for (int i = 0; i < WRITERS; i++)
		found.refused += writers[i].refused;
	return found;
}

static struct found history(uint64_t base, bool shared)
{
	struct fixture f;
	struct writer writers[WRITERS];
	pthread_t threads[WRITERS];
	struct found found;

	start(&f, SIZE, base);
	frontier = 0;
	offered = base;
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .f = &f,
					      .base = base,
					      .accepted = calloc(NUMBERS + 2, 1),
					      .seen = calloc(NUMBERS + 2, 1),
					      .seed = 77777u + (uint64_t)i,
					      .shared = shared };
		pthread_create(&threads[i], NULL, write_many, &writers[i]);
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	found = judge(writers);
	for (int i = 0; i < WRITERS; i++) {
		free(writers[i].accepted);
		free(writers[i].seen);
	}
	return found;
}

static void several_writers(void **state)
{
	static const uint64_t bases[] = { 0, UINT64_C(0x100000000) - NUMBERS / 2,
					  UINT64_C(0x700000000) - 50 };

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(bases); i++) {
		struct found found = history(bases[i % COUNT(bases)], true);

		assert_int_equal(found.twice, 0);
		assert_int_equal(found.refused, 0);
		assert_true(found.accepted > NUMBERS / 2);
	}
}

/* The same without the lock prefix must fail, or the test above shows nothing. */
static void planted_race(void **state)
{
	uint32_t wrong = 0;

	(void)state;
	for (int round = 0; round < 50 && !wrong; round++) {
		struct found found = history(UINT64_C(0x100000000) - NUMBERS / 2, false);

		wrong = found.twice + found.refused;
	}
	assert_true(wrong > 0);
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
