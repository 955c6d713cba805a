/* Legality of messages: good ones of each kind, each rule broken once, every truncation. */
#include "../cmocka_all.h"
#include "samples.h"

#include <stdlib.h>

static struct sample s;

static void assert_says(const char *wrong, const char *want)
{
	if (!want)
		assert_null(wrong);
	else if (!wrong || !strstr(wrong, want))
		fail_msg("says \"%s\", not \"%s\"", wrong ? wrong : "nothing", want);
}

static void test_good_objects(void **state)
{
	for (unsigned kind = CONTRACT_PORT; kind < CONTRACT_KINDS; kind++) {
		bool listed_only = kind == CONTRACT_PORT || kind == CONTRACT_MIRROR;
		const char *theirs = listed_only ? "belong to the data plane" : NULL;

		sample_message(&s, CONTRACT_ADD, kind, 1);
		assert_says(contract_request_check(&s.header), theirs);
		if (!listed_only) {
			assert_int_equal(contract_object_of(&s.header)->kind, kind);
			assert_memory_equal(contract_opaque_of(&s.header), "hello", 5);
		}
		sample_message(&s, CONTRACT_SET, kind, 1);
		assert_says(contract_request_check(&s.header), theirs);
		sample_message(&s, CONTRACT_OBJECT, kind, 1);
		assert_says(contract_event_check(&s.header), NULL);
		sample_key(&s, CONTRACT_DELETE, kind, 1);
		assert_says(contract_request_check(&s.header), theirs);
		sample_key(&s, CONTRACT_CONFIRM, kind, 1);
		assert_says(contract_request_check(&s.header), theirs);
		sample_begin(&s, CONTRACT_LIST, 1);
		sample_object(&s, kind, 0);
		assert_says(contract_request_check(&s.header), NULL);
	}
}

static void test_good_events(void **state)
{
	for (unsigned type = CONTRACT_ACQUIRE; type <= CONTRACT_UNKNOWN_SPI; type++) {
		sample_event(&s, type);
		assert_says(contract_event_check(&s.header), NULL);
		assert_says(contract_request_check(&s.header), "type is unknown");
	}
	for (uint32_t n = 0; n < 20; n++) {
		sample_datagram(&s, CONTRACT_PUNT, n);
		assert_says(contract_event_check(&s.header), NULL);
		sample_datagram(&s, CONTRACT_SEND, n);
		assert_says(contract_request_check(&s.header), NULL);
	}
	sample_answer(&s, false, 4);
	assert_says(contract_event_check(&s.header), NULL);
	sample_answer(&s, true, 4);
	assert_says(contract_event_check(&s.header), NULL);
}

static void test_bare_requests(void **state)
{
	static const enum contract_type types[] = { CONTRACT_ADOPTED, CONTRACT_PROBE,
						    CONTRACT_BATCH };

	for (size_t i = 0; i < 3; i++) {
		sample_begin(&s, types[i], 1);
		assert_says(contract_request_check(&s.header), NULL);
		s.header.request = 0;
		assert_says(contract_request_check(&s.header), "number");
		s.header.request = 1;
		s.header.length = 24;
		assert_non_null(contract_request_check(&s.header));
	}
}

static void test_header(void **state)
{
	static const uint32_t lengths[] = {
		0, 8, 15, 17, 20, CONTRACT_MESSAGE_MAX + 8, UINT32_MAX
	};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		sample_begin(&s, CONTRACT_PROBE, 1);
		s.header.length = lengths[i];
		assert_non_null(contract_request_check(&s.header));
		s.header.type = CONTRACT_PUNT;
		assert_non_null(contract_event_check(&s.header));
	}
	sample_begin(&s, CONTRACT_PROBE, 1);
	s.header.zero = 1;
	assert_says(contract_request_check(&s.header), "unused");
	for (unsigned type = 0; type < 70000; type++) {
		sample_begin(&s, CONTRACT_PROBE, 1);
		s.header.type = (uint16_t)type;
		if (s.header.type == 0 || s.header.type > CONTRACT_CAPTURE)
			assert_says(contract_request_check(&s.header), "type is unknown");
		if (s.header.type < CONTRACT_ANSWER || s.header.type > CONTRACT_TRACED)
			assert_says(contract_event_check(&s.header), "type is unknown");
	}
}

