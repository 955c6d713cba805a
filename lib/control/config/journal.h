#pragma once
/*
 * DOC: journal
 *
 * The running configuration, keys included, as an append-only file in the state directory: a base
 * and the changes after it, each with a checksum and synced before it counts. At start the records
 * are folded into the last good state; a damaged tail is set aside and said. When the changes have
 * outgrown the base, a new file with a new base replaces the old one (which stays as journal.old),
 * keeping the last `history` revisions to go back to.
 *
 * Threads: one of its own does all that blocks after journal_open(). It reads snapshots, which are
 * immutable; references are taken and given back on the caller's side. Results come back through
 * config_journal_fd() and config_journal_poll(), in the order of the requests.
 *
 * Owner: the control program. Left out on purpose: encryption at rest, and more than one writer (a
 * lock file refuses a second).
 */
#include "control/config/config.h"

struct config_journal;

struct config_journal_options {
	const char *directory; /* made with mode 0700 when absent */
	uint32_t history;      /* revisions to keep, at least 1 */
};

/*
 * Blocks: before the loop runs. What was damaged is a warning in the report; -EPERM with a sentence
 * when others can read the directory or the file, -EBUSY when another process has it.
 */
__attribute__((warn_unused_result)) int config_journal_open(
	struct config_journal **journal, const struct config_journal_options *options,
	struct config_report *report);
/* Waits for what is under way, then ends the thread. Pending callbacks are called. */
void config_journal_close(struct config_journal *journal);

/* The state as of the last record: *config stays NULL when there is none. Blocks. */
__attribute__((warn_unused_result)) int config_journal_load(struct config_journal *journal,
							    const struct sku_catalogue *catalogue,
							    struct config **config,
							    struct config_report *report);
/* Fingerprint of the file that was imported last; 0: none was. */
uint64_t config_journal_fingerprint(const struct config_journal *journal);

/* `status` 0: it is on disk. -ENOSPC and the like: nothing of it is. */
typedef void (*config_journal_done)(void *context, int status);

struct config_journal_change {
	const char *cause;	   /* "import", "rest", "rollback", "command" */
	const char *actor;	   /* who, or NULL; never a secret */
	uint64_t fingerprint;	   /* of an imported file; 0: as it was */
	const struct config *from; /* NULL at the first */
	const struct config *to;
	config_journal_done done;
	void *context;
};
/* Takes references, returns at once. -ENOMEM, or -EIO after the file was lost. */
__attribute__((warn_unused_result)) int config_journal_append(
	struct config_journal *journal, const struct config_journal_change *change);

/* Text of the whole configuration as of a revision, for config_load_text(); wiped after the call.
 */
typedef void (*config_journal_text)(void *context, int status, const char *text, size_t n);
__attribute__((warn_unused_result)) int config_journal_read(struct config_journal *journal,
							    uint64_t revision,
							    config_journal_text done,
							    void *context);

int config_journal_fd(const struct config_journal *journal); /* readable: call poll */
void config_journal_poll(struct config_journal *journal);

/* Revisions that can be gone back to, oldest first. Valid until the next poll. */
struct config_revision {
	uint64_t revision;
	uint64_t wall_ms;
	char cause[16];
	char actor[80];
	uint32_t set;
	uint32_t deleted;
};
const struct config_revision *config_journal_history(const struct config_journal *journal,
						     uint32_t *count);
