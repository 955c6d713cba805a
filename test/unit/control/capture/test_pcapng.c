#include "control/capture/pcapng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/test_pcapng_XXXXXX";
static char path[64];

static uint32_t at32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* Reads a file block by block: both lengths agree and it ends where it should. Gives its packets.
 */
static uint32_t check(const char *name, uint32_t *last_sequence)
{
	static uint8_t bytes[1 << 20];
	FILE *file = fopen(name, "r");
	size_t n = file ? fread(bytes, 1, sizeof(bytes), file) : 0;
	uint32_t interfaces = 0;
	uint32_t packets = 0;

	assert_non_null(file);
	fclose(file);
	assert_int_equal(at32(bytes), 0x0a0d0d0a);
	for (size_t at = 0; at < n;) {
		uint32_t type = at32(bytes + at);
		uint32_t length = at32(bytes + at + 4);

		assert_int_equal(length % 4, 0);
		assert_true(at + length <= n);
		assert_int_equal(at32(bytes + at + length - 4), length);
		interfaces += type == 1;
		if (type == 6) {
			packets++;
			assert_true(at32(bytes + at + 8) < interfaces);
			assert_int_equal(at32(bytes + at + 20), 3);   /* kept */
			assert_int_equal(at32(bytes + at + 24), 100); /* of so many */
			assert_memory_equal(bytes + at + 28, "abc", 3);
			*last_sequence = at32(bytes + at + 16); /* low half of the time */
		}
		at += length;
	}
	assert_int_equal(interfaces, 3);
	return packets;
}

static void add(struct pcapng *file, uint32_t i)
{
	const struct contract_captured as = {
		.length = 100, .kept = 5, .layer = (uint8_t)(1 + i % 3), .outbound = i & 1
	};

	assert_int_equal(
		pcapng_add(file, &(struct pcapng_packet){ .as = &as,
							  .bytes = (const uint8_t *)"abcde",
							  .snap = 3,
							  .wall_ns = i,
							  .comment = "tunnel=x" }),
		0);
}

static void test_one_file(void **state)
{
	struct pcapng *file;
	uint32_t last;

	assert_int_equal(pcapng_new(&file, path, 1000000), 0);
	assert_null(pcapng_name(file, 2));
	for (uint32_t i = 0; i < 10; i++)
		add(file, i);
	assert_int_equal(pcapng_flush(file), 0);
	assert_int_equal(check(pcapng_name(file, 1), &last), 10);
	assert_int_equal(last, 9);
	pcapng_free(file);
}

/* Both files together never pass the limit by more than a block, and hold the last packets. */
static void test_ring(void **state)
{
	struct pcapng *file;
	struct stat a;
	struct stat b;
	uint32_t last[2];
	uint32_t packets;

	assert_int_equal(pcapng_new(&file, path, 20000), 0);
	for (uint32_t i = 0; i < 1000; i++)
		add(file, i);
	assert_int_equal(pcapng_flush(file), 0);
	assert_int_equal(stat(pcapng_name(file, 1), &a), 0);
	assert_int_equal(stat(pcapng_name(file, 2), &b), 0);
	assert_true(a.st_size + b.st_size <= 20000 + 200);
	packets = check(pcapng_name(file, 1), &last[0]) + check(pcapng_name(file, 2), &last[1]);
	assert_int_equal(last[0] > last[1] ? last[0] : last[1], 999);
	assert_true(packets > 100 && packets < 400);
	pcapng_free(file);
}

static void test_no_disk(void **state)
{
	struct pcapng *file;

	assert_int_equal(pcapng_new(&file, "/nowhere/at/all", 1000), -2);
}

static int setup(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/c", folder);
	return 0;
}

static int teardown(void **state)
{
	char name[128];

	for (int i = 1; i <= 2; i++) {
		snprintf(name, sizeof(name), "%s-%d.pcapng", path, i);
		unlink(name);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_file),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_no_disk),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