/* Cut at each byte, in memory of just that size: never accepted, never read behind. */
static void truncate_all(const char *(*check)(const struct contract_header *))
{
	assert_null(check(&s.header));
	for (size_t n = sizeof(struct contract_header); n < s.header.length; n += 8) {
		struct contract_header *cut = aligned_alloc(8, n);

		memcpy(cut, &s, n);
		cut->length = (uint32_t)n;
		assert_non_null(check(cut));
		free(cut);
	}
	for (size_t n = s.header.length + 8; n < s.header.length + 24; n += 8) {
		uint32_t was = s.header.length;

		s.header.length = (uint32_t)n;
		assert_non_null(check(&s.header));
		s.header.length = was;
	}
}

static void test_truncations(void **state)
{
	for (unsigned kind = CONTRACT_PORT; kind < CONTRACT_KINDS; kind++) {
		sample_message(&s, CONTRACT_OBJECT, kind, 1);
		truncate_all(contract_event_check);
		if (kind < CONTRACT_ADDRESS)
			continue;
		sample_message(&s, CONTRACT_ADD, kind, 1);
		truncate_all(contract_request_check);
		sample_key(&s, CONTRACT_DELETE, kind, 1);
		truncate_all(contract_request_check);
	}
	for (unsigned type = CONTRACT_ACQUIRE; type <= CONTRACT_UNKNOWN_SPI; type++) {
		sample_event(&s, type);
		truncate_all(contract_event_check);
	}
	sample_datagram(&s, CONTRACT_PUNT, 21);
	truncate_all(contract_event_check);
	sample_answer(&s, false, 1);
	truncate_all(contract_event_check);
}

/* Whoever leaves something in the padding leaks memory or smuggles. */
static void test_padding_is_zero(void **state)
{
	for (unsigned kind = CONTRACT_ADDRESS; kind < CONTRACT_KINDS; kind++) {
		sample_message(&s, CONTRACT_ADD, kind, 1);
		for (size_t at = s.used; at < s.header.length; at++) {
			s.bytes[at] = 1;
			assert_says(contract_request_check(&s.header), "padding");
			s.bytes[at] = 0;
		}
	}
}

/* A capture with a rule and a row of tunnels, and what is broken in it. */
static void capture(struct contract_capture *c, struct contract_capture_rule *rule)
{
	const uint64_t tunnels = 6;

	sample_begin(&s, CONTRACT_CAPTURE, 1);
	sample_append(&s, c, sizeof(*c));
	sample_append(&s, rule, sizeof(*rule));
	sample_append(&s, &tunnels, sizeof(tunnels));
}

static void test_captures(void **state)
{
	const struct contract_capture good = {
		.id = 31, .snap = 120, .what = CONTRACT_CAPTURE_INNER, .rules = 1, .tunnel_words = 1
	};
	const struct contract_capture_rule any = { .tcp_flags = CONTRACT_TCP_ANY };
	struct contract_capture c = good;
	struct contract_capture_rule rule = any;

	capture(&c, &rule);
	assert_null(contract_request_check(&s.header));
	c.id = 32;
	capture(&c, &rule);
	assert_says(contract_request_check(&s.header), "1 to 31");
	c = good;
	c.what = 1 << 4;
	capture(&c, &rule);
	assert_says(contract_request_check(&s.header), "out of range");
	c = good;
	c.rules = 2;
	capture(&c, &rule);
	assert_says(contract_request_check(&s.header), "does not fit");
	c.rules = 257;
	capture(&c, &rule);
	assert_says(contract_request_check(&s.header), "more than there is");
	c = good;
	rule.src = net_prefix_of(&(struct net_addr){ .bytes = { 10 }, .family = NET_IP4 }, 8);
	capture(&c, &rule);
	assert_null(contract_request_check(&s.header));
	rule.src.addr.bytes[3] = 1;
	capture(&c, &rule);
	assert_says(contract_request_check(&s.header), "prefix");
	rule = any;
	rule.tcp_flags = 256;
	capture(&c, &rule);
	assert_says(contract_request_check(&s.header), "TCP flags");
}

