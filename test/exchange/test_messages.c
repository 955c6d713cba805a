/*
 * Items of the conformance list about messages, IDs and cookies; README.md has the table.
 */
#include "exchange/recorded.h"

#include "control/ike/fragment.h"

#include <stdio.h>
#include <stdlib.h>

static void item_2_marker_on_4500_only(void **state)
{
	struct world *world = *state;

	world->nat_addr = net_addr_ip4(0xc6336401);
	world->nat_port = 40000;
	world->b.config.any_identity = true;
	world_start(world);
	world_up(world);
	assert_false(packet_log[0].marker);
	assert_false(packet_log[1].marker);
	assert_true(packet_log[2].marker);
	assert_true(packet_log[3].marker);
	assert_int_equal(packet_log[2].path.local_port, 4500);
}

/* 3, 71, 72: answers go where the request came from; a NAT is found and encapsulation used. */
static void item_71_nat_is_found(void **state)
{
	struct world *world = *state;
	struct ikev2_info info;

	world->nat_addr = net_addr_ip4(0xc6336401);
	world->nat_port = 40000;
	world->b.config.any_identity = true;
	world_start(world);
	world_up(world);
	assert_int_equal(ikev2_info(world->a.engine, world_ike(&world->a), &info), 0);
	assert_true(info.nat_local && !info.nat_remote && info.encapsulated);
	assert_int_equal(ikev2_info(world->b.engine, world_ike(&world->b), &info), 0);
	assert_true(info.nat_remote && !info.nat_local && info.encapsulated);
	assert_int_equal(info.path.remote_port, 40000);
}

static void item_4_same_answer_to_the_same_request(void **state)
{
	struct world *world = *state;
	size_t before;

	world_start(world);
	world_up(world);
	for (size_t i = 0; i < 4; i += 2) { /* both requests of the dial */
		if (i == 0)
			continue; /* its half-open state is gone: a new one begins, see item 6 */
		before = packet_count;
		give(world, &world->b, &packet_log[i]);
		world_deliver(world);
		assert_int_equal(packet_count, before + 1);
		assert_int_equal(packet_log[before].n, packet_log[i + 1].n);
		assert_memory_equal(packet_log[before].bytes, packet_log[i + 1].bytes,
				    packet_log[before].n);
	}
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_UP), 1);
}

static void item_5_responder_never_retransmits(void **state)
{
	struct world *world = *state;

	world->a.config.dpd_s = world->b.config.dpd_s = 0;
	world_start(world);
	world_up(world);
	world_run(world, 600 * WORLD_SECOND);
	assert_int_equal(packet_count, 4);
}

static void item_6_forgotten_answer_is_ignored(void **state)
{
	struct world *world = *state;
	size_t before;

	world_start(world);
	world_up(world);
	assert_int_equal(ikev2_probe(world->a.engine, world_ike(&world->a), world->now_ns), 0);
	world_deliver(world);
	assert_int_equal(ikev2_probe(world->a.engine, world_ike(&world->a), world->now_ns), 0);
	world_deliver(world);
	before = packet_count;
	give(world, &world->b, &packet_log[2]); /* IKE_AUTH, two requests ago */
	world_deliver(world);
	assert_int_equal(packet_count, before);
}

static void item_7_retransmissions_are_bitwise_the_same(void **state)
{
	struct world *world = *state;

	then = lose_to_b;
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_run(world, 200 * WORLD_SECOND);
	assert_int_equal(packet_count, 6);
	for (size_t i = 1; i < packet_count; i++) {
		assert_int_equal(packet_log[i].n, packet_log[0].n);
		assert_memory_equal(packet_log[i].bytes, packet_log[0].bytes, packet_log[0].n);
	}
	assert_int_equal(world_last(&world->a, IKEV2_EVENT_FAILED)->reason, IKEV2_REASON_TIMEOUT);
	world_empty(world);
}

static void item_8_message_ids_start_at_0_per_direction(void **state)
{
	struct world *world = *state;

	world_start(world);
	world_up(world);
	assert_int_equal(ikev2_probe(world->b.engine, world_ike(&world->b), world->now_ns), 0);
	world_deliver(world);
	assert_int_equal(id_of(&packet_log[0]), 0);
	assert_int_equal(id_of(&packet_log[2]), 1);
	assert_int_equal(id_of(&packet_log[4]), 0); /* the responder's own first request */
	sa_of(&world->a)->next_id += 5;		    /* outside the window */
	packet_count = 0;
	assert_int_equal(ikev2_probe(world->a.engine, world_ike(&world->a), world->now_ns), 0);
	world_deliver(world);
	assert_int_equal(packet_count, 1);
}

