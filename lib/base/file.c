#include "base/file.h"

#include <errno.h>
#include <unistd.h>

int file_write_all(int fd, const void *bytes, size_t n, off_t at)
{
	const char *p = bytes;

	while (n) {
		ssize_t part = pwrite(fd, p, n, at);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return -errno;
		p += part;
		at += part;
		n -= (size_t)part;
	}
	return 0;
}

ssize_t file_read_all(int fd, void *to, size_t n, off_t at)
{
	size_t got = 0;

	while (got < n) {
		ssize_t part = pread(fd, (char *)to + got, n - got, at + (off_t)got);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return -errno;
		if (!part)
			break;
		got += (size_t)part;
	}
	return (ssize_t)got;
}
