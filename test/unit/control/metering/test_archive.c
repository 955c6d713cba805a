/*
 * The files of metering: hours, ranges, deaths, clocks that go wrong, and a disk that ends.
 */
#include "cmocka_all.h"
#include "control/metering/archive.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOUR UINT64_C(3600000)
#define NOON (UINT64_C(1795780800) * 1000) /* 2026-11-27T12:00:00Z */

static char folder[] = "/tmp/test_metering_XXXXXX";
static struct metering_archive *archive;
static const struct metering_limits all = { 100000 * HOUR, 1 << 30 };

static int setup(void **state)
{
	return metering_archive_new(&archive, folder);
}

/* The names of the archive's folder; how many there are. */
static uint32_t files(char names[][400], uint32_t room)
{
	char path[128];
	const struct dirent *entry;
	uint32_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/metering", folder);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && n < room)
			snprintf(names[n++], 400, "%s/%s", path, entry->d_name);
	if (dir)
		closedir(dir);
	return n;
}

static int teardown(void **state)
{
	static char names[200][400];

	for (uint32_t i = files(names, 200); i-- > 0;)
		unlink(names[i]);
	metering_archive_free(archive);
	return 0;
}

/* Another process. */
static void again(void)
{
	metering_archive_free(archive);
	assert_int_equal(metering_archive_new(&archive, folder), 0);
}

static void head(struct metering_state *s, const struct metering_limits *limits)
{
	struct text steps = { 0 };
	struct metering_frame frame = { .type = METERING_HEAD, .wall_ms = s->wall_ms };

	record_head(&steps, s);
	frame.steps = (struct span){ (const uint8_t *)steps.p, steps.n };
	assert_int_equal(metering_archive_begin(archive, &frame, limits), 0);
	text_fini(&steps);
}

/* Counts `bytes` more at this time. */
static int count(struct metering_state *s, uint64_t wall_ms, uint64_t bytes)
{
	uint64_t row[METERING_COUNTERS] = { s->items[0].seen[0] + bytes };
	struct metering_frame frame = { .type = METERING_CHANGE, .wall_ms = wall_ms };
	struct text steps = { 0 };
	int rc;

	record_count(&steps, 0, &s->items[0], row);
	frame.steps = (struct span){ (const uint8_t *)steps.p, steps.n };
	s->wall_ms = wall_ms;
	assert_int_equal(record_apply(s, frame.steps), 0);
	rc = metering_archive_append(archive, &frame);
	text_fini(&steps);
	return rc;
}

static void begin(struct metering_state *s, uint64_t wall_ms)
{
	const struct metering_subject subject = {
		.type = METERING_TUNNEL, .gateway = "gw", .connection = "c", .name = "t"
	};

	*s = (struct metering_state){ .wall_ms = wall_ms };
	assert_int_equal(metering_state_add(s, &subject), 0);
	head(s, &all);
}

static uint64_t at(uint64_t wall_ms)
{
	struct metering_state s = { 0 };
	uint64_t bytes;

	assert_int_equal(metering_archive_at(archive, &s, wall_ms), 0);
	bytes = s.count ? s.items[0].totals[0] : 0;
	metering_state_fini(&s);
	return bytes;
}

static void test_across_hours(void **state)
{
	struct metering_state s;
	uint64_t sum = 0;

	assert_int_equal(at(NOON), 0); /* nothing is there */
	begin(&s, NOON);
	for (uint64_t minute = 1; minute <= 600; minute++) {
		s.wall_ms = NOON + minute * 60000;
		if (minute % 60 == 0)
			head(&s, &all);
		assert_int_equal(count(&s, s.wall_ms, minute), 0);
	}
	assert_int_equal(at(NOON - 1), 0);
	assert_int_equal(at(NOON), 0);
	for (uint64_t minute = 1; minute <= 600; minute++) {
		sum += minute;
		assert_int_equal(at(NOON + minute * 60000), sum);
		assert_int_equal(at(NOON + minute * 60000 + 59999), sum);
	}
	assert_int_equal(at(UINT64_MAX), sum);
	metering_state_fini(&s);
}

static void test_goes_on_after_a_death(void **state)
{
	char names[4][400];
	struct metering_state s, loaded = { 0 };
	uint32_t aside;
	FILE *file;

	begin(&s, NOON);
	assert_int_equal(count(&s, NOON + 1000, 100), 0);
	assert_int_equal(count(&s, NOON + 5000, 10), 0);
	assert_int_equal(files(names, 4), 1);
	file = fopen(names[0], "r+");
	assert_non_null(file);
	fseek(file, -3, SEEK_END);
	assert_int_equal(ftruncate(fileno(file), ftell(file)), 0);
	fclose(file);
	again();
	assert_int_equal(metering_archive_load(archive, &loaded, &aside), 0);
	assert_int_equal(aside, 0);
	assert_int_equal(loaded.items[0].totals[0], 100);
	assert_int_equal(loaded.items[0].seen[0], 100);
	assert_int_equal(loaded.wall_ms, NOON + 1000);
	/* What died half written is not read, now and later. */
	loaded.wall_ms = NOON + 6000;
	head(&loaded, &all);
	assert_int_equal(count(&loaded, NOON + 7000, 1000), 0);
	assert_int_equal(at(NOON + 6500), 100);
	assert_int_equal(at(NOON + 7000), 1100);
	metering_state_fini(&loaded);
	metering_state_fini(&s);
}