static void item_10_requests_cross(void **state)
{
	struct world *world = *state;

	world_start(world);
	world_up(world);
	assert_int_equal(ikev2_probe(world->a.engine, world_ike(&world->a), world->now_ns), 0);
	assert_int_equal(ikev2_probe(world->b.engine, world_ike(&world->b), world->now_ns), 0);
	world_deliver(world);
	assert_int_equal(packet_count, 8);
}

static void item_11_message_ids_run_out(void **state)
{
	struct world *world = *state;
	uint64_t old;

	world_start(world);
	world_up(world);
	old = world_ike(&world->a);
	sa_of(&world->a)->next_id = sa_of(&world->b)->expected_id = UINT32_MAX - 4000;
	world_run(world, 40 * WORLD_SECOND);
	world_agree(world, 1);
	assert_true(world_ike(&world->a) != old);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_REKEYED), 1);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_DOWN), 0);
}

static void item_12_version(void **state)
{
	struct world *world = *state;
	struct logged first;

	world_start(world);
	world_up(world);
	first = packet_log[0];
	first.bytes[17] = 0x30; /* version 3.0 */
	packet_count = 0;
	give(world, &world->b, &first);
	world_deliver(world);
	assert_int_equal(packet_count, 1);
	assert_int_equal(packet_log[0].bytes[17], 0x20);
	assert_int_equal(packet_log[0].bytes[35], IKE_N_INVALID_MAJOR_VERSION);
	first = packet_log[0];
	/* The answer of such a kind ends nothing that is up (18). */
	give(world, &world->a, &first);
	world_agree(world, 1);
}

static void critical(struct ike_builder *b)
{
	ike_build_open(b, 49);
	b->open[1] = 0x80;
	ike_build_close(b);
}

static void uncritical(struct ike_builder *b)
{
	ike_build_open(b, 49);
	ike_build_close(b);
}

static void item_13_unknown_payloads(void **state)
{
	struct world *world = *state;

	world_start(world);
	world_up(world);
	packet_count = 0;
	forge(world, &world->a, uncritical, INFORMATIONAL);
	assert_int_equal(packet_count, 2); /* answered */
	forge(world, &world->a, critical, INFORMATIONAL);
	assert_int_equal(packet_count, 4); /* with an error */
	assert_true(packet_log[3].n > packet_log[1].n);
	world_agree(world, 1);
}

static void broken_delete(struct ike_builder *b)
{
	static const uint8_t nonsense[3] = { 3, 4, 0 };

	ike_build_open(b, IKE_PAYLOAD_NONCE);
	writer_bytes(&b->w, nonsense, sizeof(nonsense));
	ike_build_close(b);
}

/* 16: what is wrong under protection is answered, and ends the IKE SA (section 2.21.3). */
static void item_16_malformed_under_protection(void **state)
{
	struct world *world = *state;

	world_start(world);
	world_up(world);
	packet_count = 0;
	forge(world, &world->a, broken_delete, INFORMATIONAL);
	assert_int_equal(packet_count, 2);
	assert_int_equal(world_last(&world->b, IKEV2_EVENT_DOWN)->reason, IKEV2_REASON_PAYLOAD);
}

