#include "control/metering/archive.h"

#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TOPIC "metering"
#define NAME_MAX_BYTES 64
#define FOLDER "metering"
#define SUFFIX ".metering"
#define FILE_MAX (1u << 30)
/* A clock that is wrong for a while must not cost more than some of the oldest. */
#define OLD_AT_ONCE 2

struct archive_file {
	char name[NAME_MAX_BYTES];
	uint32_t number;
	uint64_t first_ms; /* by its name: of its head, cut to the second */
	uint64_t bytes;
};

struct metering_archive {
	char *directory;
	int dir; /* -1: not opened yet */
	int fd;	 /* the file that is written; -1: none */
	uint64_t end;
	struct archive_file *files; /* by number */
	uint32_t count;
	uint32_t next;
};

int metering_archive_new(struct metering_archive **out, const char *state_directory)
{
	struct metering_archive *archive = calloc(1, sizeof(*archive));

	if (!archive)
		return -ENOMEM;
	archive->dir = archive->fd = -1;
	archive->next = 1;
	if (asprintf(&archive->directory, "%s/" FOLDER, state_directory) < 0) {
		free(archive);
		return -ENOMEM;
	}
	*out = archive;
	return 0;
}

void metering_archive_free(struct metering_archive *archive)
{
	if (!archive)
		return;
	if (archive->fd >= 0)
		close(archive->fd);
	if (archive->dir >= 0)
		close(archive->dir);
	free(archive->files);
	free(archive->directory);
	free(archive);
}

