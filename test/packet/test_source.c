/*
 * The source check: what comes out of a tunnel must have a source that the tunnel may have, by how
 * the source is routed. Three tunnels: 1 and 2 are of one connection (source 1), 3 of another.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "peer.h"

#define SOURCED 40 /* next hops with sources: + a number */

static struct bed *bed;
static uint64_t sequence;

struct sourced {
	struct contract_nexthop hop;
	uint32_t sources[2];
};

static void check_is(uint32_t tunnel, enum contract_source_check check, uint32_t source)
{
	struct contract_tunnel t = { .nexthop = BED_NEXTHOP_PUBLIC,
				     .mirror = BED_MIRROR_TUN,
				     .source_check = (uint8_t)check,
				     .source = source };

	assert_int_equal(bed_put(bed, CONTRACT_TUNNEL, tunnel, &t, sizeof(t)), 0);
}

/* The network of tunnel `net` is routed by `hop` from now on. */
static void routed(uint32_t net, uint32_t nexthop, const struct sourced *hop)
{
	struct contract_route route = { .nexthop = nexthop };
	struct net_addr addr = net_addr_ip4(bed_tunnel_net(net));
	struct net_addr addr6 = { .family = NET_IP6, .bytes = { 0xfd, 0x10, 0, (uint8_t)net } };

	assert_int_equal(
		bed_put(bed, CONTRACT_NEXTHOP, nexthop, hop,
			sizeof(hop->hop) + contract_source_count(&hop->hop) * sizeof(uint32_t)),
		0);
	route.prefix = net_prefix_of(&addr, 24);
	assert_int_equal(bed_put(bed, CONTRACT_ROUTE, 0, &route, sizeof(route)), 0);
	route.prefix = net_prefix_of(&addr6, 32);
	assert_int_equal(bed_put(bed, CONTRACT_ROUTE, 0, &route, sizeof(route)), 0);
}

/* From the network of tunnel `net`, out of `tunnel`; both families. */
static bool passes(uint32_t tunnel, uint32_t net)
{
	struct bed_sa sa = { .tunnel = tunnel, .cipher = CONTRACT_CIPHER_AES256_GCM };
	uint64_t before = bed_drops(bed, CONTRACT_DROP_INNER_SOURCE);
	uint64_t counted = contract_counters_sum(&bed->counters, CONTRACT_COUNT_TUNNELS, tunnel,
						 CONTRACT_TUNNEL_IN_SOURCE_DROPPED);
	struct contract_sa in, out;
	uint32_t sent = 0;
	uint64_t dropped;

	bed_sa_make(&in, &out, &sa);
	for (int ip6 = 0; ip6 < 2; ip6++) {
		struct craft c = { .tunnel = net, .length = 100, .inward = true, .ip6 = ip6 };
		struct craft_outer outer = { .tunnel = tunnel };
		uint8_t inner[256];
		uint8_t esp[512];
		struct peer_packet p = { inner, craft_ip(inner, &c), ++sequence, ip6 ? 41 : 4, 0 };

		craft_run(bed, 1, craft_esp(bed, &outer, esp, (uint32_t)peer_seal(&in, &p, esp)));
		sent += bed_sent(bed, 0);
	}
	dropped = bed_drops(bed, CONTRACT_DROP_INNER_SOURCE) - before;
	assert_int_equal(sent + dropped, 2);
	assert_true(sent == 0 || sent == 2);
	assert_int_equal(contract_counters_sum(&bed->counters, CONTRACT_COUNT_TUNNELS, tunnel,
					       CONTRACT_TUNNEL_IN_SOURCE_DROPPED) -
				 counted,
			 dropped);
	return sent == 2;
}

static const struct sourced by_tunnel1 = {
	{ .kind = CONTRACT_NEXTHOP_GROUP, .target = 1, .source_count = 1 }, { 1 }
};
/* The best way is the circuit, which the bed's private port stands for. */
static struct sourced by_circuit(uint8_t count)
{
	struct sourced s = { { .kind = CONTRACT_NEXTHOP_GATEWAY, .port = BED_PRIVATE }, { 1, 3 } };

	s.hop.gateway = net_addr_ip4(0xc0a800fe);
	s.hop.source_count = count;
	return s;
}

static void feasible(void **state)
{
	struct sourced one = by_circuit(1), both = by_circuit(2), none = by_circuit(0);
	struct sourced any = by_circuit(CONTRACT_SOURCES_ANY);

	(void)state;
	check_is(1, CONTRACT_SOURCE_FEASIBLE, 1);
	check_is(2, CONTRACT_SOURCE_FEASIBLE, 1);
	check_is(3, CONTRACT_SOURCE_FEASIBLE, 3);
	routed(1, SOURCED, &by_tunnel1);
	assert_true(passes(1, 1));
	assert_true(passes(2, 1)); /* announced in another tunnel of the connection */
	assert_false(passes(3, 1));
	routed(1, SOURCED + 1, &one);
	assert_true(passes(1, 1)); /* the circuit is best, the tunnel may still send */
	assert_true(passes(2, 1));
	assert_false(passes(3, 1));
	routed(1, SOURCED + 2, &both);
	assert_true(passes(1, 1) && passes(2, 1) && passes(3, 1));
	routed(1, SOURCED + 3, &none);
	assert_false(passes(1, 1) || passes(2, 1) || passes(3, 1));
	routed(1, SOURCED + 4, &any);
	assert_true(passes(1, 1) && passes(2, 1) && passes(3, 1));
	assert_false(passes(1, 0x7000)); /* no route at all */
	routed(1, SOURCED, &by_tunnel1);
}

