#!/usr/bin/env bash
# BGP with a site that has strongSwan and FRR: both tunnels of an active-active pair with a session each, routes
# both ways, what the API says of them, BFD, a restart of control, the loss of a session.
. "$(dirname "$0")/../../system/harness.sh" bgp
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control cli

# shellcheck source=bgp_site.sh
. "$(dirname "$0")/bgp_site.sh"

kernel_has_both() {
	ip -n "${LAB_PREFIX}gw" -j route show 10.21.0.0/16 | jq -e '.[0].nexthops | length == 2'
}

bfd_up_or_why() {
	lab_await 30 bfd_both_up && return 0
	lab_vtysh frr/i0 'show bfd peers' 'show running-config'
	return 1
}

session_dies() {
	lab_vtysh branch-frr 'configure terminal' 'router bgp 65010' "neighbor ${OURS[0]} shutdown"
	lab_await 10 sh -c "ip -n ${LAB_PREFIX}gw -j route show 10.21.0.0/16 | jq -e '.[0].gateway'"
}

session_returns() {
	lab_vtysh branch-frr 'configure terminal' 'router bgp 65010' "no neighbor ${OURS[0]} shutdown"
	lab_await 20 kernel_has_both
}

# bfdd of the first speaker sees its path die: only the BFD of that tunnel.
bfd_moves_flows() {
	local from
	from=$(wc -l <"$LAB_DIR/control.log")
	lab_in net nft -f - <<-RULES
		add table inet lab
		add chain inet lab forward { type filter hook forward priority 0; }
		add rule inet lab forward ip daddr $SITE_PUBLIC0 drop
		add rule inet lab forward ip saddr $SITE_PUBLIC0 drop
	RULES
	lab_await 5 sh -c "tail -n +$from $LAB_DIR/control.log | grep -q 'BFD is down tunnel=.*$SITE_PUBLIC0'"
}

# What of the site's two networks the kernel has.
networks_are() {
	[ "$(ip -n "${LAB_PREFIX}gw" -j route show proto bgp | jq -r '[.[].dst] | sort | join(" ")')" = "$1" ]
}

filters() {
	local body
	body=$(gateway_api GET /connections/to-branch | jq -c ".properties.routeFilters = $1") &&
		gateway_api PUT /connections/to-branch "$body" | tee /dev/stderr | jq -e '.error == null' >/dev/null
}

# The site marks its second network with a community.
site_marks() {
	lab_vtysh branch-frr 'configure terminal' 'route-map MARK permit 10' 'set community 65010:7' 'exit' 'router bgp 65010' \
		'address-family ipv4 unicast' 'network 10.21.0.0/16 route-map MARK'
}

site_sees_community() {
	lab_vtysh branch-frr 'show bgp ipv4 unicast 10.10.0.0/16 json' |
		jq -e --arg community "$1" '[.paths[] | .community.string // ""] | length == 2 and all(.[]; . == $community)'
}

# sessions_stay: none of the two was lost since the last call
sessions_stay() {
	local now
	now=$(lab_vtysh branch-frr 'show bgp neighbors json' | jq -c '[to_entries[] | [.key, .value.connectionsEstablished, .value.connectionsDropped]]')
	[ -z "${sessions_were:-}" ] || [ "$now" = "$sessions_were" ] || { printf '%s\n%s\n' "$sessions_were" "$now"; return 1; }
	sessions_were=$now
}

more_than_the_limit() {
	lab_vtysh branch-frr 'configure terminal' 'router bgp 65010' 'address-family ipv4 unicast' "network 10.21.1.0/24" \
		"network 10.21.2.0/24"
}

prefix_limit() {
	local body
	body=$(gateway_api GET /localNetworkGateways/branch | jq -c ".properties.bgpSettings += { prefixLimit: $1, password: \"bgp-secret\" }") &&
		gateway_api PUT /localNetworkGateways/branch "$body" | tee /dev/stderr | jq -e '.error == null' >/dev/null
}

stopped() {
	api_result getBgpPeerStatus | jq -e '[.value[] | select(.state == "Stopped")] | length == 2'
}

# Of FRR's own: the collector dies while pings go; the site withdraws a network meanwhile.
collector_dies() {
	local rc=0
	lab_start pings host-a ping -n -q -i 0.05 -c 200 "$SITE_HOST_B"
	kill -KILL "$(cat "$LAB_DIR/frr/rib/bgpd.pid")"
	lab_await_line control 10 "went away daemon=rib/bgpd" || rc=1
	lab_vtysh branch-frr 'configure terminal' 'router bgp 65010' 'address-family ipv4 unicast' 'no network 10.21.0.0/16'
	rib_has 10.21.0.0/16 || rc=1
	lab_await 30 networks_are 10.20.0.0/16 || rc=1
	lab_await_end "$(lab_pid pings)" 30
	grep -q ' 0% packet loss' "$LAB_DIR/pings.log" && return "$rc"
	cat "$LAB_DIR/pings.log"
	return 1
}

