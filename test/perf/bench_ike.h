#pragma once
/*
 * What the benchmark of IKE shares between its files.
 */
#include "contract/channel.h"
#include "control/ikev2/engine.h"
#include "perf/ike_openssl.h"
#include "perf/options.h"

#include <sys/types.h>

#define BENCH_TUNNELS 10000
#define BENCH_ROUNDS 3
#define BENCH_TOGETHER 32 /* dials under way */
#define BENCH_SLICES (BENCH_ROUNDS * BENCH_TUNNELS / BENCH_TOGETHER)

__attribute__((noreturn)) void bench_die(const char *what, int error);

/*
 * Before the pool of secrets is made. Seconds by the clock, and the processor time of the second
 * instance; below 0: not all came up on both sides.
 */
double bench_two_dial(uint32_t tunnels, double *cpu_s);

struct bench_lookup;

/* connections[i] belongs to the site at 10.0.0.0 + i + 2; our address is 192.0.2.1. */
__attribute__((warn_unused_result)) int bench_lookup_new(struct bench_lookup **lookup,
							 struct ikev2_connection **connections,
							 uint32_t count);
size_t bench_lookup_find(const struct bench_lookup *lookup, const struct ikev2_path *path,
			 struct ikev2_connection **found, size_t room);
void bench_lookup_free(struct bench_lookup *lookup);

/* Opened once; control's end. */
struct channel *bench_ring_open(void);
void bench_ring_close(void);
/* Both SAs of a child as the gateway sends them: one batch. */
void bench_ring_pair(const struct ikev2_child_install *install);

struct scenario {
	const char *auth; /* "psk", or a file of the PKI */
	const char *group;
	const char *ike;
	uint16_t number;
	unsigned int handshakes;
};

/* Nanoseconds of a handshake in each slice, and of the same number of bare ones right after it. */
struct bench_slices {
	double ours[BENCH_SLICES];
	double dialler[BENCH_SLICES];
	double bare[BENCH_SLICES];
	double percent[BENCH_SLICES];
	size_t count;
};

/* Sorted in their place. */
const double *bench_sorted(double *values, size_t n);

/* What else a row of the responder says, as JSON after what it has. */
struct bench_fields {
	char text[512];
};

void bench_bare_tell(const struct ike_openssl *bare, const struct ike_openssl_sizes *sizes);
/* Sorts them. */
void bench_slices_tell(struct bench_options *options, const struct scenario *scenario,
		       struct bench_slices *slices, const struct bench_fields *more);

/*
 * charon's process, at 127.0.0.2; ours is forked. Each pair is told what a handshake in memory has
 * just taken, and dials as many at both.
 */
#define BENCH_PAIRS 31
struct bench_charon;
struct bench_charon *bench_charon_begin(pid_t charon, const struct ikev2_config *config,
					uint32_t handshakes);
void bench_charon_pair(struct bench_charon *all, double memory_ns);
void bench_charon_tell(struct bench_charon *all, struct bench_fields *fields);
void bench_charon_end(struct bench_charon *all);
