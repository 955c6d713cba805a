/* Bytes at an offset: whole, cut at the end of the file, refused. */
#include "../cmocka_all.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void test_at_an_offset(void **state)
{
	FILE *file = tmpfile();
	char text[16] = { 0 };

	(void)state;
	assert_non_null(file);
	assert_int_equal(file_write_all(fileno(file), "0123456789", 10, 0), 0);
	assert_int_equal(file_write_all(fileno(file), "abc", 3, 8), 0);
	assert_int_equal(file_read_all(fileno(file), text, 5, 6), 5);
	assert_string_equal(text, "67abc");
	fclose(file);
}

static void test_end_of_file(void **state)
{
	FILE *file = tmpfile();
	char text[16] = { 0 };

	(void)state;
	assert_non_null(file);
	assert_int_equal(file_write_all(fileno(file), "0123", 4, 0), 0);
	assert_int_equal(file_read_all(fileno(file), text, sizeof(text), 1), 3);
	assert_string_equal(text, "123");
	assert_int_equal(file_read_all(fileno(file), text, sizeof(text), 4), 0);
	fclose(file);
}

static void test_refused(void **state)
{
	char text[4];

	(void)state;
	assert_int_equal(file_write_all(-1, "a", 1, 0), -EBADF);
	assert_int_equal(file_write_all(-1, "a", 0, 0), 0);
	assert_int_equal(file_read_all(-1, text, sizeof(text), 0), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_an_offset),
		cmocka_unit_test(test_end_of_file),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
