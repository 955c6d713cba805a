/*
 * What Linux sends by its mirrors: held to the rates of its classes, routing protocols first.
 */
#include "dataplane/kernel/mirror.h"

#include "../eal.h"

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

static struct rte_mempool *pool;
static struct mirror_set *set;
static uint64_t drops[CONTRACT_DROP_COUNT];

/* A packet for a TUN: IPv4 of this protocol, to this port. */
static struct rte_mbuf *packet(uint8_t protocol, uint16_t port)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *ip;

	assert_non_null(m);
	m->data_len = 60;
	m->pkt_len = 60;
	ip = rte_pktmbuf_mtod(m, uint8_t *);
	memset(ip, 0, 60);
	ip[0] = 0x45;
	ip[9] = protocol;
	ip[22] = (uint8_t)(port >> 8);
	ip[23] = (uint8_t)port;
	return m;
}

static uint16_t port_of(const struct rte_mbuf *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);

	return (uint16_t)(ip[22] << 8 | ip[23]);
}

static void release(struct mirror_batch *batch)
{
	rte_pktmbuf_free_bulk(batch->packets, batch->n);
}

/* BFD and BGP go before what came before them, each in its order. */
static void test_order(void **state)
{
	static const uint16_t sent[] = { 53, 3784, 22, 54, 179, 23, 3785 };
	static const uint16_t left[] = { 3784, 179, 3785, 53, 22, 54, 23 };
	struct mirror_batch batch = { .n = 7, .now_ns = 1000 * MS, .drops = drops };

	for (uint32_t i = 0; i < 7; i++) {
		bool tcp = sent[i] == 22 || sent[i] == 23 || sent[i] == 179;

		batch.packets[i] = packet(tcp ? 6 : 17, sent[i]);
	}
	assert_int_equal(mirror_admit(set, false, &batch), 3);
	assert_int_equal(batch.n, 7);
	for (uint32_t i = 0; i < 7; i++)
		assert_int_equal(port_of(batch.packets[i]), left[i]);
	release(&batch);
	assert_int_equal(drops[CONTRACT_DROP_MIRROR_POLICED], 0);
}

/* A second of a flood of UDP: its rate passes, the rest is counted, and BFD loses nothing. */
static void test_flood(void **state)
{
	uint32_t passed = 0;
	uint32_t routing = 0;

	mirror_rate(set, MIRROR_CLASS_REST, 1000);
	for (uint64_t ms = 2000; ms < 3000; ms++) {
		struct mirror_batch batch = { .n = MIRROR_READ, .now_ns = ms * MS, .drops = drops };

		for (uint32_t i = 0; i < MIRROR_READ; i++)
			batch.packets[i] = packet(17, i == MIRROR_READ / 2 ? 3784 : 9);
		routing += mirror_admit(set, false, &batch);
		assert_true(batch.n >= 1);
		assert_int_equal(port_of(batch.packets[0]), 3784);
		passed += batch.n - 1;
		release(&batch);
	}
	assert_int_equal(routing, 1000);
	assert_in_range(passed, 990, 1110); /* and the burst that it may have saved */
	assert_int_equal(drops[CONTRACT_DROP_MIRROR_POLICED], 31000 - passed);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_order),
					    cmocka_unit_test(test_flood) };
	struct mirror_set_options options = { .count = 0 };
	struct mirror_fault fault;

	test_eal_init();
	pool = rte_pktmbuf_pool_create("test", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	options.pool = pool;
	if (!pool || mirror_set_open(&set, &options, &fault))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
