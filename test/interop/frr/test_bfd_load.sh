#!/usr/bin/env bash
# BFD at 50 ms x 3 in both tunnels has no false down under full load: what the gateway's SKU carries and half of that again,
# which it refuses, in numbered flows both ways for VPNGW_BFD seconds (20; 600 is what is promised). VPNGW_SKU is the SKU
# (HighPerformance: 200 Mbit/s), VPNGW_LIMIT one of so many Mbit/s in place of it, for a machine that is too slow, VPNGW_LOAD
# percents of the limit (150).
# The lines with a # say for each direction of each session how long its sender and its receiver paused at most, by captures
# in front of both ends' bfdd: whose fault a down was. Where a processor stood still for 20 ms (a watcher before everything
# else; a hypervisor does that, for 100 ms where one of its own limits is reached) a down within 0.2 s says nothing of us: it
# is told and not counted as ours, and nothing is shown then of the 50 ms.
. "$(dirname "$0")/../../system/harness.sh" bfdload
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control
command -v tcpdump >/dev/null || { echo "skipped: tcpdump is not installed"; exit 77; }
[ -x "$VPNGW_BUILD/test/tools/flows" ] || { echo "skipped: $VPNGW_BUILD/test/tools/flows is not built"; exit 77; }
SECONDS_LOAD=${VPNGW_BFD:-20} SKU=${VPNGW_SKU:-HighPerformance} LOAD=${VPNGW_LOAD:-150} SIZE=1372 window=
[ -z "${VPNGW_LIMIT:-}" ] || SKU=Lab
LIMIT=${VPNGW_LIMIT:-$(jq --arg sku "$SKU" '[.skus[] | select(.name == $sku).throughputMbps][0]' "$TOP/config/skus.json")}
RATE=$((LIMIT * 1000000 * LOAD / 100 / 2 / ((SIZE + 28) * 8))) # a direction

# The shipped catalogue, and one of VPNGW_LIMIT.
catalogue() {
	jq --argjson mbps "$LIMIT" '.skus += [.skus[0] * { name: "Lab", throughputMbps: $mbps } | .features -= ["zones"]]' \
		"$TOP/config/skus.json" >"$LAB_DIR/skus.json" && chmod 0644 "$LAB_DIR/skus.json"
}

up() {
	site_up && site_gateway_ports && catalogue && gateway_config "$TOP/config/demo.json" "$(pair_config)
		| .appliance.skuFile = \"$LAB_DIR/skus.json\" | .virtualNetworkGateways[0].properties.sku.name = \"$SKU\"" >/dev/null || return 1
	PSK=$(jq -r '.connections[0].properties.sharedKey' "$LAB_DIR/vpngw.json")
	gateway_start_dataplane && gateway_start_frr && gateway_start_control && pair_device 0 "$PSK" && pair_device 1 "$PSK" && pair_frr
}

whole() {
	pair_is_whole && pair_bfd_is_up
}

# Every down that either bfdd counted.
downs() {
	{
		vtysh --vty_socket "$LAB_DIR/frr/i0" -c 'show bfd peers counters json'
		lab_vtysh pair-frr 'show bfd peers counters json'
	} | jq -s '[.[][] | ."session-down"] | add'
}

# What passes the TUN of an end: capture NAME NAMESPACE INTERFACE
capture() {
	lab_start "$1" "$2" tcpdump -U --immediate-mode -p -s 96 -y RAW -w "$LAB_DIR/$1.pcap" -i "$3" udp port 3784 or udp port 4784
	lab_await_line "$1" 5 'listening on'
}

captures_start() {
	capture ours0 gw vg-tun0 && capture ours1 gw vg-tun1 && capture theirs0 branch ipsec0 && capture theirs1 branch ipsec1
}

captures_end() {
	local tunnel
	for tunnel in 0 1; do
		lab_stop "ours$tunnel" && lab_stop "theirs$tunnel"
		gaps "ours$tunnel" "theirs$tunnel" "${PAIR_OURS[$tunnel]}" "$PAIR_SPEAKER" &&
			gaps "theirs$tunnel" "ours$tunnel" "$PAIR_SPEAKER" "${PAIR_OURS[$tunnel]}" || return 1
	done >"$LAB_DIR/gaps"
	jq -c 'del(.expired_at)' "$LAB_DIR/gaps" | sed 's/^/# /' >&3
}

