/*
 * DOC: IKE benchmark
 *
 * Two engines in one process (bench_ike_sides.h). TOGETHER dials are under way at once. The
 * responder has 10,000 connections of 10,000 local network gateways and finds the right one with
 * the gateway's own look-up; the SAs of each child go into a real ring, as the batch that the
 * gateway sends, and another thread drains it.
 *
 * The yardstick is bare OpenSSL (ike_openssl.h): the operations that a handshake cannot do without,
 * with the sizes of the messages that were just exchanged; it has no random numbers but those of
 * key pairs, no messages, no SAs. On a machine that others use as well only what is done in the
 * same few milliseconds can be compared: TOGETHER handshakes, then as many bare ones, and so on;
 * what is told is the medians.
 *
 * usage: bench_ike PKI [--only AUTH,GROUP[,HANDSHAKES]] [--charon PROCESS] [--quick] [--json FILE]
 *
 * Instructions of one scenario, the responder's and the bare ones (ike_openssl_handshake):
 *   valgrind --tool=callgrind --toggle-collect=respond bench_ike PKI --only psk,x25519,192 --quick
 */
#include "perf/bench_ike.h"
#include "perf/bench_ike_config.h"
#include "perf/bench_ike_sides.h"

#include "base/clock.h"
#include "base/secret.h"
#include "control/ikev2/info.h"

#include <errno.h>
#include <unistd.h>

#define TUNNELS BENCH_TUNNELS
#define TOGETHER BENCH_TOGETHER

static struct bench_sides sides;
static struct bench_config config;
static pid_t charon_process; /* measured beside us; 0: not */

