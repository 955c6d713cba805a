/*
 * Conformance items of ESP (80 to 92) that no other test has by itself; test/packet/README.md says
 * where the rest is.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "peer.h"

static struct bed *bed;

static struct rte_mbuf *to_tunnel(const struct craft *c)
{
	uint8_t ip[2048];

	return craft_frame(bed, ip, craft_ip(ip, c), false);
}

static void tunnel_new(uint32_t tunnel, struct contract_sa both[2])
{
	struct bed_sa sa = { .tunnel = tunnel, .cipher = CONTRACT_CIPHER_AES128_GCM };

	bed_tunnel(bed, tunnel);
	bed_sa_add(bed, &sa);
	bed_sa_make(&both[0], &both[1], &sa);
}

/* The outer packet of the tunnel for this inner one. */
static struct rte_mbuf *sent_for(const struct craft *c)
{
	struct rte_mbuf *m;

	craft_run(bed, 0, to_tunnel(c));
	m = craft_sent(bed, 1);
	assert_non_null(m);
	return m;
}

static uint8_t outer_byte(const struct craft *c, uint32_t at)
{
	struct rte_mbuf *m = sent_for(c);
	uint8_t value = rte_pktmbuf_mtod(m, uint8_t *)[14 + at];

	bed_drop(m);
	return value;
}

/* RFC 4303 section 2.2: the first number is 1, then 2. */
static void item_80_numbers_start_at_1(void **state)
{
	struct craft c = { .tunnel = 1, .length = 100 };
	struct contract_sa both[2];

	(void)state;
	tunnel_new(1, both);
	for (uint32_t number = 1; number < 4; number++) {
		struct rte_mbuf *m = sent_for(&c);
		const uint8_t expected[4] = { 0, 0, 0, (uint8_t)number };

		assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *) + 14 + 20 + 4, expected, 4);
		bed_drop(m);
	}
}

/* A forged packet far ahead does not move the window: the true one behind it still comes in. */
static void item_81_window_moves_after_the_icv(void **state)
{
	struct craft c = { .tunnel = 2, .length = 100, .inward = true };
	struct craft_outer outer = { .tunnel = 2 };
	struct contract_sa both[2];
	uint8_t inner[128];
	uint8_t esp[256];
	struct peer_packet p = { inner, craft_ip(inner, &c), 1000000, 4, 0 };
	struct rte_mbuf *m;
	uint32_t n;

	(void)state;
	tunnel_new(2, both);
	n = (uint32_t)peer_seal(&both[0], &p, esp);
	esp[n - 1] ^= 1;
	craft_run(bed, 1, craft_esp(bed, &outer, esp, n));
	assert_null(craft_sent(bed, 0));
	p.sequence = 1;
	n = (uint32_t)peer_seal(&both[0], &p, esp);
	craft_run(bed, 1, craft_esp(bed, &outer, esp, n));
	m = craft_sent(bed, 0);
	assert_non_null(m);
	bed_drop(m);
}

/* Padding to the last of its 255 bytes, and zeros behind the inner packet (TFC, section 2.7). */
static void item_82_padding_and_tail(void **state)
{
	struct craft c = { .tunnel = 3, .length = 100, .inward = true };
	struct craft_outer outer = { .tunnel = 3 };
	struct contract_sa both[2];
	uint8_t inner[512] = { 0 };
	uint8_t esp[1024];
	uint64_t number = 0;

	(void)state;
	tunnel_new(3, both);
	for (uint32_t extra = 0; extra <= 252; extra += 4) {
		for (uint32_t tail = 0; tail <= 200; tail += 100) {
			struct peer_packet p = { inner, craft_ip(inner, &c) + tail, ++number, 4,
						 (uint8_t)extra };
			uint32_t n = (uint32_t)peer_seal(&both[0], &p, esp);
			struct rte_mbuf *m;

			craft_run(bed, 1, craft_esp(bed, &outer, esp, n));
			m = craft_sent(bed, 0);
			assert_non_null(m);
			assert_int_equal(m->data_len, 14 + 100);
			bed_drop(m);
		}
	}
}

/* Packets of any length leave as long as this MTU allows with blocks of the SA. */
static void expect_tail(const struct contract_sa *sa, uint16_t mtu)
{
	struct contract_tunnel tunnel = { .nexthop = BED_NEXTHOP_PUBLIC, .mtu = mtu };
	uint32_t block = sa->cipher == CONTRACT_CIPHER_AES256_CBC ? 16 : 4;

	assert_int_equal(bed_put(bed, CONTRACT_TUNNEL, 7, &tunnel, sizeof(tunnel)), 0);
	for (uint32_t length = 60; length < 1300; length += 413) {
		struct craft c = { .tunnel = 7, .length = length };
		uint8_t sent[2048];
		uint8_t got[2048];
		uint8_t next_header;
		struct rte_mbuf *m = sent_for(&c);
		const uint8_t *esp = rte_pktmbuf_mtod_offset(m, uint8_t *, 14 + 20);
		int n = peer_open(sa, esp, m->data_len - 14u - 20u, 0, got, &next_header);

		assert_in_range(m->data_len, 14 + mtu - block + 1, 14 + mtu);
		assert_true(n > (int)length);
		craft_ip(sent, &c);
		craft_forwarded(sent);
		assert_memory_equal(got, sent, length);
		for (uint32_t i = length; i < (uint32_t)n; i++)
			assert_int_equal(got[i], 0);
		bed_drop(m);
	}
}

