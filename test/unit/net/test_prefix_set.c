/* The sorted set against a slow reference that knows only an array. */
#include "../cmocka_all.h"
#include "net/prefix_set.h"

#include <stdlib.h>
#include <string.h>

#define MEMBERS 400

static uint32_t seed;

static uint32_t random_next(void)
{
	return (seed = seed * 1664525 + 1013904223) >> 8;
}

/* Few distinct bits, so that prefixes nest and collide often. */
static struct net_prefix random_prefix(void)
{
	uint8_t bytes[16] = { 10 };
	enum net_family family = random_next() % 2 ? NET_IP4 : NET_IP6;
	struct net_addr addr;

	for (size_t i = 1; i < 16; i++)
		bytes[i] = (uint8_t)(random_next() % 5 ? 0 : random_next());
	addr = net_addr_of(family, bytes);
	return net_prefix_of(&addr, (uint8_t)(random_next() % (net_addr_len(&addr) * 8 + 1)));
}

struct reference {
	struct net_prefix items[MEMBERS];
	size_t count;
};

static size_t reference_find(const struct reference *r, const struct net_prefix *p)
{
	size_t i = 0;

	while (i < r->count && net_prefix_compare(&r->items[i], p) != 0)
		i++;
	return i;
}

static const struct net_prefix *reference_match(const struct reference *r,
						const struct net_addr *addr)
{
	const struct net_prefix *best = NULL;

	for (size_t i = 0; i < r->count; i++)
		if (net_prefix_contains(&r->items[i], addr) &&
		    (!best || best->length < r->items[i].length))
			best = &r->items[i];
	return best;
}

static bool reference_overlap(const struct reference *r, const struct net_prefix *p)
{
	for (size_t i = 0; i < r->count; i++)
		if (net_prefix_overlaps(&r->items[i], p))
			return true;
	return false;
}

static void assert_same(const struct net_prefix_set *set, const struct reference *r)
{
	assert_int_equal(set->count, r->count);
	for (size_t i = 1; i < set->count; i++)
		assert_true(net_prefix_compare(&set->items[i - 1], &set->items[i]) < 0);
	for (int i = 0; i < 50; i++) {
		struct net_prefix p = random_prefix();
		struct net_addr last = net_prefix_last(&p);
		const struct net_prefix *want = reference_match(r, &last);
		const struct net_prefix *got = net_prefix_set_match(set, &last);

		assert_int_equal(!got, !want);
		assert_true(!got || net_prefix_compare(got, want) == 0);
		got = net_prefix_set_overlap(set, &p);
		assert_int_equal(got != NULL, reference_overlap(r, &p));
		assert_true(!got || net_prefix_overlaps(got, &p));
		assert_int_equal(net_prefix_set_has(set, &p), reference_find(r, &p) < r->count);
	}
}

static void change(struct net_prefix_set *set, struct reference *r)
{
	struct net_prefix p = random_prefix();
	size_t at = reference_find(r, &p);

	if (r->count < MEMBERS && random_next() % 4) {
		assert_int_equal(net_prefix_set_add(set, &p), 0);
		if (at == r->count)
			r->items[r->count++] = p;
	} else if (r->count) {
		if (at == r->count) {
			assert_false(net_prefix_set_del(set, &p));
			at = random_next() % r->count;
			p = r->items[at];
		}
		assert_true(net_prefix_set_del(set, &p));
		r->items[at] = r->items[--r->count];
	}
}

static void test_against_reference(void **state)
{
	static struct reference r;

	for (seed = 1; seed < 4; seed++) {
		uint32_t was = seed;
		struct net_prefix_set set;

		r.count = 0;
		net_prefix_set_init(&set);
		for (int step = 0; step < 1500; step++) {
			change(&set, &r);
			if (step % 10 == 0)
				assert_same(&set, &r);
		}
		net_prefix_set_fini(&set);
		seed = was;
	}
}

static void test_many_at_once(void **state)
{
	static struct reference r;
	static struct net_prefix batch[MEMBERS];
	struct net_prefix_set set;

	seed = 99;
	r.count = 0;
	net_prefix_set_init(&set);
	assert_int_equal(net_prefix_set_add_many(&set, NULL, 0), 0);
	for (int part = 0; part < 2; part++) {
		for (size_t i = 0; i < MEMBERS / 2; i++) {
			batch[i] = random_prefix();
			if (reference_find(&r, &batch[i]) == r.count)
				r.items[r.count++] = batch[i];
		}
		assert_int_equal(net_prefix_set_add_many(&set, batch, MEMBERS / 2), 0);
		assert_same(&set, &r);
	}
	net_prefix_set_fini(&set);
}

static void test_empty(void **state)
{
	struct net_prefix_set set;
	struct net_prefix p;
	struct net_addr any;

	net_prefix_set_init(&set);
	assert_int_equal(net_prefix_parse(&p, "10.0.0.0/8"), 0);
	any = p.addr;
	assert_null(net_prefix_set_match(&set, &any));
	assert_null(net_prefix_set_overlap(&set, &p));
	assert_false(net_prefix_set_del(&set, &p));
	net_prefix_set_fini(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_reference),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
