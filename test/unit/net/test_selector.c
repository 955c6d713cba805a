/* Traffic selectors: numbered tables of intersections, covers, matches and texts. */
#include "../cmocka_all.h"
#include "net/header.h"
#include "net/selector.h"

#include <stdio.h>
#include <string.h>

/* "start end protocol from-to", e.g. "10.0.0.0 10.0.0.255 6 80-90" */
static struct net_selector selector_of(const char *text)
{
	char start[64], end[64];
	unsigned protocol, from, to;
	struct net_selector s = { 0 };

	assert_int_equal(sscanf(text, "%63s %63s %u %u-%u", start, end, &protocol, &from, &to), 5);
	assert_int_equal(net_addr_parse(&s.start, start), 0);
	assert_int_equal(net_addr_parse(&s.end, end), 0);
	s.protocol = (uint8_t)protocol;
	s.port_start = (uint16_t)from;
	s.port_end = (uint16_t)to;
	return s;
}

#define ANY4 "0.0.0.0 255.255.255.255 0 0-65535"
#define OPAQUE4 "0.0.0.0 255.255.255.255 0 65535-0"

static const struct {
	int number;
	const char *a, *b, *common; /* NULL: nothing */
} intersections[] = {
	{ 1, ANY4, ANY4, ANY4 },
	{ 2, ANY4, "10.0.0.0 10.0.0.255 6 80-80", "10.0.0.0 10.0.0.255 6 80-80" },
	{ 3, "10.0.0.0 10.0.0.9 0 0-65535", "10.0.0.5 10.0.0.20 0 0-65535",
	  "10.0.0.5 10.0.0.9 0 0-65535" },
	{ 4, "10.0.0.0 10.0.0.9 0 0-65535", "10.0.0.9 10.0.0.20 0 0-65535",
	  "10.0.0.9 10.0.0.9 0 0-65535" },
	{ 5, "10.0.0.0 10.0.0.9 0 0-65535", "10.0.0.10 10.0.0.20 0 0-65535", NULL },
	{ 6, "0.0.0.0 255.255.255.255 6 0-65535", "0.0.0.0 255.255.255.255 17 0-65535", NULL },
	{ 7, "0.0.0.0 255.255.255.255 6 10-20", "0.0.0.0 255.255.255.255 6 15-30",
	  "0.0.0.0 255.255.255.255 6 15-20" },
	{ 8, "0.0.0.0 255.255.255.255 6 10-20", "0.0.0.0 255.255.255.255 6 21-30", NULL },
	{ 9, "0.0.0.0 255.255.255.255 6 10-20", "0.0.0.0 255.255.255.255 0 20-20",
	  "0.0.0.0 255.255.255.255 6 20-20" },
	{ 10, ANY4, ":: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 0 0-65535", NULL },
	{ 11, ANY4, OPAQUE4, OPAQUE4 },
	{ 12, OPAQUE4, OPAQUE4, OPAQUE4 },
	{ 13, OPAQUE4, "0.0.0.0 255.255.255.255 0 80-80", NULL },
	{ 14, "2001:db8:: 2001:db8::ffff 0 0-65535", "2001:db8::8 2001:db8:1:: 58 0-65535",
	  "2001:db8::8 2001:db8::ffff 58 0-65535" },
	{ 15, "10.0.0.9 10.0.0.0 0 0-65535", ANY4, NULL },
};

static void test_intersect(void **state)
{
	for (size_t i = 0; i < sizeof(intersections) / sizeof(intersections[0]); i++) {
		struct net_selector a = selector_of(intersections[i].a);
		struct net_selector b = selector_of(intersections[i].b), ab, ba;
		bool common = net_selector_intersect(&ab, &a, &b);

		assert_int_equal(common, intersections[i].common != NULL);
		assert_int_equal(net_selector_intersect(&ba, &b, &a), common);
		if (common) {
			struct net_selector want = selector_of(intersections[i].common);

			assert_true(net_selector_equal(&ab, &want));
			assert_true(net_selector_equal(&ba, &want));
			assert_true(net_selector_covers(&a, &want));
			assert_true(net_selector_covers(&b, &want));
		}
	}
}

