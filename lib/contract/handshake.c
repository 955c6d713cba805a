#include "contract/handshake.h"
#include "contract/channel_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct handshake_welcome handshake_answer(const struct handshake_hello *hello)
{
	struct handshake_welcome welcome = { .magic = HANDSHAKE_MAGIC,
					     .version = CONTRACT_VERSION,
					     .ring_bytes = hello->ring_bytes,
					     .message_max = CONTRACT_MESSAGE_MAX };

	if (hello->magic != HANDSHAKE_MAGIC || hello->version < HANDSHAKE_OLDEST ||
	    hello->oldest > CONTRACT_VERSION || hello->oldest > hello->version)
		welcome.status = HANDSHAKE_VERSION;
	else if (hello->message_max != CONTRACT_MESSAGE_MAX ||
		 !channel_memory_size_valid(hello->ring_bytes))
		welcome.status = HANDSHAKE_SIZE;
	else if (hello->version < CONTRACT_VERSION)
		welcome.version = hello->version;
	return welcome;
}

int handshake_receive_hello(int sock, struct handshake_hello *hello)
{
	struct iovec iov = { hello, sizeof(*hello) };
	/* No room for descriptors: what a stranger sends along is closed by the kernel. */
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = recvmsg(sock, &msg, MSG_DONTWAIT);

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (n == 0)
		return -ECONNRESET;
	if (n != sizeof(*hello) || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -EPROTO;
	return 0;
}

int handshake_send_welcome(int sock, const struct handshake_welcome *welcome,
			   const int fds[HANDSHAKE_FDS])
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(HANDSHAKE_FDS * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)welcome, sizeof(*welcome) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fds) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(HANDSHAKE_FDS * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, HANDSHAKE_FDS * sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Takes exactly the descriptors that are expected, or none; all others are closed. */
static size_t take_fds(struct msghdr *msg, int fds[HANDSHAKE_FDS])
{
	size_t taken = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (taken < HANDSHAKE_FDS)
				fds[taken] = fd;
			else
				close(fd);
			taken++;
		}
	}
	return taken;
}

static int check_welcome(const struct handshake_welcome *welcome)
{
	if (welcome->magic != HANDSHAKE_MAGIC)
		return -EPROTO;
	if (welcome->status == HANDSHAKE_BUSY)
		return -EBUSY;
	if (welcome->status != HANDSHAKE_OK || welcome->version < HANDSHAKE_OLDEST ||
	    welcome->version > CONTRACT_VERSION || welcome->message_max != CONTRACT_MESSAGE_MAX ||
	    !channel_memory_size_valid(welcome->ring_bytes))
		return -EPROTO;
	return 0;
}

int handshake_receive_welcome(int sock, struct handshake_welcome *welcome, int fds[HANDSHAKE_FDS])
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(2 * HANDSHAKE_FDS * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { welcome, sizeof(*welcome) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	size_t taken;
	int rc;

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	taken = take_fds(&msg, fds);
	rc = n == 0 ? -ECONNRESET : -EPROTO;
	if (n == sizeof(*welcome) && !(msg.msg_flags & MSG_TRUNC)) {
		rc = check_welcome(welcome);
		if (!rc && (taken != HANDSHAKE_FDS || msg.msg_flags & MSG_CTRUNC))
			rc = -EPROTO;
	}
	for (size_t i = 0; rc && i < taken && i < HANDSHAKE_FDS; i++)
		close(fds[i]);
	return rc;
}