static void name_make(struct archive_file *file, uint32_t number, uint64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char when[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%S", &tm);
	file->number = number;
	file->first_ms = (uint64_t)seconds * 1000;
	snprintf(file->name, sizeof(file->name), "%010u-%s" SUFFIX, number, when);
}

static bool name_read(struct archive_file *file, const char *name)
{
	struct archive_file again;
	unsigned int number;
	struct tm tm = { 0 };
	int end = 0;

	if (sscanf(name, "%10u-%4d%2d%2dT%2d%2d%2d%n", &number, &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 7)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	name_make(&again, number, (uint64_t)timegm(&tm) * 1000);
	*file = again;
	return !strcmp(name, again.name);
}

static int file_add(struct metering_archive *archive, const struct archive_file *file)
{
	struct archive_file *files =
		reallocarray(archive->files, archive->count + 1, sizeof(*files));

	if (!files)
		return -ENOMEM;
	archive->files = files;
	files[archive->count++] = *file;
	if (file->number >= archive->next)
		archive->next = file->number + 1;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct archive_file *x = a;
	const struct archive_file *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int list_files(struct metering_archive *archive, DIR *folder)
{
	const struct dirent *entry;
	struct archive_file file;
	struct stat st;
	int rc = 0;

	while (rc == 0 && (entry = readdir(folder))) {
		if (!name_read(&file, entry->d_name) ||
		    fstatat(archive->dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		file.bytes = (uint64_t)st.st_size;
		rc = file_add(archive, &file);
	}
	if (archive->count)
		qsort(archive->files, archive->count, sizeof(*archive->files), by_number);
	return rc;
}

static int folder_open(struct metering_archive *archive, bool make)
{
	DIR *folder;
	int copy;
	int rc;

	if (archive->dir >= 0)
		return 0;
	if (make && mkdir(archive->directory, 0700) < 0 && errno != EEXIST)
		return -errno;
	archive->dir = open(archive->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (archive->dir < 0)
		return -errno;
	copy = fcntl(archive->dir, F_DUPFD_CLOEXEC, 0);
	folder = copy < 0 ? NULL : fdopendir(copy);
	if (!folder) {
		rc = -errno;
		if (copy >= 0)
			close(copy);
		return rc;
	}
	rc = list_files(archive, folder);
	closedir(folder);
	return rc;
}

static int read_whole(struct metering_archive *archive, const struct archive_file *file,
		      uint8_t **bytes, size_t *n)
{
	int fd = openat(archive->dir, file->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	ssize_t got = 0;
	int rc = 0;

	*bytes = NULL;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	else if (st.st_size > FILE_MAX)
		rc = -EFBIG;
	else if (!(*bytes = malloc((size_t)st.st_size + 1)))
		rc = -ENOMEM;
	if (rc == 0) {
		got = file_read_all(fd, *bytes, (size_t)st.st_size, 0);
		rc = got < 0 ? (int)got : 0;
	}
	close(fd);
	*n = got < 0 ? 0 : (size_t)got;
	if (rc < 0) {
		free(*bytes);
		*bytes = NULL;
	}
	return rc;
}

static int read_state(struct metering_archive *archive, const struct archive_file *file,
		      struct metering_state *state, uint64_t until_ms)
{
	uint8_t *bytes;
	size_t n = 0;
	size_t good;
	int rc = read_whole(archive, file, &bytes, &n);

	if (rc == 0)
		rc = metering_frames_read(state, (struct span){ bytes, n }, until_ms, &good);
	free(bytes);
	if (rc < 0)
		metering_state_fini(state);
	return rc;
}

/* It keeps its number in its name, and is never read again. */
static void set_aside(struct metering_archive *archive, struct archive_file *file)
{
	char name[NAME_MAX_BYTES + 16];

	snprintf(name, sizeof(name), "%s.damaged", file->name);
	if (renameat(archive->dir, file->name, archive->dir, name) < 0)
		log_warn(TOPIC, "a file without a beginning stays file=%s error=\"%s\"", file->name,
			 strerror(errno));
}

int metering_archive_load(struct metering_archive *archive, struct metering_state *state,
			  uint32_t *aside)
{
	int rc = folder_open(archive, false);

	*aside = 0;
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	while (archive->count) {
		struct archive_file *newest = &archive->files[archive->count - 1];

		rc = read_state(archive, newest, state, UINT64_MAX);
		if (rc != -EBADMSG)
			return rc;
		set_aside(archive, newest);
		archive->count--;
		(*aside)++;
	}
	return 0;
}

static int frame_write(int fd, const struct metering_frame *frame, uint64_t *at)
{
	uint8_t header[METERING_FRAME_BYTES];
	int rc;

	metering_frame_header(header, frame);
	rc = file_write_all(fd, header, sizeof(header), (off_t)*at);
	if (rc == 0)
		rc = file_write_all(fd, frame->steps.p, frame->steps.n,
				    (off_t)(*at + sizeof(header)));
	if (rc == 0 && fdatasync(fd) < 0)
		rc = -errno;
	if (rc == 0)
		*at += sizeof(header) + frame->steps.n;
	return rc;
}

static void drop_oldest(struct metering_archive *archive)
{
	if (unlinkat(archive->dir, archive->files[0].name, 0) < 0 && errno != ENOENT)
		log_warn(TOPIC, "an old file cannot be removed file=%s error=\"%s\"",
			 archive->files[0].name, strerror(errno));
	archive->count--;
	memmove(archive->files, archive->files + 1, archive->count * sizeof(*archive->files));
}

/* A file is old when the one after it, which says all that it counted, began long ago. */
static void sweep(struct metering_archive *archive, uint64_t now_ms,
		  const struct metering_limits *limits)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < archive->count; i++)
		bytes += archive->files[i].bytes;
	while (archive->count > 1 && bytes > limits->bytes) {
		bytes -= archive->files[0].bytes;
		drop_oldest(archive);
	}
	for (int i = 0; i < OLD_AT_ONCE && archive->count > 1 &&
			archive->files[1].first_ms + limits->keep_ms < now_ms;
	     i++)
		drop_oldest(archive);
}

static void close_file(struct metering_archive *archive)
{
	if (archive->fd < 0)
		return;
	archive->files[archive->count - 1].bytes = archive->end;
	close(archive->fd);
	archive->fd = -1;
}

int metering_archive_begin(struct metering_archive *archive, const struct metering_frame *head,
			   const struct metering_limits *limits)
{
	struct archive_file file = { .bytes = 0 };
	uint64_t end = METERING_MAGIC_BYTES;
	int rc = folder_open(archive, true);
	int fd;

	if (rc < 0)
		return rc;
	name_make(&file, archive->next, head->wall_ms);
	fd = openat(archive->dir, file.name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = file_write_all(fd, METERING_MAGIC, METERING_MAGIC_BYTES, 0);
	if (rc == 0)
		rc = frame_write(fd, head, &end);
	if (rc == 0 && fsync(archive->dir) < 0)
		rc = -errno;
	close_file(archive);
	file.bytes = end;
	if (rc == 0)
		rc = file_add(archive, &file);
	if (rc < 0) {
		unlinkat(archive->dir, file.name, 0);
		close(fd);
		return rc;
	}
	archive->fd = fd;
	archive->end = end;
	sweep(archive, head->wall_ms, limits);
	return 0;
}

int metering_archive_append(struct metering_archive *archive, const struct metering_frame *frame)
{
	uint64_t end = archive->end;
	int rc = archive->fd < 0 ? -ENOENT : frame_write(archive->fd, frame, &end);

	if (rc == 0) {
		archive->end = archive->files[archive->count - 1].bytes = end;
		return 0;
	}
	/* What may be there of it must not be read as if it had been written. */
	if (archive->fd >= 0 && ftruncate(archive->fd, (off_t)archive->end) < 0)
		log_warn(TOPIC, "half a record stays error=\"%s\"", strerror(errno));
	close_file(archive);
	return rc;
}

uint64_t metering_archive_end(const struct metering_archive *archive)
{
	return archive->fd < 0 ? 0 : archive->end;
}

int metering_archive_at(struct metering_archive *archive, struct metering_state *state,
			uint64_t wall_ms)
{
	int rc = folder_open(archive, false);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	for (uint32_t i = archive->count; wall_ms != METERING_BEGINNING && i-- > 0;) {
		const struct archive_file *file = &archive->files[i];

		if (file->first_ms > wall_ms)
			continue;
		rc = read_state(archive, file, state, wall_ms);
		if (rc != -ESRCH && rc != -EBADMSG)
			return rc;
	}
	if (!archive->count)
		return 0;
	rc = read_state(archive, &archive->files[0], state, METERING_BEGINNING);
	return rc == -EBADMSG ? 0 : rc;
}
