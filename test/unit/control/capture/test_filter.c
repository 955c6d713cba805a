#include "base/text.h"
#include "control/capture/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct capture_filter filter;
static char why[256];

static void good(const char *text)
{
	why[0] = '\0';
	if (capture_filter_parse(&filter, text, why, sizeof(why)))
		fail_msg("%s: %s", text ? text : "NULL", why);
}

static void bad(const char *text, const char *says)
{
	why[0] = '\0';
	assert_int_not_equal(capture_filter_parse(&filter, text, why, sizeof(why)), 0);
	if (!strstr(why, says))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, why, says);
}

static void test_defaults(void **state)
{
	good(NULL);
	assert_int_equal(filter.flags, 11);
	assert_int_equal(filter.snap, 120);
	assert_int_equal(filter.file_mb, 100);
	assert_int_equal(filter.count, 0);
	assert_false(filter.single);
	good("{}");
	good("{\"Filters\":[]}");
	assert_int_equal(filter.count, 0);
}

/* The REST sample: single quotes, a scalar where an array belongs. */
static void test_sample(void **state)
{
	char text[NET_PREFIX_TEXT];

	good("{'TracingFlags': 3,'MaxPacketBufferSize': 240,'MaxFileSize': 500,'Filters':["
	     "{'SourceSubnets':['20.1.1.0/24'],'DestinationSubnets':['10.1.1.0/24'],"
	     "'SourcePort':[500],'DestinationPort':[4500],'Protocol':6,'TcpFlags':16,"
	     "'CaptureSingleDirectionTrafficOnly':true}]}");
	assert_int_equal(filter.flags, 3);
	assert_int_equal(filter.snap, 240);
	assert_int_equal(filter.file_mb, 500);
	assert_int_equal(filter.count, 1);
	assert_true(filter.single);
	assert_string_equal(net_prefix_text(text, &filter.rules[0].src), "20.1.1.0/24");
	assert_string_equal(net_prefix_text(text, &filter.rules[0].dst), "10.1.1.0/24");
	assert_int_equal(filter.rules[0].src_port, 500);
	assert_int_equal(filter.rules[0].dst_port, 4500);
	assert_int_equal(filter.rules[0].protocol, 6);
	assert_int_equal(filter.rules[0].tcp_flags, 16);
}

static void test_combinations(void **state)
{
	good("{\"Filters\":[{\"SourceSubnets\":[\"10.0.0.0/8\",\"fd00::/8\"],"
	     "\"DestinationSubnets\":[\"10.9.0.0/16\",\"fd09::/16\"],\"DestinationPort\":[80,443],"
	     "\"Protocol\":[\"TCP\"],\"TcpFlags\":-1},{\"Protocol\":1}]}");
	/* two families do not mix: 2 x 2 ports, and the second filter */
	assert_int_equal(filter.count, 5);
	assert_int_equal(filter.rules[0].tcp_flags, CONTRACT_TCP_ANY);
	assert_int_equal(filter.rules[4].protocol, 1);
	good("{\"Filters\":[{\"SourceSubnets\":\"192.0.2.7\",\"SourcePort\":\"53\"}]}");
	assert_int_equal(filter.rules[0].src.length, 32);
	assert_int_equal(filter.rules[0].src_port, 53);
	good("{\"Filters\":[{\"SourceSubnets\":[\"10.0.0.0/8\"],\"IpSubnetValueAsAny\":true}]}");
	assert_int_equal(filter.rules[0].src.addr.family, NET_NONE);
}

static void test_refusals(void **state)
{
	bad("{", "no JSON");
	bad("[]", "object is expected");
	bad("{\"Filter\":[]}", "\"Filter\" is not known");
	bad("{\"TracingFlags\":4}", "sum of ESP 1");
	bad("{\"TracingFlags\":0}", "sum of ESP 1");
	bad("{\"MaxPacketBufferSize\":70000}", "up to 65535");
	bad("{\"MaxFileSize\":\"much\"}", "whole numbers");
	bad("{\"Filters\":[{},{\"SourceSubnets\":[\"10.0.0.300/8\"]}]}",
	    "Filters[1]: \"10.0.0.300/8\" is no subnet");
	bad("{\"Filters\":[{\"Protocol\":300}]}", "Protocol takes whole numbers up to 255");
	bad("{\"Filters\":[{\"SourcePort\":{}}]}", "SourcePort takes numbers");
	bad("{\"Filters\":[5]}", "Filters holds objects");
}

static void test_too_many(void **state)
{
	struct text text = { 0 };

	text_add(&text, "{\"Filters\":[{\"SourcePort\":[1");
	for (int i = 0; i < 256; i++)
		text_add(&text, ",2");
	text_add(&text, "]}]}");
	bad(text_get(&text), "more than 256 combinations");
	text_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),     cmocka_unit_test(test_sample),
		cmocka_unit_test(test_combinations), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
