/*
 * The reasons that need a table or a row of their own: routes without an end, tunnels without an SA
 * or a selector, exits that are full. Each case makes what it needs, so it may come in any order.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"
#include "peer.h"

#include <rte_cycles.h>

#include <openssl/hmac.h>

static struct bed *bed;

static void dropped(uint32_t device, struct rte_mbuf *m, enum contract_drop why)
{
	uint64_t before = bed_drops(bed, why);
	uint64_t all = bed_drops_all(bed);

	craft_run(bed, device, m);
	if (bed_drops(bed, why) != before + 1)
		fail_msg("not dropped as %s", contract_drop_name(why));
	assert_int_equal(bed_drops_all(bed), all + 1);
	assert_int_equal(bed_sent(bed, 0) + bed_sent(bed, 1), 0);
}

static struct rte_mbuf *to_tunnel(uint32_t tunnel)
{
	struct craft c = { .tunnel = tunnel, .length = 100 };
	uint8_t ip[128];

	return craft_frame(bed, ip, craft_ip(ip, &c), false);
}

/* A packet from the inside to an address outside of every tunnel. */
static struct rte_mbuf *to_address(uint8_t a, uint8_t b, uint8_t c)
{
	struct rte_mbuf *m = to_tunnel(1);
	struct net_ip4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct net_ip4_hdr *, 14);

	memcpy(ip->dst, (uint8_t[]){ a, b, c, 9 }, 4);
	ip->checksum_be = 0;
	ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, sizeof(*ip)));
	return m;
}

static void must_put(uint16_t kind, uint32_t id, const void *body, size_t n)
{
	if (bed_put(bed, kind, id, body, n))
		fail_msg("%u: %s %s", kind, fib_reason(bed->fib), sa_reason(bed->sas));
}

static void route_to(uint32_t address, uint32_t nexthop)
{
	struct net_addr addr = net_addr_ip4(address);
	struct contract_route r = { .prefix = net_prefix_of(&addr, 24), .nexthop = nexthop };

	must_put(CONTRACT_ROUTE, 0, &r, sizeof(r));
}

static void tunnel_with_sa(uint32_t tunnel, struct contract_sa both[2])
{
	struct bed_sa sa = { .tunnel = tunnel,
			     .cipher = CONTRACT_CIPHER_NULL,
			     .integrity = CONTRACT_INTEGRITY_SHA256_128 };

	bed_tunnel(bed, tunnel);
	bed_sa_add(bed, &sa);
	bed_sa_make(&both[0], &both[1], &sa);
}

/* What the peer of a tunnel sends: an inner packet to `last` of 192.168.x. */
static struct rte_mbuf *from_tunnel(const struct contract_sa *in, uint64_t number, bool to_us)
{
	struct craft c = { .tunnel = in->tunnel, .length = 100, .inward = true };
	struct craft_outer outer = { .tunnel = in->tunnel };
	uint8_t inner[128];
	uint8_t esp[256];
	struct peer_packet p = { inner, craft_ip(inner, &c), number, 4, 0 };
	struct net_ip4_hdr *ip = (struct net_ip4_hdr *)inner;

	if (to_us)
		memcpy(ip->dst, (uint8_t[]){ 192, 168, 0, 1 }, 4);
	ip->checksum_be = 0;
	ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, sizeof(*ip)));
	return craft_esp(bed, &outer, esp, (uint32_t)peer_seal(in, &p, esp));
}

static void routes_without_an_end(void **state)
{
	struct contract_nexthop drop = { .kind = CONTRACT_NEXTHOP_DROP };
	struct {
		struct contract_object object;
		struct contract_route route;
	} all = { .object = { .kind = CONTRACT_ROUTE },
		  .route = { .nexthop = BED_NEXTHOP_PUBLIC } };
	struct net_addr any = net_addr_ip4(0);

	(void)state;
	must_put(CONTRACT_NEXTHOP, 3, &drop, sizeof(drop));
	route_to(203u << 24 | 113 << 8, 3);
	dropped(0, to_address(203, 0, 113), CONTRACT_DROP_ROUTE_DROP);
	all.route.prefix = net_prefix_of(&any, 0);
	assert_int_equal(fib_del(bed->fib, &all.object), 0);
	dropped(0, to_address(9, 9, 9), CONTRACT_DROP_ROUTE_NONE);
	must_put(CONTRACT_ROUTE, 0, &all.route, sizeof(all.route));
}

