/*
 * One SA and a thousand, one, two and four workers, devices with one queue and with several, both
 * ways: every packet comes through once and opens to what it was, every inner flow leaves in order,
 * and a peer whose replay window has 32 packets drops none. Then the same while SAs come, go and
 * take over from each other. WORKERS_PACKETS sets how many packets a case has, CHURN_SAS how many
 * SAs are installed meanwhile.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "dataplane/worker/handover.h"
#include "gang.h"
#include "peer.h"

#include <rte_cycles.h>
#include <rte_mbuf.h>

#include <sched.h>
#include <time.h>

#define TUNNELS 1000
#define FLOWS 64 /* of all tunnels together, or one a tunnel */
#define FLOWS_MAX TUNNELS
#define UNDER_WAY 1024 /* packets that are inside at once */
#define PEER_WINDOW 32
#define PATIENCE_S 20
#define BYTES 96
#define OTHER 0x40000000u /* in the SPI of the second SA of a tunnel */
#define SPARE 256	  /* SAs that come and go */
#define CHURN_TUNNELS 16
#define PLANTED 6000 /* packets, so that each worker is away several times */
#define CHURN_PACKETS 4000000
#define MARK 28 /* where the number of a packet in its flow stands */

static struct bed *bed;
static struct rte_rcu_qsbr *qsbr;
static uint32_t packets_of_case = 6000;
static uint32_t churn_sas = 3000;

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

struct churn {
	pthread_t thread;
	bool started;
	_Atomic bool going;
	double sas_per_s;
};

struct run {
	struct gang *gang;
	struct gang_config config;
	uint32_t tunnels;
	bool inward;
	uint32_t flow_count;
	struct flow flows[FLOWS_MAX];
	uint32_t packets; /* to send; grows while SAs change */
	bool changes;	  /* SAs come and go meanwhile */
	bool rekeys;	  /* the peer goes from one SA of a tunnel to the other and back */
	struct churn churn;
	struct window_of_peer peers[2][TUNNELS + 1];
	uint64_t sequences[2][TUNNELS + 1]; /* that the peer used */
	uint64_t first[2][TUNNELS + 1];
	uint32_t sent;
	uint32_t got;
	uint32_t refused;		     /* by a peer's window */
	uint32_t misordered;		     /* in its flow */
	uint64_t drops[CONTRACT_DROP_COUNT]; /* before it */
};

/* Of the case at hand: one that fails leaves its threads at work on the bed of the next. */
static struct run *running;

static struct contract_sa sa_of(uint32_t tunnel, bool out)
{
	struct bed_sa sa = { .tunnel = tunnel, .cipher = CONTRACT_CIPHER_AES128_GCM };
	struct contract_sa both[2];

	bed_sa_make(&both[0], &both[1], &sa);
	return both[out];
}

static uint32_t other_id(uint32_t tunnel)
{
	return 2 * TUNNELS + 2 + tunnel;
}

/* The second inbound SA of a tunnel. */
static struct contract_sa successor_of(uint32_t tunnel)
{
	struct contract_sa sa = sa_of(tunnel, false);

	sa.spi = contract_spi(2, other_id(tunnel));
	return sa;
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
	sa = r->rekeys && f->sent % 2 ? successor_of(f->tunnel) : sa_of(f->tunnel, false);
	p.sequence = ++r->sequences[r->rekeys && f->sent % 2][f->tunnel];
	n = peer_seal(&sa, &p, esp);
	*queue = r->config.spreads_spi ? f->tunnel % r->config.queues : 0;
	return craft_esp(bed, &outer, esp, (uint32_t)n);
}

static void outer_check(struct run *r, const uint8_t *frame, uint32_t n)
{
	const uint8_t *esp = frame + 14 + 20;
	uint32_t spi = (uint32_t)esp[0] << 24 | (uint32_t)(esp[1] << 16 | esp[2] << 8 | esp[3]);
	uint32_t tunnel = spi & 0xffff;
	bool other = spi & OTHER;
	uint32_t number = (uint32_t)esp[4] << 24 | (uint32_t)(esp[5] << 16 | esp[6] << 8 | esp[7]);
	struct contract_sa sa = sa_of(tunnel, true);
	uint8_t inner[BYTES + 64];
	uint8_t next_header;
	int got;

	r->refused += !peer_accepts(&r->peers[other][tunnel], number - r->first[other][tunnel]);
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
		if (bed_drops(bed, d) > r->drops[d])
			print_message("drops %s: %llu\n", contract_drop_name(d),
				      (unsigned long long)(bed_drops(bed, d) - r->drops[d]));
	fail_msg("%u of %u packets came through, then none for %d s", r->got, r->packets,
		 PATIENCE_S);
}

