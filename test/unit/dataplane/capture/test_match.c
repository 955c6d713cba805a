#include "dataplane/capture/match.h"

#include "net/header.h"

#include <rte_byteorder.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct capture_table *table;
static struct capture_store *store;

struct message {
	struct contract_capture head;
	struct contract_capture_rule rules[16];
};

static struct net_prefix prefix(const char *text)
{
	struct net_prefix p;

	assert_int_equal(net_prefix_parse(&p, text), 0);
	return p;
}

static void set(struct message *m, uint16_t rules)
{
	m->head.id = 1;
	m->head.what = m->head.what ? m->head.what : CONTRACT_CAPTURE_INNER;
	m->head.rules = rules;
	assert_int_equal(capture_set(store, &m->head), 0);
}

static void end(void)
{
	capture_clear(store);
	assert_null(table);
	assert_int_equal(capture_count(store), 0);
}

static void packet4(uint8_t ip[64], uint32_t src, uint32_t dst, uint8_t protocol, uint16_t src_port,
		    uint16_t dst_port)
{
	uint32_t src_be = rte_cpu_to_be_32(src);
	uint32_t dst_be = rte_cpu_to_be_32(dst);
	uint16_t ports[2] = { rte_cpu_to_be_16(src_port), rte_cpu_to_be_16(dst_port) };

	memset(ip, 0, 64);
	ip[0] = 0x45;
	ip[8] = 64;
	ip[9] = protocol;
	memcpy(ip + 12, &src_be, 4);
	memcpy(ip + 16, &dst_be, 4);
	memcpy(ip + 20, ports, 4);
}

static bool wanted(const uint8_t *ip)
{
	struct capture_key key;

	capture_key(&key, ip, 64);
	return capture_match(table, table->inner, &key, 0) != 0;
}

static void test_directions(void **state)
{
	struct message m = { .rules = { { .src = prefix("10.1.0.0/16"),
					  .dst = prefix("10.2.0.0/16"),
					  .dst_port = 443,
					  .tcp_flags = CONTRACT_TCP_ANY } } };
	uint8_t there[64];
	uint8_t back[64];
	uint8_t other[64];

	packet4(there, 0x0a010001, 0x0a020001, NET_PROTO_TCP, 5000, 443);
	packet4(back, 0x0a020001, 0x0a010001, NET_PROTO_TCP, 443, 5000);
	packet4(other, 0x0a010001, 0x0a020001, NET_PROTO_TCP, 443, 5000);
	set(&m, 1);
	assert_true(wanted(there));
	assert_true(wanted(back));
	assert_false(wanted(other));
	assert_false(capture_gate(table, other, 20, NET_PROTO_TCP));
	m.head.single = 1;
	set(&m, 1);
	assert_true(wanted(there));
	assert_false(wanted(back));
	assert_false(capture_gate(table, back, 20, NET_PROTO_TCP));
	end();
}

static void test_tcp_flags_and_protocol(void **state)
{
	struct message m = { .rules = { { .protocol = NET_PROTO_TCP, .tcp_flags = 2 | 4 } } };
	uint8_t ip[64];

	set(&m, 1);
	packet4(ip, 1 << 24, 2 << 24, NET_PROTO_TCP, 1, 2);
	ip[33] = 16;
	assert_false(wanted(ip));
	ip[33] = 18;
	assert_true(wanted(ip));
	ip[9] = NET_PROTO_UDP;
	assert_false(wanted(ip));
	end();
}

/* Header fields behind the end of a packet, or of a later fragment, are not looked at. */
static void test_short(void **state)
{
	struct message m = { .rules = { { .dst_port = 53, .tcp_flags = CONTRACT_TCP_ANY } } };
	struct capture_key key;
	uint8_t ip[64];

	set(&m, 1);
	packet4(ip, 1 << 24, 2 << 24, NET_PROTO_UDP, 1, 53);
	assert_true(wanted(ip));
	ip[7] = 1; /* fragment offset */
	assert_false(wanted(ip));
	ip[7] = 0;
	for (uint32_t n = 0; n < 24; n++) {
		capture_key(&key, ip, n);
		assert_false(key.ports);
		assert_int_equal(key.src.family, n < 20 ? NET_NONE : NET_IP4);
	}
	end();
}

