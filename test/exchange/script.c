#include "exchange/script.h"

#include "base/secret.h"
#include "control/ikev2/child.h"
#include "control/ikev2/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELD 10
#define WORDS_MAX 64

struct script {
	struct world world;
	const struct script_case *what;
	const char *word; /* that is being done */
	uint32_t old_child[2];
	uint64_t old_ike[2];
	uint8_t nonces[4];
	struct world_packet *held[HELD];
	struct ike_policy policies[2];
	struct ike_proposal proposals[2][2]; /* offer, accept */
};

static int nonce_first = -1; /* of the next nonces, -1: whatever comes */
int __real_secret_random(void *to, size_t n);
int __wrap_secret_random(void *to, size_t n);

/* The tests say which nonce is the lowest one. */
int __wrap_secret_random(void *to, size_t n)
{
	int rc = __real_secret_random(to, n);

	if (rc == 0 && n == IKEV2_NONCE_BYTES && nonce_first >= 0)
		*(uint8_t *)to = (uint8_t)nonce_first;
	return rc;
}

static struct world_peer *peer_of(struct script *script, int side)
{
	return side ? &script->world.b : &script->world.a;
}

static void nonce_of(const struct script *script, int side, bool own)
{
	if (script->what->rounds)
		nonce_first = script->nonces[(own ? 0 : 2) + (own ? side : !side)];
}

static struct world_packet *take(struct script *script, bool to_b)
{
	struct list *at;

	list_for_each (at, &script->world.packets) {
		struct world_packet *packet = list_entry(at, struct world_packet, link);

		if (packet->to_b != to_b)
			continue;
		list_del(at);
		return packet;
	}
	fail_msg("%s: nothing is on its way", script->word);
	return NULL;
}

static void arrive(struct script *script, struct world_packet *packet)
{
	nonce_of(script, packet->to_b, packet->bytes[19] & IKE_FLAG_RESPONSE);
	world_hand_over(&script->world, packet);
	nonce_first = -1;
	free(packet);
}

static void move(struct script *script, const char *word)
{
	struct world_packet *packet = take(script, word[0] == '>');

	if (word[1] == '!')
		free(packet);
	else if (word[1])
		script->held[word[1] - '0'] = packet;
	else
		arrive(script, packet);
}

static void release(struct script *script, const char *word)
{
	struct world_packet **held = &script->held[word[1] - '0'];

	assert_non_null(*held);
	arrive(script, *held);
	*held = NULL;
}

/* The newest child, as the order of installation has it. */
static uint32_t newest(const struct world_peer *peer)
{
	assert_false(list_empty(&peer->sas));
	return list_entry(peer->sas.prev, struct world_sa, link)->child;
}

/* What came out of the rekeys: not the old one, not one that is on its way out. */
static uint32_t kept(const struct script *script, const struct world_peer *peer, int side)
{
	struct ikev2_child_info info;

	for (const struct list *at = peer->sas.prev; at != &peer->sas; at = at->prev) {
		uint32_t child = list_entry(at, struct world_sa, link)->child;

		if (child != script->old_child[side] &&
		    ikev2_child_info(peer->engine, child, &info) == 0 &&
		    info.state == IKEV2_CHILD_UP)
			return child;
	}
	fail_msg("%s: no child is left", script->word);
	return 0;
}

/* A Delete of the old child that no state machine wanted to send. */
static void bogus_delete(struct script *script, int side)
{
	struct world_peer *peer = peer_of(script, side);
	struct ikev2_sa *sa = ikev2_sa_find(peer->engine, script->old_ike[side]);
	struct ike_packets packets = { 0 };
	struct ike_builder b;
	const struct ike_sk sk = { .crypto = peer->engine->crypto,
				   .suite = &sa->suite,
				   .keys = &sa->keys,
				   .initiator = sa->initiator,
				   .iv_counter = &sa->iv_counter };

	assert_null(sa->own);
	ikev2_exchange_start(sa, &b, INFORMATIONAL);
	ike_build_delete_esp(&b, &script->old_child[side], 1);
	assert_int_equal(ike_sk_seal(&sk, &b, 0, &packets), 0);
	sa->next_id++;
	ikev2_exchange_packets(sa, &packets, &sa->path, sa->floated);
	ike_packets_fini(&packets);
}

static void lose_child(struct script *script, int side)
{
	struct world_peer *peer = peer_of(script, side);
	struct ikev2_child *child = ikev2_child_find(peer->engine, script->old_child[side]);

	assert_non_null(child);
	ikev2_child_remove(child, IKEV2_REASON_DELETED, NULL);
}

