#pragma once
/*
 * Packets for tests: a pool whose buffers are counted, headers, random payload.
 */
#include "net/checksum.h"
#include "net/header.h"

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include <string.h>

#define POOL_BUFFERS 4095

static struct rte_mempool *test_pool;
static uint64_t test_random_state = 88172645463325252u;

static inline uint32_t random32(void)
{
	test_random_state ^= test_random_state << 13;
	test_random_state ^= test_random_state >> 7;
	test_random_state ^= test_random_state << 17;
	return (uint32_t)(test_random_state >> 16);
}

static inline void pool_make(void)
{
	test_pool = rte_pktmbuf_pool_create("test", POOL_BUFFERS, 0, 0, 2048 + 128, SOCKET_ID_ANY);
	assert_non_null(test_pool);
}

static inline void assert_no_leak(void)
{
	assert_int_equal(rte_mempool_avail_count(test_pool), POOL_BUFFERS);
}

/* Bytes as a packet of one or more segments. */
static inline struct rte_mbuf *packet_of(const void *bytes, uint32_t n)
{
	const uint8_t *p = bytes;
	struct rte_mbuf *head = rte_pktmbuf_alloc(test_pool);
	struct rte_mbuf *last = head;

	assert_non_null(head);
	for (;;) {
		uint32_t part = n < 2048 ? n : 2048;

		memcpy(rte_pktmbuf_mtod(last, uint8_t *), p, part);
		last->data_len = (uint16_t)part;
		head->pkt_len += part;
		p += part;
		n -= part;
		if (n == 0)
			return head;
		last->next = rte_pktmbuf_alloc(test_pool);
		assert_non_null(last->next);
		last = last->next;
		head->nb_segs++;
	}
}

static inline uint32_t bytes_of(const struct rte_mbuf *m, uint8_t *to)
{
	uint32_t n = 0;
	uint16_t segments = 0;

	for (const struct rte_mbuf *s = m; s; s = s->next, segments++) {
		memcpy(to + n, rte_pktmbuf_mtod(s, const uint8_t *), s->data_len);
		n += s->data_len;
	}
	assert_int_equal(n, m->pkt_len);
	assert_int_equal(segments, m->nb_segs);
	return n;
}

static inline void seal4(uint8_t *p, uint32_t total)
{
	struct net_ip4_hdr *ip = (struct net_ip4_hdr *)p;

	ip->length_be = rte_cpu_to_be_16((uint16_t)total);
	ip->checksum_be = 0;
	ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, (ip->version_ihl & 15) * 4u));
}

/* A whole IPv4 packet of `total` bytes with `options` (a multiple of 4) bytes of options. */
static inline void make4(uint8_t *p, uint32_t total, const uint8_t *options, uint32_t n)
{
	struct net_ip4_hdr *ip = (struct net_ip4_hdr *)p;

	for (uint32_t i = 0; i < total; i++)
		p[i] = (uint8_t)random32();
	*ip = (struct net_ip4_hdr){
		.version_ihl = (uint8_t)(0x45 + n / 4),
		.tos = 2,
		.id_be = (uint16_t)random32(),
		.ttl = 60,
		.protocol = NET_PROTO_UDP,
		.src = { 192, 0, 2, 1 },
		.dst = { 198, 51, 100, 1 },
	};
	if (n)
		memcpy(p + sizeof(*ip), options, n);
	seal4(p, total);
}
