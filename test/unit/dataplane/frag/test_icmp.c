#include "dataplane/frag/icmp.h"

#include "../../cmocka_all.h"
#include "../eal.h"
#include "packets.h"

#define HZ UINT64_C(1000000000)

static const struct net_addr us4 = { { 203, 0, 113, 1 }, NET_IP4, { 0 } };
static const struct net_addr us6 = { { 0x20, 1, [15] = 9 }, NET_IP6, { 0 } };

static int teardown(void **state)
{
	assert_no_leak();
	return 0;
}

static void make6(uint8_t *p, uint32_t total, uint8_t next)
{
	memset(p, 0, total);
	p[0] = 0x60;
	p[4] = (uint8_t)((total - 40) >> 8);
	p[5] = (uint8_t)(total - 40);
	p[6] = next;
	p[7] = 64;
	p[8] = p[24] = 0x20;
	p[23] = 1;
	p[39] = 2;
	for (uint32_t i = 40; i < total; i++)
		p[i] = (uint8_t)i;
}

static struct rte_mbuf *error_of(const uint8_t *bytes, uint32_t n, enum icmp_error error,
				 uint32_t mtu)
{
	struct rte_mbuf *cause = packet_of(bytes, n);
	struct rte_mbuf *m =
		icmp_error_new(test_pool, cause, error, bytes[0] >> 4 == 6 ? &us6 : &us4, mtu);

	rte_pktmbuf_free(cause);
	return m;
}

static void too_big4(void **state)
{
	uint8_t bytes[1500];
	uint8_t got[2048];
	struct rte_mbuf *m;

	make4(bytes, sizeof(bytes), NULL, 0);
	m = error_of(bytes, sizeof(bytes), ICMP_TOO_BIG, 1400);
	assert_non_null(m);
	assert_int_equal(bytes_of(m, got), 576);
	assert_int_equal(got[0], 0x45);
	assert_int_equal(got[2] << 8 | got[3], 576);
	assert_int_equal(got[9], NET_PROTO_ICMP);
	assert_memory_equal(got + 12, us4.bytes, 4);
	assert_memory_equal(got + 16, bytes + 12, 4);
	assert_int_equal(got[20], 3);
	assert_int_equal(got[21], 4);
	assert_int_equal(got[24] << 8 | got[25], 0);
	assert_int_equal(got[26] << 8 | got[27], 1400);
	assert_memory_equal(got + 28, bytes, 548);
	assert_int_equal(net_checksum_fold(net_checksum_add(0, got, 20)), 0);
	assert_int_equal(net_checksum_fold(net_checksum_add(0, got + 20, 556)), 0);
	rte_pktmbuf_free(m);
}

static void too_big6(void **state)
{
	uint8_t bytes[3000];
	uint8_t got[2048];
	uint8_t pseudo[40] = { 0 };
	struct rte_mbuf *m;

	make6(bytes, sizeof(bytes), NET_PROTO_UDP);
	m = error_of(bytes, sizeof(bytes), ICMP_TOO_BIG, 1350);
	assert_int_equal(bytes_of(m, got), 1280);
	assert_int_equal(got[6], NET_PROTO_ICMP6);
	assert_memory_equal(got + 8, us6.bytes, 16);
	assert_memory_equal(got + 24, bytes + 8, 16);
	assert_int_equal(got[40], 2);
	assert_int_equal(got[46] << 8 | got[47], 1350);
	assert_memory_equal(got + 48, bytes, 1232);
	memcpy(pseudo, got + 8, 32);
	pseudo[34] = 1240 >> 8;
	pseudo[35] = 1240 & 255;
	pseudo[39] = 58;
	assert_int_equal(net_checksum_fold(
				 net_checksum_add(net_checksum_add(0, pseudo, 40), got + 40, 1240)),
			 0);
	rte_pktmbuf_free(m);
	m = error_of(bytes, sizeof(bytes), ICMP_TOO_BIG, 1000); /* nobody need go below 1280 */
	bytes_of(m, got);
	assert_int_equal(got[46] << 8 | got[47], 1280);
	rte_pktmbuf_free(m);
}

static void assert_no_error4(const char *what, uint32_t at, uint8_t value, uint8_t protocol)
{
	uint8_t bytes[100];
	struct rte_mbuf *m;

	make4(bytes, sizeof(bytes), NULL, 0);
	bytes[9] = protocol;
	bytes[at] = value;
	m = error_of(bytes, sizeof(bytes), ICMP_TTL_EXCEEDED, 0);
	if (m)
		fail_msg("an error was sent about %s", what);
}

