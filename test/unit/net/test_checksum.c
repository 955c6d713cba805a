/* RFC 1071 and RFC 1624 against the plain definition. */
#include "../cmocka_all.h"
#include "net/checksum.h"

#include <arpa/inet.h>
#include <string.h>

static uint16_t reference(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void test_rfc1071_example(void **state)
{
	/* Section 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2. */
	static const uint8_t bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	uint16_t check = net_checksum_fold(net_checksum_add(0, bytes, sizeof(bytes)));

	assert_int_equal(ntohs(check), (uint16_t)~0xddf2);
}

static void test_every_length_and_alignment(void **state)
{
	uint8_t bytes[160];
	uint32_t seed = 5;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
	for (size_t from = 0; from < 8; from++)
		for (size_t n = 0; n <= sizeof(bytes) - from; n++) {
			uint16_t check = net_checksum_fold(net_checksum_add(0, bytes + from, n));

			assert_int_equal(ntohs(check), reference(bytes + from, n));
		}
}

static void test_in_parts(void **state)
{
	uint8_t bytes[101];

	memset(bytes, 0xff, sizeof(bytes));
	bytes[100] = 0x80;
	for (size_t cut = 0; cut < sizeof(bytes); cut += 2) {
		uint64_t sum = net_checksum_add(0, bytes, cut);

		sum = net_checksum_add(sum, bytes + cut, sizeof(bytes) - cut);
		assert_int_equal(ntohs(net_checksum_fold(sum)), reference(bytes, sizeof(bytes)));
	}
}

static void test_many_ones_do_not_overflow(void **state)
{
	static uint8_t bytes[65536];

	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(net_checksum_fold(net_checksum_add(0, bytes, sizeof(bytes))), 0);
	assert_int_equal(net_checksum_fold(UINT64_MAX), 0);
}

static void test_adjust(void **state)
{
	uint16_t words[10];
	uint32_t seed = 11;

	for (int round = 0; round < 20000; round++) {
		uint16_t check, was, now;

		for (size_t i = 0; i < 10; i++)
			words[i] = (uint16_t)((seed = seed * 1664525 + 1013904223) >> 16);
		if (round % 3 == 0)
			words[4] = round % 2 ? 0 : 0xffff;
		check = net_checksum_fold(net_checksum_add(0, words, sizeof(words)));
		was = words[4];
		now = round % 7 ? (uint16_t)(seed >> 8) : 0xffff;
		words[4] = now;
		assert_int_equal(net_checksum_adjust(check, was, now),
				 net_checksum_fold(net_checksum_add(0, words, sizeof(words))));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc1071_example),
		cmocka_unit_test(test_every_length_and_alignment),
		cmocka_unit_test(test_in_parts),
		cmocka_unit_test(test_many_ones_do_not_overflow),
		cmocka_unit_test(test_adjust),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
