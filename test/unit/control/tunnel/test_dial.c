/*
 * When a tunnel is dialled and its children are asked for, in fake time: back-off of what a peer
 * refuses, and thousands of tunnels at once.
 */
#include "control/tunnel/bundle.h"
#include "control/tunnel/dial.h"
#include "control/tunnel/drain.h"
#include "control/tunnel/evacuate.h"
#include "control/tunnel/lookup.h"
#include "control/tunnel/tunnel.h"
#include "control/tunnel/watch.h"

#include <cmocka_all.h>
#include <stdlib.h>
#include <string.h>

#define MS CLOCK_NS_PER_MS
#define MANY 10000
#define DIAL_NS (MS / 5)   /* of processor time, a dial */
#define ANSWER_NS (MS / 5) /* and what its answers cost */

static struct clock clock;
static struct tunnels all;
static struct plan_tunnel plan;
static struct config_connection configured;
static struct plan_connection site = { .connection = &configured, .tunnel_count = 1 };
static struct peer peer;
static struct tunnel one, *items[1];
static struct tunnel_child children[3];
static struct ikev2_hooks hooks;

static struct {
	uint64_t timer_ns; /* 0: it does not run */
	uint32_t asked[3]; /* for this entry's child */
	uint32_t dials;
	struct tunnel *dialled[2 * MANY];
	uint64_t at_ns[2 * MANY];
	uint32_t under_way, under_way_most;
	uint32_t kept, sent;
	uint64_t deleted[8], second;
	uint32_t deletes;
} seen;

static uint64_t now(void)
{
	return clock_now_ns(&clock);
}

/* What dial.c calls. */

void event_timer_set(struct event_source *timer, uint64_t in_ns)
{
	seen.timer_ns = now() + in_ns;
}

static struct tunnel *many;

int ikev2_initiate(struct ikev2_engine *engine, const struct ikev2_dial *dial, uint64_t now_ns,
		   uint64_t *ike)
{
	clock_fake_advance(&clock, DIAL_NS);
	seen.dialled[seen.dials] = &many[dial->user];
	seen.at_ns[seen.dials] = now();
	*ike = ++seen.dials;
	if (++seen.under_way > seen.under_way_most)
		seen.under_way_most = seen.under_way;
	return 0;
}

int ikev2_child_initiate(struct ikev2_engine *engine, uint64_t ike, uint16_t entry,
			 const struct net_selector packet[2], uint64_t now_ns)
{
	seen.asked[entry]++;
	return 0;
}

int ikev2_delete(struct ikev2_engine *engine, uint64_t ike, bool silent, uint64_t now_ns)
{
	seen.deleted[seen.deletes++ % 8] = ike;
	return 0;
}

uint64_t ikev2_established(const struct ikev2_engine *engine,
			   const struct ikev2_connection *connection, uint64_t except)
{
	return seen.second;
}

void ikev2_lookup_done(struct ikev2_engine *engine, uint64_t token,
		       struct ikev2_connection *const *connections, size_t count)
{
}

void ikev2_psk_done(struct ikev2_engine *engine, uint64_t token, struct span psk)
{
}

const char *ikev2_reason_text(enum ikev2_reason reason)
{
	return "reason";
}

uint16_t ikev2_reason_azure(enum ikev2_reason reason)
{
	return 0;
}

const struct ikev2_config *ikev2_connection_config(const struct ikev2_connection *connection)
{
	return &peer.config;
}

/* A connection is its tunnel here. */
struct peer *peer_of(const struct ikev2_connection *connection)
{
	peer.tunnel = (struct tunnel *)connection;
	return &peer;
}

size_t lookup_find(const struct tunnels *t, const struct ikev2_path *path,
		   struct ikev2_connection **found, size_t room)
{
	return 0;
}

int outbox_add(struct outbox *outbox, const struct tunnel *tunnel,
	       const struct ikev2_datagram *datagram)
{
	seen.sent++;
	return 0;
}

