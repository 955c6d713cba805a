/*
 * RFC 9293 section 3.7.1: the MSS of a SYN is lowered to what fits the tunnel, whichever way the
 * SYN goes, and nothing else of a segment changes but its checksum, which stays right.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "peer.h"

#define GCM 1
#define CBC 2
/* 1600 less IPv4, UDP, SPI and number, IV and ICV, in whole words, less the trailer's 2 and 40. */
#define FITS 1498
#define SYN 0x02
#define ACK 0x10
#define OPTIONS 20

static struct bed *bed;
static uint32_t tunnel = GCM; /* that packets take */
static struct contract_sa in[CBC + 1];
static struct contract_sa out[CBC + 1];
static uint64_t in_sequence;

static uint16_t tcp_sum(const uint8_t *ip, uint32_t n)
{
	uint8_t pseudo[12] = {
		[9] = NET_PROTO_TCP, [10] = (uint8_t)((n - 20) >> 8), [11] = (uint8_t)(n - 20)
	};

	memcpy(pseudo, ip + 12, 8);
	return net_checksum_fold(
		net_checksum_add(net_checksum_add(0, pseudo, 12), ip + 20, n - 20));
}

/* A segment with an MSS option after `before` NOPs. */
static uint32_t segment(uint8_t *ip, bool inward, uint8_t flags, uint16_t mss, uint32_t before)
{
	struct craft c = { .tunnel = tunnel,
			   .inward = inward,
			   .length = 20 + 20 + OPTIONS,
			   .protocol = NET_PROTO_TCP };
	uint32_t n = craft_ip(ip, &c);
	uint8_t *tcp = ip + 20;
	uint16_t sum;

	tcp[12] = (20 + OPTIONS) / 4 << 4;
	tcp[13] = flags;
	memset(tcp + 20, 1, OPTIONS);
	memcpy(tcp + 20 + before, (uint8_t[]){ 2, 4, (uint8_t)(mss >> 8), (uint8_t)mss }, 4);
	tcp[16] = tcp[17] = 0;
	sum = tcp_sum(ip, n);
	memcpy(tcp + 16, &sum, sizeof(sum));
	assert_int_equal(tcp_sum(ip, n), 0);
	return n;
}

/* Through the gateway, one way or the other, as it leaves it. */
static void carry(uint8_t *ip, uint32_t n, bool inward)
{
	uint8_t esp[256];
	uint8_t next_header;
	struct rte_mbuf *m;

	if (inward) {
		struct peer_packet p = { ip, n, ++in_sequence, NET_PROTO_IP4, 0 };
		struct craft_outer outer = { tunnel, false, 4500, 0 };
		int bytes = peer_seal(&in[tunnel], &p, esp);

		craft_run(bed, 1, craft_esp(bed, &outer, esp, (uint32_t)bytes));
		m = craft_sent(bed, 0);
		assert_non_null(m);
		assert_int_equal(m->data_len, n + 14);
		memcpy(ip, rte_pktmbuf_mtod_offset(m, uint8_t *, 14), n);
	} else {
		craft_run(bed, 0, craft_frame(bed, ip, n, false));
		m = craft_sent(bed, 1);
		assert_non_null(m);
		assert_int_equal(peer_open(&out[tunnel],
					   rte_pktmbuf_mtod_offset(m, uint8_t *, 14 + 28),
					   m->data_len - 14u - 28u, 0, ip, &next_header),
				 n);
	}
	bed_drop(m);
}

struct row {
	uint8_t flags;
	uint16_t mss;
	uint16_t expected;
};

static void expect_rows(bool inward)
{
	static const struct row rows[] = {
		{ SYN, 1560, FITS },	 { SYN | ACK, 1560, FITS }, { SYN, 65535, FITS },
		{ SYN, FITS + 1, FITS }, { SYN, FITS, FITS },	    { SYN, 536, 536 },
		{ SYN | ACK, 1, 1 },	 { ACK, 1560, 1560 },
	};

	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (uint32_t before = 0; before < 4; before++) {
			uint8_t sent[256];
			uint8_t got[256];
			uint32_t n = segment(sent, inward, rows[i].flags, rows[i].mss, before);
			uint32_t at = 40 + before + 2;

			memcpy(got, sent, n);
			carry(got, n, inward);
			assert_int_equal(got[at] << 8 | got[at + 1], rows[i].expected);
			assert_int_equal(tcp_sum(got, n), 0);
			craft_forwarded(sent);
			memcpy(sent + at, got + at, 2);
			memcpy(sent + 36, got + 36, 2);
			assert_memory_equal(got, sent, n);
		}
	}
}

static void into_the_tunnel(void **state)
{
	expect_rows(false);
}

static void out_of_the_tunnel(void **state)
{
	expect_rows(true);
}

/* Options that lie about their length: carried as they are. */
static void broken_options(void **state)
{
	static const uint8_t broken[][4] = {
		{ 2, 0, 5, 180 }, { 2, 3, 5, 180 }, { 2, 40, 5, 180 }, { 0, 2, 5, 180 }
	};

	for (uint32_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		uint8_t sent[256];
		uint8_t got[256];
		uint32_t n = segment(sent, true, SYN, 1560, 0);

		memcpy(sent + 40, broken[i], 4);
		memcpy(got, sent, n);
		carry(got, n, true);
		craft_forwarded(sent);
		assert_memory_equal(got, sent, n);
	}
}

/* Whatever is left of a block: the longest segment that it allows goes through, in one piece. */
static void what_it_says_fits(void **state)
{
	uint16_t *mtu = &bed->shared.ports[BED_PUBLIC].mtu;
	uint16_t was = *mtu;

	for (tunnel = GCM; tunnel <= CBC; tunnel++) {
		for (*mtu = 1400; *mtu < 1432; ++*mtu) {
			struct craft c = { .tunnel = tunnel, .df = true };
			uint8_t ip[2048];
			struct rte_mbuf *m;

			carry(ip, segment(ip, false, SYN, 65535, 0), false);
			c.length = 40u + (uint32_t)(ip[42] << 8 | ip[43]);
			craft_run(bed, 0, craft_inside(bed, &c));
			m = craft_sent(bed, 1);
			assert_non_null(m);
			assert_true(m->data_len <= *mtu + 14u);
			bed_drop(m);
			c.length++; /* and no shorter than that */
			craft_run(bed, 0, craft_inside(bed, &c));
			assert_null(craft_sent(bed, 1));
			bed_sent(bed, 0);
		}
	}
	tunnel = GCM;
	*mtu = was;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(into_the_tunnel),
		cmocka_unit_test(out_of_the_tunnel),
		cmocka_unit_test(broken_options),
		cmocka_unit_test(what_it_says_fits),
	};
	struct bed_config config = { .tunnels = 4, .buffers = 256 };
	struct bed_sa sas[] = { { .tunnel = GCM,
				  .cipher = CONTRACT_CIPHER_AES256_GCM,
				  .icv = 16,
				  .flags = CONTRACT_SA_UDP },
				{ .tunnel = CBC,
				  .cipher = CONTRACT_CIPHER_AES256_CBC,
				  .integrity = CONTRACT_INTEGRITY_SHA256_128,
				  .flags = CONTRACT_SA_UDP } };
	int failed;

	test_eal_init();
	bed = bed_new(&config);
	for (uint32_t i = 0; i < sizeof(sas) / sizeof(sas[0]); i++) {
		bed_tunnel(bed, sas[i].tunnel);
		bed_sa_add(bed, &sas[i]);
		bed_sa_make(&in[sas[i].tunnel], &out[sas[i].tunnel], &sas[i]);
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	return failed;
}
