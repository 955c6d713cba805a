/*
 * Every SKU of the catalogue: what passes in one second of simulated time when half as much again
 * is offered, over one tunnel and over thirty that share, each direction alone and both at once,
 * with one worker and with four.
 */
#include "bench_limits.h"

#include "dataplane/meter/meter.h"

#include "../unit/dataplane/meter/simulate.h"

#include <rte_memory.h>

#include <math.h>
#include <string.h>

#define TUNNELS_MOST 30
#define PACKET_BYTES 1310 /* what Azure's table of rates implies */
#define GATEWAY 1
#define TUNNEL 2 /* and up */

enum way { WAY_OUT, WAY_IN, WAY_BOTH, WAYS };

struct sku_case {
	double rate; /* bits a second */
	uint32_t tunnels;
	uint32_t threads;
	enum way way;
};

static void must_set(struct meter *m, uint32_t id, const struct contract_limit *body)
{
	if (meter_set(m, id, body)) {
		fprintf(stderr, "%s\n", meter_reason(m));
		exit(1);
	}
}

static struct meter *gateway_of(const struct sku_case *c)
{
	struct meter_config config = { .limits = TUNNEL + TUNNELS_MOST,
				       .workers = 4,
				       .tsc_hz = SIMULATE_HZ,
				       .socket = SOCKET_ID_ANY };
	struct contract_limit gateway = { .bits_per_s = (uint64_t)c->rate,
					  .weight = 1,
					  .direction_sum = 1 };
	struct contract_limit connection = { .parent = GATEWAY, .weight = 1, .direction_sum = 1 };
	char reason[CONTRACT_REASON];
	struct meter *m;

	if (meter_init(&m, &config, reason)) {
		fprintf(stderr, "%s\n", reason);
		exit(1);
	}
	must_set(m, GATEWAY, &gateway);
	for (uint32_t t = 0; t < c->tunnels; t++)
		must_set(m, TUNNEL + t, &connection);
	return m;
}

/* Percent off the limit. */
static double sku_error(const struct sku_case *c)
{
	struct simulate_source sources[2 * TUNNELS_MOST];
	uint64_t bytes[2 * TUNNELS_MOST] = { 0 };
	uint64_t packets[2 * TUNNELS_MOST] = { 0 };
	struct simulate s = { .meter = gateway_of(c),
			      .sources = sources,
			      .threads = c->threads,
			      .ms = 50,
			      .start_tsc = SIMULATE_HZ * 100,
			      .balance = true,
			      .passed_bytes = bytes,
			      .passed_packets = packets };
	uint32_t ways = c->way == WAY_BOTH ? 2 : 1;
	double offered = c->rate * 1.5 / 8 / PACKET_BYTES / c->tunnels / ways;
	double total = 0;

	for (uint32_t t = 0; t < c->tunnels; t++)
		for (uint32_t w = 0; w < ways; w++)
			sources[s.source_count++] = (struct simulate_source){
				TUNNEL + t, c->way == WAY_IN || w ? METER_INBOUND : METER_OUTBOUND,
				PACKET_BYTES, offered
			};
	simulate_run(&s); /* the burst is spent, the shares are found */
	memset(bytes, 0, sizeof(bytes));
	s.ms = 1000;
	simulate_run(&s);
	meter_fini(s.meter);
	for (uint32_t i = 0; i < s.source_count; i++)
		total += (double)bytes[i] * 8;
	return (total / c->rate - 1) * 100;
}

static double show_one(struct bench_options *options, const char *name, struct sku_case *c)
{
	static const char *const ways[WAYS] = { "out", "in", "both" };
	double error = sku_error(c);

	printf(" %+6.2f", error);
	fflush(stdout);
	bench_json(options,
		   "\"sku\": \"%s\", \"tunnels\": %u, \"threads\": %u, \"way\": \"%s\", "
		   "\"error_percent\": %.3f",
		   name, c->tunnels, c->threads, ways[c->way], error);
	return fabs(error);
}

/* `list`: "NAME MBITS" a line, as scripts/bench.d/limits takes them from the catalogue. */
bool bench_limits_skus(struct bench_options *options, const char *list)
{
	bool missed = false;
	char name[64];
	double mbits;
	int n;

	printf("\nerror in percent over 1 s (simulated) of each SKU, half as much again offered\n"
	       "                            1 thread:  1 tunnel            30 tunnels           4 "
	       "threads\n"
	       "SKU                            Mbit/s    out     in   both    out     in   both   "
	       " 30, both\n");
	for (; sscanf(list, "%63s %lf %n", name, &mbits, &n) == 2; list += n) {
		struct sku_case c = { .rate = mbits * 1e6, .threads = 1 };
		double worst = 0;

		printf("%-28s %8.0f", name, mbits);
		for (c.tunnels = 1; c.tunnels <= TUNNELS_MOST; c.tunnels += TUNNELS_MOST - 1)
			for (int way = 0; way < WAYS; way++) {
				c.way = (enum way)way;
				worst = fmax(worst, show_one(options, name, &c));
			}
		c = (struct sku_case){ mbits * 1e6, TUNNELS_MOST, 4, WAY_BOTH };
		worst = fmax(worst, show_one(options, name, &c));
		printf("%s\n", worst >= 2 ? "  MISSED" : "");
		missed |= worst >= 2;
	}
	return missed;
}
