/*
 * A handshake whose one side dies at any system call: it is stopped before and after each, killed
 * there, and the other must end it at once, keep nothing open, and serve or find the next.
 */
#include "../cmocka_all.h"

#include <stdlib.h>

#include "pair.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define STOPS_MAX 2000
#define NOT_TRACED 77

static struct pair pair;

static size_t count_fds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void begin_traced(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(NOT_TRACED);
	raise(SIGSTOP);
}

static _Noreturn void control(const char *path)
{
	struct channel *channel;

	begin_traced();
	if (channel_attach(&channel, path, 5000))
		_exit(1);
	raise(SIGSTOP);
	_exit(0);
}

static _Noreturn void dataplane(const char *path)
{
	struct channel_listener *listener;
	struct channel *channel;
	struct pollfd p = { .events = POLLIN };

	if (channel_listen(&listener, path))
		_exit(1);
	begin_traced();
	p.fd = channel_listener_fd(listener);
	while (channel_accept(listener, &channel, false, &pair_limits, 0))
		poll(&p, 1, 5000);
	raise(SIGSTOP);
	_exit(0);
}

/* The child stands at its first stop; false when this machine lets nobody trace. */
static bool stand(pid_t child)
{
	int status = 0;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_TRACED)
		return false;
	assert_true(WIFSTOPPED(status));
	return true;
}

static void end(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
}

/* To the next call's edge, while `meanwhile` is done; false when the child is through. */
static bool to_next_stop(pid_t child, void (*meanwhile)(void))
{
	int status = 0;
	pid_t got;

	assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
	while ((got = waitpid(child, &status, meanwhile ? WNOHANG : 0)) == 0)
		meanwhile();
	assert_int_equal(got, child);
	assert_true(WIFSTOPPED(status));
	return WSTOPSIG(status) == SIGTRAP;
}

static void serve(void)
{
	int rc;

	if (pair.dataplane)
		return;
	rc = channel_accept(pair.listener, &pair.dataplane, false, &pair_limits, 0);
	assert_true(rc == 0 || rc == -EAGAIN);
}

static void assert_honest_is_served(void)
{
	assert_int_equal(pthread_create(&pair.thread, NULL, pair_attach, &pair), 0);
	assert_int_equal(pair_accept(&pair, &pair.dataplane, false, 0), 0);
	pthread_join(pair.thread, NULL);
	assert_int_equal(pair.attach_rc, 0);
	channel_close(pair.control);
	channel_close(pair.dataplane);
	pair.control = pair.dataplane = NULL;
}

/* Kills control at its n-th stop; false when it came through before. */
static bool kill_control_at(unsigned n)
{
	size_t before = count_fds();
	pid_t child = fork();
	bool on = true;

	if (child == 0)
		control(pair.path);
	if (!stand(child))
		skip();
	for (unsigned i = 0; on && i < n; i++)
		on = to_next_stop(child, serve);
	end(child);
	serve(); /* what it left behind in the queue */
	if (pair.dataplane)
		assert_true(channel_peer_lost(pair.dataplane));
	channel_close(pair.dataplane);
	pair.dataplane = NULL;
	serve();
	assert_null(pair.dataplane);
	assert_int_equal(count_fds(), before);
	return on;
}

static void test_control_dies(void **state)
{
	unsigned n = 0;

	assert_int_equal(pair_listen(&pair), 0);
	while (n < STOPS_MAX && kill_control_at(n)) {
		if (n++ % 8 == 0)
			assert_honest_is_served();
	}
	print_message("killed at %u edges of calls\n", n);
	assert_in_range(n, 20, STOPS_MAX - 1);
	pair_close(&pair);
}

/* Kills the data plane at its n-th stop while a control attaches. */
static bool kill_dataplane_at(unsigned n)
{
	size_t before = count_fds();
	pid_t child = fork();
	bool on = true;

	if (child == 0)
		dataplane(pair.path);
	if (!stand(child))
		skip();
	assert_int_equal(pthread_create(&pair.thread, NULL, pair_attach, &pair), 0);
	for (unsigned i = 0; on && i < n; i++)
		on = to_next_stop(child, NULL);
	end(child);
	pthread_join(pair.thread, NULL);
	if (pair.attach_rc == 0)
		assert_true(channel_peer_lost(pair.control));
	else if (pair.attach_rc != -ECONNRESET && pair.attach_rc != -ECONNREFUSED &&
		 pair.attach_rc != -EPIPE)
		fail_msg("attach gives %d", pair.attach_rc);
	channel_close(pair.control);
	pair.control = NULL;
	assert_int_equal(count_fds(), before);
	return on;
}

static void test_dataplane_dies(void **state)
{
	unsigned n = 0;

	pair = (struct pair){ 0 };
	snprintf(pair.path, sizeof(pair.path), "/tmp/vpngw-test-calls-%d.sock", (int)getpid());
	while (n < STOPS_MAX && kill_dataplane_at(n)) /* each finds the socket of a dead one */
		n++;
	print_message("killed at %u edges of calls\n", n);
	assert_in_range(n, 20, STOPS_MAX - 1);
	unlink(pair.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control_dies),
		cmocka_unit_test(test_dataplane_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
