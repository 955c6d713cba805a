#pragma once
/*
 * DOC: samples
 *
 * Turns what the tunnels are and what the data plane's counters say into steps of a metering state,
 * applies them to the state in memory and keeps them until they are written. Knows no tunnel, no
 * file and no clock: a test is the world.
 *
 * A sample is begun, told each gateway and each tunnel that there is, and ended. Tunnels that were
 * not told are gone; their counters are read on as long as nobody else has their id.
 *
 * Counters are a tunnel's own when their time says so: a row of an id whose time is that of another
 * subject is still that one's, and is counted for it. The first sample after a start decides
 * whether time went on while nobody metered: it did when the data plane is the same.
 */
#include "base/map.h"
#include "control/metering/record.h"

/* A tunnel's row of the data plane. */
struct sample_row {
	uint64_t since_ns; /* 0: nothing is there */
	uint64_t counters[METERING_COUNTERS];
};

typedef bool (*sample_read)(void *context, uint32_t id, struct sample_row *row);

struct sampler {
	struct metering_state state;
	struct text steps; /* since sample_taken() */
	struct map by_key; /* of a subject -> index + 1 */
	struct map by_id;  /* in the data plane -> index + 1 */
	sample_read read;
	void *context;
	uint32_t round;
	uint32_t next; /* where the next subject is looked for first */
	bool begun;    /* once since the start */
	bool failed;   /* out of memory: the steps are not all, a head is wanted */
};

/* When a sample is taken. */
struct sample_time {
	uint64_t wall_ms;
	uint64_t boot_ns;
	uint64_t instance; /* of the data plane; 0: none is attached */
};

struct sample_subject {
	enum metering_type type;
	enum contract_destination far;
	const char *gateway;	/* key */
	const char *connection; /* key, or "" */
	const char *name;
	uint32_t id;
	bool up;
};

void sample_init(struct sampler *sampler, sample_read read, void *context);
void sample_fini(struct sampler *sampler);
/* Goes on from `state`, which it takes over. Before the first sample. */
__attribute__((warn_unused_result)) int sample_load(struct sampler *sampler,
						    struct metering_state *state);

void sample_begin(struct sampler *sampler, const struct sample_time *time);
void sample_add(struct sampler *sampler, const struct sample_subject *subject);
void sample_end(struct sampler *sampler);
/* One tunnel's counters now: it is about to go. Between samples. */
void sample_last(struct sampler *sampler, uint32_t id);

/* What is to be written is written, or will be said by a head. */
void sample_taken(struct sampler *sampler);
/* Forgets old subjects (metering_state_forget()); a head must follow. */
void sample_forget(struct sampler *sampler, uint64_t before_ms);
