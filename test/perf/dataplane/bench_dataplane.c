/*
 * The packet path without a NIC: cycles per packet of path_run(), from the array that RX would
 * give to the arrays that TX would take, beside the cipher alone. scripts/bench dataplane.
 */
#include "../../unit/dataplane/eal.h"
#include "../measure.h"
#include "../options.h"
#include "bare.h"

#include <rte_cycles.h>

#define ROUND_PACKETS 20000

struct result {
	double median;
	double min;
	double bare;
};

/* One pass over the pool; the frames that left, in order, go to `out`. Cycles of the path alone. */
static uint64_t pass(struct feed *feed, struct rte_mbuf **out)
{
	struct path *path = feed->bed->path;
	uint32_t from_device = feed->load.work == WORK_IN ? 1 : 0;
	uint32_t to_device = feed->load.work == WORK_IN ? 0 : 1;
	struct path_tx *tx = path_tx(path, to_device);
	uint64_t cycles = 0;
	uint32_t left = 0;

	for (uint32_t i = 0; i < feed->load.pool; i += feed->load.burst) {
		uint32_t n = feed->load.pool - i < feed->load.burst ? feed->load.pool - i
								    : feed->load.burst;
		uint64_t start = rte_rdtsc();

		path_run(path, from_device, &feed->packets[i], n);
		path_tick(path);
		cycles += rte_rdtsc() - start;
		if (tx->n != n) {
			fprintf(stderr, "bench: %u packets in, %u out\n", n, tx->n);
			for (uint32_t d = 1; d < CONTRACT_DROP_COUNT; d++)
				if (bed_drops(feed->bed, d))
					fprintf(stderr, "  %s\n", contract_drop_name(d));
			exit(1);
		}
		memcpy(out + left, tx->packets, n * sizeof(*out));
		left += n;
		tx->n = 0;
	}
	return cycles;
}

static struct result measure(struct feed *feed, uint32_t rounds)
{
	uint32_t passes = (ROUND_PACKETS + feed->load.pool - 1) / feed->load.pool;
	struct rte_mbuf **out = calloc(feed->load.pool, sizeof(*out));
	double *cycles = calloc(rounds, sizeof(*cycles));
	struct result result;

	for (uint32_t r = 0; r < rounds; r++) {
		uint64_t sum = 0;

		for (uint32_t p = 0; p < passes; p++) {
			feed_refill(feed);
			sum += pass(feed, out);
		}
		cycles[r] = (double)sum / passes / feed->load.pool;
	}
	if (feed_verify(feed, out, 64)) {
		fprintf(stderr, "bench: OpenSSL does not agree with what left\n");
		exit(1);
	}
	if (bed_drops_all(feed->bed)) {
		fprintf(stderr, "bench: packets were dropped\n");
		exit(1);
	}
	qsort(cycles, rounds, sizeof(*cycles), measure_compare);
	result.median = cycles[rounds / 2];
	result.min = cycles[0];
	feed_refill(feed);
	result.bare = feed->load.work == WORK_PLAIN ? 0 : bare_measure(feed, rounds);
	free(cycles);
	free(out);
	return result;
}

static const char *const work_names[] = { "out", "in", "plain" };

static void print_steps(const struct bed *bed)
{
	const struct path_step_cycles *steps = path_steps(bed->path);

	printf("     ");
	for (uint32_t i = 0; i < PATH_STEP_COUNT; i++)
		if (steps[i].packets)
			printf(" %s %.1f", path_step_name(i),
			       (double)steps[i].cycles / (double)steps[i].packets);
	printf("\n");
}

static void print_result(struct bench_options *o, const struct load *l, const struct result *r,
			 const struct bed *bed)
{
	double hz = (double)rte_get_tsc_hz();
	double size = l->size ? l->size : (7 * 64 + 4 * 512 + 1420) / 12.0;

	printf("%-5s %-18s %5u %6u %4u %6u %5u %7u | %7.1f %7.1f | bare %7.1f | %6.2f Mpps %6.2f "
	       "Gbit/s\n",
	       work_names[l->work], l->algorithm, l->size, l->tunnels, l->burst, l->pool, l->flows,
	       l->routes, r->median, r->min, r->bare, hz / r->median / 1e6,
	       hz / r->median * size * 8 / 1e9);
	fflush(stdout);
	if (o->own)
		print_steps(bed);
	bench_json(o,
		   "\"direction\": \"%s\", \"algorithm\": \"%s\", \"size\": %u, \"tunnels\": %u, "
		   "\"burst\": %u, \"pool\": %u, \"flows\": %u, \"routes\": %u, "
		   "\"cycles_median\": %.1f, \"cycles_min\": %.1f, \"bare_median\": %.1f",
		   work_names[l->work], l->algorithm, l->size, l->tunnels, l->burst, l->pool,
		   l->flows, l->routes, r->median, r->min, r->bare);
}

/* The bare cipher on the machine of reference (2.6 GHz TSC, quiet), one tunnel, hot buffers. */
static const struct {
	enum contract_cipher cipher;
	uint32_t size;
	double out;
	double in;
} references[] = {
	{ CONTRACT_CIPHER_AES256_GCM, 64, 58, 50 },
	{ CONTRACT_CIPHER_AES256_GCM, 512, 129, 122 },
	{ CONTRACT_CIPHER_AES256_GCM, 1420, 296, 277 },
	{ CONTRACT_CIPHER_AES256_CBC, 1420, 1339, 0 },
	{ CONTRACT_CIPHER_CHACHA20_POLY1305, 1420, 1149, 0 },
};

