/*
 * What a limit counts: inner bytes of both directions in one bucket, a packet from tunnel to tunnel
 * once, nothing that the gateway itself sends or receives. The bucket is filled once (its burst)
 * and earns nothing while a test lasts, so that each byte can be counted. And what the counters of
 * destinations say of packets that came out of a tunnel.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "peer.h"

#include <rte_mbuf.h>

#define BED_NEXTHOP_PEERED 3
#define BYTES 900
#define BURST 18000 /* METER_BURST_BYTES_MIN */
#define PACKETS (BURST / BYTES)
#define GATEWAY 10
#define GATEWAY_OTHER 11
#define CONNECTION(tunnel) (20 + (tunnel))

static struct bed *bed;
static struct contract_sa in[3];
static struct contract_sa out[3];
static uint64_t sequence[3];

static void set_limit(uint32_t id, uint32_t parent, uint64_t bits_per_s, bool sum)
{
	struct contract_limit body = {
		.bits_per_s = bits_per_s, .parent = parent, .weight = 1, .direction_sum = sum
	};

	assert_int_equal(meter_set(bed->meter, id, &body), 0);
}

static void tunnel_limit(uint32_t tunnel)
{
	struct contract_tunnel body = { .nexthop = BED_NEXTHOP_PUBLIC,
					.mirror = BED_MIRROR_TUN,
					.limit = CONNECTION(tunnel) };

	assert_int_equal(bed_put(bed, CONTRACT_TUNNEL, tunnel, &body, sizeof(body)), 0);
}

static int setup(void **state)
{
	struct bed_config config = { .tunnels = 3, .buffers = 1024 };

	bed = bed_new(&config);
	for (uint32_t t = 1; t < 3; t++) {
		struct bed_sa sa = {
			.tunnel = t, .cipher = CONTRACT_CIPHER_AES256_GCM, .icv = 16, .window = 64
		};

		bed_tunnel(bed, t);
		bed_sa_make(&in[t], &out[t], &sa);
		bed_sa_add(bed, &sa);
		sequence[t] = 0;
	}
	return 0;
}

static int teardown(void **state)
{
	bed_free(bed);
	return 0;
}

/* A gateway of one bit a second with both connections below it. */
static void limited(bool sum)
{
	set_limit(GATEWAY, 0, 1, sum);
	for (uint32_t t = 1; t < 3; t++) {
		set_limit(CONNECTION(t), GATEWAY, 0, sum);
		tunnel_limit(t);
	}
}

static bool left(uint32_t device)
{
	struct rte_mbuf *m = craft_sent(bed, device);

	bed_drop(m);
	return m != NULL;
}

static bool outward(uint32_t tunnel)
{
	struct craft c = { .tunnel = tunnel, .length = BYTES, .protocol = NET_PROTO_UDP };
	uint8_t ip[BYTES];

	craft_run(bed, 0, craft_frame(bed, ip, craft_ip(ip, &c), false));
	return left(1);
}

static struct rte_mbuf *sealed(uint32_t tunnel, const uint8_t *ip, uint32_t n)
{
	struct peer_packet p = { ip, n, ++sequence[tunnel], NET_PROTO_IP4, 0 };
	struct craft_outer outer = { tunnel, false, 4500, 0 };
	uint8_t esp[BYTES + 100];

	return craft_esp(bed, &outer, esp, (uint32_t)peer_seal(&in[tunnel], &p, esp));
}

static bool inward(uint32_t tunnel)
{
	struct craft c = {
		.tunnel = tunnel, .inward = true, .length = BYTES, .protocol = NET_PROTO_UDP
	};
	uint8_t ip[BYTES];

	craft_run(bed, 1, sealed(tunnel, ip, craft_ip(ip, &c)));
	return left(0);
}

static void destination(uint8_t *packet, uint32_t address)
{
	struct net_ip4_hdr *ip = (struct net_ip4_hdr *)packet;
	uint32_t be = rte_cpu_to_be_32(address);

	memcpy(ip->dst, &be, sizeof(be));
	ip->checksum_be = 0;
	ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, sizeof(*ip)));
}

/* Out of tunnel 1, to this address; true when it left by this device. */
static bool out_to(uint32_t address, uint32_t device)
{
	struct craft c = {
		.tunnel = 1, .inward = true, .length = BYTES, .protocol = NET_PROTO_UDP
	};
	uint8_t ip[BYTES];
	uint32_t n = craft_ip(ip, &c);

	destination(ip, address);
	craft_run(bed, 1, sealed(1, ip, n));
	return left(device);
}

static bool to_address(uint32_t address)
{
	return out_to(address, 1);
}

/* Out of tunnel 1, into tunnel 2. */
static bool across(void)
{
	return to_address(bed_tunnel_net(2) + 7);
}

