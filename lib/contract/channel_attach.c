#include "contract/channel_memory.h"
#include "contract/handshake.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(int *sock, const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	int fd, rc = 0;

	if (!n || n >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	memcpy(name.sun_path, path, n);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const void *)&name, sizeof(name)) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	*sock = fd;
	return 0;
}

static int await(int fd, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		uint64_t now = clock_now_ns(&clock_monotonic);
		uint64_t left_ns = now < deadline_ns ? deadline_ns - now : 0;
		int rc = poll(&p, 1, (int)((left_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS));

		if (rc > 0)
			return 0;
		if (rc < 0 && errno != EINTR)
			return -errno;
		if (rc == 0 && !left_ns)
			return -ETIMEDOUT;
	}
}

static int say_hello(int sock)
{
	struct handshake_hello hello = { .magic = HANDSHAKE_MAGIC,
					 .version = CONTRACT_VERSION,
					 .oldest = HANDSHAKE_OLDEST,
					 .ring_bytes = CHANNEL_RING_BYTES,
					 .message_max = CONTRACT_MESSAGE_MAX };

	return send(sock, &hello, sizeof(hello), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static bool is_socket_pair(int fd)
{
	socklen_t n = sizeof(int);
	int type = 0;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;
}

int channel_attach_begin(int *sock, const char *path)
{
	int fd = -1, rc = connect_to(&fd, path);

	if (rc)
		return rc;
	rc = say_hello(fd);
	if (rc) {
		close(fd);
		return rc;
	}
	*sock = fd;
	return 0;
}

static int take_welcome(struct channel **channel, int sock, const struct handshake_welcome *welcome,
			const int fds[HANDSHAKE_FDS])
{
	struct channel *ch = NULL;
	int rc = is_socket_pair(fds[HANDSHAKE_WAKE]) ? 0 : -EPROTO;

	if (!rc)
		rc = channel_memory_map(&ch, fds[HANDSHAKE_MEMORY], welcome->ring_bytes, false);
	close(fds[HANDSHAKE_MEMORY]);
	if (rc) {
		close(fds[HANDSHAKE_WAKE]);
		close(fds[HANDSHAKE_COUNTERS]);
		return rc;
	}
	ch->peer = sock;
	ch->wake = fds[HANDSHAKE_WAKE];
	ch->counters = fds[HANDSHAKE_COUNTERS];
	ch->limits = welcome->limits;
	*channel = ch;
	return 0;
}

int channel_attach_finish(struct channel **channel, int sock)
{
	struct handshake_welcome welcome;
	int fds[HANDSHAKE_FDS];
	int rc = handshake_receive_welcome(sock, &welcome, fds);

	if (!rc)
		rc = take_welcome(channel, sock, &welcome, fds);
	if (rc && rc != -EAGAIN)
		close(sock);
	return rc;
}

int channel_attach(struct channel **channel, const char *path, int timeout_ms)
{
	uint64_t deadline_ns = clock_now_ns(&clock_monotonic) +
			       (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * CLOCK_NS_PER_MS;
	int sock = -1, rc = channel_attach_begin(&sock, path);

	if (rc)
		return rc;
	do {
		rc = await(sock, deadline_ns);
		if (rc) {
			close(sock);
			return rc;
		}
		rc = channel_attach_finish(channel, sock);
	} while (rc == -EAGAIN);
	return rc;
}
