/*
 * Captures and traces: what is told of packets that went every way, and that nothing is told of
 * those that nobody asked for.
 */
#include "craft.h"
#include "peer.h"

#include "../unit/dataplane/eal.h"

#include <rte_mbuf.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>

#define TUNNEL 1
#define OTHER 2

static struct bed *bed;
static struct contract_sa in;
static struct contract_sa out;
static uint64_t sequence;

struct message {
	struct contract_capture head;
	struct contract_capture_rule rule;
	uint64_t tunnels;
};

/* Of tunnel TUNNEL; `rule` NULL: everything there. */
static void capture(uint16_t what, const struct contract_capture_rule *rule, uint32_t snap)
{
	struct {
		struct contract_capture head;
		uint64_t bits;
	} all = { { .id = 1, .snap = snap, .what = what, .tunnel_words = 1 }, 1 << TUNNEL };
	struct message m = { .head = all.head, .tunnels = all.bits };

	m.head.rules = 1;
	if (what & CONTRACT_CAPTURE_STEPS)
		m.head.tunnel_words = 0;
	if (rule)
		m.rule = *rule;
	assert_int_equal(capture_set(bed->captures, rule ? &m.head : &all.head), 0);
}

static struct contract_capture_rule rule_port(uint16_t port)
{
	return (struct contract_capture_rule){ .dst_port = port,
					       .protocol = NET_PROTO_UDP,
					       .tcp_flags = CONTRACT_TCP_ANY };
}

static struct rte_mbuf *record(void)
{
	void *m;

	return rte_ring_sc_dequeue(bed->captured, &m) ? NULL : m;
}

static void nothing_told(void)
{
	assert_null(record());
}

static uint32_t outward(uint32_t tunnel, uint32_t length)
{
	struct craft c = {
		.tunnel = tunnel, .length = length, .protocol = NET_PROTO_UDP, .flow = 53
	};
	uint8_t ip[1600];
	uint32_t n = craft_ip(ip, &c);

	craft_run(bed, 0, craft_frame(bed, ip, n, false));
	return n;
}

static void expired(void)
{
	struct craft c = { .tunnel = TUNNEL, .length = 100, .protocol = NET_PROTO_UDP, .ttl = 1 };
	uint8_t ip[200];
	uint32_t n = craft_ip(ip, &c);

	craft_run(bed, 0, craft_frame(bed, ip, n, false));
}

static void inward(uint32_t length, bool spoil)
{
	struct craft c = { .tunnel = TUNNEL,
			   .inward = true,
			   .length = length,
			   .protocol = NET_PROTO_UDP,
			   .flow = 53 };
	struct craft_outer outer = { .tunnel = TUNNEL, .port = 4500 };
	uint8_t ip[1600];
	uint8_t esp[1700];
	uint32_t n = craft_ip(ip, &c);
	struct peer_packet p = {
		.inner = ip, .length = n, .sequence = ++sequence, .next_header = 4
	};
	int bytes = peer_seal(&in, &p, esp);

	assert_true(bytes > 0);
	if (spoil)
		esp[20] ^= 1;
	craft_run(bed, 1, craft_esp(bed, &outer, esp, (uint32_t)bytes));
}

static void drain(uint32_t device)
{
	struct rte_mbuf *m = craft_sent(bed, device);

	assert_non_null(m);
	bed_drop(m);
}

/* The next record must be a packet of this layer and direction; gives it, to be freed. */
static struct rte_mbuf *told(enum contract_layer layer, bool outbound)
{
	struct rte_mbuf *m = record();
	const struct contract_captured *c;

	assert_non_null(m);
	assert_int_equal(m->packet_type, CONTRACT_CAPTURED);
	c = rte_pktmbuf_mtod(m, const void *);
	assert_int_equal(c->layer, layer);
	assert_int_equal(c->outbound, outbound);
	assert_int_equal(c->captures, 1 << 1);
	assert_int_equal(c->tunnel, TUNNEL);
	assert_int_equal(m->data_len, sizeof(*c) + c->kept);
	return m;
}

