/*
 * What libreswan lets its peers do wrong ("impair"), as tests of ours: messages doubled, replayed,
 * damaged, with content that no honest peer sends, and exchanges of both sides in every order.
 * README.md says which case of libreswan each one is.
 */
#include "exchange/order.h"
#include "exchange/recorded.h"

#include <stdio.h>
#include <stdlib.h>

/* Every datagram twice, from the first one on. */
static enum world_fate twice(struct world *world, const struct world_packet *packet, size_t n)
{
	return WORLD_DOUBLE;
}

static void everything_twice(void **state)
{
	struct world *world = *state;

	then = twice;
	world_start(world);
	world_up(world);
	world->always_reachable = true;
	assert_int_equal(ikev2_child_rekey(world->a.engine, world_child(&world->a), world->now_ns),
			 0);
	world_run(world, 10 * WORLD_SECOND);
	assert_int_equal(ikev2_rekey(world->b.engine, world_ike(&world->b), world->now_ns), 0);
	world_run(world, 10 * WORLD_SECOND);
	world_agree(world, 1);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_UP), 1);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_CHILD_UP), 1);
}

static bool seen_before(const struct logged *packet)
{
	for (const struct logged *at = packet_log; at < packet; at++)
		if (at->n == packet->n && !memcmp(at->bytes, packet->bytes, at->n))
			return true;
	return false;
}

/* After each datagram all that came before comes again. */
static void everything_again(void **state)
{
	struct world *world = *state;
	world_start(world);
	world_dial(world, &world->a, NULL);
	for (int turn = 0; turn < 3; turn++) {
		while (world_step(world)) {
			if (seen_before(&packet_log[packet_count - 1])) {
				packet_count--; /* an answer that was stored: it is in the log
						   already */
				continue;
			}
			for (size_t i = packet_count; i > 0; i--)
				give(world, packet_log[i - 1].to_b ? &world->b : &world->a,
				     &packet_log[i - 1]);
		}
		if (turn < 2)
			assert_int_equal(ikev2_child_rekey(world->a.engine, world_child(&world->a),
							   world->now_ns),
					 0);
	}
	world_run(world, 60 * WORLD_SECOND);
	world_agree(world, 1);
	assert_int_equal(world_established(&world->b), 1);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_UP), 1);
}

/* The first SK payload of each exchange arrives with a bit turned over; its retransmission is
 * whole. */
static size_t corrupt_next;

static enum world_fate corrupt(struct world *world, const struct world_packet *packet, size_t n)
{
	if (n != corrupt_next)
		return WORLD_PASS;
	((struct world_packet *)(uintptr_t)packet)->bytes[packet->n - 1 - n % 20] ^= 0x10;
	return WORLD_PASS;
}

static void damaged_under_protection(void **state)
{
	struct world *world = *state;

	for (corrupt_next = 2; corrupt_next < 4; corrupt_next++) {
		then = corrupt;
		world_start(world);
		world_dial(world, &world->a, NULL);
		world_run(world, 20 * WORLD_SECOND);
		world_agree(world, 1);
		assert_true(ikev2_counters(world->a.engine)->dropped +
				    ikev2_counters(world->b.engine)->dropped >
			    0);
		world_fini(world);
		setup(state);
	}
	world_start(world);
}

/* The first message without its KE payload, with an empty one, with one that is all zeros. */
enum ke_change { KE_NONE, KE_EMPTY, KE_ZERO, KE_SHORT };

static void change_ke(struct logged *packet, enum ke_change change)
{
	struct logged old = *packet;
	size_t at = IKE_HEADER_BYTES;
	size_t to = IKE_HEADER_BYTES;
	uint8_t *next = &packet->bytes[16];
	uint8_t type = old.bytes[16];

	while (type) {
		uint8_t following = old.bytes[at];
		size_t n = (size_t)old.bytes[at + 2] << 8 | old.bytes[at + 3];
		size_t m = n;

		if (type != IKE_PAYLOAD_KE || change != KE_NONE) {
			*next = type;
			next = &packet->bytes[to];
			if (type == IKE_PAYLOAD_KE && change == KE_EMPTY)
				m = 8;
			if (type == IKE_PAYLOAD_KE && change == KE_SHORT)
				m = n - 1;
			memcpy(packet->bytes + to, old.bytes + at, m);
			packet->bytes[to + 2] = (uint8_t)(m >> 8);
			packet->bytes[to + 3] = (uint8_t)m;
			if (type == IKE_PAYLOAD_KE && change == KE_ZERO)
				memset(packet->bytes + to + 8, 0, m - 8);
			to += m;
		}
		type = following;
		at += n;
	}
	*next = 0;
	packet->n = to;
	packet->bytes[26] = (uint8_t)(to >> 8);
	packet->bytes[27] = (uint8_t)to;
}

