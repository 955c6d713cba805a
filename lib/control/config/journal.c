#include "control/config/journal.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/config/build.h"
#include "control/config/journal_state.h"
#include "control/config/where.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* With the lock. */
static void compact_when_due(struct config_journal *journal)
{
	if (journal->compacting || !journal->written || !journal_compaction_due(journal))
		return;
	journal->compacting = true;
	journal->cut = false;
	journal->newest = journal->written;
	pthread_cond_signal(&journal->due);
}

static void write_next(struct config_journal *journal, struct journal_job *job)
{
	pthread_mutex_unlock(&journal->jobs.lock);
	journal_job_run(journal, job);
	pthread_mutex_lock(&journal->jobs.lock);
	if (!job->text_done && !job->status) {
		journal->written = job->revision.revision;
		journal->newest_fingerprint = job->change.fingerprint;
	}
	compact_when_due(journal);
	jobs_give_back(&journal->jobs, &job->link);
}

static void replace_file(struct config_journal *journal)
{
	struct journal_compacted compacted = journal->compacted;
	bool good;

	journal->compacted.fd = -1;
	pthread_mutex_unlock(&journal->jobs.lock);
	good = journal_replace(journal, &compacted);
	pthread_mutex_lock(&journal->jobs.lock);
	journal->compacting = false;
	if (good) {
		journal->oldest = compacted.oldest;
		compact_when_due(journal);
	}
	jobs_tell(&journal->jobs);
}

static void *write_run(void *context)
{
	struct config_journal *journal = context;

	pthread_mutex_lock(&journal->jobs.lock);
	for (;;) {
		struct list *next = jobs_next(&journal->jobs);

		if (next)
			write_next(journal, list_entry(next, struct journal_job, link));
		else if (journal->jobs.stop)
			break;
		else if (journal->compacted.fd >= 0)
			replace_file(journal);
		else
			pthread_cond_wait(&journal->jobs.wake, &journal->jobs.lock);
	}
	pthread_mutex_unlock(&journal->jobs.lock);
	return NULL;
}

/* What control has to do on this core goes first, yet this gets its share beside it. */
static void *compact_run(void *context)
{
	struct config_journal *journal = context;

	int nice = getpriority(PRIO_PROCESS, 0) + 5;

	if (setpriority(PRIO_PROCESS, (id_t)gettid(), nice))
		log_debug("journal", "compaction has no lower priority: %s", strerror(errno));
	pthread_mutex_lock(&journal->jobs.lock);
	while (!journal->jobs.stop) {
		struct journal_compacted compacted;
		uint64_t newest = journal->newest, fingerprint = journal->newest_fingerprint;
		bool good;

		if (!newest) {
			pthread_cond_wait(&journal->due, &journal->jobs.lock);
			continue;
		}
		journal->newest = 0;
		pthread_mutex_unlock(&journal->jobs.lock);
		good = journal_compact(journal, newest, fingerprint, &compacted);
		pthread_mutex_lock(&journal->jobs.lock);
		if (good)
			journal->compacted = compacted;
		else
			journal->compacting = false;
		pthread_cond_signal(&journal->jobs.wake);
	}
	pthread_mutex_unlock(&journal->jobs.lock);
	return NULL;
}

static void history_add(struct config_journal *journal, const struct config_revision *revision)
{
	struct config_revision *items;

	if (journal->history_count == journal->history_capacity) {
		uint32_t wanted = journal->history_capacity ? journal->history_capacity * 2 : 64;

		items = realloc(journal->history, wanted * sizeof(*items));
		if (!items)
			return;
		journal->history = items;
		journal->history_capacity = wanted;
	}
	journal->history[journal->history_count++] = *revision;
}

static void history_trim(struct config_journal *journal, uint64_t oldest)
{
	uint32_t drop = 0;

	while (drop < journal->history_count && journal->history[drop].revision < oldest)
		drop++;
	journal->history_count -= drop;
	memmove(journal->history, journal->history + drop,
		journal->history_count * sizeof(*journal->history));
}

static int see_record(void *context, const struct journal_record *record)
{
	struct config_journal *journal = context;
	struct config_revision revision;
	uint64_t fingerprint;

	if (journal_revision_of(&revision, &fingerprint, record))
		return 0; /* the load says so */
	if (record->type == JOURNAL_BASE)
		journal->base_bytes = (off_t)record->n;
	history_add(journal, &revision);
	journal->fingerprint = fingerprint;
	journal->revision = record->revision;
	return 0;
}

/* The tail goes in any case: what is appended later could make a stale record in it whole again. */
static void say_damaged(struct config_journal *journal, off_t size, struct config_report *report)
{
	struct where where = { .root = "" };
	char name[64];
	int status = -EEXIST;

	for (uint32_t i = 0; i < 1000 && status == -EEXIST; i++) {
		snprintf(name, sizeof(name), "journal.damaged-%llu-%u",
			 (unsigned long long)clock_wall_ms(), i);
		status = journal_file_save_tail(journal->fd, journal->end, journal->dir, name);
	}
	where_warn(report, &where,
		   "The journal %s/journal is damaged after byte %lld (of %lld): revision %llu is "
		   "the last good one and is used; what follows %s%s.",
		   journal->directory, (long long)journal->end, (long long)size,
		   (unsigned long long)journal->revision,
		   status ? "could not be kept: " : "was moved to ",
		   status ? strerror(-status) : name);
	if (ftruncate(journal->fd, journal->end))
		journal->lost = -errno;
}

