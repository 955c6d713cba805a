#pragma once
/*
 * A world whose datagrams are all recorded; what the conformance tests share.
 */
#include "exchange/world.h"

#include "base/secret.h"
#include "control/ikev2/exchange.h"

#include <string.h>

#define LOG_MAX 200

struct logged {
	bool to_b;
	bool marker;
	struct ikev2_path path;
	size_t n;
	uint8_t bytes[4096];
};

/* Everything that was sent, in order. */
static struct logged packet_log[LOG_MAX];
static size_t packet_count;
static enum world_fate (*then)(struct world *world, const struct world_packet *packet, size_t n);

static inline enum world_fate record(struct world *world, const struct world_packet *packet,
				     size_t n)
{
	struct logged *to = &packet_log[packet_count];

	assert_true(packet_count < LOG_MAX && packet->n <= sizeof(to->bytes));
	to->to_b = packet->to_b;
	to->marker = packet->marker;
	to->path = packet->path;
	to->n = packet->n;
	memcpy(to->bytes, packet->bytes, packet->n);
	packet_count++;
	return then ? then(world, packet, n) : WORLD_PASS;
}

static inline int setup(void **state)
{
	static struct world world;

	world_init(&world, IKE_PROFILE_STRONG);
	world.fate = record;
	packet_count = 0;
	then = NULL;
	*state = &world;
	return 0;
}

static inline int teardown(void **state)
{
	world_fini(*state);
	return 0;
}

static inline void give(struct world *world, struct world_peer *to, const struct logged *packet)
{
	const struct ikev2_datagram datagram = { .path = packet->path,
						 .bytes = { packet->bytes, packet->n },
						 .non_esp_marker = packet->marker };

	ikev2_receive(to->engine, &datagram, world->now_ns);
}

static inline uint8_t exchange_of(const struct logged *packet)
{
	return packet->bytes[18];
}

static inline uint32_t id_of(const struct logged *packet)
{
	struct cursor c = cursor_of(packet->bytes + 20, 4);

	return cursor_u32(&c);
}

static inline struct ikev2_sa *sa_of(struct world_peer *peer)
{
	return ikev2_sa_find(peer->engine, world_ike(peer));
}

/* A request with the peer's keys and whatever the test wants inside. */
static inline void forge(struct world *world, struct world_peer *from,
			 void (*content)(struct ike_builder *b), enum ike_exchange exchange)
{
	struct ikev2_sa *sa = sa_of(from);
	struct ike_packets packets = { 0 };
	struct ike_builder b;
	const struct ike_sk sk = { .crypto = from->engine->crypto,
				   .suite = &sa->suite,
				   .keys = &sa->keys,
				   .initiator = sa->initiator,
				   .iv_counter = &sa->iv_counter };

	ikev2_exchange_start(sa, &b, exchange);
	content(&b);
	assert_int_equal(ike_sk_seal(&sk, &b, 0, &packets), 0);
	sa->next_id++;
	ikev2_exchange_packets(sa, &packets, &sa->path, sa->floated);
	ike_packets_fini(&packets);
	world_deliver(world);
}

static inline enum world_fate lose_to_b(struct world *world, const struct world_packet *packet,
					size_t n)
{
	return packet->to_b ? WORLD_LOSE : WORLD_PASS;
}

static inline enum world_fate lose_all(struct world *world, const struct world_packet *packet,
				       size_t n)
{
	return WORLD_LOSE;
}

/* A rekey of a's child in fragments, the last that were recorded; from now on nothing
 * arrives but what is given. */
static inline size_t fragments_of_a_rekey(struct world *world)
{
	size_t first;

	world->a.engine_config.fragment_bytes = world->b.engine_config.fragment_bytes = 200;
	world_start(world);
	world_up(world);
	then = lose_all;
	first = packet_count;
	assert_int_equal(ikev2_child_rekey(world->a.engine, world_child(&world->a), world->now_ns),
			 0);
	world_deliver(world);
	assert_true(packet_count - first >= 3);
	return first;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