void bench_die(const char *what, int error)
{
	fprintf(stderr, "bench_ike: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(1);
}

static const struct scenario scenarios[] = {
	{ "psk", "x25519", "aes256gcm16-prfsha384-x25519", 31, 10000 },
	{ "psk", "ecp256", "aes256gcm16-prfsha384-ecp256", 19, 6000 },
	{ "psk", "ecp384", "aes256gcm16-prfsha384-ecp384", 20, 600 },
	{ "psk", "modp2048", "aes256gcm16-prfsha384-modp2048", 14, 600 },
	{ "rsa", "x25519", "aes256gcm16-prfsha384-x25519", 31, 1500 },
	{ "p256", "x25519", "aes256gcm16-prfsha384-x25519", 31, 5000 },
};
#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))
#define WITH_CHARON 2 /* the first ones, which charon is configured for */

static void begin(const char *pki, const struct scenario *scenario)
{
	bench_config_make(&config, pki, scenario);
	bench_sides_begin(&sides, &config.config);
}

static void end(void)
{
	bench_sides_end(&sides);
	bench_config_forget(&config);
}

static uint64_t rss_bytes(void)
{
	unsigned long pages = 0;
	unsigned long resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file || fscanf(file, "%lu %lu", &pages, &resident) != 2)
		bench_die("statm", EIO);
	fclose(file);
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static struct ike_openssl *bare_new(const struct scenario *scenario)
{
	struct ike_openssl_case what = { .group = scenario->number, .sizes = sides.sizes };

	if (strcmp(scenario->auth, "psk") != 0)
		what.auth = strcmp(scenario->auth, "rsa") == 0 ? IKE_OPENSSL_RSA2048
							       : IKE_OPENSSL_ECDSA256;
	return ike_openssl_new(&what);
}

static void slice(struct bench_slices *slices, struct ike_openssl *bare, uint32_t first)
{
	const double each = TOGETHER;
	const size_t at = slices->count++;
	uint64_t answered = sides.answerer.busy_ns, dialled = sides.dialler.busy_ns, start;

	for (uint32_t i = 0; i < TOGETHER; i++)
		bench_sides_dial(&sides, first + i);
	bench_sides_deliver(&sides);
	start = bench_sides_clock_ns();
	for (int i = 0; i < TOGETHER; i++)
		ike_openssl_handshake(bare);
	slices->bare[at] = (double)(bench_sides_clock_ns() - start) / each;
	slices->ours[at] = (double)(sides.answerer.busy_ns - answered) / each;
	slices->dialler[at] = (double)(sides.dialler.busy_ns - dialled) / each;
	slices->percent[at] = slices->bare[at] / slices->ours[at] * 100;
}

/* As many slices in memory as make one pair, and then charon. */
static void pair(struct bench_charon *charon, const struct bench_slices *slices, size_t each)
{
	double ns = 0;

	if (slices->count % each)
		return;
	for (size_t i = slices->count - each; i < slices->count; i++)
		ns += slices->ours[i];
	bench_charon_pair(charon, ns / (double)each);
}

/* The first handshake says what sizes its messages have and is not timed. */
static void run_slices(const char *pki, const struct scenario *scenario, unsigned int n,
		       struct bench_slices *slices, struct bench_fields *more)
{
	const size_t each = n / TOGETHER / BENCH_PAIRS ? n / TOGETHER / BENCH_PAIRS : 1;
	struct bench_charon *charon = NULL;
	struct ike_openssl *bare;
	uint32_t first = 1;

	begin(pki, scenario);
	bench_sides_dial_all(&sides, 1);
	bare = bare_new(scenario);
	if (!slices->count)
		bench_bare_tell(bare, &sides.sizes);
	if (charon_process)
		charon = bench_charon_begin(charon_process, &config.config,
					    (uint32_t)each * TOGETHER);
	for (; first + TOGETHER <= n + 1 && first + TOGETHER <= TUNNELS; first += TOGETHER) {
		slice(slices, bare, first);
		if (charon)
			pair(charon, slices, each);
	}
	if (sides.up != first)
		bench_die("not all came up", EPROTO);
	if (charon) {
		bench_charon_tell(charon, more);
		bench_charon_end(charon);
	}
	ike_openssl_free(bare);
	end();
}

static void speed(struct bench_options *options, const char *pki, const struct scenario *scenario,
		  unsigned int n)
{
	static struct bench_slices slices;
	struct bench_fields more = { "" };
	int rounds = options->quick || charon_process ? 1 : BENCH_ROUNDS;

	if (!n)
		return;
	slices.count = 0;
	printf("%s, %s\n", scenario->auth, scenario->group);
	for (int round = 0; round < rounds; round++)
		run_slices(pki, scenario, n, &slices, &more);
	bench_slices_tell(options, scenario, &slices, &more);
}

/* Of all children, and then all that lingers goes: what each side sends on must be there
 * throughout. */
static void rekey_all(double *took)
{
	struct bench_side *dialler = &sides.dialler, *answerer = &sides.answerer;
	uint64_t start = clock_now_ns(&clock_monotonic);
	uint64_t ike;

	answerer->busy_ns = dialler->busy_ns = 0;
	for (ike = ikev2_next(dialler->engine, 0); ike; ike = ikev2_next(dialler->engine, ike)) {
		uint32_t child = ikev2_child_next(dialler->engine, ike, 0);
		uint64_t begin = bench_sides_clock_ns();

		if (ikev2_child_rekey(dialler->engine, child, sides.now_ns))
			bench_die("rekey", EPROTO);
		dialler->busy_ns += bench_sides_clock_ns() - begin;
		bench_sides_deliver(&sides);
	}
	*took = (double)(clock_now_ns(&clock_monotonic) - start) / 1e9;
	sides.now_ns += 10 * CLOCK_NS_PER_S;
	ikev2_tick(dialler->engine, sides.now_ns);
	bench_sides_deliver(&sides);
	ikev2_tick(answerer->engine, sides.now_ns);
	bench_sides_deliver(&sides);
	if (dialler->sends.count != TUNNELS || answerer->sends.count != TUNNELS ||
	    dialler->installed.count != TUNNELS || answerer->installed.count != TUNNELS)
		bench_die("not every tunnel has one child after its rekey", EPROTO);
}

/* 10,000 settled IKE SAs with a child on each side. */
static void memory(struct bench_options *options, const char *pki)
{
	size_t secrets;
	uint64_t before;
	double each;
	double keys;

	begin(pki, &scenarios[0]);
	secrets = secret_pool_used();
	before = rss_bytes();
	bench_sides_dial_all(&sides, TUNNELS);
	each = (double)(rss_bytes() - before) / (2.0 * TUNNELS);
	keys = (double)(secret_pool_used() - secrets) / (2.0 * TUNNELS);
	printf("%u tunnels: %.0f bytes RSS for an IKE SA with a child, and %.0f of locked memory "
	       "for its keys\n",
	       TUNNELS, each, keys);
	bench_json(options,
		   "\"tunnels\":%u,\"rss_bytes_per_ike_sa\":%.0f,\"key_bytes_per_ike_sa\":%.0f",
		   TUNNELS, each, keys);
	end();
}

static void rekeys(struct bench_options *options, const char *pki)
{
	double took;

	sides.checks = true;
	begin(pki, &scenarios[0]);
	bench_sides_dial_all(&sides, TUNNELS);
	rekey_all(&took);
	printf("%u child rekeys: %.2f s by the clock with both sides on one core (responder %.2f "
	       "s, "
	       "initiator %.2f s), no moment at which a packet would be lost\n",
	       TUNNELS, took, (double)sides.answerer.busy_ns / 1e9,
	       (double)sides.dialler.busy_ns / 1e9);
	bench_json(options,
		   "\"rekeys\":%u,\"rekey_s\":%.3f,\"rekey_responder_s\":%.3f,"
		   "\"rekey_initiator_s\":%.3f,\"lost\":0",
		   TUNNELS, took, (double)sides.answerer.busy_ns / 1e9,
		   (double)sides.dialler.busy_ns / 1e9);
	end();
	sides.checks = false;
}

static void two_instances(struct bench_options *options)
{
	double cpu_s = 0;
	double took = bench_two_dial(TUNNELS, &cpu_s);

	if (took < 0)
		bench_die("two instances: not all tunnels came up", EPROTO);
	printf("%u tunnels dialled to a second instance: %.2f s by the clock (%.2f s of processor "
	       "time there)\n",
	       TUNNELS, took, cpu_s);
	bench_json(options, "\"dialled\":%u,\"dial_s\":%.3f,\"dial_cpu_s\":%.3f", TUNNELS, took,
		   cpu_s);
}

/* How many of it: 0 when another one was asked for. */
static unsigned int wanted(const struct scenario *scenario, const char *only, bool quick)
{
	unsigned int n = quick ? scenario->handshakes / 10 : scenario->handshakes;
	char name[32];
	int length = snprintf(name, sizeof(name), "%s,%s", scenario->auth, scenario->group);

	if (!only)
		return n;
	if (strncmp(name, only, (size_t)length) != 0)
		return 0;
	return only[length] == ',' ? (unsigned int)strtoul(only + length + 1, NULL, 10) : n;
}

/* Options of our own come before those of every benchmark. */
static int own_options(int argc, char **argv, const char **only)
{
	int at = 2;

	for (; at + 1 < argc; at += 2) {
		if (strcmp(argv[at], "--only") == 0)
			*only = argv[at + 1];
		else if (strcmp(argv[at], "--charon") == 0)
			charon_process = (pid_t)strtol(argv[at + 1], NULL, 10);
		else
			break;
	}
	return at - 1;
}

static void rest(struct bench_options *options, const char *pki)
{
	memory(options, pki);
	rekeys(options, pki);
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	int before = own_options(argc, argv, &only);
	struct bench_options options;
	bool all;

	if (argc < 2)
		return 2;
	all = !only && !charon_process;
	options = bench_options(argc - before, argv + before, NULL);
	if (all)
		two_instances(&options);
	if (secret_pool_init(96u << 20))
		bench_die("secret pool", ENOMEM);
	sides.ring = bench_ring_open();
	if (all)
		rest(&options, argv[1]);
	for (size_t i = 0; i < (charon_process ? WITH_CHARON : SCENARIOS); i++)
		speed(&options, argv[1], &scenarios[i], wanted(&scenarios[i], only, options.quick));
	bench_ring_close();
	bench_end(&options);
	return 0;
}
