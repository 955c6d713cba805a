/*
 * One inbound SA on several workers (worker/spread.h), with the smallest replay window: nothing
 * that its peer sent is refused, nothing is taken twice, every flow leaves in the order in which it
 * came, whatever is repeated, forged or lost before it came here, across 2^32 too, and out of one
 * tunnel into another. First that a burst's parts take their turns, whoever is late, and that the
 * tests would see it if they did not. SPREAD_PACKETS sets how many packets a case has.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "dataplane/nodes/path_state.h"
#include "dataplane/worker/spread.h"
#include "gang.h"
#include "peer.h"

#include <rte_mbuf.h>

#include <sched.h>
#include <time.h>

#define TUNNELS 32
#define WINDOW 64
#define PEER_WINDOW 32
#define FLOWS 16
#define BYTES 96
#define MARK 28 /* where the number of a packet in its flow stands */
#define PARTS 4
#define WORKERS 4
#define UNDER_WAY 1024
#define PATIENCE_S 20
#define ACROSS (UINT64_C(0x100000000) - 500) /* numbers begin so that they pass 2^32 */

static struct bed *bed;
static uint32_t packets_of_case = 8000;

struct flow {
	uint32_t sent;
	uint32_t got;
};

struct run {
	struct gang *gang;
	uint32_t tunnel; /* the next one is what transit goes into */
	struct contract_sa in;
	struct contract_sa out; /* of that */
	uint64_t sequence;
	struct flow flows[FLOWS];
	bool transit;
	bool hostile; /* repeats, forgeries, gaps */
	uint32_t arrived;
	uint32_t wanted; /* of them: to come through */
	uint32_t got;
	uint32_t misordered;
	uint32_t refused; /* by the window of the peer beyond */
	uint64_t beyond;
};

static struct contract_sa sa_new(uint32_t tunnel, uint64_t sequence, bool out)
{
	struct bed_sa sa = { .tunnel = tunnel,
			     .cipher = CONTRACT_CIPHER_AES128_GCM,
			     .window = WINDOW,
			     .flags = CONTRACT_SA_ESN,
			     .sequence = sequence };
	struct contract_sa both[2];

	bed_sa_make(&both[0], &both[1], &sa);
	bed_sa_add(bed, &sa);
	return both[out];
}

/* Two tunnels that nobody had before; numbers of the peer's SA begin behind `sequence`. */
static struct run run_new(uint64_t sequence)
{
	static uint32_t tunnels;
	struct run r = { .tunnel = ++tunnels, .sequence = sequence };

	r.in = sa_new(tunnels, sequence, false);
	r.out = sa_new(++tunnels, 0, true);
	return r;
}

static uint32_t inner_make(struct run *r, uint8_t *to)
{
	uint32_t flow = r->wanted % FLOWS;
	struct craft c = {
		.tunnel = r->tunnel, .length = BYTES, .inward = true, .flow = (uint16_t)flow
	};
	uint32_t n = craft_ip(to, &c);
	uint32_t beyond_be = htobe32(bed_tunnel_net(r->tunnel + 1) + 7);

	r->flows[flow].sent++;
	memcpy(to + MARK, &r->flows[flow].sent, sizeof(uint32_t));
	if (r->transit) {
		memcpy(to + 16, &beyond_be, sizeof(beyond_be));
		craft_sum(to);
	}
	return n;
}

static struct rte_mbuf *sealed(struct run *r, uint64_t sequence, bool forged)
{
	struct craft_outer outer = { .tunnel = r->tunnel };
	uint8_t inner[BYTES];
	uint8_t esp[BYTES + 64];
	struct peer_packet p = { inner, inner_make(r, inner), sequence, 4, 0 };
	int n = peer_seal(&r->in, &p, esp);

	esp[n - 1] ^= forged;
	return craft_esp(bed, &outer, esp, (uint32_t)n);
}

/* The next packet of the peer, which is to come through. */
static struct rte_mbuf *fresh(struct run *r)
{
	struct rte_mbuf *m = sealed(r, ++r->sequence, false);

	r->wanted++;
	return m;
}

static void inner_seen(struct run *r, const uint8_t *ip, uint32_t n)
{
	uint32_t flow = (uint32_t)(ip[20] << 8 | ip[21]) - 1024;
	uint32_t number;

	assert_int_equal(n, BYTES);
	assert_true(flow < FLOWS);
	memcpy(&number, ip + MARK, sizeof(number));
	r->misordered += number != r->flows[flow].got + 1;
	r->flows[flow].got = number;
	r->got++;
}

