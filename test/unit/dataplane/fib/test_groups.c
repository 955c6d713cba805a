/*
 * Resilient groups, measured over 100,000 flows.
 */
#include "dataplane/fib/fib.h"

#include "dataplane/fib/flow.h"
#include "../../cmocka_all.h"
#include "../eal.h"
#include "make.h"

#include <errno.h>
#include <math.h>

#define FLOWS 100000
#define GROUP 3

static uint32_t hashes[FLOWS];
static uint32_t before[FLOWS];

static int setup(void **state)
{
	const struct fib_config config = {
		.domains = 1, .nexthops = 2, .groups = 8, .neighbours = 8, .socket = -1
	};
	char reason[CONTRACT_REASON];

	for (uint32_t i = 0; i < FLOWS; i++)
		hashes[i] = fib_flow_hash4(0x0a000001 + i % 250, 0x0a640001 + i / 250 % 20,
					   0xbb010400 + i / 5000, 6);
	return fib_init((struct fib **)state, &config, reason);
}

static int teardown(void **state)
{
	fib_fini(*state);
	return 0;
}

static void set(struct fib *fib, const struct contract_member *members, uint8_t count)
{
	struct make_object m = make_group(GROUP, members, count);

	assert_int_equal(fib_set(fib, &m.object), 0);
}

static uint32_t pick(const struct fib *fib, uint32_t flow)
{
	return fib_group_pick(fib_hot(fib), GROUP, hashes[flow]);
}

static void remember(const struct fib *fib)
{
	for (uint32_t i = 0; i < FLOWS; i++)
		before[i] = pick(fib, i);
}

static uint32_t share_of(const struct fib *fib, uint32_t member)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FLOWS; i++)
		n += pick(fib, i) == member;
	return n;
}

/* Flows that moved, without those whose member was `gone`. */
static uint32_t moved_but_from(const struct fib *fib, uint32_t gone)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FLOWS; i++)
		n += before[i] != gone && pick(fib, i) != before[i];
	return n;
}

static void assert_share(const struct fib *fib, uint32_t member, double share)
{
	uint32_t n = share_of(fib, member);

	if (fabs(n - share * FLOWS) > 0.02 * FLOWS)
		fail_msg("member %u has %u flows of %d, not %.3f", member, n, FLOWS, share);
}

static void a_lost_member_moves_only_its_flows(void **state)
{
	struct contract_member m[] = { { 11, 1, 0 }, { 12, 1, 0 }, { 13, 1, 0 }, { 14, 1, 0 } };
	struct fib *fib = *state;

	set(fib, m, 4);
	for (uint32_t id = 11; id <= 14; id++)
		assert_share(fib, id, 0.25);
	remember(fib);
	m[1].weight = 0;
	set(fib, m, 4);
	assert_int_equal(moved_but_from(fib, 12), 0);
	assert_int_equal(share_of(fib, 12), 0);
	for (uint32_t i = 0; i < 4; i++)
		if (i != 1)
			assert_share(fib, 11 + i, 1.0 / 3);
	/* It comes back: a quarter moves, to it alone, all of them those that it had. */
	m[1].weight = 1;
	{
		uint32_t moved = 0;
		uint32_t as_before = 0;
		static uint32_t without[FLOWS];

		for (uint32_t i = 0; i < FLOWS; i++)
			without[i] = pick(fib, i);
		set(fib, m, 4);
		for (uint32_t i = 0; i < FLOWS; i++) {
			moved += pick(fib, i) != without[i];
			if (pick(fib, i) != without[i])
				assert_int_equal(pick(fib, i), 12);
			as_before += pick(fib, i) == before[i];
		}
		print_message("healed: %u of %d moved, %u as before the loss\n", moved, FLOWS,
			      as_before);
		assert_true(moved < FLOWS * 0.26);
		assert_int_equal(as_before, FLOWS);
	}
}

