#pragma once
/*
 * What was metered so far: totals that only rise, for each subject (a gateway, or a tunnel of a
 * connection). With each tunnel's totals stands what of them was read from which counters of which
 * data plane, so that whoever goes on adds what is new and nothing else:
 *
 * - A data plane has an instance; its counters begin at zero with it.
 * - A tunnel there has an id and the time when it was added (its incarnation); other counters of
 * the same id are another incarnation's, and begin at zero too.
 *
 * The time for which a subject was up is counted by the state's own clock, `elapsed_ms`, which runs
 * while something meters: a mark says since when, nothing is written while time goes by.
 *
 * Changed only by record_apply(), so that what is in memory is what the files say.
 */
#include "contract/counters.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metering_counter {
	METERING_IN_BYTES, /* inner IP length of what came out of the tunnel */
	METERING_IN_PACKETS,
	METERING_OUT_BYTES,
	METERING_OUT_PACKETS,
	METERING_TO_PACKETS, /* two for each enum contract_destination, in its order */
	METERING_TO_BYTES,
	METERING_COUNTERS = METERING_TO_PACKETS + 2 * CONTRACT_DESTINATIONS
};
/* A new destination comes last: what was written before there was one is read. */

#define METERING_SUBJECTS_MAX (1u << 18)
#define METERING_TEXT_MAX 4096

enum metering_type { METERING_GATEWAY = 1, METERING_TUNNEL };

struct metering_subject {
	uint8_t type; /* enum metering_type */
	uint8_t far;  /* enum contract_destination of what goes into a tunnel */
	bool up;
	uint32_t id;		/* in the data plane; 0: none that could be read */
	uint32_t round;		/* of the sample that saw it last; kept nowhere */
	uint64_t since_ns;	/* its incarnation there */
	uint64_t up_ms;		/* without what runs since up_mark_ms */
	uint64_t up_mark_ms;	/* of the state's clock */
	uint64_t changed_ms;	/* wall clock */
	const char *gateway;	/* key of the resource; all three belong to the subject */
	const char *connection; /* key, "" for a gateway */
	const char *name;	/* of the tunnel, or of the gateway */
	uint64_t totals[METERING_COUNTERS];
	uint64_t seen[METERING_COUNTERS]; /* of this incarnation */
};

struct metering_state {
	uint64_t wall_ms; /* of the last record */
	uint64_t boot_ns; /* CLOCK_BOOTTIME up to which elapsed_ms counts */
	uint64_t elapsed_ms;
	uint64_t instance; /* of the data plane whose counters `seen` are; 0: none yet */
	struct metering_subject *items;
	uint32_t count;
	uint32_t capacity;
};

/* All zeros is an empty one. */
void metering_state_fini(struct metering_state *state);
/* -ENOMEM, -E2BIG; copies the texts. */
__attribute__((warn_unused_result)) int metering_state_add(struct metering_state *state,
							   const struct metering_subject *subject);
/* Drops what is down, was not seen in this round and has not changed since `before_ms`. */
void metering_state_forget(struct metering_state *state, uint32_t round, uint64_t before_ms);
uint64_t metering_up_ms(const struct metering_state *state, const struct metering_subject *subject);
