#include "dataplane/fib/fib.h"

#include "dataplane/fib/flow.h"
#include "../../cmocka_all.h"
#include "../eal.h"
#include "make.h"

#include <errno.h>

static const struct fib_config config = {
	.routes4 = 100,
	.routes6 = 100,
	.domains = 2,
	.nexthops = 100,
	.groups = 100,
	.neighbours = 500,
	.socket = -1,
};

static int setup(void **state)
{
	char reason[CONTRACT_REASON];

	return fib_init((struct fib **)state, &config, reason);
}

static int teardown(void **state)
{
	fib_fini(*state);
	return 0;
}

static void add(struct fib *fib, const struct make_object *m)
{
	int rc = fib_add(fib, &m->object);

	if (rc)
		print_error("%s\n", fib_reason(fib));
	assert_int_equal(rc, 0);
}

static void set(struct fib *fib, const struct make_object *m)
{
	assert_int_equal(fib_set(fib, &m->object), 0);
}

static struct net_prefix prefix_of(const char *text)
{
	struct net_prefix prefix;

	assert_int_equal(net_prefix_parse(&prefix, text), 0);
	return prefix;
}

static uint8_t last_of_mac(const struct fib *fib, uint32_t neighbour)
{
	uint64_t word = fib_neighbour_mac(fib_hot(fib), neighbour);
	uint8_t mac[8];

	assert_true(word & FIB_MAC_RESOLVED);
	memcpy(mac, &word, 8);
	return mac[5];
}

static void a_neighbour_serves_all_its_next_hops(void **state)
{
	struct fib *fib = *state;
	struct net_addr gateway = net_addr_ip4(0x0a000001);
	struct fib_hop hop;
	struct make_object m;

	for (uint32_t id = 1; id <= 50; id++) {
		m = make_gateway(id, 3, gateway);
		add(fib, &m);
	}
	hop = fib_hop(fib_hot(fib), 50);
	assert_int_equal(hop.kind, CONTRACT_NEXTHOP_GATEWAY);
	assert_int_equal(hop.port, 3);
	assert_int_equal(hop.index, fib_hop(fib_hot(fib), 1).index);
	assert_int_equal(fib_neighbour_mac(fib_hot(fib), hop.index), 0);
	assert_int_equal(fib_count(fib, CONTRACT_NEIGHBOUR), 0);
	m = make_neighbour(3, gateway, 7);
	add(fib, &m);
	assert_int_equal(fib_add(fib, &m.object), -EEXIST);
	assert_int_equal(last_of_mac(fib, hop.index), 7);
	m = make_neighbour(3, gateway, 8);
	set(fib, &m);
	assert_int_equal(last_of_mac(fib, hop.index), 8);
	assert_int_equal(fib_del(fib, &m.object), 0);
	assert_int_equal(fib_neighbour_mac(fib_hot(fib), hop.index), 0);
	assert_int_equal(fib_del(fib, &m.object), -ENOENT);
}

static void connected_hosts_are_found_by_port_and_address(void **state)
{
	struct fib *fib = *state;
	struct net_addr addrs[2] = { net_addr_ip4(0x0a000105) };
	struct make_object m;

	addrs[1].family = NET_IP6;
	addrs[1].bytes[0] = 0xfe;
	addrs[1].bytes[1] = 0x80;
	addrs[1].bytes[15] = 5;
	for (uint32_t port = 1; port <= 200; port++)
		for (int i = 0; i < 2; i++) {
			m = make_neighbour(port, addrs[i], (uint8_t)(port + (uint32_t)i));
			add(fib, &m);
		}
	for (uint32_t port = 1; port <= 200; port++)
		for (int i = 0; i < 2; i++) {
			uint32_t n = fib_neighbour_find(fib_hot(fib), port, &addrs[i]);

			assert_int_not_equal(n, FIB_NEIGHBOUR_NONE);
			assert_int_equal(last_of_mac(fib, n), (uint8_t)(port + (uint32_t)i));
		}
	assert_int_equal(fib_neighbour_find(fib_hot(fib), 201, &addrs[0]), FIB_NEIGHBOUR_NONE);
	m = make_neighbour(9, addrs[0], 0);
	assert_int_equal(fib_del(fib, &m.object), 0);
	assert_int_equal(fib_neighbour_find(fib_hot(fib), 9, &addrs[0]), FIB_NEIGHBOUR_NONE);
	assert_int_equal(fib_count(fib, CONTRACT_NEIGHBOUR), 399);
}