bool ike_id_equal(const struct ike_id *id, uint8_t type, struct span data)
{
	return false;
}

const char *tunnel_state_text(enum tunnel_state state)
{
	return "state";
}

int tunnel_credentials_read(struct tunnel *tunnel)
{
	return 0;
}

bool tunnel_name_ready(struct tunnel *tunnel)
{
	return true;
}

bool tunnel_name_next(struct tunnel *tunnel)
{
	return false;
}

bool tunnel_name_more(const struct tunnel *tunnel)
{
	return false;
}

bool tunnel_usable(const struct tunnel *tunnel)
{
	return false;
}

bool tunnel_sends(const struct tunnel *tunnel)
{
	return children[0].outbound_sa;
}

void flow_table_update(struct flow_table *table, const struct flow_site *s)
{
}

void bundle_update(struct tunnels *t, uint32_t tunnel)
{
}

void tunnel_remote_set(struct tunnel *tunnel, const struct net_addr *remote)
{
}

void tunnel_status_changed(struct tunnel *tunnel)
{
}

void tunnel_remember(struct tunnel *tunnel)
{
	seen.kept++;
}

void tunnel_prove(struct tunnel *tunnel)
{
}

void tunnel_rearm(struct tunnels *t)
{
}

void drain_renewed(struct tunnel *tunnel)
{
}

void evacuate(struct tunnel *tunnel)
{
}

void evacuate_return(struct tunnel *tunnel)
{
}

void watch_probe(struct tunnel *tunnel, uint64_t now_ns)
{
}

void watch_return(struct tunnel *tunnel, uint64_t now_ns)
{
}

enum fitness tunnel_fitness(const struct tunnel *tunnel)
{
	return 0;
}

/* Tests. */

static void make(struct tunnel *tunnel, uint32_t id)
{
	*tunnel = (struct tunnel){ .all = &all,
				   .plan = &plan,
				   .site = &site,
				   .peer = &peer,
				   .name = (char *)"t",
				   .id = id,
				   .remote = net_addr_ip4(0x0a000001 + id),
				   .children = children,
				   .child_count = 1,
				   .slot_count = 1 };
	tunnel->connection = (struct ikev2_connection *)tunnel;
	list_init(&tunnel->work);
	list_init(&tunnel->changed);
	list_init(&tunnel->turn);
	list_init(&tunnel->fresh);
}

static int setup(void **state)
{
	memset(&seen, 0, sizeof(seen));
	memset(children, 0, sizeof(children));
	clock_fake_init(&clock, 1000 * CLOCK_NS_PER_S);
	all = (struct tunnels){ .clock = &clock, .ready = true };
	list_init(&all.work);
	list_init(&all.turns);
	list_init(&all.fresh);
	heap_init(&all.dials);
	plan = (struct plan_tunnel){ .local = net_addr_ip4(0xc0000201) };
	peer.config.mode = IKEV2_MODE_DEFAULT;
	hooks = (struct ikev2_hooks){ .context = &all };
	dial_hooks_set(&hooks, false);
	make(&one, 0);
	many = &one;
	items[0] = &one;
	all.items = items;
	return 0;
}

static int teardown(void **state)
{
	heap_fini(&all.dials);
	return 0;
}

static void tell_why(struct tunnel *tunnel, enum ikev2_event_kind kind, enum ikev2_reason reason)
{
	const struct ikev2_path path = { .local = plan.local, .remote = tunnel->remote };
	const struct ikev2_event event = { .kind = (uint8_t)kind,
					   .reason = (uint8_t)reason,
					   .ike = 1,
					   .initiator = true,
					   .path = &path,
					   .connection = tunnel->connection };

	hooks.event(&all, &event);
}

static void tell(struct tunnel *tunnel, enum ikev2_event_kind kind)
{
	tell_why(tunnel, kind, IKEV2_REASON_SELECTORS);
}

