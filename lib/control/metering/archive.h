#pragma once
/*
 * DOC: archive of metering
 *
 * The folder `metering` of the state directory: a file an hour, in the order of their numbers. Each
 * begins with a head that says the whole state, so that any file is enough to know everything up to
 * its end and old ones can go. A file is written by one process only: whoever starts begins a new
 * one, and what a death left half written stays as it is and is not read.
 *
 * What was counted up to a time is the state after the last record, in the order of writing, that
 * has this time or an earlier one. So a range is one state less another, ranges that follow one
 * another add up whatever the clock did, and none is negative.
 *
 * All calls block: before the loop runs, or on the writer's thread.
 */
#include "control/metering/record.h"

#include <sys/types.h>

struct metering_archive;

struct metering_limits {
	uint64_t keep_ms; /* how long files stay */
	uint64_t bytes;	  /* of all files; the oldest go first */
};

/* Takes the state directory's name; makes nothing yet. */
__attribute__((warn_unused_result)) int metering_archive_new(struct metering_archive **archive,
							     const char *state_directory);
void metering_archive_free(struct metering_archive *archive);
/*
 * The state with which the newest file that can be read ends; an empty one when there is none.
 * Files without a whole head are set aside; *aside counts them.
 */
__attribute__((warn_unused_result)) int metering_archive_load(struct metering_archive *archive,
							      struct metering_state *state,
							      uint32_t *aside);
/* Begins a new file with this head, and drops what `limits` do not keep. */
__attribute__((warn_unused_result)) int metering_archive_begin(
	struct metering_archive *archive, const struct metering_frame *head,
	const struct metering_limits *limits);
/* Appends, and syncs; on an error nothing of it counts, and a new file must be begun. */
__attribute__((warn_unused_result)) int metering_archive_append(struct metering_archive *archive,
								const struct metering_frame *frame);
uint64_t metering_archive_end(const struct metering_archive *archive); /* bytes of the file */
/* State up to a time, into an empty one; before everything that is there: how that begins. */
__attribute__((warn_unused_result)) int metering_archive_at(struct metering_archive *archive,
							    struct metering_state *state,
							    uint64_t wall_ms);