static void test_covers(void **state)
{
	static const struct {
		const char *outer, *inner;
		bool covers;
	} rows[] = {
		{ ANY4, OPAQUE4, true },
		{ OPAQUE4, ANY4, false },
		{ ANY4, "1.0.0.0 1.0.0.1 17 53-53", true },
		{ "1.0.0.0 1.0.0.1 17 53-53", ANY4, false },
		{ "1.0.0.0 1.0.0.9 17 50-60", "1.0.0.1 1.0.0.9 17 50-50", true },
		{ "1.0.0.0 1.0.0.9 17 50-60", "1.0.0.1 1.0.0.10 17 50-50", false },
		{ "1.0.0.0 1.0.0.9 17 50-60", "1.0.0.1 1.0.0.9 0 50-50", false },
		{ "1.0.0.0 1.0.0.9 17 50-60", "1.0.0.1 1.0.0.9 17 65535-0", false },
		{ "1.0.0.0 1.0.0.9 17 50-60", "1.0.0.1 1.0.0.9 17 49-50", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_selector outer = selector_of(rows[i].outer);
		struct net_selector inner = selector_of(rows[i].inner);

		assert_int_equal(net_selector_covers(&outer, &inner), rows[i].covers);
	}
}

static void test_matches(void **state)
{
	struct net_selector s = selector_of("10.0.0.1 10.0.0.9 17 50-60");
	static const struct {
		const char *addr;
		uint8_t protocol;
		uint16_t port;
		bool matches;
	} rows[] = {
		{ "10.0.0.1", 17, 50, true },  { "10.0.0.9", 17, 60, true },
		{ "10.0.0.0", 17, 50, false }, { "10.0.0.10", 17, 50, false },
		{ "10.0.0.5", 6, 50, false },  { "10.0.0.5", 17, 49, false },
		{ "10.0.0.5", 17, 61, false }, { "::a00:5", 17, 50, false },
	};
	struct net_selector opaque = selector_of(OPAQUE4), any = net_selector_any(NET_IP4);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_addr addr;

		assert_int_equal(net_addr_parse(&addr, rows[i].addr), 0);
		assert_int_equal(net_selector_matches(&s, &addr, rows[i].protocol, rows[i].port),
				 rows[i].matches);
		assert_false(net_selector_matches(&opaque, &addr, 17, rows[i].port));
		assert_int_equal(net_selector_matches(&any, &addr, 99, rows[i].port),
				 addr.family == NET_IP4);
	}
}

static void test_any(void **state)
{
	struct net_selector any4 = net_selector_any(NET_IP4), any6 = net_selector_any(NET_IP6);
	struct net_selector narrow = any4;

	assert_true(net_selector_is_any(&any4));
	assert_true(net_selector_is_any(&any6));
	narrow.protocol = 6;
	assert_false(net_selector_is_any(&narrow));
	narrow = any6;
	narrow.port_end--;
	assert_false(net_selector_is_any(&narrow));
	narrow = any6;
	net_addr_prev(&narrow.end);
	assert_false(net_selector_is_any(&narrow));
}

static void test_texts_and_prefixes(void **state)
{
	static const struct {
		const char *selector, *text;
		bool is_prefix;
	} rows[] = {
		{ ANY4, "0.0.0.0/0", true },
		{ "10.0.0.0 10.0.0.255 0 0-65535", "10.0.0.0/24", true },
		{ "10.0.0.0 10.0.0.254 0 0-65535", "10.0.0.0-10.0.0.254", false },
		{ "10.0.0.1 10.0.0.2 0 0-65535", "10.0.0.1-10.0.0.2", false },
		{ "10.0.0.4 10.0.0.4 6 443-443", "10.0.0.4/32[tcp/443]", true },
		{ "10.0.0.4 10.0.0.4 17 1-9", "10.0.0.4/32[udp/1-9]", true },
		{ "10.0.0.4 10.0.0.4 89 0-65535", "10.0.0.4/32[89]", true },
		{ "10.0.0.4 10.0.0.4 0 7-7", "10.0.0.4/32[any/7]", true },
		{ OPAQUE4, "0.0.0.0/0[any/opaque]", true },
		{ "2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 58 0-65535",
		  "2001:db8::/32[icmp6]", true },
	};
	char buf[NET_SELECTOR_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_selector s = selector_of(rows[i].selector), back;
		struct net_prefix prefix;

		assert_string_equal(net_selector_text(buf, &s), rows[i].text);
		assert_int_equal(net_selector_to_prefix(&prefix, &s), rows[i].is_prefix);
		if (rows[i].is_prefix) {
			back = net_selector_of_prefix(&prefix);
			assert_true(net_addr_equal(&back.start, &s.start));
			assert_true(net_addr_equal(&back.end, &s.end));
		}
	}
}

/* The widest text: nothing is cut off. */
static void test_longest_text(void **state)
{
	struct net_selector s = selector_of("1111:1111:1111:1111:1111:1111:1111:1111 "
					    "2222:2222:2222:2222:2222:2222:2222:2222 58 "
					    "10000-65534");
	char buf[NET_SELECTOR_TEXT];

	assert_string_equal(net_selector_text(buf, &s),
			    "1111:1111:1111:1111:1111:1111:1111:1111-"
			    "2222:2222:2222:2222:2222:2222:2222:2222[icmp6/10000-65534]");
}

static void test_header_sizes(void **state)
{
	assert_int_equal(sizeof(struct net_ether_hdr), 14);
	assert_int_equal(sizeof(struct net_vlan_hdr), 4);
	assert_int_equal(sizeof(struct net_ip4_hdr), 20);
	assert_int_equal(sizeof(struct net_ip6_hdr), 40);
	assert_int_equal(sizeof(struct net_udp_hdr), 8);
	assert_int_equal(sizeof(struct net_tcp_hdr), 20);
	assert_int_equal(sizeof(struct net_esp_hdr), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intersect),
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_texts_and_prefixes),
		cmocka_unit_test(test_longest_text),
		cmocka_unit_test(test_header_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
