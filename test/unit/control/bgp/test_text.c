/*
 * The speakers' configuration out of resources: whose address talks to whom, in which tunnel, and
 * what FRR is told.
 */
#include "config_edit.h"

#include "control/bgp/circuit.h"
#include "control/route/speaker.h"
#include "control/tunnel/plan.h"
#include "control/tunnel/plan_bgp.h"

#define GW "/virtualNetworkGateways/0/properties"
#define LNG "/localNetworkGateways/0/properties"
#define C0 "/connections/0/properties"
#define BGP                                                                                        \
	GW "/enableBgp=true\n" C0 "/enableBgp=true\n" LNG                                          \
	   "/bgpSettings={'asn':65010,'bgpPeeringAddress':'10.1.0.1'}"

struct world {
	struct config_report report;
	struct config *config;
	struct plan plan;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_int_equal(secret_pool_init(1 << 20), 0);
	config_report_init(&w->report);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	plan_fini(&w->plan);
	config_put(w->config);
	config_report_fini(&w->report);
	secret_pool_fini();
	free(w);
	return 0;
}

static void load(struct world *w, const char *edits)
{
	char why[128] = "";
	int rc = config_edit_load(&w->config, NULL, edits, &w->report);

	if (rc < 0)
		config_test_print(&w->report);
	assert_int_equal(rc, 0);
	assert_int_equal(plan_make(&w->plan, w->config, NULL, why, sizeof(why)), 0);
}

static const struct plan_session *session(const struct world *w, uint32_t tunnel)
{
	return &w->plan.connections[0]->tunnels[tunnel].session;
}

static void is(const struct net_addr *addr, const char *text)
{
	char buffer[NET_ADDR_TEXT];

	assert_string_equal(net_addr_text(buffer, addr), text);
}

static void test_active_active(void **state)
{
	struct world *w = *state;

	load(w, BGP);
	assert_int_equal(w->plan.connections[0]->tunnel_count, 2);
	is(&session(w, 0)->local, "10.0.255.4");
	is(&session(w, 1)->local, "10.0.255.5");
	is(&session(w, 1)->peer, "10.1.0.1");
	assert_int_equal(session(w, 0)->peer_as, 65010);
	assert_int_equal(session(w, 0)->as, 65515);
	assert_int_equal(session(w, 0)->keepalive_s, 3);
	assert_int_equal(session(w, 0)->hold_s, 9);
}

static void test_alone(void **state)
{
	struct world *w = *state;

	struct net_addr own;

	load(w, BGP);
	assert_true(plan_speaker_address(w->config, config_gateway_at(w->config, 1), 0, &own));
	is(&own, "10.9.255.30");
}

static void test_apipa(void **state)
{
	struct world *w = *state;

	load(w, BGP "\n" LNG "/bgpSettings/bgpPeeringAddress='169.254.21.1'\n" GW
		    "/bgpSettings={'asn':65515,'bgpPeeringAddresses':[{'ipconfigurationId':'/"
		    "virtualNetworkGateways/gw/ipConfigurations/"
		    "default','customBgpIpAddresses':['169.254.21.10']},"
		    "{'ipconfigurationId':'/virtualNetworkGateways/gw/ipConfigurations/"
		    "activeActive','customBgpIpAddresses':["
		    "'169.254.22.10']}]}");
	is(&session(w, 0)->local, "169.254.21.10");
	is(&session(w, 1)->local, "169.254.22.10");
}

static void test_profile_and_settings(void **state)
{
	struct world *w = *state;

	load(w, BGP "\n" C0 "/cryptoProfile='azure-compat'");
	assert_int_equal(session(w, 0)->keepalive_s, 60);
	assert_int_equal(session(w, 0)->hold_s, 180);
}

static void test_off(void **state)
{
	struct world *w = *state;

	load(w, "");
	assert_int_equal(session(w, 0)->peer.family, NET_NONE);
	assert_null(bgp_gateway(w->config));
}

