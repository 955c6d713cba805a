#!/usr/bin/env bash
# Two gateways of ours, both active-active, from one file (config/examples/vnet-to-vnet.json): four tunnels without a local
# network gateway, prefixes out of the networks' resources, the key of both sides, peered networks; then the same by IPsec
# connections with local network gateways, and a default site.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" vnet
skip_unless gateway_missing control dataplane
flows=$VPNGW_BUILD/test/tools/flows
[ -x "$flows" ] || { echo "skipped: $flows is not built"; exit 77; }
EXAMPLE=$TOP/config/examples/vnet-to-vnet.json
FAR=100.64.9.9 # what only the default site knows
GROWN=10.111.0.10
SPOKE=10.31.0.10

topology() {
	vnet_internet && vnet_up gw 0 && vnet_up gw2 1 || return 1
	local address
	for address in $GROWN $SPOKE $FAR; do
		lab_addr host-gw2 lo "$address/32"
	done
}

# What lies behind gw2's host, for the Linux of gw2; its ports are there once the data plane runs.
inner_routes() {
	local prefix
	for prefix in 10.111.0.0/16 10.31.0.0/16 100.64.0.0/10; do
		lab_route gw2 "$prefix" "${VNET_HOST[1]}" || return 1
	done
}

starts() {
	on "$1" gateway_start_dataplane && on "$1" gateway_start_control
}

four_each() {
	vnet_connected gw 4 && vnet_connected gw2 4
}

# Every address of one side to every address of the other.
pairs_of() {
	on "$1" gateway_api GET /status | jq -r '.tunnels[] | "\(.localAddress) \(.remoteAddress)"' | sort -u
}

all_pairs() {
	local ours remote
	for ours in "${VNET_PUBLIC0[0]}" "${VNET_PUBLIC1[0]}"; do
		for remote in "${VNET_PUBLIC0[1]}" "${VNET_PUBLIC1[1]}"; do
			pairs_of gw | grep -qx "$ours $remote" && pairs_of gw2 | grep -qx "$remote $ours" || return 1
		done
	done
}

all_carry() {
	local name
	"$flows" --a "${LAB_PREFIX}host-gw=${VNET_HOST[0]}" --b "${LAB_PREFIX}host-gw2=${VNET_HOST[1]}" --both --flows 64 --rate 2000 \
		--seconds 2 >"$LAB_DIR/flows" || return 1
	cat "$LAB_DIR/flows"
	jq -se 'length == 2 and all(.[]; .received > 1000 and .lost == 0)' "$LAB_DIR/flows" >/dev/null || {
		for name in gw gw2; do
			on "$name" gateway_api GET /metrics | sed -n "s/^vpngw_dropped.*reason=\(.*[1-9][0-9]*\)$/$name dropped \1/p"
		done
		return 1
	}
	for name in gw gw2; do
		on "$name" gateway_api GET /status | jq -e '[.tunnels[] | select(.egressPackets > 100)] | length == 4' >/dev/null || return 1
	done
}

# Said of gw's tunnels from its first address since a place in the log: said_of_both PLACE PATTERN
said_of_both() {
	[ "$(tail -n "+$(($1 + 1))" "$LAB_DIR/control-gw.log" | grep -c "$2.* ${VNET_PUBLIC0[0]} ")" -ge 2 ]
}

# A link of gw breaks and heals: the SAs of two tunnels are moved to the other address and back, at both ends.
sas_move_and_return() {
	local place
	place=$(wc -l <"$LAB_DIR/control-gw.log")
	lab_link_down net gw-0
	lab_await 10 said_of_both "$place" 'the peer is told to use' || return 1
	lab_link_up net gw-0
	lab_await 30 said_of_both "$place" 'alive tunnel='
}

# control_restarts GATEWAY: the next one takes over what the data plane holds, and nothing is lost
control_restarts() {
	local place
	place=$(wc -l <"$LAB_DIR/dataplane-$1.log")
	rm -f "$LAB_DIR/pings.log"
	lab_start pings host-gw ping -n -i 0.01 "${VNET_HOST[1]}"
	lab_await_line pings 5 icmp_seq=20
	lab_kill "control-$1"
	on "$1" gateway_start_control
	lab_await 20 took_all_over "$1" "$place" && lab_await 20 four_each && lab_ping_end pings && return
	tail -n "+$((place + 1))" "$LAB_DIR/dataplane-$1.log"
	return 1
}

# As many SAs as there were when it attached.
took_all_over() {
	tail -n "+$(($2 + 1))" "$LAB_DIR/dataplane-$1.log" | awk '
		/control attached/ { match($0, /sas=[0-9]+/); before = substr($0, RSTART, RLENGTH) }
		/adoption complete/ { match($0, /sas=[0-9]+/); after = substr($0, RSTART, RLENGTH) }
		END { exit !(before && before != "sas=0" && before == after) }'
}

# Both sides' resources change as the two appliances' owners would do it: on_both METHOD PATH JQ
change_on_both() {
	local name body
	for name in gw gw2; do
		body=$(on "$name" gateway_api GET "$1" | jq -c "$2") &&
			on "$name" gateway_api PUT "$1" "$body" | tee /dev/stderr | jq -e '.error == null' >/dev/null || return 1
	done
}

key_set() { # GATEWAY CONNECTION KEY
	on "$1" gateway_api PUT "/connections/$2/sharedkey" "{\"value\":\"$3\"}" >/dev/null &&
		on "$1" gateway_api POST "/connections/$2/resetconnection" >/dev/null
}

keys_differ() {
	key_set gw inside-to-lab AnotherKeyOnThisSide && lab_await 20 vnet_connected gw 0 && fails lab_await 3 vnet_connected gw 1
}

