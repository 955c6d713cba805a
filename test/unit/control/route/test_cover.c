/*
 * Which prefix contains which, against a list of all of them.
 */
#include "cmocka_all.h"
#include "control/route/cover.h"

#include <stdlib.h>
#include <string.h>

#define PREFIXES 300
#define STEPS 20000

static struct net_prefix prefixes[PREFIXES];
static bool present[PREFIXES];
static unsigned seed = 1;

static uint32_t random_below(uint32_t n)
{
	return (uint32_t)rand_r(&seed) % n;
}

/* Few bits differ, so that many contain others; both families, all lengths. */
static void prefixes_make(void)
{
	static const uint8_t lengths[2][8] = { { 0, 1, 7, 8, 9, 16, 31, 32 },
					       { 0, 3, 8, 17, 64, 65, 127, 128 } };

	for (int i = 0; i < PREFIXES;) {
		int family = random_below(2);
		struct net_addr addr = { .family = family ? NET_IP6 : NET_IP4 };
		bool known = false;

		for (int b = 0; b < (family ? 16 : 4); b++)
			addr.bytes[b] = random_below(4) ? 0 : (uint8_t)(1 << random_below(8));
		prefixes[i] = net_prefix_of(&addr, lengths[family][random_below(8)]);
		for (int k = 0; k < i; k++)
			known |= !net_prefix_compare(&prefixes[i], &prefixes[k]);
		i += !known;
	}
}

static bool contains(int wide, int narrow)
{
	return wide != narrow && prefixes[wide].addr.family == prefixes[narrow].addr.family &&
	       prefixes[wide].length < prefixes[narrow].length &&
	       net_prefix_contains(&prefixes[wide], &prefixes[narrow].addr);
}

static int above(int of)
{
	int found = -1;

	for (int i = 0; i < PREFIXES; i++)
		if (present[i] && contains(i, of) &&
		    (found < 0 || prefixes[i].length > prefixes[found].length))
			found = i;
	return found;
}

struct seen {
	int top;
	int count;
	bool each[PREFIXES];
	int leave_out; /* what is within this one */
};

static bool on_entry(void *context, void *entry, const void *from, const void **to)
{
	struct seen *seen = context;
	int i = (int)((struct net_prefix *)entry - prefixes);
	int wider = above(i);

	assert_true(present[i] && !seen->each[i] && contains(seen->top, i));
	/* what comes down is the entry that contains it, or what was given for those at the top */
	assert_ptr_equal(from, wider >= 0 && contains(seen->top, wider) ? (void *)&prefixes[wider]
									: (void *)seen);
	assert_true(seen->leave_out < 0 || !contains(seen->leave_out, i));
	seen->each[i] = true;
	seen->count++;
	*to = entry;
	return i != seen->leave_out;
}

static void look(const struct cover *cover, int at)
{
	struct seen seen = { .top = at, .leave_out = -1 };
	int wider = above(at);
	int count = 0;

	assert_ptr_equal(cover_above(cover, &prefixes[at]), wider < 0 ? NULL : &prefixes[wider]);
	for (int i = 0; i < PREFIXES; i++)
		count += present[i] && contains(at, i);
	cover_below(cover, &prefixes[at], &seen, on_entry, &seen);
	assert_int_equal(seen.count, count);
	for (int i = 0; i < PREFIXES && count; i++)
		if (seen.each[i]) {
			struct seen but = { .top = at, .leave_out = i };

			cover_below(cover, &prefixes[at], &but, on_entry, &but);
			break;
		}
}

static void random_changes(void **state)
{
	struct cover cover = { 0 };

	(void)state;
	prefixes_make();
	for (int step = 0; step < STEPS; step++) {
		int at = (int)random_below(PREFIXES);

		if (random_below(2)) {
			assert_int_equal(cover_set(&cover, &prefixes[at], &prefixes[at]), 0);
			present[at] = true;
		} else {
			cover_delete(&cover, &prefixes[at]);
			present[at] = false;
		}
		if (step % 10 == 0)
			look(&cover, (int)random_below(PREFIXES));
	}
	for (int i = 0; i < PREFIXES; i++)
		cover_delete(&cover, &prefixes[i]);
	assert_null(cover.roots[0]);
	assert_null(cover.roots[1]);
	cover_fini(&cover);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_changes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
