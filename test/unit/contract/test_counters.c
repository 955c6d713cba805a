/* The counter area: sums, what control may not do with it, and areas that do not hold together. */
#include "../cmocka_all.h"
#include "contract/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint32_t rows[CONTRACT_SECTIONS] = { 1, 5, 1000, 100, 10, 1, 100, 1 };

static struct contract_counters made, mapped;

static int setup(void **state)
{
	int rc = contract_counters_create(&made, 3, rows);

	return rc ? rc : contract_counters_map(&mapped, made.fd);
}

static int teardown(void **state)
{
	contract_counters_unmap(&mapped);
	contract_counters_unmap(&made);
	return 0;
}

static void test_sum_and_max(void **state)
{
	for (uint32_t worker = 0; worker < 3; worker++) {
		uint64_t *row = contract_counters_row(&made, CONTRACT_COUNT_SAS, worker, 999);

		row[CONTRACT_SA_PACKETS] = 10 + worker;
		row[CONTRACT_SA_LAST_NS] = 100 * (worker == 1);
	}
	assert_int_equal(
		contract_counters_sum(&mapped, CONTRACT_COUNT_SAS, 999, CONTRACT_SA_PACKETS), 33);
	assert_int_equal(
		contract_counters_max(&mapped, CONTRACT_COUNT_SAS, 999, CONTRACT_SA_LAST_NS), 100);
	assert_int_equal(
		contract_counters_sum(&mapped, CONTRACT_COUNT_SAS, 998, CONTRACT_SA_PACKETS), 0);
	assert_int_equal(contract_counters_sum(&mapped, CONTRACT_COUNT_SAS, UINT32_MAX, 0), 0);
	assert_int_equal(contract_counters_sum(&mapped, CONTRACT_COUNT_SAS, 0, 99), 0);
	assert_int_equal(contract_counters_sum(&mapped, CONTRACT_SECTIONS, 0, 0), 0);
}

static void test_whole_rows(void **state)
{
	uint64_t columns[CONTRACT_TUNNEL_COLUMNS];

	for (uint32_t worker = 0; worker < 3; worker++)
		for (uint32_t i = 0; i < CONTRACT_TUNNEL_COLUMNS; i++)
			contract_counters_row(&made, CONTRACT_COUNT_TUNNELS, worker, 99)[i] =
				10 * i + worker;
	assert_true(contract_counters_row_sum(&mapped, CONTRACT_COUNT_TUNNELS, 99, columns,
					      CONTRACT_TUNNEL_COLUMNS));
	for (uint32_t i = 0; i < CONTRACT_TUNNEL_COLUMNS; i++)
		assert_int_equal(columns[i], 3 * 10 * i + 3);
	assert_false(contract_counters_row_sum(&mapped, CONTRACT_COUNT_TUNNELS, UINT32_MAX, columns,
					       CONTRACT_TUNNEL_COLUMNS));
	assert_int_equal(columns[1], 0);
	assert_false(contract_counters_row_sum(&mapped, CONTRACT_COUNT_TUNNELS, 99, columns, 3));
	assert_false(contract_counters_row_sum(&mapped, CONTRACT_SECTIONS, 0, columns,
					       CONTRACT_TUNNEL_COLUMNS));
}

static void test_a_row_of_one_worker(void **state)
{
	uint64_t columns[CONTRACT_STEP_COLUMNS + 1];

	for (uint32_t worker = 0; worker < 3; worker++)
		for (uint32_t i = 0; i < CONTRACT_STEP_COLUMNS; i++)
			contract_counters_row(&made, CONTRACT_COUNT_STEPS, worker, 0)[i] =
				10 * i + worker;
	for (uint32_t worker = 0; worker < 3; worker++) {
		assert_true(contract_counters_worker(&mapped, CONTRACT_COUNT_STEPS, worker, columns,
						     CONTRACT_STEP_COLUMNS));
		for (uint32_t i = 0; i < CONTRACT_STEP_COLUMNS; i++)
			assert_int_equal(columns[i], 10 * i + worker);
	}
	assert_false(contract_counters_worker(&mapped, CONTRACT_COUNT_STEPS, 3, columns,
					      CONTRACT_STEP_COLUMNS));
	assert_int_equal(columns[1], 0);
	assert_false(contract_counters_worker(&mapped, CONTRACT_COUNT_STEPS, UINT32_MAX, columns,
					      CONTRACT_STEP_COLUMNS));
	assert_false(contract_counters_worker(&mapped, CONTRACT_COUNT_STEPS, 0, columns,
					      CONTRACT_STEP_COLUMNS + 1));
	assert_false(contract_counters_worker(&mapped, CONTRACT_SECTIONS, 0, columns,
					      CONTRACT_STEP_COLUMNS));
}

