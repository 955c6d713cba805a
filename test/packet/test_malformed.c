/*
 * Frames that no honest sender makes: every truncation and thousands of mutations of good ones, on
 * both ports and out of tunnels. Each frame is accounted for: it leaves, goes to Linux or control,
 * or is counted as dropped; none stops the path, and no buffer is lost.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "dataplane/frag/reassemble.h"
#include "dataplane/nodes/path_state.h"
#include "peer.h"

#define MUTATIONS 20000

static struct bed *bed;
static struct contract_sa in_sa;
static uint64_t sequence;
static uint64_t seed = 20240611;

static uint32_t next_random(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 20) % below;
}

static uint32_t sent(void)
{
	uint32_t n = 0;

	for (uint32_t d = 0; d < 2; d++) {
		struct path_tx *tx = path_tx(bed->path, d);

		for (uint32_t i = 0; i < tx->n; i++) /* all that leaves is a whole frame */
			assert_true(tx->packets[i]->data_len >= 14 + 20);
		n += bed_sent(bed, d);
	}
	return n;
}

/* Drops of whose packets the sender may be told. */
static uint64_t told(void)
{
	return bed_drops(bed, CONTRACT_DROP_IP_TTL) + bed_drops(bed, CONTRACT_DROP_TUNNEL_MTU);
}

/* One way out for one frame in, held fragments and errors to the sender counted in. */
static void accounted(uint32_t device, struct rte_mbuf *m)
{
	uint64_t before = bed_drops_all(bed) + frag_held(bed->path->fragments);
	uint64_t errors = told();
	uint64_t out;

	craft_run(bed, device, m);
	out = sent() + bed_empty(path_mirrored(bed->path)) + bed_empty(path_punted(bed->path));
	out += bed_drops_all(bed) + frag_held(bed->path->fragments) - before;
	errors = told() - errors;
	assert_in_range(out, 1, 1 + errors);
	assert_int_equal(bed_in_use(bed), frag_held(bed->path->fragments));
}

static struct rte_mbuf *sample(uint32_t kind)
{
	struct craft c = { .tunnel = 1,
			   .length = 60 + next_random(400),
			   .ip6 = kind & 1,
			   .protocol = kind & 2 ? NET_PROTO_TCP : NET_PROTO_UDP };
	struct craft_outer outer = { .tunnel = 1, .port = kind & 4 ? 4500 : 0 };
	uint8_t inner[600];
	uint8_t esp[800];
	struct peer_packet p = { inner, 0, ++sequence, kind & 1 ? 41 : 4, 0 };

	c.inward = kind & 8;
	p.length = craft_ip(inner, &c);
	if (!(kind & 8))
		return craft_frame(bed, inner, (uint32_t)p.length, kind & 4);
	return craft_esp(bed, &outer, esp, (uint32_t)peer_seal(&in_sa, &p, esp));
}

static void truncations(void **state)
{
	(void)state;
	for (uint32_t kind = 0; kind < 16; kind++) {
		uint32_t n = 1000;

		for (uint32_t cut = 0; cut < n; cut++) {
			struct rte_mbuf *m = sample(kind);

			n = m->data_len;
			m->data_len = m->pkt_len = (uint16_t)(cut < n ? cut : n);
			accounted(kind & 12 ? 1 : 0, m);
		}
	}
}

static void mutate(struct rte_mbuf *m)
{
	uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *);
	uint32_t times = 1 + next_random(4);

	for (uint32_t i = 0; i < times; i++) {
		/* headers more often than the rest */
		uint32_t where = next_random(next_random(4) ? 64 : m->data_len);

		at[where % m->data_len] = (uint8_t)next_random(256);
	}
	if (next_random(2)) { /* let it get past the checksum */
		struct net_ip4_hdr *ip = (struct net_ip4_hdr *)(at + 14);
		uint32_t n = (uint32_t)(ip->version_ihl & 15) * 4;

		if (at[12] == 8 && n >= 20 && n + 14 <= m->data_len) {
			ip->checksum_be = 0;
			ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, n));
		}
	}
}

static void mutations(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MUTATIONS; i++) {
		struct rte_mbuf *m = sample(i);

		mutate(m);
		accounted(i & 12 ? 1 : 0, m);
	}
}

/* What a peer with the keys may send: any bytes inside. */
static void mutated_inside(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MUTATIONS; i++) {
		struct craft c = { .tunnel = 1,
				   .length = 60 + next_random(100),
				   .ip6 = i & 1,
				   .inward = true,
				   .protocol = i & 2 ? NET_PROTO_TCP : 0 };
		struct craft_outer outer = { .tunnel = 1 };
		uint8_t inner[256];
		uint8_t esp[400];
		struct peer_packet p = { inner, 0, ++sequence, i & 1 ? 41 : 4, 0 };

		craft_ip(inner, &c);
		p.length = i % 3 ? c.length : next_random(c.length);
		for (uint32_t k = next_random(4); k && p.length; k--)
			inner[next_random((uint32_t)p.length)] = (uint8_t)next_random(256);
		if (i % 7 == 0)
			p.next_header = (uint8_t)next_random(256);
		accounted(1, craft_esp(bed, &outer, esp, (uint32_t)peer_seal(&in_sa, &p, esp)));
	}
	/* the path still works */
	accounted(1, sample(8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truncations),
		cmocka_unit_test(mutations),
		cmocka_unit_test(mutated_inside),
	};
	int failed;
	struct bed_config config = { .tunnels = 4, .buffers = 512 };
	struct bed_sa sa = { .tunnel = 1,
			     .cipher = CONTRACT_CIPHER_AES256_GCM,
			     .flags = CONTRACT_SA_UDP };
	struct contract_sa out;

	test_eal_init();
	bed = bed_new(&config);
	bed_tunnel(bed, 1);
	bed_sa_add(bed, &sa);
	bed_sa_make(&in_sa, &out, &sa);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	return failed;
}