static void neighbours_run_out(void **state)
{
	struct fib *fib = *state;
	struct make_object m;
	int rc = 0;
	uint32_t n = 0;

	for (; rc == 0; n++) {
		m = make_neighbour(1, net_addr_ip4(0x0a000000 + n), 1);
		rc = fib_add(fib, &m.object);
	}
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(n - 1, config.neighbours);
	m = make_neighbour(1, net_addr_ip4(0x0a000000), 1);
	assert_int_equal(fib_del(fib, &m.object), 0);
	add(fib, &m);
}

static void ecmp_spreads_and_knows_tunnels(void **state)
{
	struct fib *fib = *state;
	struct contract_member members[] = { { 1, 1, 0 }, { 2, 1, 0 }, { 3, 0, 0 } };
	uint32_t hits[4] = { 0 };
	struct make_object m;

	for (uint32_t id = 1; id <= 3; id++) {
		m = make_mirror(id, 10 + id);
		add(fib, &m);
	}
	m = make_ecmp(4, members, 3);
	add(fib, &m);
	for (uint32_t flow = 0; flow < 10000; flow++) {
		struct fib_hop hop = fib_hop_resolve(fib_hot(fib), 4, flow * 2654435761u >> 8);

		assert_int_equal(hop.kind, CONTRACT_NEXTHOP_MIRROR);
		hits[hop.index - 10]++;
	}
	assert_true(hits[1] > 4000 && hits[2] > 4000 && hits[3] == 0);
	assert_false(fib_hop_is_tunnel(fib_hop(fib_hot(fib), 4)));
	m = make_tunnels(2, 5);
	set(fib, &m);
	assert_true(fib_hop_is_tunnel(fib_hop(fib_hot(fib), 4)));
	m = make_mirror(2, 12);
	set(fib, &m);
	assert_false(fib_hop_is_tunnel(fib_hop(fib_hot(fib), 4)));
	assert_int_equal(fib_del(fib, &m.object), -EBUSY);
	members[0].id = 4;
	m = make_ecmp(5, members, 3);
	assert_int_equal(fib_add(fib, &m.object), -EINVAL); /* members of members */
	members[0].id = 50;
	m = make_ecmp(5, members, 3);
	assert_int_equal(fib_add(fib, &m.object), -ENOENT);
	m = make_mirror(4, 1);
	assert_int_equal(fib_del(fib, &m.object), 0);
	m = make_mirror(2, 1);
	assert_int_equal(fib_del(fib, &m.object), 0);
	assert_int_equal(fib_hop(fib_hot(fib), 2).kind, 0);
}

static void sourced(struct make_object *m, const uint32_t *sources, uint8_t count)
{
	size_t members = m->nexthop.member_count * sizeof(struct contract_member);

	m->nexthop.source_count = count;
	if (count != CONTRACT_SOURCES_ANY)
		memcpy(m->bytes + sizeof(m->nexthop) + members, sources, count * sizeof(*sources));
}

/* None, one, as many as one line has, as many as there may be, any; each in the place of another.
 */
static void sources_are_known(void **state)
{
	static const uint8_t counts[] = { 0, 1, 2, 16, 17, 64, 3, CONTRACT_SOURCES_ANY, 2, 1, 0 };
	struct fib *fib = *state;
	uint32_t sources[CONTRACT_SOURCES_MAX];
	struct make_object m;
	uint8_t listed[FIB_OBJECT_MAX];
	struct fib_usage before, after;
	size_t n;

	for (uint32_t i = 0; i < CONTRACT_SOURCES_MAX; i++)
		sources[i] = 100 + i;
	fib_usage(fib, &before);
	for (size_t k = 0; k < sizeof(counts); k++) {
		bool any = counts[k] == CONTRACT_SOURCES_ANY;

		m = make_mirror(1, 1);
		sourced(&m, sources, counts[k]);
		set(fib, &m);
		for (uint32_t i = 0; i < CONTRACT_SOURCES_MAX; i++)
			assert_int_equal(fib_sources_have(fib_hot(fib), 1, 100 + i),
					 any || i < counts[k]);
		assert_int_equal(fib_sources_have(fib_hot(fib), 1, 99), any);
		assert_int_equal(fib_sources_have(fib_hot(fib), 1, 0), any);
		assert_int_equal(fib_hop_is_behind(fib_hop(fib_hot(fib), 1)), counts[k] > 0);
		assert_false(fib_hop_is_tunnel(fib_hop(fib_hot(fib), 1)));
		assert_int_equal(fib_get(fib, &m.object, listed, &n), 0);
		assert_int_equal(n, sizeof(m.object) + sizeof(m.nexthop) +
					    (any ? 0 : counts[k]) * sizeof(uint32_t));
		assert_memory_equal(listed + sizeof(m.object), m.bytes, n - sizeof(m.object));
	}
	assert_int_equal(fib_del(fib, &m.object), 0);
	fib_reclaim(fib);
	fib_usage(fib, &after);
	assert_int_equal(after.node_bytes_used - after.node_bytes_retired,
			 before.node_bytes_used - before.node_bytes_retired);
}