static void limit(struct script *script, int side)
{
	struct world_peer *peer = peer_of(script, side);
	struct ikev2_connection *old = peer->connection;

	peer->config.policy = &script->policies[side];
	assert_int_equal(ikev2_connection_new(&peer->config, &peer->connection), 0);
	assert_int_equal(ikev2_rebind(peer->engine, script->old_ike[side], peer->connection), 0);
	ikev2_connection_put(old);
}

static int command(struct script *script, int side, const char *verb)
{
	struct world_peer *peer = peer_of(script, side);
	struct ikev2_engine *engine = peer->engine;
	uint64_t ike = script->old_ike[side];
	uint32_t child = script->old_child[side];
	uint64_t now = script->world.now_ns;

	if (!strcmp(verb, "rekey"))
		return ikev2_child_rekey(engine, child, now);
	if (!strcmp(verb, "delete"))
		return ikev2_child_delete(engine, child, now);
	if (!strcmp(verb, "delete-new"))
		return ikev2_child_delete(engine, newest(peer), now);
	if (!strcmp(verb, "delete-kept"))
		return ikev2_child_delete(engine, kept(script, peer, side), now);
	if (!strcmp(verb, "ike"))
		return ikev2_rekey(engine, ike, now);
	if (!strcmp(verb, "close"))
		return ikev2_delete(engine, ike, false, now);
	if (!strcmp(verb, "probe"))
		return ikev2_probe(engine, ike, now);
	if (!strcmp(verb, "soft") || !strcmp(verb, "hard"))
		ikev2_child_expiring(engine, child, verb[0] == 'h', now);
	else if (!strcmp(verb, "bogus"))
		bogus_delete(script, side);
	else if (!strcmp(verb, "lose"))
		lose_child(script, side);
	else if (!strcmp(verb, "limit"))
		limit(script, side);
	else
		fail_msg("%s: no such verb", script->word);
	return 0;
}

static void answer_hooks(struct script *script, int side)
{
	struct world_peer *peer = peer_of(script, side);
	const struct ikev2_sa *sa = ikev2_sa_find(peer->engine, script->old_ike[side]);

	nonce_of(script, side, sa && sa->tasks[IKEV2_SLOT_LOCAL]);
	assert_true(world_complete(peer));
	while (world_complete(peer))
		;
	nonce_first = -1;
}

static bool on_the_wire(const struct script *script, bool from_b)
{
	const struct list *at;

	for (at = script->world.packets.next; at != &script->world.packets; at = at->next)
		if (list_entry(at, struct world_packet, link)->to_b != from_b)
			return true;
	return false;
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	assert_true(end != text && !*end);
	return n;
}

static void peer_word(struct script *script, const char *word)
{
	int side = word[0] == 'b';
	struct world_peer *peer = peer_of(script, side);
	size_t installed = 0;

	switch (word[1]) {
	case ':':
		nonce_of(script, side, true);
		assert_int_equal(command(script, side, word + 2), 0);
		nonce_first = -1;
		return;
	case '*':
		answer_hooks(script, side);
		return;
	case '?':
		if (!strstr(peer->said, word + 2))
			fail_msg("%s: it said %s", word, peer->said);
		return;
	case '#':
		for (const struct list *at = peer->sas.next; at != &peer->sas; at = at->next)
			installed++;
		assert_int_equal(installed, number(word + 2));
		return;
	case '~':
		assert_int_equal(ikev2_counters(peer->engine)->sas, number(word + 2));
		return;
	case '-':
		assert_false(on_the_wire(script, side));
		return;
	default:
		fail_msg("%s: not a word", word);
	}
}

static enum world_fate lose_all(struct world *world, const struct world_packet *packet, size_t n)
{
	return WORLD_LOSE;
}

static void do_word(struct script *script, const char *word)
{
	script->word = word;
	if (script->world.trace)
		printf("--- %s\n", word);
	if (word[0] == '>' || word[0] == '<')
		move(script, word);
	else if (word[0] == '+')
		release(script, word);
	else if (!strcmp(word, ".."))
		world_deliver(&script->world);
	else if (!strncmp(word, "w:", 2))
		world_run(&script->world, number(word + 2) * WORLD_SECOND);
	else if (!strcmp(word, "dead"))
		script->world.fate = lose_all;
	else
		peer_word(script, word);
	world_check(&script->world);
}

