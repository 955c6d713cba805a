/*
 * Malformed handshakes from either side: strangers at the data plane's socket, and a data plane
 * that lies to control. Each gives its error, leaves no descriptor open, and the next honest one
 * is served.
 */
#include "../cmocka_all.h"

#include <stdlib.h>

#include "contract/handshake.h"
#include "pair.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct pair pair;

static const struct handshake_hello good_hello = { HANDSHAKE_MAGIC, CONTRACT_VERSION,
						   HANDSHAKE_OLDEST, CHANNEL_RING_BYTES,
						   CONTRACT_MESSAGE_MAX };

static size_t count_fds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int connect_raw(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	assert_int_equal(connect(sock, (const void *)&name, sizeof(name)), 0);
	return sock;
}

static void send_raw(int sock, const void *bytes, size_t n, const int *fds, size_t fd_count)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(253 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)bytes, n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd_count) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, fd_count * sizeof(int));
	}
	assert_int_equal(sendmsg(sock, &msg, MSG_NOSIGNAL), n);
}

static int try_accept(void)
{
	struct channel *channel = NULL;
	int rc = channel_accept(pair.listener, &channel, false, &pair_limits, 0);

	channel_close(channel);
	return rc;
}

static uint16_t refusal(int sock)
{
	struct handshake_welcome welcome = { 0 };

	assert_int_equal(recv(sock, &welcome, sizeof(welcome), MSG_DONTWAIT), sizeof(welcome));
	assert_int_equal(welcome.magic, HANDSHAKE_MAGIC);
	return welcome.status;
}

/* After whatever came before: the honest one gets through. */
static void assert_still_serves(void)
{
	struct channel *channel = NULL;

	pair.control = NULL;
	assert_int_equal(pthread_create(&pair.thread, NULL, pair_attach, &pair), 0);
	assert_int_equal(pair_accept(&pair, &channel, false, 0), 0);
	pthread_join(pair.thread, NULL);
	assert_int_equal(pair.attach_rc, 0);
	channel_close(channel);
	channel_close(pair.control);
	pair.control = NULL;
}

static int setup(void **state)
{
	return pair_listen(&pair);
}

static int teardown(void **state)
{
	pair_close(&pair);
	return 0;
}

static void test_hellos(void **state)
{
	static const struct {
		const char *what;
		struct handshake_hello hello;
		int rc;
		uint16_t status;
	} rows[] = {
#define HELLO(m, v, o, r, x) { m, v, o, r, x }
#define MAX CONTRACT_MESSAGE_MAX
#define OURS CONTRACT_VERSION
#define RING CHANNEL_RING_BYTES
		{ "good", HELLO(HANDSHAKE_MAGIC, OURS, OURS, RING, MAX), 0, HANDSHAKE_OK },
		{ "newer, speaks ours", HELLO(HANDSHAKE_MAGIC, OURS + 8, OURS, RING, MAX), 0,
		  HANDSHAKE_OK },
		{ "smaller ring", HELLO(HANDSHAKE_MAGIC, OURS, OURS, 1 << 20, MAX), 0,
		  HANDSHAKE_OK },
		{ "magic", HELLO(1, 1, 1, RING, MAX), -EPROTO, HANDSHAKE_VERSION },
		{ "too old", HELLO(HANDSHAKE_MAGIC, HANDSHAKE_OLDEST - 1, 0, RING, MAX), -EPROTO,
		  HANDSHAKE_VERSION },
		{ "only newer", HELLO(HANDSHAKE_MAGIC, OURS + 8, OURS + 1, RING, MAX), -EPROTO,
		  HANDSHAKE_VERSION },
		{ "oldest above newest", HELLO(HANDSHAKE_MAGIC, OURS, OURS + 1, RING, MAX), -EPROTO,
		  HANDSHAKE_VERSION },
		{ "no ring", HELLO(HANDSHAKE_MAGIC, OURS, OURS, 0, MAX), -EPROTO, HANDSHAKE_SIZE },
		{ "odd ring", HELLO(HANDSHAKE_MAGIC, OURS, OURS, RING + 8, MAX), -EPROTO,
		  HANDSHAKE_SIZE },
		{ "tiny ring", HELLO(HANDSHAKE_MAGIC, OURS, OURS, 4096, MAX), -EPROTO,
		  HANDSHAKE_SIZE },
		{ "huge ring", HELLO(HANDSHAKE_MAGIC, OURS, OURS, 1u << 31, MAX), -EPROTO,
		  HANDSHAKE_SIZE },
		{ "other message", HELLO(HANDSHAKE_MAGIC, OURS, OURS, RING, MAX / 2), -EPROTO,
		  HANDSHAKE_SIZE },
	};
	size_t before = count_fds();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int sock = connect_raw(pair.path), rc;

		send_raw(sock, &rows[i].hello, sizeof(rows[i].hello), NULL, 0);
		rc = try_accept();
		if (rc != rows[i].rc)
			fail_msg("%s: %d", rows[i].what, rc);
		assert_int_equal(refusal(sock), rows[i].status);
		close(sock);
		assert_int_equal(count_fds(), before);
	}
	assert_still_serves();
}

