/*
 * Items of the conformance list about negotiation, keys, lifetimes and addresses; README.md has
 * the table.
 */
#include "exchange/recorded.h"

#include <stdio.h>
#include <stdlib.h>

static struct ike_policy policy_of(struct ike_proposal *ike, const char *text)
{
	struct ike_policy policy = *ike_policy_profile(IKE_PROFILE_STRONG);
	struct span bad;

	assert_int_equal(ike_proposal_parse(ike, IKE_PROTOCOL_IKE, text, &bad), 0);
	policy.ike_offer = policy.ike_accept = ike;
	policy.ike_offer_count = policy.ike_accept_count = 1;
	return policy;
}

static uint8_t window_octets;

static void build_window(struct ike_builder *b)
{
	static const uint8_t window[8] = { 0, 0, 0, 32 };

	ike_build_notify(b, IKE_N_SET_WINDOW_SIZE, (struct span){ window, window_octets });
}

/* Requests of b that have no answer yet. */
static unsigned int outstanding(void)
{
	unsigned int count = 0;

	for (size_t i = 0; i < packet_count; i++) {
		bool response = packet_log[i].bytes[19] & IKE_FLAG_RESPONSE;

		if (!packet_log[i].to_b && !response)
			count++;
		else if (packet_log[i].to_b && response)
			count--;
	}
	return count;
}

/* 9: of four octets it is a window, of any other number it is nothing; ours stays 1 with both. */
static void item_9_window_size(void **state)
{
	static const uint8_t sizes[] = { 4, 0, 3, 5, 8 };
	struct world *world = *state;
	struct ike_notify notify;
	uint8_t body[12] = { 0, 0, IKE_N_SET_WINDOW_SIZE >> 8, IKE_N_SET_WINDOW_SIZE & 0xff };

	world_start(world);
	world_up(world);
	for (size_t i = 0; i < sizeof(sizes); i++) {
		bool right = ike_notify_decode((struct span){ body, 4u + sizes[i] }, &notify) ==
			     IKE_ERROR_OK;

		assert_int_equal(right, sizes[i] == 4);
		window_octets = sizes[i];
		forge(world, &world->a, build_window, INFORMATIONAL);
		assert_int_equal(exchange_of(&packet_log[packet_count - 1]), INFORMATIONAL);
		assert_false(packet_log[packet_count - 1].to_b); /* answered */
		assert_int_equal(world_established(&world->b), 1);
		assert_int_equal(ikev2_probe(world->b.engine, world_ike(&world->b), world->now_ns),
				 0);
		assert_int_equal(
			ikev2_child_rekey(world->b.engine, world_child(&world->b), world->now_ns),
			0);
		do
			assert_true(outstanding() <= 1);
		while (world_step(world));
		assert_int_equal(outstanding(), 0);
		world_run(world, 10 * WORLD_SECOND);
		packet_count = 0;
	}
	world_agree(world, 1);
}

/* 31 and 22: another group, with and without cookies. */
static void another_group(struct world *world, bool cookies)
{
	static struct ike_proposal proposals[2];
	static struct ike_policy policies[2];

	policies[0] = policy_of(&proposals[0], "aes256gcm16-prfsha384-x25519-ecp384");
	policies[1] = policy_of(&proposals[1], "aes256gcm16-prfsha384-ecp384");
	world->a.config.policy = &policies[0];
	world->b.config.policy = &policies[1];
	world->b.engine_config.half_open_cookies = 1;
	world_start(world);
	ikev2_half_open_elsewhere(world->b.engine, cookies ? 5 : 0);
	world_dial(world, &world->a, NULL);
	world_deliver(world);
	world_agree(world, 1);
	assert_int_equal(sa_of(&world->a)->suite.dh, 20);
}

static void item_31_invalid_ke_payload(void **state)
{
	another_group(*state, false);
}

static void item_22_cookie_and_invalid_ke(void **state)
{
	another_group(*state, true);
}