rib_has() {
	gateway_api GET /routes | jq -e --arg prefix "$1" '[.value[] | select(.prefix == $prefix and .best)] | length == 1'
}

network_again() {
	lab_vtysh branch-frr 'configure terminal' 'router bgp 65010' 'address-family ipv4 unicast' 'network 10.21.0.0/16'
	lab_await 20 rib_has 10.21.0.0/16
}

control_restarts() {
	lab_start pings host-a ping -n -q -i 0.05 -c 80 "$SITE_HOST_B"
	lab_kill control
	gateway_start_control
	lab_await_end "$(lab_pid pings)" 20
	grep -q ' 0% packet loss' "$LAB_DIR/pings.log" || { cat "$LAB_DIR/pings.log"; return 1; }
}

require "the site is made" site_up
bgp_starts site_and_frr config
require "both sessions are up, two routes each" lab_await 40 connected
expect "the kernel has both tunnels for a learned route" lab_await 5 kernel_has_both
expect "traffic flows on learned routes, both ways" lab_ping host-a "$SITE_HOST_B" 5
expect "learned routes name the peer" says '"sourcePeer":"10.20.0.1"' api_result getLearnedRoutes
expect "advertised routes have our network" says '"network":"10.10.0.0/16"' api_result "getAdvertisedRoutes?peer=$SITE"
expect "the site learned our network by both" lab_await 5 sh -c "ip -n ${LAB_PREFIX}branch -j route show 10.10.0.0/16 | jq -e '.[0].nexthops | length == 2'"
expect "the command line shows the sessions" says Connected cli bgp peers gw
expect "and what a peer is told" says 10.10.0.0/16 cli bgp advertised gw "$SITE"
expect "metrics count them" says 'vpngw_bgp_routes_learned{bgp_peer_address="10.20.0.1",connection="to-branch",gateway_instance="GatewayTenantWorker_IN_1"} 2' gateway_api GET /metrics
expect "diagnostic logs tell of sessions and routes" grep -q '"OperationName":"BgpConnectedEvent".*AS 65010' "$LAB_DIR/state/diagnostics.jsonl"
expect "and of what BGP learned" grep -q '"OperationName":"BgpRouteUpdate","Message":"10.21.0.0/16 is reachable' "$LAB_DIR/state/diagnostics.jsonl"
expect "BFD is up in both tunnels" bfd_up_or_why
expect "the site has sessions to compare with" sessions_stay
expect "control is killed and started again: no packet is lost" control_restarts
expect "sessions are as before" lab_await 10 connected
expect "and none of them ended" sessions_stay
site_marks
expect "filters are taken" filters '{ in: [{ action: "deny", communities: ["65010:7"] }, { prefix: "10.0.0.0/8", le: 16 }],
	out: [{ prefix: "10.10.0.0/16", setCommunities: ["65515:77", "no-advertise"] }] }'
expect "a network with the community is kept out" lab_await 30 networks_are 10.20.0.0/16
expect "the site sees the communities of ours" lab_await 30 site_sees_community "65515:77 no-advertise"
expect "other rules are taken" filters '{ in: [{ prefix: "10.21.0.0/16" }] }'
expect "and only what they name is let in" lab_await 30 networks_are 10.21.0.0/16
expect "the communities are gone" lab_await 30 site_sees_community ""
expect "no rules are taken" filters null
expect "both networks are back" lab_await 30 networks_are "10.20.0.0/16 10.21.0.0/16"
expect "no session ended for it" sessions_stay
expect "FRR's collector is killed: no packet is lost" collector_dies
expect "what was withdrawn meanwhile goes" lab_await 30 fails rib_has 10.21.0.0/16
expect "and comes again" network_again
expect "a session that ends takes its paths away" session_dies
expect "traffic flows on by the other tunnel" lab_ping host-a "$SITE_HOST_B" 5
expect "it comes back" session_returns
expect "BFD tells control that a path has died" bfd_moves_flows
expect "traffic flows by the other tunnel" lab_ping host-a "$SITE_HOST_B" 5
lab_in net nft delete table inet lab
expect "the path heals" lab_await 40 connected
expect "a limit of prefixes is taken" prefix_limit 2
expect "a warning comes before it is reached" lab_await_line control 10 "a peer announces 2 prefixes of the 2 that end its session"
more_than_the_limit
expect "above it the sessions end" lab_await 20 stopped
expect "and the log says why" lab_await_line control 10 "announced more than its prefixLimit of 2"
finish