static void test_captured(void **state)
{
	struct contract_captured c = { .captures = 2, .length = 9, .kept = 3, .layer = 1 };
	struct contract_traced t = { .captures = 2, .step = CONTRACT_STEP_DROP };

	sample_begin(&s, CONTRACT_CAPTURED, 0);
	sample_append(&s, &c, sizeof(c));
	assert_says(contract_event_check(&s.header), "does not fit");
	sample_append(&s, "abc", 3);
	assert_null(contract_event_check(&s.header));
	((struct contract_captured *)(&s.header + 1))->layer = 4;
	assert_says(contract_event_check(&s.header), "out of range");
	sample_begin(&s, CONTRACT_TRACED, 0);
	sample_append(&s, &t, sizeof(t));
	assert_null(contract_event_check(&s.header));
	((struct contract_traced *)(&s.header + 1))->step = CONTRACT_STEP_COUNT;
	assert_says(contract_event_check(&s.header), "out of range");
}

/* One broken field a row: kind, offset in the body, width, value, what the answer says. */
#define AT(type, field) offsetof(struct type, field), sizeof(((struct type *)0)->field)

static const struct broken {
	enum contract_kind kind;
	size_t offset, width;
	uint64_t value;
	const char *says;
} rows[] = {
	{ CONTRACT_ADDRESS, AT(contract_address, addr.family), 5, "address is not valid" },
	{ CONTRACT_ADDRESS, AT(contract_address, addr.bytes[4]), 5, "address is not valid" },
	{ CONTRACT_ADDRESS, AT(contract_address, addr.zero[2]), 5, "address is not valid" },
	{ CONTRACT_NEIGHBOUR, AT(contract_neighbour, port), 0, "no port" },
	{ CONTRACT_NEIGHBOUR, AT(contract_neighbour, mac[0]), 1, "multicast" },
	{ CONTRACT_NEIGHBOUR, AT(contract_neighbour, zero), 1, "unused" },
	{ CONTRACT_NEIGHBOUR, AT(contract_neighbour, addr.family), 0, "not valid" },
	{ CONTRACT_NEXTHOP, AT(contract_nexthop, kind), 0, "kind is unknown" },
	{ CONTRACT_NEXTHOP, AT(contract_nexthop, kind), 7, "kind is unknown" },
	{ CONTRACT_NEXTHOP, AT(contract_nexthop, kind), CONTRACT_NEXTHOP_DROP, "only an ECMP" },
	{ CONTRACT_NEXTHOP, AT(contract_nexthop, kind), CONTRACT_NEXTHOP_CONNECTED, "no port" },
	{ CONTRACT_NEXTHOP, AT(contract_nexthop, kind), CONTRACT_NEXTHOP_GROUP, "no target" },
	{ CONTRACT_NEXTHOP, AT(contract_nexthop, flags), 2, "flag" },
	{ CONTRACT_NEXTHOP, AT(contract_nexthop, gateway.family), 4, "gateway" },
	{ CONTRACT_NEXTHOP, sizeof(struct contract_nexthop), 4, 0, "no id" },
	{ CONTRACT_NEXTHOP, sizeof(struct contract_nexthop), 4, 9, "own member" },
	{ CONTRACT_NEXTHOP, sizeof(struct contract_nexthop) + 4, 2, 257, "weight" },
	{ CONTRACT_NEXTHOP, AT(contract_nexthop, source_count), 3, "does not fit" },
	{ CONTRACT_NEXTHOP, AT(contract_nexthop, source_count), 254, "does not fit" },
	{ CONTRACT_NEXTHOP, sizeof(struct contract_nexthop) + 16, 4, 0, "source" },
	{ CONTRACT_GROUP, AT(contract_group, member_count), 3, "does not fit" },
	{ CONTRACT_GROUP, AT(contract_group, member_count), 255, "does not fit" },
	{ CONTRACT_GROUP, AT(contract_group, zero[1]), 1, "unused" },
	{ CONTRACT_GROUP, sizeof(struct contract_group) + 6, 2, 1, "unused" },
	{ CONTRACT_TUNNEL, AT(contract_tunnel, df), 3, "DF" },
	{ CONTRACT_TUNNEL, AT(contract_tunnel, source_check), 4, "source check" },
	{ CONTRACT_TUNNEL, AT(contract_tunnel, dscp), 64, "DSCP" },
	{ CONTRACT_TUNNEL, AT(contract_tunnel, flags), 8, "flag" },
	{ CONTRACT_CHILD, AT(contract_child, tunnel), 0, "no tunnel" },
	{ CONTRACT_CHILD, AT(contract_child, local_count), 0, "does not fit" },
	{ CONTRACT_CHILD, AT(contract_child, remote_count), 255, "does not fit" },
	{ CONTRACT_CHILD, AT(contract_child, zero), 1, "unused" },
	{ CONTRACT_CHILD, sizeof(struct contract_child) + offsetof(struct net_selector, end), 1, 0,
	  NULL }, /* 0.0.0.0-0.255.255.255 is a range too */
	{ CONTRACT_CHILD, sizeof(struct contract_child), 1, 255, NULL },
	{ CONTRACT_CHILD, sizeof(struct contract_child) + 16, 1, 6, "range" },
	{ CONTRACT_CHILD, sizeof(struct contract_child) + 45, 1, 6, "unused" },
	{ CONTRACT_LIMIT, AT(contract_limit, parent), 9, "own parent" },
	{ CONTRACT_LIMIT, AT(contract_limit, direction_sum), 2, "direction" },
	{ CONTRACT_LIMIT, AT(contract_limit, zero[4]), 2, "unused" },
	{ CONTRACT_ROUTE, AT(contract_route, nexthop), 0, "no next hop" },
	{ CONTRACT_ROUTE, AT(contract_route, prefix.length), 33, "prefix is not valid" },
	{ CONTRACT_ROUTE, AT(contract_route, prefix.length), 6, "host bits" },
	{ CONTRACT_ROUTE, AT(contract_route, prefix.addr.family), 0, "prefix is not valid" },
	{ CONTRACT_ROUTE, AT(contract_route, prefix.zero[0]), 1, "unused" },
	{ CONTRACT_SA, AT(contract_sa, spi), 255, "reserved" },
	{ CONTRACT_SA, AT(contract_sa, spi), 0x05a0000a, "low bits" },
	{ CONTRACT_SA, AT(contract_sa, direction), 0, "direction" },
	{ CONTRACT_SA, AT(contract_sa, direction), 3, "direction" },
	{ CONTRACT_SA, AT(contract_sa, cipher), CONTRACT_CIPHER_COUNT, "cipher" },
	{ CONTRACT_SA, AT(contract_sa, cipher), CONTRACT_CIPHER_AES128_GCM, "key has a wrong" },
	{ CONTRACT_SA, AT(contract_sa, cipher), CONTRACT_CIPHER_AES256_CBC, "no integrity" },
	{ CONTRACT_SA, AT(contract_sa, cipher), CONTRACT_CIPHER_NULL, "no integrity" },
	{ CONTRACT_SA, AT(contract_sa, integrity), CONTRACT_INTEGRITY_COUNT, "integrity" },
	{ CONTRACT_SA, AT(contract_sa, integrity), CONTRACT_INTEGRITY_SHA256_128, "takes no" },
	{ CONTRACT_SA, AT(contract_sa, icv_bytes), 0, "ICV" },
	{ CONTRACT_SA, AT(contract_sa, icv_bytes), 17, "ICV" },
	{ CONTRACT_SA, AT(contract_sa, icv_bytes), 12, NULL },
	{ CONTRACT_SA, AT(contract_sa, tunnel), 0, "no tunnel" },
	{ CONTRACT_SA, AT(contract_sa, flags), 32, "flag" },
	{ CONTRACT_SA, AT(contract_sa, window), 63, "window" },
	{ CONTRACT_SA, AT(contract_sa, window), 4097, "window" },
	{ CONTRACT_SA, AT(contract_sa, local_port), 0, "port" },
	{ CONTRACT_SA, AT(contract_sa, remote_port), 0, NULL },
	{ CONTRACT_SA, AT(contract_sa, local.family), 6, "remote address" },
	{ CONTRACT_SA, AT(contract_sa, local.family), 7, "local address" },
	{ CONTRACT_SA, AT(contract_sa, remote.family), 0, "remote address" },
	{ CONTRACT_SA, AT(contract_sa, key_length), 35, "key has a wrong" },
	{ CONTRACT_SA, AT(contract_sa, key_length), 0, "key has a wrong" },
	{ CONTRACT_SA, AT(contract_sa, key_length), 65535, "key has a wrong" },
	{ CONTRACT_SA, AT(contract_sa, integrity_key_length), 20, "key has a wrong" },
	{ CONTRACT_SA, AT(contract_sa, key[36]), 1, "no key" },
	{ CONTRACT_SA, AT(contract_sa, integrity_key[63]), 1, "no key" },
	{ CONTRACT_SA, AT(contract_sa, zero), 1, "unused" },
};