static void bad_key_exchange(void **state)
{
	struct world *world = *state;

	for (enum ke_change change = KE_NONE; change <= KE_SHORT; change++) {
		struct logged packet;

		packet_count = 0;
		then = lose_to_b;
		world_start(world);
		world_dial(world, &world->a, NULL);
		world_deliver(world);
		packet = packet_log[0];
		change_ke(&packet, change);
		give(world, &world->b, &packet);
		assert_int_equal(ikev2_counters(world->b.engine)->half_open, 0);
		world_run(world, 300 * WORLD_SECOND);
		world_empty(world);
		world_fini(world);
		setup(state);
	}
	world_start(world);
}

/* Reserved bits of header and payloads mean nothing; AUTH covers them as they were sent. */
static void reserved_bits(void **state)
{
	struct world *world = *state;
	struct world_packet *packet;
	struct ikev2_sa *sa;
	uint64_t ike;

	world_start(world);
	world_dial(world, &world->a, &ike);
	packet = list_entry(world->packets.next, struct world_packet, link);
	sa = ikev2_sa_find(world->a.engine, ike);
	packet->bytes[19] |= 0x07;		     /* flags X */
	packet->bytes[IKE_HEADER_BYTES + 1] |= 0x7f; /* SA */
	sa->setup->request.p[19] |= 0x07;
	sa->setup->request.p[IKE_HEADER_BYTES + 1] |= 0x7f;
	world_deliver(world);
	world_agree(world, 1);
}

static uint32_t forged_child;
static uint8_t forged_protocol;
static uint8_t forged_count;

static void build_rekey_start(struct ike_builder *b)
{
	const struct ike_policy *policy = ike_policy_profile(IKE_PROFILE_STRONG);
	static const uint8_t spi[4] = { 0, 1, 0x99, 1 };
	static const uint8_t zeros[32];

	ike_build_notify_spi(b, IKE_N_REKEY_SA, forged_protocol, forged_child, (struct span){ 0 });
	ike_build_sa_no_dh(b, policy->child_offer, policy->child_offer_count,
			   (struct span){ spi, 4 });
	ike_build_nonce(b, (struct span){ zeros, 32 });
}

static void build_rekey_of(struct ike_builder *b)
{
	struct net_selector any = net_selector_any(NET_IP4);

	build_rekey_start(b);
	ike_build_ts(b, IKE_PAYLOAD_TSi, &any, 1);
	ike_build_ts(b, IKE_PAYLOAD_TSr, &any, 1);
}

/* REKEY_SA with a protocol that is none of ours, and of a child that is not there. */
static void rekey_of_nothing(void **state)
{
	static const uint8_t protocols[] = { 0, IKE_PROTOCOL_IKE, 77, IKE_PROTOCOL_ESP };
	struct world *world = *state;

	world_start(world);
	world_up(world);
	world->b.world->listen = false;
	for (size_t i = 0; i < sizeof(protocols); i++) {
		forged_protocol = protocols[i];
		forged_child = 0x12345678;
		forge(world, &world->a, build_rekey_of, CREATE_CHILD_SA);
		assert_int_equal(world_established(&world->b), 1);
		assert_int_equal(world->b.spis, 1);
		sa_of(&world->a)->own = NULL;
	}
	world_run(world, 100 * WORLD_SECOND);
	world_agree(world, 1);
}

static void build_bad_selectors(struct ike_builder *b)
{
	build_rekey_start(b);
	for (int i = 0; i < 2; i++) {
		ike_build_open(b, i ? IKE_PAYLOAD_TSr : IKE_PAYLOAD_TSi);
		writer_u8(&b->w, forged_count);
		for (int k = 0; k < 3; k++)
			writer_u8(&b->w, 0);
		ike_build_close(b);
	}
}

/* Numbers of selectors that do not fit what follows: the IKE SA ends (RFC 7296 section 2.21.3), and
 * the peer finds out. */
static void selectors_miscounted(void **state)
{
	static const uint8_t counts[] = { 0, 1, 255 };
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(counts); i++) {
		packet_count = 0;
		world_start(world);
		world_up(world);
		forged_protocol = IKE_PROTOCOL_ESP;
		forged_child = world_child(&world->a);
		forged_count = counts[i];
		forge(world, &world->a, build_bad_selectors, CREATE_CHILD_SA);
		world_run(world, 400 * WORLD_SECOND);
		world_agree(world, -1);
		world_fini(world);
		setup(state);
	}
	world_start(world);
}

