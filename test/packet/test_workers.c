/*
 * One SA and a thousand, one, two and four workers, devices with one queue and with several, both
 * ways: every packet comes through once and opens to what it was, every inner flow leaves in order,
 * and a peer whose replay window has 32 packets drops none. WORKERS_PACKETS sets how many packets
 * a case has.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "dataplane/worker/handover.h"
#include "gang.h"
#include "peer.h"

#include <sched.h>
#include <time.h>

#define TUNNELS 1000
#define FLOWS 64 /* of all tunnels together, or one a tunnel */
#define FLOWS_MAX TUNNELS
#define UNDER_WAY 1024 /* packets that are inside at once */
#define PEER_WINDOW 32
#define PATIENCE_S 20
#define BYTES 96
#define MARK 28 /* where the number of a packet in its flow stands */

static struct bed *bed;
static uint32_t packets_of_case = 6000;

struct flow {
	uint32_t tunnel;
	uint32_t sent;
	uint32_t got;
};

/* A receiver's window, the plain way: one byte for each number there ever was. */
struct window_of_peer {
	uint8_t *seen;
	uint64_t highest;
};

struct run {
	struct gang *gang;
	struct gang_config config;
	uint32_t tunnels;
	bool inward;
	uint32_t flow_count;
	struct flow flows[FLOWS_MAX];
	struct window_of_peer peers[TUNNELS + 1];
	uint64_t sequences[TUNNELS + 1]; /* that the peer used */
	uint64_t first[TUNNELS + 1];
	uint32_t sent;
	uint32_t got;
	uint32_t refused;    /* by a peer's window */
	uint32_t misordered; /* in its flow */
};

static struct contract_sa sa_of(uint32_t tunnel, bool out)
{
	struct bed_sa sa = { .tunnel = tunnel, .cipher = CONTRACT_CIPHER_AES128_GCM };
	struct contract_sa both[2];

	bed_sa_make(&both[0], &both[1], &sa);
	return both[out];
}

static bool peer_accepts(struct window_of_peer *w, uint64_t number)
{
	if (number + PEER_WINDOW <= w->highest || w->seen[number])
		return false;
	w->seen[number] = 1;
	if (number > w->highest)
		w->highest = number;
	return true;
}

static uint32_t inner_make(struct run *r, struct flow *f, uint8_t *to)
{
	struct craft c = { .tunnel = f->tunnel,
			   .length = BYTES,
			   .inward = r->inward,
			   .flow = (uint16_t)(f - r->flows) };
	uint32_t n = craft_ip(to, &c);

	f->sent++;
	memcpy(to + MARK, &f->sent, sizeof(f->sent));
	return n;
}

static void inner_check(struct run *r, const uint8_t *ip, uint32_t n)
{
	uint32_t flow = (uint32_t)(ip[20] << 8 | ip[21]) - 1024;
	struct flow *f = &r->flows[flow];
	uint32_t number;

	assert_int_equal(n, BYTES);
	assert_true(flow < r->flow_count);
	memcpy(&number, ip + MARK, sizeof(number));
	r->misordered += number != f->got + 1;
	f->got = number;
	r->got++;
}

/* A frame of the next flow, and the queue in which a NIC with these properties puts it. */
static struct rte_mbuf *next_frame(struct run *r, uint32_t *queue)
{
	uint32_t at = r->sent % r->flow_count;
	struct flow *f = &r->flows[at];
	struct craft_outer outer = { .tunnel = f->tunnel };
	uint8_t inner[BYTES];
	uint8_t esp[BYTES + 64];
	struct peer_packet p = { inner, inner_make(r, f, inner), 0, 4, 0 };
	struct contract_sa sa;
	int n;

	if (!r->inward) {
		*queue = at % r->config.queues;
		return craft_frame(bed, inner, BYTES, false);
	}
	sa = sa_of(f->tunnel, false);
	p.sequence = ++r->sequences[f->tunnel];
	n = peer_seal(&sa, &p, esp);
	*queue = r->config.spreads_spi ? f->tunnel % r->config.queues : 0;
	return craft_esp(bed, &outer, esp, (uint32_t)n);
}

