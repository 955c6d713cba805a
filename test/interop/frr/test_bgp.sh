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

control_restarts() {
	lab_start pings host-a ping -n -q -i 0.05 -c 80 "$SITE_HOST_B"
	lab_kill control
	gateway_start_control
	lab_await_end "$(lab_pid pings)" 20
	grep -q ' 0% packet loss' "$LAB_DIR/pings.log" || { cat "$LAB_DIR/pings.log"; return 1; }
}

require "the site is made" site_up
site_gateway_ports
require "the configuration is good" config
require "the data plane starts" gateway_start_dataplane
require "FRR's launcher starts" gateway_start_frr
require "control starts" gateway_start_control
require "the site's tunnels and FRR are up" site_and_frr
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
expect "a restart of control loses no packet" control_restarts
expect "sessions are as before" lab_await 10 connected
expect "a session that ends takes its paths away" session_dies
expect "traffic flows on by the other tunnel" lab_ping host-a "$SITE_HOST_B" 5
expect "it comes back" session_returns
expect "BFD tells control that a path has died" bfd_moves_flows
expect "traffic flows by the other tunnel" lab_ping host-a "$SITE_HOST_B" 5
finish
