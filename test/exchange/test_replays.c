/*
 * Somebody on the way who has no keys: he sends again what he has recorded, and first messages with
 * the address of another. None of it is life, moves a peer, hinders what is under way or keeps the
 * one out whose address it is.
 */
#include "exchange/recorded.h"

/* The index of a request that a has sent since and b has answered. */
static size_t answered_probe(struct world *world)
{
	size_t at = packet_count;

	assert_int_equal(ikev2_probe(world->a.engine, world_ike(&world->a), world->now_ns), 0);
	world_deliver(world);
	assert_int_equal(exchange_of(&packet_log[at]), INFORMATIONAL);
	assert_true(packet_log[at].to_b);
	return at;
}

/* RFC 7296 section 2.4: only what is fresh says that the peer is alive. */
static void replay_is_no_life(void **state)
{
	struct world *world = *state;
	struct ikev2_info info;
	size_t older, last;
	uint64_t seen_ns;

	world_start(world);
	world_up(world);
	older = answered_probe(world);
	last = answered_probe(world);
	assert_int_equal(ikev2_info(world->b.engine, world_ike(&world->b), &info), 0);
	seen_ns = info.last_seen_ns;
	then = lose_all;
	for (int i = 0; i < 12; i++) {
		world_run(world, 5 * WORLD_SECOND);
		if (!world_established(&world->b))
			break;
		give(world, &world->b, &packet_log[older]);
		give(world, &world->b, &packet_log[last]);
		assert_int_equal(ikev2_info(world->b.engine, world_ike(&world->b), &info), 0);
		assert_true(info.last_seen_ns == seen_ns);
	}
	assert_int_equal(world_established(&world->b), 0);
	assert_int_equal(world_last(&world->b, IKEV2_EVENT_DOWN)->reason, IKEV2_REASON_LIVENESS);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_ALIVE), 0);
}

static uint16_t port_of_a(struct world *world)
{
	struct ikev2_info info;

	assert_int_equal(ikev2_info(world->b.engine, world_ike(&world->b), &info), 0);
	return info.path.remote_port;
}

/* RFC 7296 section 2.23: a peer behind a NAT is followed only for a message that is new. */
static void replay_moves_nobody(void **state)
{
	struct world *world = *state;
	size_t older, last;

	world->nat_addr = net_addr_ip4(0xc6336401);
	world->nat_port = 40000;
	world->b.config.any_identity = true;
	world->a.config.mobike = false;
	world_start(world);
	world_up(world);
	older = answered_probe(world);
	last = answered_probe(world);
	world->nat_port = 50002;
	answered_probe(world);
	assert_int_equal(port_of_a(world), 50002);
	packet_log[older].path.remote_port = 666;
	give(world, &world->b, &packet_log[older]);
	give(world, &world->b, &packet_log[last]);
	assert_int_equal(port_of_a(world), 50002);
	last = packet_count - 2; /* the request that was answered last: its answer is sent again */
	assert_true(packet_log[last].to_b);
	packet_log[last].path.remote_port = 667;
	give(world, &world->b, &packet_log[last]);
	assert_int_equal(port_of_a(world), 50002);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_PEER_MOVED), 1);
}

static size_t answers_to(struct world *world, const struct logged *packet)
{
	size_t before = packet_count;

	give(world, &world->b, packet);
	world_deliver(world);
	return packet_count - before;
}

/* RFC 7383 section 2.6.1: fragments outside the window are not collected. */
static void replay_leaves_fragments_alone(void **state)
{
	struct world *world = *state;
	size_t first = fragments_of_a_rekey(world);
	size_t end = packet_count;
	const struct logged *old = &packet_log[3]; /* the second of IKE_AUTH */

	assert_int_equal(exchange_of(old), IKE_AUTH);
	assert_int_equal(old->bytes[16], IKE_PAYLOAD_SKF);
	assert_true(old->to_b);
	for (size_t i = first; i < end - 1; i++)
		assert_int_equal(answers_to(world, &packet_log[i]), 0);
	assert_int_equal(answers_to(world, old), 0);
	assert_true(answers_to(world, &packet_log[end - 1]) > 0);
}

/* Of a retransmission only the first fragment arrives, and again: each time it gets the answer. */
static void retransmission_whose_rest_is_lost(void **state)
{
	struct world *world = *state;
	size_t first = fragments_of_a_rekey(world);
	size_t end = packet_count;
	size_t n = 0;

	for (size_t i = first; i < end; i++)
		n += answers_to(world, &packet_log[i]);
	assert_true(n > 0);
	assert_int_equal(answers_to(world, &packet_log[first]), n);
	assert_int_equal(answers_to(world, &packet_log[first]), n);
}

/* First messages with the peer's address that it never sent. */
static void spoofed(struct world *world, const struct logged *request, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct logged other = *request;

		other.bytes[0] ^= 0x80;
		other.bytes[1] = (uint8_t)i;
		other.path.remote_port = (uint16_t)(20000 + i);
		give(world, &world->b, &other);
	}
	world_lose(world);
}

/* RFC 7296 section 2.6: who cannot be reached at an address cannot fill what it may have. */
static void spoofed_requests_keep_nobody_out(void **state)
{
	struct world *world = *state;

	then = lose_all;
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_deliver(world);
	spoofed(world, &packet_log[0], 50);
	packet_count = 1;
	then = NULL;
	world_run(world, 10 * WORLD_SECOND);
	assert_int_equal(world_established(&world->a), 1);
	assert_int_equal(world_established(&world->b), 1);
	assert_in_range(ikev2_counters(world->b.engine)->cookies_sent, 1, 100);
	world_run(world, 30 * WORLD_SECOND); /* the forged ones have their end */
	world_agree(world, 1);
}

/* The same first message over and over with a forged address: its owner is not flooded by us. */
static void a_first_message_is_not_answered_for_ever(void **state)
{
	struct world *world = *state;

	then = lose_all;
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_deliver(world);
	for (int i = 0; i < 1000; i++) {
		give(world, &world->b, &packet_log[0]);
		world_lose(world);
	}
	assert_in_range(ikev2_counters(world->b.engine)->sent, 8, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(replay_is_no_life),
		TEST(replay_moves_nobody),
		TEST(replay_leaves_fragments_alone),
		TEST(retransmission_whose_rest_is_lost),
		TEST(spoofed_requests_keep_nobody_out),
		TEST(a_first_message_is_not_answered_for_ever),
	};

	if (secret_pool_init(8 << 20))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
