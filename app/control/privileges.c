#include "privileges.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

int privileges_no_core(void)
{
	struct rlimit none = { 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		int error = -errno;

		fprintf(stderr, "vpngw-control: cannot switch off core dumps: %s\n",
			strerror(errno));
		return error;
	}
	return 0;
}

/* Of the capabilities that we have, keep the two that netlink and low ports need. */
static int keep_capabilities(void)
{
	static const cap_value_t wanted[] = { CAP_NET_ADMIN, CAP_NET_BIND_SERVICE };
	cap_t have = cap_get_proc();
	cap_t keep = cap_init();
	int error = -ENOMEM;

	if (!have || !keep)
		goto out;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		cap_flag_value_t permitted;

		if (cap_get_flag(have, wanted[i], CAP_PERMITTED, &permitted) < 0 ||
		    permitted != CAP_SET)
			continue;
		cap_set_flag(keep, CAP_PERMITTED, 1, &wanted[i], CAP_SET);
		cap_set_flag(keep, CAP_EFFECTIVE, 1, &wanted[i], CAP_SET);
	}
	error = cap_set_proc(keep) < 0 ? -errno : 0;
out:
	cap_free(have);
	cap_free(keep);
	return error;
}

/* Besides the user's own groups, that of FRR's vty sockets, where there is one. */
static int groups_set(const char *user, gid_t own)
{
	const struct group *frr = getgrnam("frrvty");
	gid_t groups[64];
	int n = 63;

	if (!frr)
		return initgroups(user, own);
	if (getgrouplist(user, own, groups, &n) < 0) {
		errno = E2BIG;
		return -1;
	}
	groups[n++] = frr->gr_gid;
	return setgroups((size_t)n, groups);
}

static int become(const char *user)
{
	const struct passwd *who = getpwnam(user);

	if (!who) {
		fprintf(stderr, "vpngw-control: there is no user '%s'; make it or give --user\n",
			user);
		return -ENOENT;
	}
	if (getuid() == who->pw_uid)
		return 0;
	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || groups_set(user, who->pw_gid) < 0 ||
	    setresgid(who->pw_gid, who->pw_gid, who->pw_gid) < 0 ||
	    setresuid(who->pw_uid, who->pw_uid, who->pw_uid) < 0) {
		int error = -errno;

		fprintf(stderr, "vpngw-control: cannot become user '%s': %s\n", user,
			strerror(-error));
		return error;
	}
	return 0;
}

int privileges_check(const char *user)
{
	if (!user || getpwnam(user))
		return 0;
	fprintf(stderr, "vpngw-control: there is no user '%s'; make it or give another --user\n",
		user);
	return -ENOENT;
}

static int hand_over_files(DIR *directory, const struct passwd *who)
{
	const struct dirent *entry;
	int fd = dirfd(directory);

	if (fchown(fd, who->pw_uid, who->pw_gid) < 0)
		return -errno;
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.' &&
		    fchownat(fd, entry->d_name, who->pw_uid, who->pw_gid, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
	return 0;
}

int privileges_hand_over(const char *user, const char *path)
{
	const struct passwd *who = user ? getpwnam(user) : NULL;
	DIR *directory = NULL;
	int error;

	if (!who || geteuid() != 0)
		return 0; /* the drop says what is wrong */
	directory = opendir(path);
	error = directory ? hand_over_files(directory, who) : -errno;
	if (error < 0)
		fprintf(stderr, "vpngw-control: cannot give %s to user '%s': %s\n", path, user,
			strerror(-error));
	if (directory)
		closedir(directory);
	return error;
}

int privileges_drop(const char *user)
{
	int error = user ? become(user) : 0;

	if (error == 0)
		error = keep_capabilities();
	/* The change of user switched it on again. */
	if (error == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
		error = -errno;
	return error;
}

static const int allowed[] = {
	/* memory and process */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	SCMP_SYS(mlock),
	SCMP_SYS(munlock),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(tgkill),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
	SCMP_SYS(getrandom),
	SCMP_SYS(getrusage),
	SCMP_SYS(prlimit64),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(restart_syscall),
	/* threads of our own */
	SCMP_SYS(futex),
	SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(membarrier),
	/* time */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime),
	/* files: the state directory */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(pwrite64),
	SCMP_SYS(lseek),
	SCMP_SYS(openat),
	SCMP_SYS(close),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(linkat),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(getdents64),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(fcntl),
	SCMP_SYS(flock),
	SCMP_SYS(dup),
	SCMP_SYS(fchmod),
	SCMP_SYS(fallocate),
	SCMP_SYS(statfs),
	SCMP_SYS(fstatfs),
	SCMP_SYS(getcwd),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(memfd_create),
	/* waiting */
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(select),
	SCMP_SYS(pselect6),
	SCMP_SYS(eventfd2),
	SCMP_SYS(pipe2),
	SCMP_SYS(ioctl),
	/* sockets: netlink, the data plane, REST, names */
	SCMP_SYS(socket),
	SCMP_SYS(socketpair),
	SCMP_SYS(bind),
	SCMP_SYS(listen),
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(connect),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(sendto),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(sendfile),
};

/* Threads but no processes: clone3 hides its flags in memory, so glibc is sent back to clone. */
static int allow_threads(scmp_filter_ctx filter)
{
	struct scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
	int error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, &thread);

	if (error < 0)
		return error;
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

int privileges_sandbox(void)
{
	/* Refused, not killed: a call that a library tries and can do without must not end tunnels.
	 */
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int error = filter ? 0 : -ENOMEM;

	for (size_t i = 0; error == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	if (error == 0)
		error = allow_threads(filter);
	if (error == 0)
		error = seccomp_load(filter);
	seccomp_release(filter);
	if (error < 0)
		fprintf(stderr, "vpngw-control: cannot filter system calls: %s\n",
			strerror(-error));
	return error;
}