static uint32_t pass(bool (*one)(uint32_t), uint32_t tunnel)
{
	uint32_t n = 0;

	while (n < 3 * PACKETS && one(tunnel))
		n++;
	return n;
}

static uint32_t pass_across(void)
{
	uint32_t n = 0;

	while (n < 3 * PACKETS && across())
		n++;
	return n;
}

static void both_directions_share_a_bucket(void **state)
{
	limited(true);
	for (uint32_t i = 0; i < PACKETS / 2; i++) {
		assert_true(outward(1));
		assert_true(inward(2));
	}
	assert_false(outward(1));
	assert_false(inward(1));
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_LIMIT), 2);
}

static void each_direction_has_a_bucket(void **state)
{
	limited(false);
	assert_int_equal(pass(outward, 1), PACKETS);
	assert_int_equal(pass(inward, 2), PACKETS);
	assert_false(outward(2));
	assert_false(inward(1));
}

static void from_tunnel_to_tunnel_counts_once(void **state)
{
	limited(true);
	assert_int_equal(pass_across(), PACKETS);
}

static void the_other_connection_has_a_say(void **state)
{
	limited(true);
	set_limit(CONNECTION(2), GATEWAY, 1, true);
	for (uint32_t i = 0; i < PACKETS / 2; i++)
		assert_true(across());
	for (uint32_t i = 0; i < PACKETS / 2; i++)
		assert_true(outward(2)); /* its own bucket is spent, and the gateway's */
	assert_false(across());
}

static void another_gateway_counts_too(void **state)
{
	limited(true);
	set_limit(GATEWAY_OTHER, 0, 1, true);
	set_limit(CONNECTION(2), GATEWAY_OTHER, 0, true);
	for (uint32_t i = 0; i < PACKETS / 2; i++)
		assert_true(across());
	assert_int_equal(pass(outward, 2), PACKETS - PACKETS / 2);
	assert_int_equal(pass(inward, 1), PACKETS - PACKETS / 2);
}

static void of_linux_is_free(void **state)
{
	limited(true);
	assert_int_equal(pass(outward, 1), PACKETS);
	for (uint32_t i = 0; i < 3 * PACKETS; i++) {
		struct craft c = { .tunnel = 1, .length = BYTES, .protocol = NET_PROTO_UDP };
		struct rte_mbuf *m = rte_pktmbuf_alloc(bed->pool);

		assert_non_null(m);
		craft_ip((uint8_t *)rte_pktmbuf_append(m, BYTES), &c);
		path_inject(bed->path, PATH_INJECT_ROUTE, 0, m);
		assert_true(left(1));
	}
	assert_false(outward(1));
}

static void to_us(void)
{
	to_address(169u << 24 | 254u << 16 | 21u << 8 | 1);
	assert_int_equal(bed_empty(path_mirrored(bed->path)), 1);
}

static void to_linux_is_free(void **state)
{
	limited(true);
	assert_int_equal(pass(outward, 1), PACKETS);
	for (uint32_t i = 0; i < 3 * PACKETS; i++)
		to_us();
	assert_false(inward(1));
}

/* TTL used up: the error goes back into the tunnel although nothing else does. */
static void icmp_of_ours_is_free(void **state)
{
	struct craft c = {
		.tunnel = 1, .inward = true, .length = BYTES, .protocol = NET_PROTO_UDP, .ttl = 1
	};
	uint8_t ip[BYTES];
	uint32_t n;

	limited(true);
	assert_int_equal(pass(outward, 1), PACKETS);
	set_limit(CONNECTION(1), 0, 0, true); /* so that what it answers comes in */
	n = craft_ip(ip, &c);
	craft_run(bed, 1, sealed(1, ip, n));
	assert_true(left(1));
}

static void destination_row(uint32_t tunnel, uint64_t row[CONTRACT_DESTINATION_COLUMNS])
{
	assert_true(contract_counters_row_sum(&bed->counters, CONTRACT_COUNT_DESTINATIONS, tunnel,
					      row, CONTRACT_DESTINATION_COLUMNS));
}

static void expect_destination(enum contract_destination to, uint32_t packets)
{
	uint64_t row[CONTRACT_DESTINATION_COLUMNS];

	destination_row(1, row);
	assert_int_equal(row[2 * to], packets);
	assert_int_equal(row[2 * to + 1], packets * BYTES);
	assert_true(row[CONTRACT_DESTINATION_SINCE_NS] > 0);
}