static void test_outbound(void **state)
{
	struct rte_mbuf *m;
	const struct contract_captured *c;
	const uint8_t *ip;

	capture(CONTRACT_CAPTURE_INNER | CONTRACT_CAPTURE_OUTER, NULL, 2000);
	outward(TUNNEL, 200);
	m = told(CONTRACT_LAYER_INNER, true);
	c = rte_pktmbuf_mtod(m, const void *);
	ip = (const uint8_t *)(c + 1);
	assert_int_equal(c->kept, 200);
	assert_int_equal(c->spi, out.spi);
	assert_int_equal(ip[0], 0x45);
	assert_int_equal(ip[9], NET_PROTO_UDP);
	bed_drop(m);
	m = told(CONTRACT_LAYER_OUTER, true);
	c = rte_pktmbuf_mtod(m, const void *);
	assert_memory_equal(c + 1, bed_mac_gateway_public, 6);
	assert_int_equal(c->kept, c->length);
	bed_drop(m);
	nothing_told();
	drain(1);
	outward(OTHER, 200); /* another tunnel's */
	nothing_told();
	drain(1);
	capture_clear(bed->captures);
}

static void test_inbound(void **state)
{
	struct contract_capture_rule rule = rule_port(443);
	struct rte_mbuf *m;
	const struct contract_captured *c;

	capture(CONTRACT_CAPTURE_INNER | CONTRACT_CAPTURE_OUTER, NULL, 100);
	inward(300, false);
	m = told(CONTRACT_LAYER_OUTER, false);
	c = rte_pktmbuf_mtod(m, const void *);
	assert_int_equal(c->kept, 100);
	assert_int_equal(c->sequence, sequence);
	assert_true(c->length > 340);
	bed_drop(m);
	m = told(CONTRACT_LAYER_INNER, false);
	c = rte_pktmbuf_mtod(m, const void *);
	assert_int_equal(c->length, 300);
	assert_int_equal(((const uint8_t *)(c + 1))[0], 0x45);
	bed_drop(m);
	drain(0);
	/* by a rule: the outer packet up to what is encrypted, with its whole length */
	capture(CONTRACT_CAPTURE_INNER | CONTRACT_CAPTURE_OUTER, &rule, 2000);
	inward(300, false);
	m = told(CONTRACT_LAYER_OUTER, false);
	c = rte_pktmbuf_mtod(m, const void *);
	assert_int_equal(c->kept, 14 + 20 + 8 + 8 + 8);
	assert_true(c->length > 340);
	bed_drop(m);
	bed_drop(told(CONTRACT_LAYER_INNER, false));
	nothing_told();
	drain(0);
	capture_clear(bed->captures);
}

static void test_no_match(void **state)
{
	struct contract_capture_rule rule = rule_port(9);

	capture(CONTRACT_CAPTURE_INNER | CONTRACT_CAPTURE_OUTER, &rule, 2000);
	outward(TUNNEL, 200);
	drain(1);
	inward(200, false);
	drain(0);
	nothing_told();
	capture_clear(bed->captures);
	outward(TUNNEL, 200);
	drain(1);
	nothing_told();
}

#define NOBODY UINT32_MAX

/* Another host of ours: its address is `at` bytes into the packet. */
static void other_host(uint8_t *ip, uint32_t at)
{
	ip[at + 3] ^= 1;
	craft_sum(ip);
}

/* A burst of packets of one tunnel, of flows 0 to n - 1; packet `other` is another host's. */
static void burst(uint32_t n, bool inbound, uint32_t other)
{
	struct craft_outer outer = { .tunnel = TUNNEL, .port = 4500 };
	struct rte_mbuf *m[PATH_BURST];
	uint8_t ip[200];
	uint8_t esp[300];

	for (uint32_t i = 0; i < n; i++) {
		struct craft c = { .tunnel = TUNNEL,
				   .inward = inbound,
				   .length = 100,
				   .protocol = NET_PROTO_UDP,
				   .flow = (uint16_t)i };
		struct peer_packet p = { .inner = ip,
					 .length = craft_ip(ip, &c),
					 .next_header = 4 };

		if (i == other)
			other_host(ip, inbound ? 16 : 12);
		if (!inbound) {
			m[i] = craft_frame(bed, ip, p.length, false);
			continue;
		}
		p.sequence = ++sequence;
		m[i] = craft_esp(bed, &outer, esp, (uint32_t)peer_seal(&in, &p, esp));
	}
	path_run(bed->path, inbound, m, n);
	bed_sent(bed, !inbound);
}

