#include "control/config/journal_file.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[JOURNAL_FILE_START] = { 'V', 'P', 'N', 'G', 'W', 'J', '1', '\n' };

struct record_hdr {
	uint32_t mark;
	uint32_t type;
	uint64_t revision;
	uint64_t wall_ms;
	uint64_t length;
	uint64_t check; /* over the header with this zero, then the payload */
};

#define RECORD_MARK 0x4a524543u

static uint64_t checksum(const struct record_hdr *header, const void *payload)
{
	struct record_hdr copy = *header;
	uint64_t seed[2] = { 0x6a6f75726e616c2d, 0x636865636b73756d };

	copy.check = 0;
	seed[0] ^= hash_sip(seed, &copy, sizeof(copy));
	return hash_sip(seed, payload, header->length);
}

int journal_file_create(int *out, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int status = 0;

	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0600))
		status = -errno;
	if (!status)
		status = file_write_all(fd, magic, sizeof(magic), 0);
	if (!status && (fsync(fd) || fsync(dir)))
		status = -errno;
	if (status) {
		unlinkat(dir, name, 0);
		close(fd);
		return status;
	}
	*out = fd;
	return 0;
}

int journal_file_open(int *out, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	int status = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		status = -errno;
	else if (!S_ISREG(st.st_mode))
		status = -EINVAL;
	else if ((st.st_mode & 077) || (st.st_uid != geteuid() && geteuid() != 0))
		status = -EPERM;
	if (status) {
		close(fd);
		return status;
	}
	*out = fd;
	return 0;
}

/* 1 with a record whose payload is to be freed, 0 when there is no whole one, or -errno. */
static int read_record(int fd, off_t at, off_t size, struct journal_record *record)
{
	struct record_hdr header;
	ssize_t got = file_read_all(fd, &header, sizeof(header), at);

	if (got < 0)
		return (int)got;
	if ((size_t)got < sizeof(header) || header.mark != RECORD_MARK ||
	    header.length > JOURNAL_RECORD_MAX ||
	    (off_t)header.length > size - at - (off_t)sizeof(header))
		return 0;
	record->payload = malloc(header.length + 1);
	if (!record->payload)
		return -ENOMEM;
	got = file_read_all(fd, record->payload, header.length, at + (off_t)sizeof(header));
	if (got < 0 || (size_t)got < header.length ||
	    checksum(&header, record->payload) != header.check) {
		secret_wipe(record->payload, header.length);
		free(record->payload);
		return got < 0 ? (int)got : 0;
	}
	record->payload[header.length] = '\0';
	record->n = header.length;
	record->type = header.type;
	record->revision = header.revision;
	record->wall_ms = header.wall_ms;
	return 1;
}

int journal_file_read(int fd, off_t *good, journal_file_each each, void *context)
{
	char start[sizeof(magic)];
	ssize_t got;

	*good = 0;
	got = file_read_all(fd, start, sizeof(start), 0);
	if (got < 0)
		return (int)got;
	if ((size_t)got < sizeof(start) || memcmp(start, magic, sizeof(magic)))
		return -EBADMSG;
	*good = sizeof(magic);
	return journal_file_read_on(fd, good, each, context);
}

int journal_file_read_on(int fd, off_t *at, journal_file_each each, void *context)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	for (;;) {
		struct journal_record record;
		int status = read_record(fd, *at, st.st_size, &record);

		if (status <= 0)
			return status;
		status = each(context, &record);
		*at += (off_t)(sizeof(struct record_hdr) + record.n);
		secret_wipe(record.payload, record.n);
		free(record.payload);
		if (status)
			return status;
	}
}

int journal_file_add(int fd, off_t *end, const struct journal_record *record)
{
	struct record_hdr header = { .mark = RECORD_MARK,
				     .type = record->type,
				     .revision = record->revision,
				     .wall_ms = record->wall_ms,
				     .length = record->n };
	int status;

	if (record->n > JOURNAL_RECORD_MAX)
		return -EFBIG;
	header.check = checksum(&header, record->payload);
	status = file_write_all(fd, &header, sizeof(header), *end);
	if (!status)
		status = file_write_all(fd, record->payload, record->n,
					*end + (off_t)sizeof(header));
	if (!status)
		*end += (off_t)(sizeof(header) + record->n);
	return status;
}

int journal_file_append(int fd, off_t *end, const struct journal_record *record)
{
	off_t was = *end;
	int status = journal_file_add(fd, end, record);

	if (!status && fdatasync(fd))
		status = -errno;
	if (!status)
		return 0;
	*end = was;
	if (ftruncate(fd, *end) || fdatasync(fd))
		return -EIO;
	return status;
}

int journal_file_save_tail(int fd, off_t from, int dir, const char *name)
{
	char buf[65536];
	int to = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	off_t at = 0;
	int status = 0;

	if (to < 0)
		return -errno;
	while (!status) {
		ssize_t got = file_read_all(fd, buf, sizeof(buf), from + at);

		if (got <= 0) {
			status = (int)got;
			break;
		}
		status = file_write_all(to, buf, (size_t)got, at);
		at += got;
	}
	secret_wipe(buf, sizeof(buf));
	if (!status && fsync(to))
		status = -errno;
	close(to);
	return status;
}
