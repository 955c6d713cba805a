/*
 * Commands from what FRR prints to what is wanted.
 */
#include "cmocka_all.h"

#include "control/bgp/diff.h"

#include <string.h>

static const char running[] = "Building configuration...\n"
			      "!\n"
			      "frr version 8.4.4\n"
			      "hostname vm\n"
			      "allow-reserved-ranges\n"
			      "!\n"
			      "router bgp 65515\n"
			      " bgp router-id 10.0.0.4\n"
			      " neighbor 10.1.0.1 remote-as 65010\n"
			      " neighbor 10.1.0.1 timers 3 9\n"
			      " neighbor 10.2.0.1 remote-as 65020\n"
			      " neighbor 10.2.0.1 timers 3 9\n"
			      " !\n"
			      " address-family ipv4 unicast\n"
			      "  network 10.10.0.0/16\n"
			      "  neighbor 10.2.0.1 route-map VPNGW-IN-2 in\n"
			      " exit-address-family\n"
			      "exit\n"
			      "!\n"
			      "route-map VPNGW-IN-2 permit 10\n"
			      " set ip next-hop 240.0.0.2\n"
			      "exit\n"
			      "!\n"
			      "route-map MINE permit 10\n"
			      "exit\n"
			      "end\n";

static void expect(const char *from, const char *to, const char *commands)
{
	struct text out = { 0 };

	bgp_diff(from, to, &out);
	assert_string_equal(text_get(&out), commands);
	text_fini(&out);
}

static void test_nothing_to_do(void **state)
{
	expect("router bgp 1\n bgp router-id 1.1.1.1\nexit\n",
	       "router bgp 1\n bgp router-id 1.1.1.1\nexit\n", "");
	/* What the administrator has beside ours stays. */
	expect("hostname x\nroute-map MINE permit 10\nexit\nip prefix-list A seq 5 permit any\n",
	       "", "");
	expect("", "", "");
}

static void test_neighbour_goes_whole(void **state)
{
	expect(running,
	       "allow-reserved-ranges\n"
	       "router bgp 65515\n"
	       " bgp router-id 10.0.0.4\n"
	       " neighbor 10.1.0.1 remote-as 65010\n"
	       " neighbor 10.1.0.1 timers 3 9\n"
	       " address-family ipv4 unicast\n"
	       "  network 10.10.0.0/16\n"
	       " exit-address-family\n"
	       "exit\n",
	       "router bgp 65515\nno neighbor 10.2.0.1\nexit\n"
	       "no route-map VPNGW-IN-2 permit 10\n");
}

/* Without graceful restart FRR would end the session so that the peer keeps its routes. */
static void test_neighbours_go_first(void **state)
{
	expect("router bgp 65515\n"
	       " bgp router-id 10.0.0.4\n"
	       " bgp graceful-restart\n"
	       " neighbor 10.1.0.1 remote-as 65010\n"
	       " neighbor 10.1.0.1 shutdown\n"
	       " neighbor 10.2.0.1 remote-as 65020\n"
	       "exit\n",
	       "router bgp 65515\n"
	       " bgp router-id 10.0.0.4\n"
	       " neighbor 10.1.0.1 remote-as 65010\n"
	       "exit\n",
	       "router bgp 65515\nno neighbor 10.2.0.1\nexit\n"
	       "router bgp 65515\nno bgp graceful-restart\nexit\n"
	       "router bgp 65515\nno neighbor 10.1.0.1 shutdown\nexit\n");
}

