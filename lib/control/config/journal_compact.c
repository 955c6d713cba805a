#include "control/config/journal_state.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_NEW "journal.new"

static int copy_record(void *context, const struct journal_record *record)
{
	struct journal_compacted *copy = context;
	int status = 0;

	if (record->revision <= copy->revision)
		return 0;
	status = journal_file_add(copy->fd, &copy->end, record);
	if (!status)
		copy->revision = record->revision;
	copy->changes += !status;
	return status;
}

static int write_base(struct journal_compacted *copy, const struct fold_until *until,
		      uint64_t fingerprint)
{
	struct journal_meta meta = { .cause = "compaction", .fingerprint = fingerprint };
	struct journal_record base = { .type = JOURNAL_BASE,
				       .revision = until->reached,
				       .wall_ms = clock_wall_ms() };
	struct json_out out;
	int status;

	json_out_init(&out);
	journal_fold_text(&until->fold, &meta, &out);
	base.payload = out.p;
	base.n = out.n;
	status = out.failed ? -ENOMEM : journal_file_add(copy->fd, &copy->end, &base);
	json_out_fini(&out);
	return status;
}

static int catch_up(struct config_journal *journal, struct journal_compacted *copy)
{
	return journal_file_read_on(journal->fd, &copy->from, copy_record, copy);
}

static int new_file(struct config_journal *journal, struct journal_compacted *copy)
{
	if (unlinkat(journal->dir, FILE_NEW, 0) && errno != ENOENT)
		return -errno;
	return journal_file_create(&copy->fd, journal->dir, FILE_NEW);
}

static void say_failed(int status)
{
	log_warn("journal", "could not be compacted, it goes on growing: %s", strerror(-status));
}

void journal_compacted_drop(struct config_journal *journal, struct journal_compacted *compacted)
{
	if (compacted->fd >= 0)
		close(compacted->fd);
	compacted->fd = -1;
	if (unlinkat(journal->dir, FILE_NEW, 0) && errno != ENOENT)
		log_warn("journal", "a file is left over: " FILE_NEW);
}

/* The old file stays as it is when any of it fails: it is only larger than it need be. */
bool journal_compact(struct config_journal *journal, uint64_t newest, uint64_t fingerprint,
		     struct journal_compacted *compacted)
{
	uint64_t base = newest > journal->keep ? newest - journal->keep + 1 : 1;
	struct fold_until until;
	int status = journal_fold_to(journal, &until, base);

	*compacted = (struct journal_compacted){ .fd = -1,
						 .end = JOURNAL_FILE_START,
						 .from = JOURNAL_FILE_START,
						 .revision = until.reached,
						 .oldest = until.reached };
	if (!status)
		status = new_file(journal, compacted);
	if (!status)
		status = write_base(compacted, &until, fingerprint);
	compacted->base_bytes = compacted->end;
	if (!status)
		status = catch_up(journal, compacted);
	/* Most of it is on the disk before the writer has to wait for the rest. */
	if (!status && fdatasync(compacted->fd))
		status = -errno;
	journal_fold_fini(&until.fold);
	if (!status)
		return true;
	say_failed(status);
	journal_compacted_drop(journal, compacted);
	return false;
}

static int take_place(struct config_journal *journal)
{
	if (unlinkat(journal->dir, FILE_OLD, 0) && errno != ENOENT)
		return -errno;
	if (linkat(journal->dir, FILE_NAME, journal->dir, FILE_OLD, 0))
		return -errno;
	if (renameat(journal->dir, FILE_NEW, journal->dir, FILE_NAME) || fsync(journal->dir))
		return -errno;
	return 0;
}

bool journal_replace(struct config_journal *journal, struct journal_compacted *compacted)
{
	/* What was taken back may stand in the copy already. */
	int status = journal->lost ? journal->lost : journal->cut ? -ESTALE : 0;

	if (!status)
		status = catch_up(journal, compacted);
	if (!status && fdatasync(compacted->fd))
		status = -errno;
	if (!status)
		status = take_place(journal);
	if (status) {
		say_failed(status);
		journal_compacted_drop(journal, compacted);
		return false;
	}
	close(journal->fd);
	journal->fd = compacted->fd;
	journal->end = compacted->end;
	journal->base_bytes = compacted->base_bytes;
	/* What has come meanwhile counts towards the next one. */
	journal->changes =
		compacted->changes > journal->keep ? compacted->changes - journal->keep : 0;
	return true;
}