/* 192.168.9.0/24 by a next hop of its own, that says that a peered network is there. */
static void peer_a_network(void)
{
	struct contract_nexthop hop = { .kind = CONTRACT_NEXTHOP_GATEWAY,
					.flags = CONTRACT_NEXTHOP_PEERED,
					.port = BED_PRIVATE,
					.gateway = net_addr_ip4(192u << 24 | 168u << 16 | 2) };
	struct contract_neighbour neighbour = { .addr = hop.gateway, .port = BED_PRIVATE };
	struct contract_route route = { .nexthop = BED_NEXTHOP_PEERED };
	struct net_addr net = net_addr_ip4(192u << 24 | 168u << 16 | 9 << 8);

	memcpy(neighbour.mac, bed_mac_gateway_private, sizeof(neighbour.mac));
	route.prefix = net_prefix_of(&net, 24);
	assert_int_equal(bed_put(bed, CONTRACT_NEIGHBOUR, 0, &neighbour, sizeof(neighbour)), 0);
	assert_int_equal(bed_put(bed, CONTRACT_NEXTHOP, BED_NEXTHOP_PEERED, &hop, sizeof(hop)), 0);
	assert_int_equal(bed_put(bed, CONTRACT_ROUTE, 0, &route, sizeof(route)), 0);
}

/* What goes into the own network is what is left over. */
static void destinations_are_told_apart(void **state)
{
	struct contract_tunnel body = { .nexthop = BED_NEXTHOP_PUBLIC,
					.mirror = BED_MIRROR_TUN,
					.flags = CONTRACT_TUNNEL_TO_GATEWAY };

	assert_true(inward(1));
	assert_true(outward(1));
	for (enum contract_destination to = 0; to < CONTRACT_DESTINATIONS; to++)
		expect_destination(to, 0);
	for (uint32_t i = 0; i < 2; i++)
		assert_true(across());
	assert_int_equal(bed_put(bed, CONTRACT_TUNNEL, 2, &body, sizeof(body)), 0);
	for (uint32_t i = 0; i < 3; i++)
		assert_true(across());
	for (uint32_t i = 0; i < 4; i++)
		assert_true(to_address(8u << 24 | 8)); /* in clear, by the default route */
	for (uint32_t i = 0; i < 5; i++)
		to_us();
	peer_a_network();
	for (uint32_t i = 0; i < 6; i++)
		assert_true(out_to(192u << 24 | 168u << 16 | 9 << 8 | i, 0));
	assert_true(out_to(192u << 24 | 168u << 16 | 10 << 8, 0)); /* beside it */
	expect_destination(CONTRACT_TO_SITE, 2);
	expect_destination(CONTRACT_TO_GATEWAY, 3);
	expect_destination(CONTRACT_TO_CLIENT, 0);
	expect_destination(CONTRACT_TO_INTERNET, 4);
	expect_destination(CONTRACT_TO_SELF, 5);
	expect_destination(CONTRACT_TO_PEERED, 6);
	assert_int_equal(contract_counters_sum(&bed->counters, CONTRACT_COUNT_TUNNELS, 1,
					       CONTRACT_TUNNEL_IN_PACKETS),
			 1 + 2 + 3 + 4 + 5 + 6 + 1);
}

/* A tunnel that gets the id of one that is gone counts from zero, and says since when. */
static void counters_begin_with_a_tunnel(void **state)
{
	const struct contract_object gone = { .kind = CONTRACT_TUNNEL, .id = 3 };
	struct contract_tunnel body = { .nexthop = BED_NEXTHOP_PUBLIC, .mirror = BED_MIRROR_TUN };
	uint64_t row[CONTRACT_DESTINATION_COLUMNS];
	uint64_t since;

	assert_int_equal(bed_put(bed, CONTRACT_TUNNEL, 3, &body, sizeof(body)), 0);
	destination_row(3, row);
	since = row[CONTRACT_DESTINATION_SINCE_NS];
	contract_counters_row(&bed->counters, CONTRACT_COUNT_DESTINATIONS, 0, 3)[0] = 7;
	body.mtu = 1400;
	assert_int_equal(bed_put(bed, CONTRACT_TUNNEL, 3, &body, sizeof(body)), 0);
	destination_row(3, row);
	assert_int_equal(row[CONTRACT_DESTINATION_SINCE_NS], since);
	assert_int_equal(row[0], 7);
	assert_int_equal(sa_del(bed->sas, &gone, NULL), 0);
	assert_int_equal(bed_put(bed, CONTRACT_TUNNEL, 3, &body, sizeof(body)), 0);
	destination_row(3, row);
	assert_true(row[CONTRACT_DESTINATION_SINCE_NS] > since);
	assert_int_equal(row[0], 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(both_directions_share_a_bucket),
		TEST(each_direction_has_a_bucket),
		TEST(from_tunnel_to_tunnel_counts_once),
		TEST(the_other_connection_has_a_say),
		TEST(another_gateway_counts_too),
		TEST(of_linux_is_free),
		TEST(to_linux_is_free),
		TEST(icmp_of_ours_is_free),
		TEST(destinations_are_told_apart),
		TEST(counters_begin_with_a_tunnel),
	};

	test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
