/*
 * What of the kernel's routes nothing has touched: changes strike off, reading does not, and the
 * last word of a reading counts.
 */
#include "cmocka_all.h"
#include "control/route/leftover.h"

static struct leftover route_of(uint32_t address, uint32_t table)
{
	struct net_addr addr = net_addr_ip4(address);

	return (struct leftover){ net_prefix_of(&addr, 16), table, 20 };
}

static void see(struct leftover_set *l, uint32_t address, bool gone)
{
	const struct leftover route = route_of(address, 254);

	leftover_set_see(l, &route, gone);
}

static void read_two(struct leftover_set *l)
{
	leftover_set_read_begin(l);
	see(l, 0x0a620000, false);
	see(l, 0x0a610000, false);
	leftover_set_read_end(l);
}

static size_t untouched(const struct leftover_set *l, struct leftover *last)
{
	size_t at = 0;
	size_t n = 0;

	while (leftover_set_next(l, &at, last))
		n++;
	return n;
}

static int make(void **state)
{
	struct leftover_set *l;

	assert_int_equal(leftover_set_new(&l), 0);
	*state = l;
	return 0;
}

static int end(void **state)
{
	leftover_set_free(*state);
	return 0;
}

static void none_unless_wanted(void **state)
{
	struct leftover_set *l = *state;
	struct leftover last;

	read_two(l);
	assert_int_equal(untouched(l, &last), 0);
	leftover_set_begin(l);
	see(l, 0x0a610000, false); /* not read yet */
	assert_int_equal(untouched(l, &last), 0);
	read_two(l);
	assert_int_equal(untouched(l, &last), 2);
	leftover_set_rest(l);
	assert_int_equal(untouched(l, &last), 0);
	see(l, 0x0a610000, false);
}

static void what_changes_is_struck_off(void **state)
{
	struct leftover_set *l = *state;
	const struct leftover elsewhere = route_of(0x0a620000, 7802);
	const struct leftover here = route_of(0x0a620000, 254);
	struct leftover last;

	leftover_set_begin(l);
	read_two(l);
	see(l, 0x0a610000, true);
	see(l, 0x0a610000, false);
	see(l, 0x0a7a0000, false);
	leftover_set_see(l, &elsewhere, false); /* in another table it is another one */
	assert_int_equal(untouched(l, &last), 1);
	assert_int_equal(net_prefix_compare(&last.prefix, &here.prefix), 0);
	assert_int_equal(last.table, 254);
	assert_true(leftover_set_has(l, &here));
	see(l, 0x0a620000, true);
	assert_int_equal(untouched(l, &last), 0);
	assert_false(leftover_set_has(l, &here));
	see(l, 0x0a620000, false);
	assert_true(leftover_set_has(l, &here));
	assert_false(leftover_set_has(l, &elsewhere));
}

/* The kernel is read again for other reasons: that says nothing of when it was written. */
static void reading_strikes_nothing_off(void **state)
{
	struct leftover_set *l = *state;
	struct leftover last;

	leftover_set_begin(l);
	read_two(l);
	read_two(l);
	assert_int_equal(untouched(l, &last), 2);
	leftover_set_read_begin(l);
	see(l, 0x0a610000, false);
	see(l, 0x0a620000, true); /* this did happen */
	leftover_set_read_end(l);
	assert_int_equal(untouched(l, &last), 1);
	leftover_set_begin(l); /* begins anew, also while it is read */
	leftover_set_read_begin(l);
	see(l, 0x0a610000, false);
	leftover_set_begin(l);
	leftover_set_read_begin(l);
	see(l, 0x0a620000, false);
	leftover_set_read_end(l);
	assert_int_equal(untouched(l, &last), 1);
}

/* Changes while it is read come between what is read. */
static void the_last_word_of_a_reading_counts(void **state)
{
	struct leftover_set *l = *state;
	struct leftover last;

	leftover_set_begin(l);
	leftover_set_read_begin(l);
	see(l, 0x0a610000, false);
	see(l, 0x0a620000, false);
	see(l, 0x0a630000, true);
	see(l, 0x0a610000, true);
	see(l, 0x0a620000, false);
	for (uint32_t i = 0; i < 200; i++)
		see(l, 0x0b000000 + (i << 16), i % 2);
	leftover_set_read_end(l);
	assert_int_equal(untouched(l, &last), 101);
	see(l, 0x0a620000, true);
	assert_int_equal(untouched(l, &last), 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(none_unless_wanted),
		TEST(what_changes_is_struck_off),
		TEST(reading_strikes_nothing_off),
		TEST(the_last_word_of_a_reading_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
