/* Addresses and prefixes of both families. */
#include "../cmocka_all.h"
#include "net/addr.h"

#include <errno.h>
#include <string.h>

static struct net_addr addr_of(const char *text)
{
	struct net_addr addr;

	assert_int_equal(net_addr_parse(&addr, text), 0);
	return addr;
}

static struct net_prefix prefix_of(const char *text)
{
	struct net_prefix prefix;

	assert_int_equal(net_prefix_parse(&prefix, text), 0);
	return prefix;
}

static void test_addr_text(void **state)
{
	static const char *const same[] = { "0.0.0.0",
					    "10.1.2.3",
					    "255.255.255.255",
					    "::",
					    "::1",
					    "2001:db8::1",
					    "fe80::1:2",
					    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" };
	static const char *const bad[] = { "",	       "1.2.3",	   "1.2.3.4.5", "256.1.1.1",
					   "1.2.3.4 ", " 1.2.3.4", "01.2.3.4",	"::1%eth0",
					   "1::2::3",  "g::",	   "10.0.0.0/8" };
	struct net_addr addr;
	char buf[NET_ADDR_TEXT];

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		addr = addr_of(same[i]);
		assert_string_equal(net_addr_text(buf, &addr), same[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(net_addr_parse(&addr, bad[i]), -EINVAL);
	memset(&addr, 0, sizeof(addr));
	assert_string_equal(net_addr_text(buf, &addr), "none");
}

static void test_addr_classes(void **state)
{
	static const struct {
		const char *text;
		bool any, multicast, link_local, loopback;
	} rows[] = {
		{ "0.0.0.0", true, false, false, false },
		{ "10.0.0.1", false, false, false, false },
		{ "127.9.9.9", false, false, false, true },
		{ "169.254.21.1", false, false, true, false },
		{ "169.253.0.1", false, false, false, false },
		{ "224.0.0.1", false, true, false, false },
		{ "239.255.255.255", false, true, false, false },
		{ "240.0.0.0", false, false, false, false },
		{ "::", true, false, false, false },
		{ "::1", false, false, false, true },
		{ "fe80::1", false, false, true, false },
		{ "febf::1", false, false, true, false },
		{ "fec0::1", false, false, false, false },
		{ "ff02::1", false, true, false, false },
		{ "2001:db8::", false, false, false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_addr addr = addr_of(rows[i].text);

		assert_int_equal(net_addr_is_any(&addr), rows[i].any);
		assert_int_equal(net_addr_is_multicast(&addr), rows[i].multicast);
		assert_int_equal(net_addr_is_link_local(&addr), rows[i].link_local);
		assert_int_equal(net_addr_is_loopback(&addr), rows[i].loopback);
	}
}

static void test_next_and_prev(void **state)
{
	static const struct {
		const char *from, *next;
		bool wraps;
	} rows[] = {
		{ "10.0.0.0", "10.0.0.1", false },
		{ "10.0.0.255", "10.0.1.0", false },
		{ "255.255.255.255", "0.0.0.0", true },
		{ "2001:db8::ffff", "2001:db8::1:0", false },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_addr from = addr_of(rows[i].from), next = addr_of(rows[i].next), at;

		at = from;
		assert_int_equal(net_addr_next(&at), !rows[i].wraps);
		assert_true(net_addr_equal(&at, &next));
		assert_int_equal(net_addr_prev(&at), !rows[i].wraps);
		assert_true(net_addr_equal(&at, &from));
	}
}

static void test_order(void **state)
{
	static const char *const rising[] = { "0.0.0.0", "9.255.0.0", "10.0.0.0", "255.0.0.0",
					      "::",	 "::1",	      "ff00::" };

	for (size_t i = 0; i < sizeof(rising) / sizeof(rising[0]); i++)
		for (size_t j = 0; j < sizeof(rising) / sizeof(rising[0]); j++) {
			struct net_addr a = addr_of(rising[i]), b = addr_of(rising[j]);
			int rc = net_addr_compare(&a, &b);

			assert_int_equal((rc > 0) - (rc < 0), (i > j) - (i < j));
		}
}

static void test_prefix_text(void **state)
{
	static const struct {
		const char *text;
		int rc;
		const char *shown;
	} rows[] = {
		{ "10.1.0.0/16", 0, "10.1.0.0/16" },
		{ "0.0.0.0/0", 0, "0.0.0.0/0" },
		{ "10.1.2.3/32", 0, "10.1.2.3/32" },
		{ "2001:db8::/33", 0, "2001:db8::/33" },
		{ "::/0", 0, "::/0" },
		{ "::1/128", 0, "::1/128" },
		{ "10.1.2.3/16", -ERANGE, "10.1.0.0/16" },
		{ "255.255.255.255/9", -ERANGE, "255.128.0.0/9" },
		{ "2001:db8:ffff::/33", -ERANGE, "2001:db8:8000::/33" },
		{ "10.1.0.0", -EINVAL, NULL },
		{ "10.1.0.0/33", -EINVAL, NULL },
		{ "::/129", -EINVAL, NULL },
		{ "10.1.0.0/", -EINVAL, NULL },
		{ "10.1.0.0/016", -EINVAL, NULL },
		{ "10.1.0.0/+8", -EINVAL, NULL },
		{ "10.1.0.0/8 ", -EINVAL, NULL },
		{ "10.1.0.0/4294967304", -EINVAL, NULL },
		{ "/8", -EINVAL, NULL },
		{ "", -EINVAL, NULL },
		{ "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/8", -EINVAL, NULL },
	};
	char buf[NET_PREFIX_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_prefix prefix;

		assert_int_equal(net_prefix_parse(&prefix, rows[i].text), rows[i].rc);
		if (rows[i].shown)
			assert_string_equal(net_prefix_text(buf, &prefix), rows[i].shown);
	}
}

static void test_prefix_relations(void **state)
{
	static const struct {
		const char *a, *b;
		bool a_covers_b, b_covers_a;
	} rows[] = {
		{ "10.0.0.0/8", "10.1.0.0/16", true, false },
		{ "10.0.0.0/8", "10.0.0.0/8", true, true },
		{ "10.0.0.0/8", "11.0.0.0/8", false, false },
		{ "0.0.0.0/0", "255.255.255.255/32", true, false },
		{ "10.1.2.0/23", "10.1.3.0/24", true, false },
		{ "10.1.2.0/23", "10.1.4.0/24", false, false },
		{ "0.0.0.0/0", "::/0", false, false },
		{ "2001:db8::/32", "2001:db8:1::/48", true, false },
		{ "2001:db8::/127", "2001:db8::1/128", true, false },
		{ "2001:db8::2/127", "2001:db8::1/128", false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_prefix a = prefix_of(rows[i].a), b = prefix_of(rows[i].b);
		bool either = rows[i].a_covers_b || rows[i].b_covers_a;

		assert_int_equal(net_prefix_covers(&a, &b), rows[i].a_covers_b);
		assert_int_equal(net_prefix_covers(&b, &a), rows[i].b_covers_a);
		assert_int_equal(net_prefix_overlaps(&a, &b), either);
		assert_int_equal(net_prefix_contains(&a, &b.addr), rows[i].a_covers_b);
	}
}

static void test_prefix_last(void **state)
{
	static const char *const rows[][2] = {
		{ "10.1.2.0/23", "10.1.3.255" },
		{ "0.0.0.0/0", "255.255.255.255" },
		{ "10.1.2.3/32", "10.1.2.3" },
		{ "2001:db8::/33", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff" },
	};
	char buf[NET_ADDR_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_prefix prefix = prefix_of(rows[i][0]);
		struct net_addr last = net_prefix_last(&prefix);

		assert_string_equal(net_addr_text(buf, &last), rows[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addr_text),     cmocka_unit_test(test_addr_classes),
		cmocka_unit_test(test_next_and_prev), cmocka_unit_test(test_order),
		cmocka_unit_test(test_prefix_text),   cmocka_unit_test(test_prefix_relations),
		cmocka_unit_test(test_prefix_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