static void one_change_moves_all_routes(void **state)
{
	struct fib *fib = *state;
	struct net_prefix prefix = prefix_of("10.0.0.0/24");
	struct make_object m = make_mirror(1, 1);

	add(fib, &m);
	for (uint8_t i = 0; i < 100; i++) {
		prefix.addr.bytes[2] = i;
		m = make_route(1, &prefix, 1);
		add(fib, &m);
	}
	m = make_tunnels(1, 6);
	set(fib, &m);
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t nh = fib_lookup4(fib_hot(fib), 1, 0x0a000001 + (i << 8));

		assert_int_equal(fib_hop(fib_hot(fib), nh).index, 6);
		assert_true(fib_hop_is_tunnel(fib_hop(fib_hot(fib), nh)));
		assert_int_equal(fib_lookup4(fib_hot(fib), 0, 0x0a000001 + (i << 8)), 0);
	}
}

static void tag(struct make_object *m, size_t body, uint32_t generation, const char *opaque)
{
	m->object.owner = 77;
	m->object.generation = generation;
	m->object.opaque_length = (uint16_t)strlen(opaque);
	memcpy(m->bytes + body, opaque, strlen(opaque));
}

static uint32_t list_all(const struct fib *fib, enum contract_kind kind, const char *opaque)
{
	uint8_t to[FIB_OBJECT_MAX];
	uint32_t cursor = 0;
	uint32_t count = 0;
	size_t length;

	while (fib_list(fib, kind, &cursor, to, &length) == 1) {
		const struct contract_object *o = (const struct contract_object *)to;
		size_t n = strlen(opaque);

		assert_int_equal(o->kind, kind);
		assert_int_equal(o->owner, 77);
		assert_int_equal(o->opaque_length, n);
		assert_memory_equal(to + length - n, opaque, n);
		count++;
	}
	assert_int_equal(count, fib_count(fib, kind));
	return count;
}

static void fill(struct fib *fib, uint32_t generation)
{
	struct contract_member members[] = { { 3, 1, 0 }, { 4, 1, 0 } };
	struct net_prefix prefix = prefix_of("2001:db8::/48");
	struct make_object m = make_mirror(1, 1);

	tag(&m, sizeof(m.nexthop), generation, "abc");
	add(fib, &m);
	m = make_mirror(2, 1);
	tag(&m, sizeof(m.nexthop), generation, "abc");
	add(fib, &m);
	members[0].id = 1;
	members[1].id = 2;
	m = make_ecmp(3, members, 2);
	tag(&m, sizeof(m.nexthop) + sizeof(members), generation, "abc");
	add(fib, &m);
	m = make_group(9, members, 2);
	tag(&m, sizeof(m.group) + sizeof(members), generation, "group");
	add(fib, &m);
	m = make_neighbour(1, net_addr_ip4(1), 1);
	tag(&m, sizeof(m.neighbour), generation, "n");
	add(fib, &m);
	m = make_route(0, &prefix, 3);
	tag(&m, sizeof(m.route), generation, "route's opaque");
	add(fib, &m);
}

static void listed_as_given(void **state)
{
	struct contract_member members[] = { { 1, 1, 0 }, { 2, 1, 0 } };
	struct fib *fib = *state;
	uint8_t to[FIB_OBJECT_MAX];
	struct make_object m;
	size_t length;

	fill(fib, 5);
	assert_int_equal(list_all(fib, CONTRACT_NEXTHOP, "abc"), 3);
	assert_int_equal(list_all(fib, CONTRACT_GROUP, "group"), 1);
	assert_int_equal(list_all(fib, CONTRACT_NEIGHBOUR, "n"), 1);
	assert_int_equal(list_all(fib, CONTRACT_ROUTE, "route's opaque"), 1);
	m = make_ecmp(3, members, 2);
	tag(&m, sizeof(m.nexthop) + sizeof(members), 5, "abc");
	assert_int_equal(fib_get(fib, &m.object, to, &length), 0);
	assert_int_equal(length, sizeof(m.object) + sizeof(m.nexthop) + sizeof(members) + 3);
	assert_memory_equal(to, &m, length);
	m.object.id = 4;
	assert_int_equal(fib_get(fib, &m.object, to, &length), -ENOENT);
}