static void outer_seen(struct run *r, const uint8_t *esp, uint32_t n)
{
	uint32_t number = (uint32_t)esp[4] << 24 | (uint32_t)(esp[5] << 16 | esp[6] << 8 | esp[7]);
	uint8_t inner[BYTES + 64];
	uint8_t next_header;
	int got = peer_open(&r->out, esp, n, 0, inner, &next_header);

	assert_int_equal(got, BYTES);
	r->refused += number + PEER_WINDOW <= r->beyond;
	r->beyond = RTE_MAX(r->beyond, (uint64_t)number);
	inner_seen(r, inner, (uint32_t)got);
}

static void seen(struct run *r, struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);

	if (r->transit)
		outer_seen(r, frame + 34, m->data_len - 34u);
	else
		inner_seen(r, frame + 14, m->data_len - 14u);
	rte_pktmbuf_free(m);
}

/* One part of a burst on a worker of its own. */
struct part {
	struct run *r;
	struct path *path;
	pthread_t thread;
	struct rte_mbuf *packets[SPREAD_LOT];
	struct path_turn turn;
	uint64_t alone[2]; /* turns of nobody else: what the planted fault gives it */
};

static struct part parts[PARTS];
static uint64_t committed;
static uint64_t left;

static void parts_new(struct run *r, bool in_turn)
{
	committed = left = 0;
	for (uint32_t i = 0; i < PARTS; i++) {
		struct part *part = &parts[i];

		*part = (struct part){ .r = r, .turn = { .number = i } };
		part->alone[0] = part->alone[1] = i;
		part->turn.committed = in_turn ? &committed : &part->alone[0];
		part->turn.left = in_turn ? &left : &part->alone[1];
		assert_int_equal(path_new(&part->path, &bed->shared, i, SOCKET_ID_ANY), 0);
		for (uint32_t k = 0; k < SPREAD_LOT; k++)
			part->packets[k] = fresh(r);
	}
}

static void *part_run(void *arg)
{
	struct part *part = arg;
	struct path_tx *tx = path_tx(part->path, 0);

	path_run_turn(part->path, 1, part->packets, SPREAD_LOT, &part->turn);
	for (uint32_t i = 0; i < tx->n; i++)
		seen(part->r, tx->packets[i]);
	tx->n = 0;
	path_turn_end(part->path);
	return NULL;
}

static void parts_free(void)
{
	for (uint32_t i = 0; i < PARTS; i++)
		path_free(parts[i].path);
}

/* The last part of a burst has its worker first; each waits before its numbers count. */
static void turns_are_taken(void **state)
{
	struct run r = run_new(0);
	uint64_t drops = bed_drops_all(bed);

	(void)state;
	parts_new(&r, true);
	for (uint32_t i = PARTS - 1; i > 0; i--) {
		assert_int_equal(pthread_create(&parts[i].thread, NULL, part_run, &parts[i]), 0);
		while (!__atomic_load_n(&parts[i].path->waits, __ATOMIC_RELAXED))
			sched_yield();
		assert_int_equal(sa_slot(sa_hot(bed->sas), 2 * r.tunnel)->window.highest, 0);
	}
	part_run(&parts[0]);
	for (uint32_t i = 1; i < PARTS; i++)
		pthread_join(parts[i].thread, NULL);
	assert_int_equal(r.got, r.wanted);
	assert_int_equal(r.misordered, 0);
	assert_int_equal(bed_drops_all(bed), drops);
	assert_int_equal(left, PARTS);
	parts_free();
}

/* The same without turns must go wrong in both ways, or the test above shows nothing. */
static void planted_no_turns(void **state)
{
	struct run r = run_new(0);
	uint64_t drops = bed_drops_all(bed);

	(void)state;
	parts_new(&r, false);
	for (uint32_t i = PARTS; i-- > 0;)
		part_run(&parts[i]);
	assert_true(r.misordered > 0);
	assert_true(r.got < r.wanted);
	assert_int_equal(r.got + bed_drops_all(bed) - drops, r.wanted);
	parts_free();
}

/* What arrives: of a hostile run also what was there before, forgeries of what comes, and gaps. */
static void arrive(struct run *r, struct rte_mbuf *m)
{
	assert_true(gang_arrive(r->gang, 1, 0, m));
	r->arrived++;
}