/* Every word of every row is a word of its own, inside the area. */
static void test_rows_do_not_overlap(void **state)
{
	uint64_t value = 0, again = 0;

	for (uint32_t s = 0; s < CONTRACT_SECTIONS; s++)
		for (uint32_t w = 0; w < 3; w++)
			for (uint32_t r = 0; r < rows[s]; r++) {
				uint64_t *row = contract_counters_row(&made, s, w, r);

				assert_true((uint8_t *)(row + made.header->sections[s].columns) <=
					    (uint8_t *)made.header + made.bytes);
				for (uint32_t c = 0; c < made.header->sections[s].columns; c++)
					row[c] = ++value;
			}
	for (uint32_t s = 0; s < CONTRACT_SECTIONS; s++)
		for (uint32_t w = 0; w < 3; w++)
			for (uint32_t r = 0; r < rows[s]; r++)
				for (uint32_t c = 0; c < made.header->sections[s].columns; c++)
					assert_int_equal(contract_counters_row(&mapped, s, w, r)[c],
							 ++again);
}

static void test_workers_share_no_line(void **state)
{
	for (uint32_t s = 0; s < CONTRACT_SECTIONS; s++)
		for (uint32_t w = 0; w < 3; w++)
			assert_int_equal((uintptr_t)contract_counters_row(&made, s, w, 0) % 64, 0);
}

static void test_control_cannot_write(void **state)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, made.fd, 0);

	assert_ptr_equal(p, MAP_FAILED);
	assert_int_equal(errno, EPERM);
	assert_int_equal(mprotect(mapped.header, 4096, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(write(made.fd, "x", 1), -1);
	assert_int_equal(ftruncate(made.fd, 0), -1);
	assert_int_equal(ftruncate(made.fd, (off_t)made.bytes * 2), -1);
	made.header->zero = 0; /* the owner's mapping still writes */
}

static void test_bad_sizes(void **state)
{
	uint32_t many[CONTRACT_SECTIONS] = { 1, 1, UINT32_MAX, 1, 1, 1, 1, 1 };
	struct contract_counters c;

	assert_int_equal(contract_counters_create(&c, 0, rows), -EINVAL);
	assert_int_equal(contract_counters_create(&c, 100000, rows), -EINVAL);
	assert_int_equal(contract_counters_create(&c, 1, many), -EINVAL);
	contract_counters_unmap(&c);
}

static int forged(const struct contract_counter_header *header, size_t bytes, int seals)
{
	int fd = memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING), rc;
	struct contract_counters c;

	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	if (bytes >= sizeof(*header))
		assert_int_equal(write(fd, header, sizeof(*header)), sizeof(*header));
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	rc = contract_counters_map(&c, fd);
	contract_counters_unmap(&c);
	close(fd);
	return rc;
}

static void test_forged_areas(void **state)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE;
	const struct contract_counter_header good = *made.header;
	struct contract_counter_header h = good;

	assert_int_equal(forged(&h, good.bytes, seals), 0);
	assert_int_equal(forged(&h, good.bytes, F_SEAL_FUTURE_WRITE), -EPROTO);
	assert_int_equal(forged(&h, good.bytes, F_SEAL_SHRINK | F_SEAL_GROW), -EPROTO);
	assert_int_equal(forged(&h, good.bytes - 8, seals), -EPROTO);
	assert_int_equal(forged(&h, sizeof(h) - 1, seals), -EPROTO);
	assert_int_equal(forged(&h, 0, seals), -EPROTO);