/* A machine that is slower or busier shows in the bare cipher first: targets scale with it. */
static void compare_bare(const struct load *l, const struct result *r)
{
	for (uint32_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
		double want = l->work == WORK_OUT ? references[i].out : references[i].in;

		if (references[i].cipher != l->cipher || references[i].size != l->size ||
		    l->tunnels != 1 || l->pool != 256 || want == 0 || l->work == WORK_PLAIN)
			continue;
		if (r->bare > want * 1.15 || r->bare < want * 0.85)
			printf("      bare is %.0f %% of the reference's %.0f: this is %.1f "
			       "there\n",
			       r->bare / want * 100, want, r->median * want / r->bare);
	}
}

static void one(struct bench_options *o, const struct load *load)
{
	struct bed_config config = { .tunnels = load->tunnels,
				     .buffers = load->pool + 1,
				     .routes4 = load->routes + load->tunnels + 64 };
	struct bed *bed = bed_new(&config);
	struct feed *feed;
	struct result result;

	for (uint32_t t = 1; t <= load->tunnels; t++) {
		struct bed_sa sa = { .tunnel = t,
				     .cipher = load->cipher,
				     .integrity = load->integrity,
				     .flags = CONTRACT_SA_ESN,
				     .sequence = UINT64_C(0x180000000) };

		bed_tunnel(bed, t);
		if (load->work != WORK_PLAIN)
			bed_sa_add(bed, &sa);
	}
	bed_routes(bed, load->routes);
	feed = feed_new(bed, load);
	result = measure(feed, o->quick ? 31 : 101);
	print_result(o, load, &result, bed);
	compare_bare(load, &result);
	feed_free(feed);
	bed_free(bed);
}

#define GCM256 .cipher = CONTRACT_CIPHER_AES256_GCM, .algorithm = "aes-256-gcm"
#define GCM128 .cipher = CONTRACT_CIPHER_AES128_GCM, .algorithm = "aes-128-gcm"

#define CBC                                                                                        \
	.cipher = CONTRACT_CIPHER_AES256_CBC, .integrity = CONTRACT_INTEGRITY_SHA256_128,          \
	.algorithm = "aes-256-cbc-sha256"
#define CHACHA .cipher = CONTRACT_CIPHER_CHACHA20_POLY1305, .algorithm = "chacha20-poly1305"

static const struct load targets[] = {
	{ GCM256, .size = 64, .tunnels = 1, .burst = 256, .pool = 256 },
	{ GCM256, .size = 512, .tunnels = 1, .burst = 256, .pool = 256 },
	{ GCM256, .size = 1420, .tunnels = 1, .burst = 256, .pool = 256 },
	{ CBC, .size = 1420, .tunnels = 1, .burst = 256, .pool = 256 },
	{ CHACHA, .size = 1420, .tunnels = 1, .burst = 256, .pool = 256 },
	{ GCM256, .size = 64, .tunnels = 1, .burst = 64, .pool = 256 },
	{ GCM256, .size = 64, .tunnels = 1000, .burst = 256, .pool = 256 },
	{ GCM256, .size = 1420, .tunnels = 1000, .burst = 256, .pool = 256 },
	{ GCM256, .size = 64, .tunnels = 10000, .burst = 256, .pool = 256 },
};

/* What the full run adds, each along one line from the base: 64 bytes, one tunnel. */
static const struct load more[] = {
	{ GCM256, .size = 0 },
	{ GCM128, .size = 64 },
	{ GCM128, .size = 512 },
	{ GCM128, .size = 1420 },
	{ GCM128, .size = 0 },
	{ CBC, .size = 64 },
	{ CBC, .size = 512 },
	{ CBC, .size = 0 },
	{ CHACHA, .size = 64 },
	{ CHACHA, .size = 512 },
	{ CHACHA, .size = 0 },
	{ GCM256, .size = 64, .tunnels = 100 },
	{ GCM256, .size = 1420, .tunnels = 100 },
	{ GCM256, .size = 1420, .tunnels = 10000 },
	{ GCM256, .size = 64, .burst = 32 },
	{ GCM256, .size = 1420, .burst = 64 },
	{ GCM256, .size = 64, .pool = 16384 },
	{ GCM256, .size = 1420, .pool = 16384 },
	{ GCM256, .size = 64, .flows = 1024, .pool = 16384 },
	{ GCM256, .size = 64, .routes = 100000 },
	{ GCM256, .size = 64, .routes = 100000, .flows = 1024, .pool = 16384 },
};

static void both_ways(struct bench_options *o, struct load load)
{
	load.tunnels = load.tunnels ? load.tunnels : 1;
	load.burst = load.burst ? load.burst : 256;
	load.pool = load.pool ? load.pool : 256;
	load.flows = load.flows ? load.flows : 1;
	load.routes = load.routes ? load.routes : 10;
	if (load.work == WORK_PLAIN) {
		one(o, &load);
		return;
	}
	for (load.work = WORK_OUT; load.work <= WORK_IN; load.work++)
		one(o, &load);
}

int main(int argc, char **argv)
{
	struct bench_options o = bench_options(argc, argv, "--steps");
	const struct load plain = { .work = WORK_PLAIN, .algorithm = "none", .size = 64 };
	const struct load plain_many = { .work = WORK_PLAIN,
					 .algorithm = "none",
					 .size = 64,
					 .flows = 1024,
					 .routes = 100000,
					 .pool = 16384 };

	test_eal_init_pages(640);
	printf("work  algorithm           size tunnel burst   pool flows  routes |  median     min "
	       "| "
	       "TSC cycles per packet\n");
	for (uint32_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		both_ways(&o, targets[i]);
	both_ways(&o, plain);
	if (!o.quick)
		both_ways(&o, plain_many);
	for (uint32_t i = 0; !o.quick && i < sizeof(more) / sizeof(more[0]); i++)
		both_ways(&o, more[i]);
	bench_end(&o);
	return 0;
}