static int read_journal(struct config_journal *journal, struct config_report *report)
{
	off_t size;
	int status = journal_file_read(journal->fd, &journal->end, see_record, journal);

	if (status)
		return status;
	size = lseek(journal->fd, 0, SEEK_END);
	if (size > journal->end)
		say_damaged(journal, size, report);
	return 0;
}

static struct config_journal *journal_new(const struct config_journal_options *options)
{
	struct config_journal *journal = calloc(1, sizeof(*journal));

	if (!journal)
		return NULL;
	journal->fd = journal->dir = journal->lock_fd = journal->compacted.fd = -1;
	journal->keep = options->history ? options->history : 1;
	journal->directory = strdup(options->directory);
	pthread_cond_init(&journal->due, NULL);
	if (!jobs_init(&journal->jobs, "journal") && journal->directory)
		return journal;
	config_journal_close(journal);
	return NULL;
}

int config_journal_open(struct config_journal **out, const struct config_journal_options *options,
			struct config_report *report)
{
	struct config_journal *journal = journal_new(options);
	int status;

	if (!journal)
		return -ENOMEM;
	status = journal_directory_open(journal, report);
	if (!status)
		status = journal_file_find(journal, report);
	if (!status)
		status = read_journal(journal, report);
	if (!status)
		status = -pthread_create(&journal->writer, NULL, write_run, journal);
	journal->writes = !status;
	if (!status)
		status = -pthread_create(&journal->compactor, NULL, compact_run, journal);
	journal->compacts = !status;
	if (status) {
		config_journal_close(journal);
		return status;
	}
	*out = journal;
	return 0;
}

void config_journal_close(struct config_journal *journal)
{
	if (!journal)
		return;
	jobs_stop(&journal->jobs);
	pthread_cond_signal(&journal->due);
	if (journal->writes)
		pthread_join(journal->writer, NULL);
	if (journal->compacts)
		pthread_join(journal->compactor, NULL);
	if (journal->writes)
		config_journal_poll(journal);
	if (journal->compacted.fd >= 0)
		journal_compacted_drop(journal, &journal->compacted);
	for (int i = 0; i < 3; i++) {
		int fd = (int[]){ journal->fd, journal->dir, journal->lock_fd }[i];

		if (fd >= 0)
			close(fd);
	}
	jobs_fini(&journal->jobs);
	pthread_cond_destroy(&journal->due);
	free(journal->history);
	free(journal->directory);
	free(journal);
}

uint64_t config_journal_fingerprint(const struct config_journal *journal)
{
	return journal->fingerprint;
}

int config_journal_append(struct config_journal *journal,
			  const struct config_journal_change *change)
{
	struct journal_job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	if (change->fingerprint)
		journal->fingerprint = change->fingerprint;
	job->change = *change;
	job->change.fingerprint = journal->fingerprint;
	job->change.from = change->from ? config_get(change->from) : NULL;
	job->change.to = config_get(change->to);
	snprintf(job->revision.cause, sizeof(job->revision.cause), "%s", change->cause);
	snprintf(job->revision.actor, sizeof(job->revision.actor), "%s",
		 change->actor ? change->actor : "");
	job->revision.revision = change->to->revision;
	job->revision.wall_ms = clock_wall_ms();
	jobs_give(&journal->jobs, &job->link);
	return 0;
}

int config_journal_read(struct config_journal *journal, uint64_t revision, config_journal_text done,
			void *context)
{
	struct journal_job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	job->revision.revision = revision;
	job->text_done = done;
	job->change.context = context;
	jobs_give(&journal->jobs, &job->link);
	return 0;
}

int config_journal_fd(const struct config_journal *journal)
{
	return journal->jobs.event_fd;
}

static void finish(struct config_journal *journal, struct journal_job *job)
{
	if (job->text_done) {
		job->text_done(job->change.context, job->status, json_out_text(&job->out),
			       job->out.n);
	} else {
		if (!job->status)
			history_add(journal, &job->revision);
		if (job->change.done)
			job->change.done(job->change.context, job->status);
		config_put(job->change.from);
		config_put(job->change.to);
	}
	json_out_fini(&job->out);
	free(job);
}

void config_journal_poll(struct config_journal *journal)
{
	struct list *back;
	uint64_t oldest;

	jobs_hear(&journal->jobs);
	while ((back = jobs_take_back(&journal->jobs)))
		finish(journal, list_entry(back, struct journal_job, link));
	pthread_mutex_lock(&journal->jobs.lock);
	oldest = journal->oldest;
	journal->oldest = 0;
	pthread_mutex_unlock(&journal->jobs.lock);
	if (oldest)
		history_trim(journal, oldest);
}

const struct config_revision *config_journal_history(const struct config_journal *journal,
						     uint32_t *count)
{
	*count = journal->history_count;
	return journal->history;
}
