/*
 * Old capture files make room, the oldest first, and nothing else does.
 */
#include "control/capture/sweep.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/vpngw-sweep-XXXXXX";

static void make(const char *name, off_t bytes, time_t changed)
{
	struct timespec times[2] = { { .tv_sec = changed }, { .tv_sec = changed } };
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, bytes), 0);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static bool there(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

static bool in_use(void *context, const char *name)
{
	return context && !strcmp(name, context);
}

static void test_oldest_first(void **state)
{
	make("a-1.pcapng", 1000, 300);
	make("b-1.pcapng", 1000, 100);
	make("c-1.pcapng", 1000, 200);
	make("d-1.pcapng", 1000, 400);
	assert_int_equal(sweep_folder(folder, 4000, in_use, NULL), 0);
	assert_true(there("b-1.pcapng"));
	assert_int_equal(sweep_folder(folder, 2500, in_use, NULL), 0);
	assert_false(there("b-1.pcapng"));
	assert_false(there("c-1.pcapng"));
	assert_true(there("a-1.pcapng"));
	assert_true(there("d-1.pcapng"));
}

/* What is written counts for nothing, and what is no capture is not ours. */
static void test_others_stay(void **state)
{
	char used[] = "a-1.pcapng";

	make("a-1.pcapng", 1000, 1);
	make("d-1.pcapng", 1000, 2);
	make("notes", 5000, 3);
	make(".pcapng", 5000, 4);
	assert_int_equal(sweep_folder(folder, 0, in_use, used), 0);
	assert_true(there("a-1.pcapng"));
	assert_false(there("d-1.pcapng"));
	assert_true(there("notes"));
	assert_true(there(".pcapng"));
}

static void on_seen(void *context, const struct sweep_seen *seen)
{
	char *names = context;

	assert_int_equal(seen->bytes, 1000);
	snprintf(names + strlen(names), 64 - strlen(names), "%s %llu;", seen->name,
		 (unsigned long long)seen->changed_wall_ms);
}

static void test_newest_is_listed_first(void **state)
{
	char names[64] = "";

	make("a-1.pcapng", 1000, 7);
	make("d-1.pcapng", 1000, 9);
	make("notes", 5000, 8);
	assert_int_equal(sweep_each(folder, on_seen, names), 0);
	assert_string_equal(names, "d-1.pcapng 9000;a-1.pcapng 7000;");
}

static void test_names(void **state)
{
	assert_true(sweep_is_capture("a-1.pcapng"));
	assert_false(sweep_is_capture("../a-1.pcapng"));
	assert_false(sweep_is_capture("a/b.pcapng"));
	assert_false(sweep_is_capture(".pcapng"));
	assert_false(sweep_is_capture("notes"));
}

static void test_no_folder(void **state)
{
	assert_int_equal(sweep_folder("/tmp/vpngw-sweep-there-is-none", 0, in_use, NULL), 0);
	assert_int_equal(sweep_each("/tmp/vpngw-sweep-there-is-none", on_seen, NULL), 0);
}

static int setup(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = { "a-1.pcapng", "d-1.pcapng", "notes", ".pcapng" };
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_oldest_first),
					    cmocka_unit_test(test_others_stay),
					    cmocka_unit_test(test_newest_is_listed_first),
					    cmocka_unit_test(test_names),
					    cmocka_unit_test(test_no_folder) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
