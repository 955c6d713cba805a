/*
 * A peer that is known by name: when it is asked for, which of its addresses is tried, and what an
 * answer never touches.
 */
#include "control/event/resolve.h"
#include "control/tunnel/dial.h"
#include "control/tunnel/lookup.h"
#include "control/tunnel/tunnel.h"

#include <cmocka_all.h>
#include <errno.h>
#include <string.h>

static struct {
	event_resolved answer;
	void *context;
	unsigned int asked;
	unsigned int dials;
	unsigned int no_names;
	unsigned int moved;
	unsigned int cancelled;
	int refuse;
} seen;

static struct clock clock;
static struct tunnels all;
static struct plan_tunnel plan;
static struct tunnel tunnel;

int event_resolve(struct event_question **question, struct event_loop *loop, const char *name,
		  event_resolved callback, void *context)
{
	assert_string_equal(name, "peer.example");
	if (seen.refuse)
		return seen.refuse;
	seen.answer = callback;
	seen.context = context;
	seen.asked++;
	*question = (struct event_question *)&seen;
	return 0;
}

void event_resolve_cancel(struct event_question *question)
{
	seen.cancelled += question != NULL;
}

void dial_wanted(struct tunnel *t)
{
	seen.dials++;
}

void dial_no_name(struct tunnel *t, const char *why)
{
	assert_non_null(why);
	seen.no_names++;
}

void tunnel_rearm(struct tunnels *t)
{
}

void lookup_moved(struct tunnel *moved)
{
}

int tunnel_objects_set(struct tunnel *t)
{
	seen.moved++;
	return 0;
}

static int setup(void **state)
{
	memset(&seen, 0, sizeof(seen));
	clock_fake_init(&clock, 1000 * CLOCK_NS_PER_S);
	all = (struct tunnels){ .clock = &clock, .ready = true };
	plan = (struct plan_tunnel){ .local = net_addr_ip4(0xc0000201), .fqdn = "peer.example" };
	tunnel = (struct tunnel){ .all = &all, .plan = &plan, .name = (char *)"t" };
	return 0;
}

static int teardown(void **state)
{
	tunnel_name_free(&tunnel);
	return 0;
}

static struct net_addr one(uint8_t last)
{
	return net_addr_ip4(0xc6336400u + last);
}

static void answer(uint32_t count, const char *why)
{
	struct net_addr addresses[EVENT_ADDRESSES_MAX];

	for (uint32_t i = 0; i < count; i++)
		addresses[i] = one((uint8_t)(i + 1));
	seen.answer(seen.context, addresses, count, why);
}

static void by_address_nothing_is_asked(void **state)
{
	plan.fqdn = NULL;
	assert_true(tunnel_name_ready(&tunnel));
	assert_int_equal(seen.asked, 0);
}

static void asked_once_then_dialled(void **state)
{
	assert_false(tunnel_name_ready(&tunnel));
	assert_false(tunnel_name_ready(&tunnel));
	assert_int_equal(seen.asked, 1);
	answer(2, NULL);
	assert_int_equal(seen.dials, 1);
	assert_true(tunnel_name_ready(&tunnel));
	assert_true(net_addr_equal(&tunnel.remote, &(struct net_addr){ 0 }) == false);
	assert_int_equal(seen.asked, 1);
	assert_int_equal(seen.moved, 1);
}

/* All addresses, one after the other; then the name is asked for again. */
static void every_address_is_tried(void **state)
{
	struct net_addr second = one(2);

	assert_false(tunnel_name_ready(&tunnel));
	answer(2, NULL);
	assert_true(tunnel_name_ready(&tunnel));
	assert_true(tunnel_name_more(&tunnel));
	assert_true(tunnel_name_next(&tunnel));
	assert_true(tunnel_name_ready(&tunnel));
	assert_true(net_addr_equal(&tunnel.remote, &second));
	assert_false(tunnel_name_more(&tunnel));
	assert_false(tunnel_name_next(&tunnel));
	assert_false(tunnel_name_ready(&tunnel));
	assert_int_equal(seen.asked, 2);
}

static void asked_again_after_a_while(void **state)
{
	assert_false(tunnel_name_ready(&tunnel));
	answer(1, NULL);
	clock_fake_advance(&clock, 29 * CLOCK_NS_PER_S);
	assert_true(tunnel_name_ready(&tunnel));
	clock_fake_advance(&clock, 2 * CLOCK_NS_PER_S);
	assert_false(tunnel_name_ready(&tunnel));
	assert_int_equal(seen.asked, 2);
}

/* A failed answer: what was known before is tried; without anything the tunnel says so. */
static void a_failed_answer(void **state)
{
	struct net_addr first = one(1);

	assert_false(tunnel_name_ready(&tunnel));
	answer(0, "no such name");
	assert_int_equal(seen.no_names, 1);
	assert_int_equal(seen.dials, 0);
	assert_false(tunnel_name_ready(&tunnel));
	answer(1, NULL);
	clock_fake_advance(&clock, 31 * CLOCK_NS_PER_S);
	assert_false(tunnel_name_ready(&tunnel));
	answer(0, "the server is gone");
	assert_int_equal(seen.no_names, 1);
	assert_int_equal(seen.dials, 2);
	assert_true(tunnel_name_ready(&tunnel));
	assert_true(net_addr_equal(&tunnel.remote, &first));
}

/* What comes as an answer does not move a tunnel by itself. */
static void an_answer_moves_nothing(void **state)
{
	struct net_addr before;

	assert_false(tunnel_name_ready(&tunnel));
	answer(1, NULL);
	assert_true(tunnel_name_ready(&tunnel));
	before = tunnel.remote;
	clock_fake_advance(&clock, 31 * CLOCK_NS_PER_S);
	assert_false(tunnel_name_ready(&tunnel));
	seen.answer(seen.context, (struct net_addr[]){ one(9) }, 1, NULL);
	assert_true(net_addr_equal(&tunnel.remote, &before));
	assert_int_equal(seen.moved, 1);
}

static void only_our_family(void **state)
{
	const struct net_addr six = { .family = NET_IP6, .bytes = { 0x20, 1 } };
	struct net_addr four = one(5);

	assert_false(tunnel_name_ready(&tunnel));
	seen.answer(seen.context, (struct net_addr[]){ six }, 1, NULL);
	assert_int_equal(seen.no_names, 1);
	assert_false(tunnel_name_ready(&tunnel));
	seen.answer(seen.context, (struct net_addr[]){ six, four }, 2, NULL);
	assert_true(tunnel_name_ready(&tunnel));
	assert_true(net_addr_equal(&tunnel.remote, &four));
	assert_true(tunnel_name_has(&tunnel, &four));
	assert_false(tunnel_name_has(&tunnel, &six));
}

static void no_memory(void **state)
{
	seen.refuse = -ENOMEM;
	assert_false(tunnel_name_ready(&tunnel));
	assert_int_equal(seen.no_names, 1);
}

static void an_open_question_is_cancelled(void **state)
{
	assert_false(tunnel_name_ready(&tunnel));
	tunnel_name_free(&tunnel);
	assert_int_equal(seen.cancelled, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(by_address_nothing_is_asked),
		TEST(asked_once_then_dialled),
		TEST(every_address_is_tried),
		TEST(asked_again_after_a_while),
		TEST(a_failed_answer),
		TEST(an_answer_moves_nothing),
		TEST(only_our_family),
		TEST(no_memory),
		TEST(an_open_question_is_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
