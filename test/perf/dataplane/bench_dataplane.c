/*
 * The packet path without a NIC: cycles per packet of a worker's turns, from the array that RX
 * gives to the array that TX takes, beside the cipher alone. scripts/bench dataplane.
 */
#include "../../unit/dataplane/eal.h"
#include "../measure.h"
#include "../options.h"
#include "bare.h"
#include "loop.h"
#include "targets.h"

#include <rte_cycles.h>

#include <strings.h>

#define ROUND_PACKETS 20000
#define QUICK_ROUNDS 31
#define QUICK_LEAST 7 /* rounds, however long they take */
#define QUICK_SECONDS 1.2

/* What to measure, and for how long. */
struct choice {
	struct bench_options common;
	const char *only; /* rows that begin so, as `out aes-256-gcm 64 1 256`; NULL: all */
	uint32_t rounds;
	double seconds;	     /* of a row, where a look will do; 0: as long as it takes */
	bool ordinary_pages; /* valgrind takes no others */
	bool own_time;
	bool counting; /* only how many rows there are */
	uint32_t rows;
};

struct result {
	double median;
	double min;
	double bare;
	double bare_min;
	double ratio; /* median of each round by the bare one beside it: a core that changes its
		       * speed meanwhile changes both */
	uint32_t rounds;
};

#define SEEN 128
#define DISTURBED 1.5 /* median by least */

/* What this run has measured: rows, and the cipher alone where a row needs it for its target. */
static struct seen {
	struct load load;
	double median; /* 0: the cipher alone */
	double bare;
} seen[SEEN];
static uint32_t seen_count;

static bool load_same(const struct load *a, const struct load *b)
{
	return a->work == b->work && a->cipher == b->cipher && a->size == b->size &&
	       a->tunnels == b->tunnels && a->burst == b->burst && a->pool == b->pool &&
	       a->flows == b->flows && a->routes == b->routes;
}

static const struct seen *seen_find(const struct load *load)
{
	for (uint32_t i = seen_count; i-- > 0;)
		if (load_same(&seen[i].load, load))
			return &seen[i];
	return NULL;
}

static void seen_add(const struct load *load, double median, double bare)
{
	if (seen_count < SEEN)
		seen[seen_count++] = (struct seen){ *load, median, bare };
}

/* One pass over the pool; the frames that left, in order, go to `out`. Cycles of the path alone. */
__attribute__((noinline)) static uint64_t pass(struct feed *feed, struct loop *loop,
					       struct rte_mbuf **out)
{
	uint32_t device = feed->load.work == WORK_IN ? 1 : 0;
	uint64_t cycles = 0;

	for (uint32_t i = 0; i < feed->load.pool; i += feed->load.burst) {
		uint32_t n = feed->load.pool - i < feed->load.burst ? feed->load.pool - i
								    : feed->load.burst;
		uint64_t start = feed_now(feed);
		uint32_t left = loop_turn(loop, device, &feed->packets[i], n, &out[i]);

		cycles += feed_now(feed) - start;
		if (left != n) {
			fprintf(stderr, "bench: %u packets in, %u out\n", n, left);
			for (uint32_t d = 1; d < CONTRACT_DROP_COUNT; d++)
				if (bed_drops(feed->bed, d))
					fprintf(stderr, "  %s\n", contract_drop_name(d));
			exit(1);
		}
	}
	return cycles;
}

static void check_work(struct feed *feed, struct rte_mbuf **out)
{
	if (feed_verify(feed, out, 64)) {
		fprintf(stderr, "bench: OpenSSL does not agree with what left\n");
		exit(1);
	}
	if (bed_drops_all(feed->bed)) {
		fprintf(stderr, "bench: packets were dropped\n");
		exit(1);
	}
}

static double median_of(double *values, uint32_t n)
{
	qsort(values, n, sizeof(*values), measure_compare);
	return values[n / 2];
}

