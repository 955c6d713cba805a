#include "dataplane/kernel/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define NETNS_FOLDER "/run/netns"
#define NETNS_SELF "/proc/thread-self/ns/net"

/* Makes the namespace and binds it to `path`, then returns to the namespace of `home`. */
static int netns_bind_new(const char *path, int home)
{
	int err = 0;

	if (unshare(CLONE_NEWNET))
		return -errno;
	if (mount(NETNS_SELF, path, "none", MS_BIND, NULL))
		err = -errno;
	if (setns(home, CLONE_NEWNET) && !err)
		err = -errno;
	return err;
}

static int netns_make(const char *path, int home)
{
	int fd;
	int err;

	if (mkdir(NETNS_FOLDER, 0755) && errno != EEXIST)
		return -errno;
	/* Shared, so that other mount namespaces see names that come later. */
	if (mount("", NETNS_FOLDER, "none", MS_SHARED | MS_REC, NULL) && errno == EINVAL) {
		if (mount(NETNS_FOLDER, NETNS_FOLDER, "none", MS_BIND | MS_REC, NULL) ||
		    mount("", NETNS_FOLDER, "none", MS_SHARED | MS_REC, NULL))
			return -errno;
	}
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0)
		return -errno;
	close(fd);
	err = netns_bind_new(path, home);
	if (err)
		unlink(path);
	return err;
}

int netns_open(struct netns *ns, const char *name, char *path, size_t path_size)
{
	int err;

	ns->target = ns->home = -1;
	path[0] = '\0';
	if (!name[0])
		return 0;
	if (snprintf(path, path_size, "%s%s", strchr(name, '/') ? "" : NETNS_FOLDER "/", name) >=
	    (int)path_size)
		return -ENAMETOOLONG;
	ns->home = open(NETNS_SELF, O_RDONLY | O_CLOEXEC);
	if (ns->home < 0)
		return -errno;
	ns->target = open(path, O_RDONLY | O_CLOEXEC);
	if (ns->target < 0 && errno == ENOENT && !strchr(name, '/')) {
		err = netns_make(path, ns->home);
		if (err)
			goto fail;
		ns->target = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (ns->target >= 0)
		return 0;
	err = -errno;
fail:
	netns_close(ns);
	return err;
}

void netns_close(struct netns *ns)
{
	if (ns->target >= 0)
		close(ns->target);
	if (ns->home >= 0)
		close(ns->home);
	ns->target = ns->home = -1;
}

int netns_enter(const struct netns *ns)
{
	return ns->target >= 0 && setns(ns->target, CLONE_NEWNET) ? -errno : 0;
}

int netns_leave(const struct netns *ns)
{
	return ns->target >= 0 && setns(ns->home, CLONE_NEWNET) ? -errno : 0;
}