static void strict(void **state)
{
	struct sourced one = by_circuit(1);

	(void)state;
	for (uint32_t t = 1; t <= 3; t++)
		check_is(t, CONTRACT_SOURCE_STRICT, 1);
	assert_true(passes(1, 1));
	assert_false(passes(2, 1));
	assert_true(passes(2, 2));
	routed(1, SOURCED + 1, &one);
	assert_false(passes(1, 1)); /* not the best way back */
	routed(1, SOURCED, &by_tunnel1);
}

static void off_and_loose(void **state)
{
	struct sourced one = by_circuit(1), none = by_circuit(0);

	(void)state;
	check_is(3, CONTRACT_SOURCE_OFF, 3);
	check_is(2, CONTRACT_SOURCE_LOOSE, 1);
	assert_true(passes(3, 0x7000) && passes(3, 1));
	assert_true(passes(2, 3));
	assert_false(passes(2, 0x7000));
	routed(3, SOURCED + 1, &one);
	assert_true(passes(2, 3));
	routed(3, SOURCED + 3, &none);
	assert_false(passes(2, 3));
}

/* A clear packet from outside whose source may come out of a tunnel, whatever the best way. */
static void clear_from_outside(void **state)
{
	struct sourced one = by_circuit(1), none = by_circuit(0);
	struct craft c = { .tunnel = 1, .length = 100, .inward = true };
	uint64_t before = bed_drops(bed, CONTRACT_DROP_CLEAR_SPOOF);
	uint8_t ip[256];

	(void)state;
	routed(1, SOURCED + 1, &one);
	craft_run(bed, 1, craft_frame(bed, ip, craft_ip(ip, &c), true));
	assert_int_equal(bed_sent(bed, 0), 0);
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_CLEAR_SPOOF), before + 1);
	routed(1, SOURCED + 3, &none);
	craft_run(bed, 1, craft_frame(bed, ip, craft_ip(ip, &c), true));
	assert_int_equal(bed_sent(bed, 0), 1);
}

/* An address of the gateway on another TUN than the tunnel's; one on a port is not for tunnels. */
static void addresses_of_ours(void **state)
{
	struct {
		struct contract_object object;
		struct contract_address body;
	} a = { .object = { .kind = CONTRACT_ADDRESS },
		.body = { .addr = net_addr_ip4(0xc0a80064), .mirror = BED_MIRROR_TUN + 1 } };
	struct bed_sa sa = { .tunnel = 1, .cipher = CONTRACT_CIPHER_AES256_GCM };
	struct craft_outer outer = { .tunnel = 1 };
	struct craft c = { .tunnel = 1, .length = 100, .inward = true };
	uint64_t before = bed_drops(bed, CONTRACT_DROP_INNER_TO_US);
	uint8_t inner[256];
	uint8_t esp[512];
	struct peer_packet p = { inner, 0, ++sequence, 4, 0 };
	struct contract_sa in, out;

	(void)state;
	check_is(1, CONTRACT_SOURCE_OFF, 1);
	bed_sa_make(&in, &out, &sa);
	p.length = craft_ip(inner, &c);
	memcpy(&a.body.addr.bytes, ((struct net_ip4_hdr *)inner)->dst, 4);
	assert_int_equal(address_set(bed->addresses, &a.object), 0);
	craft_run(bed, 1, craft_esp(bed, &outer, esp, (uint32_t)peer_seal(&in, &p, esp)));
	assert_int_equal(bed_empty(path_mirrored(bed->path)), 1);
	a.body.port = BED_PRIVATE;
	assert_int_equal(address_set(bed->addresses, &a.object), 0);
	p.sequence = ++sequence;
	craft_run(bed, 1, craft_esp(bed, &outer, esp, (uint32_t)peer_seal(&in, &p, esp)));
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_INNER_TO_US), before + 1);
	assert_int_equal(bed_sent(bed, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(feasible),	     cmocka_unit_test(strict),
		cmocka_unit_test(off_and_loose),     cmocka_unit_test(clear_from_outside),
		cmocka_unit_test(addresses_of_ours),
	};
	int failed;
	struct bed_config config = { .tunnels = 64, .buffers = 1024 };

	test_eal_init();
	bed = bed_new(&config);
	for (uint32_t t = 1; t <= 3; t++) {
		struct bed_sa sa = { .tunnel = t, .cipher = CONTRACT_CIPHER_AES256_GCM };

		bed_tunnel(bed, t);
		bed_sa_add(bed, &sa);
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	return failed;
}