/* Rounds of the path and of the cipher alone take turns: what disturbs one disturbs the other. */
static struct result measure(struct feed *feed, struct loop *loop, const struct choice *choice)
{
	uint32_t rounds = choice->rounds;
	uint64_t most = (uint64_t)(choice->seconds * (double)rte_get_tsc_hz());
	uint64_t start = rte_rdtsc();
	uint32_t passes = (ROUND_PACKETS + feed->load.pool - 1) / feed->load.pool;
	struct rte_mbuf **out = calloc(feed->load.pool, sizeof(*out));
	double *cycles = calloc(rounds, sizeof(*cycles));
	double *bare = calloc(rounds, sizeof(*bare));
	double *ratios = calloc(rounds, sizeof(*ratios));
	struct bare *alone = feed->load.work == WORK_PLAIN ? NULL : bare_new(feed);
	struct result result = { 0 };

	for (uint32_t r = 0; r < rounds; r++) {
		uint64_t sum = 0;

		if (most && r >= QUICK_LEAST && rte_rdtsc() - start > most)
			rounds = r + 1; /* this is the last one */
		if (alone)
			bare[r] = bare_round(alone);
		for (uint32_t p = 0; p < passes; p++) {
			feed_refill(feed);
			sum += pass(feed, loop, out);
		}
		cycles[r] = (double)sum / passes / feed->load.pool;
		ratios[r] = alone ? cycles[r] / bare[r] : 0;
	}
	check_work(feed, out);
	result.rounds = rounds;
	result.median = median_of(cycles, rounds);
	result.min = cycles[0];
	result.bare = median_of(bare, rounds);
	result.bare_min = bare[0];
	result.ratio = median_of(ratios, rounds);
	if (alone)
		bare_free(alone);
	free(cycles);
	free(bare);
	free(ratios);
	free(out);
	return result;
}

static const char *const work_names[] = { "out", "in", "plain" };

static double mean_size(const struct load *l)
{
	return l->size ? l->size : (7 * 64 + 4 * 512 + 1420) / 12.0;
}

static const char *size_name(const struct load *l, char to[16])
{
	snprintf(to, 16, l->size ? "%u" : "IMIX", l->size);
	return to;
}

/* Others had the CPU for a part of it: medians say more of them than of us. */
static bool disturbed(const struct result *r)
{
	return r->median > DISTURBED * r->min || r->bare > DISTURBED * r->bare_min;
}

static double step_cycles(const struct contract_step_cost *step)
{
	return step->packets ? (double)step->cycles / (double)step->packets : 0;
}

static void print_steps(const struct contract_step_cost *steps)
{
	printf("     ");
	for (uint32_t i = 0; i < PATH_STEP_COUNT; i++)
		if (steps[i].packets)
			printf(" %s %.1f", path_step_name(i), step_cycles(&steps[i]));
	printf("\n");
}

/* Fields of the JSON object that only some rows have. */
static void more_fields(char *to, size_t room, const struct load *l,
			const struct contract_step_cost *steps)
{
	size_t n = 0;

	*to = 0;
	if (!l->size)
		n += (size_t)snprintf(to, room, ", \"mix\": \"7:4:1\"");
	for (uint32_t i = 0; i < PATH_STEP_COUNT && n < room; i++)
		if (steps[i].packets)
			n += (size_t)snprintf(to + n, room - n, ", \"step_%s\": %.1f",
					      path_step_name(i), step_cycles(&steps[i]));
}

static void json_result(struct bench_options *o, const struct load *l, const struct result *r,
			const struct contract_step_cost *steps, double target)
{
	char more[512];
	char held[96] = "";

	more_fields(more, sizeof(more), l, steps);
	if (target > 0)
		snprintf(held, sizeof(held), ", \"target\": %.1f, \"met\": %s, \"disturbed\": %s",
			 target, r->median <= target ? "true" : "false",
			 disturbed(r) ? "true" : "false");
	bench_json(o,
		   "\"direction\": \"%s\", \"algorithm\": \"%s\", \"size\": %.0f, \"tunnels\": %u, "
		   "\"burst\": %u, \"pool\": %u, \"flows\": %u, \"routes\": %u, "
		   "\"cycles_median\": %.1f, \"cycles_min\": %.1f, \"bare_median\": %.1f, "
		   "\"bare_min\": %.1f, \"ratio_median\": %.3f, \"rounds\": %u%s%s",
		   work_names[l->work], l->algorithm, mean_size(l), l->tunnels, l->burst, l->pool,
		   l->flows, l->routes, r->median, r->min, r->bare, r->bare_min, r->ratio,
		   r->rounds, held, more);
}

