/*
 * Longest prefix match against a slow reference: a plain list of prefixes searched from end to end.
 */
#include "dataplane/fib/fib.h"

#include "dataplane/fib/lookup.h"
#include "dataplane/fib/state.h"
#include "../../cmocka_all.h"
#include "../eal.h"
#include "make.h"

#include <errno.h>

#define NEXTHOPS 200
#define REFERENCE_MAX 4096
#define DOMAINS 3

struct reference {
	struct {
		struct net_prefix prefix;
		uint32_t domain;
		uint32_t nexthop;
	} items[REFERENCE_MAX];
	uint32_t count;
};

static uint64_t random_state = 88172645463325252u;

static uint32_t random32(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

static const struct fib_config config = {
	.routes4 = 3000,
	.routes6 = 3000,
	.domains = DOMAINS,
	.nexthops = NEXTHOPS,
	.groups = 16,
	.neighbours = 64,
	.socket = -1,
};

static int setup(void **state)
{
	struct fib *fib;
	char reason[CONTRACT_REASON];

	if (fib_init(&fib, &config, reason)) {
		fprintf(stderr, "%s\n", reason);
		return -1;
	}
	for (uint32_t id = 1; id < NEXTHOPS; id++) {
		struct make_object m = make_mirror(id, id);

		if (fib_add(fib, &m.object))
			return -1;
	}
	*state = fib;
	return 0;
}

static int teardown(void **state)
{
	fib_fini(*state);
	return 0;
}

static uint32_t reference_match(const struct reference *r, uint32_t domain,
				const struct net_addr *addr)
{
	uint32_t nexthop = 0;
	int longest = -1;

	for (uint32_t i = 0; i < r->count; i++) {
		const struct net_prefix *p = &r->items[i].prefix;
		bool same = true;

		if (r->items[i].domain != domain || p->addr.family != addr->family ||
		    p->length <= longest)
			continue;
		for (uint32_t bit = 0; bit < p->length && same; bit++)
			same = ((p->addr.bytes[bit / 8] ^ addr->bytes[bit / 8]) &
				(0x80 >> bit % 8)) == 0;
		if (!same)
			continue;
		longest = p->length;
		nexthop = r->items[i].nexthop;
	}
	return nexthop;
}

static uint32_t reference_find(const struct reference *r, uint32_t domain,
			       const struct net_prefix *prefix)
{
	for (uint32_t i = 0; i < r->count; i++)
		if (r->items[i].domain == domain &&
		    memcmp(&r->items[i].prefix, prefix, sizeof(*prefix)) == 0)
			return i;
	return UINT32_MAX;
}

static void reference_set(struct reference *r, uint32_t domain, const struct net_prefix *prefix,
			  uint32_t nexthop)
{
	uint32_t i = reference_find(r, domain, prefix);

	if (i == UINT32_MAX)
		i = r->count++;
	r->items[i].domain = domain;
	r->items[i].prefix = *prefix;
	r->items[i].nexthop = nexthop;
}

static uint32_t host_order(const struct net_addr *addr)
{
	return (uint32_t)addr->bytes[0] << 24 | (uint32_t)addr->bytes[1] << 16 |
	       (uint32_t)addr->bytes[2] << 8 | addr->bytes[3];
}

static uint32_t lookup(const struct fib *fib, uint32_t domain, const struct net_addr *addr)
{
	if (addr->family == NET_IP4)
		return fib_lookup4(fib_hot(fib), domain, host_order(addr));
	return fib_lookup6(fib_hot(fib), domain, addr->bytes);
}

/* Few distinct bytes, so that prefixes nest and share nodes often. */
static struct net_addr random_addr(enum net_family family)
{
	static const uint8_t few[] = { 0, 1, 10, 127, 128, 192, 254, 255 };
	uint8_t bytes[16] = { 0 };

	for (int i = 0; i < (family == NET_IP4 ? 4 : 16); i++)
		bytes[i] = i == 0 ? 10 : random32() % 4 ? few[random32() % 2] : few[random32() % 8];
	return net_addr_of(family, bytes);
}

static struct net_prefix random_prefix(enum net_family family)
{
	struct net_addr addr = random_addr(family);

	return net_prefix_of(&addr, (uint8_t)(random32() % (family == NET_IP4 ? 33 : 129)));
}

static void check_around(const struct fib *fib, const struct reference *r, uint32_t domain,
			 const struct net_prefix *prefix)
{
	struct net_addr addrs[8] = { prefix->addr, net_prefix_last(prefix) };
	uint32_t n = 2;

	addrs[n] = prefix->addr;
	n += net_addr_prev(&addrs[n]);
	addrs[n] = net_prefix_last(prefix);
	n += net_addr_next(&addrs[n]);
	addrs[n++] = random_addr(prefix->addr.family);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(lookup(fib, domain, &addrs[i]),
				 reference_match(r, domain, &addrs[i]));
}

static void set_route(struct fib *fib, uint32_t domain, const struct net_prefix *prefix,
		      uint32_t nexthop)
{
	struct make_object m = make_route(domain, prefix, nexthop);
	int rc = fib_set(fib, &m.object);

	if (rc)
		print_error("%s\n", fib_reason(fib));
	assert_int_equal(rc, 0);
}

static void every_length(void **state)
{
	struct fib *fib = *state;
	static struct reference r;

	for (int pass = 0; pass < 2; pass++) {
		enum net_family family = pass ? NET_IP6 : NET_IP4;
		int max = pass ? 128 : 32;

		for (int length = 0; length <= max; length++) {
			struct net_addr addr = random_addr(family);
			struct net_prefix prefix = net_prefix_of(&addr, (uint8_t)length);

			set_route(fib, 0, &prefix, 1 + (uint32_t)length);
			reference_set(&r, 0, &prefix, 1 + (uint32_t)length);
			check_around(fib, &r, 0, &prefix);
		}
		for (uint32_t i = 0; i < r.count; i++)
			check_around(fib, &r, 0, &r.items[i].prefix);
	}
}

static void churn_one(struct fib *fib, struct reference *r)
{
	uint32_t domain = random32() % DOMAINS;
	struct net_prefix prefix = random_prefix(random32() % 2 ? NET_IP4 : NET_IP6);

	if (r->count < 400 || (random32() % 2 && r->count < 900)) {
		uint32_t nexthop = 1 + random32() % (NEXTHOPS - 1);

		set_route(fib, domain, &prefix, nexthop);
		reference_set(r, domain, &prefix, nexthop);
	} else {
		uint32_t i = random32() % r->count;
		struct make_object m;

		prefix = r->items[i].prefix;
		domain = r->items[i].domain;
		m = make_route(domain, &prefix, 0);
		assert_int_equal(fib_del(fib, &m.object), 0);
		r->items[i] = r->items[--r->count];
	}
	check_around(fib, r, domain, &prefix);
}

static void random_churn(void **state)
{
	struct fib *fib = *state;
	static struct reference r;
	struct fib_usage usage;

	for (int i = 0; i < 40000; i++)
		churn_one(fib, &r);
	for (uint32_t i = 0; i < r.count; i++)
		check_around(fib, &r, r.items[i].domain, &r.items[i].prefix);
	while (r.count) {
		struct make_object m = make_route(r.items[0].domain, &r.items[0].prefix, 0);

		assert_int_equal(fib_del(fib, &m.object), 0);
		r.items[0] = r.items[--r.count];
	}
	/* Nothing is left but unit 0: what routes took has come back. */
	fib_usage(fib, &usage);
	assert_int_equal(usage.node_bytes_used, 64);
	assert_int_equal(fib_count(fib, CONTRACT_ROUTE), 0);
}

static void bursts_agree_with_single_lookups(void **state)
{
	struct fib *fib = *state;
	uint32_t dst4[256];
	struct net_addr dst6[256];
	const uint8_t *at6[256];
	uint32_t out[256];

	for (int i = 0; i < 1000; i++) {
		struct net_prefix prefix = random_prefix(i % 2 ? NET_IP4 : NET_IP6);

		set_route(fib, 1, &prefix, 1 + random32() % (NEXTHOPS - 1));
	}
	for (uint32_t i = 0; i < 256; i++) {
		struct net_addr a = random_addr(NET_IP4);

		dst4[i] = host_order(&a);
		dst6[i] = random_addr(NET_IP6);
		at6[i] = dst6[i].bytes;
	}
	for (uint32_t n = 0; n <= 256; n += n < 8 ? 1 : 31) {
		fib_lookup4_burst(fib_hot(fib), 1, dst4, out, n);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(out[i], fib_lookup4(fib_hot(fib), 1, dst4[i]));
		fib_lookup6_burst(fib_hot(fib), 1, at6, out, n);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(out[i], fib_lookup6(fib_hot(fib), 1, at6[i]));
	}
}

static void refusals(void **state)
{
	struct fib *fib = *state;
	struct net_prefix prefix;
	struct make_object m;

	assert_int_equal(net_prefix_parse(&prefix, "10.1.0.0/16"), 0);
	m = make_route(0, &prefix, NEXTHOPS);
	assert_int_equal(fib_add(fib, &m.object), -ENOENT);
	m = make_route(DOMAINS, &prefix, 1);
	assert_int_equal(fib_add(fib, &m.object), -EINVAL);
	m = make_route(0, &prefix, 1);
	assert_int_equal(fib_del(fib, &m.object), -ENOENT);
	assert_int_equal(fib_add(fib, &m.object), 0);
	assert_int_equal(fib_add(fib, &m.object), -EEXIST);
	m = make_mirror(1, 1);
	assert_int_equal(fib_del(fib, &m.object), -EBUSY);
	prefix.addr.bytes[3] = 1;
	m = make_route(0, &prefix, 1);
	assert_int_equal(fib_add(fib, &m.object), -EINVAL);
}

/* Random host routes, the worst there is: as many as were configured fit, one more is refused. */
static void as_many_as_configured(void **state)
{
	struct fib *fib = *state;
	static struct net_prefix prefixes[3000];

	for (int pass = 0; pass < 3; pass++) {
		enum net_family family = pass ? NET_IP6 : NET_IP4;
		uint32_t count = 0;
		int rc = 0;

		while (rc == 0) {
			uint8_t bytes[16];
			struct net_addr addr;
			struct make_object m;

			for (int i = 0; i < 16; i++)
				bytes[i] = (uint8_t)random32();
			if (pass == 2)
				bytes[0] = bytes[1] = 0x20; /* all behind one place of the root */
			addr = net_addr_of(family, bytes);
			m = make_route(0, &(struct net_prefix){ addr, pass ? 128 : 32, { 0 } }, 5);
			rc = fib_add(fib, &m.object);
			if (rc == -EEXIST)
				rc = 0;
			else if (rc)
				assert_int_equal(lookup(fib, 0, &addr), 0);
			else
				prefixes[count++] = m.route.prefix;
		}
		assert_int_equal(rc, -ENOSPC);
		assert_int_equal(count, 3000);
		for (uint32_t i = 0; i < count; i++) {
			struct make_object m = make_route(0, &prefixes[i], 0);

			assert_int_equal(lookup(fib, 0, &prefixes[i].addr), 5);
			assert_int_equal(fib_del(fib, &m.object), 0);
			assert_int_equal(lookup(fib, 0, &prefixes[i].addr), 0);
		}
	}
}

/* Few nodes: refused, nothing changed, and what is there can be removed. */
static void full_is_refused(void **state)
{
	struct fib *fib = *state;
	uint32_t all = fib->pool.unit_count;
	uint32_t count = 0;
	struct make_object m;
	struct net_addr addr;
	int rc = 0;

	fib->pool.unit_count = fib->pool.used + fib_reserve(fib) + 100;
	for (; rc == 0; count++) {
		addr = net_addr_ip4(count << 16);
		m = make_route(0, &(struct net_prefix){ addr, 32, { 0 } }, 5);
		rc = fib_add(fib, &m.object);
	}
	assert_int_equal(rc, -ENOSPC);
	assert_non_null(strstr(fib_reason(fib), "no memory"));
	assert_int_equal(lookup(fib, 0, &addr), 0);
	assert_in_range(count - 1, 3, 6); /* 17 units each */
	while (--count > 0) {
		addr = net_addr_ip4((count - 1) << 16);
		m = make_route(0, &(struct net_prefix){ addr, 32, { 0 } }, 5);
		assert_int_equal(fib_del(fib, &m.object), 0);
	}
	fib->pool.unit_count = all;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_length, setup, teardown),
		cmocka_unit_test_setup_teardown(random_churn, setup, teardown),
		cmocka_unit_test_setup_teardown(bursts_agree_with_single_lookups, setup, teardown),
		cmocka_unit_test_setup_teardown(refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(as_many_as_configured, setup, teardown),
		cmocka_unit_test_setup_teardown(full_is_refused, setup, teardown),
	};

	test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
