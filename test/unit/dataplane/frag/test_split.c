#include "dataplane/frag/split.h"

#include "../../cmocka_all.h"
#include "../eal.h"
#include "packets.h"

static const struct net_ip4_hdr *ip_of(const struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, const struct net_ip4_hdr *);
}

static void free_all(struct rte_mbuf **m, uint32_t n)
{
	while (n > 0)
		rte_pktmbuf_free(m[--n]);
	assert_no_leak();
}

/* Each at most the MTU, in order, without gap, more-fragments on all but the last, sums right. */
static void pieces_add_up(void **state)
{
	uint8_t bytes[9000];
	uint8_t got[9000];
	struct rte_mbuf *out[FRAG_SPLIT_MAX];

	for (uint32_t mtu = 200; mtu < 1500; mtu += 13) {
		uint32_t total = mtu + 1 + random32() % (8000 - mtu);
		uint32_t at = 20;
		uint32_t n;

		make4(bytes, total, NULL, 0);
		n = frag_split(packet_of(bytes, total), mtu, test_pool, out);
		assert_true(n >= 2);
		for (uint32_t i = 0; i < n; i++) {
			const struct net_ip4_hdr *ip = ip_of(out[i]);
			uint16_t fragment = rte_be_to_cpu_16(ip->fragment_be);
			uint32_t length = bytes_of(out[i], got);

			assert_true(length <= mtu);
			assert_int_equal(rte_be_to_cpu_16(ip->length_be), length);
			assert_int_equal(net_checksum_fold(net_checksum_add(0, got, 20)), 0);
			assert_int_equal((fragment & NET_IP4_OFFSET) * 8, at - 20);
			assert_int_equal(!!(fragment & NET_IP4_MF), i + 1 < n);
			assert_int_equal(ip->id_be, ((struct net_ip4_hdr *)bytes)->id_be);
			assert_memory_equal(got + 20, bytes + at, length - 20);
			at += length - 20;
			/* room for a tunnel's headers */
			assert_true(rte_pktmbuf_headroom(out[i]) >= 100);
		}
		assert_int_equal(at, total);
		free_all(out, n);
	}
}

static void a_fragment_is_cut_again(void **state)
{
	uint8_t bytes[1000];
	struct net_ip4_hdr *ip = (struct net_ip4_hdr *)bytes;
	struct rte_mbuf *out[FRAG_SPLIT_MAX];
	uint32_t n;

	make4(bytes, sizeof(bytes), NULL, 0);
	ip->fragment_be = RTE_BE16(NET_IP4_MF | 100);
	seal4(bytes, sizeof(bytes));
	n = frag_split(packet_of(bytes, sizeof(bytes)), 600, test_pool, out);
	assert_int_equal(n, 2);
	assert_int_equal(rte_be_to_cpu_16(ip_of(out[0])->fragment_be), NET_IP4_MF | 100);
	assert_int_equal(rte_be_to_cpu_16(ip_of(out[1])->fragment_be),
			 NET_IP4_MF | (100 + 576 / 8));
	free_all(out, n);
}

/* Record route (not copied) in the first only, loose source route (copied) in all. */
static void options_by_their_copied_flag(void **state)
{
	static const uint8_t options[] = { 7, 7, 4, 1, 2, 3, 4, 1, 0x83, 7, 4, 9, 9, 9, 9, 0 };
	uint8_t bytes[1000];
	struct rte_mbuf *out[FRAG_SPLIT_MAX];
	uint32_t n;

	make4(bytes, sizeof(bytes), options, sizeof(options));
	n = frag_split(packet_of(bytes, sizeof(bytes)), 500, test_pool, out);
	assert_int_equal(n, 3);
	assert_int_equal(ip_of(out[0])->version_ihl, 0x49);
	assert_memory_equal(ip_of(out[0]) + 1, options, sizeof(options));
	for (uint32_t i = 1; i < n; i++) {
		assert_int_equal(ip_of(out[i])->version_ihl, 0x47);
		assert_memory_equal(ip_of(out[i]) + 1, options + 8, 7);
		assert_int_equal(net_checksum_fold(net_checksum_add(0, ip_of(out[i]), 28)), 0);
	}
	free_all(out, n);
}

static void not_to_be_cut(void **state)
{
	uint8_t bytes[2000];
	struct net_ip4_hdr *ip = (struct net_ip4_hdr *)bytes;
	struct rte_mbuf *out[FRAG_SPLIT_MAX];
	struct rte_mbuf *m;

	make4(bytes, 2000, NULL, 0);
	m = packet_of(bytes, 2000);
	assert_true(frag_may_split(m, 1999));
	assert_false(frag_may_split(m, 2000));
	assert_int_equal(frag_split(m, 60, test_pool, out), 0); /* more than 64, MTU below 68 */
	make4(bytes, 2000, NULL, 0);
	ip->fragment_be = RTE_BE16(NET_IP4_DF);
	m = packet_of(bytes, 2000);
	assert_false(frag_may_split(m, 1000));
	rte_pktmbuf_free(m);
	bytes[0] = 0x60;
	m = packet_of(bytes, 2000);
	assert_false(frag_may_split(m, 1000));
	rte_pktmbuf_free(m);
	/* total length beyond the packet, header beyond it */
	make4(bytes, 2000, NULL, 0);
	ip->length_be = RTE_BE16(3000);
	assert_int_equal(frag_split(packet_of(bytes, 2000), 1000, test_pool, out), 0);
	make4(bytes, 2000, NULL, 0);
	bytes[0] = 0x44;
	assert_int_equal(frag_split(packet_of(bytes, 2000), 1000, test_pool, out), 0);
	make4(bytes, 2000, NULL, 0);
	assert_int_equal(frag_split(packet_of(bytes, 2000), 40 + 8, test_pool, out), 0);
	assert_no_leak();
}

/* Buffers run out half way: nothing is lost from the pool. */
static void no_buffers(void **state)
{
	static struct rte_mbuf *taken[POOL_BUFFERS];
	uint8_t bytes[1900];
	struct rte_mbuf *out[FRAG_SPLIT_MAX];
	struct rte_mbuf *m;

	make4(bytes, sizeof(bytes), NULL, 0);
	m = packet_of(bytes, sizeof(bytes));
	for (uint32_t i = 0; i < POOL_BUFFERS - 4; i++)
		taken[i] = rte_pktmbuf_alloc(test_pool);
	assert_int_equal(frag_split(m, 300, test_pool, out), 0);
	free_all(taken, POOL_BUFFERS - 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_add_up),
		cmocka_unit_test(a_fragment_is_cut_again),
		cmocka_unit_test(options_by_their_copied_flag),
		cmocka_unit_test(not_to_be_cut),
		cmocka_unit_test(no_buffers),
	};

	test_eal_init();
	pool_make();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
