#include "control/config/file.h"

#include "base/file.h"
#include "base/hash.h"
#include "control/config/json_in.h"
#include "control/config/where.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_open(int fd, struct config_file *file)
{
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if ((uint64_t)st.st_size > CONFIG_JSON_FILE_BYTES)
		return -EFBIG;
	file->text = malloc((size_t)st.st_size + 1);
	if (!file->text)
		return -ENOMEM;
	got = file_read_all(fd, file->text, (size_t)st.st_size, 0);
	file->n = got < 0 ? 0 : (size_t)got;
	if (got < 0)
		config_file_fini(file);
	return got < 0 ? (int)got : 0;
}

int config_file_read(struct config_file *file, const char *path, struct config_report *report)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int status = fd < 0 ? -errno : 0;
	struct where where = { .root = "" };

	*file = (struct config_file){ 0 };
	if (!status)
		status = read_open(fd, file);
	if (fd >= 0)
		close(fd);
	if (status)
		where_error(report, &where, NULL, "The file %s cannot be read: %s.", path,
			    strerror(-status));
	return status;
}

void config_file_fini(struct config_file *file)
{
	if (file->text)
		secret_wipe(file->text, file->n);
	free(file->text);
	*file = (struct config_file){ 0 };
}

uint64_t config_file_fingerprint(const void *text, size_t n)
{
	static const uint64_t seed[2] = { 0x76706e67772d6366, 0x672d66696e676572 };

	return hash_sip(seed, text, n);
}
