/*
 * A peer that knows its key and sends nonsense: payloads of any type with random or damaged
 * content, in any exchange, as request and as answer; and first messages with damage. Nothing may
 * break, nothing may stay behind.
 */
#include "exchange/recorded.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 6000

static uint64_t dice_state;

static uint32_t dice(uint32_t below)
{
	dice_state ^= dice_state << 13;
	dice_state ^= dice_state >> 7;
	dice_state ^= dice_state << 17;
	return (uint32_t)(dice_state >> 32) % below;
}

static void random_body(struct ike_builder *b)
{
	uint32_t n = dice(4) ? dice(40) : dice(600);

	for (uint32_t i = 0; i < n; i++)
		writer_u8(&b->w, dice(3) ? (uint8_t)dice(256) : (uint8_t)dice(4));
}

static void likely_payload(struct ike_builder *b, struct ikev2_sa *sa)
{
	static const uint8_t zeros[40];
	const struct ike_policy *policy = sa->connection->config.policy;
	struct net_selector any = net_selector_any(NET_IP4);
	uint8_t spi[8] = { 0, 0, 1, (uint8_t)dice(256), 5, 6, 7, 8 };
	uint32_t child = dice(2) ? 0x00021000 : 0x00011000 + dice(3);

	switch (dice(10)) {
	case 0:
		ike_build_sa(b, policy->child_offer, policy->child_offer_count,
			     (struct span){ spi, 4 });
		break;
	case 1:
		ike_build_sa(b, policy->ike_offer, policy->ike_offer_count,
			     (struct span){ spi, 8 });
		break;
	case 2:
		ike_build_nonce(b, (struct span){ zeros, dice(41) });
		break;
	case 3:
		ike_build_ke(b, dice(2) ? 31 : (uint16_t)dice(40),
			     (struct span){ zeros, dice(41) });
		break;
	case 4:
		ike_build_ts(b, IKE_PAYLOAD_TSi, &any, 1);
		break;
	case 5:
		ike_build_ts(b, IKE_PAYLOAD_TSr, &any, 1);
		break;
	case 6:
		ike_build_notify_spi(b, IKE_N_REKEY_SA, IKE_PROTOCOL_ESP, child,
				     (struct span){ 0 });
		break;
	case 7:
		ike_build_delete_esp(b, &child, 1);
		break;
	case 8:
		ike_build_notify(b, (uint16_t)(dice(2) ? dice(50) : 16384 + dice(60)),
				 (struct span){ zeros, dice(30) });
		break;
	default:
		ike_build_open(b, (uint8_t)(33 + dice(22)));
		random_body(b);
		ike_build_close(b);
	}
}

static void nonsense(struct world *world, struct world_peer *from, bool response)
{
	static const uint8_t exchanges[] = { IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL,
					     CREATE_CHILD_SA, INFORMATIONAL };
	struct ikev2_sa *sa = sa_of(from);
	struct ike_packets packets = { 0 };
	struct ike_header header;
	struct ike_builder b;
	const struct ike_sk sk = { .crypto = from->engine->crypto,
				   .suite = &sa->suite,
				   .keys = &sa->keys,
				   .initiator = sa->initiator,
				   .iv_counter = &sa->iv_counter };
	const struct ikev2_sa *to = sa_of(&world->b);
	uint32_t payloads = dice(8);

	header = ikev2_exchange_header(sa, exchanges[dice(5)], response,
				       !response ? sa->next_id
				       : to->own ? to->own->message_id
						 : 0);
	ike_build_start(&b, from->engine->buffer, sizeof(from->engine->buffer), &header);
	ike_build_sk(&b, ike_sk_iv_bytes(&sa->suite));
	for (uint32_t i = 0; i < payloads; i++)
		likely_payload(&b, sa);
	assert_int_equal(ike_sk_seal(&sk, &b, 0, &packets), 0);
	if (!response)
		sa->next_id++;
	ikev2_exchange_packets(sa, &packets, &sa->path, sa->floated);
	ike_packets_fini(&packets);
	world_deliver(world);
}

static void begin(struct world *world)
{
	world_init(world, IKE_PROFILE_STRONG);
	world->b.engine_config.half_open_source = 1000;
	world_start(world);
	world_up(world);
}

/* What b sends of its own accord is lost: the test answers in a's place. */
static enum world_fate lose_to_a(struct world *world, const struct world_packet *packet, size_t n)
{
	return packet->to_b ? WORLD_PASS : WORLD_LOSE;
}

static void knows_its_key(void **state)
{
	struct world world;

	dice_state = 0x1234567890abcdefu;
	begin(&world);
	for (int i = 0; i < ROUNDS; i++) {
		bool response = dice(3) == 0;

		if (!world_established(&world.b) || !world_established(&world.a)) {
			world.fate = NULL;
			world_fini(&world);
			begin(&world);
		}
		world.fate = lose_to_a;
		if (response) {
			uint64_t ike = world_ike(&world.b);
			int error = 0;

			if (dice(3) == 0)
				error = ikev2_probe(world.b.engine, ike, world.now_ns);
			else if (dice(2))
				error = ikev2_rekey(world.b.engine, ike, world.now_ns);
			else if (!list_empty(&world.b.sas))
				error = ikev2_child_rekey(world.b.engine, world_child(&world.b),
							  world.now_ns);
			assert_true(error <= 0);
			world_deliver(&world);
		}
		nonsense(&world, &world.a, response);
		world.now_ns += dice(3) * WORLD_SECOND;
		ikev2_tick(world.b.engine, world.now_ns);
		world_deliver(&world);
	}
	world.fate = NULL;
	world_fini(&world);
}

/* First messages: cut, turned over, with other lengths. */
static void damaged_first_messages(void **state)
{
	struct world world;
	struct logged good;

	dice_state = 0xfeedface12345678u;
	world_init(&world, IKE_PROFILE_STRONG);
	world.b.engine_config.half_open_source = 100000;
	world.fate = record;
	packet_count = 0;
	world_start(&world);
	world_up(&world);
	good = packet_log[0];
	world.fate = lose_to_b;
	for (int i = 0; i < ROUNDS; i++) {
		struct logged bad = good;

		bad.bytes[0] = (uint8_t)i; /* another SPI each time */
		bad.bytes[1] = (uint8_t)(i >> 8);
		for (uint32_t k = dice(4); k > 0; k--)
			bad.bytes[16 + dice((uint32_t)bad.n - 16)] ^= (uint8_t)(1u << dice(8));
		if (dice(4) == 0) {
			bad.n = dice((uint32_t)bad.n);
			bad.bytes[26] = (uint8_t)(bad.n >> 8);
			bad.bytes[27] = (uint8_t)bad.n;
		}
		give(&world, &world.b, &bad);
		world.now_ns += WORLD_SECOND / 20;
		ikev2_tick(world.b.engine, world.now_ns);
		world_deliver(&world);
	}
	world.now_ns += 60 * WORLD_SECOND;
	ikev2_tick(world.b.engine, world.now_ns);
	assert_int_equal(ikev2_counters(world.b.engine)->half_open, 0);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_its_key),
		cmocka_unit_test(damaged_first_messages),
	};

	if (secret_pool_init(16 << 20))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
