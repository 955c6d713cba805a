/*
 * A planned switchover takes each step when what it waits for has happened, however long the
 * workers, the traffic or the peer stand still.
 */
#include "control/tunnel/dial.h"
#include "control/tunnel/drain.h"
#include "control/tunnel/evacuate.h"
#include "control/tunnel/tunnel.h"
#include "control/tunnel/watch.h"

#include <cmocka_all.h>
#include <string.h>

#define CHILD 7
#define ID 3
#define LONG 20 /* looks: 5 s */

static struct clock clock;
static struct tunnels all;
static struct tunnel tunnel, sibling;

/* What the data plane, the engine and the peer are asked, and what they say. */
static struct {
	requests_done done;
	void *context;
	struct ikev2_info info;
	struct ikev2_child_info child;
	uint64_t sent;
	uint32_t moves, probes, child_rekeys, rekeys, returns, updates;
} seen;

struct requests *desired_requests(struct desired *desired)
{
	return NULL;
}

int requests_probe(struct requests *requests, requests_done done, void *context)
{
	assert_int_equal(seen.updates, 1); /* the change of groups goes first */
	seen.done = done;
	seen.context = context;
	return 0;
}

int ikev2_info(const struct ikev2_engine *engine, uint64_t ike, struct ikev2_info *info)
{
	*info = seen.info;
	return 0;
}

uint32_t ikev2_child_next(const struct ikev2_engine *engine, uint64_t ike, uint32_t after)
{
	return after ? 0 : CHILD;
}

int ikev2_child_info(const struct ikev2_engine *engine, uint32_t child,
		     struct ikev2_child_info *info)
{
	*info = seen.child;
	return 0;
}

int ikev2_child_rekey(struct ikev2_engine *engine, uint32_t child, uint64_t now_ns)
{
	seen.child_rekeys++;
	return 0;
}

int ikev2_rekey(struct ikev2_engine *engine, uint64_t ike, uint64_t now_ns)
{
	seen.rekeys++;
	return 0;
}

bool tunnel_usable(const struct tunnel *t)
{
	return true;
}

const struct tunnel *evacuate_sibling(const struct tunnel *t)
{
	return &sibling;
}

void evacuate(struct tunnel *t)
{
	seen.moves++;
	t->evacuated = true;
}

void dial_flows_update(const struct tunnel *t)
{
	seen.updates++;
}

uint64_t watch_sent(const struct tunnel *t)
{
	return seen.sent;
}

void watch_probe(struct tunnel *t, uint64_t now_ns)
{
	seen.probes++;
}

void watch_return(struct tunnel *t, uint64_t now_ns)
{
	seen.returns++;
}

static void look(uint32_t times)
{
	while (times--) {
		clock_fake_advance(&clock, WATCH_EVERY_NS);
		drain_watch(&tunnel, clock_now_ns(&clock));
	}
}

static int setup(void **state)
{
	memset(&seen, 0, sizeof(seen));
	clock_fake_init(&clock, CLOCK_NS_PER_S);
	all = (struct tunnels){ .clock = &clock };
	map_init(&all.by_id);
	tunnel = (struct tunnel){ .all = &all, .name = (char *)"t", .id = ID, .ike = 1 };
	assert_int_equal(map_set(&all.by_id, &tunnel.id, sizeof(tunnel.id), &tunnel, NULL), 0);
	seen.child = (struct ikev2_child_info){ .state = IKEV2_CHILD_UP, .sends = true };
	assert_true(drain_start(&tunnel));
	return 0;
}

static int teardown(void **state)
{
	if (seen.done)
		seen.done(seen.context, NULL);
	map_fini(&all.by_id);
	return 0;
}

static void applied(void)
{
	const struct contract_answer answer = { .status = CONTRACT_APPLIED };

	seen.done(seen.context, &answer);
	seen.done = NULL;
}

static void leave(void)
{
	applied();
	look(2);
	assert_int_equal(seen.moves, 1);
}

/* The counter stands still because packets do, not because they go elsewhere. */
static void peer_is_not_told_before_every_worker_has_the_groups(void **state)
{
	look(LONG);
	assert_int_equal(seen.moves, 0);
	leave();
}

static void nor_while_packets_leave(void **state)
{
	applied();
	for (int i = 0; i < LONG; i++) {
		seen.sent++;
		look(1);
	}
	assert_int_equal(seen.moves, 0);
	look(1);
	assert_int_equal(seen.moves, 1);
}

/* What the peer makes of the move may come as late as it likes. */
static void keys_wait_for_the_peers_answers(void **state)
{
	leave();
	seen.info.asks = true; /* the move is on its way */
	look(LONG / 4);
	assert_int_equal(seen.probes, 0);
	seen.info.asks = false;
	look(1);
	assert_int_equal(seen.probes, 1);
	seen.info.asks = true; /* and so is the question behind it */
	look(LONG / 4);
	seen.info.asks = false;
	seen.child.state = IKEV2_CHILD_NEW; /* the peer makes one anew */
	look(LONG / 4);
	assert_int_equal(seen.child_rekeys + seen.rekeys, 0);
	seen.child.state = IKEV2_CHILD_UP;
	look(1);
	assert_int_equal(seen.child_rekeys, 0);
	look(1);
	assert_int_equal(seen.child_rekeys, 1);
	assert_int_equal(seen.rekeys, 1);
	assert_int_equal(seen.probes, 1);
	assert_int_equal(seen.returns, 0);
	drain_renewed(&tunnel);
	look(1);
	assert_int_equal(seen.returns, 1);
	assert_int_equal(tunnel.drain, 0);
}

/* Without an answer it is given up, and flows return. */
static void lost_data_plane_ends_it(void **state)
{
	seen.done(seen.context, NULL);
	seen.done = NULL;
	look(3 * LONG);
	assert_int_equal(tunnel.drain, 0);
	assert_int_equal(seen.updates, 2);
	assert_int_equal(seen.moves, 0);
}

/* An answer that an earlier one had asked for says nothing of this one. */
static void late_answer_is_of_another_drain(void **state)
{
	requests_done done = seen.done;
	void *context = seen.context;
	const struct contract_answer answer = { .status = CONTRACT_APPLIED };

	look(3 * LONG); /* given up */
	seen.updates = 0;
	assert_true(drain_start(&tunnel));
	done(context, &answer);
	look(LONG / 4);
	assert_int_equal(seen.moves, 0);
	leave();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(peer_is_not_told_before_every_worker_has_the_groups),
		TEST(nor_while_packets_leave),
		TEST(keys_wait_for_the_peers_answers),
		TEST(lost_data_plane_ends_it),
		TEST(late_answer_is_of_another_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
