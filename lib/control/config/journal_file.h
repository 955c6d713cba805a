#pragma once
/*
 * The journal on disk: a magic, then records with a checksum. All calls block: they run on the
 * journal's thread, or before the loop starts.
 *
 * A record that is not whole ends the file: whoever died while writing it had not acknowledged it.
 */
#include <stdint.h>
#include <sys/types.h>

#define JOURNAL_FILE_START 8 /* where the first record begins */
#define JOURNAL_RECORD_MAX (512u * 1024 * 1024)

enum journal_record_type {
	JOURNAL_BASE = 1, /* everything, as of its revision */
	JOURNAL_CHANGE,	  /* what a revision changed */
};

struct journal_record {
	uint32_t type; /* enum journal_record_type */
	uint64_t revision;
	uint64_t wall_ms;
	char *payload; /* JSON, NUL-terminated; of the reader until it returns */
	size_t n;
};

/* False ends the reading. */
typedef int (*journal_file_each)(void *context, const struct journal_record *record);

/* Creates an empty journal at `path` (0600); -EEXIST when there is something. */
__attribute__((warn_unused_result)) int journal_file_create(int *fd, int dir, const char *name);
/*
 * Opens and refuses what others may read (-EPERM). *fd is positioned nowhere in particular.
 */
__attribute__((warn_unused_result)) int journal_file_open(int *fd, int dir, const char *name);
/*
 * Reads all whole records. *good is where they end; what `each` returns other than 0 ends it and is
 * returned. -EBADMSG: not a journal at all. A broken record is no error: compare *good to the size.
 */
__attribute__((warn_unused_result)) int journal_file_read(int fd, off_t *good,
							  journal_file_each each, void *context);
/* The same from *at on, where a record begins; *at is moved to where they end. */
__attribute__((warn_unused_result)) int journal_file_read_on(int fd, off_t *at,
							     journal_file_each each, void *context);
/*
 * Appends at *end, syncs, and moves *end. On failure the file is cut back to *end; -EIO when even
 * that failed, and nothing may be appended any more.
 */
__attribute__((warn_unused_result)) int journal_file_append(int fd, off_t *end,
							    const struct journal_record *record);
/* Without the sync, for a file that is not the journal yet: it is synced before it becomes it. */
__attribute__((warn_unused_result)) int journal_file_add(int fd, off_t *end,
							 const struct journal_record *record);
/* Copies [from, size) of the file to a new file, for whoever wants to look at it. */
__attribute__((warn_unused_result)) int journal_file_save_tail(int fd, off_t from, int dir,
							       const char *name);