static void test_each_rule(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sample_message(&s, CONTRACT_ADD, rows[i].kind, 1);
		memcpy((uint8_t *)contract_body_of(&s.header) + rows[i].offset, &rows[i].value,
		       rows[i].width);
		assert_says(contract_request_check(&s.header), rows[i].says);
	}
}

static void test_object_head(void **state)
{
	struct contract_object *object;

	for (unsigned kind = CONTRACT_ADDRESS; kind < CONTRACT_KINDS; kind++) {
		sample_message(&s, CONTRACT_ADD, kind, 1);
		object = contract_object_of(&s.header);
		object->id = object->id ? 0 : 9;
		assert_says(contract_request_check(&s.header), "id");
		sample_message(&s, CONTRACT_ADD, kind, 1);
		object->zero = 1;
		assert_says(contract_request_check(&s.header), "unused");
		sample_message(&s, CONTRACT_ADD, kind, 1);
		object->opaque_length = 257;
		assert_says(contract_request_check(&s.header), "256 opaque");
		object->opaque_length = 65535;
		assert_says(contract_request_check(&s.header), "256 opaque");
		sample_key(&s, CONTRACT_DELETE, kind, 1);
		object->opaque_length = 1;
		assert_says(contract_request_check(&s.header), "no opaque");
		sample_message(&s, CONTRACT_ADD, kind, 1);
		object->kind = CONTRACT_KINDS;
		assert_says(contract_request_check(&s.header), "kind is unknown");
		object->kind = 0;
		assert_says(contract_request_check(&s.header), "kind is unknown");
	}
	sample_begin(&s, CONTRACT_LIST, 1);
	sample_object(&s, CONTRACT_SA, 9);
	assert_says(contract_request_check(&s.header), "a list names a kind");
}

