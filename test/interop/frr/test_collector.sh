#!/usr/bin/env bash
# Two sites that have a session with one instance each, not the same: what one announces reaches the other over the collector.
# The collector is killed while traffic flows: the speakers keep what it told them (RFC 4724), nothing is lost, and what was
# withdrawn meanwhile goes when it is back. (A site may hear of a withdrawal for the milliseconds between two updates: FRR does not
# wait for speakers that have themselves begun less than two minutes ago.)
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" collector
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control

topology() {
	vnet_internet && vnet_up gw 0 && sites_up 2
}

config() {
	vnet_config gw 0 "$TOP/config/examples/multi-site.json" "$SITES_JQ sites(2; \"$SITES_KEY\")
		| .virtualNetworkGateways[0].properties += { enableBgp: true, bgpSettings: { asn: 65515 } }"
}

connected() {
	[ "$(on gw gateway_result virtualNetworkGateways/gw/getBgpPeerStatus | jq '[.value[] | select(.state == "Connected")] | length')" = "$1" ]
}

# site_says SITE COMMAND...: within its router
site_says() {
	lab_vtysh "s-$1-frr" 'configure terminal' "router bgp $((64600 + $1))" "${@:2}"
}

one_session_each() {
	site_says 1 "neighbor ${SITES_SPEAKERS[1]} shutdown"
	site_says 2 "neighbor ${SITES_SPEAKERS[0]} shutdown"
	lab_await 20 connected 2 && lab_await 20 have_each_other
}

# knows SITE PREFIX
knows() {
	[ -n "$(ip -n "${LAB_PREFIX}s-$1" route show "$2")" ]
}

have_each_other() {
	knows 1 10.98.0.0/16 && knows 2 10.97.0.0/16
}

collector_pid() {
	cat "$(on gw gateway_dir)/frr/rib/bgpd.pid"
}

zebra_pid() {
	cat "$(on gw gateway_dir)/frr/rib/zebra.pid"
}

new_collector() {
	[ "$(collector_pid)" != "$1" ] && kill -0 "$(collector_pid)"
}

# kernel_has PREFIX [TABLE]
kernel_has() {
	[ -n "$(ip -n "${LAB_PREFIX}gw" route show table "${2:-main}" proto bgp "$1")" ]
}

# Not in the main table, where it would be Linux's own way out, nor in the zebra of the speakers, who install nothing.
only_there() {
	! kernel_has default main && vtysh --vty_socket "$(on gw gateway_dir)/frr/i0" -c 'show ip route bgp json' | jq -e '. == {}'
}

have_kernel() {
	kernel_has 10.97.0.0/16 && kernel_has 10.98.0.0/16
}

# It is away until site 2 has withdrawn a network and a default that nobody can be told of.
collector_dies() {
	local before zebra
	before=$(collector_pid)
	zebra=$(zebra_pid)
	lab_start ping-1 s-1 ping -n -i 0.01 -I "$(sites_inside 1)" "$(sites_inside 2)"
	lab_start ping-2 s-2 ping -n -i 0.01 -I "$(sites_inside 2)" "$(sites_inside 1)"
	lab_await_line ping-2 20 icmp_seq=20
	kill -KILL "$before"
	site_says 2 'address-family ipv4 unicast' 'no network 10.122.0.0/16' 'no network 0.0.0.0/0'
	lab_await 20 new_collector "$before" && [ "$(zebra_pid)" = "$zebra" ] && kill -0 "$zebra"
}

no_packet_lost() {
	local rc=0
	lab_ping_end ping-1 || rc=1
	lab_ping_end ping-2 || rc=1
	return "$rc"
}

require "a gateway and two sites are made" topology
require "the configuration is good" config
require "the data plane starts" on gw gateway_start_dataplane
require "FRR's launcher starts" on gw gateway_start_frr
require "every site has its strongSwan and FRR" sites_start 2
require "control starts" on gw gateway_start_control
require "two tunnels to each site are up" lab_await 120 vnet_connected gw 4
require "two sessions with each site are up" lab_await 120 connected 4
site_says 2 'address-family ipv4 unicast' 'network 10.122.0.0/16' 'network 0.0.0.0/0'
require "each site has a session with one instance" one_session_each
require "a network of site 2 reaches site 1" lab_await 20 knows 1 10.122.0.0/16
require "its default is in our kernel" lab_await 20 kernel_has default 7802
expect "and nowhere else" only_there
require "traffic flows" lab_in s-1 ping -n -q -c 1 -w 10 -I "$(sites_inside 1)" "$(sites_inside 2)"
expect "the collector is killed and comes again" collector_dies
expect "what was withdrawn meanwhile goes at site 1" lab_await 60 fails knows 1 10.122.0.0/16
expect "and in our kernel" lab_await 60 fails kernel_has 10.122.0.0/16
expect "the default too" lab_await 60 fails kernel_has default 7802
expect "the others are there" have_kernel
expect "in our own table alone" only_there
expect "no packet was lost, either way" no_packet_lost
expect "sessions are as before" connected 2
finish