/* Killed while a head was written: the file before says the same. */
static void test_half_a_head(void **state)
{
	struct metering_state s, loaded = { 0 };
	char names[4][400];
	uint32_t aside;

	begin(&s, NOON);
	assert_int_equal(count(&s, NOON + 1000, 100), 0);
	s.wall_ms = NOON + HOUR;
	head(&s, &all);
	assert_int_equal(files(names, 4), 2);
	for (uint32_t i = 0; i < 2; i++)
		if (strstr(names[i], "0000000002-"))
			assert_int_equal(truncate(names[i], 60), 0);
	again();
	assert_int_equal(metering_archive_load(archive, &loaded, &aside), 0);
	assert_int_equal(aside, 1);
	assert_int_equal(loaded.items[0].totals[0], 100);
	loaded.wall_ms = NOON + HOUR + 5000;
	head(&loaded, &all);
	assert_int_equal(files(names, 4), 3);
	assert_int_equal(at(NOON + HOUR), 100);
	metering_state_fini(&loaded);
	metering_state_fini(&s);
}

/* The clock was ten hours ahead for a while: ranges add up, none is negative. */
static void test_clock_goes_back(void **state)
{
	struct metering_state s;
	uint64_t before = 0;

	begin(&s, NOON);
	assert_int_equal(count(&s, NOON + 1000, 1), 0);
	s.wall_ms = NOON + 10 * HOUR;
	head(&s, &all);
	assert_int_equal(count(&s, NOON + 10 * HOUR + 1000, 10), 0);
	s.wall_ms = NOON + 20000;
	head(&s, &all);
	assert_int_equal(count(&s, NOON + 30000, 100), 0);
	assert_int_equal(at(NOON + 1000), 1);
	assert_int_equal(at(NOON + 20000), 11); /* what the wrong hours counted comes here */
	assert_int_equal(at(NOON + 30000), 111);
	assert_int_equal(at(NOON + 10 * HOUR + 2000), 111);
	s.wall_ms = NOON + 10 * HOUR;
	head(&s, &all);
	assert_int_equal(count(&s, NOON + 10 * HOUR + 5000, 1000), 0);
	for (uint64_t t = NOON - HOUR; t < NOON + 12 * HOUR; t += 500000) {
		uint64_t now = at(t);

		assert_true(now >= before);
		before = now;
	}
	assert_int_equal(before, 1111);
	metering_state_fini(&s);
}

static void test_old_files_go(void **state)
{
	const struct metering_limits ten_hours = { 10 * HOUR, 1 << 30 };
	struct metering_limits small = { 100000 * HOUR, 0 };
	struct metering_state s;
	char names[64][400];

	begin(&s, NOON);
	for (uint64_t hour = 1; hour <= 30; hour++) {
		s.wall_ms = NOON + hour * HOUR;
		head(&s, &ten_hours);
		assert_int_equal(count(&s, s.wall_ms + 1000, 1), 0);
	}
	/* the one that the tenth hour back is in, and those after it */
	assert_int_equal(files(names, 64), 12);
	/* what is before the first is how it begins */
	assert_int_equal(at(NOON), at(NOON + 19 * HOUR));
	assert_int_equal(at(NOON), 18);
	assert_int_equal(at(UINT64_MAX), 30);
	small.bytes = metering_archive_end(archive) * 5 / 2;
	head(&s, &small);
	assert_int_equal(files(names, 64), 2);
	assert_int_equal(at(UINT64_MAX), 30);
	metering_state_fini(&s);
}

/* A clock that jumps decades ahead takes two files with it, not all. */
static void test_a_wrong_clock_costs_little(void **state)
{
	const struct metering_limits ten_hours = { 10 * HOUR, 1 << 30 };
	struct metering_state s;
	char names[64][400];

	begin(&s, NOON);
	for (uint64_t hour = 1; hour <= 8; hour++) {
		s.wall_ms = NOON + hour * HOUR;
		head(&s, &ten_hours);
	}
	assert_int_equal(files(names, 64), 9);
	s.wall_ms = NOON + 200000 * HOUR;
	head(&s, &ten_hours);
	assert_int_equal(files(names, 64), 8);
	metering_state_fini(&s);
}

static void test_nothing_else_is_read(void **state)
{
	struct metering_state s = { 0 };
	char path[128];
	uint32_t aside;
	FILE *file;

	begin(&s, NOON);
	assert_int_equal(count(&s, NOON + 1, 5), 0);
	metering_state_fini(&s);
	snprintf(path, sizeof(path), "%s/metering/9999999999-20261127T1200xx.metering", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	again();
	assert_int_equal(metering_archive_load(archive, &s, &aside), 0);
	assert_int_equal(aside, 0);
	assert_int_equal(s.items[0].totals[0], 5);
	metering_state_fini(&s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_across_hours),	 TEST(test_goes_on_after_a_death),
		TEST(test_half_a_head),		 TEST(test_clock_goes_back),
		TEST(test_old_files_go),	 TEST(test_a_wrong_clock_costs_little),
		TEST(test_nothing_else_is_read),
	};
	char path[128];
	int rc;

	if (!mkdtemp(folder))
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(path, sizeof(path), "%s/metering", folder);
	rmdir(path);
	rmdir(folder);
	return rc;
}
