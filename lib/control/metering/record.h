#pragma once
/*
 * DOC: records of metering
 *
 * The bytes that change a metering state, and nothing that is not bytes: no file, no clock. A
 * record is a row of steps (a subject appears, is up, counts so much more); numbers are base-128
 * with seven bits a byte, low ones first, so that a counter that moved costs a few bytes. A head is
 * the same language and says a whole state.
 *
 * On disk a record stands in a frame with its times and a checksum. Frames follow one another; the
 * first is a head. What is not whole ends the reading: whoever died writing it had not said that it
 * was written.
 */
#include "base/span.h"
#include "base/text.h"
#include "control/metering/state.h"

#define METERING_FRAME_BYTES 40
#define METERING_FRAME_MAX (256u << 20)
#define METERING_MAGIC "VPNGWM1\n"
#define METERING_MAGIC_BYTES 8

/* Steps, added to `out`. Subjects are known by their index in the state. */
void record_subject(struct text *out, const struct metering_subject *subject);
void record_instance(struct text *out, uint64_t instance); /* another one: nothing of it was seen */
void record_incarnation(struct text *out, uint32_t index, uint32_t id, uint64_t since_ns);
/* Counters by which the row of the data plane is ahead of `seen`; nothing when it is not. */
void record_count(struct text *out, uint32_t index, const struct metering_subject *subject,
		  const uint64_t row[METERING_COUNTERS]);
void record_up(struct text *out, uint32_t index, bool up);
void record_advance(struct text *out, uint64_t ms);
/* The whole state, for an empty one to begin with. */
void record_head(struct text *out, const struct metering_state *state);

/* -EBADMSG with what came before it applied; -ENOMEM, -E2BIG. */
__attribute__((warn_unused_result)) int record_apply(struct metering_state *state,
						     struct span steps);

enum metering_frame_type { METERING_HEAD = 1, METERING_CHANGE };

struct metering_frame {
	uint32_t type; /* enum metering_frame_type */
	uint64_t wall_ms;
	uint64_t boot_ns;
	struct span steps;
};

/* What stands before the steps. */
void metering_frame_header(uint8_t to[METERING_FRAME_BYTES], const struct metering_frame *frame);
#define METERING_BEGINNING 0 /* in place of a time: what the head says */
/*
 * Reads a file's bytes up to the last record of `until_ms` or before it into an empty state. *good
 * says how many bytes were whole. -EBADMSG: there is no whole head; -ESRCH: the head is later.
 */
__attribute__((warn_unused_result)) int metering_frames_read(struct metering_state *state,
							     struct span bytes, uint64_t until_ms,
							     size_t *good);