static void item_35_no_proposal_for_the_child(void **state)
{
	static struct ike_proposal child;
	static struct ike_policy policy;
	struct world *world = *state;
	struct span bad;

	policy = *ike_policy_profile(IKE_PROFILE_STRONG);
	assert_int_equal(ike_proposal_parse(&child, IKE_PROTOCOL_ESP, "aes128-sha1", &bad), 0);
	policy.child_offer = policy.child_accept = &child;
	policy.child_offer_count = policy.child_accept_count = 1;
	world->b.config.policy = &policy;
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_run(world, 30 * WORLD_SECOND);
	world_agree(world, 0);
	assert_int_equal(world_established(&world->a), 1);
	assert_int_equal(world_last(&world->a, IKEV2_EVENT_CHILD_FAILED)->reason,
			 IKEV2_REASON_PROPOSAL_CHILD);
	assert_int_equal(world_last(&world->b, IKEV2_EVENT_CHILD_FAILED)->reason,
			 IKEV2_REASON_PROPOSAL_CHILD);
}

static void item_36_childless(void **state)
{
	struct world *world = *state;

	world->a.config.childless = true;
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_deliver(world);
	world_agree(world, 1);
	assert_int_equal(exchange_of(&packet_log[4]), CREATE_CHILD_SA);
}

static struct net_selector prefix(const char *text)
{
	struct net_prefix parsed;

	assert_int_equal(net_prefix_parse(&parsed, text), 0);
	return net_selector_of_prefix(&parsed);
}

/* 37, 39: narrowed to what both have, with the packet's selector inside. */
static void item_37_narrowing(void **state)
{
	struct world *world = *state;
	struct net_selector packet[2] = { prefix("10.1.2.3/32"), prefix("10.2.9.9/32") };

	world->a.locals[0] = prefix("10.1.0.0/16");
	world->a.remotes[0] = prefix("10.2.0.0/16");
	world->b.locals[0] = prefix("10.2.0.0/17");
	world->b.remotes[0] = prefix("10.0.0.0/8");
	world_start(world);
	world_up(world);
	assert_int_equal(ikev2_child_initiate(world->a.engine, world_ike(&world->a), 0, packet,
					      world->now_ns),
			 0);
	world_run(world, WORLD_SECOND);
	world_agree(world, 2);
	for (struct list *at = world->a.sas.next; at != &world->a.sas; at = at->next) {
		struct world_sa *sa = list_entry(at, struct world_sa, link);
		struct net_selector wanted = prefix("10.2.0.0/17");

		assert_true(net_selector_covers(&wanted, &sa->remote));
		assert_int_equal(sa->outbound.flags & CONTRACT_SA_TRANSPORT, 0);
	}
}

static void item_37_nothing_in_common(void **state)
{
	struct world *world = *state;

	world->a.locals[0] = prefix("10.1.0.0/16");
	world->b.remotes[0] = prefix("192.168.0.0/16");
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_run(world, 5 * WORLD_SECOND);
	world_agree(world, 0);
	assert_int_equal(world_last(&world->a, IKEV2_EVENT_CHILD_FAILED)->reason,
			 IKEV2_REASON_SELECTORS);
	assert_int_equal(ikev2_reason_azure(IKEV2_REASON_SELECTORS), 13999);
}

static void item_38_several_children(void **state)
{
	struct world *world = *state;

	for (uint16_t i = 0; i < 5; i++) {
		char local[32];
		char remote[32];

		snprintf(local, sizeof(local), "10.1.%u.0/24", i);
		snprintf(remote, sizeof(remote), "10.2.%u.0/24", i);
		world->a.locals[i] = world->b.remotes[i] = prefix(local);
		world->a.remotes[i] = world->b.locals[i] = prefix(remote);
		world->a.children[i] =
			(struct ikev2_child_config){ &world->a.locals[i], &world->a.remotes[i], 1,
						     1, i == 4 };
		world->b.children[i] =
			(struct ikev2_child_config){ &world->b.locals[i], &world->b.remotes[i], 1,
						     1, i == 4 };
	}
	world->a.config.child_count = world->b.config.child_count = 5;
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_run(world, WORLD_SECOND);
	world_agree(world, 4);
	/* The fifth when somebody asks, from the responder. */
	assert_int_equal(
		ikev2_child_initiate(world->b.engine, world_ike(&world->b), 4, NULL, world->now_ns),
		0);
	world_run(world, WORLD_SECOND);
	world_agree(world, 5);
	assert_int_equal(ikev2_rekey(world->a.engine, world_ike(&world->a), world->now_ns), 0);
	world_run(world, WORLD_SECOND);
	world_agree(world, 5);
}