/* In any order: who goes and comes back moves nothing but what was its own. */
static void none_but_the_flows_of_the_dead_move(void **state)
{
	static const uint8_t steps[] = { 1, 2, 1, 3, 0, 2, 0, 3, 0, 1, 2, 2, 1, 0 };
	struct contract_member m[] = { { 11, 1, 0 }, { 12, 1, 0 }, { 13, 1, 0 }, { 14, 1, 0 } };
	static uint32_t home[FLOWS];
	struct fib *fib = *state;

	set(fib, m, 4);
	for (uint32_t i = 0; i < FLOWS; i++)
		home[i] = pick(fib, i);
	for (size_t step = 0; step < sizeof(steps); step++) {
		uint32_t changed = m[steps[step]].id;

		remember(fib);
		m[steps[step]].weight ^= 1;
		set(fib, m, 4);
		for (uint32_t i = 0; i < FLOWS; i++) {
			uint32_t now = pick(fib, i);

			assert_true(now == before[i] || now == changed || before[i] == changed);
			assert_int_equal(m[now - 11].weight, 1);
			if (m[home[i] - 11].weight)
				assert_int_equal(now, home[i]);
		}
	}
	assert_int_equal(m[0].weight + m[1].weight + m[2].weight + m[3].weight, 4);
}

/* One more that has no weight yet moves nothing; with its first weight it gets its share. */
static void a_new_member_moves_nothing_before_it_carries(void **state)
{
	struct contract_member m[] = { { 21, 1, 0 }, { 22, 1, 0 }, { 23, 0, 0 } };
	struct fib *fib = *state;

	set(fib, m, 2);
	remember(fib);
	set(fib, m, 3);
	assert_int_equal(moved_but_from(fib, 0), 0);
	m[2].weight = 1;
	set(fib, m, 3);
	assert_share(fib, 23, 1.0 / 3);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_true(pick(fib, i) == before[i] || pick(fib, i) == 23);
}

static void two_and_one(void **state)
{
	struct contract_member m[] = { { 1, 1, 0 }, { 2, 1, 0 } };
	struct fib *fib = *state;

	set(fib, m, 1);
	assert_true(fib_group_is_single(fib_hot(fib), GROUP));
	assert_int_equal(share_of(fib, 1), FLOWS);
	set(fib, m, 2);
	assert_false(fib_group_is_single(fib_hot(fib), GROUP));
	assert_share(fib, 2, 0.5);
	remember(fib);
	set(fib, m, 1);
	assert_int_equal(share_of(fib, 1), FLOWS);
	set(fib, m, 2);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(pick(fib, i), before[i]);
	m[0].weight = m[1].weight = 0;
	set(fib, m, 2);
	assert_int_equal(share_of(fib, 0), FLOWS);
}

static void weights(void **state)
{
	struct contract_member m[] = { { 1, 1, 0 }, { 2, 3, 0 }, { 3, 4, 0 } };
	struct fib *fib = *state;
	uint32_t moved;

	set(fib, m, 3);
	assert_share(fib, 1, 0.125);
	assert_share(fib, 2, 0.375);
	assert_share(fib, 3, 0.5);
	remember(fib);
	m[0].weight = 2; /* 2:3:4 of 9 */
	set(fib, m, 3);
	assert_share(fib, 1, 2.0 / 9);
	moved = moved_but_from(fib, 0);
	assert_true(moved < FLOWS * (2.0 / 9 - 0.125 + 0.01));
	m[0].weight = 1;
	m[1].weight = m[2].weight = 256; /* even the least gets a bucket */
	set(fib, m, 3);
	assert_true(share_of(fib, 1) > 0);
}

static void many_members_grow_without_a_move(void **state)
{
	struct contract_member m[CONTRACT_MEMBERS_MAX];
	struct fib *fib = *state;

	for (uint32_t i = 0; i < CONTRACT_MEMBERS_MAX; i++)
		m[i] = (struct contract_member){ .id = 100 + i, .weight = 1 };
	set(fib, m, 8);
	remember(fib);
	m[8].weight = 0;
	set(fib, m, 9); /* the larger table, the same shares */
	assert_int_equal(moved_but_from(fib, 0), 0);
	m[8].weight = 1;
	for (uint8_t count = 9; count <= CONTRACT_MEMBERS_MAX; count++) {
		remember(fib);
		set(fib, m, count);
		assert_true(moved_but_from(fib, 0) < FLOWS / count * 1.15);
		assert_share(fib, 100 + count - 1u, 1.0 / count);
	}
}