static void test_hello_of_every_length(void **state)
{
	uint8_t bytes[64] = { 0 };
	size_t before = count_fds();

	memcpy(bytes, &good_hello, sizeof(good_hello));
	for (size_t n = 1; n < sizeof(bytes); n++) {
		int sock = connect_raw(pair.path);

		send_raw(sock, bytes, n, NULL, 0);
		assert_int_equal(try_accept(), n == sizeof(good_hello) ? 0 : -EPROTO);
		close(sock);
		assert_int_equal(count_fds(), before);
	}
	assert_still_serves();
}

/* What comes along is closed by the kernel, however much it is. */
static void test_descriptors_with_the_hello(void **state)
{
	static const size_t counts[] = { 1, 3, 100, 253 };
	size_t before = count_fds();
	int fds[253];

	for (size_t i = 0; i < 253; i++)
		fds[i] = 0;
	for (size_t i = 0; i < 4; i++) {
		int sock = connect_raw(pair.path);

		send_raw(sock, &good_hello, sizeof(good_hello), fds, counts[i]);
		assert_int_equal(try_accept(), -EPROTO);
		close(sock);
		assert_int_equal(count_fds(), before);
	}
	assert_still_serves();
}

static void test_gone_at_each_step(void **state)
{
	size_t before = count_fds();
	struct channel *channel = NULL;
	int sock;

	sock = connect_raw(pair.path); /* before it was accepted */
	close(sock);
	assert_int_equal(try_accept(), -EAGAIN);
	sock = connect_raw(pair.path); /* accepted, silent, gone */
	assert_int_equal(try_accept(), -EAGAIN);
	close(sock);
	assert_int_equal(try_accept(), -EAGAIN);
	sock = connect_raw(pair.path); /* said hello and did not wait */
	send_raw(sock, &good_hello, sizeof(good_hello), NULL, 0);
	close(sock);
	assert_int_equal(try_accept(), -EAGAIN);
	sock = connect_raw(pair.path); /* has its welcome, and goes without a look at it */
	send_raw(sock, &good_hello, sizeof(good_hello), NULL, 0);
	assert_int_equal(channel_accept(pair.listener, &channel, false, &pair_limits, 0), 0);
	assert_false(channel_peer_lost(channel));
	close(sock);
	assert_true(channel_peer_lost(channel));
	channel_close(channel);
	assert_int_equal(count_fds(), before);
	assert_still_serves();
}

/* More silent ones than there are places: the oldest make room, and the honest one is served. */
static void test_silent_crowd(void **state)
{
	int socks[30];
	size_t before = count_fds();

	for (size_t i = 0; i < 30; i++) {
		socks[i] = connect_raw(pair.path);
		assert_int_equal(try_accept(), -EAGAIN);
	}
	assert_true(count_fds() <= before + 30 + 8);
	assert_still_serves();
	for (size_t i = 0; i < 30; i++)
		close(socks[i]);
	while (try_accept() != -EAGAIN)
		;
	assert_int_equal(count_fds(), before);
}

static void test_hello_comes_late(void **state)
{
	int sock = connect_raw(pair.path);
	struct pollfd p = { .fd = channel_listener_fd(pair.listener), .events = POLLIN };

	assert_int_equal(try_accept(), -EAGAIN);
	assert_int_equal(poll(&p, 1, 0), 0); /* nothing to do: it does not spin */
	send_raw(sock, &good_hello, sizeof(good_hello), NULL, 0);
	assert_int_equal(poll(&p, 1, 1000), 1);
	assert_int_equal(try_accept(), 0);
	close(sock);
}

