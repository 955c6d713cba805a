/*
 * 100,000 flows through the whole path, each packet opened at the peer: a flow keeps its tunnel for
 * as long as that lives, and has it back when it lives again. Four tunnels of one group, as dual
 * redundancy and two VNets have.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "peer.h"

#include <rte_mbuf_core.h>

#include <math.h>

#define FLOWS 100000
#define TUNNELS 4
#define GROUP 9
#define BURST 64
#define LENGTH 80

static struct bed *bed;
static struct contract_sa sas[TUNNELS + 1]; /* outbound ones */
static uint8_t now[FLOWS];		    /* the tunnel of each flow's last packet */
static uint8_t before[FLOWS];
static uint8_t home[FLOWS];
static uint32_t dead; /* bit t: the link of tunnel t is down */

/* Addresses, ports and protocols of both families; the number of the flow is its payload. */
static uint32_t flow_make(uint32_t flow, uint8_t *ip)
{
	struct craft c = { .ip6 = flow % 4 == 3,
			   .tunnel = GROUP,
			   .length = LENGTH,
			   .protocol = flow & 1 ? NET_PROTO_UDP : NET_PROTO_TCP,
			   .flow = (uint16_t)(flow % 7) };
	uint32_t n = craft_ip(ip, &c);
	struct net_ip4_hdr *ip4 = (void *)ip;

	if (c.ip6) {
		memcpy(((struct net_ip6_hdr *)ip)->src + 8, &flow, sizeof(flow));
	} else {
		ip4->src[2] = (uint8_t)(flow / 250);
		ip4->src[3] = (uint8_t)(flow % 250 + 1);
		ip4->dst[3] = (uint8_t)(flow / 64000 * 100 + flow % 97 + 1);
		ip4->checksum_be = 0;
		ip4->checksum_be = net_checksum_fold(net_checksum_add(0, ip4, sizeof(*ip4)));
	}
	memcpy(ip + n - sizeof(flow), &flow, sizeof(flow));
	return n;
}

/* What left by the public port: whose packet it is and in which tunnel, by the peer's own key. */
static uint32_t take(uint32_t first, uint32_t count)
{
	struct path_tx *tx = path_tx(bed->path, 1);
	const uint32_t outer = sizeof(struct net_ether_hdr) + sizeof(struct net_ip4_hdr);
	uint32_t n = tx->n;

	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *frame = rte_pktmbuf_mtod(tx->packets[i], const uint8_t *);
		uint8_t inner[256];
		uint8_t next_header;
		uint32_t spi, flow;
		int got;

		memcpy(&spi, frame + outer, sizeof(spi));
		spi = __builtin_bswap32(spi) & 0xff;
		assert_in_range(spi, 1, TUNNELS);
		got = peer_open(&sas[spi], frame + outer, tx->packets[i]->data_len - outer, 0,
				inner, &next_header);
		assert_int_equal(got, LENGTH);
		memcpy(&flow, inner + got - sizeof(flow), sizeof(flow));
		assert_in_range(flow, first, first + count - 1);
		assert_int_equal(now[flow], 0);
		now[flow] = (uint8_t)spi;
	}
	bed_drop_all(tx->packets, n);
	tx->n = 0;
	return n;
}

/* A packet of each flow. */
static void send_all(void)
{
	uint32_t taken = 0;

	memcpy(before, now, sizeof(now));
	memset(now, 0, sizeof(now));
	for (uint32_t first = 0; first < FLOWS; first += BURST) {
		uint32_t count = FLOWS - first < BURST ? FLOWS - first : BURST;
		struct rte_mbuf *packets[BURST];

		for (uint32_t i = 0; i < count; i++) {
			uint8_t ip[256];
			uint32_t n = flow_make(first + i, ip);

			packets[i] = craft_frame(bed, ip, n, false);
		}
		path_run(bed->path, 0, packets, (uint16_t)count);
		taken += take(first, count);
	}
	assert_int_equal(taken, FLOWS);
}

