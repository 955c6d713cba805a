#pragma once
/*
 * DOC: usage
 *
 * What gateways, connections and tunnels carry at this moment. Counters of the data plane only
 * grow, so a rate needs two readings: every second all tunnels are read, and the difference to the
 * reading before is the rate until the next one, whoever asks and however often. What a limit was
 * charged comes from the counters of the limit itself, for only the data plane knows which packets
 * count once although two tunnels carry them.
 *
 * Owner: rest. Thread: the event loop's. Left out on purpose: history; that is what metrics are
 * scraped for.
 */
#include "control/tunnel/tunnels.h"

struct usage;

/* A second's worth. */
struct usage_rate {
	uint64_t bits_in;
	uint64_t bits_out;
	uint64_t packets_in;
	uint64_t packets_out;
};

/* Of a tunnel, or all tunnels of a connection or a gateway together. */
struct usage_traffic {
	struct usage_rate rate;
	uint64_t peak_packets; /* most packets of a second, both ways, in the last one to two
				  minutes */
	uint32_t tunnels;
	uint32_t connected;
};

struct usage_charge {
	uint64_t bits_per_s; /* inner IP, as the limit counts it */
	uint64_t refused_packets_per_s;
	uint64_t refused_packets; /* since the data plane knows the limit */
	uint64_t refused_bytes;
};

__attribute__((warn_unused_result)) int usage_new(struct usage **usage, struct event_loop *loop,
						  const struct clock *clock,
						  struct desired *desired, struct tunnels *tunnels);
void usage_free(struct usage *usage);
/* Reads all counters; the timer calls it, and a test. */
void usage_sample(struct usage *usage);

/* By the name of a tunnel or the key of a resource; all zero for what is not known. */
struct usage_traffic usage_of_tunnel(const struct usage *usage, const char *name);
struct usage_traffic usage_of_resource(const struct usage *usage, const char *key);
/* False: the resource has no limit in the data plane. */
bool usage_charge_of(const struct usage *usage, const char *key, struct usage_charge *charge);