/* One wanted packet in a burst is told wherever it stands, and no other. */
static void test_one_among_many(void **state)
{
	static const uint16_t places[] = { 0, 1, 62, 63, 64, 99 };
	struct contract_capture_rule rule = rule_port(443);

	for (uint32_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		rule.src_port = (uint16_t)(1024 + places[i]);
		capture(CONTRACT_CAPTURE_INNER, &rule, 100);
		for (uint32_t inbound = 0; inbound < 2; inbound++) {
			const struct contract_captured *c;
			struct rte_mbuf *m;
			uint16_t port_be;

			burst(100, inbound, NOBODY);
			m = told(CONTRACT_LAYER_INNER, !inbound);
			c = rte_pktmbuf_mtod(m, const void *);
			memcpy(&port_be, (const uint8_t *)(c + 1) + 20, sizeof(port_be));
			assert_int_equal(rte_be_to_cpu_16(port_be), 1024 + places[i]);
			bed_drop(m);
			nothing_told();
		}
		capture_clear(bed->captures);
	}
}

static struct net_prefix other_address(uint8_t length)
{
	struct craft c = { .tunnel = TUNNEL, .length = 100 };
	struct net_addr addr;
	uint8_t ip[100];

	craft_ip(ip, &c);
	other_host(ip, 12);
	addr = net_addr_of(NET_IP4, ip + 12);
	return net_prefix_of(&addr, length);
}

static uint16_t flow_told(bool outbound)
{
	struct rte_mbuf *m = told(CONTRACT_LAYER_INNER, outbound);
	uint16_t port_be;

	memcpy(&port_be,
	       rte_pktmbuf_mtod_offset(m, const uint8_t *, sizeof(struct contract_captured) + 20),
	       sizeof(port_be));
	bed_drop(m);
	return rte_be_to_cpu_16(port_be);
}

/* By an address, in vectors of every small size and at every place; one way and both. */
static void test_address_among_few(void **state)
{
	struct message m = {
		.head = { .id = 1, .snap = 100, .what = CONTRACT_CAPTURE_INNER, .rules = 1 },
		.rule = { .src = other_address(32), .tcp_flags = CONTRACT_TCP_ANY }
	};

	for (uint32_t single = 0; single < 2; single++) {
		m.head.single = (uint8_t)single;
		assert_int_equal(capture_set(bed->captures, &m.head), 0);
		for (uint32_t n = 1; n < 10; n++)
			for (uint32_t at = 0; at <= n; at++) {
				burst(n, false, at);
				if (at < n)
					assert_int_equal(flow_told(true), 1024 + at);
				nothing_told();
				burst(n, true, at);
				if (at < n && !single)
					assert_int_equal(flow_told(false), 1024 + at);
				nothing_told();
			}
	}
	capture_clear(bed->captures);
}

/* What is for the mirror of the tunnel: the outer packet is known by its frame as before. */
static void test_to_mirror(void **state)
{
	struct contract_capture_rule rule = rule_port(443);
	struct craft c = { .tunnel = TUNNEL, .inward = true, .length = 100 };
	struct craft_outer outer = { .tunnel = TUNNEL, .port = 4500 };
	const uint8_t us[] = { 169, 254, 21, 1 };
	struct peer_packet p = { .next_header = 4 };
	const struct contract_captured *head;
	struct rte_mbuf *m;
	uint8_t ip[200];
	uint8_t esp[300];

	capture(CONTRACT_CAPTURE_INNER | CONTRACT_CAPTURE_OUTER, &rule, 2000);
	p.inner = ip;
	p.length = craft_ip(ip, &c);
	p.sequence = ++sequence;
	memcpy(ip + 16, us, sizeof(us));
	memset(ip + 10, 0, 2);
	((struct net_ip4_hdr *)ip)->checksum_be = net_checksum_fold(net_checksum_add(0, ip, 20));
	craft_run(bed, 1, craft_esp(bed, &outer, esp, (uint32_t)peer_seal(&in, &p, esp)));
	assert_int_equal(bed_empty(path_mirrored(bed->path)), 1);
	m = told(CONTRACT_LAYER_OUTER, false);
	head = rte_pktmbuf_mtod(m, const void *);
	assert_int_equal(head->kept, 14 + 20 + 8 + 8 + 8);
	assert_memory_equal(head + 1, bed_mac_public, 6);
	bed_drop(m);
	bed_drop(told(CONTRACT_LAYER_INNER, false));
	nothing_told();
	capture_clear(bed->captures);
}

