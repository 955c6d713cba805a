/*
 * What captures and traces cost those packets that they do not want: cycles per packet with none,
 * and with one whose filter matches nothing, in turns over the same packets. scripts/bench watch.
 *
 * Each run of a pool is timed by itself and the median of a turn counts, so that a turn survives
 * what the system does meanwhile; what a filter costs is held against the turn with none beside it.
 */
#include "../../unit/dataplane/eal.h"
#include "../measure.h"
#include "../options.h"
#include "feed.h"

#include <rte_cycles.h>

#define RUNS 15 /* of a turn */
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

static __attribute__((noinline)) void timed(struct feed *feed)
{
	path_run(feed->bed->path, feed->load.work == WORK_IN ? 1 : 0, feed->packets,
		 feed->load.pool);
	path_tick(feed->bed->path);
}

static double turn(struct feed *feed)
{
	struct path_tx *tx = path_tx(feed->bed->path, feed->load.work == WORK_IN ? 0 : 1);
	double cycles[RUNS];

	for (uint32_t r = 0; r < RUNS; r++) {
		uint64_t start;

		feed_refill(feed);
		start = rte_rdtsc();
		timed(feed);
		cycles[r] = (double)(rte_rdtsc() - start) / feed->load.pool;
		if (tx->n != feed->load.pool || rte_ring_count(feed->bed->captured)) {
			fprintf(stderr, "bench: %u of %u packets left, %u were captured\n", tx->n,
				feed->load.pool, rte_ring_count(feed->bed->captured));
			exit(1);
		}
		tx->n = 0;
	}
	qsort(cycles, RUNS, sizeof(double), measure_compare);
	return cycles[RUNS / 2];
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

struct figures {
	double median;
	double least;
	double more; /* median over turns of what it takes more than none */
};

static void measure(struct feed *feed, uint32_t rounds, struct figures figures[WISHES])
{
	double *cycles[WISHES];
	double *more = calloc(rounds, sizeof(double));

	for (uint32_t w = 0; w < WISHES; w++)
		cycles[w] = calloc(rounds, sizeof(double));
	for (uint32_t r = 0; r < rounds; r++)
		for (uint32_t w = 0; w < WISHES; w++) {
			set(feed->bed, &wishes[w]);
			cycles[w][r] = turn(feed);
		}
	for (uint32_t w = WISHES; w-- > 0;) { /* the first last: the others look at it */
		for (uint32_t r = 0; r < rounds; r++)
			more[r] = cycles[w][r] - cycles[0][r];
		qsort(more, rounds, sizeof(double), measure_compare);
		qsort(cycles[w], rounds, sizeof(double), measure_compare);
		figures[w] =
			(struct figures){ cycles[w][rounds / 2], cycles[w][0], more[rounds / 2] };
		free(cycles[w]);
	}
	free(more);
	capture_clear(feed->bed->captures);
}

static const char *const work_names[] = { "out", "in", "plain" };

static struct feed *feed_of(const struct load *load)
{
	struct bed_config config = { .tunnels = 1, .buffers = load->pool + 1, .routes4 = 80 };
	struct bed_sa sa = { .tunnel = 1,
			     .cipher = load->cipher,
			     .flags = CONTRACT_SA_ESN,
			     .sequence = UINT64_C(0x180000000) };
	struct bed *bed = bed_new(&config);

	bed_tunnel(bed, 1);
	if (load->work != WORK_PLAIN)
		bed_sa_add(bed, &sa);
	return feed_new(bed, load);
}

static void feed_end(struct feed *feed)
{
	struct bed *bed = feed->bed;

	feed_free(feed);
	bed_free(bed);
}

static void one(struct bench_options *o, const struct load *load)
{
	struct figures figures[WISHES];
	struct feed *feed = feed_of(load);

	measure(feed, o->quick ? 31 : 101, figures);
	for (uint32_t w = 0; w < WISHES; w++) {
		const struct figures *f = &figures[w];

		printf("%-5s %4u  %-28s %7.1f %7.1f | %+6.2f %+6.2f\n", work_names[load->work],
		       load->size, wishes[w].name, f->median, f->least, f->more,
		       f->least - figures[0].least);
		bench_json(o,
			   "\"direction\": \"%s\", \"size\": %u, \"watch\": \"%s\", "
			   "\"cycles_median\": %.1f, \"cycles_min\": %.1f, \"more_median\": %.2f",
			   work_names[load->work], load->size, wishes[w].name, f->median, f->least,
			   f->more);
	}
	feed_end(feed);
}

/* For valgrind: a fixed number of runs with one wish. */
static int count(const char *work, const char *wish)
{
	struct load load = { .cipher = CONTRACT_CIPHER_AES256_GCM,
			     .algorithm = "aes-256-gcm",
			     .size = 64,
			     .tunnels = 1,
			     .burst = 256,
			     .pool = 256,
			     .flows = 1,
			     .routes = 10 };
	struct feed *feed = NULL;

	for (uint32_t w = 0; w <= WORK_PLAIN; w++)
		if (strcmp(work_names[w], work) == 0) {
			load.work = w;
			feed = feed_of(&load);
		}
	for (uint32_t w = 0; feed && w < WISHES; w++)
		if (strcmp(wishes[w].name, wish) == 0) {
			set(feed->bed, &wishes[w]);
			turn(feed);
			printf("%u\n", RUNS * load.pool);
			feed_end(feed);
			return 0;
		}
	fprintf(stderr, "bench: no work %s or no filter %s\n", work, wish);
	return 2;
}

int main(int argc, char **argv)
{
	static const uint32_t sizes[] = { 64, 1420 };
	struct bench_options o;

	if (argc == 4 && strcmp(argv[1], "--count") == 0) {
		test_eal_init(); /* valgrind has no room for what huge pages may become */
		return count(argv[2], argv[3]);
	}
	o = bench_options(argc, argv, NULL);
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