static void work_until(uint64_t at_ns)
{
	while (seen.timer_ns && seen.timer_ns <= at_ns) {
		if (seen.timer_ns > now())
			clock_fake_advance(&clock, seen.timer_ns - now());
		seen.timer_ns = 0;
		dial_work(&all);
	}
	if (at_ns > now())
		clock_fake_advance(&clock, at_ns - now());
}

/* Seconds until the child of entry 0 is asked for once more; at most a minute. */
static uint64_t asked_again_after_s(void)
{
	uint64_t begin = now();
	uint32_t before = seen.asked[0];

	while (seen.asked[0] == before && now() < begin + 60 * CLOCK_NS_PER_S)
		work_until(now() + 10 * MS);
	return (now() - begin + CLOCK_NS_PER_S / 2) / CLOCK_NS_PER_S;
}

static void refused_children_are_asked_for_ever_later(void **state)
{
	static const uint64_t expected_s[] = { 2, 4, 8, 16, 30, 30, 30 };

	tell(&one, IKEV2_EVENT_UP);
	for (size_t i = 0; i < sizeof(expected_s) / sizeof(expected_s[0]); i++) {
		tell(&one, IKEV2_EVENT_CHILD_FAILED);
		assert_true(children[0].refused);
		assert_int_equal(asked_again_after_s(), expected_s[i]);
		assert_false(children[0].refused);
		assert_int_equal(seen.asked[0], i + 1);
	}
	/* One that came up ends it. */
	tell(&one, IKEV2_EVENT_CHILD_UP);
	tell(&one, IKEV2_EVENT_CHILD_FAILED);
	assert_int_equal(asked_again_after_s(), 2);
	assert_int_equal(seen.dials, 0);
}

/* What goes out once more is sent, and its IKE SA is as it was. */
static void a_repeated_message_is_not_kept_again(void **state)
{
	struct ikev2_datagram datagram = { .path = { .local = plan.local } };

	hooks.send(&all, &datagram, one.connection);
	assert_int_equal(seen.kept, 1);
	datagram.again = true;
	hooks.send(&all, &datagram, one.connection);
	assert_int_equal(seen.kept, 1);
	assert_int_equal(seen.sent, 2);
}

static void those_that_fail_together_count_once(void **state)
{
	static const uint64_t expected_s[] = { 2, 4, 8 };

	one.child_count = one.slot_count = 3;
	tell(&one, IKEV2_EVENT_UP);
	for (uint32_t i = 0; i < 3; i++) {
		for (int k = 0; k < 3; k++)
			tell(&one, IKEV2_EVENT_CHILD_FAILED);
		assert_int_equal(asked_again_after_s(), expected_s[i]);
		for (int k = 0; k < 3; k++)
			assert_int_equal(seen.asked[k], i + 1);
	}
}

/* A new IKE SA begins anew. */
static void another_ike_sa_is_another_try(void **state)
{
	tell(&one, IKEV2_EVENT_UP);
	for (int i = 0; i < 4; i++) {
		tell(&one, IKEV2_EVENT_CHILD_FAILED);
		asked_again_after_s();
	}
	tell(&one, IKEV2_EVENT_DOWN);
	work_until(now() + MS);
	assert_int_equal(seen.dials, 1);
	tell(&one, IKEV2_EVENT_UP);
	tell(&one, IKEV2_EVENT_CHILD_FAILED);
	assert_int_equal(asked_again_after_s(), 2);
}

/* It comes up, lives for so long, and the peer deletes it. */
static void child_lives_s(uint64_t s)
{
	tell(&one, IKEV2_EVENT_CHILD_UP);
	work_until(now() + s * CLOCK_NS_PER_S + 10 * MS);
	tell_why(&one, IKEV2_EVENT_CHILD_DOWN, IKEV2_REASON_PEER_DELETED);
}

