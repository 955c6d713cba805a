#include "dataplane/meter/meter.h"

#include "../../cmocka_all.h"
#include "../eal.h"
#include "simulate.h"

#include <errno.h>
#include <math.h>

#define LIMITS 64
#define WORKERS 4
#define START (SIMULATE_HZ * 100)

static const struct meter_config config = {
	.limits = LIMITS,
	.workers = WORKERS,
	.tsc_hz = SIMULATE_HZ,
	.socket = -1,
};

static int setup(void **state)
{
	char reason[CONTRACT_REASON];
	struct meter *m;

	if (meter_init(&m, &config, reason))
		return -1;
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	meter_fini(*state);
	return 0;
}

static void set_bits(struct meter *m, uint32_t id, double bits, uint32_t parent)
{
	struct contract_limit body = { .bits_per_s = (uint64_t)bits, .parent = parent };

	assert_int_equal(meter_set(m, id, &body), 0);
}

static void assert_near(double value, double want, double part, const char *what)
{
	if (fabs(value - want) > want * part)
		fail_msg("%s: %.0f, not within %.1f %% of %.0f", what, value, part * 100, want);
}

static uint64_t run_one(struct meter *m, const struct simulate_source *source, uint32_t threads,
			uint32_t ms)
{
	uint64_t bytes = 0;
	uint64_t packets = 0;
	struct simulate s = {
		.meter = m,
		.sources = source,
		.source_count = 1,
		.threads = threads,
		.ms = ms,
		.start_tsc = START,
		.passed_bytes = &bytes,
		.passed_packets = &packets,
	};

	simulate_run(&s);
	return source->bytes ? bytes : packets;
}

static void rates_are_exact(void **state)
{
	static const double rates[] = { 10e6, 123.4e6, 1e9, 10e9 };
	static const uint32_t sizes[] = { 64, 1400 };

	for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++)
		for (uint32_t threads = 1; threads <= 4; threads *= 2)
			for (size_t k = 0; k < 2; k++) {
				struct simulate_source source = {
					.limit = 1,
					.bytes = sizes[k],
					.packets_per_s = rates[r] / 8 / sizes[k] * 1.3,
				};
				char what[80];
				uint64_t passed;

				if (rates[r] > 2e9 && sizes[k] < 1000)
					continue;
				teardown(state);
				assert_int_equal(setup(state), 0);
				set_bits(*state, 1, rates[r], 0);
				passed = run_one(*state, &source, threads, 1000);
				snprintf(what, sizeof(what), "%.0f bit/s, %u threads, %u bytes",
					 rates[r], threads, sizes[k]);
				assert_near((double)passed * 8, rates[r], 0.02, what);
			}
}

static void packets_are_limited(void **state)
{
	struct contract_limit body = { .packets_per_s = 100000 };
	struct simulate_source source = { .limit = 1, .bytes = 1, .packets_per_s = 1e6 };
	uint64_t passed;

	assert_int_equal(meter_set(*state, 1, &body), 0);
	passed = run_one(*state, &source, 2, 1000);
	assert_near((double)passed, 100000, 0.02, "packets per second");
}

static void below_the_limit_nothing_is_lost(void **state)
{
	struct simulate_source source = { .limit = 1, .bytes = 1000, .packets_per_s = 98000 };

	set_bits(*state, 1, 800e6, 0);
	assert_int_equal(run_one(*state, &source, 4, 1000) / 1000, 98000);
}

static void no_limit_and_missing_limits_pass(void **state)
{
	struct meter_worker w = meter_worker(*state, 0);
	struct contract_limit none = { 0 };

	assert_true(meter_admit(&w, 0, METER_INBOUND, 1500, START));
	assert_true(meter_admit(&w, 7, METER_INBOUND, 1500, START));
	assert_int_equal(meter_set(*state, 7, &none), 0);
	for (int i = 0; i < 100000; i++)
		assert_true(meter_admit(&w, 7, METER_OUTBOUND, 9000, START));
}

static void directions_alone_and_summed(void **state)
{
	for (int sum = 0; sum < 2; sum++) {
		struct contract_limit body = { .bits_per_s = 80000000,
					       .direction_sum = (uint8_t)sum };
		struct simulate_source sources[] = {
			{ 1, METER_INBOUND, 1000, 20000 },
			{ 1, METER_OUTBOUND, 1000, 20000 },
		};
		uint64_t bytes[2] = { 0 };
		uint64_t packets[2] = { 0 };
		struct simulate s = {
			.meter = *state,
			.sources = sources,
			.source_count = 2,
			.threads = 2,
			.ms = 500,
			.start_tsc = START + START * (uint64_t)sum,
			.passed_bytes = bytes,
			.passed_packets = packets,
		};

		assert_int_equal(meter_set(*state, 1, &body), 0);
		simulate_run(&s);
		assert_near((double)(bytes[0] + bytes[1]), sum ? 5e6 : 10e6, 0.03, "both ways");
	}
}

/* 1 s each at 100 Mbit/s, 1 Gbit/s, 50 Mbit/s: no gap and no surplus at the change. */
static void changed_live(void **state)
{
	static const double rates[] = { 100e6, 1e9, 50e6 };
	struct simulate_source source = { .limit = 1, .bytes = 1250, .packets_per_s = 150e3 };
	uint64_t bytes = 0;
	uint64_t packets = 0;
	struct simulate s = {
		.meter = *state,
		.sources = &source,
		.source_count = 1,
		.threads = 2,
		.ms = 1000,
		.start_tsc = START,
		.passed_bytes = &bytes,
		.passed_packets = &packets,
	};

	for (int i = 0; i < 3; i++) {
		bytes = 0;
		set_bits(*state, 1, rates[i], 0);
		simulate_run(&s);
		assert_near((double)bytes * 8, rates[i], 0.02, "after the change");
	}
}