static void print_result(struct choice *choice, const struct load *l, const struct result *r,
			 const struct contract_step_cost *steps, double target)
{
	double hz = (double)rte_get_tsc_hz();
	char size[16];

	printf("%-5s %-18s %5s %6u %4u %6u %5u %7u | %7.1f %7.1f | bare %7.1f %5.3f | %6.2f Mpps "
	       "%6.2f Gbit/s",
	       work_names[l->work], l->algorithm, size_name(l, size), l->tunnels, l->burst, l->pool,
	       l->flows, l->routes, r->median, r->min, r->bare, r->ratio, hz / r->median / 1e6,
	       hz / r->median * mean_size(l) * 8 / 1e9);
	if (target > 0)
		printf(" | %s %.1f%s", r->median <= target ? "met" : "missed", target,
		       disturbed(r) ? " (disturbed)" : "");
	printf("\n");
	if (choice->common.own || !choice->common.quick)
		print_steps(steps);
	fflush(stdout);
	json_result(&choice->common, l, r, steps, target);
}

/* A machine that is slower or busier shows in the bare cipher first: targets scale with it. */
static void compare_bare(const struct load *l, const struct result *r)
{
	double want = target_reference(l);

	if (want > 0 && (r->bare > want * 1.15 || r->bare < want * 0.85))
		printf("      bare is %.0f %% of the reference's %.0f: this is %.1f there\n",
		       r->bare / want * 100, want, r->median * want / r->bare);
}

static bool wanted(const struct choice *choice, const struct load *load)
{
	char name[96];
	char size[16];

	snprintf(name, sizeof(name), "%s %s %s %u %u %u", work_names[load->work], load->algorithm,
		 size_name(load, size), load->tunnels, load->burst, load->pool);
	return !choice->only || strncasecmp(name, choice->only, strlen(choice->only)) == 0;
}

static struct bed *bed_for(const struct load *load)
{
	struct bed_config config = { .tunnels = load->tunnels,
				     .buffers = load->pool + 1,
				     .routes4 = load->routes + load->tunnels + 64 };
	struct bed *bed = bed_new(&config);

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
	return bed;
}

/* The cipher alone of a load that is no row of this run. */
static double bare_of(const struct load *load)
{
	struct bed *bed = bed_for(load);
	struct feed *feed = feed_new(bed, load);
	struct bare *alone = bare_new(feed);
	double cycles[QUICK_ROUNDS];

	for (uint32_t i = 0; i < QUICK_ROUNDS; i++)
		cycles[i] = bare_round(alone);
	bare_free(alone);
	feed_free(feed);
	bed_free(bed);
	return median_of(cycles, QUICK_ROUNDS);
}

/* How many times the reference's cycles this machine takes for the same cipher, now. */
static double scale_of(const struct load *load)
{
	struct load base = target_yardstick(load);
	const struct seen *known = seen_find(&base);
	double there = target_reference(&base);

	if (there == 0)
		return 0;
	if (!known) {
		seen_add(&base, 0, bare_of(&base));
		known = seen_find(&base);
	}
	return known ? known->bare / there : 0;
}

static double target_of(const struct load *load, const struct result *r)
{
	struct load at256 = *load;
	const struct seen *known;

	at256.burst = 256;
	known = seen_find(&at256);
	return target_cycles(load, scale_of(load), r->bare, known ? known->median : 0);
}