/* The next answer of b, with its keys. */
static void answer_with(struct world *world, uint16_t notify)
{
	struct ikev2_sa *sa = sa_of(&world->b);
	struct ike_header header =
		ikev2_exchange_header(sa, CREATE_CHILD_SA, true, sa->expected_id++);
	const struct ike_sk sk = { .crypto = world->b.engine->crypto,
				   .suite = &sa->suite,
				   .keys = &sa->keys,
				   .initiator = sa->initiator,
				   .iv_counter = &sa->iv_counter };
	struct ike_packets packets = { 0 };
	struct ike_builder b;

	world_lose(world);
	ike_build_start(&b, sa->engine->buffer, sizeof(sa->engine->buffer), &header);
	ike_build_sk(&b, ike_sk_iv_bytes(&sa->suite));
	ike_build_notify(&b, notify, (struct span){ 0 });
	assert_int_equal(ike_sk_seal(&sk, &b, 0, &packets), 0);
	ikev2_exchange_packets(sa, &packets, &sa->path, sa->floated);
	ike_packets_fini(&packets);
	assert_true(world_step(world));
}

/* SINGLE_PAIR_REQUIRED: the packet's pair is asked for alone; without a packet it is a failure. */
static void item_38_single_pair_required(void **state)
{
	struct world *world = *state;
	struct net_selector packet[2] = { prefix("10.1.2.3/32"), prefix("10.2.9.9/32") };
	const struct world_sa *sa;

	world->a.locals[0] = world->b.remotes[0] = prefix("10.1.0.0/16");
	world->a.remotes[0] = world->b.locals[0] = prefix("10.2.0.0/16");
	world_start(world);
	world_up(world);
	assert_int_equal(ikev2_child_initiate(world->a.engine, world_ike(&world->a), 0, packet,
					      world->now_ns),
			 0);
	answer_with(world, IKE_N_SINGLE_PAIR_REQUIRED);
	world_run(world, WORLD_SECOND);
	world_agree(world, 2);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_CHILD_FAILED), 0);
	sa = list_entry(world->a.sas.prev, struct world_sa, link);
	assert_true(net_selector_covers(&packet[0], &sa->local));
	assert_true(net_selector_covers(&packet[1], &sa->remote));
	/* Refused once more: that is its end. */
	packet[0] = prefix("10.1.2.4/32");
	assert_int_equal(ikev2_child_initiate(world->a.engine, world_ike(&world->a), 0, packet,
					      world->now_ns),
			 0);
	answer_with(world, IKE_N_SINGLE_PAIR_REQUIRED);
	answer_with(world, IKE_N_SINGLE_PAIR_REQUIRED);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_CHILD_FAILED), 1);
	assert_int_equal(
		ikev2_child_initiate(world->a.engine, world_ike(&world->a), 0, NULL, world->now_ns),
		0);
	answer_with(world, IKE_N_SINGLE_PAIR_REQUIRED);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_CHILD_FAILED), 2);
	assert_int_equal(world_last(&world->a, IKEV2_EVENT_CHILD_FAILED)->reason,
			 IKEV2_REASON_SELECTORS);
	assert_int_equal(world_established(&world->a), 1);
}

/* ADDITIONAL_TS_POSSIBLE: said when another entry has the rest, and taken as no error. */
static void item_38_additional_selectors(void **state)
{
	struct world *world = *state;

	world->a.locals[0] = prefix("10.1.0.0/16");
	world->a.remotes[0] = prefix("10.2.0.0/16");
	for (int i = 0; i < 2; i++) {
		world->b.locals[i] = prefix(i ? "10.2.128.0/17" : "10.2.0.0/17");
		world->b.remotes[i] = prefix("10.1.0.0/16");
		world->b.children[i] =
			(struct ikev2_child_config){ &world->b.locals[i], &world->b.remotes[i], 1,
						     1, false };
	}
	world->b.config.child_count = 2;
	world->listen = true;
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_deliver(world);
	assert_non_null(strstr(world->b.said, "ADDITIONAL_TS_POSSIBLE"));
	world_agree(world, 1);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_CHILD_FAILED), 0);
}

static void item_40_esn(void **state)
{
	struct world *world = *state;
	struct world_sa *sa;

	world_start(world);
	world_up(world);
	sa = list_entry(world->a.sas.next, struct world_sa, link);
	assert_true(sa->outbound.flags & CONTRACT_SA_ESN);
}

