#pragma once
/*
 * An engine at the end of a datagram socket, with or without an address of its own for each tunnel.
 * What it dials comes up at the other end of it; it installs nothing.
 */
#include "control/ikev2/engine.h"

#include <unistd.h>

struct bench_end {
	/* The owner's, before bench_end_start(). */
	int socket;
	const struct ikev2_config *config;
	uint32_t connection_count;
	uint32_t first; /* as answerer: each is for the next address */
	bool of_peer;	/* which is the peer's, not ours */
	uint16_t port;
	void (*send)(struct bench_end *end, const struct ikev2_datagram *datagram);
	/* What poll() says is there: bytes.p NULL when it is the end or nothing. */
	struct ikev2_datagram (*receive)(struct bench_end *end);

	struct ikev2_engine *engine;
	struct ikev2_connection **connections;
	uint32_t next_spi;
	uint32_t up;
	uint32_t failed;
};

__attribute__((warn_unused_result)) int bench_end_start(struct bench_end *end);
void bench_end_stop(struct bench_end *end);
/* One datagram; false after a long silence, or at the end. */
bool bench_end_take(struct bench_end *end);
/*
 * `n` more come up, at most `together` under way; dial(i) says how, from `first` on. False: not all
 * did.
 */
struct bench_end_dials {
	struct ikev2_dial (*dial)(struct bench_end *end, uint32_t i);
	uint32_t first;
	uint32_t count;
	uint32_t together;
};
bool bench_end_dial(struct bench_end *end, const struct bench_end_dials *dials);