static bool has(const struct text *text, const char *line)
{
	return strstr(text_get(text), line) != NULL;
}

static void test_speaker(void **state)
{
	struct world *w = *state;
	struct bgp_session sessions[2];
	struct bgp_wanted wanted = { .sessions = sessions, .count = 2 };
	struct text out = { 0 };

	load(w, BGP "\n" LNG "/bgpSettings={'asn':65010,'bgpPeeringAddress':'10.1.0.1','password':"
		    "'pw','prefixLimit':100,'bfdIntervalMilliseconds':300}");
	wanted.config = w->config;
	wanted.gateway = bgp_gateway(w->config);
	assert_non_null(wanted.gateway);
	for (uint32_t i = 0; i < 2; i++)
		sessions[i] = (struct bgp_session){ .tunnel = i + 7,
						    .instance = i,
						    .is = *session(w, i) };
	assert_true(bgp_text_speaker(&wanted, 1, &out));
	assert_true(has(&out, "router bgp 65515\n"));
	assert_true(has(&out, " neighbor 10.1.0.1 update-source 10.0.255.5\n"));
	assert_true(has(&out, " bgp graceful-restart preserve-fw-state\n"));
	assert_true(has(&out, " neighbor 10.1.0.1 password pw\n"));
	assert_true(has(&out, " neighbor 10.1.0.1 bfd profile vpngw-300\n"));
	assert_true(has(&out, "  neighbor 10.1.0.1 maximum-prefix 100 restart 5\n"));
	assert_true(has(&out, " set ip next-hop 240.0.0.8\n"));
	assert_false(has(&out, "240.0.0.7"));
	assert_false(has(&out, " passive\n"));
	assert_true(has(&out, "  network 10.0.0.0/16\n"));
	assert_true(has(&out, "route-map VPNGW-NONE deny 10\n"));
	assert_true(has(&out, "  table-map VPNGW-NONE\n exit-address-family\n"));
	text_fini(&out);
	bgp_text_arguments(&wanted, 1, &out);
	assert_string_equal(text_get(&out), "65515 -l 192.0.0.2 -l 10.0.255.5\n");
	text_fini(&out);
	assert_false(bgp_text_speaker(&wanted, 2, &out));
	text_fini(&out);
	bgp_text_collector(&wanted, &out);
	assert_true(has(&out, "route-map VPNGW-COLLECT permit 10\n"
			      " match ip address prefix-list VPNGW-DEFAULT\n"
			      " set table 7802\n"));
	assert_true(has(&out, "  neighbor 192.0.0.2 route-map VPNGW-COLLECT in\n"));
	assert_true(has(&out, " neighbor 192.0.0.2 timers connect 1\n")); /* when it restarts */
	assert_true(has(&out, " bgp graceful-restart preserve-fw-state\n"));
	assert_false(has(&out, "VPNGW-COLLECT6"));
	text_fini(&out);
}

/* They stand in any order: each names its instance. */
static void test_custom_addresses(void **state)
{
	struct world *w = *state;
	struct bgp_wanted wanted = { 0 };
	struct text out = { 0 };

	load(w, BGP "\n" GW "/bgpSettings={'asn':65515,'bgpPeeringAddresses':[{'ipconfigurationId':"
		    "'activeActive','customBgpIpAddresses':['169.254.22.1']},{'ipconfigurationId':"
		    "'default','customBgpIpAddresses':['169.254.21.1','169.254.21.2']}]}");
	wanted.config = w->config;
	wanted.gateway = bgp_gateway(w->config);
	bgp_text_arguments(&wanted, 0, &out);
	assert_string_equal(text_get(&out), "65515 -l 192.0.0.1 -l 10.0.255.4 -l 169.254.21.1 -l "
					    "169.254.21.2\n");
	text_fini(&out);
	bgp_text_arguments(&wanted, 1, &out);
	assert_string_equal(text_get(&out), "65515 -l 192.0.0.2 -l 10.0.255.5 -l 169.254.22.1\n");
	text_fini(&out);
}