static void build_foreign_deletes(struct ike_builder *b)
{
	static const uint8_t bodies[][8] = {
		{ 0, 4, 0, 1, 1, 2, 3, 4 }, /* protocol 0 */
		{ 9, 4, 0, 1, 1, 2, 3, 4 },
		{ IKE_PROTOCOL_AH, 4, 0, 1, 1, 2, 3, 4 },
		{ IKE_PROTOCOL_ESP, 4, 0, 1, 1, 2, 3, 4 },
	};

	for (size_t i = 0; i < 4; i++)
		ike_build_raw(b, IKE_PAYLOAD_D, (struct span){ bodies[i], 8 });
}

static void delete_of_nothing(void **state)
{
	struct world *world = *state;

	world_start(world);
	world_up(world);
	forge(world, &world->a, build_foreign_deletes, INFORMATIONAL);
	world_agree(world, 1);
	assert_int_equal(world_established(&world->b), 1);
}

static void build_unknown_notifies(struct ike_builder *b)
{
	static const uint8_t data[3] = { 1, 2, 3 };

	ike_build_notify(b, 40959, (struct span){ data, 3 });
	ike_build_notify(b, 16399, (struct span){ 0 });
	ike_build_notify(b, 8191, (struct span){ 0 }); /* an error in a request says nothing */
}

static void unknown_notifies(void **state)
{
	struct world *world = *state;

	world_start(world);
	world_up(world);
	forge(world, &world->a, build_unknown_notifies, INFORMATIONAL);
	world_agree(world, 1);
	assert_int_equal(exchange_of(&packet_log[packet_count - 1]), INFORMATIONAL);
	assert_false(packet_log[packet_count - 1].to_b);
}

/* The data plane refuses the SAs: at the dialler or the other one, of the dial, of a rekey, of a
 * new IKE SA's child. */
static void data_plane_refuses(void **state)
{
	struct world *world = *state;

	for (int which = 0; which < 4; which++) {
		struct world_peer *peer = which % 2 ? &world->b : &world->a;

		packet_count = 0;
		world_start(world);
		if (which >= 2) {
			world_up(world);
			world->always_reachable = true;
		}
		peer->fail_install = 1;
		if (which < 2)
			world_dial(world, &world->a, NULL);
		else
			assert_int_equal(ikev2_child_rekey(world->a.engine, world_child(&world->a),
							   world->now_ns),
					 0);
		world_run(world, 100 * WORLD_SECOND);
		assert_int_equal(peer->fail_install, 0);
		assert_int_equal(world_established(&world->a), 1);
		assert_int_equal(world_established(&world->b), 1);
		world_agree(world, -1);
		world_fini(world);
		setup(state);
	}
	world_start(world);
}

/* The peer has forgotten everything and said nothing: what is new takes over, the old one goes. */
static void forgets_without_a_word(void **state)
{
	struct world *world = *state;

	world_start(world);
	world_up(world);
	world_run(world, WORLD_SECOND);
	assert_int_equal(ikev2_delete(world->a.engine, world_ike(&world->a), true, world->now_ns),
			 0);
	world_dial(world, &world->a, NULL);
	world_run(world, 10 * WORLD_SECOND);
	world_agree(world, 1);
	assert_int_equal(world_established(&world->b), 1);
	assert_int_equal(world_last(&world->b, IKEV2_EVENT_DOWN)->reason,
			 IKEV2_REASON_INITIAL_CONTACT);
}

/* Nothing is ever heard again: gone after the probes, at once when told to forget. */
static void vanishes(void **state)
{
	struct world *world = *state;

	world_start(world);
	world_up(world);
	assert_int_equal(ikev2_delete(world->a.engine, world_ike(&world->a), true, world->now_ns),
			 0);
	world_run(world, 400 * WORLD_SECOND);
	world_empty(world);
	assert_int_equal(world_last(&world->b, IKEV2_EVENT_DOWN)->reason, IKEV2_REASON_LIVENESS);
}

typedef void (*act_fn)(struct world *world, struct world_peer *peer);

static void do_dial(struct world *world, struct world_peer *peer)
{
	world_dial(world, peer, NULL);
}

static void do_delete(struct world *world, struct world_peer *peer)
{
	assert_int_equal(ikev2_child_delete(peer->engine, world_child(peer), world->now_ns), 0);
}

