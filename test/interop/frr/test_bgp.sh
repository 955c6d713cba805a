#!/usr/bin/env bash
# BGP with a site that has strongSwan and FRR: both tunnels of an active-active pair with a session each, routes
# both ways, what the API says of them, BFD, a restart of control, the loss of a session.
. "$(dirname "$0")/../../system/harness.sh" bgp
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control cli

PSK=DemoKeyOnlyForTheLab2026
SITE=10.20.0.1
OURS=(10.10.255.4 10.10.255.5)

charon_of_site() {
	lab_charon_start branch-ike branch
	: >"$(lab_charon_dir branch-ike)/swanctl.conf"
	# A speaker each behind a selector of its own; the hosts behind both.
	lab_charon_connection branch-ike gw0 local="$SITE_BRANCH" remote="$SITE_PUBLIC0" psk="$PSK" dpd=30 \
		local_ts=10.20.0.0/15 remote_ts="${OURS[0]}/32,10.10.0.0/24"
	lab_charon_connection branch-ike gw1 local="$SITE_BRANCH" remote="$SITE_PUBLIC1" psk="$PSK" dpd=30 \
		local_ts=10.20.0.0/15 remote_ts="${OURS[1]}/32,10.10.0.0/24"
	lab_charon_load branch-ike
}

frr_of_site() {
	local ours
	for ours in "${OURS[@]}"; do
		ip -n "${LAB_PREFIX}branch" route replace "$ours/32" dev ipsec0 src "$SITE"
	done
	{
		printf 'router bgp 65010\n bgp router-id %s\n no bgp ebgp-requires-policy\n no bgp network import-check\n' "$SITE"
		for ours in "${OURS[@]}"; do
			printf ' neighbor %s remote-as 65515\n neighbor %s bfd profile fast\n' "$ours" "$ours"
			printf ' neighbor %s ebgp-multihop 255\n neighbor %s update-source %s\n' "$ours" "$ours" "$SITE"
			printf ' neighbor %s timers 3 9\n neighbor %s timers connect 2\n' "$ours" "$ours"
			printf ' neighbor %s password bgp-secret\n' "$ours"
		done
		printf ' address-family ipv4 unicast\n  network 10.20.0.0/16\n  network 10.21.0.0/16\n  maximum-paths 4\n exit-address-family\n'
	} | lab_frr_start branch-frr branch
}

site_and_frr() {
	charon_of_site && lab_await 20 lab_charon_up branch-ike gw0 && lab_await 20 lab_charon_up branch-ike gw1 &&
		frr_of_site
}

config() {
	gateway_config "$TOP/config/demo.json" "
		.virtualNetworkGateways[0].properties.enableBgp = true
		| .virtualNetworkGateways[0].properties.bgpSettings = { asn: 65515 }
		| .localNetworkGateways[0].properties.localNetworkAddressSpace.addressPrefixes = []
		| .localNetworkGateways[0].properties.bgpSettings =
			{ asn: 65010, bgpPeeringAddress: \"$SITE\", password: \"bgp-secret\" }
		| .connections[0].properties.enableBgp = true"
}

api_result() {
	gateway_result "virtualNetworkGateways/gw/$1"
}

cli() {
	lab_in gw "$(gateway_program cli)" --url "https://127.0.0.1:$LAB_API_PORT" --token-file "$LAB_DIR/token" --insecure "$@"
}

connected() {
	api_result "getBgpPeerStatus" | jq -e '[.value[] | select(.state == "Connected" and .routesReceived == 2)] | length == 2'
}

kernel_has_both() {
	ip -n "${LAB_PREFIX}gw" -j route show 10.21.0.0/16 | jq -e '.[0].nexthops | length == 2'
}

bfd_both_up() {
	lab_vtysh frr/i0 'show bfd peers json' | jq -e '[.[] | select(.status == "up")] | length == 2'
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
	kill -9 "$(lab_pid control)"
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
expect "metrics count them" says 'vpngw_bgp_routes_learned{BgpPeerAddress="10.20.0.1",Instance="GatewayTenantWorker_IN_1"} 2' gateway_api GET /metrics
expect "BFD is up in both tunnels" bfd_up_or_why
expect "a restart of control loses no packet" control_restarts
expect "sessions are as before" lab_await 10 connected
expect "a session that ends takes its paths away" session_dies
expect "traffic flows on by the other tunnel" lab_ping host-a "$SITE_HOST_B" 5
expect "it comes back" session_returns
expect "BFD tells control that a path has died" bfd_moves_flows
expect "traffic flows by the other tunnel" lab_ping host-a "$SITE_HOST_B" 5
finish