static void neighbour_does_not_answer(void **state)
{
	struct contract_nexthop hop = { .kind = CONTRACT_NEXTHOP_GATEWAY,
					.port = BED_PUBLIC,
					.gateway = net_addr_ip4(192u << 24 | 2 << 8 | 77) };
	uint64_t before = bed_drops(bed, CONTRACT_DROP_NEIGHBOUR_NONE);
	uint64_t deadline = rte_rdtsc() + 10 * rte_get_tsc_hz();

	(void)state;
	must_put(CONTRACT_NEXTHOP, 4, &hop, sizeof(hop));
	route_to(203u << 24 | 114 << 8, 4);
	craft_run(bed, 0, to_address(203, 0, 114));
	assert_true(path_holds(bed->path));
	while (path_holds(bed->path) && rte_rdtsc() < deadline)
		path_tick(bed->path);
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_NEIGHBOUR_NONE), before + 1);
}

/* The ICV holds, the padding is not 1, 2, 3 (conformance item 82). */
static void wrong_padding(void **state)
{
	struct contract_sa both[2];
	struct rte_mbuf *m;
	uint8_t *esp;
	uint8_t full[32];
	uint32_t n;

	(void)state;
	tunnel_with_sa(1, both);
	m = from_tunnel(&both[0], 1, false);
	esp = rte_pktmbuf_mtod_offset(m, uint8_t *, 34);
	n = m->data_len - 34u - 16u;
	assert_int_equal(esp[n - 2], 2);
	esp[n - 3] = 7;
	HMAC(EVP_sha256(), both[0].integrity_key, both[0].integrity_key_length, esp, n, full, NULL);
	memcpy(esp + n, full, 16);
	dropped(1, m, CONTRACT_DROP_ESP_PADDING);
	m = from_tunnel(&both[0], 2, false);
	esp = rte_pktmbuf_mtod_offset(m, uint8_t *, 34);
	esp[n - 2] = 200; /* more than there is */
	HMAC(EVP_sha256(), both[0].integrity_key, both[0].integrity_key_length, esp, n, full, NULL);
	memcpy(esp + n, full, 16);
	dropped(1, m, CONTRACT_DROP_ESP_PADDING);
}

static void hard_lifetime(void **state)
{
	struct contract_sa both[2];

	(void)state;
	tunnel_with_sa(2, both);
	both[1].hard_packets = 2;
	both[0].hard_packets = 1;
	must_put(CONTRACT_SA, 5, &both[1], sizeof(both[1]));
	must_put(CONTRACT_SA, 4, &both[0], sizeof(both[0]));
	craft_run(bed, 0, to_tunnel(2));
	craft_run(bed, 0, to_tunnel(2));
	assert_int_equal(bed_sent(bed, 1), 2);
	dropped(0, to_tunnel(2), CONTRACT_DROP_ESP_LIFETIME);
	craft_run(bed, 1, from_tunnel(&both[0], 1, false));
	assert_int_equal(bed_sent(bed, 0), 1);
	dropped(1, from_tunnel(&both[0], 2, false), CONTRACT_DROP_ESP_LIFETIME);
}

/* Another worker has the number before and does not come back; once it does, sending goes on. */
static void number_of_another(void **state)
{
	struct contract_sa both[2];
	struct sa_slot *slot;

	(void)state;
	tunnel_with_sa(3, both);
	slot = sa_slot(sa_hot(bed->sas), 7);
	slot->out_life.next = CONTRACT_SPREAD_DEFAULT;
	slot->flight[1] = 1;
	dropped(0, to_tunnel(3), CONTRACT_DROP_ESP_SPREAD);
	slot->flight[1] = 2;
	craft_run(bed, 0, to_tunnel(3));
	assert_int_equal(bed_sent(bed, 1), 1);
	assert_int_equal(slot->flight[0], 0);
	assert_int_equal(slot->out_life.next, CONTRACT_SPREAD_DEFAULT + 1);
}

/* Conformance item 88: what comes out of an SA, and what goes in, is what its selectors say. */
static void selectors(void **state)
{
	struct contract_sa both[2];
	struct {
		struct contract_child child;
		struct net_selector selectors[2];
	} child = { .child = {
			    .tunnel = 4, .outbound_sa = 9, .local_count = 1, .remote_count = 1 } };
	struct net_addr far = net_addr_ip4(bed_tunnel_net(4) | 200);
	struct net_prefix prefix = net_prefix_of(&far, 32);

	(void)state;
	tunnel_with_sa(4, both);
	child.selectors[0] = net_selector_any(NET_IP4);
	child.selectors[1] = net_selector_of_prefix(&prefix);
	must_put(CONTRACT_CHILD, 4, &child, sizeof(child));
	dropped(1, from_tunnel(&both[0], 1, false), CONTRACT_DROP_INNER_SELECTOR);
	dropped(0, to_tunnel(4), CONTRACT_DROP_TUNNEL_NO_CHILD);
}

