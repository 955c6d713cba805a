/*
 * Packets that wait: for an SA or for a neighbour, in order, bounded in number and time, and of one
 * class never in the way of another.
 */
#include "../unit/cmocka_all.h"
#include "../unit/dataplane/eal.h"
#include "craft.h"

#include <rte_cycles.h>

static struct bed *bed;

static uint8_t *bytes(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, uint8_t *);
}

/* No SA: never in clear, one event, held in order, sent when the SA is there. */
static void held(void **state)
{
	struct craft c = { .tunnel = 2, .length = 100 };
	struct bed_sa sa = { .tunnel = 2, .cipher = CONTRACT_CIPHER_AES128_GCM };
	struct path_event event;
	struct path_tx *tx = path_tx(bed->path, 1);

	(void)state;
	bed_tunnel(bed, 2);
	bed_events(bed, 0, &event);
	for (uint16_t i = 0; i < 10; i++) {
		c.flow = i;
		craft_run(bed, 0, craft_inside(bed, &c));
	}
	assert_int_equal(bed_sent(bed, 0) + bed_sent(bed, 1), 0);
	assert_int_equal(bed_events(bed, CONTRACT_ACQUIRE, &event), 1);
	assert_int_equal(event.acquire.tunnel, 2);
	assert_int_equal(event.acquire.child, 2);
	assert_int_equal(event.acquire.protocol, 17);
	assert_int_equal(event.acquire.dst_port, 443);
	assert_int_equal(event.acquire.src_port, 1024);
	bed_sa_add(bed, &sa);
	path_tick(bed->path);
	assert_int_equal(tx->n, 10);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(bytes(tx->packets[i])[14 + 20 + 7], i + 1);
	assert_int_equal(bed_sent(bed, 1), 10);
	assert_false(path_holds(bed->path));
}

/* Two children fit and the second has an SA: nobody is asked for the first. */
static void the_child_that_has_an_sa(void **state)
{
	struct craft c = { .tunnel = 6, .length = 100 };
	const struct bed_sa sa = { .tunnel = 6, .cipher = CONTRACT_CIPHER_AES128_GCM };
	struct path_event event;

	(void)state;
	bed_tunnel(bed, 6);
	bed_sa_behind(bed, &sa, 7);
	bed_events(bed, 0, &event);
	craft_run(bed, 0, craft_inside(bed, &c));
	assert_int_equal(bed_events(bed, CONTRACT_ACQUIRE, &event), 0);
	assert_int_equal(bed_sent(bed, 1), 1);
}

static void held_too_long(void **state)
{
	struct craft c = { .tunnel = 3, .length = 100 };
	uint64_t late = bed_drops(bed, CONTRACT_DROP_TUNNEL_HELD_LATE);
	uint64_t full = bed_drops(bed, CONTRACT_DROP_TUNNEL_HELD_FULL);
	uint64_t deadline = rte_rdtsc() + rte_get_tsc_hz();

	(void)state;
	bed_tunnel(bed, 3);
	for (uint32_t i = 0; i < PATH_HELD / 2 + 3; i++)
		craft_run(bed, 0, craft_inside(bed, &c));
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_TUNNEL_HELD_FULL), full + 3);
	while (path_holds(bed->path) && rte_rdtsc() < deadline)
		path_tick(bed->path);
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_TUNNEL_HELD_LATE), late + PATH_HELD / 2);
	assert_int_equal(bed_sent(bed, 0) + bed_sent(bed, 1), 0);
}

/* Who scans a network, so that every packet asks for a neighbour, shuts out nobody who waits for an
 * SA. */
