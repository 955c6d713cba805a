/* The channel as its two users see it: attach, refusals, records, back-pressure, sleep, death. */
#include "../cmocka_all.h"

#include <stdlib.h>

#include "pair.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct pair pair;

static int setup(void **state)
{
	return pair_open(&pair);
}

static int teardown(void **state)
{
	pair_close(&pair);
	return 0;
}

static int send_bytes(struct channel *channel, uint16_t type, uint64_t request, const void *bytes,
		      size_t n)
{
	struct contract_header header = { .length = (uint32_t)(sizeof(header) + n),
					  .type = type,
					  .request = request };
	struct channel_part parts[] = { { &header, sizeof(header) }, { bytes, n } };

	return channel_send(channel, parts, 2);
}

static size_t count_fds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void test_limits_and_mode(void **state)
{
	struct stat st;

	assert_memory_equal(channel_limits(pair.control), &pair_limits, sizeof(pair_limits));
	assert_memory_equal(channel_limits(pair.dataplane), &pair_limits, sizeof(pair_limits));
	assert_true(channel_counters_fd(pair.control) >= 0);
	assert_int_equal(channel_counters_fd(pair.dataplane), -1);
	assert_int_equal(stat(pair.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_false(channel_peer_lost(pair.control));
	assert_false(channel_peer_lost(pair.dataplane));
}

static void test_records_both_ways(void **state)
{
	struct contract_header *m = (void *)pair.message;
	uint64_t word = 42;

	assert_int_equal(channel_receive(pair.dataplane, m), 0);
	assert_int_equal(send_bytes(pair.control, CONTRACT_PROBE, 9, NULL, 0), 0);
	assert_int_equal(send_bytes(pair.control, CONTRACT_SEND, 0, &word, 8), 0);
	assert_int_equal(channel_receive(pair.dataplane, m), 1);
	assert_int_equal(m->request, 9);
	assert_int_equal(m->length, 16);
	assert_int_equal(channel_receive(pair.dataplane, m), 1);
	assert_int_equal(pair.message[2], 42);
	assert_int_equal(channel_receive(pair.dataplane, m), 0);
	assert_int_equal(send_bytes(pair.dataplane, CONTRACT_ANSWER, 9, &word, 8), 0);
	assert_int_equal(channel_receive(pair.control, m), 1);
	assert_int_equal(m->type, CONTRACT_ANSWER);
}

static void test_largest_record(void **state)
{
	size_t n = CONTRACT_MESSAGE_MAX - sizeof(struct contract_header);
	uint8_t *bytes = test_malloc(n + 8);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(i * 7);
	for (int round = 0; round < 100; round++) { /* more than a ring: it wraps inside a record */
		assert_int_equal(send_bytes(pair.control, CONTRACT_BATCH, 1, bytes, n), 0);
		assert_int_equal(channel_receive(pair.dataplane, pair.message), 1);
		assert_memory_equal(pair.message + 2, bytes, n);
		assert_int_equal(send_bytes(pair.control, CONTRACT_PROBE, 1, NULL, 0), 0);
		assert_int_equal(channel_receive(pair.dataplane, pair.message), 1);
	}
	assert_int_equal(send_bytes(pair.control, CONTRACT_BATCH, 1, bytes, n + 8), -EMSGSIZE);
	test_free(bytes);
}

static void test_bad_records_are_not_sent(void **state)
{
	struct contract_header header = { .length = 24, .type = CONTRACT_PROBE };
	struct channel_part parts[] = { { &header, sizeof(header) }, { "12345678", 4 } };

	assert_int_equal(channel_send(pair.control, parts, 1), -EINVAL); /* says more */
	assert_int_equal(channel_send(pair.control, parts, 2), -EINVAL); /* not in eights */
	parts[0].n = 8;
	assert_int_equal(channel_send(pair.control, parts, 1), -EINVAL);
	parts[0].n = 16;
	parts[1].n = SIZE_MAX;
	assert_int_equal(channel_send(pair.control, parts, 2), -EMSGSIZE);
	assert_int_equal(channel_receive(pair.dataplane, pair.message), 0);
}

static void test_back_pressure(void **state)
{
	static const uint8_t bytes[1008];
	struct contract_header header = { .length = 1024, .type = CONTRACT_PUNT };
	struct channel_part parts[] = { { &header, sizeof(header) }, { bytes, sizeof(bytes) } };
	size_t punts = 0, answers = 0, read = 0;

	while (channel_send_droppable(pair.dataplane, parts, 2) == 0)
		punts++;
	assert_int_equal(punts, (CHANNEL_RING_BYTES - CHANNEL_RESERVE) / 1024);
	assert_true(channel_has_reserve(pair.dataplane));
	while (channel_send(pair.dataplane, parts, 2) == 0)
		answers++;
	assert_int_equal(answers, CHANNEL_RESERVE / 1024);
	assert_false(channel_has_reserve(pair.dataplane));
	assert_int_equal(channel_send(pair.dataplane, parts, 2), -EAGAIN);
	while (channel_receive(pair.control, pair.message) == 1)
		read++;
	assert_int_equal(read, punts + answers);
	assert_true(channel_has_reserve(pair.dataplane));
	assert_int_equal(channel_send_droppable(pair.dataplane, parts, 2), 0);
}

static void test_sleep_and_wake(void **state)
{
	assert_int_equal(send_bytes(pair.control, CONTRACT_PROBE, 1, NULL, 0), 0);
	assert_false(readable(channel_event_fd(pair.dataplane))); /* it is awake: no call */
	assert_true(channel_receive(pair.dataplane, pair.message) == 1);
	assert_true(channel_may_sleep(pair.dataplane));
	assert_int_equal(send_bytes(pair.control, CONTRACT_PROBE, 2, NULL, 0), 0);
	assert_true(readable(channel_event_fd(pair.dataplane)));
	channel_woken(pair.dataplane);
	assert_false(readable(channel_event_fd(pair.dataplane)));
	assert_false(channel_may_sleep(pair.dataplane)); /* a record is there */
	assert_int_equal(channel_receive(pair.dataplane, pair.message), 1);
	assert_true(channel_may_sleep(pair.dataplane));
	channel_woken(pair.dataplane); /* woken by something else */
	assert_int_equal(send_bytes(pair.control, CONTRACT_PROBE, 3, NULL, 0), 0);
	assert_false(readable(channel_event_fd(pair.dataplane)));
}

static void test_one_wake_for_many(void **state)
{
	uint8_t bytes[16];

	assert_true(channel_may_sleep(pair.dataplane));
	for (uint64_t i = 1; i < 100; i++)
		assert_int_equal(send_bytes(pair.control, CONTRACT_PROBE, i, NULL, 0), 0);
	assert_int_equal(recv(channel_event_fd(pair.dataplane), bytes, sizeof(bytes), MSG_DONTWAIT),
			 1);
}

static void test_held_wakes_once(void **state)
{
	static const uint8_t bytes[1008];

	assert_true(channel_may_sleep(pair.dataplane));
	channel_hold(pair.control);
	for (uint64_t i = 1; i < 4; i++)
		assert_int_equal(send_bytes(pair.control, CONTRACT_PROBE, i, NULL, 0), 0);
	assert_false(readable(channel_event_fd(pair.dataplane)));
	channel_release(pair.control);
	assert_true(readable(channel_event_fd(pair.dataplane)));
	channel_woken(pair.dataplane);
	for (int i = 1; i < 4; i++)
		assert_int_equal(channel_receive(pair.dataplane, pair.message), 1);
	/* Without room it does not wait for the end. */
	assert_true(channel_may_sleep(pair.dataplane));
	channel_hold(pair.control);
	while (send_bytes(pair.control, CONTRACT_PROBE, 1, bytes, sizeof(bytes)) == 0)
		assert_false(readable(channel_event_fd(pair.dataplane)));
	assert_true(readable(channel_event_fd(pair.dataplane)));
	channel_release(pair.control);
}

/* A producer without room sleeps until the consumer has read all, and is woken once. */
static void test_room_wakes(void **state)
{
	static const uint8_t bytes[1008];
	size_t left = CHANNEL_RING_BYTES / 1024;

	assert_false(channel_awaits_room(pair.dataplane));
	while (send_bytes(pair.dataplane, CONTRACT_ANSWER, 1, bytes, sizeof(bytes)) == 0)
		;
	assert_true(channel_awaits_room(pair.dataplane));
	for (; left; left--)
		assert_int_equal(channel_receive(pair.control, pair.message), 1);
	assert_false(readable(channel_event_fd(pair.dataplane)));
	assert_int_equal(channel_receive(pair.control, pair.message), 0);
	assert_true(readable(channel_event_fd(pair.dataplane)));
	channel_woken(pair.dataplane);
	assert_int_equal(channel_receive(pair.control, pair.message), 0);
	assert_true(channel_may_sleep(pair.control));
	assert_false(readable(channel_event_fd(pair.dataplane)));
	assert_false(channel_awaits_room(pair.dataplane));
}

static void test_death_is_seen(void **state)
{
	channel_close(pair.control);
	pair.control = NULL;
	assert_true(readable(channel_peer_fd(pair.dataplane)));
	assert_true(channel_peer_lost(pair.dataplane));
	assert_int_equal(send_bytes(pair.dataplane, CONTRACT_PUNT, 0, NULL, 0), -EPIPE);
}

/* What was published before the death can still be read. */
static void test_records_outlive_their_sender(void **state)
{
	assert_int_equal(send_bytes(pair.dataplane, CONTRACT_ANSWER, 5, NULL, 0), 0);
	channel_close(pair.dataplane);
	pair.dataplane = NULL;
	assert_true(channel_peer_lost(pair.control));
	assert_int_equal(channel_receive(pair.control, pair.message), 1);
	assert_int_equal(((struct contract_header *)pair.message)->request, 5);
	assert_int_equal(channel_receive(pair.control, pair.message), 0);
}

static void test_talking_on_the_socket_is_the_end(void **state)
{
	assert_int_equal(send(channel_peer_fd(pair.control), "x", 1, 0), 1);
	assert_true(channel_peer_lost(pair.dataplane));
}

static void test_second_control_is_refused(void **state)
{
	struct channel *first = pair.control, *other = NULL;

	pair.control = NULL;
	assert_int_equal(pthread_create(&pair.thread, NULL, pair_attach, &pair), 0);
	assert_int_equal(pair_accept(&pair, &other, true, 0), -EBUSY);
	pthread_join(pair.thread, NULL);
	assert_int_equal(pair.attach_rc, -EBUSY);
	assert_null(other);
	pair.control = first;
	assert_false(channel_peer_lost(pair.dataplane));
	assert_int_equal(send_bytes(pair.control, CONTRACT_PROBE, 1, NULL, 0), 0);
	assert_int_equal(channel_receive(pair.dataplane, pair.message), 1);
}

static void test_second_dataplane_is_refused(void **state)
{
	struct channel_listener *second = NULL;
	struct channel *none = NULL;

	assert_int_equal(channel_listen(&second, pair.path), -EADDRINUSE);
	/* The first one saw a connection that came to nothing. */
	assert_int_equal(channel_accept(pair.listener, &none, true, &pair_limits, 0), -EAGAIN);
	assert_int_equal(access(pair.path, F_OK), 0);
}

static void test_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct channel_listener *listener = NULL;
	int dead = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "/tmp/vpngw-test-%d-stale", (int)getpid());
	unlink(name.sun_path);
	assert_int_equal(bind(dead, (void *)&name, sizeof(name)), 0);
	assert_int_equal(listen(dead, 1), 0);
	close(dead); /* the name stays, as after kill -9 */
	assert_int_equal(channel_listen(&listener, name.sun_path), 0);
	channel_listener_close(listener);
	assert_int_equal(access(name.sun_path, F_OK), -1);
}

