#!/usr/bin/env bash
# Every size through real tunnels to strongSwan, both ways, with and without DF: what a good router
# does with it (RFC 1191, RFC 4443, RFC 4301 section 8), as plain Linux hosts behind both ends see it.
#
# SIZES_STEP=1 tries every length from 28 to 9000; else one in 61 and those around the edges.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" sizes
skip_unless gateway_missing control dataplane
skip_unless lab_charon_missing
SIZES_STEP=${SIZES_STEP:-61}
PROBE=$(dirname "$0")/ping_sizes.py

# IPv6 inside, through the same tunnels.
HOST_A6=fd00:a::10
HOST_B6=fd00:b::10

six() {
	lab_addr host-a eth0 "$HOST_A6/64" && lab_route host-a default fd00:a::1 &&
		lab_addr branch lan fd00:b::1/64 && lab_addr host-b eth0 "$HOST_B6/64" && lab_route host-b default fd00:b::1
}

config() {
	gateway_config "$TOP/config/demo.json" '.appliance.ports[2].addresses += ["fd00:a::1/64"]
		| .virtualNetworks[0].properties.addressSpace.addressPrefixes += ["fd00:a::/48"]
		| .localNetworkGateways[0].properties.localNetworkAddressSpace.addressPrefixes += ["fd00:b::/48"]'
}

branch() {
	site_branch "$(jq -r '.connections[0].properties.sharedKey' "$LAB_DIR/vpngw.json")" \
		"local_ts=$SITE_PREFIX_B,fd00:b::/48" "remote_ts=$SITE_PREFIX_A,fd00:a::/48"
}

probe() {
	local from=$1
	shift
	lab_in "$from" timeout 250 python3 "$PROBE" --step "$SIZES_STEP" "$@"
}

# hop TTL ADDRESS: who says that the TTL is used up, as traceroute asks
hop() {
	says "From $2 " lab_in host-a ping -n -c 1 -W 2 -t "$1" "$SITE_HOST_B"
}

# One TCP connection whose path loses 220 bytes of MTU half way: all of it arrives, and in time.
narrow_midstream() {
	lab_in host-b timeout 60 python3 "$(dirname "$0")/stream.py" receive 5201 20000000 >"$LAB_DIR/received" 2>&1 &
	local receiver=$!
	lab_await 5 listening || return 1
	lab_in host-a timeout 60 python3 "$(dirname "$0")/stream.py" send "$SITE_HOST_B" 5201 20000000 2000000 >"$LAB_DIR/sent" 2>&1 &
	local sender=$!
	lab_await 20 half || return 1
	ip -n "${LAB_PREFIX}net" link set dev br mtu 1280
	ip -n "${LAB_PREFIX}branch" link set dev wan mtu 1280
	wait "$sender" && wait "$receiver"
	local rc=$?
	ip -n "${LAB_PREFIX}net" link set dev br mtu 1500
	ip -n "${LAB_PREFIX}branch" link set dev wan mtu 1500
	cat "$LAB_DIR/received"
	return "$rc"
}

listening() {
	lab_in host-b ss -Hltn 'sport = :5201' | grep -q 5201
}

half() {
	grep -q half "$LAB_DIR/sent"
}

# Datagrams larger than any frame, both ways.
datagrams() {
	lab_in host-b timeout 30 python3 "$(dirname "$0")/stream.py" echo 5202 >/dev/null 2>&1 &
	local echo=$!
	lab_await 5 udp_listening || return 1
	lab_in host-a timeout 20 python3 "$(dirname "$0")/stream.py" datagrams "$SITE_HOST_B" 5202 1 1472 1473 3000 4096 8972
	local rc=$?
	kill "$echo" 2>/dev/null
	return "$rc"
}

udp_listening() {
	lab_in host-b ss -Hlun 'sport = :5202' | grep -q 5202
}

require "the site is made" site_up
require "it has IPv6" six
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" config
require "the data plane starts" gateway_start_dataplane
require "the control program starts" gateway_start_control
require "strongSwan is there" branch
require "both tunnels are up" lab_await 20 site_branch_up
expect "sizes 28 to 9000 out, DF clear" probe host-a "$SITE_HOST_B"
expect "sizes 28 to 9000 in, DF clear" probe host-b "$SITE_HOST_A"
expect "sizes to 1500 out, DF set: too big is said, with an MTU that then fits" probe host-a "$SITE_HOST_B" --df
expect "sizes to 1500 in, DF set" probe host-b "$SITE_HOST_A" --df
expect "IPv6, sizes 48 to 9000 out, cut by the host" probe host-a "$HOST_B6"
expect "IPv6, sizes 48 to 9000 in" probe host-b "$HOST_A6"
expect "IPv6, sizes to 1500 out, not cut: too big is said, with an MTU that then fits" probe host-a "$HOST_B6" --df
expect "IPv6, sizes to 1500 in" probe host-b "$HOST_A6" --df
expect "the first hop is the gateway" hop 1 "$SITE_PRIVATE"
expect "the second is the peer" hop 2 10.20.0.1
expect "the third is the host" lab_in host-a ping -n -q -c 1 -W 2 -t 3 "$SITE_HOST_B"
expect "the first hop of IPv6 is the gateway" says "From fd00:a::1 " lab_in host-a ping -6 -n -c 1 -W 2 -t 1 "$HOST_B6"
expect "UDP datagrams in fragments, both ways" datagrams
expect "TCP goes on when the path narrows from 1500 to 1280" narrow_midstream
expect "and sizes still pass" probe host-a "$SITE_HOST_B" --step 997
finish