static bool carries(const void *context, uint32_t tunnel)
{
	return !(*(const uint32_t *)context >> tunnel & 1);
}

/* The data plane sees a dead link before control does, and control may say so late or not at all.
 */
static void who_cannot_carry_gets_nothing_while_another_can(void **state)
{
	struct contract_member m[] = { { 1, 1, 0 }, { 2, 1, 0 }, { 3, 0, 0 } };
	uint8_t listed[FIB_OBJECT_MAX];
	struct fib *fib = *state;
	uint32_t dead = 0;
	size_t length;
	struct make_object o = make_group(GROUP, m, 3);

	fib_groups_ask(fib, carries, &dead);
	set(fib, m, 3);
	remember(fib);
	dead = 1 << 2;
	assert_int_equal(fib_groups_follow(fib), 1);
	assert_int_equal(share_of(fib, 1), FLOWS);
	assert_int_equal(fib_groups_follow(fib), 0);
	set(fib, m, 3); /* control does not know yet */
	assert_int_equal(share_of(fib, 1), FLOWS);
	assert_int_equal(fib_get(fib, &o.object, listed, &length), 0);
	assert_memory_equal(listed + sizeof(o.object) + sizeof(o.group), m, sizeof(m));
	/* With nobody left all stays as control wants it: 3 has no weight. */
	dead = 1 << 1 | 1 << 2;
	assert_int_equal(fib_groups_follow(fib), 1);
	assert_int_equal(share_of(fib, 3), 0);
	assert_share(fib, 2, 0.5);
	assert_true(moved_but_from(fib, 0) < FLOWS * 0.1);
	/* Back: nothing but what had left returns; unless control took it away meanwhile. */
	dead = 1 << 2;
	assert_int_equal(fib_groups_follow(fib), 1);
	dead = 0;
	assert_int_equal(fib_groups_follow(fib), 1);
	assert_share(fib, 2, 0.5);
	dead = 1 << 2;
	assert_int_equal(fib_groups_follow(fib), 1);
	m[1].weight = 0;
	set(fib, m, 3);
	dead = 0;
	assert_int_equal(fib_groups_follow(fib), 0);
	assert_int_equal(share_of(fib, 1), FLOWS);
	fib_groups_ask(fib, NULL, NULL);
}

static void memory_comes_back(void **state)
{
	struct contract_member m[CONTRACT_MEMBERS_MAX] = { 0 };
	struct fib *fib = *state;
	struct make_object o = make_group(GROUP, m, 0);
	struct fib_usage usage;

	for (uint32_t i = 0; i < CONTRACT_MEMBERS_MAX; i++)
		m[i] = (struct contract_member){ .id = 1 + i, .weight = 1 };
	for (int round = 0; round < 1000; round++)
		set(fib, m, (uint8_t)(round * 7 % CONTRACT_MEMBERS_MAX));
	assert_int_equal(fib_del(fib, &o.object), 0);
	assert_int_equal(fib_del(fib, &o.object), -ENOENT);
	assert_int_equal(share_of(fib, 0), FLOWS);
	fib_usage(fib, &usage);
	assert_int_equal(usage.node_bytes_used, 64);
	m[1].id = 1;
	o = make_group(GROUP, m, 2);
	assert_int_equal(fib_add(fib, &o.object), -EINVAL); /* listed twice */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_lost_member_moves_only_its_flows, setup,
						teardown),
		cmocka_unit_test_setup_teardown(none_but_the_flows_of_the_dead_move, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_new_member_moves_nothing_before_it_carries, setup,
						teardown),
		cmocka_unit_test_setup_teardown(two_and_one, setup, teardown),
		cmocka_unit_test_setup_teardown(weights, setup, teardown),
		cmocka_unit_test_setup_teardown(many_members_grow_without_a_move, setup, teardown),
		cmocka_unit_test_setup_teardown(who_cannot_carry_gets_nothing_while_another_can,
						setup, teardown),
		cmocka_unit_test_setup_teardown(memory_comes_back, setup, teardown),
	};

	test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
