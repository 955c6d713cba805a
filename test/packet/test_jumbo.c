/*
 * Jumbo frames, in one buffer and in pieces over several, through tunnels both ways: to the byte,
 * against OpenSSL. Where no buffer holds the whole of it, a frame in pieces is dropped and counted.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "peer.h"

#include <rte_mbuf.h>

#define BUFFER 10240
#define MTU 9216

static struct bed *bed;

static const struct bed_sa sas[] = {
	{ .tunnel = 1, .cipher = CONTRACT_CIPHER_AES256_GCM, .flags = CONTRACT_SA_ESN },
	{ .tunnel = 2, .cipher = CONTRACT_CIPHER_CHACHA20_POLY1305 },
	{ .tunnel = 3,
	  .cipher = CONTRACT_CIPHER_AES256_CBC,
	  .integrity = CONTRACT_INTEGRITY_SHA256_128 },
};

#define SAS (sizeof(sas) / sizeof(sas[0]))

static const uint32_t lengths[] = { 1500, 2015, 2016, 2048, 4097, 8999, 9000 };
static const uint32_t pieces[] = { 1, 2, 5 };

/* The frame over so many buffers, as a NIC leaves one that no buffer holds. */
static struct rte_mbuf *in_pieces(struct bed *of, struct rte_mbuf *m, uint32_t count)
{
	uint32_t each = (m->data_len + count - 1) / count;
	struct rte_mbuf *head = NULL;

	if (count == 1)
		return m;
	for (uint32_t at = 0; at < m->data_len; at += each) {
		uint32_t n = RTE_MIN(each, m->data_len - at);
		struct rte_mbuf *piece = rte_pktmbuf_alloc(of->pool);

		assert_non_null(piece);
		memcpy(rte_pktmbuf_append(piece, (uint16_t)n),
		       rte_pktmbuf_mtod_offset(m, uint8_t *, at), n);
		if (head)
			assert_int_equal(rte_pktmbuf_chain(head, piece), 0);
		else
			head = piece;
	}
	assert_int_equal(head->nb_segs, count);
	rte_pktmbuf_free(m);
	return head;
}

static void out_one(const struct bed_sa *sa, const struct craft *c, uint32_t count)
{
	uint8_t inner[CRAFT_MOST];
	uint8_t opened[CRAFT_MOST];
	uint32_t n = craft_ip(inner, c);
	struct contract_sa in;
	struct contract_sa out;
	uint8_t next_header;
	struct rte_mbuf *m;

	bed_sa_make(&in, &out, sa);
	craft_run(bed, 0, in_pieces(bed, craft_frame(bed, inner, n, false), count));
	m = craft_sent(bed, 1);
	assert_non_null(m);
	assert_int_equal(m->nb_segs, 1);
	craft_forwarded(inner);
	assert_int_equal(peer_open(&out, rte_pktmbuf_mtod_offset(m, uint8_t *, 34),
				   m->data_len - 34u, 0, opened, &next_header),
			 n);
	assert_memory_equal(opened, inner, n);
	bed_drop(m);
}

static void in_one(const struct bed_sa *sa, const struct craft *c, uint32_t count,
		   uint64_t sequence)
{
	struct craft_outer outer = { .tunnel = sa->tunnel };
	uint8_t inner[CRAFT_MOST];
	uint8_t esp[CRAFT_MOST];
	struct peer_packet packet = { .inner = inner,
				      .length = craft_ip(inner, c),
				      .sequence = sequence,
				      .next_header = c->ip6 ? NET_PROTO_IP6 : NET_PROTO_IP4 };
	struct contract_sa in;
	struct contract_sa out;
	struct rte_mbuf *m;
	int n;

	bed_sa_make(&in, &out, sa);
	n = peer_seal(&in, &packet, esp);
	assert_true(n > 0);
	m = craft_esp(bed, &outer, esp, (uint32_t)n);
	craft_run(bed, 1, in_pieces(bed, m, count));
	m = craft_sent(bed, 0);
	assert_non_null(m);
	craft_forwarded(inner);
	assert_int_equal(m->data_len, 14 + packet.length);
	assert_memory_equal(rte_pktmbuf_mtod_offset(m, uint8_t *, 14), inner, packet.length);
	bed_drop(m);
}

static void there_and_back(void **state)
{
	uint64_t drops = bed_drops_all(bed);

	(void)state;
	for (uint32_t s = 0; s < SAS; s++) {
		uint64_t sequence = 0;

		for (uint32_t i = 0; i < RTE_DIM(lengths) * RTE_DIM(pieces) * 2; i++) {
			struct craft c = { .tunnel = sas[s].tunnel,
					   .ip6 = i & 1,
					   .length = lengths[i / 2 % RTE_DIM(lengths)] };
			uint32_t count = pieces[i / 2 / RTE_DIM(lengths)];

			out_one(&sas[s], &c, count);
			c.inward = true;
			in_one(&sas[s], &c, count, ++sequence);
		}
	}
	assert_int_equal(bed_drops_all(bed), drops);
	assert_int_equal(bed_in_use(bed), 0);
}

static void no_buffer_holds_it(void **state)
{
	struct bed_config config = { .tunnels = 1, .buffers = 63 };
	struct bed *small = bed_new(&config);
	struct craft c = { .tunnel = 1, .length = 1500 };
	uint8_t ip[1500];
	struct rte_mbuf *head = craft_frame(small, ip, craft_ip(ip, &c), false);

	(void)state;
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(rte_pktmbuf_chain(head, craft_frame(small, ip, 1500, false)), 0);
	craft_run(small, 0, head);
	assert_int_equal(bed_drops(small, CONTRACT_DROP_NO_BUFFER), 1);
	assert_int_equal(bed_in_use(small), 0);
	bed_free(small);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(there_and_back),
					    cmocka_unit_test(no_buffer_holds_it) };
	struct bed_config config = { .tunnels = 4, .buffers = 63, .buffer_bytes = BUFFER };
	int failed;

	test_eal_init();
	bed = bed_new(&config);
	bed->shared.ports[BED_PUBLIC].mtu = MTU;
	for (uint32_t i = 0; i < SAS; i++) {
		bed_tunnel(bed, sas[i].tunnel);
		bed_sa_add(bed, &sas[i]);
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	return failed;
}
