/*
 * Which connections a first message may be for: by both addresses, then those whose peer moved,
 * any-source last; in the order of the configuration.
 */
#include "control/tunnel/lookup.h"

#include <cmocka_all.h>
#include <stdlib.h>

#define TUNNELS 6

static struct tunnels all;
static struct tunnel items[TUNNELS];
static struct plan_tunnel plans[TUNNELS];
static struct tunnel *list[TUNNELS];
static const struct net_addr *named; /* an address of the name of tunnel 4 */

bool tunnel_name_has(const struct tunnel *tunnel, const struct net_addr *remote)
{
	return tunnel == &items[4] && named && net_addr_equal(named, remote);
}

static struct ikev2_connection *connection(uint32_t i)
{
	return (struct ikev2_connection *)(uintptr_t)(i + 1);
}

static const struct net_addr none;

/* Local address, configured remote address, where the peer is now. */
static void put(uint32_t i, struct net_addr local, struct net_addr remote, struct net_addr now)
{
	plans[i] = (struct plan_tunnel){ .local = local, .remote = remote };
	items[i] = (struct tunnel){
		.all = &all, .plan = &plans[i], .connection = connection(i), .remote = now
	};
	list[i] = &items[i];
}

static struct net_addr at(uint32_t last)
{
	return net_addr_ip4(0x0a000000u + last);
}

static int setup(void **state)
{
	all = (struct tunnels){ .items = list, .count = TUNNELS };
	map_init(&all.by_path);
	named = NULL;
	put(0, at(1), at(10), at(10));
	put(1, at(1), at(10), at(10)); /* the same addresses: remoteId tells them apart */
	put(2, at(2), at(10), at(10)); /* the other address of a pair */
	put(3, at(1), none, none);     /* any-source */
	put(4, at(1), none, at(20));   /* by name */
	put(5, at(1), at(11), at(12)); /* moved */
	assert_int_equal(lookup_rebuild(&all), 0);
	return 0;
}

static int teardown(void **state)
{
	map_fini(&all.by_path);
	free(all.roaming);
	return 0;
}

static void finds(struct net_addr local, struct net_addr remote, const int *expected, size_t room)
{
	const struct ikev2_path path = { .local = local, .remote = remote };
	struct ikev2_connection *found[TUNNELS];
	size_t count = lookup_find(&all, &path, found, room);

	for (size_t i = 0; i < count; i++) {
		assert_true(expected[i] >= 0);
		assert_ptr_equal(found[i], connection((uint32_t)expected[i]));
	}
	assert_int_equal(expected[count], -1);
}

static void by_both_addresses_any_source_last(void **state)
{
	finds(at(1), at(10), (int[]){ 0, 1, 3, 4, -1 }, TUNNELS);
}

static void never_on_the_siblings_address(void **state)
{
	finds(at(2), at(10), (int[]){ 2, -1 }, TUNNELS);
	finds(at(3), at(10), (int[]){ -1 }, TUNNELS);
}

static void where_the_peer_moved_to(void **state)
{
	finds(at(1), at(12), (int[]){ 5, 3, 4, -1 }, TUNNELS);
	finds(at(1), at(11), (int[]){ 5, 3, 4, -1 }, TUNNELS);
}

static void by_name_before_any_source(void **state)
{
	static struct net_addr other;

	finds(at(1), at(20), (int[]){ 4, 3, -1 }, TUNNELS);
	other = at(21);
	named = &other;
	finds(at(1), at(21), (int[]){ 4, 3, -1 }, TUNNELS);
}

static void no_more_than_there_is_room_for(void **state)
{
	finds(at(1), at(10), (int[]){ 0, 1, -1 }, 2);
	finds(at(1), at(10), (int[]){ 0, 1, 3, -1 }, 3);
}

static void rebuilt_after_a_change(void **state)
{
	all.count = 1;
	assert_int_equal(lookup_rebuild(&all), 0);
	finds(at(1), at(10), (int[]){ 0, -1 }, TUNNELS);
	all.count = TUNNELS;
}

/* One moves away and one comes home, without a rebuild. */
static void follows_who_moves(void **state)
{
	items[0].remote = at(30);
	lookup_moved(&items[0]);
	lookup_moved(&items[0]); /* told twice */
	finds(at(1), at(30), (int[]){ 0, 3, 4, -1 }, TUNNELS);
	items[5].remote = at(11);
	lookup_moved(&items[5]);
	finds(at(1), at(11), (int[]){ 5, 3, 4, -1 }, TUNNELS);
	finds(at(1), at(12), (int[]){ 3, 4, -1 }, TUNNELS);
	items[0].remote = at(10);
	lookup_moved(&items[0]);
	assert_int_equal(all.roaming_count, 2);
	finds(at(1), at(10), (int[]){ 0, 1, 3, 4, -1 }, TUNNELS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(by_both_addresses_any_source_last),
		TEST(never_on_the_siblings_address),
		TEST(where_the_peer_moved_to),
		TEST(by_name_before_any_source),
		TEST(no_more_than_there_is_room_for),
		TEST(rebuilt_after_a_change),
		TEST(follows_who_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
