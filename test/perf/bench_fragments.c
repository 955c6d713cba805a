/*
 * Reassembly and fragmentation. See scripts/bench.d/fragments.
 */
#include "dataplane/frag/reassemble.h"
#include "dataplane/frag/split.h"

#include "../unit/dataplane/eal.h"
#include "measure.h"
#include "net/header.h"
#include "options.h"

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#define ITEMS 4096
#define BUFFERS 16383

struct bench {
	struct rte_mempool *pool;
	struct frag_table *table;
	uint32_t pieces; /* a datagram */
	uint32_t bytes;	 /* a piece */
	uint32_t source; /* 0: each from another */
	uint32_t id;
	uint32_t dropped;
	uint32_t whole;
};

static struct bench_options options;

static struct rte_mbuf *piece(struct bench *b, uint32_t i, bool more)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->pool);
	struct net_ip4_hdr *ip;
	uint32_t src = b->source ? b->source : b->id;

	if (!m) {
		fprintf(stderr, "no buffers\n");
		exit(1);
	}
	ip = (struct net_ip4_hdr *)rte_pktmbuf_append(m, (uint16_t)(20 + b->bytes));
	*ip = (struct net_ip4_hdr){
		.version_ihl = 0x45,
		.length_be = rte_cpu_to_be_16((uint16_t)(20 + b->bytes)),
		.id_be = (uint16_t)b->id,
		.fragment_be =
			rte_cpu_to_be_16((uint16_t)(i * b->bytes / 8 | (more ? NET_IP4_MF : 0))),
		.protocol = NET_PROTO_ESP,
	};
	memcpy(ip->src, &src, 4);
	ip->dst[0] = 10;
	return m;
}

/* Datagrams whose last fragment comes: put together. */
static void round_whole(void *arg)
{
	struct bench *b = arg;

	for (uint32_t n = 0; n < ITEMS; n++, b->id++)
		for (uint32_t i = 0; i < b->pieces; i++) {
			struct rte_mbuf *m = frag_reassemble(
				b->table, piece(b, i, i + 1 < b->pieces), 0, 0, 1, &b->dropped);

			if (m)
				b->whole++;
			rte_pktmbuf_free(m);
		}
}

/* First fragments only. */
static void round_flood(void *arg)
{
	struct bench *b = arg;

	for (uint32_t n = 0; n < ITEMS; n++, b->id++)
		rte_pktmbuf_free(
			frag_reassemble(b->table, piece(b, 0, true), 0, 0, 1, &b->dropped));
}

static void round_buffers(void *arg)
{
	struct bench *b = arg;

	for (uint32_t n = 0; n < ITEMS; n++, b->id++)
		rte_pktmbuf_free(piece(b, 0, true));
}

static void round_split(void *arg)
{
	struct bench *b = arg;

	for (uint32_t n = 0; n < ITEMS; n++, b->id++) {
		struct rte_mbuf *out[FRAG_SPLIT_MAX];
		uint32_t count = frag_split(piece(b, 0, false), 1400, b->pool, out);

		b->whole += count;
		while (count > 0)
			rte_pktmbuf_free(out[--count]);
	}
}

static void show(struct bench *b, const char *name, void (*round)(void *))
{
	struct measure m = measure_rounds(round, b, ITEMS);

	printf("%-56s %7.0f %7.0f\n", name, m.median, m.min);
	bench_json(&options, "\"work\": \"%s\", \"cycles_median\": %.1f, \"cycles_min\": %.1f",
		   name, m.median, m.min);
}

int main(int argc, char **argv)
{
	struct frag_config config = {
		.datagrams = 4096, .pieces = 8192, .per_source = 64, .socket = SOCKET_ID_ANY
	};
	struct bench b = { .source = 1, .pieces = 2, .bytes = 704 };

	options = bench_options(argc, argv, NULL);
	test_eal_init_pages(128);
	config.tsc_hz = rte_get_tsc_hz();
	b.pool = rte_pktmbuf_pool_create("bench", BUFFERS, 256, 0, 2048 + 128, SOCKET_ID_ANY);
	if (!b.pool || frag_table_new(&b.table, &config)) {
		fprintf(stderr, "no memory\n");
		return 1;
	}
	printf("TSC cycles: median, min\n");
	show(&b, "a buffer: taken, header written, freed", round_buffers);
	show(&b, "a datagram of 2 x 704 bytes put together", round_whole);
	b.pieces = 16;
	b.bytes = 512;
	show(&b, "a datagram of 16 x 512 bytes put together", round_whole);
	show(&b, "a fragment of a flood from one source", round_flood);
	b.source = 0;
	show(&b, "a fragment of a flood from everywhere", round_flood);
	b.bytes = 1480;
	show(&b, "1500 bytes cut in two", round_split);
	bench_end(&options);
	frag_table_free(b.table);
	return b.whole == 0;
}