static void arrive_next(struct run *r)
{
	struct rte_mbuf *m = fresh(r);
	struct rte_mbuf *again = r->hostile ? rte_pktmbuf_copy(m, bed->pool, 0, UINT32_MAX) : NULL;

	arrive(r, m);
	if (!r->hostile)
		return;
	arrive(r, again);
	if (r->wanted % 3 == 0) {
		struct flow kept[FLOWS];

		memcpy(kept, r->flows, sizeof(kept));
		arrive(r, sealed(r, r->sequence + 1, true));
		memcpy(r->flows, kept, sizeof(kept));
	}
	if (r->wanted % 16 == 0)
		r->sequence += r->wanted % 512 == 0 ? 3 * WINDOW : 2;
}

static uint64_t given_up(const struct run *r)
{
	return r->hostile ? bed_drops(bed, CONTRACT_DROP_ESP_REPLAY_SEEN) +
				    bed_drops(bed, CONTRACT_DROP_ESP_REPLAY_OLD) +
				    bed_drops(bed, CONTRACT_DROP_ESP_ICV)
			  : bed_drops_all(bed);
}

static void go(struct run *r, const struct gang_config *config)
{
	uint64_t drops = bed_drops_all(bed);
	uint64_t refused = given_up(r);
	time_t end = time(NULL) + PATIENCE_S;

	r->gang = gang_new(bed, config);
	while ((r->got < r->wanted || r->wanted < packets_of_case) && time(NULL) <= end) {
		struct rte_mbuf *m;

		while (r->wanted < packets_of_case && r->wanted - r->got < UNDER_WAY)
			arrive_next(r);
		while ((m = gang_left(r->gang, r->transit)))
			seen(r, m);
		sched_yield();
	}
	gang_free(r->gang);
	assert_true(r->wanted >= packets_of_case);
	assert_int_equal(r->got, r->wanted);
	assert_int_equal(r->misordered, 0);
	assert_int_equal(r->refused, 0);
	assert_int_equal(bed_drops_all(bed) - drops, given_up(r) - refused);
	assert_int_equal(bed_drops_all(bed) - drops, r->arrived - r->wanted);
}

static uint64_t handed_over(void)
{
	return contract_counters_sum(&bed->counters, CONTRACT_COUNT_WORKER, 0,
				     CONTRACT_WORKER_HANDED_OVER);
}

static void all_workers(const struct run *what, uint64_t sequence)
{
	static const struct gang_config configs[] = {
		{ .workers = 2, .queues = 1, .spread_inbound = true },
		{ .workers = 4, .queues = 1, .spread_inbound = true },
		{ .workers = 4, .queues = 4, .spreads_spi = true, .spread_inbound = true },
	};

	for (uint32_t i = 0; i < RTE_DIM(configs); i++) {
		struct run r = run_new(sequence);
		uint64_t handed = handed_over();

		r.transit = what->transit;
		r.hostile = what->hostile;
		go(&r, &configs[i]);
		printf("%u workers, %u queues%s%s: %u arrived, %u came through in order, %llu "
		       "handed over\n",
		       configs[i].workers, configs[i].queues, r.transit ? ", transit" : "",
		       r.hostile ? ", hostile" : "", r.arrived, r.got,
		       (unsigned long long)(handed_over() - handed));
	}
}

static void across_2_32(void **state)
{
	(void)state;
	all_workers(&(struct run){ .hostile = false }, ACROSS);
}

static void repeated_forged_lost(void **state)
{
	(void)state;
	all_workers(&(struct run){ .hostile = true }, ACROSS);
}

static void into_another_tunnel(void **state)
{
	(void)state;
	all_workers(&(struct run){ .transit = true }, 0);
}

static int make(void **state)
{
	struct bed_config config = { .tunnels = TUNNELS, .buffers = 8191, .workers = GANG_WORKERS };

	(void)state;
	bed = gang_bed(&config);
	for (uint32_t t = 1; t <= TUNNELS; t++)
		bed_tunnel(bed, t);
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
		cmocka_unit_test(turns_are_taken),     cmocka_unit_test(planted_no_turns),
		cmocka_unit_test(across_2_32),	       cmocka_unit_test(repeated_forged_lost),
		cmocka_unit_test(into_another_tunnel),
	};
	const char *count = getenv("SPREAD_PACKETS");

	if (count)
		packets_of_case = (uint32_t)strtoul(count, NULL, 10);
	test_eal_init_with("--no-huge", "256");
	return cmocka_run_group_tests(tests, make, unmake);
}