/* 17, 18: unprotected errors change nothing; damaged messages neither. */
static void item_18_unprotected_errors(void **state)
{
	struct world *world = *state;
	struct ikev2_sa *sa;
	struct logged fake = { 0 };
	struct ike_header header;
	struct ike_builder b;
	struct span message;

	world_start(world);
	world_up(world);
	sa = sa_of(&world->b);
	for (uint16_t type = 1; type < 50; type++) {
		for (int response = 0; response < 2; response++) {
			header = (struct ike_header){
				.spi_i = sa->peer_spi,
				.spi_r = sa->spi,
				.major = 2,
				.exchange = response ? CREATE_CHILD_SA : INFORMATIONAL,
				.flags = response ? IKE_FLAG_INITIATOR | IKE_FLAG_RESPONSE
						  : IKE_FLAG_INITIATOR,
				.message_id = response ? 0 : sa->expected_id,
			};
			ike_build_start(&b, fake.bytes, sizeof(fake.bytes), &header);
			ike_build_notify(&b, type, (struct span){ 0 });
			assert_int_equal(ike_build_end(&b, &message), 0);
			fake.n = message.n;
			fake.path = packet_log[2].path;
			give(world, &world->b, &fake);
		}
	}
	/* Every byte of a good request turned over in its turn. */
	packet_count = 0;
	then = lose_to_b;
	assert_int_equal(ikev2_probe(world->a.engine, world_ike(&world->a), world->now_ns), 0);
	world_deliver(world);
	then = NULL;
	for (size_t i = 0; i < packet_log[0].n; i++) {
		fake = packet_log[0];
		fake.bytes[i] ^= 0x40;
		give(world, &world->b, &fake);
	}
	world_run(world, 20 * WORLD_SECOND);
	world_agree(world, 1);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_DOWN), 0);
}

static void item_19_spis(void **state)
{
	struct world *world = *state;
	uint64_t seen[50];

	world_start(world);
	for (size_t i = 0; i < 50; i++) {
		world_dial(world, &world->a, &seen[i]);
		assert_true(seen[i]);
		for (size_t j = 0; j < i; j++)
			assert_true(seen[j] != seen[i]);
	}
}

static uint16_t first_notify(const struct logged *packet)
{
	return packet->bytes[16] == IKE_PAYLOAD_N
		       ? (uint16_t)(packet->bytes[34] << 8 | packet->bytes[35])
		       : 0;
}

/* 20, 21, 24 */
static void item_20_cookies(void **state)
{
	struct world *world = *state;

	world->b.engine_config.half_open_cookies = 1;
	world_start(world);
	ikev2_half_open_elsewhere(world->b.engine, 5);
	world_dial(world, &world->a, NULL);
	world_deliver(world);
	world_agree(world, 1);
	assert_int_equal(world->sent, 6);
	assert_int_equal(first_notify(&packet_log[1]), IKE_N_COOKIE);
	assert_int_equal(first_notify(&packet_log[2]), IKE_N_COOKIE);
	/* Nothing but the cookie is new. */
	assert_memory_equal(packet_log[2].bytes + packet_log[2].n - packet_log[0].n + 28,
			    packet_log[0].bytes + 28, packet_log[0].n - 28);
	assert_int_equal(ikev2_counters(world->b.engine)->cookies_sent, 1);
	/* A wrong one: a new one comes, and no state. */
	packet_log[2].bytes[40] ^= 1;
	packet_log[2].bytes[0] ^= 1;
	give(world, &world->b, &packet_log[2]);
	assert_int_equal(ikev2_counters(world->b.engine)->cookies_sent, 2);
	assert_int_equal(ikev2_counters(world->b.engine)->sas, 1);
}

static void item_23_cookie_secret_rotates(void **state)
{
	struct world *world = *state;

	world->b.engine_config.half_open_cookies = 1;
	world_start(world);
	ikev2_half_open_elsewhere(world->b.engine, 5);
	world_dial(world, &world->a, NULL);
	world_deliver(world);
	world->now_ns += 130 * WORLD_SECOND; /* one secret later */
	ikev2_tick(world->b.engine, world->now_ns);
	packet_log[2].bytes[1] ^= 0; /* the same request from before */
	assert_int_equal(ikev2_counters(world->b.engine)->half_open, 0);
	give(world, &world->b, &packet_log[2]);
	assert_int_equal(ikev2_counters(world->b.engine)->half_open, 1);
	world->now_ns += 300 * WORLD_SECOND;
	ikev2_tick(world->b.engine, world->now_ns);
	give(world, &world->b, &packet_log[2]);
	world->now_ns += 130 * WORLD_SECOND;
	give(world, &world->b, &packet_log[2]);
	assert_int_equal(ikev2_counters(world->b.engine)->half_open, 0);
}

/* The payloads of an IKE_SA_INIT request in another order, and another nonce when it is given. */
static struct logged rebuilt(const struct logged *packet, bool reversed, struct span nonce)
{
	static struct ike_message message;
	struct logged made = *packet;
	struct ike_builder b;
	struct span whole;

