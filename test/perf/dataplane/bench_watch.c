/*
 * What captures and traces cost those packets that they do not want: cycles per packet with none,
 * and with one whose filter matches nothing, in turns over the same packets. scripts/bench watch.
 */
#include "../../unit/dataplane/eal.h"
#include "../measure.h"
#include "../options.h"
#include "feed.h"

#include <rte_cycles.h>

#define PASSES 40
#define SNAP 120

struct wish {
	const char *name;
	struct contract_capture head;
	struct contract_capture_rule rule;
};

#define NOWHERE                                                                                    \
	{                                                                                          \
		.src = { { .bytes = { 203, 0, 113, 99 }, .family = NET_IP4 }, .length = 32 },      \
		.tcp_flags = CONTRACT_TCP_ANY                                                      \
	}

static const struct wish wishes[] = {
	{ "none", { 0 }, { { { { 0 } } } } },
	{ "none again", { 0 }, { { { { 0 } } } } },
	{ "capture, subnet",
	  { .id = 1,
	    .snap = SNAP,
	    .what = CONTRACT_CAPTURE_INNER | CONTRACT_CAPTURE_OUTER | CONTRACT_CAPTURE_IKE,
	    .rules = 1 },
	  NOWHERE },
	{ "capture, port and protocol",
	  { .id = 1, .snap = SNAP, .what = CONTRACT_CAPTURE_INNER, .rules = 1 },
	  { .dst_port = 9, .protocol = 6, .tcp_flags = CONTRACT_TCP_ANY } },
	{ "trace, subnet", { .id = 1, .what = CONTRACT_CAPTURE_STEPS, .rules = 1 }, NOWHERE },
};

#define WISHES (sizeof(wishes) / sizeof(wishes[0]))

static double pass(struct feed *feed)
{
	struct path *path = feed->bed->path;
	uint32_t from = feed->load.work == WORK_IN ? 1 : 0;
	struct path_tx *tx = path_tx(path, feed->load.work == WORK_IN ? 0 : 1);
	uint64_t cycles = 0;

	for (uint32_t p = 0; p < PASSES; p++) {
		uint64_t start;

		feed_refill(feed);
		start = rte_rdtsc();
		path_run(path, from, feed->packets, feed->load.pool);
		path_tick(path);
		cycles += rte_rdtsc() - start;
		if (tx->n != feed->load.pool || rte_ring_count(feed->bed->captured)) {
			fprintf(stderr, "bench: %u of %u packets left, %u were captured\n", tx->n,
				feed->load.pool, rte_ring_count(feed->bed->captured));
			exit(1);
		}
		tx->n = 0;
	}
	return (double)cycles / PASSES / feed->load.pool;
}

static void set(struct bed *bed, const struct wish *wish)
{
	struct {
		struct contract_capture head;
		struct contract_capture_rule rule;
	} m = { wish->head, wish->rule };

	capture_clear(bed->captures);
	if (m.head.id && capture_set(bed->captures, &m.head))
		exit(1);
}

static void measure(struct feed *feed, uint32_t rounds, double median[WISHES], double least[WISHES])
{
	double *cycles[WISHES];

	for (uint32_t w = 0; w < WISHES; w++)
		cycles[w] = calloc(rounds, sizeof(double));
	for (uint32_t r = 0; r < rounds; r++)
		for (uint32_t w = 0; w < WISHES; w++) {
			set(feed->bed, &wishes[w]);
			cycles[w][r] = pass(feed);
		}
	for (uint32_t w = 0; w < WISHES; w++) {
		qsort(cycles[w], rounds, sizeof(double), measure_compare);
		median[w] = cycles[w][rounds / 2];
		least[w] = cycles[w][0];
		free(cycles[w]);
	}
	capture_clear(feed->bed->captures);
}

static const char *const work_names[] = { "out", "in", "plain" };

static void one(struct bench_options *o, const struct load *load)
{
	struct bed_config config = { .tunnels = 1, .buffers = load->pool + 1, .routes4 = 80 };
	struct bed_sa sa = { .tunnel = 1,
			     .cipher = load->cipher,
			     .flags = CONTRACT_SA_ESN,
			     .sequence = UINT64_C(0x180000000) };
	struct bed *bed = bed_new(&config);
	double median[WISHES];
	double least[WISHES];
	struct feed *feed;

	bed_tunnel(bed, 1);
	if (load->work != WORK_PLAIN)
		bed_sa_add(bed, &sa);
	feed = feed_new(bed, load);
	measure(feed, o->quick ? 31 : 101, median, least);
	for (uint32_t w = 0; w < WISHES; w++) {
		printf("%-5s %4u  %-28s %7.1f %7.1f | %+6.2f %+6.2f\n", work_names[load->work],
		       load->size, wishes[w].name, median[w], least[w], median[w] - median[0],
		       least[w] - least[0]);
		bench_json(o,
			   "\"direction\": \"%s\", \"size\": %u, \"watch\": \"%s\", "
			   "\"cycles_median\": %.1f, \"cycles_min\": %.1f, \"more_median\": %.2f",
			   work_names[load->work], load->size, wishes[w].name, median[w], least[w],
			   median[w] - median[0]);
	}
	feed_free(feed);
	bed_free(bed);
}

int main(int argc, char **argv)
{
	struct bench_options o = bench_options(argc, argv, NULL);
	static const uint32_t sizes[] = { 64, 1420 };

	test_eal_init_pages(64);
	printf("work  size  watch                         median     min |  more: median, min "
	       "(TSC cycles per packet)\n");
	for (uint32_t work = WORK_OUT; work <= WORK_PLAIN; work++)
		for (uint32_t i = 0; i < 2; i++)
			one(&o, &(struct load){ .cipher = CONTRACT_CIPHER_AES256_GCM,
						.algorithm = "aes-256-gcm",
						.work = work,
						.size = sizes[i],
						.tunnels = 1,
						.burst = 256,
						.pool = 256,
						.flows = 1,
						.routes = 10 });
	bench_end(&o);
	return 0;
}