static void policy_of(struct script *script, int side, const char *offer, const char *accept)
{
	const struct ike_policy *strong = ike_policy_profile(IKE_PROFILE_STRONG);
	struct ike_policy *policy = &script->policies[side];
	struct ike_proposal *proposals = script->proposals[side];
	bool ike = strstr(offer, "prf");
	enum ike_protocol protocol = ike ? IKE_PROTOCOL_IKE : IKE_PROTOCOL_ESP;
	struct span bad;

	assert_int_equal(ike_proposal_parse(&proposals[0], protocol, offer, &bad), 0);
	assert_int_equal(ike_proposal_parse(&proposals[1], protocol, accept, &bad), 0);
	*policy = *strong;
	if (ike) {
		policy->ike_offer = &proposals[0];
		policy->ike_accept = &proposals[1];
		policy->ike_offer_count = policy->ike_accept_count = 1;
	} else {
		policy->child_offer = &proposals[0];
		policy->child_accept = &proposals[1];
		policy->child_offer_count = policy->child_accept_count = 1;
		peer_of(script, side)->config.policy = policy;
	}
}

static void begin(struct script *script, const struct script_case *what, bool mirrored)
{
	struct world *world = &script->world;

	script->what = what;
	world_init(world, IKE_PROFILE_STRONG);
	world->listen = true;
	world->a.slow = what->slow_a;
	world->b.slow = what->slow_b;
	world->a.config.dpd_s = world->b.config.dpd_s = 600;
	if (what->a_offer)
		policy_of(script, 0, what->a_offer, what->a_accept);
	if (what->b_offer)
		policy_of(script, 1, what->b_offer, what->b_accept);
	world_start(world);
	world_dial(world, mirrored ? &world->b : &world->a, NULL);
	world_deliver(world);
	world_agree(world, 1);
	for (int side = 0; side < 2; side++) {
		script->old_ike[side] = world_ike(peer_of(script, side));
		script->old_child[side] = world_child(peer_of(script, side));
	}
	world->always_reachable = !what->gap;
}

/* In round 0 and 2 the lowest nonce is in a's exchange: what b began stays; else the other way. */
static void check_contest(struct script *script, uint8_t round)
{
	bool a_began = round == 1 || round == 3;
	struct world_peer *a = &script->world.a;
	struct ikev2_child_info child;
	struct ikev2_info ike;

	if (script->what->rekeyed > 0) {
		assert_int_equal(ikev2_child_info(a->engine, world_child(a), &child), 0);
		assert_int_equal(child.initiator, a_began);
	} else {
		assert_int_equal(ikev2_info(a->engine, world_ike(a), &ike), 0);
		assert_int_equal(ike.initiator, a_began);
	}
}

static void check_count(const struct script *script, enum ikev2_event_kind kind, int wanted)
{
	if (wanted < 0)
		return;
	assert_int_equal(world_count(&script->world.a, kind), wanted);
	assert_int_equal(world_count(&script->world.b, kind), wanted);
}

static void check_end(struct script *script, uint8_t round)
{
	const struct script_case *what = script->what;
	struct world *world = &script->world;

	world_run(world, 200 * WORLD_SECOND);
	if (!world_died(world)) {
		world_agree(world, what->children);
		assert_int_equal(world_established(&world->a), what->established);
		assert_int_equal(world_established(&world->b), what->established);
	}
	check_count(script, IKEV2_EVENT_CHILD_REKEYED, what->rekeyed);
	check_count(script, IKEV2_EVENT_CHILD_DOWN, what->down);
	check_count(script, IKEV2_EVENT_REKEYED, what->ike_rekeyed);
	if (what->contest)
		check_contest(script, round);
}

static void play(const struct script_case *what, uint8_t round, bool mirrored)
{
	struct script *script = calloc(1, sizeof(*script));
	char *text = strdup(what->text);
	char *rest = text;

	assert_non_null(script);
	assert_non_null(text);
	printf("         %s, round %u%s\n", what->name, round, mirrored ? ", begun by b" : "");
	begin(script, what, mirrored);
	memset(script->nonces, 0xff, sizeof(script->nonces));
	script->nonces[round] = 0;
	for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " "))
		if (*word)
			do_word(script, word);
	check_end(script, round);
	for (size_t i = 0; i < HELD; i++)
		free(script->held[i]);
	world_fini(&script->world);
	free(text);
	free(script);
}

/* As cmocka's test: *state is the case. */
static void run_case(void **state)
{
	const struct script_case *what = *state;

	for (uint8_t round = 0; round < (what->rounds ? what->rounds : 1); round++) {
		play(what, round, false);
		play(what, round, true);
	}
}

int script_main(const char *group, const struct script_case *cases, size_t count)
{
	struct CMUnitTest *tests = calloc(count, sizeof(*tests));
	int failed;

	if (!tests || secret_pool_init(4 << 20))
		return 1;
	for (size_t i = 0; i < count; i++)
		tests[i] = (struct CMUnitTest){ .name = cases[i].name,
						.test_func = run_case,
						.initial_state = (void *)&cases[i] };
	failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
	free(tests);
	return failed;
}
