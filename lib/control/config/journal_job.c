#include "control/config/journal_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/config/build.h"
#include "control/config/where.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new base when the changes outweigh the old one this many times, and are worth the trouble. */
#define COMPACT_RATIO 4
#define COMPACT_BYTES (1 << 20)

static int fold_record(void *context, const struct journal_record *record)
{
	struct fold_until *until = context;

	if (record->revision > until->revision)
		return 0;
	until->reached = record->revision;
	return journal_fold_apply(&until->fold, record->payload, record->n,
				  record->type == JOURNAL_BASE, record->revision);
}

int journal_fold_to(struct config_journal *journal, struct fold_until *until, uint64_t revision)
{
	off_t good;

	*until = (struct fold_until){ .revision = revision };
	journal_fold_init(&until->fold);
	return journal_file_read(journal->fd, &good, fold_record, until);
}

static uint32_t count_of(const cJSON *root, const char *key)
{
	return (uint32_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(root, key));
}

static void copy_text(char *to, size_t size, const cJSON *root, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, key);

	snprintf(to, size, "%s", cJSON_IsString(item) ? item->valuestring : "");
}

int journal_revision_of(struct config_revision *revision, uint64_t *fingerprint,
			const struct journal_record *record)
{
	struct config_report report;
	char hex[20];
	cJSON *root;
	int status;

	config_report_init(&report);
	status = config_json_parse(&root, record->payload, record->n, &report);
	config_report_fini(&report);
	if (status)
		return -EBADMSG;
	*revision = (struct config_revision){ .revision = record->revision,
					      .wall_ms = record->wall_ms,
					      .set = count_of(root, "set"),
					      .deleted = count_of(root, "delete") };
	copy_text(revision->cause, sizeof(revision->cause), root, "cause");
	copy_text(revision->actor, sizeof(revision->actor), root, "actor");
	copy_text(hex, sizeof(hex), root, "file");
	*fingerprint = strtoull(hex, NULL, 16);
	config_json_free(root);
	return 0;
}

bool journal_compaction_due(const struct config_journal *journal)
{
	off_t limit = journal->base_bytes * COMPACT_RATIO;

	if (journal->changes >= 2 * journal->keep + 16)
		return true;
	return journal->end > (limit > COMPACT_BYTES ? limit : COMPACT_BYTES) &&
	       journal->changes > journal->keep;
}

static void append(struct config_journal *journal, struct journal_job *job)
{
	struct journal_meta meta = { .cause = job->revision.cause,
				     .actor = job->revision.actor[0] ? job->revision.actor : NULL,
				     .fingerprint = job->change.fingerprint };
	struct journal_record record = { .type = job->change.from ? JOURNAL_CHANGE : JOURNAL_BASE,
					 .revision = job->revision.revision,
					 .wall_ms = job->revision.wall_ms };
	uint64_t fingerprint;

	json_out_init(&job->out);
	job->status = journal->lost;
	if (!job->status)
		job->status =
			journal_text_change(&job->out, &meta, job->change.from, job->change.to);
	if (job->status)
		return;
	record.payload = job->out.p;
	record.n = job->out.n;
	if (journal_revision_of(&job->revision, &fingerprint, &record))
		log_warn("journal", "a record that is written cannot be read");
	job->status = journal_file_append(journal->fd, &journal->end, &record);
	journal->cut |= job->status != 0;
	if (job->status == -EIO)
		journal->lost = -EIO;
	if (!job->status && record.type == JOURNAL_BASE)
		journal->base_bytes = (off_t)record.n;
	journal->changes += !job->status;
}

static void read_back(struct config_journal *journal, struct journal_job *job)
{
	struct fold_until until;

	json_out_init(&job->out);
	job->status = journal_fold_to(journal, &until, job->revision.revision);
	if (!job->status && until.reached != job->revision.revision)
		job->status = -ENOENT;
	if (!job->status)
		journal_fold_file(&until.fold, &job->out);
	if (!job->status && job->out.failed)
		job->status = -ENOMEM;
	journal_fold_fini(&until.fold);
}

void journal_job_run(struct config_journal *journal, struct journal_job *job)
{
	if (job->text_done)
		read_back(journal, job);
	else
		append(journal, job);
}

static int fail(struct config_report *report, int status, const char *format, const char *directory,
		const char *what)
{
	struct where where = { .root = "" };
	char text[512];

	snprintf(text, sizeof(text), "The state directory %s %s", directory, format);
	where_error(report, &where, NULL, "%s%s.", text, what);
	return status;
}

