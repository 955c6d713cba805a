#pragma once
/*
 * Two engines in one process, each the other's peer: datagrams are handed over, keys are fresh in
 * each handshake. Each side is timed by itself: CPU time of the thread.
 */
#include "perf/bench_ike.h"

#include "base/map.h"

#define BENCH_QUEUE 128

struct bench_side {
	struct bench_sides *all;
	struct ikev2_engine *engine;
	struct map installed; /* inbound SPI */
	struct map sends;     /* SPI of the peer that is sent on */
	struct map outbound;  /* child -> what it sends on */
	uint32_t next_spi;
	uint64_t busy_ns;
};

struct bench_packet {
	struct ikev2_datagram datagram;
	struct bench_side *to;
	uint8_t bytes[4096];
};

struct bench_sides {
	/* The owner's, before bench_sides_begin(). */
	struct channel *ring; /* the answerer's SAs go into it */
	bool checks;	      /* that no packet could be lost */

	struct bench_side dialler;
	struct bench_side answerer;
	struct ikev2_connection *connections[2 * BENCH_TUNNELS]; /* the answerer's, the dialler's */
	struct bench_lookup *lookup;
	struct bench_packet queue[BENCH_QUEUE];
	unsigned int head, tail;
	uint64_t now_ns;		/* the engines' */
	uint64_t up;			/* children at the answerer */
	struct ike_openssl_sizes sizes; /* of the first handshake, as the answerer sees them */
};

/* A connection of this configuration for each tunnel on both sides; what cannot be ends it all. */
void bench_sides_begin(struct bench_sides *all, const struct ikev2_config *config);
void bench_sides_end(struct bench_sides *all);
/* The i-th tunnel's first message lies there. */
void bench_sides_dial(struct bench_sides *all, uint32_t i);
/* Until nothing lies there any more. */
void bench_sides_deliver(struct bench_sides *all);
/* The first `n` tunnels, BENCH_TOGETHER under way. */
void bench_sides_dial_all(struct bench_sides *all, uint32_t n);
/* What a side is timed by. */
uint64_t bench_sides_clock_ns(void);