static void send_all(struct run *r)
{
	time_t end = time(NULL) + PATIENCE_S;

	while (r->got < r->packets) {
		bool moved = false;

		if (r->churn.going && r->packets < CHURN_PACKETS)
			r->packets = r->sent + UNDER_WAY;
		while (r->sent < r->packets && r->sent - r->got < UNDER_WAY) {
			uint32_t queue;
			struct rte_mbuf *m = next_frame(r, &queue);

			assert_true(gang_arrive(r->gang, r->inward, queue, m));
			r->sent++;
			moved = true;
		}
		while (take_one(r))
			moved = true;
		if (moved)
			end = time(NULL) + PATIENCE_S;
		else
			sched_yield();
		if (time(NULL) > end)
			late(r);
	}
}

static void outbound_new(struct run *r, uint32_t tunnel, uint32_t spread, bool other)
{
	struct bed_sa sa = { .tunnel = tunnel,
			     .cipher = CONTRACT_CIPHER_AES128_GCM,
			     .spread = spread };
	uint32_t id = other ? other_id(tunnel) : 2 * tunnel + 1;
	struct contract_sa in;
	struct contract_sa out;

	bed_sa_make(&in, &out, &sa);
	out.spi |= other ? OTHER : 0;
	if (bed_put(bed, CONTRACT_SA, id, &out, sizeof(out)))
		fail_msg("%s", sa_reason(bed->sas));
	r->first[other][tunnel] = sa_slot(sa_hot(bed->sas), id)->out_life.next;
	r->peers[other][tunnel].seen =
		calloc((r->changes ? CHURN_PACKETS : r->packets) + GANG_RING, 1);
}

static uint64_t counter(uint32_t column)
{
	return contract_counters_sum(&bed->counters, CONTRACT_COUNT_WORKER, 0, column);
}

static struct run *run_new(const struct gang_config *config, uint32_t tunnels, bool inward)
{
	struct run *r = calloc(1, sizeof(*r));

	r->config = *config;
	r->config.qsbr = qsbr;
	r->tunnels = tunnels;
	r->inward = inward;
	r->packets = packets_of_case;
	r->flow_count = tunnels > FLOWS ? tunnels : FLOWS;
	for (uint32_t i = 0; i < r->flow_count; i++)
		r->flows[i].tunnel = 1 + i % tunnels;
	for (uint32_t t = 1; t <= tunnels; t++)
		r->sequences[0][t] = sa_slot(sa_hot(bed->sas), 2 * t)->window.highest;
	for (uint32_t d = 1; d < CONTRACT_DROP_COUNT; d++)
		r->drops[d] = bed_drops(bed, d);
	running = r;
	return r;
}

static void run_end(struct run *r)
{
	if (r->churn.started)
		pthread_join(r->churn.thread, NULL);
	r->churn.started = false;
	if (r->gang)
		gang_free(r->gang);
	r->gang = NULL;
}

static void run_free(struct run *r)
{
	running = NULL;
	run_end(r);
	for (uint32_t t = 1; t <= r->tunnels; t++) {
		free(r->peers[0][t].seen);
		free(r->peers[1][t].seen);
	}
	free(r);
}

static void run_report(const struct run *r, uint64_t handed, uint64_t waits)
{
	printf("%s, %u SAs, %u workers, %u queues%s%s: %u packets, %u misordered, %u refused, "
	       "%llu handed over, %llu waits\n",
	       r->inward ? "in" : "out", r->tunnels, r->config.workers, r->config.queues,
	       r->config.spreads_spi ? " by SPI" : "", r->config.spread_inbound ? ", spread" : "",
	       r->got, r->misordered, r->refused,
	       (unsigned long long)(counter(CONTRACT_WORKER_HANDED_OVER) - handed),
	       (unsigned long long)(counter(CONTRACT_WORKER_WAITS) - waits));
}

