#pragma once
/*
 * DOC: warnings before loss
 *
 * Four times a second the main lcore looks at what runs out before packets are lost: packet
 * buffers, the rings of NICs, the time of workers. All warnings keep the same pause: one line when
 * it begins, one a minute while it lasts, one when it has been over for ten seconds; what comes
 * and goes does not begin again within the minute.
 */
#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

#define WARN_WORKERS 32
#define WARN_AGAIN_NS (60 * CLOCK_NS_PER_S)
#define WARN_OVER_NS (10 * CLOCK_NS_PER_S)
#define WARN_BUSY_PERCENT 90	/* of a second */
#define WARN_BUFFERS_PERCENT 10 /* free */

struct warn_state {
	uint64_t told_ns; /* when it last was told that it is so; 0: never */
	uint64_t last_ns; /* when it last was so */
	bool told;	  /* and not yet that it is over */
};

enum warn_word { WARN_NOTHING, WARN_TELL, WARN_OVER };

struct warn_cycles {
	uint64_t busy;
	uint64_t idle;
};

/* Counters as they stand. */
struct warn_seen {
	uint32_t buffers;
	uint32_t buffers_free;
	uint64_t high;	 /* bursts from rings that were over four fifths full */
	uint64_t missed; /* packets that NICs dropped */
	uint32_t workers;
	bool spread; /* --spread-inbound is given */
	struct warn_cycles cycles[WARN_WORKERS];
};

struct warn {
	struct warn_state buffers;
	struct warn_state levels;
	struct warn_state rings;
	struct warn_state busy[WARN_WORKERS];
	uint64_t high;	      /* as last seen */
	uint64_t missed;      /* likewise */
	uint64_t missed_told; /* of them */
	uint64_t second_ns;   /* since when the cycles count; 0: nothing was seen yet */
	struct warn_cycles before[WARN_WORKERS];
};

/* What is to be said of a state that now is so, or is not. */
enum warn_word warn_step(struct warn_state *state, bool so, uint64_t now_ns);
void warn_look(struct warn *warn, const struct warn_seen *seen, uint64_t now_ns);
