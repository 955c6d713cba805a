/*
 * Names to addresses: the answer comes from the loop, once, and not when it is no longer wanted.
 * What needs no name server.
 */
#include "control/event/resolve.h"

#include <cmocka_all.h>
#include <string.h>

static struct event_loop *loop;

struct told {
	unsigned int times;
	uint32_t count;
	struct net_addr addresses[EVENT_ADDRESSES_MAX];
	bool why;
};

static void take(void *context, const struct net_addr *addresses, uint32_t count, const char *why)
{
	struct told *told = context;

	told->times++;
	told->count = count;
	memcpy(told->addresses, addresses, count * sizeof(*addresses));
	told->why = why != NULL;
	event_loop_stop(loop);
}

static void stop(void *context)
{
	event_loop_stop(loop);
}

/* As long as an answer takes, a second at most. */
static void run(void)
{
	struct event_source *timer;

	assert_int_equal(event_timer_new(&timer, loop, stop, NULL), 0);
	event_timer_set(timer, UINT64_C(1000000000));
	assert_int_equal(event_loop_run(loop), 0);
	event_source_free(timer);
}

static int setup(void **state)
{
	return event_loop_new(&loop);
}

static int teardown(void **state)
{
	event_loop_free(loop);
	return 0;
}

static void an_address_is_its_own_answer(void **state)
{
	struct event_question *question;
	struct net_addr expected = net_addr_ip4(0xc0000207);
	struct told told = { 0 };

	assert_int_equal(event_resolve(&question, loop, "192.0.2.7", take, &told), 0);
	assert_int_equal(told.times, 0); /* never from inside the call */
	run();
	assert_int_equal(told.times, 1);
	assert_false(told.why);
	assert_int_equal(told.count, 1);
	assert_true(net_addr_equal(&told.addresses[0], &expected));
}

static void from_the_hosts_file(void **state)
{
	struct event_question *question;
	struct net_addr expected = net_addr_ip4(0x7f000001);
	struct told told = { 0 };
	bool found = false;

	assert_int_equal(event_resolve(&question, loop, "localhost", take, &told), 0);
	run();
	assert_int_equal(told.times, 1);
	for (uint32_t i = 0; i < told.count; i++)
		found |= net_addr_equal(&told.addresses[i], &expected);
	assert_true(found);
}

static void not_told_after_cancel(void **state)
{
	struct event_question *question;
	struct told told = { 0 };

	assert_int_equal(event_resolve(&question, loop, "192.0.2.7", take, &told), 0);
	event_resolve_cancel(question);
	run();
	assert_int_equal(told.times, 0);
	event_resolve_cancel(NULL);
}

/* Several at once do not get each other's answers. */
static void several_at_once(void **state)
{
	struct told told[3] = { 0 };
	static const char *const names[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3" };
	struct event_question *question;

	for (int i = 0; i < 3; i++)
		assert_int_equal(event_resolve(&question, loop, names[i], take, &told[i]), 0);
	for (int i = 0; i < 3 && !(told[0].times && told[1].times && told[2].times); i++)
		run();
	assert_int_equal(told[0].addresses[0].bytes[3], 1);
	assert_int_equal(told[1].addresses[0].bytes[3], 2);
	assert_int_equal(told[2].addresses[0].bytes[3], 3);
	assert_int_equal(told[0].times + told[1].times + told[2].times, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_address_is_its_own_answer),
		TEST(from_the_hosts_file),
		TEST(not_told_after_cancel),
		TEST(several_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