#define FORGE(field, value)                                                                        \
	do {                                                                                       \
		h = good;                                                                          \
		h.field = (value);                                                                 \
		assert_int_equal(forged(&h, good.bytes, seals), -EPROTO);                          \
	} while (0)
	FORGE(magic, 1);
	FORGE(version, good.version + 1);
	FORGE(bytes, good.bytes + 8);
	FORGE(workers, 0);
	FORGE(workers, 4);
	FORGE(workers, UINT32_MAX);
	FORGE(sections[2].offset, 0);
	FORGE(sections[2].offset, good.bytes);
	FORGE(sections[2].offset, UINT64_MAX - 7);
	FORGE(sections[2].offset, good.sections[2].offset + 4);
	FORGE(sections[5].rows, UINT32_MAX);
	FORGE(sections[2].rows, 1 << 24);
	FORGE(sections[1].columns, 6);
}

/* A header that changes after it was checked makes no read outside. */
static void test_header_changes_later(void **state)
{
	made.header->sections[CONTRACT_COUNT_SAS].rows = 1 << 24;
	assert_int_equal(contract_counters_sum(&mapped, CONTRACT_COUNT_SAS, (1 << 24) - 1, 0), 0);
	made.header->sections[CONTRACT_COUNT_SAS].rows = 1000;
	made.header->sections[CONTRACT_COUNT_SAS].offset = UINT64_MAX - 7;
	assert_int_equal(contract_counters_sum(&mapped, CONTRACT_COUNT_SAS, 0, 0), 0);
	assert_false(contract_counters_worker(&mapped, CONTRACT_COUNT_WORKER, 3,
					      (uint64_t[CONTRACT_WORKER_COLUMNS]){ 0 },
					      CONTRACT_WORKER_COLUMNS));
	made.header->workers = UINT32_MAX;
	assert_false(contract_counters_worker(&mapped, CONTRACT_COUNT_WORKER, 3,
					      (uint64_t[CONTRACT_WORKER_COLUMNS]){ 0 },
					      CONTRACT_WORKER_COLUMNS));
	assert_int_equal(contract_counters_sum(&mapped, CONTRACT_COUNT_DROPS, 0, 0), 0);
}

static void test_not_a_memfd(void **state)
{
	struct contract_counters c;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(contract_counters_map(&c, fd), -EPROTO);
	assert_int_equal(contract_counters_map(&c, -1), -EPROTO);
	assert_int_equal(contract_counters_sum(&c, CONTRACT_COUNT_SAS, 0, 0), 0);
	close(fd);
}

static void test_drop_texts(void **state)
{
	for (int i = 0; i < CONTRACT_DROP_COUNT; i++) {
		assert_true(strlen(contract_drop_name(i)) > 0);
		assert_true(strlen(contract_drop_sentence(i)) > 5);
		assert_int_equal(
			strspn(contract_drop_name(i), "abcdefghijklmnopqrstuvwxyz0123456789_"),
			strlen(contract_drop_name(i)));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(contract_drop_name(i), contract_drop_name(j));
	}
	assert_string_equal(contract_drop_name(CONTRACT_DROP_ESP_ICV), "esp_icv");
	assert_string_equal(contract_drop_name(CONTRACT_DROP_COUNT), "unknown");
}

#define with_area(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_area(test_whole_rows),
		with_area(test_sum_and_max),
		with_area(test_a_row_of_one_worker),
		with_area(test_rows_do_not_overlap),
		with_area(test_workers_share_no_line),
		with_area(test_control_cannot_write),
		with_area(test_forged_areas),
		with_area(test_header_changes_later),
		cmocka_unit_test(test_bad_sizes),
		cmocka_unit_test(test_not_a_memfd),
		cmocka_unit_test(test_drop_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