/* Steps of the trace in their order; `drop` is that of the last. */
static void steps(const enum contract_step *want, uint32_t n, enum contract_drop drop)
{
	uint32_t packet = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct rte_mbuf *m = record();
		const struct contract_traced *t;

		if (!m)
			fail_msg("no record for step %u, %s", i, contract_step_name(want[i]));
		assert_int_equal(m->packet_type, CONTRACT_TRACED);
		t = rte_pktmbuf_mtod(m, const void *);
		assert_string_equal(contract_step_name(t->step), contract_step_name(want[i]));
		assert_true(i == 0 || t->packet == packet);
		packet = t->packet;
		if (i + 1 == n)
			assert_int_equal(t->drop, drop);
		bed_drop(m);
	}
	nothing_told();
}

#define STEPS(drop, ...)                                                                           \
	steps((const enum contract_step[]){ __VA_ARGS__ },                                         \
	      sizeof((const enum contract_step[]){ __VA_ARGS__ }) / sizeof(enum contract_step),    \
	      drop)
#define S(name) CONTRACT_STEP_##name

static void test_trace(void **state)
{
	struct contract_capture_rule rule = rule_port(443);
	uint16_t mtu = bed->shared.ports[BED_PUBLIC].mtu;

	capture(CONTRACT_CAPTURE_STEPS, &rule, 0);
	outward(TUNNEL, 200);
	STEPS(CONTRACT_DROP_NONE, S(RECEIVE), S(CLASSIFY), S(ROUTE), S(ADMIT), S(BUILD), S(SEAL),
	      S(SEND));
	drain(1);
	inward(200, false);
	STEPS(CONTRACT_DROP_NONE, S(CHECK), S(OPEN), S(INNER), S(ROUTE), S(SEND));
	drain(0);
	expired();
	STEPS(CONTRACT_DROP_IP_TTL, S(RECEIVE), S(CLASSIFY), S(DROP));
	drain(0);	   /* the ICMP error */
	inward(200, true); /* what is inside is not known, and so nothing is told */
	nothing_told();
	bed->shared.ports[BED_PUBLIC].mtu = 1400;
	outward(TUNNEL, 1500);
	bed->shared.ports[BED_PUBLIC].mtu = mtu;
	STEPS(CONTRACT_DROP_NONE, S(RECEIVE), S(CLASSIFY), S(ROUTE), S(SPLIT), S(ADMIT), S(ADMIT),
	      S(BUILD), S(BUILD), S(SEAL), S(SEAL), S(SEND), S(SEND));
	assert_int_equal(bed_sent(bed, 1), 2);
	capture_clear(bed->captures);
}

/* A trace by outer addresses follows ESP that cannot be opened, and names why it ended. */
static void test_trace_outer(void **state)
{
	struct contract_capture_rule rule = { .tcp_flags = CONTRACT_TCP_ANY, .protocol = 17 };
	struct net_addr remote = bed_remote(TUNNEL, false);

	rule.src = net_prefix_of(&remote, 32);
	capture(CONTRACT_CAPTURE_STEPS, &rule, 0);
	inward(200, true);
	STEPS(CONTRACT_DROP_ESP_ICV, S(RECEIVE), S(CLASSIFY), S(CHECK), S(DROP));
	capture_clear(bed->captures);
}

/* With the ring full packets go on, and the next record says how many were lost. */
static void test_full(void **state)
{
	const struct contract_captured *c;
	struct rte_mbuf *m;
	uint32_t n = 0;

	capture(CONTRACT_CAPTURE_INNER, NULL, 64);
	while (rte_ring_free_count(bed->captured) && rte_mempool_avail_count(bed->pool) > 64) {
		outward(TUNNEL, 100);
		drain(1);
		n++;
	}
	for (uint32_t i = 0; i < 3 && !rte_ring_free_count(bed->captured); i++) {
		outward(TUNNEL, 100);
		drain(1);
	}
	while ((m = record()))
		bed_drop(m);
	assert_true(n > 100);
	outward(TUNNEL, 100);
	drain(1);
	m = record();
	assert_non_null(m);
	c = rte_pktmbuf_mtod(m, const void *);
	assert_int_equal(c->lost, n == 1023 ? 3 : 0);
	bed_drop(m);
	capture_clear(bed->captures);
}