static void inside_address_of_ours(void **state)
{
	struct contract_sa both[2];

	(void)state;
	tunnel_with_sa(5, both);
	dropped(1, from_tunnel(&both[0], 1, true), CONTRACT_DROP_INNER_TO_US);
}

/* Conformance item 89: a route into a group without a tunnel is never another way out in clear. */
static void group_without_a_tunnel(void **state)
{
	struct contract_group group = { .member_count = 0 };

	(void)state;
	bed_tunnel(bed, 6);
	must_put(CONTRACT_GROUP, 6, &group, sizeof(group));
	dropped(0, to_tunnel(6), CONTRACT_DROP_TUNNEL_NO_SA);
}

static void full_exits(void **state)
{
	static const uint8_t ike[28 + 28] = { 0x45, 0,	 0, 56, [8] = 60, 17, 0,   0, 198, 18, 0,
					      1,    192, 0, 2,	1,	  1,  244, 1, 244, 0,  36 };
	struct path_exit *punted = path_punted(bed->path);
	uint8_t packet[sizeof(ike)];
	struct net_ip4_hdr *ip = (struct net_ip4_hdr *)packet;
	struct rte_mbuf *m = to_tunnel(1);
	uint32_t mirror = bed->shared.ports[BED_PRIVATE].mirror;

	(void)state;
	memset(rte_pktmbuf_mtod(m, uint8_t *), 0xff, 6);
	bed->shared.ports[BED_PRIVATE].mirror = 0; /* a port without one */
	dropped(0, m, CONTRACT_DROP_MIRROR_FULL);
	bed->shared.ports[BED_PRIVATE].mirror = mirror;

	memcpy(packet, ike, sizeof(ike));
	ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, sizeof(*ip)));
	for (uint32_t i = 0; i < PATH_EXIT; i++)
		craft_run(bed, 1, craft_frame(bed, packet, sizeof(packet), true));
	assert_int_equal(punted->n, PATH_EXIT);
	dropped(1, craft_frame(bed, packet, sizeof(packet), true), CONTRACT_DROP_PUNT_FULL);
	bed_empty(punted);
}

static void full_transmit_row(void **state)
{
	uint64_t before = bed_drops(bed, CONTRACT_DROP_TX_FULL);

	(void)state;
	for (uint32_t i = 0; i < PATH_EXIT + 3; i++)
		craft_run(bed, 0, to_address(198, 51, 100));
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_TX_FULL), before + 3);
	assert_int_equal(bed_sent(bed, 1), PATH_EXIT);
}

static struct path_where stood;
static bool stood_somewhere;
static cipher_run_fn cipher_below;

/* A cipher that looks where the worker is, as main does when one hangs in it. */
static void look_around(struct cipher_lane *lane, struct cipher_op *ops, uint32_t n)
{
	stood_somewhere = path_where(bed->path, &stood);
	cipher_below(lane, ops, n);
}

/* The step and the packet that a worker is in. */
static void where_it_hangs(void **state)
{
	struct bed_sa sa = { .tunnel = 7, .cipher = CONTRACT_CIPHER_AES128_GCM };
	struct sa_outbound *out;

	(void)state;
	bed_tunnel(bed, 7);
	bed_sa_add(bed, &sa);
	out = (struct sa_outbound *)bed->shared.config.sas->tunnels[7].outbound;
	assert_non_null(out);
	cipher_below = out->seal;
	out->seal = look_around;
	craft_run(bed, 0, to_tunnel(7));
	out->seal = cipher_below;
	assert_int_equal(bed_sent(bed, 1), 1);
	assert_true(stood_somewhere);
	assert_string_equal(stood.step, "esp_seal");
	assert_int_equal(stood.packets, 1);
	assert_int_equal(stood.src.family, NET_IP4);
	assert_memory_equal(stood.src.bytes, bed_local(false).bytes, 4); /* the outer one by now */
	assert_int_equal(stood.protocol, NET_PROTO_ESP);
	assert_false(path_where(bed->path, &stood)); /* between bursts */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_without_an_end),
		cmocka_unit_test(neighbour_does_not_answer),
		cmocka_unit_test(wrong_padding),
		cmocka_unit_test(hard_lifetime),
		cmocka_unit_test(number_of_another),
		cmocka_unit_test(selectors),
		cmocka_unit_test(inside_address_of_ours),
		cmocka_unit_test(group_without_a_tunnel),
		cmocka_unit_test(full_exits),
		cmocka_unit_test(full_transmit_row),
		cmocka_unit_test(where_it_hangs),
	};
	struct bed_config config = { .tunnels = 8, .buffers = 1023, .workers = 2 };
	int failed;

	test_eal_init();
	bed = bed_new(&config);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	return failed;
}