static void set_outbound(struct contract_sa **sa, enum contract_type type)
{
	struct contract_sa outbound = sample_sa(CONTRACT_OUTBOUND, 9);

	sample_message(&s, type, CONTRACT_SA, 1);
	*sa = contract_body_of(&s.header);
	**sa = outbound;
}

static void test_outbound_sa(void **state)
{
	struct contract_sa *sa;

	set_outbound(&sa, CONTRACT_ADD);
	assert_says(contract_request_check(&s.header), NULL);
	sa->window = 0;
	assert_says(contract_request_check(&s.header), NULL);
	sa->spread = 0;
	assert_says(contract_request_check(&s.header), "spread");
	set_outbound(&sa, CONTRACT_ADD);
	sa->remote_port = 0;
	assert_says(contract_request_check(&s.header), "port");
	sa->flags = 0;
	assert_says(contract_request_check(&s.header), NULL);
	sa->sequence_start = UINT64_C(1) << 32;
	assert_says(contract_request_check(&s.header), "sequence");
	sa->flags = CONTRACT_SA_ESN;
	assert_says(contract_request_check(&s.header), NULL);
	memset(&sa->remote, 0, sizeof(sa->remote));
	assert_says(contract_request_check(&s.header), "remote address");
}

static void test_inbound_sa_from_anywhere(void **state)
{
	struct contract_sa *sa;

	sample_message(&s, CONTRACT_ADD, CONTRACT_SA, 1);
	sa = contract_body_of(&s.header);
	memset(&sa->remote, 0, sizeof(sa->remote));
	assert_says(contract_request_check(&s.header), NULL);
	sa->window = 0;
	sa->flags |= CONTRACT_SA_NO_REPLAY_CHECK;
	assert_says(contract_request_check(&s.header), NULL);
}

