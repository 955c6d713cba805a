#!/usr/bin/env bash
# Three gateways of ours from one file (config/examples/vnet-transit.json), gw - hub - far, each active-active: four tunnels
# and four BGP sessions to a neighbour. The networks at both ends, and a site without BGP behind gw (strongSwan), reach one
# another through the hub while BGP is on, and only then.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" transit
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control
EXAMPLE=$TOP/config/examples/vnet-transit.json
BRANCH=198.18.2.10

topology() {
	vnet_internet && vnet_up gw 0 && vnet_up hub 1 && vnet_up far 2 && lab_ns branch router || return 1
	lab_cable net br branch wan
	lab_addr net br 198.18.2.254/24
	lab_addr branch wan "$BRANCH/24"
	lab_addr branch lo 10.20.0.1/32
	lab_route branch default 198.18.2.254
}

# BFD has a test of its own (test_bgp.sh), and 50 ms are for machines that do nothing else.
configs() {
	local jq='.virtualNetworkGateways[].properties.bgpSettings.bfdIntervalMilliseconds = 0'
	vnet_config gw 0 "$EXAMPLE" "$jq" && vnet_config hub 1 "$EXAMPLE" "$jq" && vnet_config far 2 "$EXAMPLE" "$jq"
}

all_start() {
	local name
	for name in gw hub far; do
		on "$name" gateway_start_dataplane && on "$name" gateway_start_frr && on "$name" gateway_start_control || return 1
	done
}

branch_dials() {
	local psk
	psk=$(jq -r '.connections[] | select(.name == "gw-to-branch").properties.sharedKey' "$EXAMPLE")
	lab_charon_start branch-ike branch
	: >"$(lab_charon_dir branch-ike)/swanctl.conf"
	lab_charon_connection branch-ike gw0 local="$BRANCH" remote="${VNET_PUBLIC0[0]}" psk="$psk" \
		local_ts=10.20.0.0/16 remote_ts=10.10.0.0/16,10.11.0.0/16,10.12.0.0/16
	lab_charon_load branch-ike
}

tunnels_up() {
	vnet_connected gw "$((4 + $1))" && vnet_connected hub 8 && vnet_connected far 4
}

# sessions GATEWAY COUNT: so many are connected
sessions() {
	on "$1" gateway_result virtualNetworkGateways/"$1"/getBgpPeerStatus |
		jq -e "[.value[] | select(.state == \"Connected\")] | length == $2"
}

all_sessions() {
	sessions gw 4 && sessions hub 8 && sessions far 4
}

# learned GATEWAY NETWORK PATH: it is there with this AS path, and by sessions alone
learned() {
	on "$1" gateway_result virtualNetworkGateways/"$1"/getLearnedRoutes |
		tee "$LAB_DIR/learned" | jq -e --arg network "$2" --arg path "$3" '
			[.value[] | select(.network == $network)] | length == 4 and all(.[]; .origin == "EBgp" and .asPath == $path)' ||
		{ cat "$LAB_DIR/learned"; return 1; }
}

advertised() { # GATEWAY PEER NETWORK PATH
	on "$1" gateway_result "virtualNetworkGateways/$1/getAdvertisedRoutes?peer=$2" |
		tee "$LAB_DIR/advertised" | jq -e --arg network "$3" --arg path "$4" '
			[.value[] | select(.network == $network and .asPath == $path)] | length > 0' ||
		{ cat "$LAB_DIR/advertised"; return 1; }
}

from_branch() {
	lab_in branch ping -n -q -c 1 -w "$2" -I 10.20.0.1 "$1"
}

# Without BGP on the far hop: the hub's tunnels to far stay, what BGP brought goes.
bgp_ends() {
	local name body connection
	for connection in hub-to-far far-to-hub; do
		for name in gw hub far; do
			body=$(on "$name" gateway_api GET "/connections/$connection" | jq -c '.properties.enableBgp = false') &&
				on "$name" gateway_api PUT "/connections/$connection" "$body" | jq -e '.error == null' >/dev/null || return 1
		done
	done
	lab_await 20 sessions hub 4
}

require "three gateways, a site, and what is between them" topology
require "the configurations" configs
require "all start" all_start
require "the site dials" branch_dials
require "every pair has its four tunnels" lab_await 90 tunnels_up 1
require "and a session in each" lab_await 90 all_sessions
expect "far learns of gw's network through the hub" lab_await 20 learned far 10.10.0.0/16 65514-65515
expect "and of the site behind gw" lab_await 10 learned far 10.20.0.0/16 65514-65515
expect "gw learns of far's network through the hub" lab_await 10 learned gw 10.12.0.0/16 65514-65513
expect "the hub announces far's network to gw" advertised hub 10.10.255.4 10.12.0.0/16 65514-65513
expect "neighbours reach each other" lab_ping host-gw "${VNET_HOST[1]}" 10
expect "both ends reach each other through the hub" lab_ping host-gw "${VNET_HOST[2]}" 10
expect "from the other end too" lab_ping host-far "${VNET_HOST[0]}" 5
expect "the site reaches its gateway's network" from_branch "${VNET_HOST[0]}" 10
expect "the hub's network" from_branch "${VNET_HOST[1]}" 10
expect "and the network behind the hub" from_branch "${VNET_HOST[2]}" 10
expect "BGP ends between hub and far" bgp_ends
expect "those two still reach each other" lab_ping host-hub "${VNET_HOST[2]}" 10
expect "both ends do not any more" lab_await 10 fails lab_ping host-gw "${VNET_HOST[2]}" 1
expect "nor does the site" fails from_branch "${VNET_HOST[2]}" 1
expect "gw and the hub still do" lab_ping host-gw "${VNET_HOST[1]}" 5
finish
