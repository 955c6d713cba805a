/* Lines as they reach the descriptor: levels, escapes, cut, journal prefix, rate limit. */
#include "../cmocka_all.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int ends[2];
static char seen[65536];
static struct log_limit limits[3];

static int setup(void **state)
{
	unsetenv("JOURNAL_STREAM");
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC))
		return -1;
	log_init(ends[1]);
	memset(limits, 0, sizeof(limits));
	return log_set_levels("info");
}

static int teardown(void **state)
{
	log_init(2);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static const char *drain(void)
{
	ssize_t n = read(ends[0], seen, sizeof(seen) - 1);

	seen[n > 0 ? n : 0] = 0;
	return seen;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void test_line(void **state)
{
	int year, ms;

	errno = ENOENT;
	log_info("ike", "SA established spi=%08x", 0xabu);
	assert_int_equal(errno, ENOENT);
	drain();
	assert_int_equal(sscanf(seen, "%4d-%*2d-%*2dT%*2d:%*2d:%*2d.%3dZ", &year, &ms), 2);
	assert_string_equal(seen + 24, " info ike: SA established spi=000000ab\n");
}

static void test_levels(void **state)
{
	log_debug("ike", "hidden");
	assert_string_equal(drain(), "");
	assert_int_equal(log_set_levels("warn,ike=debug,rest=error"), 0);
	assert_true(log_enabled("ike", LOG_DEBUG));
	assert_false(log_enabled("rest", LOG_WARN));
	assert_true(log_enabled("other", LOG_WARN));
	assert_false(log_enabled("other", LOG_INFO));
	log_debug("ike", "shown");
	assert_non_null(strstr(drain(), "shown"));
}

static void test_bad_levels_change_nothing(void **state)
{
	static const char *const bad[] = {
		"",	      "loud",  "info,",
		"ike=",	      "=warn", "ike=loud",
		"info,,warn", "INFO",  "averyveryverylongtopicname=info"
	};

	assert_int_equal(log_set_levels("error,ike=debug"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(log_set_levels(bad[i]), -EINVAL);
		assert_true(log_enabled("ike", LOG_DEBUG));
		assert_false(log_enabled("rest", LOG_WARN));
	}
}

static void test_one_line_stays_one(void **state)
{
	log_warn("rest", "a%sb", "\n2026 forged\x1b[31m\r\t");
	drain();
	assert_int_equal(count_lines(seen), 1);
	assert_null(strchr(seen, '\x1b'));
	assert_non_null(strstr(seen, "a?2026 forged?[31m??b"));
}

static void test_long_line_is_cut(void **state)
{
	char *big = test_malloc(10000);

	memset(big, 'x', 9999);
	big[9999] = 0;
	log_error("rest", "%s", big);
	test_free(big);
	drain();
	assert_int_equal(count_lines(seen), 1);
	assert_int_equal(strlen(seen), 2047);
	assert_string_equal(seen + 2043, "...\n");
}

static void test_journal_prefix(void **state)
{
	char stream[64];
	struct stat st;

	assert_int_equal(fstat(ends[1], &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init(ends[1]);
	log_error("ike", "gone");
	log_warn("ike", "odd");
	assert_string_equal(drain(), "<3>error ike: gone\n<4>warn ike: odd\n");
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_init(ends[1]);
	log_error("ike", "gone");
	assert_int_not_equal(drain()[0], '<');
	unsetenv("JOURNAL_STREAM");
}

static void flood(struct log_limit *limit, int lines)
{
	for (int i = 0; i < lines; i++)
		log_limited(limit, "ike", LOG_WARN, "flood i=%d", i);
}

static void two_seconds_later(void)
{
	for (int i = 0; i < 3; i++)
		limits[i].window_start_ns -= UINT64_C(2000000000);
}

static void test_rate_limit(void **state)
{
	flood(&limits[0], 75);
	assert_int_equal(count_lines(drain()), 50);
	two_seconds_later();
	log_limited(&limits[0], "ike", LOG_WARN, "flood again");
	drain();
	assert_int_equal(count_lines(seen), 2);
	assert_non_null(strstr(seen, "warn ike: lines of this kind were left out count=25"));
	assert_non_null(strstr(seen, "flood again"));
	flood(&limits[0], 60); /* a window of its own: 1 and 49 */
	assert_int_equal(count_lines(drain()), 49);
	two_seconds_later();
	log_tell_left_out();
	assert_non_null(strstr(drain(), "count=11"));
}

/* A flood that ends is counted too: by the next line of any kind, or by a timer. */
static void test_end_of_flood_is_told(void **state)
{
	for (int i = 0; i < 3; i++)
		flood(&limits[i], 51 + i);
	assert_int_equal(count_lines(drain()), 150);
	log_info("rest", "too early");
	assert_int_equal(count_lines(drain()), 1);
	limits[1].window_start_ns -= UINT64_C(2000000000);
	log_info("rest", "later");
	assert_non_null(strstr(drain(), "count=2"));
	assert_int_equal(count_lines(seen), 2);
	two_seconds_later();
	log_tell_left_out();
	drain();
	assert_int_equal(count_lines(seen), 2);
	assert_non_null(strstr(seen, "count=1\n"));
	assert_non_null(strstr(seen, "count=3\n"));
	log_tell_left_out();
	assert_string_equal(drain(), "");
}

static const char *escaped(char *buf, size_t size, const char *text, size_t n)
{
	return log_text(buf, size, (struct span){ (const uint8_t *)text, n });
}

static void test_text_escapes(void **state)
{
	char buf[64];

	assert_string_equal(escaped(buf, sizeof(buf), "branch-1", 8), "branch-1");
	assert_string_equal(escaped(buf, sizeof(buf), "a b\n=\"\\\x7f\xff\0", 9),
			    "a\\x20b\\x0a\\x3d\\x22\\x5c\\x7f\\xff");
	assert_string_equal(escaped(buf, sizeof(buf), "\0", 1), "\\x00");
	assert_string_equal(escaped(buf, sizeof(buf), "", 0), "");
}

static void test_text_is_cut_at_every_size(void **state)
{
	static const char from[] = "ab\ncd\nef";

	for (size_t size = 1; size < 24; size++) {
		char buf[32];

		memset(buf, 0x5a, sizeof(buf));
		escaped(buf, size, from, 8);
		assert_true(strlen(buf) < size);
		assert_int_equal(buf[size], 0x5a);
		if (size < 15 && size >= 4)
			assert_string_equal(buf + strlen(buf) - 3, "...");
		if (size >= 15)
			assert_string_equal(buf, "ab\\x0acd\\x0aef");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_levels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_levels_change_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_line_stays_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_line_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_journal_prefix, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rate_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_of_flood_is_told, setup, teardown),
		cmocka_unit_test(test_text_escapes),
		cmocka_unit_test(test_text_is_cut_at_every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
