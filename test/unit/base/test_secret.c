/* The locked pool: reuse after wipe, exhaustion, fork, the memory lock limit, comparison. */
#include "../cmocka_all.h"
#include "base/secret.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define POOL 8192

static int setup(void **state)
{
	return secret_pool_init(POOL);
}

static int teardown(void **state)
{
	secret_pool_fini();
	return 0;
}

static void test_life(void **state)
{
	struct secret a, b;

	assert_int_equal(secret_copy(&a, "key material", 12), 0);
	assert_int_equal(secret_new(&b, 100), 0);
	assert_memory_equal(secret_span(&a).p, "key material", 12);
	for (size_t i = 0; i < b.n; i++)
		assert_int_equal(b.p[i], 0);
	assert_true(a.p + a.n <= b.p || b.p + b.n <= a.p);
	secret_free(&a);
	assert_null(a.p);
	secret_free(&a);
	secret_free(&b);
}

static void test_freed_is_wiped(void **state)
{
	struct secret a;
	uint8_t *was;

	assert_int_equal(secret_new(&a, 64), 0);
	was = a.p;
	memset(a.p, 0xee, a.n);
	secret_free(&a);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(was[i], 0);
}

static void test_exhausted_and_reused(void **state)
{
	struct secret all[POOL / 32 + 1];
	size_t n = 0;

	while (secret_new(&all[n], 32) == 0)
		n++;
	assert_int_equal(n, POOL / 32);
	assert_int_equal(secret_new(&all[n], 1), -ENOMEM);
	secret_free(&all[10]);
	secret_free(&all[11]);
	secret_free(&all[13]);
	assert_int_equal(secret_new(&all[10], 65), -ENOMEM);
	assert_int_equal(secret_new(&all[10], 64), 0);
	for (size_t i = 0; i < n; i++)
		secret_free(&all[i]);
	assert_int_equal(secret_new(&all[0], POOL + 1), -ENOMEM);
	assert_int_equal(secret_new(&all[0], POOL), 0);
	secret_free(&all[0]);
	assert_int_equal(secret_new(&all[0], 0), 0);
	assert_null(all[0].p);
}

static void test_child_sees_zeroes(void **state)
{
	struct secret a;
	int status = 0;
	pid_t child;

	assert_int_equal(secret_copy(&a, "secret", 6), 0);
	child = fork();
	if (!child)
		_exit(a.p[0] == 0 && a.p[5] == 0 ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_memory_equal(a.p, "secret", 6);
	secret_free(&a);
}

/* VmFlags of the mapping: lo locked, dd not in dumps, wf wiped on fork. */
static void test_mapping_flags(void **state)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	char line[512], flags[256] = "";
	struct secret a;
	bool here = false;

	assert_non_null(maps);
	assert_int_equal(secret_new(&a, 1), 0);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (unsigned long)a.p >= from && (unsigned long)a.p < to;
		else if (here && !strncmp(line, "VmFlags:", 8))
			snprintf(flags, sizeof(flags), "%.200s", line + 8);
	}
	fclose(maps);
	secret_free(&a);
	assert_non_null(strstr(flags, " dd"));
	assert_non_null(strstr(flags, " wf"));
#if !defined(__SANITIZE_ADDRESS__)
	assert_non_null(strstr(flags, " lo"));
#endif
}

static void test_second_pool_refused(void **state)
{
	assert_int_equal(secret_pool_init(POOL), -EBUSY);
}

static void test_equal_and_random(void **state)
{
	uint8_t a[64] = { 0 }, b[64] = { 0 };

	assert_true(secret_equal(a, b, sizeof(a)));
	for (size_t i = 0; i < sizeof(a); i++) {
		b[i] ^= 0x80;
		assert_false(secret_equal(a, b, sizeof(a)));
		assert_true(secret_equal(a, b, i));
		b[i] ^= 0x80;
	}
	assert_int_equal(secret_random(a, sizeof(a)), 0);
	assert_int_equal(secret_random(b, sizeof(b)), 0);
	assert_false(secret_equal(a, b, sizeof(a)));
	secret_wipe(a, sizeof(a));
	assert_int_equal(a[0] | a[63], 0);
	secret_wipe(NULL, 0);
}

/* A forked child has none of the bytes that its parent fetched before. */
static void test_random_after_fork(void **state)
{
	uint8_t ours[16], theirs[16] = { 0 };
	int ends[2], status = 0;
	pid_t child;

	assert_int_equal(secret_random(ours, 1), 0); /* now there is a stock */
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child)
		_exit(secret_random(theirs, sizeof(theirs)) ||
		      write(ends[1], theirs, sizeof(theirs)) != (ssize_t)sizeof(theirs));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(read(ends[0], theirs, sizeof(theirs)), sizeof(theirs));
	assert_int_equal(secret_random(ours, sizeof(ours)), 0);
	assert_memory_not_equal(ours, theirs, sizeof(ours));
	close(ends[0]);
	close(ends[1]);
}

/* What comes out of the stock comes once, over its end as well. */
static void test_random_once(void **state)
{
	static uint8_t all[300][8];

	for (size_t i = 0; i < 300; i++) {
		assert_int_equal(secret_random(all[i], sizeof(all[i])), 0);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(all[k], all[i], sizeof(all[i]));
	}
}

static void test_no_pool(void **state)
{
	struct secret a;

	assert_int_equal(secret_new(&a, 1), -ENOMEM);
	secret_free(&a);
	assert_int_equal(secret_pool_init(0), -EINVAL);
	secret_pool_fini();
}

/* An unprivileged process over RLIMIT_MEMLOCK gets an error, not a pool that swaps. */
static void test_lock_limit(void **state)
{
#if !defined(__SANITIZE_ADDRESS__)
	int status = 0;
	pid_t child = fork();

	if (!child) {
		struct rlimit none = { 4096, 4096 };

		if (setrlimit(RLIMIT_MEMLOCK, &none) || (!getuid() && setuid(65534)))
			_exit(2);
		_exit(secret_pool_init(1 << 20) == -ENOMEM && secret_pool_init(4096) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
#endif
}

/* Two threads never hold the same bytes. */
static void *take_and_give(void *mark)
{
	for (int i = 0; i < 20000; i++) {
		struct secret secret;

		if (secret_new(&secret, 40))
			return mark;
		memset(secret.p, *(uint8_t *)mark, secret.n);
		for (size_t k = 0; k < secret.n; k++)
			if (secret.p[k] != *(uint8_t *)mark)
				return mark;
		secret_free(&secret);
	}
	return NULL;
}

static void test_two_threads(void **state)
{
	uint8_t marks[2] = { 1, 2 };
	pthread_t threads[2];
	void *failed;

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &marks[i]), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_pool),
		cmocka_unit_test(test_lock_limit),
		cmocka_unit_test_setup_teardown(test_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_freed_is_wiped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exhausted_and_reused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_child_sees_zeroes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mapping_flags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_pool_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random_after_fork, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random_once, setup, teardown),
		cmocka_unit_test(test_equal_and_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
