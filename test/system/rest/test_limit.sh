#!/usr/bin/env bash
# The throughput of a SKU holds on real tunnels to strongSwan, by REST and at once: a SKU of its own with 80 Mbit/s in
# a catalogue file, a connection's own limit below it, and no limit at all. Tunnels stay up over every change.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" limit
skip_unless gateway_missing control dataplane
skip_unless lab_charon_missing
command -v iperf3 >/dev/null || { echo "skipped: iperf3 is not installed"; exit 77; }
PAYLOAD=1000
GATEWAY=/virtualNetworkGateways/gw
CONNECTION=/connections/to-branch

both_up() {
	[ "$(gateway_api GET "$CONNECTION" | jq '[.properties.tunnelConnectionStatus[] | select(.connectionStatus == "Connected")] | length')" = 2 ]
}

catalogue() {
	jq '.skus += [.skus[0] * { name: "Lab80", throughputMbps: 80 } | .features -= ["zones"]]' "$TOP/config/skus.json" >"$LAB_DIR/skus.json"
	chmod 0644 "$LAB_DIR/skus.json"
}

# change PATH JQ: reads the resource, changes it, puts it back
change() {
	local body
	body=$(gateway_api GET "$1" | jq -c "$2") || return 1
	body=$(gateway_api PUT "$1" "$body") && printf '%s\n' "$body" &&
		jq -e '.properties.provisioningState' <<<"$body" >/dev/null && lab_await 5 settled "$1"
}

settled() {
	[ "$(gateway_api GET "$1" | jq -r '.properties.provisioningState')" = Succeeded ]
}

# Mbit/s of inner IP that arrive when 130 are sent, from host-a to host-b.
measure() {
	lab_in host-a timeout 30 iperf3 --client "$SITE_HOST_B" --udp --bitrate 130M --length "$PAYLOAD" --time 5 \
		--json >"$LAB_DIR/iperf.json" || return 1
	jq --argjson n "$PAYLOAD" '.end.sum | (.packets - .lost_packets) * ($n + 28) * 8 / .seconds / 1e6' "$LAB_DIR/iperf.json"
}

# carries LOW HIGH: never more; less once may be the machine's doing, not three times
carries() {
	local rate
	for _ in 1 2 3; do
		rate=$(measure) || return 1
		printf '# %s Mbit/s\n' "$rate" >&3
		printf '%s Mbit/s, expected %s to %s\n' "$rate" "$1" "$2"
		awk -v r="$rate" -v b="$2" 'BEGIN { exit !(r <= b) }' || return 1
		awk -v r="$rate" -v a="$1" 'BEGIN { exit !(r >= a) }' && return 0
	done
	return 1
}

sas() {
	gateway_api GET /status | jq -S '[.tunnels[] | [.name, .establishedMs]]'
}

same_sas() {
	[ "$(sas)" = "$SAS" ]
}

exec 3>&1
require "a catalogue with a SKU of 80 Mbit/s" catalogue
require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json" ".appliance.skuFile = \"$LAB_DIR/skus.json\""
require "the data plane starts" gateway_start_dataplane
require "the control program starts" gateway_start_control
require "the endpoint answers" lab_await 10 gateway_answers
require "strongSwan is there" site_branch "$(jq -r '.connections[0].properties.sharedKey' "$LAB_DIR/vpngw.json")"
require "both tunnels are up" lab_await 20 both_up
lab_start iperf3 host-b iperf3 --server --forceflush
lab_await_line iperf3 5 'Server listening'
SAS=$(sas)
expect "SKU none: all that is sent arrives" carries 100 140
expect "the SKU becomes Lab80" change $GATEWAY '.properties.sku = { name: "Lab80" }'
expect "80 Mbit/s, 2 % more or less" carries 78.4 81.6
expect "a connection gets 30 Mbit/s" change $CONNECTION '.properties.limits = { bitsPerSecond: 30000000 }'
expect "30 Mbit/s, 2 % more or less" carries 29.4 30.6
expect "its limit goes again" change $CONNECTION 'del(.properties.limits)'
expect "80 Mbit/s again" carries 78.4 81.6
expect "back to SKU none" change $GATEWAY '.properties.sku = { name: "none" }'
expect "all that is sent arrives" carries 100 140
expect "no tunnel was torn" same_sas
finish