static double demand_of(uint32_t i)
{
	return (double)(1 + i % 10) * 0.3;
}

/* 30 children of one full parent, demand 1:10, weight 1 or 3. */
static void fair_when_the_parent_is_full(void **state)
{
	struct simulate_source sources[30];
	uint64_t bytes[30] = { 0 };
	uint64_t packets[30] = { 0 };
	double level = 0;
	double used = 0;
	struct simulate s = {
		.meter = *state,
		.sources = sources,
		.source_count = 30,
		.threads = 2,
		.ms = 100,
		.start_tsc = START,
		.balance = true,
		.passed_bytes = bytes,
		.passed_packets = packets,
	};
	double fair = 1e9 / 30;

	set_bits(*state, 1, 1e9, 0);
	for (uint32_t i = 0; i < 30; i++) {
		struct contract_limit body = { .parent = 1, .weight = i >= 15 ? 3 : 1 };

		assert_int_equal(meter_set(*state, 2 + i, &body), 0);
		sources[i] = (struct simulate_source){ 2 + i, METER_OUTBOUND, 1000,
						       demand_of(i) * fair / 8000 };
	}
	simulate_run(&s);
	memset(bytes, 0, sizeof(bytes));
	s.ms = 1000;
	simulate_run(&s);
	/* The water level by a search of its own: shares at it just fill the parent. */
	for (double used_at = 0; used_at < 1e9; level += 1e4) {
		used_at = 0;
		for (uint32_t i = 0; i < 30; i++)
			used_at += fmin(demand_of(i) * fair, level * (i >= 15 ? 3 : 1));
	}
	for (uint32_t i = 0; i < 30; i++) {
		double share = fmin(demand_of(i) * fair, level * (i >= 15 ? 3 : 1));
		char what[40];

		snprintf(what, sizeof(what), "child %u", i);
		assert_near((double)bytes[i] * 8, share, 0.05, what);
		used += (double)bytes[i] * 8;
	}
	assert_near(used, 1e9, 0.02, "the parent");
}

static void chain_of_three(void **state)
{
	struct simulate_source source = { .limit = 3, .bytes = 500, .packets_per_s = 1e6 };
	uint64_t passed;

	set_bits(*state, 1, 80e6, 0);
	set_bits(*state, 2, 800e6, 1);
	set_bits(*state, 3, 400e6, 2);
	passed = run_one(*state, &source, 2, 1000);
	assert_near((double)passed * 8, 80e6, 0.02, "the narrowest parent");
}

static void refusals(void **state)
{
	struct meter *m = *state;
	struct contract_limit body = { .bits_per_s = 1000, .parent = 9 };

	assert_int_equal(meter_set(m, 1, &body), -EINVAL);
	assert_int_equal(meter_set(m, LIMITS, &body), -EINVAL);
	assert_int_equal(meter_del(m, 1), -ENOENT);
	for (uint32_t id = 1; id <= METER_DEPTH; id++)
		set_bits(m, id, 1e6, id - 1);
	body.parent = METER_DEPTH;
	assert_int_equal(meter_set(m, METER_DEPTH + 1, &body), -EINVAL);
	body.parent = 2;
	assert_int_equal(meter_set(m, 1, &body), -EINVAL);
	assert_int_equal(meter_del(m, 1), -EBUSY);
	set_bits(m, 10, 1e6, 0);
	body.parent = 10;
	assert_int_equal(meter_set(m, 1, &body), -EINVAL); /* its grandchildren: too deep */
	assert_int_equal(meter_del(m, METER_DEPTH), 0);
	assert_int_equal(meter_set(m, 1, &body), 0);
}

static void counts_start_at_zero(void **state)
{
	struct meter_worker w = meter_worker(*state, 1);
	struct meter_totals t;
	uint32_t passed = 0;

	set_bits(*state, 5, 8e6, 0);
	for (int i = 0; i < 100; i++)
		passed += meter_admit(&w, 5, i % 2, 1000, START);
	meter_worker_totals(*state, 1, 5, &t);
	assert_true(passed >= 36 && passed < 50); /* a burst each way */
	assert_int_equal(t.passed_packets, passed);
	assert_int_equal(t.passed_bytes, passed * 1000);
	assert_int_equal(t.dropped_packets, 100 - passed);
	assert_int_equal(meter_del(*state, 5), 0);
	set_bits(*state, 5, 8e6, 0);
	meter_worker_totals(*state, 1, 5, &t);
	assert_int_equal(t.passed_packets + t.dropped_packets, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rates_are_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(packets_are_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(below_the_limit_nothing_is_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(no_limit_and_missing_limits_pass, setup, teardown),
		cmocka_unit_test_setup_teardown(directions_alone_and_summed, setup, teardown),
		cmocka_unit_test_setup_teardown(changed_live, setup, teardown),
		cmocka_unit_test_setup_teardown(fair_when_the_parent_is_full, setup, teardown),
		cmocka_unit_test_setup_teardown(chain_of_three, setup, teardown),
		cmocka_unit_test_setup_teardown(refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_start_at_zero, setup, teardown),
	};

	test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