static void one(struct choice *choice, const struct load *load)
{
	struct bed *bed;
	struct feed *feed;
	struct loop *loop;
	struct result result;

	if (!wanted(choice, load))
		return;
	choice->rows++;
	if (choice->counting)
		return;
	bed = bed_for(load);
	feed = feed_new(bed, load);
	loop = loop_new(bed);
	result = measure(feed, loop, choice);
	seen_add(load, result.median, result.bare);
	print_result(choice, load, &result, path_steps(loop_path(loop)), target_of(load, &result));
	compare_bare(load, &result);
	loop_free(loop);
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
	{ GCM256, .size = 512, .pool = 16384 },
	{ GCM256, .size = 1420, .pool = 16384 },
	{ GCM128, .size = 64, .pool = 16384 },
	{ GCM128, .size = 512, .pool = 16384 },
	{ GCM128, .size = 1420, .pool = 16384 },
	{ CBC, .size = 64, .pool = 16384 },
	{ CBC, .size = 512, .pool = 16384 },
	{ CBC, .size = 1420, .pool = 16384 },
	{ GCM256, .size = 64, .flows = 1024, .pool = 16384 },
	{ GCM256, .size = 64, .routes = 100000 },
	{ GCM256, .size = 64, .routes = 100000, .flows = 1024, .pool = 16384 },
};

static void both_ways(struct choice *choice, struct load load)
{
	load.tunnels = load.tunnels ? load.tunnels : 1;
	load.burst = load.burst ? load.burst : 256;
	load.pool = load.pool ? load.pool : 256;
	load.flows = load.flows ? load.flows : 1;
	load.routes = load.routes ? load.routes : 10;
	load.own_time = choice->own_time;
	if (load.work == WORK_PLAIN) {
		one(choice, &load);
		return;
	}
	for (load.work = WORK_OUT; load.work <= WORK_IN; load.work++)
		one(choice, &load);
}

/* Takes what is known here only out of the row of words. */
static struct choice choose(int argc, char **argv)
{
	struct choice choice = { 0 };
	int left = 1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--only") == 0)
			choice.only = bench_value(argc, argv, &i);
		else if (strcmp(argv[i], "--rounds") == 0)
			choice.rounds = bench_number(argc, argv, &i);
		else if (strcmp(argv[i], "--ordinary-pages") == 0)
			choice.ordinary_pages = true;
		else if (strcmp(argv[i], "--own-time") == 0)
			choice.own_time = true;
		else
			argv[left++] = argv[i];
	}
	choice.common = bench_options(left, argv, "--steps");
	if (!choice.rounds) {
		choice.rounds = choice.common.quick ? QUICK_ROUNDS : 101;
		choice.seconds = choice.common.quick ? QUICK_SECONDS : 0;
	}
	return choice;
}

static void all_rows(struct choice *choice)
{
	const struct load plain = { .work = WORK_PLAIN, .algorithm = "none", .size = 64 };
	const struct load plain_many = { .work = WORK_PLAIN,
					 .algorithm = "none",
					 .size = 64,
					 .flows = 1024,
					 .routes = 100000,
					 .pool = 16384 };

	choice->rows = 0;
	for (uint32_t i = 0; i < RTE_DIM(targets); i++)
		both_ways(choice, targets[i]);
	both_ways(choice, plain);
	if (choice->common.quick)
		return;
	both_ways(choice, plain_many);
	for (uint32_t i = 0; i < RTE_DIM(more); i++)
		both_ways(choice, more[i]);
}

int main(int argc, char **argv)
{
	struct choice choice = choose(argc, argv);

	choice.counting = true;
	all_rows(&choice);
	if (choice.rows == 0) {
		fprintf(stderr, "bench: no row begins with \"%s\"\n", choice.only);
		return 2;
	}
	choice.counting = false;
	if (choice.ordinary_pages)
		test_eal_init_with("--no-huge", "640");
	else
		test_eal_init_pages(640);
	srand((unsigned)rte_rdtsc());
	printf("work  algorithm           size tunnel burst   pool flows  routes |  median     min "
	       "| TSC cycles per packet\n");
	all_rows(&choice);
	bench_end(&choice.common);
	return 0;
}