/* On a thread of its own, where cmocka's asserts cannot be. */
static void churn_must(int err, uint32_t id)
{
	if (!err)
		return;
	fprintf(stderr, "SA %u: %d %s\n", id, err, sa_reason(bed->sas));
	exit(1);
}

static uint32_t spare_id(uint32_t i)
{
	return 3 * TUNNELS + 3 + i % SPARE;
}

/* The main lcore's part: an SA of a spare id comes, an older one goes. */
static void churn_one(uint32_t i)
{
	struct contract_sa sa = sa_of(1 + i % TUNNELS, i & 1);
	struct contract_object gone = { .kind = CONTRACT_SA };

	if (i >= SPARE / 2) {
		gone.id = spare_id(i - SPARE / 2);
		churn_must(sa_del(bed->sas, &gone, NULL), gone.id);
	}
	if (!(i & 1))
		sa.spi = contract_spi(1, spare_id(i));
	churn_must(bed_put(bed, CONTRACT_SA, spare_id(i), &sa, sizeof(sa)), spare_id(i));
}

static void churn_end(void)
{
	for (uint32_t i = churn_sas - SPARE / 2; i < churn_sas; i++) {
		struct contract_object gone = { .kind = CONTRACT_SA, .id = spare_id(i) };

		churn_must(sa_del(bed->sas, &gone, NULL), gone.id);
	}
}

/* And the tunnels that have traffic send on one SA, then on the other. */
static void take_over(uint32_t i)
{
	uint32_t tunnel = 1 + i % CHURN_TUNNELS;

	bed_child(bed, tunnel, i / CHURN_TUNNELS & 1 ? 2 * tunnel + 1 : other_id(tunnel));
}

static void *churn_all(void *arg)
{
	struct churn *churn = arg;
	uint64_t start = rte_rdtsc();

	for (uint32_t i = 0; i < churn_sas; i++) {
		churn_one(i);
		take_over(i);
		sa_reclaim(bed->sas);
	}
	churn_end();
	churn->sas_per_s = churn_sas * (double)rte_get_tsc_hz() / (double)(rte_rdtsc() - start);
	churn->going = false;
	return NULL;
}

static void run_go(struct run *r, uint32_t spread)
{
	uint64_t drops = bed_drops_all(bed);
	uint64_t handed = counter(CONTRACT_WORKER_HANDED_OVER);
	uint64_t waits = counter(CONTRACT_WORKER_WAITS);

	for (uint32_t t = 1; t <= r->tunnels; t++) {
		outbound_new(r, t, spread, false);
		if (r->changes)
			outbound_new(r, t, spread, true);
	}
	r->gang = gang_new(bed, &r->config);
	if (r->changes) {
		r->churn.going = true;
		assert_int_equal(pthread_create(&r->churn.thread, NULL, churn_all, &r->churn), 0);
		r->churn.started = true;
	}
	send_all(r);
	run_end(r);
	assert_int_equal(bed_drops_all(bed), drops);
	assert_int_equal(r->got, r->packets);
	run_report(r, handed, waits);
}

static struct run *run_case(const struct gang_config *config, uint32_t tunnels, bool inward,
			    uint32_t spread)
{
	struct run *r = run_new(config, tunnels, inward);

	run_go(r, spread);
	return r;
}

static void run_good(const struct gang_config *config, uint32_t tunnels, bool inward)
{
	struct run *r = run_case(config, tunnels, inward, CONTRACT_SPREAD_DEFAULT);

	assert_int_equal(r->misordered, 0);
	assert_int_equal(r->refused, 0);
	run_free(r);
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
		{ .workers = 1, .queues = 1, .spread_inbound = true },
		{ .workers = 2, .queues = 1, .spread_inbound = true },
		{ .workers = 4, .queues = 1, .spread_inbound = true },
		{ .workers = 2, .queues = 2, .spreads_spi = true, .spread_inbound = true },
		{ .workers = 4, .queues = 4, .spreads_spi = true, .spread_inbound = true },
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
	run_free(r);
}