static void deleted_children_are_asked_for_ever_later(void **state)
{
	static const uint64_t expected_s[] = { 0, 2, 4, 8, 16, 30, 30, 30 };

	tell(&one, IKEV2_EVENT_UP);
	for (size_t i = 0; i < sizeof(expected_s) / sizeof(expected_s[0]); i++) {
		child_lives_s(0);
		/* A packet that waits does not ask meanwhile: see acquire(). */
		assert_int_equal(one.children[0].refused, i > 0);
		assert_int_equal(asked_again_after_s(), expected_s[i]);
		assert_int_equal(seen.asked[0], i + 1);
		assert_false(one.children[0].refused);
	}
	/* One that lived is made again at once. */
	child_lives_s(20);
	assert_int_equal(asked_again_after_s(), 0);
	child_lives_s(0);
	assert_int_equal(asked_again_after_s(), 0);
	child_lives_s(0);
	assert_int_equal(asked_again_after_s(), 2);
	/* What we deleted ourselves says nothing of the peer. */
	tell(&one, IKEV2_EVENT_CHILD_UP);
	tell_why(&one, IKEV2_EVENT_CHILD_DOWN, IKEV2_REASON_DELETED);
	assert_int_equal(asked_again_after_s(), 0);
}

static void those_that_are_deleted_together_count_once(void **state)
{
	static const uint64_t expected_s[] = { 0, 2, 4, 8 };
	struct tunnel_child *children_of = one.children;

	one.child_count = one.slot_count = 1;
	tell(&one, IKEV2_EVENT_UP);
	for (uint32_t i = 0; i < 4; i++) {
		tell(&one, IKEV2_EVENT_CHILD_UP);
		work_until(now() + 10 * MS);
		for (int k = 0; k < 3; k++) {
			tell_why(&one, IKEV2_EVENT_CHILD_DOWN, IKEV2_REASON_PEER_DELETED);
			work_until(now() + MS);
		}
		assert_int_equal(children_of[0].refused, i > 0);
		if (i)
			assert_int_equal(asked_again_after_s(), expected_s[i]);
	}
}

static void deleted_ike_sas_are_dialled_ever_later(void **state)
{
	static const uint64_t expected_s[] = { 0, 2, 4, 8, 16, 30, 30 };

	for (uint32_t i = 0; i < sizeof(expected_s) / sizeof(expected_s[0]); i++) {
		uint64_t begin;

		tell(&one, IKEV2_EVENT_UP);
		tell(&one, IKEV2_EVENT_CHILD_UP);
		work_until(now() + 10 * MS);
		tell_why(&one, IKEV2_EVENT_DOWN, IKEV2_REASON_PEER_DELETED);
		for (begin = now(); seen.dials == i && now() < begin + 60 * CLOCK_NS_PER_S;)
			work_until(now() + 10 * MS);
		assert_int_equal((now() - begin + CLOCK_NS_PER_S / 2) / CLOCK_NS_PER_S,
				 expected_s[i]);
		assert_int_equal(seen.dials, i + 1);
	}
}

/* Up by IKE SA 1, and then its configuration is another one. */
static void configured_anew(enum ikev2_mode mode)
{
	children[0].outbound_sa = 7;
	tell(&one, IKEV2_EVENT_UP);
	tell(&one, IKEV2_EVENT_CHILD_UP);
	assert_int_equal(one.state, TUNNEL_CONNECTED);
	one.suspect = one.evacuated = true;
	one.failures = 3;
	dial_cancel(&one);
	dial_forget(&one);
	children[0].outbound_sa = 0;
	peer.config.mode = (uint8_t)mode;
	dial_wanted(&one);
	work_until(now() + MS);
	assert_false(one.suspect || one.evacuated || one.failures);
}

static void another_configuration_is_dialled(void **state)
{
	configured_anew(IKEV2_MODE_DEFAULT);
	assert_int_equal(seen.deletes, 1);
	assert_int_equal(seen.deleted[0], 1);
	assert_int_equal(one.state, TUNNEL_CONNECTING);
	assert_int_equal(one.reason, IKEV2_REASON_DELETED);
	assert_int_equal(seen.dials, 1);
}

