/*
 * The bare operations of a handshake, one table a case. See scripts/bench.d/ike_openssl.
 */
#include "ike_openssl.h"
#include "options.h"

#include <time.h>

#define ROUNDS 15

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Median of rounds that each last about a fifteenth of the time for one operation. */
static double measure(struct ike_openssl *bare, const struct ike_openssl_line *line, bool quick)
{
	double rounds[ROUNDS], budget_ns = quick ? 2e6 : 15e6, once;
	unsigned int n;

	once = now_ns();
	for (int i = 0; i < 4; i++)
		line->run(bare);
	once = (now_ns() - once) / 4;
	n = once < budget_ns ? (unsigned int)(budget_ns / (once + 1)) + 1 : 1;
	for (int r = 0; r < ROUNDS; r++) {
		double start = now_ns();

		for (unsigned int i = 0; i < n; i++)
			line->run(bare);
		rounds[r] = (now_ns() - start) / n;
	}
	qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
	return rounds[ROUNDS / 2];
}

static void table(struct bench_options *options, const struct ike_openssl_case *what)
{
	struct ike_openssl *bare = ike_openssl_new(what);
	const struct ike_openssl_line *line;
	double total_ns = 0;

	printf("%s, %s\n", ike_openssl_auth_text(what->auth), ike_openssl_group_text(what->group));
	for (size_t i = 0; (line = ike_openssl_line(bare, i)); i++) {
		double ns = measure(bare, line, options->quick);

		printf("  %-22s %2u x %9.0f ns\n", line->operation, line->count, ns);
		total_ns += line->count * ns;
	}
	printf("  together %.1f us, %.0f/s on a core\n", total_ns / 1e3, 1e9 / total_ns);
	bench_json(options, "\"auth\":\"%s\",\"group\":\"%s\",\"bare_per_s_core\":%.0f",
		   ike_openssl_auth_text(what->auth), ike_openssl_group_text(what->group),
		   1e9 / total_ns);
	ike_openssl_free(bare);
}

int main(int argc, char **argv)
{
	static const uint16_t groups[] = { 31, 19, 20, 14 };
	struct bench_options options = bench_options(argc, argv, NULL);

	for (int auth = IKE_OPENSSL_PSK; auth <= IKE_OPENSSL_ECDSA256; auth++)
		for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
			table(&options, &(struct ike_openssl_case){
						.auth = auth,
						.group = groups[g],
						.sizes = { 380, 340, { 160 }, { 150 } } });
	bench_end(&options);
	return 0;
}