static void item_45_identity_and_key_belong_together(void **state)
{
	struct world *world = *state;
	struct ike_id id = { 0 };

	assert_int_equal(ike_id_parse(&id, "somebody.else"), 0);
	world->a.config.local_id = &id;
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_run(world, 60 * WORLD_SECOND);
	assert_int_equal(world_last(&world->b, IKEV2_EVENT_FAILED)->reason, IKEV2_REASON_IDENTITY);
	assert_int_equal(world_last(&world->a, IKEV2_EVENT_FAILED)->reason,
			 IKEV2_REASON_PEER_AUTHENTICATION);
	world_empty(world);
	ike_id_fini(&id);
}

/* 51: after a crash without a word the peer's old IKE SA goes at once; a sibling's stays. */
static void item_51_initial_contact(void **state)
{
	struct world *world = *state;
	uint64_t old;

	world_start(world);
	world_up(world);
	old = world_ike(&world->b);
	assert_int_equal(ikev2_delete(world->a.engine, world_ike(&world->a), true, world->now_ns),
			 0);
	world->now_ns += WORLD_SECOND;
	world_dial(world, &world->a, NULL);
	world_deliver(world);
	world_agree(world, 1);
	assert_true(world_ike(&world->b) != old);
	assert_int_equal(world_last(&world->b, IKEV2_EVENT_DOWN)->reason,
			 IKEV2_REASON_INITIAL_CONTACT);
}

/*
 * As 51, but the peer does not say that it begins anew: what we knew of it may still hold, so the
 * old child carries until the peer has proved by an answer that it has the new one.
 */
static void item_51_a_new_dial_carries_when_it_answers(void **state)
{
	struct world *world = *state;
	uint32_t old;

	world->a.config.initial_contact = false;
	world_start(world);
	world_up(world);
	old = world_child(&world->b);
	assert_int_equal(ikev2_delete(world->a.engine, world_ike(&world->a), true, world->now_ns),
			 0);
	world->now_ns += WORLD_SECOND;
	world_dial(world, &world->a, NULL);
	world_deliver(world);
	assert_int_equal(world_child(&world->b), old);
	assert_int_equal(ikev2_probe(world->b.engine, world_last(&world->b, IKEV2_EVENT_UP)->ike,
				     world->now_ns),
			 0);
	world_deliver(world);
	assert_int_not_equal(world_child(&world->b), old);
	/* The new one goes again: whatever is left sends. */
	assert_int_equal(ikev2_delete(world->a.engine, world_ike(&world->a), false, world->now_ns),
			 0);
	world_deliver(world);
	assert_int_equal(world_child(&world->b), old);
}

/* 52: the refusal looks the same for a wrong key and an unknown identity. */
static void item_52_refusals_look_alike(void **state)
{
	struct world *world = *state;
	struct ike_id id = { 0 };
	size_t wrong_key;

	world->b.psk = "another";
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_deliver(world);
	wrong_key = packet_log[3].n;
	world_fini(world);
	setup(state);
	assert_int_equal(ike_id_parse(&id, "somebody.else"), 0);
	world->a.config.local_id = &id;
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_deliver(world);
	assert_int_equal(packet_log[3].n, wrong_key);
	ike_id_fini(&id);
}

static void item_62_lifetimes(void **state)
{
	struct world *world = *state;

	world->a.config.child_lifetime_s = 300;
	world->a.config.ike_lifetime_s = 1000;
	world_start(world);
	world_up(world);
	world->always_reachable = true;
	packet_count = 0;
	world->fate = NULL;
	world_run(world, 5000 * WORLD_SECOND);
	world_agree(world, 1);
	assert_in_range(world_count(&world->a, IKEV2_EVENT_CHILD_REKEYED), 17, 26);
	assert_in_range(world_count(&world->a, IKEV2_EVENT_REKEYED), 5, 8);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_CHILD_DOWN), 0);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_CHILD_DOWN), 0);
}

/* 62: the peer refuses every rekey of the IKE SA: it ends in time, and the peer hears of it. */
static void item_62_an_end_without_rekey(void **state)
{
	static struct ike_policy policy;
	struct world *world = *state;

	policy = *ike_policy_profile(IKE_PROFILE_STRONG);
	world->a.config.ike_lifetime_s = 300;
	world->b.config.policy = &policy;
	world_start(world);
	world_up(world);
	world->fate = NULL;
	policy.ike_accept_count = 0;
	world_run(world, 301 * WORLD_SECOND);
	assert_int_equal(world_last(&world->a, IKEV2_EVENT_DOWN)->reason, IKEV2_REASON_LIFETIME);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_DOWN), 1);
	assert_int_equal(world_last(&world->b, IKEV2_EVENT_DOWN)->reason,
			 IKEV2_REASON_PEER_DELETED);
	world_empty(world);
}

