#pragma once
/*
 * Inside of the journal: what its two files share.
 */
#include "base/jobs.h"
#include "control/config/journal.h"
#include "control/config/journal_file.h"
#include "control/config/journal_text.h"

struct journal_job {
	struct list link;
	struct config_journal_change change;
	config_journal_text text_done; /* a read, else an append */
	struct config_revision revision;
	struct json_out out;
	int status;
};

/* A file that can take the journal's place once it has what came last. */
struct journal_compacted {
	int fd;
	off_t end;
	off_t base_bytes;
	off_t from;	   /* where in the old file it goes on */
	uint64_t revision; /* the last that it has */
	uint32_t changes;  /* that it has */
	uint64_t oldest;   /* what is left of the history begins here */
};

/*
 * Two threads: the writer appends and reads back, the compactor makes a small file of a large one.
 * That takes a while with many resources, and nobody waits for it: it only reads the old file, and
 * the writer puts the new one in its place between two changes.
 */
struct config_journal {
	/* Set at open; then the writer's. */
	int dir;
	int fd; /* the compactor reads it: not exchanged while that works */
	int lock_fd;
	off_t end;
	off_t base_bytes;
	uint32_t keep;
	uint32_t changes; /* appended since the last compaction */
	int lost;	  /* why nothing can be appended any more */
	bool cut;	  /* something was taken back since the compaction began */
	char *directory;
	/* The caller's. */
	struct config_revision *history;
	uint32_t history_count;
	uint32_t history_capacity;
	uint64_t fingerprint;
	uint64_t revision; /* at open */
	pthread_t writer;
	pthread_t compactor;
	bool writes; /* the thread is there */
	bool compacts;
	struct jobs jobs; /* of the writer; its lock is for the rest */
	pthread_cond_t due;
	uint64_t written; /* the last revision that is in the file */
	uint64_t newest;  /* that the compactor is to go by; 0: it has nothing to do */
	uint64_t newest_fingerprint;
	struct journal_compacted compacted; /* fd -1: there is none */
	uint64_t oldest;		    /* after a compaction, for the caller */
	bool compacting;
};

#define FILE_NAME "journal"
#define FILE_OLD "journal.old" /* before the last compaction */

struct fold_until {
	struct journal_fold fold;
	uint64_t revision; /* fold to this one */
	uint64_t reached;
};
__attribute__((warn_unused_result)) int journal_fold_to(struct config_journal *journal,
							struct fold_until *until,
							uint64_t revision);

/* On the writer's thread. */
void journal_job_run(struct config_journal *journal, struct journal_job *job);
bool journal_compaction_due(const struct config_journal *journal);
/* On the compactor's. False: nothing came of it. */
bool journal_compact(struct config_journal *journal, uint64_t newest, uint64_t fingerprint,
		     struct journal_compacted *compacted);
/* On the writer's: it takes the place of the old file, or is thrown away. False: that. */
bool journal_replace(struct config_journal *journal, struct journal_compacted *compacted);
void journal_compacted_drop(struct config_journal *journal, struct journal_compacted *compacted);
/* At open. */
__attribute__((warn_unused_result)) int journal_directory_open(struct config_journal *journal,
							       struct config_report *report);
__attribute__((warn_unused_result)) int journal_file_find(struct config_journal *journal,
							  struct config_report *report);
/* What the history says of a record; -EBADMSG. */
__attribute__((warn_unused_result)) int journal_revision_of(struct config_revision *revision,
							    uint64_t *fingerprint,
							    const struct journal_record *record);
