#include "control/capture/sweep.h"

#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOPIC "capture"
#define ENDING ".pcapng"

struct sweep_file {
	char *name;
	uint64_t bytes;
	struct timespec changed;
};

struct sweep_list {
	struct sweep_file *files;
	size_t n;
	uint64_t bytes;
};

bool sweep_is_capture(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && !strchr(name, '/') && n > strlen(ENDING) &&
	       !strcmp(name + n - strlen(ENDING), ENDING);
}

static int add(struct sweep_list *list, const char *name, const struct stat *st)
{
	struct sweep_file *more = realloc(list->files, (list->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	list->files = more;
	more[list->n] = (struct sweep_file){ strdup(name), (uint64_t)st->st_size, st->st_mtim };
	if (!more[list->n].name)
		return -ENOMEM;
	list->n++;
	list->bytes += (uint64_t)st->st_size;
	return 0;
}

static int by_age(const void *a, const void *b)
{
	const struct timespec *x = &((const struct sweep_file *)a)->changed;
	const struct timespec *y = &((const struct sweep_file *)b)->changed;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

/* The oldest first. */
static int read_folder(struct sweep_list *list, DIR *folder, sweep_in_use in_use, void *context)
{
	struct dirent *entry;
	struct stat st;
	int rc = 0;

	while (rc == 0 && (entry = readdir(folder))) {
		if (!sweep_is_capture(entry->d_name) ||
		    fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode) || (in_use && in_use(context, entry->d_name)))
			continue;
		rc = add(list, entry->d_name, &st);
	}
	if (list->n)
		qsort(list->files, list->n, sizeof(*list->files), by_age);
	return rc;
}

static void list_fini(struct sweep_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->files[i].name);
	free(list->files);
}

int sweep_folder(const char *path, uint64_t most, sweep_in_use in_use, void *context)
{
	struct sweep_list list = { 0 };
	DIR *folder = opendir(path);
	int rc;

	if (!folder)
		return errno == ENOENT ? 0 : -errno;
	rc = read_folder(&list, folder, in_use, context);
	for (size_t i = 0; rc == 0 && i < list.n && list.bytes > most; i++) {
		if (unlinkat(dirfd(folder), list.files[i].name, 0) < 0)
			rc = -errno;
		else
			log_info(TOPIC, "an old file makes room file=%s", list.files[i].name);
		list.bytes -= list.files[i].bytes;
	}
	list_fini(&list);
	closedir(folder);
	return rc;
}

int sweep_each(const char *path, sweep_visit visit, void *context)
{
	struct sweep_list list = { 0 };
	DIR *folder = opendir(path);
	int rc;

	if (!folder)
		return errno == ENOENT ? 0 : -errno;
	rc = read_folder(&list, folder, NULL, NULL);
	closedir(folder);
	for (size_t i = list.n; rc == 0 && i-- > 0;) {
		const struct sweep_file *file = &list.files[i];
		const struct sweep_seen seen = { file->name, file->bytes,
						 (uint64_t)file->changed.tv_sec * 1000 +
							 (uint64_t)file->changed.tv_nsec /
								 1000000 };

		visit(context, &seen);
	}
	list_fini(&list);
	return rc;
}