/* Every cipher with every integrity algorithm: only pairs that protect, with their own sizes. */
static void test_suites(void **state)
{
	static const struct {
		uint8_t key, salt;
		bool aead;
	} ciphers[] = {
#define X(name, text, key, salt, iv, block, aead) { key, salt, aead },
		CONTRACT_CIPHERS(X)
#undef X
	};
	static const struct {
		uint8_t key, icv;
	} integrities[] = {
#define X(name, text, key, icv) { key, icv },
		CONTRACT_INTEGRITIES(X)
#undef X
	};

	for (uint8_t c = 0; c < CONTRACT_CIPHER_COUNT; c++)
		for (uint8_t i = 0; i < CONTRACT_INTEGRITY_COUNT; i++) {
			struct contract_sa *sa;
			bool good = ciphers[c].aead == (i == CONTRACT_INTEGRITY_NONE);

			set_outbound(&sa, CONTRACT_ADD);
			memset(sa->key, 0, sizeof(sa->key));
			sa->cipher = c;
			sa->integrity = i;
			sa->icv_bytes = ciphers[c].aead ? 16 : integrities[i].icv;
			sa->key_length = ciphers[c].key + ciphers[c].salt;
			sa->integrity_key_length = integrities[i].key;
			assert_int_equal(contract_request_check(&s.header) == NULL, good);
			sa->key_length++;
			assert_non_null(contract_request_check(&s.header));
		}
}

static void test_keys_in_set_and_list(void **state)
{
	struct contract_sa *sa;

	set_outbound(&sa, CONTRACT_SET);
	assert_says(contract_request_check(&s.header), NULL);
	memset(sa->key, 0, sizeof(sa->key));
	sa->key_length = 0;
	assert_says(contract_request_check(&s.header), NULL);
	sa->key[0] = 1;
	assert_says(contract_request_check(&s.header), "no key");
	sample_message(&s, CONTRACT_OBJECT, CONTRACT_SA, 1);
	sa = contract_body_of(&s.header);
	assert_int_equal(sa->key_length, 36); /* its length may be told */
	assert_says(contract_event_check(&s.header), NULL);
	sa->key[35] = 1;
	assert_says(contract_event_check(&s.header), "no key");
}

static void test_batch(void **state)
{
	const struct contract_header *m = NULL;
	struct contract_header *second;
	size_t n = 0;

	sample_batch(&s, 5);
	assert_says(contract_request_check(&s.header), NULL);
	while ((m = contract_batch_next(&s.header, m)))
		n++;
	assert_int_equal(n, 2 * (CONTRACT_KINDS - CONTRACT_ADDRESS));
	m = contract_batch_next(&s.header, NULL);
	second = (struct contract_header *)contract_batch_next(&s.header, m);
	second->request = 3;
	assert_says(contract_request_check(&s.header), "number");
	second->request = 0;
	second->length += 8;
	assert_non_null(contract_request_check(&s.header));
	second->length = UINT32_MAX - 7;
	assert_says(contract_request_check(&s.header), "shorter or longer");
	second->length = 0; /* would never end */
	assert_says(contract_request_check(&s.header), "shorter or longer");
}