keys_agree() {
	key_set gw2 lab-to-inside AnotherKeyOnThisSide && lab_await 60 four_each
}

network_grows() {
	change_on_both /virtualNetworks/lab '.properties.addressSpace.addressPrefixes += ["10.111.0.0/16"]' &&
		lab_ping host-gw "$GROWN" 10
}

SPOKE_BODY='{ "properties": { "addressSpace": { "addressPrefixes": ["10.31.0.0/16"] }, "virtualNetworkPeerings": [{ "name": "hub",
	"properties": { "remoteVirtualNetwork": { "id": "lab" }, "useRemoteGateways": false } }] } }'
spoke_made() {
	local name
	for name in gw gw2; do
		on "$name" gateway_api PUT /virtualNetworks/spoke "$SPOKE_BODY" | tee /dev/stderr | jq -e '.error == null' >/dev/null || return 1
	done
}

hub_lets() {
	change_on_both /virtualNetworks/lab '.properties.virtualNetworkPeerings = [{ name: "spoke", properties: {
		remoteVirtualNetwork: { id: "spoke" }, allowGatewayTransit: true } }]'
}

spoke_uses() {
	change_on_both /virtualNetworks/spoke ".properties.virtualNetworkPeerings[0].properties.useRemoteGateways = $1"
}

# Two local network gateways stand for one active-active gateway; both have its prefixes.
# shellcheck disable=SC2016 # jq's
SITES='def sites($prefix; $addresses): .localNetworkGateways = [$addresses | to_entries[] | { name: "other-\(.key)", properties: {
		gatewayIpAddress: .value, sharedPrefixes: true, localNetworkAddressSpace: { addressPrefixes: [$prefix] } } }]
	| .connections = [range($addresses | length) | { name: "to-other-\(.)", properties: { connectionType: "IPsec",
		virtualNetworkGateway1: $gw, localNetworkGateway2: "other-\(.)", sharedKey: "KeyOfBothOfThem" } }];'

ipsec_config() { # GATEWAY NUMBER OTHER-NUMBER PREFIX [JQ]
	vnet_config "$1" "$2" "$EXAMPLE" "\"$1\" as \$gw | $SITES
		sites(\"$4\"; [\"${VNET_PUBLIC0[$3]}\", \"${VNET_PUBLIC1[$3]}\"]) | ${5:-.}" && kill -HUP "$(lab_pid "control-$1")"
}

by_ipsec() {
	ipsec_config gw 0 1 10.11.0.0/16 && ipsec_config gw2 1 0 10.10.0.0/16 && lab_await 60 four_each
}

connections_are() {
	[ "$(on "$1" gateway_api GET /connections | jq -r '[.value[].name] | sort | join(" ")')" = "$2" ]
}

in_clear_counted() {
	lab_in net nft -f - <<-RULES
		add table inet watch
		add chain inet watch forward { type filter hook forward priority -10; }
		add rule inet watch forward ip daddr { 10.0.0.0/8, 100.64.0.0/10 } counter
		add rule inet watch forward ip saddr { 10.0.0.0/8, 100.64.0.0/10 } counter
	RULES
}

nothing_in_clear() {
	lab_in net nft list table inet watch | tee /dev/stderr | grep -c 'counter packets 0 bytes 0' | grep -qx 2
}

default_site() {
	ipsec_config gw 0 1 10.11.0.0/16 '(.virtualNetworkGateways[] | select(.name == "gw")).properties.gatewayDefaultSite = "other-0"' &&
		lab_ping host-gw "$FAR" 15
}

require "two gateways and what is between them" topology
require "the first one's configuration" vnet_config gw 0 "$EXAMPLE"
require "the second one's configuration" vnet_config gw2 1 "$EXAMPLE"
require "the first one starts" starts gw
require "the second one starts" starts gw2
require "the routes behind the second one" lab_await 60 inner_routes
in_clear_counted
require "four tunnels are up on each side" lab_await 60 four_each
expect "each address of one has a tunnel to each of the other" all_pairs
require "the networks reach each other" lab_ping host-gw "${VNET_HOST[1]}" 10
expect "from the other side too" lab_ping host-gw2 "${VNET_HOST[0]}" 5
expect "flows use all four, both ways, and none is lost" all_carry
expect "SAs move to the other address and back" sas_move_and_return
expect "a new control of one side takes all of them over, and nothing is lost" control_restarts gw
expect "so does one of the other side" control_restarts gw2
expect "a key that only one side has brings no tunnel up" keys_differ
expect "the same key on both does" keys_agree
expect "what is in no network's resource has no way" fails lab_ping host-gw "$GROWN" 1
expect "a prefix that a network gets is reached" network_grows
expect "a network peers with the hub" spoke_made
expect "the hub lets it use its gateway" hub_lets
expect "it is not reached while it does not use it" fails lab_ping host-gw "$SPOKE" 1
expect "it uses it" spoke_uses true
expect "then it is reached" lab_ping host-gw "$SPOKE" 10
expect "it uses it no more" spoke_uses false
expect "and is not reached any more" lab_await 5 fails lab_ping host-gw "$SPOKE" 1
require "by IPsec connections and local network gateways: four tunnels again" by_ipsec
expect "the Vnet2Vnet connections are gone" connections_are gw "to-other-0 to-other-1"
expect "the networks reach each other" lab_ping host-gw "${VNET_HOST[1]}" 10
expect "flows use all four, both ways, and none is lost" all_carry
expect "without a default site the rest of the world has no way" fails lab_ping host-gw "$FAR" 1
expect "a default site has it" default_site
expect "nothing of any network was on the internet in clear" nothing_in_clear
finish
