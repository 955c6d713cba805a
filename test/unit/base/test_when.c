#include "base/when.h"

#include "../cmocka_all.h"

static void test_parses(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} rows[] = {
		{ "1970-01-01", 0 },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-28T06:30:05Z", 1795847405000 },
		{ "2026-11-28T06:30:05.25Z", 1795847405250 },
		{ "2026-11-28T06:30:05.123456789Z", 1795847405123 },
		{ "2026-11-28T06:30Z", 1795847400000 },
		{ "2026-11-28T08:30:05+02:00", 1795847405000 },
		{ "2026-11-28T08:30:05 02:00", 1795847405000 },
		{ "2026-11-28T01:00:05-0530", 1795847405000 },
		{ "2024-02-29", 1709164800000 },
		{ "2023-02-29", -1 },
		{ "2026-13-01", -1 },
		{ "2026-00-01", -1 },
		{ "2026-04-31", -1 },
		{ "1969-12-31", -1 },
		{ "1970-01-01T00:00:00+01:00", -1 },
		{ "2026-11-28T24:00:00Z", -1 },
		{ "2026-11-28T06:30:60Z", -1 },
		{ "2026-11-28T06:30:05", -1 },
		{ "2026-11-28T06:30:05Zx", -1 },
		{ "2026-11-28T06:30:05.Z", -1 },
		{ "2026-11-28Z", -1 },
		{ "2026-11-28T06:30:05+15:00", -1 },
		{ "yesterday", -1 },
		{ "", -1 },
		{ "20261128", -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t ms = 0;
		int rc = when_parse(rows[i].text, &ms);

		assert_int_equal(rc == 0 ? (int64_t)ms : -1, rows[i].ms);
	}
}

static void test_writes(void **state)
{
	char text[WHEN_TEXT];
	uint64_t again;

	assert_string_equal(when_text(text, 0), "1970-01-01T00:00:00.000Z");
	assert_string_equal(when_text(text, 1795847405250), "2026-11-28T06:30:05.250Z");
	assert_int_equal(when_parse(text, &again), 0);
	assert_int_equal(again, 1795847405250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parses),
		cmocka_unit_test(test_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
