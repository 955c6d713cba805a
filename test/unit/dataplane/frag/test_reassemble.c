#include "dataplane/frag/reassemble.h"

#include "../../cmocka_all.h"
#include "../eal.h"
#include "dataplane/frag/piece.h"
#include "dataplane/frag/split.h"
#include "packets.h"

#include <errno.h>

#define HZ UINT64_C(1000000000)
#define L3 14
#define DATAGRAMS 64
#define PIECES 512
#define PER_SOURCE 16

static uint32_t dropped;

static int setup(void **state)
{
	const struct frag_config config = {
		.datagrams = DATAGRAMS,
		.pieces = PIECES,
		.per_source = PER_SOURCE,
		.timeout_ms = 1000,
		.tsc_hz = HZ,
		.socket = -1,
	};

	dropped = 0;
	return frag_table_new((struct frag_table **)state, &config);
}

static int teardown(void **state)
{
	frag_table_free(*state);
	assert_no_leak();
	return 0;
}

/* Behind 14 bytes of Ethernet, with `padding` bytes of nothing at the end. */
static struct rte_mbuf *framed(struct rte_mbuf *m, uint32_t padding)
{
	uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, L3);

	memset(p, 0xee, L3);
	if (padding && m->nb_segs == 1 && rte_pktmbuf_tailroom(m) >= padding)
		memset(rte_pktmbuf_append(m, (uint16_t)padding), 0xdd, padding);
	return m;
}

static struct rte_mbuf *put(struct frag_table *t, struct rte_mbuf *m, uint64_t now)
{
	return frag_reassemble(t, m, L3, 0, now, &dropped);
}

static void assert_same(struct rte_mbuf *whole, const uint8_t *want, uint32_t n)
{
	static uint8_t got[70000];

	assert_non_null(whole);
	assert_int_equal(bytes_of(whole, got), n + L3);
	for (int i = 0; i < L3; i++)
		assert_int_equal(got[i], 0xee);
	assert_memory_equal(got + L3, want, n);
	rte_pktmbuf_free(whole);
}

static void shuffle(struct rte_mbuf **m, uint32_t n)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t k = random32() % i;
		struct rte_mbuf *other = m[k];

		m[k] = m[i - 1];
		m[i - 1] = other;
	}
}

static void any_size_mtu_and_order(void **state)
{
	static uint8_t bytes[65535];
	struct rte_mbuf *out[FRAG_SPLIT_MAX];

	for (int round = 0; round < 600; round++) {
		uint32_t total = round % 5 ? 100 + random32() % 9000 : 30000 + random32() % 35500;
		uint32_t mtu = total / (2 + random32() % 30);
		struct rte_mbuf *whole = NULL;
		uint32_t n;

		mtu = mtu < 68 ? 68 : mtu > 9000 ? 9000 : mtu;
		make4(bytes, total, NULL, 0);
		n = frag_split(packet_of(bytes, total), mtu, test_pool, out);
		assert_true(n >= 2);
		if (round % 3)
			shuffle(out, n);
		for (uint32_t i = 0; i < n; i++) {
			assert_null(whole);
			assert_true(out[i]->pkt_len <= mtu);
			whole = put(*state, framed(out[i], random32() % 8), 1);
		}
		if (total < 1500)
			assert_int_equal(whole->nb_segs, 1);
		assert_same(whole, bytes, total);
		assert_int_equal(frag_held(*state), 0);
	}
	assert_int_equal(dropped, 0);
}

/* RFC 3168 section 5.3: congestion marked on one piece is said of the whole, or nothing is. */
static void congestion_is_not_lost(void **state)
{
	static uint8_t bytes[200];
	struct rte_mbuf *out[FRAG_SPLIT_MAX];

	for (uint8_t row = 0; row < 16; row++) {
		uint8_t first = row & 3;
		uint8_t second = row >> 2;
		bool marked = first == 3 || second == 3;
		bool unable = first == 0 || second == 0;
		uint32_t before = dropped;
		struct rte_mbuf *whole;

		make4(bytes, sizeof(bytes), NULL, 0);
		assert_int_equal(frag_split(packet_of(bytes, sizeof(bytes)), 120, test_pool, out),
				 2);
		for (uint32_t i = 0; i < 2; i++) {
			rte_pktmbuf_mtod(out[i], uint8_t *)[1] = i ? second : first;
			seal4(rte_pktmbuf_mtod(out[i], uint8_t *), out[i]->pkt_len);
		}
		assert_null(put(*state, framed(out[0], 0), 1));
		whole = put(*state, framed(out[1], 0), 1);
		if (marked && unable) {
			assert_null(whole);
			assert_int_equal(dropped, before + 2);
			continue;
		}
		bytes[1] = marked ? 3 : first;
		seal4(bytes, sizeof(bytes));
		assert_same(whole, bytes, sizeof(bytes));
		assert_int_equal(dropped, before);
	}
	assert_int_equal(frag_held(*state), 0);
}