static void test_ip6(void **state)
{
	struct message m = { .rules = { { .src = prefix("2001:db8::/32"),
					  .dst_port = 53,
					  .tcp_flags = CONTRACT_TCP_ANY } } };
	uint8_t ip[64] = { 0x60, [6] = 0, [8] = 0x20, 0x01, 0x0d, 0xb8, [40] = 17, 0, [51] = 53 };

	set(&m, 1);
	assert_true(wanted(ip)); /* UDP behind hop-by-hop options */
	assert_true(capture_gate(table, ip, 48, 17));
	ip[8] = 0x30;
	assert_false(wanted(ip));
	end();
}

static void test_tunnels(void **state)
{
	struct {
		struct contract_capture head;
		uint64_t bits[2];
	} m = { { .id = 3, .what = CONTRACT_CAPTURE_INNER, .tunnel_words = 2 }, { 0, 2 } };
	struct capture_key key = { 0 };

	assert_int_equal(capture_set(store, &m.head), 0);
	assert_int_equal(table->outer, 0);
	assert_true(capture_tunnel_gate(table, 65));
	assert_false(capture_tunnel_gate(table, 64));
	assert_false(capture_tunnel_gate(table, 100000));
	assert_int_equal(capture_match(table, table->inner, &key, 65), 1 << 3);
	assert_int_equal(capture_match(table, table->inner, &key, 1), 0);
	m.head.what = 0;
	assert_int_equal(capture_set(store, &m.head), 0);
	assert_null(table);
	assert_int_equal(capture_set(store, &m.head), -ENOENT);
}

static uint32_t pick(const uint32_t *from, uint32_t n)
{
	return from[(uint32_t)rand() % n];
}

/* A gate lets through whatever a rule would take: tried on fields from a small world. */
static uint64_t part_of(const uint8_t *ip)
{
	switch (table->sieve.part) {
	case CAPTURE_ONE_ADDRESS:
	case CAPTURE_ADDRESSES:
		return capture_addresses(ip);
	case CAPTURE_PORTS:
		return capture_ports(ip + 20);
	default:
		return ip[9];
	}
}

static void test_gates_miss_nothing(void **state)
{
	static const uint32_t addresses[] = { 0x0a010001, 0x0a020001, 0x0a010102, 0xc0000201 };
	static const char *const prefixes[] = { "10.1.0.0/16", "10.2.0.1/32", "0.0.0.0/0",
						"192.0.2.0/24" };
	static const uint32_t ports[] = { 0, 53, 443 };
	static const uint32_t protocols[] = { 0, 6, 17, 1 };
	uint32_t taken = 0;
	uint32_t stopped = 0;

	srand(7);
	for (int round = 0; round < 3000; round++) {
		struct message m = { .head.single = (uint8_t)(rand() & 1) };
		uint16_t rules = (uint16_t)(1 + rand() % (round % 2 ? 6 : 1));
		uint8_t ip[64];
		bool good;
		bool open;

		for (uint32_t i = 0; i < rules; i++) {
			struct contract_capture_rule *r = &m.rules[i];

			r->tcp_flags = CONTRACT_TCP_ANY;
			if (rand() % 4)
				r->src = prefix(prefixes[rand() % 4]);
			if (rand() % 4)
				r->dst = prefix(prefixes[rand() % 4]);
			r->dst_port = (uint16_t)pick(ports, 3);
			r->protocol = (uint8_t)pick(protocols, 4);
		}
		set(&m, rules);
		packet4(ip, pick(addresses, 4), pick(addresses, 4), (uint8_t)pick(protocols, 4),
			(uint16_t)pick(ports, 3), (uint16_t)pick(ports, 3));
		good = wanted(ip);
		open = capture_gate(table, ip, 20, ip[9]) &&
		       (!table->sieve.usable || capture_sieve_word(&table->sieve, part_of(ip)));
		if (good && !open)
			fail_msg("round %d: a packet that a rule wants was stopped", round);
		taken += good;
		stopped += !open;
	}
	assert_true(taken > 300 && stopped > 300);
	end();
}

static int setup(void **state)
{
	return capture_init(&store, &table, NULL);
}

static int teardown(void **state)
{
	capture_fini(store);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directions), cmocka_unit_test(test_tcp_flags_and_protocol),
		cmocka_unit_test(test_short),	   cmocka_unit_test(test_ip6),
		cmocka_unit_test(test_tunnels),	   cmocka_unit_test(test_gates_miss_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
