/*
 * What control's filter has to allow: a channel that is open needs four system calls, and attaching
 * (again, after the filter is in place) a dozen ordinary ones. Anything else kills the child.
 */
#include "../cmocka_all.h"

#include <stdlib.h>

#include "pair.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* they make calls of their own */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define ROUNDS 500

static const int talk[] = { SYS_recvfrom, SYS_sendto, SYS_poll, SYS_exit_group, -1 };

static const int attach[] = { SYS_socket,	 SYS_connect, SYS_recvmsg, SYS_getsockopt,
			      SYS_fcntl,	 SYS_mmap,    SYS_munmap,  SYS_madvise,
			      SYS_newfstatat,	 SYS_fstat,   SYS_close,   SYS_brk,
			      SYS_recvfrom,	 SYS_sendto,  SYS_poll,	   SYS_exit_group,
			      SYS_clock_gettime, -1 };

static void install(const int *calls)
{
	struct sock_filter code[64];
	struct sock_fprog program = { .filter = code };
	unsigned n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (; *calls >= 0; calls++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (unsigned)*calls, 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	program.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(9);
}

/* Sends, sleeps until the answer wakes it, takes it. */
static void converse(struct channel *channel, void *buffer)
{
	struct pollfd fds[] = { { .fd = channel_event_fd(channel), .events = POLLIN },
				{ .fd = channel_peer_fd(channel), .events = POLLIN } };

	for (uint64_t i = 1; i <= ROUNDS; i++) {
		struct contract_header h = { .length = 16, .type = CONTRACT_PROBE, .request = i };
		struct channel_part part = { &h, sizeof(h) };
		int rc;

		if (channel_send(channel, &part, 1))
			_exit(2);
		while ((rc = channel_receive(channel, buffer)) == 0) {
			if (!channel_may_sleep(channel))
				continue;
			if (poll(fds, 2, 5000) < 1 || channel_peer_lost(channel))
				_exit(3);
			channel_woken(channel);
		}
		if (rc < 0)
			_exit(4);
	}
}

static void run_control(const char *path, bool attach_filtered)
{
	void *buffer = aligned_alloc(64, CONTRACT_MESSAGE_MAX);
	struct channel *channel;

	if (attach_filtered)
		install(attach);
	for (int times = 0; times < (attach_filtered ? 3 : 1); times++) {
		while (channel_attach(&channel, path, 5000) == -EBUSY)
			poll(NULL, 0, 1);
		if (!attach_filtered)
			install(talk);
		converse(channel, buffer);
		if (attach_filtered)
			channel_close(channel);
	}
	_exit(0);
}

static void echo(struct channel *channel, void *buffer)
{
	struct pollfd fds[] = { { .fd = channel_event_fd(channel), .events = POLLIN },
				{ .fd = channel_peer_fd(channel), .events = POLLIN } };

	while (!channel_peer_lost(channel)) {
		struct channel_part part = { buffer, 16 };

		while (channel_receive(channel, buffer) == 1)
			if (channel_send(channel, &part, 1))
				return;
		if (channel_may_sleep(channel))
			poll(fds, 2, 5000);
		channel_woken(channel);
	}
}

static void serve(bool attach_filtered)
{
	struct pair pair;
	int status = 0;
	pid_t child;

	if (SANITIZED)
		skip();
	assert_int_equal(pair_listen(&pair), 0);
	child = fork();
	if (!child)
		run_control(pair.path, attach_filtered);
	for (int times = 0; times < (attach_filtered ? 3 : 1); times++) {
		assert_int_equal(pair_accept(&pair, &pair.dataplane, false, 0), 0);
		echo(pair.dataplane, pair.message);
		channel_close(pair.dataplane);
	}
	pair.dataplane = NULL;
	pair_close(&pair);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		fail_msg("killed by signal %d: a call that the list does not have",
			 WTERMSIG(status));
	assert_int_equal(status, 0);
}

static void test_open_channel(void **state)
{
	serve(false);
}

static void test_attach_again(void **state)
{
	serve(true);
}

/* The list is a real one: a call that is not on it ends the child. */
static void test_filter_bites(void **state)
{
	int status = 0;
	pid_t child;

	if (SANITIZED)
		skip();
	child = fork();
	if (!child) {
		install(talk);
		_exit(memfd_create("x", 0) >= 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_channel),
		cmocka_unit_test(test_attach_again),
		cmocka_unit_test(test_filter_bites),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
