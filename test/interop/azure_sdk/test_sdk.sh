#!/usr/bin/env bash
# The Azure SDK for JavaScript, unchanged, drives the two programs over TLS (drive.mjs says what it does).
# The package comes from VPNGW_NODE_MODULES, else from the user's cache, where it is put when it can be had.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" sdk
skip_unless gateway_missing control dataplane cli
HERE=$(cd "$(dirname "$0")" && pwd)
NODE_DIR=${VPNGW_NODE_MODULES:-${XDG_CACHE_HOME:-$HOME/.cache}/vpngw/node}

sdk_missing() {
	command -v node >/dev/null || { echo "node is not installed"; return; }
	[ -d "$NODE_DIR/node_modules/@azure/arm-network" ] && return
	mkdir -p "$NODE_DIR" && timeout 120 npm install --silent --no-audit --no-fund --prefix "$NODE_DIR" \
		@azure/arm-network@36.0.0 >/dev/null 2>&1 || echo "the npm package @azure/arm-network cannot be had"
}
skip_unless sdk_missing

# With BGP where FRR is installed, so that the SDK reads sessions and routes; the peer of it is not there.
BGP=.
[ -n "$(lab_frr_missing)" ] || BGP='.virtualNetworkGateways[0].properties += { enableBgp: true, bgpSettings: { asn: 65515 } }
	| .localNetworkGateways[0].properties.bgpSettings = { asn: 65010, bgpPeeringAddress: "10.20.0.1" }
	| .connections[0].properties.enableBgp = true'

drives() {
	local output=$LAB_DIR/drive.log status=0
	NODE_EXTRA_CA_CERTS=$LAB_DIR/state/api.crt lab_in gw timeout 200 \
		node "$HERE/drive.mjs" "https://127.0.0.1:$LAB_API_PORT" "$LAB_DIR/token" "$NODE_DIR" >"$output" 2>&1 || status=$?
	sed 's/^/# /' "$output" >&3
	grep -A 1 '^not ok' "$output"
	[ "$status" = 0 ] && grep -q '^1\.\.' "$output"
}

# Both speakers and the collector: control reaches them a moment after they run.
bgp_answers() {
	lab_in gw "$LAB_DIR/vpngw" bgp learned gw
}

nothing_refused() {
	fails grep "the data plane refused" "$LAB_DIR/control.log"
}

exec 3>&1
require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json" ".appliance.ports[0].addresses += [\"192.0.2.77/24\"] | $BGP"
gateway_cli
require "the data plane starts" gateway_start_dataplane
[ "$BGP" = . ] || require "FRR starts" gateway_start_frr
require "the control program starts" gateway_start_control
require "the endpoint answers" lab_await 10 gateway_answers
[ "$BGP" = . ] || require "the BGP speakers answer" lab_await 30 bgp_answers
require "and is ready" lab_await 60 gateway_is_ready
expect "the SDK drives it" drives
expect "the data plane agreed to everything" nothing_refused
finish