static void test_only_what_differs(void **state)
{
	expect(running,
	       "allow-reserved-ranges\n"
	       "router bgp 65515\n"
	       " bgp router-id 10.0.0.4\n"
	       " neighbor 10.1.0.1 remote-as 65010\n"
	       " neighbor 10.1.0.1 timers 60 180\n"
	       " neighbor 10.2.0.1 remote-as 65020\n"
	       " neighbor 10.2.0.1 timers 3 9\n"
	       " address-family ipv4 unicast\n"
	       "  network 10.11.0.0/16\n"
	       "  neighbor 10.2.0.1 route-map VPNGW-IN-2 in\n"
	       " exit-address-family\n"
	       "exit\n"
	       "route-map VPNGW-IN-2 permit 10\n"
	       " set ip next-hop 240.0.0.2\n"
	       "exit\n",
	       "router bgp 65515\nno neighbor 10.1.0.1 timers 3 9\nexit\n"
	       "router bgp 65515\naddress-family ipv4 unicast\nno network 10.10.0.0/16\nexit\n"
	       "exit\n"
	       "router bgp 65515\nneighbor 10.1.0.1 timers 60 180\nexit\n"
	       "router bgp 65515\naddress-family ipv4 unicast\nnetwork 10.11.0.0/16\nexit\n"
	       "exit\n");
}

/* "no neighbor X remote-as" would take all that is said of the neighbour. */
static void test_another_as_number_replaces(void **state)
{
	expect("router bgp 65515\n"
	       " neighbor 10.1.0.1 remote-as 65010\n"
	       " neighbor 10.1.0.1 ebgp-multihop 255\n"
	       "exit\n",
	       "router bgp 65515\n"
	       " neighbor 10.1.0.1 remote-as 65011\n"
	       " neighbor 10.1.0.1 ebgp-multihop 255\n"
	       "exit\n",
	       "router bgp 65515\nneighbor 10.1.0.1 remote-as 65011\nexit\n");
}

static void test_from_nothing(void **state)
{
	expect("frr version 8.4.4\n",
	       "bfd\n profile vpngw-50\n  transmit-interval 50\n exit\nexit\n",
	       "bfd\nexit\n"
	       "bfd\nprofile vpngw-50\nexit\nexit\n"
	       "bfd\nprofile vpngw-50\ntransmit-interval 50\nexit\nexit\n");
}

static void test_no_lines_turn_round(void **state)
{
	expect("router bgp 1\n no bgp ebgp-requires-policy\nexit\n", "router bgp 1\nexit\n",
	       "router bgp 1\nbgp ebgp-requires-policy\nexit\n");
}

/* FRR would delete by the number what has just taken the old one's place. */
static void test_lists_are_replaced(void **state)
{
	expect("ip prefix-list VPNGW-A seq 5 permit 10.0.0.0/8\n"
	       "ip prefix-list VPNGW-A seq 10 permit 11.0.0.0/8\n"
	       "bgp community-list standard VPNGW-B seq 5 permit 1:1\n",
	       "ip prefix-list VPNGW-A seq 5 permit 12.0.0.0/8\n",
	       "ip prefix-list VPNGW-A seq 5 permit 12.0.0.0/8\n"
	       "no ip prefix-list VPNGW-A seq 10 permit 11.0.0.0/8\n"
	       "no bgp community-list standard VPNGW-B seq 5 permit 1:1\n");
}

/* Before what is new, which may stand in the place of what goes. */
static void test_lines_of_an_entry_go(void **state)
{
	expect("route-map VPNGW-IN-2 permit 21\n"
	       " match community VPNGW-IN-2-0\n"
	       " set community 1:1 additive\n"
	       "exit\n",
	       "route-map VPNGW-IN-2 permit 21\n"
	       " set community 1:2 additive\n"
	       "exit\n",
	       "route-map VPNGW-IN-2 permit 21\nno match community VPNGW-IN-2-0\nexit\n"
	       "route-map VPNGW-IN-2 permit 21\nno set community 1:1 additive\nexit\n"
	       "route-map VPNGW-IN-2 permit 21\nset community 1:2 additive\nexit\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_neighbour_goes_whole),
		cmocka_unit_test(test_neighbours_go_first),
		cmocka_unit_test(test_only_what_differs),
		cmocka_unit_test(test_another_as_number_replaces),
		cmocka_unit_test(test_from_nothing),
		cmocka_unit_test(test_no_lines_turn_round),
		cmocka_unit_test(test_lists_are_replaced),
		cmocka_unit_test(test_lines_of_an_entry_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