static void outer_check(struct run *r, const uint8_t *frame, uint32_t n)
{
	const uint8_t *esp = frame + 14 + 20;
	uint32_t tunnel =
		(uint32_t)(esp[0] << 24 | esp[1] << 16 | esp[2] << 8 | esp[3]) & 0x7fffffff;
	uint32_t number = (uint32_t)(esp[4] << 24 | esp[5] << 16 | esp[6] << 8 | esp[7]);
	struct contract_sa sa = sa_of(tunnel, true);
	uint8_t inner[BYTES + 64];
	uint8_t next_header;
	int got;

	r->refused += !peer_accepts(&r->peers[tunnel], number - r->first[tunnel]);
	got = peer_open(&sa, esp, n - 34, 0, inner, &next_header);
	assert_int_equal(got, BYTES);
	inner_check(r, inner, (uint32_t)got);
}

static bool take_one(struct run *r)
{
	struct rte_mbuf *m = gang_left(r->gang, r->inward ? 0 : 1);

	if (!m)
		return false;
	if (r->inward)
		inner_check(r, rte_pktmbuf_mtod(m, uint8_t *) + 14, m->data_len - 14u);
	else
		outer_check(r, rte_pktmbuf_mtod(m, uint8_t *), m->data_len);
	rte_pktmbuf_free(m);
	return true;
}

static void late(const struct run *r)
{
	for (uint32_t d = 1; d < CONTRACT_DROP_COUNT; d++)
		if (bed_drops(bed, d))
			print_message("drops %s: %llu\n", contract_drop_name(d),
				      (unsigned long long)bed_drops(bed, d));
	fail_msg("%u of %u packets came through", r->got, packets_of_case);
}

static void send_all(struct run *r)
{
	time_t end = time(NULL) + PATIENCE_S;

	while (r->got < packets_of_case) {
		bool moved = false;

		while (r->sent < packets_of_case && r->sent - r->got < UNDER_WAY) {
			uint32_t queue;
			struct rte_mbuf *m = next_frame(r, &queue);

			assert_true(gang_arrive(r->gang, r->inward, queue, m));
			r->sent++;
			moved = true;
		}
		while (take_one(r))
			moved = true;
		if (!moved)
			sched_yield();
		if (time(NULL) > end)
			late(r);
	}
}

static void outbound_new(uint32_t tunnel, uint32_t spread, struct run *r)
{
	struct bed_sa sa = { .tunnel = tunnel,
			     .cipher = CONTRACT_CIPHER_AES128_GCM,
			     .spread = spread };
	struct contract_sa in;
	struct contract_sa out;

	bed_sa_make(&in, &out, &sa);
	if (bed_put(bed, CONTRACT_SA, 2 * tunnel + 1, &out, sizeof(out)))
		fail_msg("%s", sa_reason(bed->sas));
	r->first[tunnel] = sa_slot(sa_hot(bed->sas), 2 * tunnel + 1)->out_life.next;
	r->sequences[tunnel] = sa_slot(sa_hot(bed->sas), 2 * tunnel)->window.highest;
	r->peers[tunnel].seen = calloc(packets_of_case + GANG_RING, 1);
}

static uint64_t counter(uint32_t column)
{
	return contract_counters_sum(&bed->counters, CONTRACT_COUNT_WORKER, 0, column);
}

static struct run *run_case(const struct gang_config *config, uint32_t tunnels, bool inward,
			    uint32_t spread)
{
	struct run *r = calloc(1, sizeof(*r));
	uint64_t drops = bed_drops_all(bed);
	uint64_t handed = counter(CONTRACT_WORKER_HANDED_OVER);
	uint64_t waits = counter(CONTRACT_WORKER_WAITS);

	r->config = *config;
	r->tunnels = tunnels;
	r->inward = inward;
	r->flow_count = tunnels > FLOWS ? tunnels : FLOWS;
	for (uint32_t i = 0; i < r->flow_count; i++)
		r->flows[i].tunnel = 1 + i % tunnels;
	for (uint32_t t = 1; t <= tunnels; t++)
		outbound_new(t, spread, r);
	r->gang = gang_new(bed, config);
	send_all(r);
	gang_free(r->gang);
	assert_int_equal(bed_drops_all(bed), drops);
	printf("%s, %u SAs, %u workers, %u queues%s: %u packets, %u misordered, %u refused, "
	       "%llu handed over, %llu waits\n",
	       inward ? "in" : "out", tunnels, config->workers, config->queues,
	       config->spreads_spi ? " by SPI" : "", r->got, r->misordered, r->refused,
	       (unsigned long long)(counter(CONTRACT_WORKER_HANDED_OVER) - handed),
	       (unsigned long long)(counter(CONTRACT_WORKER_WAITS) - waits));
	for (uint32_t t = 1; t <= tunnels; t++)
		free(r->peers[t].seen);
	return r;
}