/* What networks have that use the gateway nobody announces to it. */
static void test_spokes(void **state)
{
	struct world *w = *state;
	struct bgp_session one;
	struct bgp_wanted wanted = { .sessions = &one, .count = 1 };
	struct text out = { 0 };

	load(w, BGP "\n/virtualNetworks/0/properties/virtualNetworkPeerings=[{'name':'out',"
		    "'properties':{'remoteVirtualNetwork':'leaf','allowGatewayTransit':true}}]\n"
		    "/virtualNetworks/2={'name':'leaf','properties':{'addressSpace':{"
		    "'addressPrefixes':['10.50.0.0/16']},'virtualNetworkPeerings':[{'name':'in',"
		    "'properties':{'remoteVirtualNetwork':'inside','useRemoteGateways':true}}]}}");
	wanted.config = w->config;
	wanted.gateway = bgp_gateway(w->config);
	one = (struct bgp_session){ .tunnel = 7, .is = *session(w, 0) };
	assert_true(bgp_text_speaker(&wanted, 0, &out));
	assert_true(has(&out, "ip prefix-list VPNGW-NETWORK seq 5 permit 10.0.0.0/16 le 32\n"
			      "ip prefix-list VPNGW-NETWORK seq 10 permit 10.50.0.0/16 le 32\n"));
	assert_true(has(&out, "  network 10.50.0.0/16\n"));
	text_fini(&out);
}

static void test_filters(void **state)
{
	struct world *w = *state;
	struct bgp_session one;
	struct bgp_wanted wanted = { .sessions = &one, .count = 1 };
	struct text out = { 0 };

	load(w, BGP "\n" C0 "/routeFilters={'in':[{'action':'deny','prefix':'10.1.7.0/24'},"
		    "{'prefix':'10.1.0.0/16','le':24,'communities':['65010:2','65010:1'],"
		    "'setCommunities':['no-export','65515:9','65515:9']}],"
		    "'out':[{'communities':['no-advertise'],'action':'deny'},{}]}");
	wanted.config = w->config;
	wanted.gateway = bgp_gateway(w->config);
	one = (struct bgp_session){ .tunnel = 7, .is = *session(w, 0) };
	assert_true(bgp_text_speaker(&wanted, 0, &out));
	assert_true(has(&out, "ip prefix-list VPNGW-IN-7-0 seq 5 permit 10.1.7.0/24\n"
			      "route-map VPNGW-IN-7 deny 20\n"
			      " match ip address prefix-list VPNGW-IN-7-0\n"
			      "exit\n"));
	assert_true(has(&out,
			"ip prefix-list VPNGW-IN-7-1 seq 5 permit 10.1.0.0/16 le 24\n"
			"bgp community-list standard VPNGW-IN-7-1 seq 5 permit 65010:1 65010:2\n"
			"route-map VPNGW-IN-7 permit 31\n"
			" match ip address prefix-list VPNGW-IN-7-1\n"
			" match community VPNGW-IN-7-1\n"
			" set community 65515:9 no-export additive\n"
			" set ip next-hop 240.0.0.7\n"
			"exit\n"));
	assert_false(has(&out, "route-map VPNGW-IN-7 permit 10\n"));
	assert_true(has(&out, "bgp community-list standard VPNGW-OUT-7-0 seq 5 permit "
			      "no-advertise\n"
			      "route-map VPNGW-OUT-7 deny 20\n"
			      " match community VPNGW-OUT-7-0\n"
			      "exit\n"
			      "route-map VPNGW-OUT-7 permit 31\n"
			      "exit\n"));
	assert_true(has(&out, "  neighbor 10.1.0.1 route-map VPNGW-OUT-7 out\n"));
	/* Maps are applied to what is kept: nobody is asked to say it again. */
	assert_true(has(&out, "  neighbor 10.1.0.1 soft-reconfiguration inbound\n"));
	text_fini(&out);
}

