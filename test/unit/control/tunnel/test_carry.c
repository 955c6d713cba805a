/*
 * Children whose peer sends already send too: all of them at once, whoever else waits.
 */
#include "control/tunnel/carry.h"

#include <cmocka_all.h>
#include <errno.h>

#define PAIRS 8

static struct tunnels all;
static struct sa_pair pairs[PAIRS];
static struct child {
	bool gone, sends, waits;
	uint64_t heard_ns;
	int carried;
} children[PAIRS];

const struct contract_counters *requests_counters(const struct requests *requests)
{
	return NULL;
}

struct requests *desired_requests(struct desired *desired)
{
	return NULL;
}

uint64_t contract_counters_max(const struct contract_counters *counters,
			       enum contract_section section, uint32_t row, uint32_t column)
{
	return children[row].heard_ns;
}

int ikev2_child_info(const struct ikev2_engine *engine, uint32_t child,
		     struct ikev2_child_info *info)
{
	*info = (struct ikev2_child_info){ .sends = children[child].sends,
					   .waits = children[child].waits };
	return children[child].gone ? -ENOENT : 0;
}

/* As the engine does: the pair sends, and others may be added or removed by it. */
void ikev2_child_carries(struct ikev2_engine *engine, uint32_t child, uint64_t now_ns)
{
	children[child].carried++;
	children[child].sends = true;
	list_del(&pairs[(child + 1) % PAIRS].silent);
}

static int setup(void **state)
{
	list_init(&all.silent);
	for (uint32_t i = 0; i < PAIRS; i++) {
		children[i] = (struct child){ .waits = true };
		pairs[i] = (struct sa_pair){ .child = i, .inbound = i, .installed = true };
		list_init(&pairs[i].silent);
	}
	return 0;
}

static void await(uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++)
		carry_await(&all, &pairs[i]);
}

static int waiting(void)
{
	const struct list *at;
	int n = 0;

	list_for_each (at, &all.silent)
		n++;
	return n;
}

static void all_that_are_heard_at_once(void **state)
{
	await(0, 5);
	children[0].heard_ns = children[2].heard_ns = children[4].heard_ns = 7;
	carry_watch(&all, 1);
	for (uint32_t i = 0; i < PAIRS; i++)
		assert_int_equal(children[i].carried, i == 0 || i == 2 || i == 4);
	carry_watch(&all, 2);
	assert_int_equal(children[0].carried, 1);
}

/* One that lingers hears late packets and never sends again. */
static void who_lingers_stands_in_nobodys_way(void **state)
{
	await(0, 3);
	children[0].waits = false;
	children[0].heard_ns = children[2].heard_ns = 7;
	carry_watch(&all, 1);
	assert_int_equal(children[0].carried, 0);
	assert_int_equal(children[2].carried, 1);
}

static void not_before_the_data_plane_has_it(void **state)
{
	await(0, 1);
	pairs[0].installed = false;
	children[0].heard_ns = 7; /* of the SA that had this number before */
	carry_watch(&all, 1);
	assert_int_equal(children[0].carried, 0);
	assert_int_equal(waiting(), 1);
}

static void who_sends_or_is_gone_waits_no_more(void **state)
{
	await(0, 3);
	await(0, 3); /* an adopted one may be told twice */
	assert_int_equal(waiting(), 3);
	children[0].sends = true;
	children[1].gone = true;
	carry_watch(&all, 1);
	assert_int_equal(waiting(), 1);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_that_are_heard_at_once),
		TEST(who_lingers_stands_in_nobodys_way),
		TEST(not_before_the_data_plane_has_it),
		TEST(who_sends_or_is_gone_waits_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