/* A piece of an IPv6 datagram behind destination options; bytes: what it carries. */
static struct rte_mbuf *piece6(uint32_t id, const uint8_t *payload, uint32_t start, uint32_t n,
			       bool more)
{
	uint8_t p[4096] = { 0x60, [6] = 60, [7] = 64, [8] = 0x20, [23] = 1, [24] = 0x20, [39] = 2 };
	uint32_t at = 40;

	p[4] = (uint8_t)((16 + n) >> 8);
	p[5] = (uint8_t)(16 + n);
	p[at] = 44; /* destination options name the fragment header */
	p[at + 2] = 1;
	p[at + 3] = 4;
	at += 8;
	p[at] = NET_PROTO_ESP;
	p[at + 2] = (uint8_t)(start >> 8);
	p[at + 3] = (uint8_t)(start | more);
	memcpy(p + at + 4, &id, 4);
	at += 8;
	memcpy(p + at, payload + start, n);
	return framed(packet_of(p, at + n), 0);
}

static void ip6_with_extension_headers(void **state)
{
	uint8_t payload[3000];
	uint8_t want[48 + 3000] = {
		0x60, [6] = 60, [7] = 64, [8] = 0x20, [23] = 1, [24] = 0x20, [39] = 2
	};

	for (uint32_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)random32();
	want[4] = 3008 >> 8;
	want[5] = 3008 & 255;
	want[40] = NET_PROTO_ESP;
	want[42] = 1;
	want[43] = 4;
	memcpy(want + 48, payload, sizeof(payload));
	assert_null(put(*state, piece6(7, payload, 1400, 1400, true), 1));
	assert_null(put(*state, piece6(7, payload, 0, 1400, true), 1));
	assert_same(put(*state, piece6(7, payload, 2800, 200, false), 1), want, sizeof(want));
	/* RFC 6946: alone, whatever else of its id is there */
	assert_null(put(*state, piece6(8, payload, 0, 1400, true), 1));
	want[4] = 108 >> 8;
	want[5] = 108;
	assert_same(put(*state, piece6(8, payload, 0, 100, false), 1), want, 148);
	assert_int_equal(frag_held(*state), 1);
	assert_int_equal(dropped, 0);
}

/* A piece of an IPv4 datagram. */
static struct rte_mbuf *piece4(uint32_t src, uint16_t id, uint32_t start, uint32_t n, bool more)
{
	uint8_t p[20 + 2000] = { 0x45, 2 };
	struct net_ip4_hdr *ip = (struct net_ip4_hdr *)p;

	memcpy(ip->src, &src, 4);
	ip->dst[0] = 10;
	ip->id_be = id;
	ip->protocol = NET_PROTO_ESP;
	ip->fragment_be = rte_cpu_to_be_16((uint16_t)(start / 8 | (more ? NET_IP4_MF : 0)));
	seal4(p, 20 + n);
	return framed(packet_of(p, 20 + n), 0);
}

