/*
 * What the kernel says of a route with many hops: a site announces what a hundred others announce.
 */
#include "cmocka_all.h"
#include "control/route/netlink_message.h"

#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

static union {
	struct nlmsghdr header;
	uint8_t bytes[16384];
} m;

static void *put(size_t n)
{
	void *at = m.bytes + NLMSG_ALIGN(m.header.nlmsg_len);

	memset(at, 0, n);
	m.header.nlmsg_len = NLMSG_ALIGN(m.header.nlmsg_len) + (uint32_t)n;
	return at;
}

static void attribute(uint16_t type, const void *bytes, size_t n)
{
	struct rtattr *a = put(RTA_LENGTH(n));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(n);
	memcpy(RTA_DATA(a), bytes, n);
}

static void hop(uint32_t number)
{
	struct rtnexthop *h = put(sizeof(*h));
	const struct net_addr via = net_addr_ip4(0xf0000000u + number);

	h->rtnh_ifindex = 7;
	h->rtnh_hops = (unsigned char)(number % 3);
	attribute(RTA_GATEWAY, via.bytes, 4);
	h->rtnh_len = (unsigned short)(m.bytes + m.header.nlmsg_len - (uint8_t *)h);
}

/* 10.0.0.0/8 by so many. */
static void route_by(uint32_t hops)
{
	struct rtmsg *info;
	struct rtattr *all;
	const uint8_t ten[4] = { 10 };

	m.header = (struct nlmsghdr){ .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = RTM_NEWROUTE };
	info = put(sizeof(*info));
	info->rtm_family = AF_INET;
	info->rtm_dst_len = 8;
	info->rtm_type = RTN_UNICAST;
	info->rtm_protocol = RTPROT_BGP;
	attribute(RTA_DST, ten, sizeof(ten));
	all = put(sizeof(*all));
	all->rta_type = RTA_MULTIPATH;
	for (uint32_t i = 0; i < hops; i++)
		hop(i);
	all->rta_len = (unsigned short)(m.bytes + m.header.nlmsg_len - (uint8_t *)all);
}

static void all_hops_are_read(void **state)
{
	static struct netlink_route route;

	route_by(200);
	assert_true(netlink_decode_route(&m.header, &route));
	assert_int_equal(route.hop_count, 200);
	assert_int_equal(route.prefix.length, 8);
	for (uint32_t i = 0; i < 200; i++) {
		const struct net_addr via = net_addr_ip4(0xf0000000u + i);

		assert_int_equal(route.hops[i].ifindex, 7);
		assert_int_equal(route.hops[i].weight, i % 3 + 1);
		assert_true(net_addr_equal(&route.hops[i].gateway, &via));
	}
}

static void more_than_there_is_room_for_are_left_out(void **state)
{
	static struct netlink_route route;

	route_by(300);
	assert_true(netlink_decode_route(&m.header, &route));
	assert_int_equal(route.hop_count, NETLINK_HOPS_MAX);
}

/* Every shorter one ends cleanly. */
static void cut_messages_are_read_as_far_as_they_go(void **state)
{
	static struct netlink_route route;
	uint32_t whole;

	route_by(20);
	whole = m.header.nlmsg_len;
	for (uint32_t n = NLMSG_HDRLEN; n < whole; n++) {
		m.header.nlmsg_len = n;
		if (netlink_decode_route(&m.header, &route))
			assert_true(route.hop_count <= 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_hops_are_read),
		cmocka_unit_test(more_than_there_is_room_for_are_left_out),
		cmocka_unit_test(cut_messages_are_read_as_far_as_they_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