/* 63: soft limits of packets come from the data plane; without ESN there is always a hard one. */
static void item_63_packet_lifetime(void **state)
{
	struct world *world = *state;
	struct world_sa *sa;

	world->a.config.child_lifetime_packets = 1000000;
	world_start(world);
	world_up(world);
	sa = list_entry(world->a.sas.next, struct world_sa, link);
	assert_int_equal(sa->outbound.hard_packets, 1000000);
	assert_true(sa->outbound.soft_packets < 1000000);
	ikev2_child_expiring(world->a.engine, sa->child, false, world->now_ns);
	world_run(world, 10 * WORLD_SECOND);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_CHILD_REKEYED), 1);
	world_agree(world, 1);
	ikev2_child_expiring(world->a.engine, world_child(&world->a), true, world->now_ns);
	world_run(world, 10 * WORLD_SECOND);
	world_agree(world, 0);
	assert_int_equal(world_last(&world->a, IKEV2_EVENT_CHILD_DOWN)->reason,
			 IKEV2_REASON_LIFETIME);
}

/* 40 and 63: a peer that wants no ESN gets none, and its sequence numbers must not begin anew. */
static void item_63_without_esn_a_hard_limit(void **state)
{
	static struct ike_proposal child;
	static struct ike_policy policy;
	struct world *world = *state;
	struct span bad;

	policy = *ike_policy_profile(IKE_PROFILE_STRONG);
	assert_int_equal(
		ike_proposal_parse(&child, IKE_PROTOCOL_ESP, "aes256gcm16-x25519-noesn", &bad), 0);
	policy.child_offer = policy.child_accept = &child;
	policy.child_offer_count = policy.child_accept_count = 1;
	world->b.config.policy = &policy;
	world_start(world);
	world_up(world);
	for (int side = 0; side < 2; side++) {
		const struct world_peer *peer = side ? &world->b : &world->a;
		const struct world_sa *sa = list_entry(peer->sas.next, struct world_sa, link);

		assert_false(sa->outbound.flags & CONTRACT_SA_ESN);
		assert_false(sa->inbound.flags & CONTRACT_SA_ESN);
		assert_true(sa->outbound.hard_packets > 0);
		assert_true(sa->outbound.hard_packets < UINT32_MAX);
		assert_true(sa->outbound.soft_packets < sa->outbound.hard_packets);
	}
}

/* 65: the old inbound SA takes late packets for five seconds. */
static void item_65_late_packets(void **state)
{
	struct world *world = *state;

	world_start(world);
	world_up(world);
	assert_int_equal(ikev2_child_rekey(world->a.engine, world_child(&world->a), world->now_ns),
			 0);
	world_run(world, 4 * WORLD_SECOND);
	world_agree(world, 2);
	world_run(world, 2 * WORLD_SECOND);
	world_agree(world, 1);
}

static void item_66_reauthentication(void **state)
{
	struct world *world = *state;
	struct ikev2_dial dial;
	uint64_t old;
	uint64_t new;

	world->a.config.reauth_s = 100;
	world_start(world);
	world_up(world);
	world->always_reachable = true;
	old = world_ike(&world->a);
	world_run(world, 101 * WORLD_SECOND);
	assert_int_equal(world_last(&world->a, IKEV2_EVENT_REAUTH)->ike, old);
	dial = (struct ikev2_dial){ .connection = world->a.connection,
				    .path = { .local = world->a.addr, .remote = world->b.addr },
				    .reauthenticates = old };
	assert_int_equal(ikev2_initiate(world->a.engine, &dial, world->now_ns, &new), 0);
	world_run(world, 10 * WORLD_SECOND);
	world_agree(world, 1);
	assert_true(world_ike(&world->a) == new);
}

/* 68, 69, 70: everything in pieces of 576 octets, doubled and in any order. */
static enum world_fate hold_odd(struct world *world, const struct world_packet *packet, size_t n)
{
	return n % 3 == 0 ? WORLD_DOUBLE : WORLD_PASS;
}