/* Without the bound the same receiver must drop, or the test above shows nothing. */
static void planted_spread(void **state)
{
	const struct gang_config config = { .workers = 4, .queues = 4, .spreads_spi = true };
	uint32_t refused = 0;

	(void)state;
	for (int i = 0; i < 50 && !refused; i++) {
		struct run *r = run_new(&config, 1, false);

		r->packets = packets_of_case < PLANTED ? PLANTED : packets_of_case;
		run_go(r, 1 << 20);
		assert_int_equal(r->misordered, 0);
		refused = r->refused;
		run_free(r);
	}
	assert_true(refused > 0);
}

/* State changes under traffic: nothing is lost, misordered or refused. */
static void sas_come_and_go(void **state)
{
	struct gang_config config = { .workers = 2, .queues = 2, .spreads_spi = true };

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t way = i > 0;
		struct run *r;

		config.spread_inbound = i > 1;
		r = run_new(&config, CHURN_TUNNELS, way);
		r->changes = true;
		run_go(r, CONTRACT_SPREAD_DEFAULT);
		printf("%u SAs installed meanwhile, %.0f a second\n", churn_sas,
		       r->churn.sas_per_s);
		assert_int_equal(r->misordered, 0);
		assert_int_equal(r->refused, 0);
		run_free(r);
	}
}

/* A flow goes on with the SA that follows, and with the old one again, packet by packet. */
static void peer_rekeys(void **state)
{
	static const struct gang_config configs[] = {
		{ .workers = 2, .queues = 1 },
		{ .workers = 4, .queues = 1 },
		{ .workers = 4, .queues = 2 },
		{ .workers = 2, .queues = 1, .spread_inbound = true },
		{ .workers = 4, .queues = 2, .spread_inbound = true },
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		struct run *r = run_new(&configs[i], CHURN_TUNNELS, true);

		r->rekeys = true;
		for (uint32_t t = 1; t <= CHURN_TUNNELS; t++) {
			struct contract_sa sa = successor_of(t);

			assert_int_equal(bed_put(bed, CONTRACT_SA, other_id(t), &sa, sizeof(sa)),
					 0);
		}
		run_go(r, CONTRACT_SPREAD_DEFAULT);
		assert_int_equal(r->misordered, 0);
		for (uint32_t t = 1; t <= CHURN_TUNNELS; t++) {
			struct contract_object gone = { .kind = CONTRACT_SA, .id = other_id(t) };

			assert_int_equal(sa_del(bed->sas, &gone, NULL), 0);
		}
		sa_reclaim(bed->sas);
		run_free(r);
	}
}

static uint32_t worker_of(const uint8_t *ip, uint32_t n)
{
	struct rte_mbuf *m = craft_frame(bed, ip, n, true);
	uint32_t worker = handover_worker(sa_hot(bed->sas), m, 1000);

	rte_pktmbuf_free(m);
	return worker;
}

/* ESP of no known SA goes by its SPI, in UDP too; fragments go with each other, whatever stands in
 * them. */
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

static int tidy(void **state)
{
	(void)state;
	if (running)
		run_free(running);
	return 0;
}

static int make(void **state)
{
	struct bed_config config = { .tunnels = TUNNELS,
				     .buffers = 8191,
				     .workers = GANG_WORKERS,
				     .sas = 3 * TUNNELS + 4 + SPARE };

	(void)state;
	qsbr = config.qsbr = worker_qsbr_new(GANG_WORKERS);
	bed = gang_bed(&config);
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
	worker_qsbr_free(qsbr);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_decides),
		cmocka_unit_test_teardown(in_order_everywhere, tidy),
		cmocka_unit_test_teardown(one_at_a_time, tidy),
		cmocka_unit_test_teardown(planted_spread, tidy),
		cmocka_unit_test_teardown(peer_rekeys, tidy),
		cmocka_unit_test_teardown(sas_come_and_go, tidy),
	};
	const char *count = getenv("WORKERS_PACKETS");

	if (count)
		packets_of_case = (uint32_t)strtoul(count, NULL, 10);
	count = getenv("CHURN_SAS");
	if (count)
		churn_sas = (uint32_t)strtoul(count, NULL, 10);
	test_eal_init_with("--no-huge", "256");
	return cmocka_run_group_tests(tests, make, unmake);
}
