/* Warnings before loss: what is told when, over hours of a clock of the test's own. */
#include "../../cmocka_all.h"
#include "base/log.h"
#include "warn.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUARTER (CLOCK_NS_PER_S / 4)
#define CYCLES_PER_QUARTER 500

static int ends[2];
static char said[16384];
static struct warn warn;
static struct warn_seen seen;
static uint64_t now;

static int setup(void **state)
{
	unsetenv("JOURNAL_STREAM");
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC))
		return -1;
	log_init(ends[1]);
	memset(&warn, 0, sizeof(warn));
	seen = (struct warn_seen){ .buffers = 1000, .buffers_free = 1000, .workers = 2 };
	now = 3 * CLOCK_NS_PER_S; /* since boot */
	return log_set_levels("info");
}

static int teardown(void **state)
{
	log_init(2);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

/* A quarter of a second passes in which worker 0 was busy by so much. */
static void quarter(unsigned int percent)
{
	now += QUARTER;
	seen.cycles[0].busy += CYCLES_PER_QUARTER * percent / 100;
	seen.cycles[0].idle += CYCLES_PER_QUARTER * (100 - percent) / 100;
	seen.cycles[1].idle += CYCLES_PER_QUARTER;
	warn_look(&warn, &seen, now);
}

static void seconds(unsigned int n, unsigned int percent)
{
	for (unsigned int i = 0; i < 4 * n; i++)
		quarter(percent);
}

/* Lines since it was last asked; their text is in `said`. */
static unsigned int lines(void)
{
	ssize_t n = read(ends[0], said, sizeof(said) - 1);
	unsigned int count = 0;

	said[n > 0 ? n : 0] = '\0';
	for (const char *c = said; *c; c++)
		count += *c == '\n';
	return count;
}

#define assert_said(count, text)                                                                   \
	do {                                                                                       \
		assert_int_equal(lines(), count);                                                  \
		assert_non_null(strstr(said, text));                                               \
	} while (0)

static void test_pause(void **state)
{
	struct warn_state s = { 0 };
	unsigned int told = 0;

	for (uint64_t t = 0; t <= 3600; t++) /* an hour of it: a line a minute */
		told += warn_step(&s, true, (5 + t) * CLOCK_NS_PER_S) == WARN_TELL;
	assert_int_equal(told, 61);
	assert_int_equal(warn_step(&s, false, 3614 * CLOCK_NS_PER_S), WARN_NOTHING);
	assert_int_equal(warn_step(&s, false, 3615 * CLOCK_NS_PER_S), WARN_OVER);
	assert_int_equal(warn_step(&s, false, 3616 * CLOCK_NS_PER_S), WARN_NOTHING);
	/* within the minute it does not begin again, and what was not told does not end */
	assert_int_equal(warn_step(&s, true, 3617 * CLOCK_NS_PER_S), WARN_NOTHING);
	assert_int_equal(warn_step(&s, false, 3640 * CLOCK_NS_PER_S), WARN_NOTHING);
	assert_int_equal(warn_step(&s, true, 3665 * CLOCK_NS_PER_S), WARN_TELL);
}

/* What comes and goes four times a second, for an hour: a line a minute, and the end. */
static void test_flapping(void **state)
{
	struct warn_state s = { 0 };
	uint64_t t = CLOCK_NS_PER_S;
	unsigned int told = 0, over = 0;

	for (unsigned int i = 0; i < 4 * 3600; i++) {
		enum warn_word word = warn_step(&s, i % 2, t += QUARTER);

		told += word == WARN_TELL;
		over += word == WARN_OVER;
	}
	assert_int_equal(told, 60);
	assert_int_equal(over, 0);
	assert_int_equal(warn_step(&s, false, t + WARN_OVER_NS), WARN_OVER);
}

static void test_worker(void **state)
{
	seconds(30, 90);
	assert_int_equal(lines(), 0);
	seconds(3, 98); /* the first second has but a quarter of it */
	assert_said(1, "warn worker: worker 0 was busy 92 %");
	assert_non_null(strstr(said, "--cores, or --spread-inbound"));
	seconds(50, 100);
	assert_int_equal(lines(), 0);
	seconds(10, 100);
	assert_said(1, "worker 0 was busy 100 %");
	seconds(9, 20);
	assert_int_equal(lines(), 0);
	seconds(5, 20);
	assert_said(1, "worker 0 has time to spare again busy=20%");
	seconds(600, 20);
	assert_int_equal(lines(), 0);
	seen.spread = true;
	seconds(2, 100);
	assert_said(1, "give more --cores\n");
}

/* Bursts shorter than a second, and a worker that stands, are no load. */
static void test_no_load(void **state)
{
	for (unsigned int i = 0; i < 100; i++)
		quarter(i % 4 ? 100 : 0);
	assert_int_equal(lines(), 0);
	seconds(2, 100);
	assert_int_equal(lines(), 1);
	for (unsigned int i = 0; i < 4 * 30; i++) { /* no cycles */
		now += QUARTER;
		seen.cycles[1].idle += CYCLES_PER_QUARTER;
		warn_look(&warn, &seen, now);
	}
	assert_int_equal(lines(), 0);
}

static void test_buffers(void **state)
{
	seen.buffers_free = 100;
	seconds(10, 0);
	assert_int_equal(lines(), 0);
	seen.buffers_free = 99;
	seconds(59, 0);
	assert_said(1, "packet buffers run out free=99 of=1000; give more --buffers");
	seconds(60, 0);
	assert_said(1, "packet buffers run out");
	seen.buffers_free = 800;
	seconds(30, 0);
	assert_said(1, "there are packet buffers again free=800 of=1000");
}

/* Told while nothing is lost yet. */
static void test_levels(void **state)
{
	seen.high = 3;
	quarter(0);
	assert_said(1, "receive rings are over four fifths full because workers are late");
	for (unsigned int i = 0; i < 4 * 59; i++) {
		seen.high += 1;
		quarter(0);
	}
	assert_int_equal(lines(), 0);
	seconds(20, 0);
	assert_said(1, "receive rings have room again");
	seconds(100, 0);
	assert_int_equal(lines(), 0);
}

/* Each packet is told once, also those that were lost in a pause. */
static void test_rings(void **state)
{
	seen.missed = 7;
	quarter(0);
	assert_said(1, "packets=7; give more --cores");
	for (unsigned int i = 0; i < 4 * 59; i++) {
		seen.missed += 1;
		quarter(0);
	}
	assert_int_equal(lines(), 0);
	for (unsigned int i = 0; i < 4; i++) {
		seen.missed += 1;
		quarter(0);
	}
	assert_said(1, "packets=240;");
	seen.missed += 5;
	seconds(20, 0);
	assert_said(1, "NICs drop no packets any more packets=5");
	seconds(100, 0);
	assert_int_equal(lines(), 0);
}

#define with_log(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pause), cmocka_unit_test(test_flapping),
		with_log(test_worker),	      with_log(test_no_load),
		with_log(test_buffers),	      with_log(test_levels),
		with_log(test_rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