	assert_int_equal(ike_message_decode((struct span){ packet->bytes, packet->n }, &message),
			 IKE_ERROR_OK);
	ike_build_start(&b, made.bytes, sizeof(made.bytes), &message.header);
	for (uint16_t i = 0; i < message.count; i++) {
		const struct ike_payload *p =
			&message.payloads[reversed ? message.count - 1 - i : i];

		ike_build_raw(&b, p->type,
			      p->type == IKE_PAYLOAD_NONCE && nonce.n ? nonce : p->body);
	}
	assert_int_equal(ike_build_end(&b, &whole), 0);
	made.n = whole.n;
	return made;
}

/* A dial whose first request is recorded and does not arrive. */
static void first_request(struct world *world)
{
	world_start(world);
	then = lose_to_b;
	world_dial(world, &world->a, NULL);
	world_deliver(world);
	then = NULL;
	packet_count = 1;
}

/* The answer to what was given last is an IKE_SA_INIT with an SA payload. */
static void accepted(const struct world *world)
{
	assert_int_equal(ikev2_counters(world->b.engine)->half_open, 1);
	assert_true(packet_count >= 2);
	assert_int_equal(packet_log[1].bytes[16], IKE_PAYLOAD_SA);
}

static void vendor(struct ike_builder *b)
{
	static const uint8_t id[3000];

	ike_build_vendor(b, (struct span){ id, sizeof(id) });
}

/* 1: in the clear and under protection. */
static void item_1_messages_of_3000_octets(void **state)
{
	struct world *world = *state;
	struct logged big;
	struct ike_builder b;
	struct span whole;
	static struct ike_message message;

	first_request(world);
	assert_int_equal(
		ike_message_decode((struct span){ packet_log[0].bytes, packet_log[0].n }, &message),
		IKE_ERROR_OK);
	big = packet_log[0];
	ike_build_start(&b, big.bytes, sizeof(big.bytes), &message.header);
	for (uint16_t i = 0; i < message.count; i++)
		ike_build_raw(&b, message.payloads[i].type, message.payloads[i].body);
	vendor(&b);
	assert_int_equal(ike_build_end(&b, &whole), 0);
	big.n = whole.n;
	assert_true(big.n > 3000);
	give(world, &world->b, &big);
	world_deliver(world);
	accepted(world);
}

static void item_1_protected_messages_of_3000_octets(void **state)
{
	struct world *world = *state;

	world_start(world);
	world_up(world);
	packet_count = 0;
	forge(world, &world->a, vendor, INFORMATIONAL);
	assert_int_equal(packet_count, 2);
	assert_true(packet_log[0].n > 3000);
	assert_false(packet_log[1].to_b);
	world_agree(world, 1);
}

static void item_15_order_of_payloads(void **state)
{
	struct world *world = *state;
	struct logged turned;

	first_request(world);
	turned = rebuilt(&packet_log[0], true, (struct span){ 0 });
	assert_memory_not_equal(turned.bytes, packet_log[0].bytes, turned.n);
	give(world, &world->b, &turned);
	world_deliver(world);
	accepted(world);
}

/* 14: not one payload of ours has it, in requests and answers that can be read. */
static void item_14_critical_bit_is_never_set(void **state)
{
	struct world *world = *state;
	size_t seen = 0;

	world_start(world);
	world_up(world);
	for (size_t i = 0; i < packet_count; i++) {
		const uint8_t *p = packet_log[i].bytes;
		size_t at = IKE_HEADER_BYTES;

		for (uint8_t type = p[16]; type && at + 4 <= packet_log[i].n; type = p[at]) {
			assert_int_equal(p[at + 1] & 0x80, 0);
			seen++;
			if (type == IKE_PAYLOAD_SK)
				break;
			at += (size_t)(p[at + 2] << 8 | p[at + 3]);
		}
	}
	assert_true(seen >= 10);
}