static void swept_but_for_the_confirmed(void **state)
{
	struct fib *fib = *state;
	struct net_prefix prefix = prefix_of("2001:db8::/48");
	struct make_object m = make_route(0, &prefix, 0);
	int calls = 0;

	fill(fib, 5);
	m.object.generation = 6;
	assert_int_equal(fib_confirm(fib, &m.object), 0);
	m = make_mirror(3, 0);
	m.object.generation = 6;
	assert_int_equal(fib_confirm(fib, &m.object), 0);
	while (fib_sweep(fib, 6, 1))
		assert_true(++calls < 100);
	/* What the confirmed ones lead to stays: it is in use. */
	assert_int_equal(fib_count(fib, CONTRACT_ROUTE), 1);
	assert_int_equal(fib_count(fib, CONTRACT_NEXTHOP), 3);
	assert_int_equal(fib_count(fib, CONTRACT_GROUP), 0);
	assert_int_equal(fib_count(fib, CONTRACT_NEIGHBOUR), 0);
	while (fib_sweep(fib, 7, 2))
		assert_true(++calls < 100);
	assert_int_equal(fib_count(fib, CONTRACT_ROUTE), 0);
	assert_int_equal(fib_count(fib, CONTRACT_NEXTHOP), 0);
}

static void memory_is_known_before(void **state)
{
	struct fib_config large = config;
	struct fib_memory memory;
	char reason[CONTRACT_REASON] = "";
	struct fib *fib;

	large.routes4 = 1000000;
	large.routes6 = 200000;
	fib_memory(&large, &memory);
	assert_true(memory.total < (size_t)256 << 20);
	assert_int_equal(fib_init(&fib, &large, reason), -ENOMEM);
	assert_non_null(strstr(reason, "MiB of packet memory"));
	large = config;
	large.domains = 0;
	assert_int_equal(fib_init(&fib, &large, reason), -EINVAL);
}

/* Two packets of one flow hash alike; fragments by addresses; both directions when symmetric. */
static void flow_hash_of_packets(void **state)
{
	uint8_t a[28] = { 0x45, 0, 0, 28, 0,  1, 0, 0, 64, 17, 0, 0,
			  10,	0, 0, 1,  10, 0, 0, 2, 1,  2,  3, 4 };
	uint8_t b[28];
	uint8_t c[48] = { 0x60, [6] = 6, [23] = 1, [39] = 2, [40] = 0x10, [43] = 0x20 };
	uint8_t d[48];

	memcpy(b, a, sizeof(b));
	b[4] = 9; /* another id */
	assert_int_equal(fib_flow_of_packet(a, 28, false), fib_flow_of_packet(b, 28, false));
	b[21] = 9; /* another port */
	assert_int_not_equal(fib_flow_of_packet(a, 28, false), fib_flow_of_packet(b, 28, false));
	a[6] = b[6] = 0x20; /* fragments: ports do not count */
	assert_int_equal(fib_flow_of_packet(a, 28, false), fib_flow_of_packet(b, 28, false));
	a[6] = 0;
	memcpy(b, a, sizeof(b));
	memcpy(b + 12, a + 16, 4);
	memcpy(b + 16, a + 12, 4);
	memcpy(b + 20, a + 22, 2);
	memcpy(b + 22, a + 20, 2);
	assert_int_equal(fib_flow_of_packet(a, 28, true), fib_flow_of_packet(b, 28, true));
	assert_int_not_equal(fib_flow_of_packet(a, 28, false), fib_flow_of_packet(b, 28, false));
	memcpy(d, c, sizeof(d));
	memcpy(d + 8, c + 24, 16);
	memcpy(d + 24, c + 8, 16);
	memcpy(d + 40, c + 42, 2);
	memcpy(d + 42, c + 40, 2);
	assert_int_equal(fib_flow_of_packet(c, 48, true), fib_flow_of_packet(d, 48, true));
	assert_int_not_equal(fib_flow_of_packet(c, 48, false), fib_flow_of_packet(d, 48, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_neighbour_serves_all_its_next_hops, setup,
						teardown),
		cmocka_unit_test_setup_teardown(connected_hosts_are_found_by_port_and_address,
						setup, teardown),
		cmocka_unit_test_setup_teardown(neighbours_run_out, setup, teardown),
		cmocka_unit_test_setup_teardown(ecmp_spreads_and_knows_tunnels, setup, teardown),
		cmocka_unit_test_setup_teardown(sources_are_known, setup, teardown),
		cmocka_unit_test_setup_teardown(one_change_moves_all_routes, setup, teardown),
		cmocka_unit_test_setup_teardown(listed_as_given, setup, teardown),
		cmocka_unit_test_setup_teardown(swept_but_for_the_confirmed, setup, teardown),
		cmocka_unit_test(memory_is_known_before),
		cmocka_unit_test(flow_hash_of_packets),
	};

	test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