static void held_by_class(void **state)
{
	struct contract_nexthop connected = { .kind = CONTRACT_NEXTHOP_CONNECTED,
					      .port = BED_PRIVATE };
	struct contract_route route = { .nexthop = 12 };
	struct net_addr net = { .bytes = { 192, 168, 77 }, .family = NET_IP4 };
	struct craft c = { .tunnel = 5, .length = 100 };
	struct bed_sa sa = { .tunnel = 5, .cipher = CONTRACT_CIPHER_AES128_GCM };
	uint64_t none = bed_drops(bed, CONTRACT_DROP_NEIGHBOUR_NONE);
	uint64_t full = bed_drops(bed, CONTRACT_DROP_TUNNEL_HELD_FULL);
	uint64_t deadline = rte_rdtsc() + rte_get_tsc_hz();

	(void)state;
	route.prefix = net_prefix_of(&net, 24);
	assert_int_equal(bed_put(bed, CONTRACT_NEXTHOP, 12, &connected, sizeof(connected)), 0);
	assert_int_equal(bed_put(bed, CONTRACT_ROUTE, 0, &route, sizeof(route)), 0);
	bed_tunnel(bed, 5);
	for (uint32_t i = 0; i < PATH_HELD + 10; i++) {
		struct craft scan = { .tunnel = 5, .length = 100 };
		uint8_t ip[128];
		uint32_t n = craft_ip(ip, &scan);

		memcpy(ip + 16, (const uint8_t[]){ 192, 168, 77, (uint8_t)i }, 4);
		craft_sum(ip);
		craft_run(bed, 0, craft_frame(bed, ip, n, false));
	}
	/* On a slow machine the first of them may have waited for too long by now. */
	assert_true(bed_drops(bed, CONTRACT_DROP_NEIGHBOUR_NONE) >= none + PATH_HELD / 2 + 10);
	for (uint16_t i = 0; i < 10; i++)
		craft_run(bed, 0, craft_inside(bed, &c));
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_TUNNEL_HELD_FULL), full);
	bed_sa_add(bed, &sa);
	path_tick(bed->path);
	assert_int_equal(bed_sent(bed, 1), 10);
	while (path_holds(bed->path) && rte_rdtsc() < deadline)
		path_tick(bed->path);
	assert_int_equal(bed_drops(bed, CONTRACT_DROP_NEIGHBOUR_NONE), none + PATH_HELD + 10);
}

/* While nothing changes a turn does not touch those that wait: none of them asks again. */
static void held_at_rest(void **state)
{
	struct path *path = bed->path;
	struct contract_nexthop connected = { .kind = CONTRACT_NEXTHOP_CONNECTED,
					      .port = BED_PRIVATE };
	struct contract_route route = { .nexthop = 13 };
	struct contract_neighbour neighbour = { .port = BED_PRIVATE, .mac = { 2, 0, 0, 0, 0, 9 } };
	struct net_addr net = { .bytes = { 192, 168, 78 }, .family = NET_IP4 };
	struct craft c = { .tunnel = 5, .length = 100 };
	struct path_event event;
	uint64_t since;
	uint8_t ip[128];
	uint32_t n = craft_ip(ip, &c);
	uint32_t asked;

	(void)state;
	bed->shared.config.hold_ms = 60000;
	assert_int_equal(path_new(&bed->path, &bed->shared, 0, SOCKET_ID_ANY), 0);
	route.prefix = net_prefix_of(&net, 24);
	assert_int_equal(bed_put(bed, CONTRACT_NEXTHOP, 13, &connected, sizeof(connected)), 0);
	assert_int_equal(bed_put(bed, CONTRACT_ROUTE, 0, &route, sizeof(route)), 0);
	memcpy(ip + 16, (const uint8_t[]){ 192, 168, 78, 1 }, 4);
	craft_sum(ip);
	for (uint32_t i = 0; i < PATH_HELD / 2; i++)
		craft_run(bed, 0, craft_frame(bed, ip, n, false));
	path_tick(bed->path);
	bed_events(bed, 0, &event);
	since = rte_rdtsc();
	for (uint32_t i = 0; i < 1000; i++)
		path_tick(bed->path);
	asked = bed_events(bed, CONTRACT_NEIGHBOUR_WANTED, &event);
	if (rte_rdtsc() - since < rte_get_tsc_hz() / 2) /* else it was time to ask again */
		assert_int_equal(asked, 0);
	neighbour.addr = net;
	neighbour.addr.bytes[3] = 1;
	assert_int_equal(bed_put(bed, CONTRACT_NEIGHBOUR, 0, &neighbour, sizeof(neighbour)), 0);
	path_tick(bed->path);
	assert_int_equal(bed_sent(bed, 0), PATH_HELD / 2);
	path_free(bed->path);
	bed->path = path;
	bed->shared.config.hold_ms = 20;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(held),		 cmocka_unit_test(the_child_that_has_an_sa),
		cmocka_unit_test(held_too_long), cmocka_unit_test(held_by_class),
		cmocka_unit_test(held_at_rest),
	};
	int failed;
	struct bed_config config = { .tunnels = 16, .buffers = 1024 };

	test_eal_init();
	bed = bed_new(&config);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bed_free(bed);
	return failed;
}
