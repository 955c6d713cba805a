/*
 * What the control program may no longer do once it has started. Each case runs in a child of its
 * own, because a filter cannot be taken off.
 */
#include "cmocka_all.h"
#include "privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit code of the child: 0 when the case held. */
static int in_child(int (*holds)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (privileges_no_core() < 0 || privileges_sandbox() < 0)
			_exit(100);
		_exit(holds());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status)); /* refused, not killed */
	return WEXITSTATUS(status);
}

static int no_exec(void)
{
	execl("/bin/true", "true", NULL);
	return errno == EPERM ? 0 : 1;
}

static int no_fork(void)
{
	pid_t pid = fork();

	return pid < 0 && errno == EPERM ? 0 : 1;
}

static int no_trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 && errno == EPERM ? 0 : 1;
}

static int no_mount(void)
{
	return chroot("/") < 0 && errno == EPERM ? 0 : 1;
}

static void *thread(void *result)
{
	*(int *)result = 7;
	return NULL;
}

static int threads_work(void)
{
	pthread_t id;
	int result = 0;

	if (pthread_create(&id, NULL, thread, &result) || pthread_join(id, NULL))
		return 1;
	return result == 7 ? 0 : 1;
}

static int files_and_sockets_work(void)
{
	int file = open("/dev/null", O_RDWR);
	int sock = socket(AF_INET, SOCK_STREAM, 0);

	return file >= 0 && sock >= 0 && write(file, "x", 1) == 1 ? 0 : 1;
}

static int no_core(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_cur || limit.rlim_max)
		return 1;
	return 0;
}

static void test_what_is_refused(void **state)
{
	assert_int_equal(in_child(no_exec), 0);
	assert_int_equal(in_child(no_fork), 0);
	assert_int_equal(in_child(no_trace), 0);
	assert_int_equal(in_child(no_mount), 0);
}

static void test_what_goes_on(void **state)
{
	assert_int_equal(in_child(threads_work), 0);
	assert_int_equal(in_child(files_and_sockets_work), 0);
}

static void test_no_core_dump(void **state)
{
	assert_int_equal(in_child(no_core), 0);
}

static int dumpable(void)
{
	return prctl(PR_GET_DUMPABLE);
}

static void test_nobody_else_looks(void **state)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(privileges_no_core() == 0 ? dumpable() : 100);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_what_goes_on),
		cmocka_unit_test(test_no_core_dump),
		cmocka_unit_test(test_nobody_else_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