static void test_out_of_descriptors(void **state)
{
	struct rlimit was, few;
	int sock = connect_raw(pair.path);

	send_raw(sock, &good_hello, sizeof(good_hello), NULL, 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = was;
	few.rlim_cur = (rlim_t)sock + 2; /* enough to accept, not for the memory */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(try_accept(), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	close(sock);
	assert_still_serves();
}

/* A data plane that lies: it answers one hello with what the row says. */
struct liar {
	int sock;
	struct handshake_welcome welcome;
	size_t bytes;
	int fds[253];
	size_t fd_count;
	bool silent;
};

static void *lie(void *arg)
{
	struct liar *liar = arg;
	int sock = accept4(liar->sock, NULL, NULL, SOCK_CLOEXEC);
	struct handshake_hello hello;

	if (recv(sock, &hello, sizeof(hello), 0) == sizeof(hello) && !liar->silent)
		send_raw(sock, &liar->welcome, liar->bytes, liar->fds, liar->fd_count);
	if (liar->silent)
		(void)!recv(sock, &hello, sizeof(hello), 0); /* until control gives up */
	close(sock);
	return NULL;
}

static int memory_of(off_t bytes, int seals)
{
	int fd = memfd_create("liar", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(fd, bytes), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static int attach_to(struct liar *liar, int timeout_ms)
{
	struct channel *channel = NULL;
	pthread_t thread;
	int rc;

	assert_int_equal(pthread_create(&thread, NULL, lie, liar), 0);
	rc = channel_attach(&channel, pair.path, timeout_ms);
	pthread_join(thread, NULL);
	channel_close(channel);
	return rc;
}

static int liar_listen(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	static struct liar liar;

	memset(&pair, 0, sizeof(pair));
	memset(&liar, 0, sizeof(liar));
	snprintf(pair.path, sizeof(pair.path), "/tmp/vpngw-test-liar-%d.sock", (int)getpid());
	snprintf(name.sun_path, sizeof(name.sun_path), "%s", pair.path);
	liar.sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	liar.welcome = handshake_answer(&good_hello);
	liar.bytes = sizeof(liar.welcome);
	*state = &liar;
	return bind(liar.sock, (void *)&name, sizeof(name)) || listen(liar.sock, 4);
}

static int liar_close(void **state)
{
	struct liar *liar = *state;

	close(liar->sock);
	return unlink(pair.path);
}

#define MEMORY_BYTES (65536 + 2 * (off_t)CHANNEL_RING_BYTES)
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

static void test_lying_welcomes(void **state)
{
	struct liar *liar = *state;
	const struct handshake_welcome good = liar->welcome;

	liar->welcome.magic++;
	assert_int_equal(attach_to(liar, 2000), -EPROTO);
	liar->welcome = good;
	liar->welcome.status = HANDSHAKE_BUSY;
	assert_int_equal(attach_to(liar, 2000), -EBUSY);
	liar->welcome.status = 99;
	assert_int_equal(attach_to(liar, 2000), -EPROTO);
	liar->welcome = good;
	liar->welcome.version = 2;
	assert_int_equal(attach_to(liar, 2000), -EPROTO);
	liar->welcome = good;
	liar->welcome.ring_bytes = 12345;
	assert_int_equal(attach_to(liar, 2000), -EPROTO);
	liar->welcome = good;
	liar->welcome.message_max *= 2;
	assert_int_equal(attach_to(liar, 2000), -EPROTO);
	liar->welcome = good;
	for (liar->bytes = 1; liar->bytes < sizeof(good); liar->bytes += 7)
		assert_int_equal(attach_to(liar, 2000), -EPROTO);
	liar->bytes = 0;
	assert_int_equal(attach_to(liar, 2000), -ECONNRESET);
	liar->silent = true;
	assert_int_equal(attach_to(liar, 30), -ETIMEDOUT);
}

static void test_lying_descriptors(void **state)
{
	struct liar *liar = *state;
	int other[2], good, nothing;
	size_t before;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other), 0);
	good = memory_of(MEMORY_BYTES, SEALS);
	nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	before = count_fds();
	for (size_t i = 0; i < 253; i++)
		liar->fds[i] = other[1];
	for (liar->fd_count = 0; liar->fd_count < 254;
	     liar->fd_count += liar->fd_count < 8 ? 1 : 49) {
		assert_int_equal(attach_to(liar, 2000), -EPROTO); /* also 3: no memory among them */
		assert_int_equal(count_fds(), before);
	}
	liar->fd_count = 3;
	liar->fds[HANDSHAKE_MEMORY] = good;
	assert_int_equal(attach_to(liar, 2000), 0);
	liar->fds[HANDSHAKE_WAKE] = nothing;
	assert_int_equal(attach_to(liar, 2000), -EPROTO);
	liar->fds[HANDSHAKE_WAKE] = other[1];
	liar->fds[HANDSHAKE_MEMORY] = memory_of(MEMORY_BYTES, F_SEAL_GROW);
	assert_int_equal(attach_to(liar, 2000), -EPROTO); /* it could shrink: SIGBUS */
	close(liar->fds[HANDSHAKE_MEMORY]);
	liar->fds[HANDSHAKE_MEMORY] = memory_of(MEMORY_BYTES - 4096, SEALS);
	assert_int_equal(attach_to(liar, 2000), -EPROTO);
	close(liar->fds[HANDSHAKE_MEMORY]);
	liar->fds[HANDSHAKE_MEMORY] = nothing;
	assert_int_equal(attach_to(liar, 2000), -EPROTO);
	assert_int_equal(count_fds(), before);
	close(good);
	close(nothing);
	close(other[0]);
	close(other[1]);
}

#define served(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define lied_to(f) cmocka_unit_test_setup_teardown(f, liar_listen, liar_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(test_hellos),
		served(test_hello_of_every_length),
		served(test_descriptors_with_the_hello),
		served(test_gone_at_each_step),
		served(test_silent_crowd),
		served(test_hello_comes_late),
		served(test_out_of_descriptors),
		lied_to(test_lying_welcomes),
		lied_to(test_lying_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