static void none_where_none_is_due(void **state)
{
	uint8_t bytes[100];
	struct rte_mbuf *m;

	assert_no_error4("a later fragment", 7, 3, NET_PROTO_UDP);
	assert_no_error4("a multicast destination", 16, 224, NET_PROTO_UDP);
	assert_no_error4("a broadcast", 16, 255, NET_PROTO_UDP);
	assert_no_error4("a loopback source", 12, 127, NET_PROTO_UDP);
	assert_no_error4("a source 0/8", 12, 0, NET_PROTO_UDP);
	assert_no_error4("an ICMP error", 20, 3, NET_PROTO_ICMP);
	assert_no_error4("a redirect", 20, 5, NET_PROTO_ICMP);
	make4(bytes, sizeof(bytes), NULL, 0);
	bytes[9] = NET_PROTO_ICMP;
	bytes[20] = 8; /* an echo may be answered */
	m = error_of(bytes, sizeof(bytes), ICMP_TTL_EXCEEDED, 0);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	make6(bytes, sizeof(bytes), NET_PROTO_ICMP6);
	bytes[40] = 1;
	assert_null(error_of(bytes, sizeof(bytes), ICMP_NO_ROUTE, 0));
	bytes[40] = 128;
	m = error_of(bytes, sizeof(bytes), ICMP_NO_ROUTE, 0);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	bytes[24] = 0xff; /* multicast: only too big */
	assert_null(error_of(bytes, sizeof(bytes), ICMP_NO_ROUTE, 0));
	m = error_of(bytes, sizeof(bytes), ICMP_TOO_BIG, 1300);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	make6(bytes, sizeof(bytes), NET_PROTO_IP6_FRAG);
	bytes[43] = 8; /* not the first */
	assert_null(error_of(bytes, sizeof(bytes), ICMP_TOO_BIG, 1300));
}

static void rate_is_limited(void **state)
{
	struct icmp_limit limit = { 0 };
	uint32_t sent = 0;

	for (uint64_t now = HZ; now < 3 * HZ; now += HZ / 100000)
		sent += icmp_limit_admit(&limit, now, HZ, 1000, 50);
	assert_in_range(sent, 2000, 2060);
	assert_false(icmp_limit_admit(&limit, 3 * HZ, HZ, 0, 50));
}

static void reports_about_esp(void **state)
{
	uint8_t bytes[200];
	uint8_t got[2048];
	struct icmp_report r;
	struct rte_mbuf *m;
	uint32_t n;

	/* ESP over IPv4, SPI 0xc0010203 */
	make4(bytes, sizeof(bytes), NULL, 0);
	bytes[9] = NET_PROTO_ESP;
	memcpy(bytes + 20, "\xc0\x01\x02\x03", 4);
	m = error_of(bytes, sizeof(bytes), ICMP_TOO_BIG, 1300);
	n = bytes_of(m, got);
	rte_pktmbuf_free(m);
	assert_true(icmp_report_read(&r, got, n));
	assert_true(r.too_big);
	assert_int_equal(r.mtu, 1300);
	assert_int_equal(r.spi, 0xc0010203);
	assert_memory_equal(r.src.bytes, bytes + 12, 4);
	assert_memory_equal(r.dst.bytes, bytes + 16, 4);
	got[60] ^= 1; /* the checksum counts */
	assert_false(icmp_report_read(&r, got, n));
	/* UDP-encapsulated over IPv6 */
	make6(bytes, sizeof(bytes), NET_PROTO_UDP);
	memcpy(bytes + 40, "\x11\x94\x11\x95\0\0\0\0\xc0\x01\x02\x04", 12);
	m = error_of(bytes, sizeof(bytes), ICMP_TOO_BIG, 1400);
	n = bytes_of(m, got);
	rte_pktmbuf_free(m);
	assert_true(icmp_report_read(&r, got, n));
	assert_int_equal(r.mtu, 1400);
	assert_int_equal(r.src_port, 4500);
	assert_int_equal(r.dst_port, 4501);
	assert_int_equal(r.spi, 0xc0010204);
	/* Cut at every length: nothing is believed (the sum does not hold), nothing read behind. */
	for (uint32_t cut = 0; cut < n; cut++) {
		uint8_t *copy = malloc(cut + 1);

		memcpy(copy, got, cut);
		assert_false(icmp_report_read(&r, copy, cut));
		free(copy);
	}
	/* An echo reply is no report. */
	make4(bytes, 84, NULL, 0);
	bytes[9] = NET_PROTO_ICMP;
	memset(bytes + 20, 0, 64);
	bytes[22] = bytes[23] = 0xff;
	assert_false(icmp_report_read(&r, bytes, 84));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(too_big4, teardown),
		cmocka_unit_test_teardown(too_big6, teardown),
		cmocka_unit_test_teardown(none_where_none_is_due, teardown),
		cmocka_unit_test(rate_is_limited),
		cmocka_unit_test_teardown(reports_about_esp, teardown),
	};

	test_eal_init();
	pool_make();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