/* Zeros behind what we send (section 2.7): all outer packets of a length, and no MTU exceeded. */
static void item_82_tail_out(void **state)
{
	static const struct bed_sa sas[] = {
		{ .tunnel = 7, .cipher = CONTRACT_CIPHER_AES256_GCM, .flags = CONTRACT_SA_TFC },
		{ .tunnel = 7,
		  .cipher = CONTRACT_CIPHER_AES256_CBC,
		  .integrity = CONTRACT_INTEGRITY_SHA256_128,
		  .flags = CONTRACT_SA_TFC },
	};

	(void)state;
	bed_tunnel(bed, 7);
	for (uint32_t i = 0; i < 2; i++) {
		struct contract_object object = { .kind = CONTRACT_SA, .id = 15 };
		struct contract_sa_final final;
		struct contract_sa both[2];

		bed_sa_make(&both[0], &both[1], &sas[i]);
		assert_int_equal(bed_put(bed, CONTRACT_SA, 15, &both[1], sizeof(both[1])), 0);
		bed_child(bed, 7, 15);
		for (uint16_t mtu = 1400; mtu < 1432; mtu++)
			expect_tail(&both[1], mtu);
		bed_child(bed, 7, 0);
		assert_int_equal(sa_del(bed->sas, &object, &final), 0);
		sa_reclaim(bed->sas);
	}
}

static void item_85_df(void **state)
{
	static const uint8_t expected[3][2] = { { 0, 0x40 }, { 0x40, 0x40 }, { 0, 0 } };
	struct contract_sa both[2];

	(void)state;
	tunnel_new(4, both);
	for (uint8_t df = CONTRACT_DF_COPY; df <= CONTRACT_DF_CLEAR; df++) {
		struct contract_tunnel tunnel = { .nexthop = BED_NEXTHOP_PUBLIC, .df = df };

		assert_int_equal(bed_put(bed, CONTRACT_TUNNEL, 4, &tunnel, sizeof(tunnel)), 0);
		for (int inner = 0; inner < 2; inner++) {
			struct craft c = { .tunnel = 4, .length = 100, .df = inner };

			assert_int_equal(outer_byte(&c, 6), expected[df][inner]);
		}
	}
}

static void item_86_dscp(void **state)
{
	struct contract_tunnel tunnel = { .nexthop = BED_NEXTHOP_PUBLIC,
					  .flags = CONTRACT_TUNNEL_FIXED_DSCP,
					  .dscp = 10 };
	struct craft c = { .tunnel = 5, .length = 100, .tos = 46 << 2 | 2 };
	struct contract_sa both[2];

	(void)state;
	tunnel_new(5, both);
	assert_int_equal(outer_byte(&c, 1), 46 << 2 | 2);
	assert_int_equal(bed_put(bed, CONTRACT_TUNNEL, 5, &tunnel, sizeof(tunnel)), 0);
	assert_int_equal(outer_byte(&c, 1), 10 << 2 | 2); /* ECN is the packet's own */
}

static void item_92_no_esp_without_integrity(void **state)
{
	static const uint8_t ciphers[] = { CONTRACT_CIPHER_NULL, CONTRACT_CIPHER_AES256_CBC,
					   CONTRACT_CIPHER_AES128_CTR, CONTRACT_CIPHER_DES3_CBC };
	struct contract_sa both[2];

	(void)state;
	bed_tunnel(bed, 6);
	for (uint32_t i = 0; i < sizeof(ciphers); i++) {
		struct bed_sa sa = { .tunnel = 6, .cipher = ciphers[i] };

		bed_sa_make(&both[0], &both[1], &sa);
		assert_int_not_equal(bed_put(bed, CONTRACT_SA, 12, &both[0], sizeof(both[0])), 0);
		assert_int_not_equal(bed_put(bed, CONTRACT_SA, 13, &both[1], sizeof(both[1])), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(item_80_numbers_start_at_1),
		cmocka_unit_test(item_81_window_moves_after_the_icv),
		cmocka_unit_test(item_82_padding_and_tail),
		cmocka_unit_test(item_82_tail_out),
		cmocka_unit_test(item_85_df),
		cmocka_unit_test(item_86_dscp),
		cmocka_unit_test(item_92_no_esp_without_integrity),
	};
	struct bed_config config = { .tunnels = 8, .buffers = 64 };
	int failed;

	test_eal_init();
	bed = bed_new(&config);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	return failed;
}