static void test_not_in_a_batch(void **state)
{
	static const enum contract_type types[] = { CONTRACT_LIST, CONTRACT_BATCH, CONTRACT_ADOPTED,
						    CONTRACT_SEND, CONTRACT_PROBE };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct contract_header inner = { .length = 16, .type = types[i] };

		sample_begin(&s, CONTRACT_BATCH, 1);
		sample_append(&s, &inner, sizeof(inner));
		assert_says(contract_request_check(&s.header), "in a batch");
	}
}

static void test_datagrams(void **state)
{
	struct contract_datagram *d = (void *)(s.words + 2);

#define SPOIL(field, value, says)                                                                  \
	do {                                                                                       \
		sample_datagram(&s, CONTRACT_PUNT, 5);                                             \
		d->field = (value);                                                                \
		assert_says(contract_event_check(&s.header), says);                                \
	} while (0)
	SPOIL(length, 4, "padding");
	SPOIL(length, 6, NULL); /* the padding's zero is as good as a payload's */
	SPOIL(length, 9, "does not fit");
	SPOIL(length, UINT32_MAX, "longer");
	SPOIL(local.family, 6, "addresses");
	SPOIL(remote.family, 0, "addresses");
	SPOIL(local_port, 0, "port");
	SPOIL(remote_port, 0, "port");
	SPOIL(class, 0, "class");
	SPOIL(class, 4, "class");
	SPOIL(non_esp_marker, 2, "range");
	SPOIL(dscp, 64, "range");
	SPOIL(zero[4], 1, "range");
	sample_datagram(&s, CONTRACT_SEND, 5);
	s.header.request = 1;
	assert_says(contract_request_check(&s.header), "number");
}

static void test_events(void **state)
{
	struct contract_answer *answer = (void *)(s.words + 2);

	sample_answer(&s, false, 1);
	answer->status = CONTRACT_REFUSED_UNSUPPORTED + 1;
	assert_says(contract_event_check(&s.header), "status");
	sample_answer(&s, false, 1);
	memset(answer->reason, 'x', sizeof(answer->reason));
	assert_says(contract_event_check(&s.header), "does not end");
	sample_answer(&s, false, 0);
	assert_says(contract_event_check(&s.header), "number");
	for (unsigned type = CONTRACT_ACQUIRE; type <= CONTRACT_UNKNOWN_SPI; type++) {
		sample_event(&s, type);
		s.header.request = 1;
		assert_says(contract_event_check(&s.header), "number");
		sample_event(&s, type);
		memset(s.words + 2, 0, s.header.length - 16);
		assert_non_null(contract_event_check(&s.header));
		memset(s.words + 2, 0xff, s.header.length - 16);
		assert_non_null(contract_event_check(&s.header));
	}
}

static void test_texts(void **state)
{
	for (unsigned kind = 1; kind < CONTRACT_KINDS; kind++) {
		assert_string_not_equal(contract_kind_text(kind), "unknown kind");
		assert_true(contract_body_bytes(kind) > 0);
	}
	assert_string_equal(contract_kind_text(0), "unknown kind");
	assert_string_equal(contract_kind_text(CONTRACT_KINDS), "unknown kind");
	assert_int_equal(contract_body_bytes(CONTRACT_KINDS), 0);
	assert_string_equal(contract_status_text(CONTRACT_APPLIED), "applied");
	assert_string_not_equal(contract_status_text(CONTRACT_REFUSED_UNSUPPORTED),
				"unknown status");
	assert_string_equal(contract_status_text(99), "unknown status");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captures),
		cmocka_unit_test(test_captured),
		cmocka_unit_test(test_good_objects),
		cmocka_unit_test(test_good_events),
		cmocka_unit_test(test_bare_requests),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_truncations),
		cmocka_unit_test(test_padding_is_zero),
		cmocka_unit_test(test_each_rule),
		cmocka_unit_test(test_object_head),
		cmocka_unit_test(test_outbound_sa),
		cmocka_unit_test(test_inbound_sa_from_anywhere),
		cmocka_unit_test(test_suites),
		cmocka_unit_test(test_keys_in_set_and_list),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_not_in_a_batch),
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