static void item_68_fragmentation(void **state)
{
	struct world *world = *state;
	size_t fragments = 0;

	world->a.engine_config.fragment_bytes = world->b.engine_config.fragment_bytes = 200;
	then = hold_odd;
	world_start(world);
	world_dial(world, &world->a, NULL);
	world_run(world, WORLD_SECOND);
	world_agree(world, 1);
	for (size_t i = 0; i < packet_count; i++) {
		if (packet_log[i].bytes[16] != IKE_PAYLOAD_SKF)
			continue;
		fragments++;
		assert_true(packet_log[i].n <= 200 - 28);
	}
	assert_true(fragments >= 4);
	world->fate = NULL;
	assert_int_equal(ikev2_rekey(world->b.engine, world_ike(&world->b), world->now_ns), 0);
	world_run(world, WORLD_SECOND);
	assert_int_equal(ikev2_child_rekey(world->b.engine, world_child(&world->b), world->now_ns),
			 0);
	world_run(world, 10 * WORLD_SECOND);
	world_agree(world, 1);
}

/* Fragments that come backwards; one damaged piece costs only itself. */
static void item_69_fragments_in_any_order(void **state)
{
	struct world *world = *state;
	size_t first = fragments_of_a_rekey(world);
	struct logged bad = packet_log[first];

	then = NULL;
	bad.bytes[bad.n - 1] ^= 1;
	give(world, &world->b, &bad);
	for (size_t i = packet_count; i > first; i--)
		give(world, &world->b, &packet_log[i - 1]);
	world_run(world, 10 * WORLD_SECOND);
	world_agree(world, 1);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_CHILD_REKEYED), 1);
}

static void item_73_keepalive(void **state)
{
	struct world *world = *state;
	size_t keepalives = 0;

	world->nat_addr = net_addr_ip4(0xc6336401);
	world->nat_port = 40000;
	world->b.config.any_identity = true;
	world->a.config.dpd_s = world->b.config.dpd_s = 0;
	world_start(world);
	world_up(world);
	packet_count = 0;
	world_run(world, 101 * WORLD_SECOND);
	for (size_t i = 0; i < packet_count; i++)
		keepalives += packet_log[i].n == 1 && packet_log[i].bytes[0] == 0xff &&
			      packet_log[i].to_b && !packet_log[i].marker;
	assert_int_equal(keepalives, 5);
	assert_int_equal(packet_count, 5); /* the side without a NAT sends none */
}

static void item_74_peer_behind_a_nat_moves(void **state)
{
	struct world *world = *state;
	struct ikev2_info info;
	struct logged fake;

	world->nat_addr = net_addr_ip4(0xc6336401);
	world->nat_port = 40000;
	world->b.config.any_identity = true;
	world->a.config.mobike = false;
	world_start(world);
	world_up(world);
	/* A damaged message from elsewhere moves nothing. */
	fake = packet_log[2];
	fake.bytes[fake.n - 1] ^= 1;
	fake.path.remote_port = 50001;
	give(world, &world->b, &fake);
	assert_int_equal(ikev2_info(world->b.engine, world_ike(&world->b), &info), 0);
	assert_int_equal(info.path.remote_port, 40000);
	world->nat_port = 50002;
	assert_int_equal(ikev2_probe(world->a.engine, world_ike(&world->a), world->now_ns), 0);
	world_deliver(world);
	assert_int_equal(ikev2_info(world->b.engine, world_ike(&world->b), &info), 0);
	assert_int_equal(info.path.remote_port, 50002);
	assert_int_equal(world_count(&world->b, IKEV2_EVENT_PEER_MOVED), 1);
	assert_int_equal(list_entry(world->b.sas.next, struct world_sa, link)->outbound.remote_port,
			 50002);
}

static void a_moves(struct world *world)
{
	struct ikev2_path path;
	struct ikev2_info info;

	world_start(world);
	world_up(world);
	assert_int_equal(ikev2_info(world->a.engine, world_ike(&world->a), &info), 0);
	path = info.path;
	path.local = world->a.addr = net_addr_ip4(0x0a000063);
	assert_int_equal(ikev2_move(world->a.engine, world_ike(&world->a), &path, world->now_ns),
			 0);
}

