/*
 * The two datagrams of the handshake, each read from a socket pair as a stranger would send it. The
 * first byte says which, and how many descriptors come along.
 */
#include "contract/handshake.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void send_with_fds(int sock, const uint8_t *bytes, size_t n, unsigned fd_count)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(16 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)bytes, n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd_count) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		for (unsigned i = 0; i < fd_count; i++)
			memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &sock, sizeof(int));
	}
	(void)!sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void receive_hello(int sock)
{
	struct handshake_welcome welcome;
	struct handshake_hello hello;

	if (handshake_receive_hello(sock, &hello))
		return;
	welcome = handshake_answer(&hello);
	if (welcome.magic != HANDSHAKE_MAGIC || welcome.message_max != CONTRACT_MESSAGE_MAX)
		abort();
	if (welcome.status == HANDSHAKE_OK &&
	    (welcome.version > hello.version || welcome.version < hello.oldest ||
	     welcome.ring_bytes & (welcome.ring_bytes - 1)))
		abort();
}

static void receive_welcome(int sock)
{
	struct handshake_welcome welcome;
	int fds[HANDSHAKE_FDS];

	if (handshake_receive_welcome(sock, &welcome, fds))
		return;
	for (size_t i = 0; i < HANDSHAKE_FDS; i++)
		if (close(fds[i]))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int pair[2], after;

	if (size < 1 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return 0;
	send_with_fds(pair[0], data + 1, size - 1, data[0] >> 1 & 15);
	if (data[0] & 1)
		receive_welcome(pair[1]);
	else
		receive_hello(pair[1]);
	after = dup(0); /* the lowest free one: nothing of what came is left open */
	if (after > pair[1] + 1 && after > pair[0] + 1)
		abort();
	close(after);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
