#pragma once
/*
 * Inside of the journal: what its two files share.
 */
#include "base/list.h"
#include "control/config/journal.h"
#include "control/config/journal_file.h"
#include "control/config/journal_text.h"

#include <pthread.h>

struct journal_job {
	struct list link;
	struct config_journal_change change;
	config_journal_text text_done; /* a read, else an append */
	struct config_revision revision;
	struct json_out out;
	uint64_t oldest; /* after a compaction: what is left of the history begins here */
	int status;
};

struct config_journal {
	/* Set at open; then the thread's. */
	int dir;
	int fd;
	int lock_fd;
	off_t end;
	off_t base_bytes;
	uint32_t keep;
	uint32_t changes; /* appended since the last compaction */
	int lost;	  /* why nothing can be appended any more */
	char *directory;
	/* The caller's. */
	struct config_revision *history;
	uint32_t history_count;
	uint32_t history_capacity;
	uint64_t fingerprint;
	uint64_t revision; /* at open */
	int event_fd;
	/* Both, under the lock. */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list waiting;
	struct list ready;
	bool threaded;
	bool stop;
};

/* On the thread. */
void journal_job_run(struct config_journal *journal, struct journal_job *job);
/* At open. */
__attribute__((warn_unused_result)) int journal_directory_open(struct config_journal *journal,
							       struct config_report *report);
__attribute__((warn_unused_result)) int journal_file_find(struct config_journal *journal,
							  struct config_report *report);
/* What the history says of a record; -EBADMSG. */
__attribute__((warn_unused_result)) int journal_revision_of(struct config_revision *revision,
							    uint64_t *fingerprint,
							    const struct journal_record *record);