static void item_75_mobike(void **state)
{
	struct world *world = *state;
	struct ikev2_info info;

	a_moves(world);
	world_run(world, WORLD_SECOND);
	assert_int_equal(ikev2_info(world->b.engine, world_ike(&world->b), &info), 0);
	assert_true(net_addr_equal(&info.path.remote, &world->a.addr));
	assert_true(net_addr_equal(
		&list_entry(world->b.sas.next, struct world_sa, link)->outbound.remote,
		&world->a.addr));
	world_agree(world, 1);
}

/* An answer to a move without its COOKIE2: the SA ends, and the peer is told so. */
static void item_75_another_cookie(void **state)
{
	struct world *world = *state;

	a_moves(world);
	sa_of(&world->a)->own->cookie2[0] ^= 1;
	world_run(world, WORLD_SECOND);
	assert_int_equal(world_last(&world->a, IKEV2_EVENT_DOWN)->reason, IKEV2_REASON_PAYLOAD);
	assert_int_equal(world_last(&world->b, IKEV2_EVENT_DOWN)->reason,
			 IKEV2_REASON_PEER_DELETED);
	world_empty(world);
}

/* 76: probes only in silence, death within the connection's time. */
static void item_76_liveness(void **state)
{
	struct world *world = *state;
	uint64_t start;

	world_start(world);
	world_up(world);
	packet_count = 0;
	/* Traffic is life. */
	for (int i = 0; i < 30; i++) {
		world->a.seen_ns = world->b.seen_ns = world->now_ns;
		world_run(world, 5 * WORLD_SECOND);
	}
	assert_int_equal(packet_count, 0);
	then = lose_all;
	start = world->now_ns;
	world_run(world, 46 * WORLD_SECOND);
	assert_int_equal(world_last(&world->a, IKEV2_EVENT_DOWN)->reason, IKEV2_REASON_LIVENESS);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_SUSPECT), 1);
	assert_true(start > 0);
	world_empty(world);
}

/* IKE is lost while ESP comes: nobody is suspect for that; and ESP says nothing of where IKE is. */
static void item_76_a_request_is_lost_beside_traffic(void **state)
{
	struct world *world = *state;
	struct ikev2_info before, info;

	world_start(world);
	world_up(world);
	assert_int_equal(ikev2_info(world->a.engine, world_ike(&world->a), &before), 0);
	then = lose_all;
	assert_int_equal(ikev2_child_rekey(world->a.engine, world_child(&world->a), world->now_ns),
			 0);
	for (int i = 0; i < 50; i++) {
		world->a.seen_ns = world->now_ns;
		world_run(world, WORLD_SECOND / 10);
	}
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_SUSPECT), 0);
	assert_int_equal(ikev2_info(world->a.engine, world_ike(&world->a), &info), 0);
	assert_true(info.last_seen_ns == before.last_seen_ns);
	then = NULL;
	world_run(world, 10 * WORLD_SECOND);
	assert_int_equal(world_count(&world->a, IKEV2_EVENT_CHILD_REKEYED), 1);
	world_agree(world, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(item_31_invalid_ke_payload),
		TEST(item_22_cookie_and_invalid_ke),
		TEST(item_35_no_proposal_for_the_child),
		TEST(item_36_childless),
		TEST(item_37_narrowing),
		TEST(item_37_nothing_in_common),
		TEST(item_38_several_children),
		TEST(item_38_single_pair_required),
		TEST(item_38_additional_selectors),
		TEST(item_9_window_size),
		TEST(item_40_esn),
		TEST(item_45_identity_and_key_belong_together),
		TEST(item_51_initial_contact),
		TEST(item_51_a_new_dial_carries_when_it_answers),
		TEST(item_52_refusals_look_alike),
		TEST(item_62_lifetimes),
		TEST(item_62_an_end_without_rekey),
		TEST(item_63_packet_lifetime),
		TEST(item_63_without_esn_a_hard_limit),
		TEST(item_65_late_packets),
		TEST(item_66_reauthentication),
		TEST(item_68_fragmentation),
		TEST(item_69_fragments_in_any_order),
		TEST(item_73_keepalive),
		TEST(item_74_peer_behind_a_nat_moves),
		TEST(item_75_mobike),
		TEST(item_75_another_cookie),
		TEST(item_76_liveness),
		TEST(item_76_a_request_is_lost_beside_traffic),
	};

	if (secret_pool_init(8 << 20))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