static void group_is(const uint16_t weights[TUNNELS])
{
	struct {
		struct contract_group group;
		struct contract_member members[TUNNELS];
	} body = { .group = { .member_count = TUNNELS } };

	for (uint32_t t = 1; t <= TUNNELS; t++)
		body.members[t - 1] = (struct contract_member){ .id = t, .weight = weights[t - 1] };
	assert_int_equal(bed_put(bed, CONTRACT_GROUP, GROUP, &body, sizeof(body)), 0);
}

static void assert_shares(const uint16_t weights[TUNNELS])
{
	uint32_t living = 0;

	for (uint32_t t = 0; t < TUNNELS; t++)
		living += weights[t];
	for (uint32_t t = 1; t <= TUNNELS; t++) {
		double share = weights[t - 1] ? 1.0 / living : 0;
		uint32_t n = 0;

		for (uint32_t i = 0; i < FLOWS; i++)
			n += now[i] == t;
		if (fabs(n - share * FLOWS) > (weights[t - 1] ? 0.05 * FLOWS : 0))
			fail_msg("tunnel %u has %u of %u flows, not a share of %.2f", t, n, FLOWS,
				 share);
	}
}

/* Members come and go, at last all are there: only flows of who goes move, and they come back. */
static void flows_keep_their_tunnels(void **state)
{
	static const uint8_t steps[] = { 1, 1, 2, 0, 2, 3, 0, 3 };
	uint16_t weights[TUNNELS] = { 1, 1, 1, 1 };

	(void)state;
	group_is(weights);
	send_all();
	assert_shares(weights);
	memcpy(home, now, sizeof(now));
	send_all(); /* nothing happened */
	assert_memory_equal(now, home, sizeof(now));
	for (size_t step = 0; step < sizeof(steps); step++) {
		uint32_t changed = steps[step] + 1u;
		uint32_t moved = 0;

		weights[steps[step]] ^= 1;
		group_is(weights);
		send_all();
		assert_shares(weights);
		for (uint32_t i = 0; i < FLOWS; i++) {
			moved += now[i] != before[i];
			assert_true(now[i] == before[i] || now[i] == changed ||
				    before[i] == changed);
			if (weights[home[i] - 1])
				assert_int_equal(now[i], home[i]);
		}
		print_message("tunnel %u %s: %u of %u flows moved\n", changed,
			      weights[steps[step]] ? "is back" : "dies", moved, FLOWS);
	}
	assert_memory_equal(now, home, sizeof(now));
}

static bool carries(const void *context, uint32_t tunnel)
{
	return !(*(const uint32_t *)context >> tunnel & 1);
}

/* The data plane leaves a dead link itself; control says so later, and when flows may return. */
static void a_link_dies_and_comes_back(void **state)
{
	uint16_t weights[TUNNELS] = { 1, 1, 1, 1 };

	(void)state;
	fib_groups_ask(bed->fib, carries, &dead);
	group_is(weights);
	send_all();
	assert_memory_equal(now, home, sizeof(now));
	dead = 1 << 3;
	assert_int_equal(fib_groups_follow(bed->fib), 1);
	send_all();
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_true(home[i] == 3 ? now[i] != 3 : now[i] == home[i]);
	weights[2] = 0;
	group_is(weights);
	dead = 0; /* the link is back: flows wait until control has asked the peer */
	assert_int_equal(fib_groups_follow(bed->fib), 0);
	send_all();
	assert_memory_equal(now, before, sizeof(now));
	weights[2] = 1;
	group_is(weights);
	send_all();
	assert_memory_equal(now, home, sizeof(now));
	fib_groups_ask(bed->fib, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_keep_their_tunnels),
		cmocka_unit_test(a_link_dies_and_comes_back),
	};
	int failed;
	struct bed_config config = { .tunnels = 64, .buffers = 1024 };

	test_eal_init();
	bed = bed_new(&config);
	bed_tunnel(bed, GROUP);
	for (uint32_t t = 1; t <= TUNNELS; t++) {
		struct bed_sa sa = { .tunnel = t, .cipher = CONTRACT_CIPHER_AES256_GCM };
		struct contract_sa in;

		bed_tunnel(bed, t);
		bed_sa_add(bed, &sa);
		bed_sa_make(&in, &sas[t], &sa);
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	return failed;
}