static void overlaps_are_refused(void **state)
{
	static const struct {
		uint32_t start;
		uint32_t n;
		bool more;
		const char *what;
	} bad[] = {
		{ 0, 200, true, "longer than the first" },
		{ 0, 96, true, "shorter than the first" },
		{ 96, 104, true, "into the first from behind" },
		{ 8, 8, true, "within the first" },
		{ 192, 16, true, "over the last's start" },
		{ 96, 304, true, "over all of the last" },
		{ 304, 8, true, "behind the end" },
		{ 304, 8, false, "another end behind" },
		{ 104, 8, false, "another end before" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rte_mbuf *m;

		dropped = 0;
		teardown(state);
		assert_int_equal(setup(state), 0);
		assert_null(put(*state, piece4(1, 1, 0, 104, true), 1));
		assert_null(put(*state, piece4(1, 1, 200, 104, false), 1));
		assert_null(put(*state, piece4(1, 1, bad[i].start, bad[i].n, bad[i].more), 1));
		assert_int_equal(frag_counts(*state)->overlap, 3);
		/* What would have made it whole is dropped too. */
		m = put(*state, piece4(1, 1, 104, 96, true), 1);
		if (m)
			fail_msg("%s", bad[i].what);
		assert_int_equal(dropped, 4);
		assert_int_equal(frag_held(*state), 0);
	}
}

static void repetitions_are_ignored(void **state)
{
	struct rte_mbuf *m;

	assert_null(put(*state, piece4(1, 1, 0, 104, true), 1));
	assert_null(put(*state, piece4(1, 1, 0, 104, true), 1));
	m = put(*state, piece4(1, 1, 104, 10, false), 1);
	assert_non_null(m);
	assert_int_equal(m->pkt_len, L3 + 20 + 114);
	rte_pktmbuf_free(m);
	assert_int_equal(frag_counts(*state)->repeated, 1);
}

static void same_id_of_others_does_not_mix(void **state)
{
	struct rte_mbuf *m;

	assert_null(put(*state, piece4(1, 1, 0, 8, true), 1));
	assert_null(put(*state, piece4(2, 1, 8, 8, false), 1));
	assert_null(put(*state, piece4(1, 2, 8, 8, false), 1));
	assert_null(frag_reassemble(*state, piece4(1, 1, 8, 8, false), L3, 1, 1, &dropped));
	m = put(*state, piece4(1, 1, 8, 8, false), 1);
	assert_non_null(m);
	rte_pktmbuf_free(m);
}

/* First fragments without end from everywhere: bounded, and others still get through. */
static void floods_are_bounded(void **state)
{
	for (uint32_t i = 0; i < 50000; i++) {
		assert_null(put(*state, piece4(random32(), (uint16_t)i, 0, 800, true), 1));
		assert_true(frag_held(*state) <= DATAGRAMS);
		if (i % 100 == 0) {
			struct rte_mbuf *m;

			assert_null(put(*state, piece4(7, (uint16_t)i, 0, 800, true), 1));
			m = put(*state, piece4(7, (uint16_t)i, 800, 8, false), 1);
			assert_non_null(m);
			rte_pktmbuf_free(m);
		}
	}
	assert_true(frag_counts(*state)->evicted > 40000);
}

/* Also when the flood bears the address of the one who sends in earnest. */
static void one_source_has_a_share(void **state)
{
	uint32_t whole = 0;

	for (uint16_t i = 0; i < 1000; i++) {
		assert_null(put(*state, piece4(9, i, 0, 800, true), 1));
		assert_true(frag_held(*state) <= PER_SOURCE + 1);
		if (i % 10)
			continue;
		for (uint32_t source = 9; source <= 10; source++) {
			uint16_t id = (uint16_t)(5000 + i);
			struct rte_mbuf *m;

			assert_null(put(*state, piece4(source, id, 0, 800, true), 1));
			m = put(*state, piece4(source, id, 800, 8, false), 1);
			assert_non_null(m);
			rte_pktmbuf_free(m);
			whole++;
		}
	}
	assert_int_equal(whole, 200);
	assert_int_equal(dropped + frag_held(*state), 1000);
}

static void endless_pieces_end(void **state)
{
	for (uint32_t i = 0; i < 200; i++)
		assert_null(put(*state, piece4(1, 1, i * 16, 8, true), 1));
	assert_int_equal(frag_held(*state), 0);
	assert_int_equal(dropped, 200);
}

static void time_runs_out(void **state)
{
	assert_null(put(*state, piece4(1, 1, 0, 8, true), 1));
	assert_null(put(*state, piece4(2, 1, 0, 8, true), HZ / 2));
	assert_int_equal(frag_expire(*state, HZ / 2, 10), 0);
	assert_int_equal(frag_expire(*state, HZ + HZ / 4, 10), 1);
	assert_int_equal(frag_held(*state), 1);
	/* too late for the second as well, before anybody has looked */
	assert_null(put(*state, piece4(2, 1, 8, 8, false), 2 * HZ));
	assert_int_equal(frag_counts(*state)->timeout, 2);
	assert_int_equal(frag_held(*state), 1);
}

static void longer_than_64_k_is_malformed(void **state)
{
	assert_null(put(*state, piece4(1, 1, 65528, 8, false), 1));
	assert_null(put(*state, piece4(1, 1, 65512, 24, false), 1));
	assert_null(put(*state, piece4(1, 1, 0, 9, true), 1));
	assert_null(put(*state, piece4(1, 1, 0, 0, true), 1));
	assert_int_equal(frag_counts(*state)->malformed, 4);
	assert_int_equal(frag_held(*state), 0);
}

/* Headers alone, in memory of the exact size, so that AddressSanitizer sees a byte too far. */
static void headers_are_not_read_past_their_end(void **state)
{
	uint8_t payload[64] = { 0 };
	uint8_t bytes[200];

	for (int round = 0; round < 20000; round++) {
		struct rte_mbuf *m =
			round % 2 ? piece6(1, payload, 8, 16, true) : piece4(1, 1, 8, 16, true);
		uint32_t n = bytes_of(m, bytes) - L3;
		uint32_t cut = random32() % (n + 1);
		uint8_t *copy = malloc(cut + 1);
		struct frag_piece_info info;

		rte_pktmbuf_free(m);
		memcpy(copy, bytes + L3, cut);
		for (int k = 0; k < round % 4 && cut; k++)
			copy[random32() % cut] = (uint8_t)random32();
		copy = realloc(copy, cut ? cut : 1);
		if (frag_piece_read(&info, copy, cut, n))
			assert_true(info.header <= cut && info.header + info.length <= n);
		free(copy);
	}
}

/* Every truncation and random bytes: nothing is kept that should not be. */
static void nonsense(void **state)
{
	uint8_t payload[64] = { 0 };
	uint8_t bytes[200];

	for (int six = 0; six < 2; six++) {
		struct rte_mbuf *m =
			six ? piece6(1, payload, 8, 16, true) : piece4(1, 1, 8, 16, true);
		uint32_t n = bytes_of(m, bytes);
		uint32_t held = frag_held(*state);

		rte_pktmbuf_free(m);
		for (uint32_t cut = 0; cut < n; cut++)
			assert_null(put(*state, packet_of(bytes, cut), 1));
		assert_int_equal(frag_held(*state), held);
		for (int round = 0; round < 20000; round++) {
			uint8_t bent[200];

			memcpy(bent, bytes, n);
			for (int k = 0; k < 3; k++)
				bent[L3 + random32() % (n - L3)] = (uint8_t)random32();
			m = put(*state, packet_of(bent, L3 + random32() % (n - L3 + 1)), 1);
			rte_pktmbuf_free(m);
		}
	}
}

static void refused_configurations(void **state)
{
	struct frag_config config = { .pieces = 10, .per_source = 1, .tsc_hz = HZ, .socket = -1 };
	struct frag_table *t;

	assert_int_equal(frag_table_new(&t, &config), -EINVAL);
	config.datagrams = 4;
	assert_true(frag_table_memory(&config) > 4 * 64);
	assert_int_equal(frag_table_new(&t, &config), 0);
	frag_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(any_size_mtu_and_order, setup, teardown),
		cmocka_unit_test_setup_teardown(congestion_is_not_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(ip6_with_extension_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(overlaps_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(repetitions_are_ignored, setup, teardown),
		cmocka_unit_test_setup_teardown(same_id_of_others_does_not_mix, setup, teardown),
		cmocka_unit_test_setup_teardown(floods_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(one_source_has_a_share, setup, teardown),
		cmocka_unit_test_setup_teardown(endless_pieces_end, setup, teardown),
		cmocka_unit_test_setup_teardown(time_runs_out, setup, teardown),
		cmocka_unit_test_setup_teardown(longer_than_64_k_is_malformed, setup, teardown),
		cmocka_unit_test(headers_are_not_read_past_their_end),
		cmocka_unit_test_setup_teardown(nonsense, setup, teardown),
		cmocka_unit_test(refused_configurations),
	};

	test_eal_init();
	pool_make();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