static void no_longer_used(void *buffer, void *opaque)
{
}

/* The same bytes in a buffer that ends where no memory follows; `m` is freed. */
static struct rte_mbuf *at_an_end(struct rte_mbuf *m, uint8_t *buffer)
{
	static struct rte_mbuf_ext_shared_info shared = { .free_cb = no_longer_used };
	struct rte_mbuf *to = rte_pktmbuf_alloc(bed->pool);

	rte_mbuf_ext_refcnt_set(&shared, 1);
	rte_pktmbuf_attach_extbuf(to, buffer, 0, 4096, &shared);
	to->data_off = (uint16_t)(4096 - m->data_len);
	memcpy(rte_pktmbuf_append(to, m->data_len), rte_pktmbuf_mtod(m, void *), m->data_len);
	bed_drop(m);
	return to;
}

/* ESP behind destination options of 1,400 bytes. */
static struct rte_mbuf *behind_options(const uint8_t *esp, uint32_t n)
{
	struct craft_outer outer = { .tunnel = TUNNEL, .ip6 = true };
	uint8_t rest[1500] = { NET_PROTO_ESP, 1400 / 8 - 1 };
	struct rte_mbuf *m;

	memcpy(rest + 1400, esp, n);
	m = craft_esp(bed, &outer, rest, 1400 + n);
	rte_pktmbuf_mtod(m, uint8_t *)[14 + 6] = NET_PROTO_IP6_DEST;
	return m;
}

/* What was dropped is not looked at behind its buffer: its upper layer is not where it was. */
static void test_no_look_past_the_end(void **state)
{
	struct contract_capture_rule rule = rule_port(53);
	uint8_t *memory =
		mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t inner[34] = { 0x60 };
	uint64_t drops = bed_drops_all(bed);
	uint8_t esp[100];
	struct rte_mbuf *m;

	assert_int_equal(mprotect(memory + 4096, 4096, PROT_NONE), 0);
	for (uint32_t i = 0; i < 64; i++) { /* half of them not opened, the others malformed */
		struct peer_packet p = { inner, sizeof(inner), ++sequence, NET_PROTO_IP6, 0 };
		uint32_t n = (uint32_t)peer_seal(&in, &p, esp);

		capture(i & 2 ? CONTRACT_CAPTURE_INNER : CONTRACT_CAPTURE_STEPS, &rule, 64);
		esp[20] ^= i & 1;
		craft_run(bed, 1, at_an_end(behind_options(esp, n), memory));
		while ((m = record()))
			bed_drop(m);
	}
	assert_int_equal(bed_drops_all(bed), drops + 64);
	capture_clear(bed->captures);
	munmap(memory, 2 * 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outbound),
		cmocka_unit_test(test_inbound),
		cmocka_unit_test(test_no_match),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_trace_outer),
		cmocka_unit_test(test_one_among_many),
		cmocka_unit_test(test_address_among_few),
		cmocka_unit_test(test_to_mirror),
		cmocka_unit_test(test_no_look_past_the_end),
		cmocka_unit_test(test_full),
	};
	struct bed_config config = { .tunnels = 4, .buffers = 2048 };
	struct bed_sa sa = { .tunnel = TUNNEL,
			     .cipher = CONTRACT_CIPHER_AES256_GCM,
			     .integrity = CONTRACT_INTEGRITY_NONE,
			     .icv = 16,
			     .flags = CONTRACT_SA_UDP };
	struct bed_sa other = sa;
	int failed;

	test_eal_init();
	bed = bed_new(&config);
	bed_tunnel(bed, TUNNEL);
	bed_sa_add(bed, &sa);
	other.tunnel = OTHER;
	bed_tunnel(bed, OTHER);
	bed_sa_add(bed, &other);
	bed_sa_make(&in, &out, &sa);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	return failed;
}
