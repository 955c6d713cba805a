#!/usr/bin/env bash
# Which sources may come out of the tunnels of a connection (sourceCheck), with two sites that have strongSwan and FRR, and a
# circuit that is the best way to a network which both of them have: what a site was configured with or announces is let in,
# whichever way is best; what it does not is dropped and counted; `strict` and `off`; a restart of control.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" source
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control
SHARED=10.120.0  # both sites announce it; the second with the longer path
BY_CIRCUIT=10.121.0
# shellcheck disable=SC2034 # sites.sh has it
SITES_LOCAL_TS=10.96.0.0/11
HOST=${VNET_HOST[0]}

topology() {
	local n
	vnet_internet && vnet_up gw 0 && sites_up 2 || return 1
	for n in 1 2; do
		lab_addr "s-$n" lo "$SHARED.$n/32"
		lab_addr "s-$n" lo "$BY_CIRCUIT.$n/32"
		lab_addr "s-$n" lo "10.122.0.$n/32" # of no announcement
	done
	lab_cable net er gw vger0 && lab_addr net er 172.16.0.2/30 && lab_dpdk_end gw vger0
}

config() {
	vnet_config gw 0 "$TOP/config/examples/multi-site.json" "$SITES_JQ sites(2; \"$SITES_KEY\")
		| .virtualNetworkGateways[0].properties += { enableBgp: true, bgpSettings: { asn: 65515 } }
		| .appliance.ports += [{ name: \"er0\", device: \"net_af_packet3,iface=vger0,qdisc_bypass=1,framecnt=1024\",
			role: \"circuit\", addresses: [\"172.16.0.1/30\"] }]"
}

connected() {
	[ "$(on gw gateway_result virtualNetworkGateways/gw/getBgpPeerStatus | jq '[.value[] | select(.state == "Connected")] | length')" = 4 ]
}

# announces SITE PREFIX [no]
announces() {
	lab_vtysh "s-$1-frr" 'configure terminal' "router bgp $((64600 + $1))" 'address-family ipv4 unicast' "${3:-} network $2"
}

# Everything of the second site has a longer path.
second_is_worse() {
	local speaker
	for speaker in "${SITES_SPEAKERS[@]}"; do
		lab_vtysh s-2-frr 'configure terminal' 'route-map LONGER permit 10' 'set as-path prepend 64602 64602 64602' 'exit' \
			'router bgp 64602' 'address-family ipv4 unicast' "neighbor $speaker route-map LONGER out" || return 1
	done
}

# shared_is COUNT: tunnels that the kernel has for the shared network, the best ones
shared_is() {
	[ "$(ip -n "${LAB_PREFIX}gw" -j route show "$SHARED.0/24" | jq '[.[] | if .nexthops then .nexthops | length else 1 end] | add')" = "$1" ]
}

# announced_is PREFIX COUNT: tunnels in which it was announced
announced_is() {
	[ "$(ip -n "${LAB_PREFIX}gw" -j route show table 7801 "$1" | jq '[.[] | if .nexthops then .nexthops | length else 1 end] | add // 0')" = "$2" ]
}

circuit_is_best() {
	lab_route gw "$BY_CIRCUIT.0/24" 172.16.0.2 && lab_await 10 best_is_circuit
}

best_is_circuit() {
	on gw gateway_api GET /routes | jq -e --arg prefix "$BY_CIRCUIT.0/24" '.value[] | select(.prefix == $prefix and .best) | .origin == "circuit"'
}

count_at_host() {
	lab_in host-gw nft -f - <<-RULES
		add table inet watch
		add set inet watch seen { type ipv4_addr; flags dynamic; counter; }
		add chain inet watch in { type filter hook input priority -10; }
		add rule inet watch in icmp type echo-request update @seen { ip saddr counter }
	RULES
}

arrived() {
	lab_in host-gw nft -j list set inet watch seen | jq --arg from "$1" '[.nftables[].set.elem[]?.elem | select(.val == $from) | .counter.packets] | add // 0'
}

dropped() {
	on gw gateway_api GET /status | jq --arg connection "to-site-$1" '[.tunnels[] | select(.connection == $connection) | .ingressPacketsDroppedBySource] | add'
}

# sends SITE SOURCE: 20 pings to the host, whatever becomes of the answers; sets `got` and `lost`
sends() {
	local before drops
	before=$(arrived "$2") drops=$(dropped "$1")
	lab_in "s-$1" ping -n -q -i 0.01 -c 20 -W 0.2 -I "$2" "$HOST" >/dev/null
	lab_await 3 all_told "$1" "$2" "$before" "$drops"
	got=$(($(arrived "$2") - before)) lost=$(($(dropped "$1") - drops))
	echo "site $1 from $2: $got of 20 arrived, $lost dropped"
}

all_told() {
	[ $(($(arrived "$2") - $3 + $(dropped "$1") - $4)) = 20 ]
}

let_in() {
	sends "$1" "$2" && [ "$got" = 20 ] && [ "$lost" = 0 ]
}

kept_out() {
	sends "$1" "$2" && [ "$got" = 0 ] && [ "$lost" = 20 ]
}

# source_check SITE VALUE
source_check() {
	local body before
	before=$(on gw gateway_api GET /status | jq '[.tunnels[].establishedMs] | add')
	body=$(on gw gateway_api GET "/connections/to-site-$1" | jq -c ".properties.sourceCheck = \"$2\"") &&
		on gw gateway_api PUT "/connections/to-site-$1" "$body" | tee /dev/stderr | jq -e '.error == null' >/dev/null &&
		lab_await 5 check_is "$1" "$2" && [ "$(on gw gateway_api GET /status | jq '[.tunnels[].establishedMs] | add')" = "$before" ]
}

check_is() {
	on gw gateway_api GET "/connections/to-site-$1" | jq -e --arg to "$2" '.properties | .sourceCheck == $to and .provisioningState == "Succeeded"'
}

# Pings of the second site while control is away and comes back.
control_restarts() {
	local before
	before=$(arrived "$SHARED.2")
	lab_start pings s-2 ping -n -q -i 0.02 -c 300 -W 0.2 -I "$SHARED.2" "$HOST"
	lab_kill control-gw
	on gw gateway_start_control
	lab_await_end "$(lab_pid pings)" 20
	echo "$(($(arrived "$SHARED.2") - before)) of 300 arrived"
	[ $(($(arrived "$SHARED.2") - before)) = 300 ]
}

require "a gateway with a circuit and two sites are made" topology
require "the configuration is good" config
require "the data plane starts" on gw gateway_start_dataplane
require "FRR's launcher starts" on gw gateway_start_frr
require "the sites have strongSwan and FRR" sites_start 2
require "control starts" on gw gateway_start_control
require "two tunnels to each site are up" lab_await 60 vnet_connected gw 4
require "two sessions with each site are up" lab_await 60 connected
require "what arrives is counted" count_at_host
expect "a site's own network is let in" let_in 1 10.97.0.1
expect "what it does not announce is not" kept_out 1 "$SHARED.1"
expect "nor anything else that it does not" kept_out 1 10.122.0.1
second_is_worse
announces 1 "$SHARED.0/24" && announces 2 "$SHARED.0/24"
require "both announce a network, and the first one is best" lab_await 20 shared_is 2
require "four tunnels announce it" lab_await 20 announced_is "$SHARED.0/24" 4
expect "the first one's is let in" lab_await 5 let_in 1 "$SHARED.1"
expect "so is the second one's, which is not best" lab_await 5 let_in 2 "$SHARED.2"
announces 1 "$BY_CIRCUIT.0/24"
require "the circuit is the best way to a network of the first site" circuit_is_best
require "which announces it" lab_await 20 announced_is "$BY_CIRCUIT.0/24" 2
expect "its packets are let in" lab_await 5 let_in 1 "$BY_CIRCUIT.1"
expect "not the second one's" kept_out 2 "$BY_CIRCUIT.2"
expect "a restart of control keeps nothing out" control_restarts
require "sessions are as before" lab_await 20 connected
expect "strict is applied and no tunnel is made anew" source_check 2 strict
expect "then what is not best is kept out" lab_await 5 kept_out 2 "$SHARED.2"
expect "and its own is let in" let_in 2 10.98.0.1
expect "off is applied" source_check 2 off
expect "then everything is let in" lab_await 5 let_in 2 10.122.0.2
expect "not out of the other connection's tunnels" kept_out 1 10.122.0.1
expect "feasible again" source_check 2 feasible
expect "and it holds" lab_await 5 kept_out 2 10.122.0.2
announces 2 "$SHARED.0/24" no
expect "what is announced no more is kept out" lab_await 10 kept_out 2 "$SHARED.2"
expect "metrics count it by connection" says 'vpngw_tunnel_ingress_source_dropped_packets_total{' on gw gateway_api GET /metrics
finish
