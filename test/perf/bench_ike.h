#pragma once
/*
 * What a responder's handshake costs in bare crypto operations.
 */
#include "control/ikev2/engine.h"

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

struct bare {
	uint16_t group;
	const struct crypto_key *key; /* NULL: pre-shared key */
	unsigned int handshakes;
};

/* Seconds for all of them; prints the operations of one when `tell`. */
double bare_run(const struct bare *bare, bool tell);