/* 33: PRF_HMAC_SHA2_384 has keys of 48 octets: 24 are the least. */
static void item_33_nonce_of_half_the_prf_key(void **state)
{
	static const uint8_t nonce[24] = { 1, 2, 3 };
	struct world *world = *state;
	struct logged weak;

	first_request(world);
	weak = rebuilt(&packet_log[0], false, (struct span){ nonce, 23 });
	give(world, &world->b, &weak);
	world_deliver(world);
	assert_int_equal(packet_count, 2);
	assert_int_equal(packet_log[1].bytes[16], IKE_PAYLOAD_N);
	assert_int_equal(first_notify(&packet_log[1]), IKE_N_INVALID_SYNTAX);
	packet_count = 1;
	packet_log[0].bytes[0] ^= 1; /* another IKE SA */
	weak = rebuilt(&packet_log[0], false, (struct span){ nonce, 24 });
	give(world, &world->b, &weak);
	world_deliver(world);
	assert_int_equal(packet_log[1].bytes[16], IKE_PAYLOAD_SA);
}

static struct ike_proposal transport_offer;

static void transport_child(struct ike_builder *b)
{
	static const uint8_t spi[4] = { 0x10, 0, 0, 1 };
	static const uint8_t nonce[32] = { 7 };
	const struct net_selector any = net_selector_any(NET_IP4);

	ike_build_notify(b, IKE_N_USE_TRANSPORT_MODE, (struct span){ 0 });
	ike_build_sa(b, &transport_offer, 1, (struct span){ spi, 4 });
	ike_build_nonce(b, (struct span){ nonce, sizeof(nonce) });
	ike_build_ts(b, IKE_PAYLOAD_TSi, &any, 1);
	ike_build_ts(b, IKE_PAYLOAD_TSr, &any, 1);
}

/* 39: asked for and not echoed: the child is there, in tunnel mode. */
static void item_39_transport_mode_is_not_echoed(void **state)
{
	static struct ike_policy policy;
	struct world *world = *state;
	struct world_sa *made;
	struct span bad;

	assert_int_equal(
		ike_proposal_parse(&transport_offer, IKE_PROTOCOL_ESP, "aes256gcm16", &bad), 0);
	policy = *ike_policy_profile(IKE_PROFILE_STRONG);
	policy.child_offer = policy.child_accept = &transport_offer;
	policy.child_offer_count = policy.child_accept_count = 1;
	world->a.config.policy = world->b.config.policy = &policy;
	world->listen = true;
	world_start(world);
	world_up(world);
	forge(world, &world->a, transport_child, CREATE_CHILD_SA);
	assert_non_null(strstr(world->b.said, "CREATE_CHILD_SA response"));
	assert_non_null(strstr(world->b.said, "TSi"));
	assert_null(strstr(world->b.said, "TRANSPORT"));
	made = list_entry(world->b.sas.prev, struct world_sa, link);
	assert_int_equal(made->outbound.spi, 0x10000001);
	assert_int_equal(made->outbound.flags & CONTRACT_SA_TRANSPORT, 0);
}

static uint8_t no_nats_data[12];
static uint8_t no_nats_bytes;

static void no_nats(struct ike_builder *b)
{
	ike_build_notify(b, IKE_N_UPDATE_SA_ADDRESSES, (struct span){ 0 });
	ike_build_notify(b, IKE_N_NO_NATS_ALLOWED, (struct span){ no_nats_data, no_nats_bytes });
}

/* RFC 4555 section 3.9: source and destination, addresses and ports, all as they were sent. */
static void item_75_no_nats_allowed(void **state)
{
	struct world *world = *state;
	const struct ikev2_path *path;

	world->listen = true;
	world_start(world);
	world_up(world);
	path = &packet_log[2].path; /* of IKE_AUTH, as b sees it */
	memcpy(no_nats_data, path->remote.bytes, 4);
	memcpy(no_nats_data + 4, path->local.bytes, 4);
	no_nats_data[8] = (uint8_t)(path->remote_port >> 8);
	no_nats_data[9] = (uint8_t)path->remote_port;
	no_nats_data[10] = (uint8_t)(path->local_port >> 8);
	no_nats_data[11] = (uint8_t)path->local_port;
	no_nats_bytes = sizeof(no_nats_data);
	forge(world, &world->a, no_nats, INFORMATIONAL);
	assert_null(strstr(world->b.said, "UNEXPECTED_NAT_DETECTED"));
	for (size_t i = 0; i < sizeof(no_nats_data); i++) {
		no_nats_data[i] ^= 1;
		forge(world, &world->a, no_nats, INFORMATIONAL);
		assert_non_null(strstr(world->b.said, "UNEXPECTED_NAT_DETECTED"));
		no_nats_data[i] ^= 1;
	}
	no_nats_bytes = 8;
	forge(world, &world->a, no_nats, INFORMATIONAL);
	assert_non_null(strstr(world->b.said, "UNEXPECTED_NAT_DETECTED"));
}