int journal_directory_open(struct config_journal *journal, struct config_report *report)
{
	const char *path = journal->directory;
	struct stat st;
	int dir;

	if (mkdir(path, 0700) && errno != EEXIST)
		return fail(report, -errno, "cannot be made: ", path, strerror(errno));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail(report, -errno, "cannot be opened: ", path, strerror(errno));
	journal->dir = dir;
	if (fstat(dir, &st))
		return fail(report, -errno, "cannot be read: ", path, strerror(errno));
	if ((st.st_mode & 077) || (st.st_uid != geteuid() && geteuid() != 0))
		return fail(report, -EPERM,
			    "holds keys and must belong to the program's user with mode 0700: ",
			    path, "chmod 700 and chown it");
	journal->lock_fd = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (journal->lock_fd < 0)
		return fail(report, -errno, "cannot be written: ", path, strerror(errno));
	if (flock(journal->lock_fd, LOCK_EX | LOCK_NB))
		return fail(report, -EBUSY, "is used by ", path, "another vpngw-control");
	return 0;
}

static int is_journal(void *context, const struct journal_record *record)
{
	return 1; /* one whole record is enough */
}

static bool opens(struct config_journal *journal, const char *name)
{
	off_t good;
	int fd;

	if (journal_file_open(&fd, journal->dir, name))
		return false;
	if (journal_file_read(fd, &good, is_journal, NULL) != 1) {
		close(fd);
		return false;
	}
	journal->fd = fd;
	return true;
}

/* Nothing of it can be read: it is set aside, and the one before the last compaction takes over. */
static int fall_back(struct config_journal *journal, struct config_report *report)
{
	struct where where = { .root = "" };
	char aside[64];

	snprintf(aside, sizeof(aside), "journal.damaged-%llu", (unsigned long long)clock_wall_ms());
	if (renameat(journal->dir, FILE_NAME, journal->dir, aside))
		return fail(report, -errno, "cannot be written: ", journal->directory,
			    strerror(errno));
	if (opens(journal, FILE_OLD)) {
		if (linkat(journal->dir, FILE_OLD, journal->dir, FILE_NAME, 0))
			return -errno;
		where_warn(report, &where,
			   "The journal in %s cannot be read and was moved to %s; the one before "
			   "it, journal.old, is used: changes since then are lost.",
			   journal->directory, aside);
		return 0;
	}
	where_warn(report, &where,
		   "The journal in %s cannot be read and was moved to %s; there is no older one: "
		   "the configuration file is imported again.",
		   journal->directory, aside);
	return journal_file_create(&journal->fd, journal->dir, FILE_NAME);
}

int journal_file_find(struct config_journal *journal, struct config_report *report)
{
	off_t good;
	int status = journal_file_open(&journal->fd, journal->dir, FILE_NAME);

	if (status == -ENOENT)
		return journal_file_create(&journal->fd, journal->dir, FILE_NAME);
	if (status == -EPERM)
		return fail(report, status,
			    "has a journal that others can read: ", journal->directory,
			    "chmod 600 it");
	if (status)
		return fail(report, status,
			    "has a journal that cannot be opened: ", journal->directory,
			    strerror(-status));
	status = journal_file_read(journal->fd, &good, is_journal, NULL);
	if (status == 1 || (status == 0 && lseek(journal->fd, 0, SEEK_END) == good))
		return 0;
	if (status < 0 && status != -EBADMSG)
		return status;
	close(journal->fd);
	journal->fd = -1;
	return fall_back(journal, report);
}

static int put_all(struct config_build *build, const struct journal_fold *fold, uint32_t wanted)
{
	struct map_entry *entry = NULL;
	int status = 0;

	while (!status && (entry = map_next(&fold->bodies, entry))) {
		const struct journal_body *item = entry->value;
		const cJSON *id = cJSON_GetObjectItemCaseSensitive(item->json, "id");
		struct config_body body = { .kind = item->kind,
					    .json = item->json,
					    .origin = cJSON_IsString(id) ? id->valuestring
									 : "/appliance" };

		if ((item->kind == CONFIG_APPLIANCE) != (wanted == CONFIG_APPLIANCE))
			continue;
		config_build_revision(build, item->revision);
		status = config_build_put(build, &body);
		if (status == -EINVAL)
			status = 0; /* all that is wrong, not only the first */
	}
	return status;
}

int config_journal_load(struct config_journal *journal, const struct sku_catalogue *catalogue,
			struct config **config, struct config_report *report)
{
	struct config_build_options options = { .catalogue = catalogue,
						.empty = true,
						.lenient = true };
	struct config_build *build;
	struct fold_until until;
	int status = journal_fold_to(journal, &until, UINT64_MAX);

	*config = NULL;
	if (status || !until.reached)
		goto end;
	status = config_build_begin(&build, &options, report);
	if (status)
		goto end;
	status = put_all(build, &until.fold, CONFIG_APPLIANCE);
	if (!status)
		status = put_all(build, &until.fold, CONFIG_KINDS);
	config_build_revision(build, until.reached);
	if (status)
		config_build_drop(build);
	else
		status = config_build_end(build, config);
end:
	journal_fold_fini(&until.fold);
	return status;
}