/* Both families when the inside has both; rules are for the family of their prefix. */
static void test_ip6(void **state)
{
	struct world *w = *state;
	struct bgp_session one;
	struct bgp_wanted wanted = { .sessions = &one, .count = 1 };
	struct text out = { 0 };

	load(w, BGP "\n/virtualNetworks/0/properties/addressSpace/addressPrefixes=['10.0.0.0/16',"
		    "'fd00:a::/48']\n" C0
		    "/routeFilters={'in':[{'prefix':'fd00:b::/48','le':64},{'prefix':'10.1.0.0/"
		    "16'}]}");
	wanted.config = w->config;
	wanted.gateway = bgp_gateway(w->config);
	one = (struct bgp_session){ .tunnel = 7, .is = *session(w, 0) };
	assert_true(bgp_text_speaker(&wanted, 0, &out));
	assert_true(
		has(&out, "ipv6 prefix-list VPNGW-NETWORK6 seq 5 permit fd00:a::/48 le 128\n") ||
		has(&out, "ipv6 prefix-list VPNGW-NETWORK6 seq 10 permit fd00:a::/48 le 128\n"));
	assert_true(has(&out, "ipv6 prefix-list VPNGW-IN6-7-0 seq 5 permit fd00:b::/48 le 64\n"
			      "route-map VPNGW-IN6-7 permit 21\n"
			      " match ipv6 address prefix-list VPNGW-IN6-7-0\n"
			      " set ipv6 next-hop global 100::7\n"
			      "exit\n"));
	assert_false(has(&out, "VPNGW-IN6-7-1"));
	assert_false(has(&out, "VPNGW-IN-7-0"));
	assert_true(has(&out, "prefix-list VPNGW-IN-7-1 seq 5 permit 10.1.0.0/16\n"));
	assert_true(has(&out, " set ipv6 next-hop global ::ffff:10.0.255.4\n"));
	assert_true(has(&out, "  network fd00:a::/48\n"));
	assert_true(has(&out, "  neighbor 10.1.0.1 soft-reconfiguration inbound\n"
			      "  neighbor 10.1.0.1 route-map VPNGW-IN6-7 in\n"));
	text_fini(&out);
	one.is.ip6 = false;
	assert_true(bgp_text_speaker(&wanted, 0, &out));
	assert_false(has(&out, "ipv6"));
	text_fini(&out);
}

static void refused(struct world *w, const char *edits, const char *why)
{
	struct text said = { 0 };

	config_report_fini(&w->report);
	config_report_init(&w->report);
	assert_int_not_equal(config_edit_load(&w->config, NULL, edits, &w->report), 0);
	config_report_text(&w->report, &said);
	if (!strstr(text_get(&said), why))
		fail_msg("says \"%s\", not \"%s\"", text_get(&said), why);
	text_fini(&said);
}

static void test_filters_are_checked(void **state)
{
	struct world *w = *state;

	refused(w, C0 "/routeFilters={'in':[{}]}", "enableBgp");
	refused(w, BGP "\n" C0 "/routeFilters={'in':[{'prefix':'10.0.0.0/8','ge':8}]}", "ge");
	refused(w, BGP "\n" C0 "/routeFilters={'in':[{'prefix':'10.0.0.0/8','ge':24,'le':16}]}",
		"le");
	refused(w, BGP "\n" C0 "/routeFilters={'in':[{'prefix':'10.0.0.0/8','le':33}]}", "32");
	refused(w, BGP "\n" C0 "/routeFilters={'in':[{'le':24}]}", "prefix");
	refused(w, BGP "\n" C0 "/routeFilters={'out':[{'communities':['65536:1']}]}", "community");
	refused(w, BGP "\n" C0 "/routeFilters={'out':[{'setCommunities':['1:2:3']}]}", "community");
}

