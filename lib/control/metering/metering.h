#pragma once
/*
 * DOC: metering
 *
 * How much each tunnel, connection and gateway has carried, and for how long each was there, kept
 * over restarts of both programs, for any range of time. Every few seconds the counters of all
 * tunnels are read (sample.h) and what has changed is written (archive.h) by a thread of its own
 * (writer.h): nothing here waits for a disk.
 *
 * What can be lost: what was counted since the last record, when both programs die at once. When
 * only one of them does, nothing is: the data plane's counters outlive this program, and this
 * program reads them a last time when the data plane has died. What is never done: to count twice.
 *
 * A disk that is full or slow costs nothing but detail: totals stay in memory and the next file
 * that can be begun says them.
 *
 * Left out on purpose: prices and invoices, and from which network a packet came that went into a
 * tunnel: it is priced by where it goes.
 *
 * Owner: app/control. Thread: the event loop's.
 */
#include "control/metering/state.h"
#include "control/requests/desired.h"
#include "control/tunnel/tunnels.h"

struct metering;

struct metering_config {
	struct event_loop *loop;
	struct desired *desired;
	struct tunnels *tunnels;
	const char *state_directory;
};

/* Reads what is there: blocks. A history that cannot be read is said and begun anew. */
__attribute__((warn_unused_result)) int metering_new(struct metering **metering,
						     const struct metering_config *config);
/* Writes what is not written yet, and waits for that. */
void metering_free(struct metering *metering);
/* Which gateways there are, and how long what was metered is kept. */
void metering_apply(struct metering *metering, const struct config *config);
/* The data plane is lost, its counters can be read a last time. */
void metering_lost(struct metering *metering);
/* A tunnel (its id in the data plane) is about to go. */
void metering_tunnel_goes(struct metering *metering, uint32_t id);

/* From one state to another: what a subject gained. */
struct metering_gain {
	const struct metering_subject *subject; /* as of the end */
	uint64_t counters[METERING_COUNTERS];
	uint64_t up_ms;
};

struct metering_answer {
	int status; /* 0, or errno of the disk */
	const struct metering_state *from;
	const struct metering_state *to; /* of now, or of the end that was asked for */
};

struct metering_question;
typedef void (*metering_done)(void *context, const struct metering_answer *answer);
typedef void (*metering_visit)(void *context, const struct metering_gain *gain);

/*
 * Times of the wall clock; an end that is not past means now. The answer comes later, from the
 * loop. -EAGAIN: too many are asking.
 */
__attribute__((warn_unused_result)) int metering_ask(struct metering *metering,
						     struct metering_question **question,
						     uint64_t from_ms, uint64_t to_ms,
						     metering_done done, void *context);
/* The answer is not wanted any more. */
void metering_cancel(struct metering_question *question);
/* All subjects of a gateway (its key): itself, then tunnels in the order of connections. -ENOMEM.
 */
__attribute__((warn_unused_result)) int metering_each(const struct metering_answer *answer,
						      const char *gateway, metering_visit visit,
						      void *context);
