#pragma once
/*
 * DOC: writer of metering
 *
 * The thread that reads and writes the archive, so that a slow or full disk never stops the loop.
 * One write is under way at a time: what comes meanwhile stays with the caller. Questions are
 * answered after the writes that came before them.
 *
 * Owner: metering. Results come back through writer_fd() and writer_poll().
 */
#include "control/metering/archive.h"

struct metering_writer;

typedef void (*writer_written)(void *context, int status);
/* The state is the callee's from then on. */
typedef void (*writer_answer)(void *context, int status, struct metering_state *states);

/* Takes over the archive, in any case. */
__attribute__((warn_unused_result)) int writer_new(struct metering_writer **writer,
						   struct metering_archive *archive);
/* Ends when what is under way is done; callbacks that are due are called. */
void writer_free(struct metering_writer *writer);
int writer_fd(const struct metering_writer *writer); /* readable: call poll */
void writer_poll(struct metering_writer *writer);

bool writer_busy(const struct metering_writer *writer); /* a write is under way */
/* Copies the frame; -EBUSY while another write is under way. `limits` with a head: a new file. */
__attribute__((warn_unused_result)) int writer_write(struct metering_writer *writer,
						     const struct metering_frame *frame,
						     const struct metering_limits *limits,
						     writer_written done, void *context);
/* States at `count` (1 or 2) times; -EAGAIN: as many are under way as may. */
__attribute__((warn_unused_result)) int writer_ask(struct metering_writer *writer,
						   const uint64_t *wall_ms, uint32_t count,
						   writer_answer answer, void *context);
uint64_t writer_file_bytes(const struct metering_writer *writer); /* as of the last write */