static void do_close(struct world *world, struct world_peer *peer)
{
	assert_int_equal(ikev2_delete(peer->engine, world_ike(peer), false, world->now_ns), 0);
}

static void do_child(struct world *world, struct world_peer *peer)
{
	assert_int_equal(
		ikev2_child_initiate(peer->engine, world_ike(peer), 1, NULL, world->now_ns), 0);
}

struct crossing {
	const char *name;
	act_fn a;
	act_fn b;
	int established;
	int children; /* -1: the same on both sides */
	bool dials;
	bool no_gap;
};

static const struct crossing crossings[] = {
	{ "both dial, in every order", do_dial, do_dial, 1, 1, true, false },
	{ "both rekey the child, in every order", world_child_rekey, world_child_rekey, 1, 1, false,
	  true },
	{ "both rekey the IKE SA, in every order", world_ike_rekey, world_ike_rekey, 1, 1, false,
	  true },
	{ "child rekey and delete, in every order", world_child_rekey, do_delete, 1, 0, false,
	  false },
	{ "both delete the child, in every order", do_delete, do_delete, 1, 0, false, false },
	{ "IKE rekey and child rekey, in every order", world_ike_rekey, world_child_rekey, 1, 1,
	  false, true },
	{ "IKE rekey and child delete, in every order", world_ike_rekey, do_delete, 1, 0, false,
	  false },
	{ "IKE rekey and close, in every order", world_ike_rekey, do_close, 0, 0, false, false },
	{ "child delete and close, in every order", do_delete, do_close, 0, 0, false, false },
	{ "both close, in every order", do_close, do_close, 0, 0, false, false },
	{ "new child and close, in every order", do_child, do_close, 0, 0, false, false },
	{ "new child and IKE rekey, in every order", do_child, world_ike_rekey, 1, 2, false,
	  false },
	{ "new child on both sides, in every order", do_child, do_child, 1, -1, false, false },
};

static void cross(const struct crossing *crossing, struct order *order)
{
	struct world world;

	world_init(&world, IKE_PROFILE_STRONG);
	for (int side = 0; side < 2; side++) {
		struct world_peer *peer = side ? &world.b : &world.a;

		peer->children[1] = peer->children[0];
		peer->children[1].on_demand = true;
		peer->locals[1] = peer->remotes[1] = net_selector_any(NET_IP6);
		peer->children[1].local = &peer->locals[1];
		peer->children[1].remote = &peer->remotes[1];
		peer->config.child_count = 2;
	}
	world_start(&world);
	if (!crossing->dials)
		world_up(&world);
	world.always_reachable = crossing->no_gap;
	crossing->a(&world, &world.a);
	crossing->b(&world, &world.b);
	in_order(&world, order, NULL);
	world_run(&world, 200 * WORLD_SECOND);
	world_agree(&world, crossing->children);
	assert_int_equal(world_established(&world.a), crossing->established);
	assert_int_equal(world_established(&world.b), crossing->established);
	world_fini(&world);
}

static void in_every_order(void **state)
{
	const struct crossing *crossing = *state;
	struct order order = { 0 };
	size_t count = 0;

	do {
		cross(crossing, &order);
		count++;
	} while (order_next(&order));
	printf("         %s: %zu orders\n", crossing->name, count);
	assert_true(count > 1);
}

int main(void)
{
	static const struct CMUnitTest impaired[] = {
		TEST(everything_twice),
		TEST(everything_again),
		TEST(damaged_under_protection),
		TEST(bad_key_exchange),
		TEST(reserved_bits),
		TEST(rekey_of_nothing),
		TEST(selectors_miscounted),
		TEST(delete_of_nothing),
		TEST(unknown_notifies),
		TEST(data_plane_refuses),
		TEST(forgets_without_a_word),
		TEST(vanishes),
	};
	size_t fixed = sizeof(impaired) / sizeof(impaired[0]);
	size_t orders = sizeof(crossings) / sizeof(crossings[0]);
	struct CMUnitTest tests[sizeof(impaired) / sizeof(impaired[0]) +
				sizeof(crossings) / sizeof(crossings[0])];

	memcpy(tests, impaired, sizeof(impaired));
	for (size_t i = 0; i < orders; i++)
		tests[fixed + i] = (struct CMUnitTest){ .name = crossings[i].name,
							.test_func = in_every_order,
							.initial_state = (void *)&crossings[i] };
	if (secret_pool_init(4 << 20))
		return 1;
	return _cmocka_run_group_tests("impair", tests, fixed + orders, NULL, NULL);
}