static void run_good(const struct gang_config *config, uint32_t tunnels, bool inward)
{
	struct run *r = run_case(config, tunnels, inward, CONTRACT_SPREAD_DEFAULT);

	assert_int_equal(r->got, packets_of_case);
	assert_int_equal(r->misordered, 0);
	assert_int_equal(r->refused, 0);
	free(r);
}

static void in_order_everywhere(void **state)
{
	static const struct gang_config configs[] = {
		{ .workers = 1, .queues = 1 },
		{ .workers = 2, .queues = 1 },
		{ .workers = 4, .queues = 1 },
		{ .workers = 4, .queues = 2 },
		{ .workers = 2, .queues = 2, .spreads_spi = true },
		{ .workers = 4, .queues = 4, .spreads_spi = true },
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		for (uint32_t way = 0; way < 2; way++) {
			run_good(&configs[i], 1, way);
			run_good(&configs[i], TUNNELS, way);
		}
	}
}

/* A spread too small to be shared out: one worker at a time, and still nothing lost. */
static void one_at_a_time(void **state)
{
	const struct gang_config config = { .workers = 4, .queues = 4, .spreads_spi = true };
	struct run *r = run_case(&config, 1, false, 1);

	(void)state;
	assert_int_equal(r->misordered, 0);
	assert_int_equal(r->refused, 0);
	free(r);
}

/* Without the bound the same receiver must drop, or the test above shows nothing. */
static void planted_spread(void **state)
{
	const struct gang_config config = { .workers = 4, .queues = 4, .spreads_spi = true };
	uint32_t refused = 0;

	(void)state;
	for (int i = 0; i < 50 && !refused; i++) {
		struct run *r = run_case(&config, 1, false, 1 << 20);

		assert_int_equal(r->misordered, 0);
		refused = r->refused;
		free(r);
	}
	assert_true(refused > 0);
}

static uint32_t worker_of(const uint8_t *ip, uint32_t n)
{
	struct rte_mbuf *m = craft_frame(bed, ip, n, true);
	uint32_t worker = handover_worker(m, 1000);

	rte_pktmbuf_free(m);
	return worker;
}

/* ESP goes by its SPI, in UDP too; fragments go with each other, whatever stands in them. */
static void what_decides(void **state)
{
	uint8_t plain[64] = { 0x45, [9] = NET_PROTO_ESP, [20] = 1, 2, 3, 4 };
	uint8_t udp[64] = { 0x45, [9] = NET_PROTO_UDP, [22] = 4500 >> 8, 4500 & 255, [28] = 1, 2, 3,
			    4 };
	uint32_t with = worker_of(plain, sizeof(plain));
	uint32_t fragment;

	(void)state;
	assert_int_equal(worker_of(udp, sizeof(udp)), with);
	udp[12] = 9; /* the peer moved */
	assert_int_equal(worker_of(udp, sizeof(udp)), with);
	plain[23] = 5;
	assert_int_not_equal(worker_of(plain, sizeof(plain)), with);
	udp[6] = NET_IP4_MF >> 8;
	fragment = worker_of(udp, sizeof(udp));
	udp[22] = 0;
	udp[6] = 0;
	udp[7] = 100;
	assert_int_equal(worker_of(udp, sizeof(udp)), fragment);
	for (uint32_t n = 0; n < sizeof(udp); n++)
		assert_true(worker_of(udp, n ? n : 1) < 1000);
}

static int make(void **state)
{
	struct bed_config config = { .tunnels = TUNNELS, .buffers = 8191, .workers = GANG_WORKERS };

	(void)state;
	bed = bed_new(&config);
	for (uint32_t t = 1; t <= TUNNELS; t++) {
		struct bed_sa sa = { .tunnel = t, .cipher = CONTRACT_CIPHER_AES128_GCM };

		bed_tunnel(bed, t);
		bed_sa_add(bed, &sa);
	}
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	bed_free(bed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_decides),
		cmocka_unit_test(in_order_everywhere),
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(planted_spread),
	};
	const char *count = getenv("WORKERS_PACKETS");

	if (count)
		packets_of_case = (uint32_t)strtoul(count, NULL, 10);
	test_eal_init_with("--no-huge", "256");
	return cmocka_run_group_tests(tests, make, unmake);
}