static void test_what_is_no_socket_stays(void **state)
{
	struct channel_listener *listener = NULL;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/vpngw-test-%d-file", (int)getpid());
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(channel_listen(&listener, path), -ENOTSOCK);
	assert_int_equal(unlink(path), 0);
	close(fd);
}

static void test_bad_paths(void **state)
{
	char longer[200];
	struct channel_listener *listener = NULL;
	struct channel *channel = NULL;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	assert_int_equal(channel_listen(&listener, longer), -ENAMETOOLONG);
	assert_int_equal(channel_listen(&listener, ""), -ENAMETOOLONG);
	assert_int_equal(channel_listen(&listener, "/nowhere/at/all"), -ENOENT);
	assert_int_equal(channel_attach(&channel, longer, 10), -ENAMETOOLONG);
	assert_int_equal(channel_attach(&channel, "/nowhere/at/all", 10), -ENOENT);
}

static void test_attach_times_out(void **state)
{
	struct pair quiet;

	assert_int_equal(pair_listen(&quiet), 0);
	assert_int_equal(channel_attach(&quiet.control, quiet.path, 20), -ETIMEDOUT);
	pair_close(&quiet);
}

static void test_nothing_is_left_open(void **state)
{
	size_t before = count_fds();

	for (int i = 0; i < 20; i++) {
		struct pair p;

		assert_int_equal(pair_open(&p), 0);
		pair_close(&p);
		assert_int_equal(access(p.path, F_OK), -1);
	}
	assert_int_equal(count_fds(), before);
}

#define with_pair(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_pair(test_limits_and_mode),
		with_pair(test_records_both_ways),
		with_pair(test_largest_record),
		with_pair(test_bad_records_are_not_sent),
		with_pair(test_back_pressure),
		with_pair(test_sleep_and_wake),
		with_pair(test_one_wake_for_many),
		with_pair(test_held_wakes_once),
		with_pair(test_room_wakes),
		with_pair(test_death_is_seen),
		with_pair(test_records_outlive_their_sender),
		with_pair(test_talking_on_the_socket_is_the_end),
		with_pair(test_second_control_is_refused),
		with_pair(test_second_dataplane_is_refused),
		cmocka_unit_test(test_stale_socket_is_replaced),
		cmocka_unit_test(test_what_is_no_socket_stays),
		cmocka_unit_test(test_bad_paths),
		cmocka_unit_test(test_attach_times_out),
		cmocka_unit_test(test_nothing_is_left_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
