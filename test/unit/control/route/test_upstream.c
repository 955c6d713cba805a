/*
 * When an upstream counts as dead and as good again, by requests and answers alone.
 */
#include "control/route/upstream.h"

#include "../../cmocka_all.h"

/* So many requests leave, of which the last `unheard` go unanswered; the times that it died. */
static int rounds(struct upstream_count *c, int count, int unheard)
{
	int died = 0;

	for (int i = 0; i < count; i++) {
		died += upstream_count_sent(c);
		if (i < count - unheard)
			assert_false(upstream_count_heard(c, c->sent));
	}
	return died;
}

static void dead_when_enough_in_a_row_are_lost(void **state)
{
	struct upstream_count c = { 0 };

	assert_int_equal(rounds(&c, 20, UPSTREAM_LOST), 0);
	assert_int_equal(rounds(&c, 1, 1), 1);
	assert_int_equal(rounds(&c, 50, 50), 0); /* said once */
	assert_true(c.dead);
}

/* One of five comes through: a bad path is still a path. */
static void most_lost_is_not_dead(void **state)
{
	struct upstream_count c = { 0 };

	for (int i = 0; i < 50; i++) {
		assert_int_equal(rounds(&c, UPSTREAM_LOST - 1, UPSTREAM_LOST - 2), 0);
	}
}

/* A round trip of 0.7 s: the answer to each request comes when three later ones have left. */
static void slow_is_not_dead(void **state)
{
	struct upstream_count c = { 0 };

	for (int i = 0; i < 100; i++) {
		assert_false(upstream_count_sent(&c));
		if (c.sent > 3)
			assert_false(upstream_count_heard(&c, (uint16_t)(c.sent - 3)));
	}
	/* And when it was dead it comes back. */
	assert_int_equal(rounds(&c, 20, 20), 1);
	for (int i = 0; i < UPSTREAM_BACK + 3 && c.dead; i++) {
		upstream_count_sent(&c);
		upstream_count_heard(&c, (uint16_t)(c.sent - 3));
	}
	assert_false(c.dead);
}

static void good_again_when_enough_in_a_row_come(void **state)
{
	struct upstream_count c = { 0 };

	assert_int_equal(rounds(&c, 20, 20), 1);
	for (int i = 1; i < UPSTREAM_BACK; i++) {
		assert_false(upstream_count_sent(&c));
		assert_false(upstream_count_heard(&c, c.sent));
	}
	/* Two are lost in between: counted anew. */
	assert_false(upstream_count_sent(&c));
	assert_false(upstream_count_sent(&c));
	for (int i = 1; i < UPSTREAM_BACK; i++) {
		assert_false(upstream_count_sent(&c));
		assert_false(upstream_count_heard(&c, c.sent));
	}
	assert_true(c.dead);
	assert_false(upstream_count_sent(&c));
	assert_true(upstream_count_heard(&c, c.sent));
	assert_false(c.dead);
}

static void what_is_old_doubled_or_never_sent_counts_for_nothing(void **state)
{
	struct upstream_count c = { .sent = 65530, .heard = 65530 };

	assert_int_equal(rounds(&c, 20, 20), 1); /* over the end of the numbers */
	assert_int_equal(c.sent, 14);
	for (int i = 0; i < 10; i++)
		assert_false(upstream_count_heard(&c, (uint16_t)(c.sent + 1 + i)));
	assert_false(upstream_count_heard(&c, (uint16_t)(c.sent - 16)));
	assert_int_equal(c.lost, UPSTREAM_LOST);
	for (int i = 0; i < 10; i++)
		assert_false(upstream_count_heard(&c, c.sent));
	assert_true(c.dead);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dead_when_enough_in_a_row_are_lost),
		cmocka_unit_test(most_lost_is_not_dead),
		cmocka_unit_test(slow_is_not_dead),
		cmocka_unit_test(good_again_when_enough_in_a_row_come),
		cmocka_unit_test(what_is_old_doubled_or_never_sent_counts_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
