/*
 * What the slices of a benchmark of handshakes say.
 */
#include "perf/bench_ike.h"

#include <stdlib.h>

static int slice_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

const double *bench_sorted(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), slice_compare);
	return values;
}

static double median(double *values, size_t n)
{
	return bench_sorted(values, n)[n / 2];
}

static double sum(const double *values, size_t n)
{
	double all = 0;

	for (size_t i = 0; i < n; i++)
		all += values[i];
	return all;
}

void bench_bare_tell(const struct ike_openssl *bare, const struct ike_openssl_sizes *sizes)
{
	const struct ike_openssl_line *line;

	printf("  bare:");
	for (size_t i = 0; (line = ike_openssl_line(bare, i)); i++)
		printf("%s %u %s", i ? "," : "", line->count, line->operation);
	printf("\n  AUTH covers %zu and %zu octets; protected are %zu and %zu (first datagrams)\n",
	       sizes->peer_octets, sizes->own_octets, sizes->opened[0], sizes->sealed[0]);
}

void bench_slices_tell(struct bench_options *options, const struct scenario *scenario,
		       struct bench_slices *of, const struct bench_fields *more)
{
	double all = sum(of->bare, of->count) / sum(of->ours, of->count) * 100;
	double percent = median(of->percent, of->count);
	double bare = 1e9 / median(of->bare, of->count);
	double ours = 1e9 / median(of->ours, of->count);
	double dialler = 1e9 / median(of->dialler, of->count);

	printf("  responder %.0f handshakes/s on one core, bare OpenSSL %.0f: %.0f %% (median of "
	       "%zu pairs of %d, quarters %.0f and %.0f; of the sums %.0f); initiator %.0f\n",
	       ours, bare, percent, of->count, BENCH_TOGETHER, of->percent[of->count / 4],
	       of->percent[of->count * 3 / 4], all, dialler);
	for (int initiator = 0; initiator < 2; initiator++)
		bench_json(options,
			   "\"auth\":\"%s\",\"group\":\"%s\",\"role\":\"%s\","
			   "\"handshakes_per_s_core\":%.0f,\"bare_per_s_core\":%.0f%s",
			   scenario->auth, scenario->group, initiator ? "initiator" : "responder",
			   initiator ? dialler : ours, bare, initiator ? "" : more->text);
}