static void another_configuration_waits_for_the_peer(void **state)
{
	configured_anew(IKEV2_MODE_RESPONDER);
	assert_int_equal(one.state, TUNNEL_NOT_CONNECTED);
	assert_int_equal(one.reason, IKEV2_REASON_DELETED);
	assert_int_equal(seen.dials, 0);
	/* What a former control left goes on. */
	one.state = TUNNEL_CONNECTED;
	children[0].outbound_sa = 7;
	dial_wanted(&one);
	work_until(now() + MS);
	assert_int_equal(one.state, TUNNEL_CONNECTED);
}

static void what_is_under_way_ends_with_its_configuration(void **state)
{
	dial_wanted(&one);
	work_until(now() + MS);
	assert_int_equal(seen.dials, 1);
	assert_true(one.dialling);
	seen.second = 99; /* the peer dialled as well */
	dial_cancel(&one);
	assert_false(one.dialling);
	assert_int_equal(seen.deletes, 2);
	assert_int_equal(seen.deleted[0], one.dialled);
	assert_int_equal(seen.deleted[1], 99);
}

/* All are wanted at once; each dial is answered after `answer_ns`, but for every `dead`th. */
static double dial_many_s(uint64_t answer_ns, uint32_t dead)
{
	uint64_t begin = now();
	uint32_t answered = 0, up = 0, living = dead ? MANY - MANY / dead : MANY;

	many = calloc(MANY, sizeof(*many));
	assert_non_null(many);
	for (uint32_t i = 0; i < MANY; i++) {
		make(&many[i], i);
		dial_wanted(&many[i]);
	}
	while (up < living && now() - begin < 100 * CLOCK_NS_PER_S) {
		uint64_t next = answered < seen.dials ? seen.at_ns[answered] + answer_ns : 0;

		if (next && (!seen.timer_ns || next <= seen.timer_ns || next <= now())) {
			struct tunnel *tunnel = seen.dialled[answered++];

			if (next > now())
				clock_fake_advance(&clock, next - now());
			seen.under_way--;
			if (dead && tunnel->id % dead == 0)
				continue;
			clock_fake_advance(&clock, ANSWER_NS);
			tell(tunnel, IKEV2_EVENT_UP);
			tell(tunnel, IKEV2_EVENT_CHILD_UP);
			up++;
		} else {
			work_until(seen.timer_ns);
		}
	}
	free(many);
	many = &one;
	assert_int_equal(up, living);
	return (double)(now() - begin) / CLOCK_NS_PER_S;
}

/* Their own work is 4 s: pacing must not add what the 10 s do not have. */
static void ten_thousand_at_once(void **state)
{
	double near_s = dial_many_s(5 * MS, 0);

	print_message("10,000 dials, answers after 5 ms: %.2f s, %u under way at most\n", near_s,
		      seen.under_way_most);
	assert_true(near_s < 5);
	assert_true(seen.under_way_most <= 300);
}

static void ten_thousand_far_away(void **state)
{
	double far_s = dial_many_s(160 * MS, 0); /* two round trips of 80 ms */

	print_message("10,000 dials, answers after 160 ms: %.2f s\n", far_s);
	assert_true(far_s < 10);
}

/* A dead peer holds its place for a second. */
static void ten_thousand_some_are_dead(void **state)
{
	double some_s = dial_many_s(20 * MS, 20);

	print_message("10,000 dials, one in 20 dead: %.2f s\n", some_s);
	assert_true(some_s < 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refused_children_are_asked_for_ever_later),
		TEST(a_repeated_message_is_not_kept_again),
		TEST(those_that_fail_together_count_once),
		TEST(another_ike_sa_is_another_try),
		TEST(deleted_children_are_asked_for_ever_later),
		TEST(those_that_are_deleted_together_count_once),
		TEST(deleted_ike_sas_are_dialled_ever_later),
		TEST(another_configuration_is_dialled),
		TEST(another_configuration_waits_for_the_peer),
		TEST(what_is_under_way_ends_with_its_configuration),
		TEST(ten_thousand_at_once),
		TEST(ten_thousand_far_away),
		TEST(ten_thousand_some_are_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