gaps() {
	python3 "$TOP/test/tools/bfd_gaps.py" "$LAB_DIR/$1.pcap" "$LAB_DIR/$2.pcap" "$3" "$4"
}

# Ticks of all processors: all of them, those at work.
ticks() {
	awk '/^cpu / { print $2 + $3 + $4 + $5 + $6 + $7 + $8, $2 + $3 + $4 + $7 + $8 }' /proc/stat
}

load() {
	local until=$((SECONDS + SECONDS_LOAD)) lines=$LAB_DIR/windows all busy all_then busy_then
	read -r all busy < <(ticks)
	flows_mark before >/dev/null || return 1
	: >"$lines"
	while [ "$SECONDS" -lt "$until" ]; do
		lab_pause 5
		flows_mark load >/dev/null || return 1
		printf '%s\n' "$window" >>"$lines"
	done
	read -r all_then busy_then < <(ticks)
	jq -sc --argjson size "$SIZE" --argjson rate "$RATE" --argjson busy $(((busy_then - busy) * 100 / (all_then - all))) '
		(map(.sent) | add / 2 / $rate) as $seconds
		| { seconds: ($seconds | round), sent_mbps: (map(.sent) | add * ($size + 28) * 8 / 1e6 / $seconds | round),
			carried_mbps: (map(.received) | add * ($size + 28) * 8 / 1e6 / $seconds | round),
			gap_ms: (map(.gap_ms) | max), unsent: (map(.unsent) | add), processors_busy_percent: $busy }' "$lines" >"$LAB_DIR/carried"
	sed 's/^/# /' "$LAB_DIR/carried" >&3
	jq -e --argjson limit "$LIMIT" --argjson load "$LOAD" '.carried_mbps >= $limit * ([$load, 100] | min) / 100 * 0.95' "$LAB_DIR/carried"
}

# When control heard of a down, and when one of the four ends gave the other up: seconds since 1970.
down_times() {
	grep 'BFD is down' <(tail -n "+$LOGGED" "$LAB_DIR/control.log") | cut -d ' ' -f 1 |
		jq -R '(.[0:19] + "Z" | fromdateiso8601) + (.[19:23] | tonumber)'
	jq '.expired_at[]' "$LAB_DIR/gaps"
}

# N downs, M of them within 0.2 s of a stall; nothing else counts as ours.
no_down() {
	local counted
	counted=$((AFTER - BEFORE))
	down_times | jq -sc --slurpfile stalls "$LAB_DIR/stalls" '
		map(. as $at | { at: (. * 1000 | round / 1000), stall: any($stalls[]; .at <= $at and $at <= .at + .ms / 1000 + 0.2) }) | unique' >"$LAB_DIR/judged"
	jq -r --slurpfile stalls "$LAB_DIR/stalls" --argjson counted "$counted" '
		"# \($counted) downs counted by both ends; heard of or declared \(length) times, \(map(select(.stall)) | length) of them within 0.2 s of a stall of the machine; \($stalls | length) stalls of 20 ms and more of a processor, the longest of \($stalls | map(.ms) | max // 0) ms",
		(if $counted == 0 then "# shown: no false down" else "# not shown: no false down" end),
		(.[] | select(.stall | not) | "# without a stall: \(.at | floor | todate[11:19])")' "$LAB_DIR/judged" >&3
	jq -e --argjson counted "$counted" 'all(.[]; .stall) and ($counted == 0 or length > 0)' "$LAB_DIR/judged"
}

exec 3>&1
require "a pair with BFD at 50 ms x 3 is made" up
require "all is up" lab_await 40 whole
require "traffic flows on learned routes" lab_ping host-a "$SITE_HOST_B" 10
flows_start 100 "$RATE" --size "$SIZE" --stalls "$LAB_DIR/stalls"
require "what BFD sends and gets is captured" captures_start
BEFORE=$(downs) LOGGED=$(($(wc -l <"$LAB_DIR/control.log") + 1))
expect "$LOAD % of the $LIMIT Mbit/s of the SKU for $SECONDS_LOAD s: all of them are carried" load
AFTER=$(downs) # before the captures are read, which takes a CPU, under a load that is over by then
kill "$FLOWS_PID" 2>/dev/null
require "the captures are read" captures_end
expect "no session went down but where the machine itself stood still" no_down
finish
