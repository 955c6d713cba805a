/*
 * One inbound SA by one worker and by two: scripts/bench spread. The workers run the real loop on
 * devices of the test, a CPU each; a round's packets have arrived before they begin, the time runs
 * from the first burst received to the last frame sent. Then each frame is compared with what the
 * peer (OpenSSL) sealed, in the order of its flow.
 */
#include "craft.h"
#include "gang.h"
#include "peer.h"
#include "../../unit/dataplane/eal.h"
#include "../measure.h"
#include "../options.h"

#include <rte_cycles.h>
#include <rte_mbuf.h>

#include <time.h>

#define TUNNELS 64
#define PACKETS 4000 /* of a round */
#define ROUNDS 101
#define QUICK_ROUNDS 31
#define FLOWS 64
#define MARK 28
#define MOST 1600
#define PATIENCE_MS 2000

struct row {
	const char *name;
	struct gang_config config;
};

struct side {
	struct contract_sa in;
	uint32_t tunnel;
	uint32_t size;
	uint64_t sequence;
	uint32_t sent[FLOWS];
	uint32_t got[FLOWS];
};

static struct bed *bed;

static void fail(const char *what, uint64_t number)
{
	fprintf(stderr, "bench: %s (%llu)\n", what, (unsigned long long)number);
	for (uint32_t d = 1; d < CONTRACT_DROP_COUNT; d++)
		if (bed_drops(bed, d))
			fprintf(stderr, "  %s\n", contract_drop_name(d));
	exit(1);
}

static struct side side_new(uint32_t size)
{
	static uint32_t tunnels;
	struct side side = { .tunnel = ++tunnels, .size = size };
	struct bed_sa sa = { .tunnel = tunnels,
			     .cipher = CONTRACT_CIPHER_AES256_GCM,
			     .window = 1024,
			     .flags = CONTRACT_SA_ESN };
	struct contract_sa out;

	bed_sa_make(&side.in, &out, &sa);
	bed_sa_add(bed, &sa);
	return side;
}

static uint32_t inner_of(const struct side *side, uint32_t flow, uint32_t number, uint8_t *to)
{
	struct craft c = {
		.tunnel = side->tunnel, .length = side->size, .inward = true, .flow = (uint16_t)flow
	};
	uint32_t n = craft_ip(to, &c);

	memcpy(to + MARK, &number, sizeof(number));
	return n;
}

static void arrive(struct gang *gang, struct side *side, uint32_t flow)
{
	struct craft_outer outer = { .tunnel = side->tunnel };
	uint8_t inner[MOST];
	uint8_t esp[MOST];
	struct peer_packet p = { inner, inner_of(side, flow, ++side->sent[flow], inner),
				 ++side->sequence, 4, 0 };
	int n = peer_seal(&side->in, &p, esp);

	if (!gang_arrive(gang, 1, 0, craft_esp(bed, &outer, esp, (uint32_t)n)))
		fail("the queue is full", side->sequence);
}

static void check(struct side *side, struct rte_mbuf *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *) + 14;
	uint32_t flow = (uint32_t)(ip[20] << 8 | ip[21]) - 1024;
	uint8_t wanted[MOST];

	if (flow >= FLOWS)
		fail("a flow that nobody sent", flow);
	inner_of(side, flow, ++side->got[flow], wanted);
	craft_forwarded(wanted);
	if (m->data_len != side->size + 14u || memcmp(ip, wanted, side->size) != 0)
		fail("a packet that is not the next of its flow", side->got[flow]);
	rte_pktmbuf_free(m);
}

/* TSC cycles from the first to the last. */
static double round_of(struct gang *gang, struct side *side)
{
	const struct timespec moment = { 0, 1000000 };
	uint32_t before = rte_ring_count(gang->wires[0]);
	uint32_t waited = 0;

	for (uint32_t i = 0; i < PACKETS; i++)
		arrive(gang, side, i % FLOWS);
	gang_open(true);
	while (rte_ring_count(gang->wires[0]) < before + PACKETS) {
		nanosleep(&moment, NULL);
		if (++waited > PATIENCE_MS)
			fail("packets are missing", rte_ring_count(gang->wires[0]));
	}
	gang_open(false);
	for (uint32_t i = 0; i < PACKETS; i++)
		check(side, gang_left(gang, 0));
	return (double)gang_span();
}

static struct measure measure(const struct gang_config *config, uint32_t size, uint32_t rounds)
{
	struct gang *gang = gang_new(bed, config);
	struct side side = side_new(size);
	double cycles[ROUNDS];

	for (uint32_t i = 0; i < 3; i++)
		round_of(gang, &side);
	for (uint32_t i = 0; i < rounds; i++)
		cycles[i] = round_of(gang, &side) / PACKETS;
	gang_free(gang);
	if (bed_drops_all(bed))
		fail("packets were dropped", bed_drops_all(bed));
	qsort(cycles, rounds, sizeof(cycles[0]), measure_compare);
	return (struct measure){ .median = cycles[rounds / 2], .min = cycles[0] };
}

static void print(struct bench_options *o, const struct row *row, uint32_t size,
		  const struct measure *m, double alone)
{
	printf("%-24s %5u | %8.1f %8.1f | %6.2f %7.2f | %5.2f\n", row->name, size, m->median,
	       m->min, (double)rte_get_tsc_hz() / m->median / 1e6,
	       (double)rte_get_tsc_hz() / m->median * size * 8 / 1e9, alone / m->median);
	fflush(stdout);
	bench_json(o,
		   "\"direction\": \"in\", \"algorithm\": \"aes-256-gcm\", \"size\": %u, "
		   "\"tunnels\": 1, \"workers\": %u, \"spread\": %s, \"cycles_median\": %.1f, "
		   "\"cycles_min\": %.1f",
		   size, row->config.workers, row->config.spread_inbound ? "true" : "false",
		   m->median, m->min);
}

int main(int argc, char **argv)
{
	static const struct row rows[] = {
		{ "1 worker", { .workers = 1, .queues = 1, .steady = true } },
		{ "2 workers", { .workers = 2, .queues = 2, .spreads_spi = true, .steady = true } },
		{ "2 workers, spread",
		  { .workers = 2,
		    .queues = 2,
		    .spreads_spi = true,
		    .spread_inbound = true,
		    .steady = true } },
	};
	static const uint32_t sizes[] = { 64, 512, 1420 };
	struct bench_options options = bench_options(argc, argv, NULL);
	struct bed_config config = { .tunnels = TUNNELS, .buffers = 8191, .workers = GANG_WORKERS };

	test_eal_init_pages(256);
	bed = bed_new(&config);
	for (uint32_t t = 1; t <= TUNNELS; t++)
		bed_tunnel(bed, t);
	printf("%-24s %5s | %8s %8s | %6s %7s | times\n", "AES-256-GCM in, one SA", "size",
	       "cycles", "least", "Mpps", "Gbit/s");
	for (uint32_t s = 0; s < RTE_DIM(sizes); s++) {
		double alone = 0;

		for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
			struct measure m = measure(&rows[i].config, sizes[s],
						   options.quick ? QUICK_ROUNDS : ROUNDS);

			alone = i ? alone : m.median;
			print(&options, &rows[i], sizes[s], &m, alone);
		}
	}
	bench_end(&options);
	bed_free(bed);
	return 0;
}