static void test_circuit(void **state)
{
	struct world *w = *state;
	struct bgp_session sessions[BGP_CIRCUITS_MAX];
	struct bgp_wanted wanted = { .sessions = sessions };
	struct text out = { 0 };

	load(w,
	     "/appliance/ports/2={'name':'er0','device':'net_null2','role':'circuit','addresses':"
	     "['172.16.0.1/30'],'bgpSettings':{'asn':65020,'bgpPeeringAddress':'172.16.0.2',"
	     "'bfdIntervalMilliseconds':100}}");
	wanted.config = w->config;
	wanted.gateway = bgp_circuit_gateway(w->config);
	assert_non_null(wanted.gateway); /* without BGP of its own */
	wanted.count = bgp_circuit_sessions(w->config, sessions);
	assert_int_equal(wanted.count, 1);
	assert_string_equal(sessions[0].name, "er0");
	assert_true(bgp_text_circuit(&wanted, &out));
	assert_true(has(&out, " bgp graceful-restart preserve-fw-state\n"));
	assert_true(has(&out, "router bgp 65515\n"));
	assert_true(has(&out, " neighbor 172.16.0.2 remote-as 65020\n"));
	assert_true(has(&out, " neighbor 172.16.0.2 update-source 172.16.0.1\n"));
	assert_true(has(&out, " neighbor 172.16.0.2 bfd profile vpngw-100\n"));
	assert_false(has(&out, "ebgp-multihop"));
	assert_true(has(&out, " set table 7800\n"));
	assert_true(has(&out, "  network 10.0.0.0/16\n"));
	assert_false(has(&out, "10.1.0.0/16")); /* a site is behind the VPN */
	text_fini(&out);
	bgp_text_bfd(&wanted, &out);
	assert_true(has(&out, " profile vpngw-100\n"));
	text_fini(&out);
	bgp_text_circuit_arguments(&wanted, &out);
	assert_string_equal(text_get(&out), "65515 -l 172.16.0.1\n");
	text_fini(&out);
	wanted.count = 0;
	assert_false(bgp_text_circuit(&wanted, &out));
	bgp_text_circuit_arguments(&wanted, &out);
	assert_string_equal(text_get(&out), "-\n");
	text_fini(&out);
}

/* Tunnels from the private addresses of the instances. */
static void test_private(void **state)
{
	struct world *w = *state;
	const struct plan_tunnel *tunnel;

	load(w,
	     "/appliance/ports/2={'name':'er0','device':'net_null2','role':'circuit','addresses':"
	     "['172.16.0.1/30']}\n" GW "/sku/name='none'\n" GW "/enablePrivateIpAddress=true\n" C0
	     "/useLocalAzureIpAddress=true");
	tunnel = &w->plan.connections[0]->tunnels[1];
	assert_true(tunnel->over_circuit);
	is(&tunnel->local, "10.0.255.5");
	assert_string_equal(tunnel->local_id, "10.0.255.5");
	assert_false(w->plan.connections[1]->tunnels[0].over_circuit);
}

static void test_via(void **state)
{
	struct net_addr via = speaker_via(70000);
	struct net_addr other = net_addr_ip4(0x0a000001);

	is(&via, "240.1.17.112");
	assert_int_equal(speaker_tunnel(&via), 70000);
	assert_int_equal(speaker_tunnel(&other), 0);
	via = speaker_via_ip6(70000);
	is(&via, "100::1:1170");
	assert_int_equal(speaker_tunnel(&via), 70000);
	via.bytes[1] = 1;
	assert_int_equal(speaker_tunnel(&via), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_active_active, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_apipa, setup, teardown),
		cmocka_unit_test_setup_teardown(test_profile_and_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_speaker, setup, teardown),
		cmocka_unit_test_setup_teardown(test_filters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_custom_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spokes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ip6, setup, teardown),
		cmocka_unit_test_setup_teardown(test_filters_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_circuit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_private, setup, teardown),
		cmocka_unit_test(test_via),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
