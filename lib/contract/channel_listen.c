#include "contract/channel_memory.h"
#include "contract/handshake.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PENDING 8 /* connections whose hello has not come yet; the oldest makes room */
#define SOCKET_MODE 0660

struct channel_listener {
	int sock;
	int epoll; /* the listening socket and the pending ones, so that one fd tells of all */
	int pending[PENDING];
	size_t pending_count;
	struct sockaddr_un name;
	dev_t device;
	ino_t inode;
};

static int name_of(struct sockaddr_un *name, const char *path)
{
	size_t n = strlen(path);

	*name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!n || n >= sizeof(name->sun_path))
		return -ENAMETOOLONG;
	memcpy(name->sun_path, path, n);
	return 0;
}

/* Whether a living process listens there; a socket that a dead one left is removed. */
static int remove_stale(const struct sockaddr_un *name)
{
	struct stat st;
	int probe, rc;

	if (lstat(name->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return -errno;
	rc = connect(probe, (const void *)name, sizeof(*name)) < 0 ? errno : 0;
	close(probe);
	if (rc != ECONNREFUSED)
		return rc == ENOENT ? 0 : rc == EACCES ? -EACCES : -EADDRINUSE;
	return unlink(name->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

/* The mode is there when the name appears: it is never wider for a moment. */
static int bind_name(struct channel_listener *l)
{
	struct stat st;

	if (fchmod(l->sock, SOCKET_MODE) < 0 ||
	    bind(l->sock, (const void *)&l->name, sizeof(l->name)) < 0 ||
	    chmod(l->name.sun_path, SOCKET_MODE) < 0 || lstat(l->name.sun_path, &st) < 0)
		return -errno;
	l->device = st.st_dev;
	l->inode = st.st_ino;
	return listen(l->sock, PENDING) < 0 ? -errno : 0;
}

/*
 * Two data planes that start together must not remove each other's socket: a lock on the folder is
 * held while the name is looked at and taken; whoever else wants it, for this or another name,
 * waits these microseconds. It leaves nothing behind.
 */
static int take_name(struct channel_listener *l)
{
	char folder[sizeof(l->name.sun_path) + 1];
	int lock, rc;

	memcpy(folder, l->name.sun_path, sizeof(l->name.sun_path));
	folder[sizeof(folder) - 1] = 0;
	lock = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0)
		return -errno;
	rc = flock(lock, LOCK_EX) < 0 ? -errno : remove_stale(&l->name);
	if (!rc)
		rc = bind_name(l);
	close(lock);
	return rc;
}

static int watch(const struct channel_listener *l, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int channel_listen(struct channel_listener **listener, const char *path)
{
	struct channel_listener *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return -ENOMEM;
	l->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	rc = l->sock < 0 || l->epoll < 0 ? -errno : name_of(&l->name, path);
	if (!rc)
		rc = take_name(l);
	if (!rc)
		rc = watch(l, l->sock);
	if (rc) {
		channel_listener_close(l);
		return rc;
	}
	*listener = l;
	return 0;
}

void channel_listener_close(struct channel_listener *l)
{
	struct stat st;

	if (!l)
		return;
	for (size_t i = 0; i < l->pending_count; i++)
		close(l->pending[i]);
	/* Only our own name: another may have taken it since. */
	if (l->inode && !lstat(l->name.sun_path, &st) && st.st_ino == l->inode &&
	    st.st_dev == l->device)
		unlink(l->name.sun_path);
	if (l->epoll >= 0)
		close(l->epoll);
	if (l->sock >= 0)
		close(l->sock);
	free(l);
}

int channel_listener_fd(const struct channel_listener *l)
{
	return l->epoll;
}

/* The fd stays with the caller. */
static void pending_forget(struct channel_listener *l, size_t at)
{
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->pending[at], NULL);
	l->pending_count--;
	memmove(l->pending + at, l->pending + at + 1, (l->pending_count - at) * sizeof(int));
}

static void take_connections(struct channel_listener *l)
{
	for (size_t i = 0; i < PENDING; i++) {
		int fd = accept4(l->sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		if (l->pending_count == PENDING) {
			close(l->pending[0]);
			pending_forget(l, 0);
		}
		if (watch(l, fd)) {
			close(fd);
			continue;
		}
		l->pending[l->pending_count++] = fd;
	}
}

/* Memory, wake pair and welcome; the socket is the channel's when 0 is given. */
static int welcome_control(struct channel **channel, int sock, struct handshake_welcome *welcome,
			   int counters_fd)
{
	int memory = -1, pair[2] = { -1, -1 }, fds[HANDSHAKE_FDS], rc;
	struct channel *ch = NULL;

	rc = channel_memory_create(&memory, welcome->ring_bytes);
	if (!rc)
		rc = channel_memory_map(&ch, memory, welcome->ring_bytes, true);
	if (!rc && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		rc = -errno;
	if (!rc) {
		ch->wake = pair[0];
		ch->limits = welcome->limits;
		fds[HANDSHAKE_MEMORY] = memory;
		fds[HANDSHAKE_WAKE] = pair[1];
		fds[HANDSHAKE_COUNTERS] = counters_fd;
		rc = handshake_send_welcome(sock, welcome, fds);
	}
	if (memory >= 0)
		close(memory);
	if (pair[1] >= 0)
		close(pair[1]);
	if (rc) {
		channel_close(ch);
		return rc;
	}
	ch->peer = sock;
	*channel = ch;
	return 0;
}

/* -EAGAIN when the hello is not there yet; else the socket is closed or the channel's. */
static int try_hello(struct channel **channel, int sock, bool busy,
		     const struct contract_limits *limits, int counters_fd)
{
	struct handshake_welcome welcome;
	struct handshake_hello hello;
	int rc = handshake_receive_hello(sock, &hello);

	if (rc == -EAGAIN)
		return rc;
	if (rc)
		goto close_sock;
	welcome = handshake_answer(&hello);
	if (welcome.status == HANDSHAKE_OK && busy)
		welcome.status = HANDSHAKE_BUSY;
	if (welcome.status != HANDSHAKE_OK) {
		rc = welcome.status == HANDSHAKE_BUSY ? -EBUSY : -EPROTO;
		(void)!handshake_send_welcome(sock, &welcome, NULL);
		goto close_sock;
	}
	welcome.limits = *limits;
	rc = welcome_control(channel, sock, &welcome, counters_fd);
	if (!rc)
		return 0;

close_sock:
	close(sock);
	return rc == -EAGAIN ? -EPROTO : rc;
}

/* Connections that went away are nothing to tell of. */
static bool worth_telling(int rc)
{
	return rc != -EAGAIN && rc != -ECONNRESET && rc != -EPIPE;
}

int channel_accept(struct channel_listener *l, struct channel **channel, bool busy,
		   const struct contract_limits *limits, int counters_fd)
{
	size_t i = 0;

	take_connections(l);
	while (i < l->pending_count) {
		int sock = l->pending[i];
		int rc = try_hello(channel, sock, busy, limits, counters_fd);

		if (rc == -EAGAIN) {
			i++;
			continue;
		}
		pending_forget(l, i);
		if (worth_telling(rc))
			return rc;
	}
	return -EAGAIN;
}
