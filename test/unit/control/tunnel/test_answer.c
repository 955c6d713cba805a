/*
 * Next hops that only an answer needs: each reference is given back once, the oldest makes room.
 */
#include "control/tunnel/tunnel.h"

#include <cmocka_all.h>
#include <string.h>

static unsigned int put_back[64]; /* by next hop */
static struct clock clock;
static struct tunnels all;

void route_nexthop_put(struct route *route, uint32_t nexthop)
{
	if (nexthop)
		put_back[nexthop]++;
}

static int setup(void **state)
{
	memset(put_back, 0, sizeof(put_back));
	all = (struct tunnels){ .clock = &clock };
	clock_fake_init(&clock, 5 * CLOCK_NS_PER_S);
	return 0;
}

static void stays_a_minute(void **state)
{
	tunnel_answer_keep(&all, 7);
	tunnel_answers_expire(&all, clock_now_ns(&clock) + 59 * CLOCK_NS_PER_S);
	assert_int_equal(put_back[7], 0);
	tunnel_answers_expire(&all, clock_now_ns(&clock) + 60 * CLOCK_NS_PER_S);
	assert_int_equal(put_back[7], 1);
	tunnel_answers_expire(&all, clock_now_ns(&clock) + 600 * CLOCK_NS_PER_S);
	assert_int_equal(put_back[7], 1);
}

/* Another reference to the same: the former one is given back, the minute begins anew. */
static void the_same_again(void **state)
{
	tunnel_answer_keep(&all, 7);
	clock_fake_advance(&clock, 30 * CLOCK_NS_PER_S);
	tunnel_answer_keep(&all, 7);
	assert_int_equal(put_back[7], 1);
	tunnel_answers_expire(&all, clock_now_ns(&clock) + 59 * CLOCK_NS_PER_S);
	assert_int_equal(put_back[7], 1);
	tunnel_answers_expire(&all, clock_now_ns(&clock) + 61 * CLOCK_NS_PER_S);
	assert_int_equal(put_back[7], 2);
}

static void the_oldest_makes_room(void **state)
{
	for (uint32_t i = 1; i <= TUNNEL_ANSWERS; i++, clock_fake_advance(&clock, CLOCK_NS_PER_S))
		tunnel_answer_keep(&all, i);
	tunnel_answer_keep(&all, 1); /* now the youngest */
	tunnel_answer_keep(&all, 40);
	assert_int_equal(put_back[1], 1);
	assert_int_equal(put_back[2], 1);
	for (uint32_t i = 3; i <= TUNNEL_ANSWERS; i++)
		assert_int_equal(put_back[i], 0);
	tunnel_answers_expire(&all, clock_now_ns(&clock) + 61 * CLOCK_NS_PER_S);
	assert_int_equal(put_back[1], 2);
	assert_int_equal(put_back[40], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(stays_a_minute, setup),
		cmocka_unit_test_setup(the_same_again, setup),
		cmocka_unit_test_setup(the_oldest_makes_room, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