static enum world_fate lose_auth(struct world *world, const struct world_packet *packet, size_t n)
{
	return packet->to_b && packet->bytes[18] == IKE_AUTH ? WORLD_LOSE : WORLD_PASS;
}

/* The peer has lost what it knew after the first exchange: soon there is a new one. */
static void item_76_an_auth_without_answer(void **state)
{
	struct world *world = *state;

	then = lose_auth;
	world->a.config.retransmit_ms = 500;
	world->a.config.retransmit_tries = 8;
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_run(world, 29 * WORLD_SECOND);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_FAILED), 0);
	assert_int_equal(ikev2_counters(world->a.engine)->retransmitted, 6);
	world_run(world, 2 * WORLD_SECOND);
	assert_int_equal(world_last(&world->a, IKEV2_EVENT_FAILED)->reason, IKEV2_REASON_TIMEOUT);
	world_empty(world);
}

/* Fragments of a request, in this order; how many datagrams are the answer. */
static size_t answers_to(struct world *world, size_t from, size_t to)
{
	size_t before = packet_count;

	for (size_t i = from; i != to; i += from < to ? 1 : (size_t)-1)
		give(world, &world->b, &packet_log[i]);
	world_deliver(world);
	return packet_count - before;
}

/* 70: what is not whole after a while is forgotten, and costs nothing but itself. */
static void item_70_reassembly_has_an_end(void **state)
{
	struct world *world = *state;
	size_t first = fragments_of_a_rekey(world);
	size_t end = packet_count;

	assert_int_equal(answers_to(world, first, end - 1), 0);
	world->now_ns += IKE_REASSEMBLY_NS + 1;
	assert_int_equal(answers_to(world, end - 1, end), 0); /* the others have gone */
	assert_true(answers_to(world, first, end - 1) > 0);
}

/* 70: the stored answer, for the first of them only. */
static void item_70_a_fragment_of_a_retransmission(void **state)
{
	struct world *world = *state;
	size_t first = fragments_of_a_rekey(world);
	size_t end = packet_count;
	size_t n = answers_to(world, first, end);

	assert_true(n > 0);
	assert_int_equal(answers_to(world, end - 1, first), 0);
	assert_int_equal(answers_to(world, first, first + 1), n);
	for (size_t i = end; i < end + n; i++) {
		assert_int_equal(packet_log[i].n, packet_log[i + n].n);
		assert_memory_equal(packet_log[i].bytes, packet_log[i + n].bytes, packet_log[i].n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(item_2_marker_on_4500_only),
		TEST(item_71_nat_is_found),
		TEST(item_4_same_answer_to_the_same_request),
		TEST(item_5_responder_never_retransmits),
		TEST(item_6_forgotten_answer_is_ignored),
		TEST(item_7_retransmissions_are_bitwise_the_same),
		TEST(item_8_message_ids_start_at_0_per_direction),
		TEST(item_10_requests_cross),
		TEST(item_11_message_ids_run_out),
		TEST(item_12_version),
		TEST(item_13_unknown_payloads),
		TEST(item_16_malformed_under_protection),
		TEST(item_18_unprotected_errors),
		TEST(item_19_spis),
		TEST(item_20_cookies),
		TEST(item_23_cookie_secret_rotates),
		TEST(item_1_messages_of_3000_octets),
		TEST(item_1_protected_messages_of_3000_octets),
		TEST(item_14_critical_bit_is_never_set),
		TEST(item_15_order_of_payloads),
		TEST(item_33_nonce_of_half_the_prf_key),
		TEST(item_39_transport_mode_is_not_echoed),
		TEST(item_75_no_nats_allowed),
		TEST(item_76_an_auth_without_answer),
		TEST(item_70_reassembly_has_an_end),
		TEST(item_70_a_fragment_of_a_retransmission),
	};

	if (secret_pool_init(8 << 20))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
