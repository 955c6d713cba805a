#!/usr/bin/env bash
# Many connections, two tunnels each to a second instance: one public address is withdrawn, and the flows of half of all tunnels
# move; then it comes back, and they return. VPNGW_CONNECTIONS=10000 is what is promised (20,000 tunnels; 4 GB, some minutes); by
# default 200. VPNGW_RATE is the packets a second over all connections. The lines with a # are the figures.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" massf
skip_unless gateway_missing control dataplane
COUNT=${VPNGW_CONNECTIONS:-200} RATE=${VPNGW_RATE:-1000} PUBLIC1=198.51.100.1
CROWD=$LAB_BUILD/test/tools/ikev2_crowd
[ -x "$CROWD" ] || { echo "skipped: $CROWD is not built"; exit 77; }

# The crowd of lab.d with a second address of ours, on a port and with a neighbour of its own.
prepared() {
	lab_cable crowd net1 gw vgpub1 && lab_addr crowd net1 198.51.100.254/24 && lab_dpdk_end gw vgpub1 || return 1
	crowd_config "$COUNT" >"$LAB_DIR/crowd.json" && gateway_config "$LAB_DIR/crowd.json" '
		.appliance.ports += [{ name: "pub1", device: "net_af_packet2,iface=vgpub1,qdisc_bypass=1,framecnt=2048",
			role: "public", addresses: ["198.51.100.1/24"], gateway: "198.51.100.254" }]
		| .appliance.maxima.tunnels = 32768
		| .publicIPAddresses += [{ name: "pip1", properties: { ipAddress: "198.51.100.1" } }]
		| .virtualNetworkGateways[0].properties.activeActive = true
		| .virtualNetworkGateways[0].properties.ipConfigurations += [{ name: "second", properties: {
			subnet: "inside/GatewaySubnet", publicIPAddress: "pip1" } }]' || return 1
	lab_addr host eth0 172.16.0.10/24
	lab_route host default 172.16.0.1
}

figure() {
	printf '# %s\n' "$*" >&3
}

# In milliseconds.
clock_ms() {
	date +%s%3N
}

connected() {
	gateway_api GET /status | jq '[.tunnels[] | select(.connectionStatus == "Connected")] | length'
}

all_connected() {
	[ "$(connected)" = $((2 * COUNT)) ]
}

all_come_up() {
	local began
	began=$(clock_ms)
	gateway_start_control && lab_await 600 crowd_is_up $((2 * COUNT)) || return 1
	figure "$((2 * COUNT)) tunnels up $(($(clock_ms) - began)) ms after control was started"
}

memory() {
	local name
	for name in control dataplane; do
		figure "$name: $(($(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$(lab_pid $name)/status") / 1024)) MiB"
	done
}

latency_starts() {
	lab_start latency gw python3 "$TOP/test/tools/loop_latency.py" "$LAB_API_PORT" "$LAB_DIR/token"
}

latency_ends() {
	lab_stop latency
	figure "control's loop meanwhile: $(tail -n 1 "$LAB_DIR/latency.log")"
	jq -e '.answers > 0' <<<"$(tail -n 1 "$LAB_DIR/latency.log")"
}

packets_start() { # SECONDS
	lab_in host python3 "$TOP/test/tools/echo_flows.py" "$COUNT" "$RATE" "$1" 5 >"$LAB_DIR/flows.json" &
	packets=$!
	lab_await 3 lab_ping host 172.16.0.1 1
}

packets_end() {
	wait "$packets"
	figure "$1: $(cat "$LAB_DIR/flows.json")"
}

every_connection_carries() {
	packets_start $((COUNT / RATE + 2))
	packets_end "undisturbed"
	jq -e --argjson n "$COUNT" '.lost == 0 and .sites == $n' "$LAB_DIR/flows.json"
}

# How often control said so of a tunnel of the second address.
said() {
	[ "$(grep -cE "$1 tunnel=.* $PUBLIC1 " "$LAB_DIR/control.log")" -ge "$COUNT" ]
}

address_goes() {
	local began
	packets_start $((COUNT / RATE + 8))
	began=$(clock_ms)
	ip -n "${LAB_PREFIX}gw" addr del "$PUBLIC1/24" dev vg-pub1 && lab_await 60 said "path is gone" || return 1
	figure "$COUNT tunnels left their address $(($(clock_ms) - began)) ms after it was withdrawn"
	lab_await 60 said "the peer is told to use 192.0.2.1 meanwhile" || return 1
	figure "and their peers were told within $(($(clock_ms) - began)) ms"
	packets_end "address withdrawn"
	figure "outage of a flow that moved: about $(jq --argjson rate "$RATE" '.lost * 2000 / $rate | round' "$LAB_DIR/flows.json") ms"
	jq -e '.echoed > 0 and .lost < .sent / 4' "$LAB_DIR/flows.json"
}

others_stay() {
	! grep -qE "(path is gone|suspect: ).* 192.0.2.1 " "$LAB_DIR/control.log"
}

address_comes() {
	local began
	packets_start $((COUNT / RATE + 8))
	began=$(clock_ms)
	ip -n "${LAB_PREFIX}gw" addr add "$PUBLIC1/24" dev vg-pub1 && lab_await 60 said alive || return 1
	figure "$COUNT tunnels proved themselves $(($(clock_ms) - began)) ms after the address was back"
	packets_end "address back"
	jq -e '.lost == 0 and .doubled == 0' "$LAB_DIR/flows.json"
}

still_whole() {
	all_connected && crowd_is_up $((2 * COUNT))
}

exec 3>&1
require "a site with $COUNT peers is made" crowd_up
require "the configuration is accepted" prepared
require "the data plane starts" gateway_start_dataplane
require "the peers listen" crowd_start "$CROWD"
require "all $((2 * COUNT)) tunnels come up" all_come_up
require "and the gateway says so" lab_await 60 all_connected
memory
require "every connection carries packets there and back" every_connection_carries
latency_starts
expect "one address is withdrawn, flows go on by the other" address_goes
expect "control answers all the time" latency_ends
expect "the other tunnels stay" others_stay
latency_starts
expect "the address comes back, and nothing is lost by that" address_comes
expect "control answers all the time then too" latency_ends
expect "all tunnels are up" lab_await 30 still_whole
memory
finish
