#!/usr/bin/env bash
# One inbound SA on two workers (cores.spreadInbound), from strongSwan: numbered flows and a stream of TCP come through one tunnel
# while its child and its IKE SA are rekeyed by either side. All of it arrives, once and in order: nothing is counted as late by
# the flows' receiver, nothing waits in TCP's queue of what came too early, nothing is dropped, and workers did take of each other.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" spread
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
[ -x "$LAB_BUILD/test/tools/flows" ] || { echo "skipped: $LAB_BUILD/test/tools/flows is not built"; exit 77; }
[ "$(nproc)" -ge 2 ] || { echo "skipped: one processor"; exit 77; }
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
STREAM=$(dirname "$0")/stream.py
PORT=5002 window=

# A queue a worker: what goes from one to another goes because of the spread. Frames wait for a worker that waits for its CPU.
TWO_WORKERS=".appliance.cores = { control: 0, main: 0, workers: [0, 1], spreadInbound: ${VPNGW_SPREAD:-true} } |
	.appliance.ports[] |= (.queues = 2 | .device |= sub(\"framecnt=1024\"; \"framecnt=4096\"))"

# Packets that each worker gave to the other one: "worker 0's, worker 1's"
handed_over() {
	gateway_api GET /metrics | sed -n 's/^vpngw_worker_handed_over_total{worker="[01]"} //p' | paste -sd ' '
}

# Packets that were given up between the ports and the inner network, by reason.
drops() {
	gateway_api GET /metrics | grep -E '^vpngw_dropped_packets_total.*reason="(esp_|inner_|tunnel_|handover_|tx_|no_buffer)' | grep -v ' 0$'
}

early() {
	# shellcheck disable=SC2016
	lab_in host-a awk '/^TcpExt:/ { if (!n) { for (i = 2; i <= NF; i++) if ($i == "TCPOFOQueue") n = i } else print $n }' /proc/net/netstat
}

stream_starts() {
	lab_start receiver host-a python3 "$STREAM" receive "$PORT" "$LAB_DIR/received"
	lab_await_line receiver 10 ready || return 1
	lab_start sender host-b python3 "$STREAM" send "$SITE_HOST_A" "$PORT" "$LAB_DIR/sent"
}

by_strongswan() {
	rekey 'IKE_SA gw0.* rekeyed between' lab_swanctl branch-ike --rekey --ike gw0 && { rekey 'CHILD_SA gw0.* established' lab_swanctl branch-ike --rekey --child gw0 ||
		rekey 'CHILD_SA gw0.* established' ask rekey; } # see rekeys.sh
}

by_us() {
	rekey 'IKE_SA gw0.* rekeyed between' ask rekeyike && rekey 'CHILD_SA gw0.* established' ask rekey
}

stream_is_whole() {
	lab_stop sender && lab_await 20 test -s "$LAB_DIR/received" || return 1
	cat "$LAB_DIR/sent" "$LAB_DIR/received"
	read -r n _ <"$LAB_DIR/received"
	cmp "$LAB_DIR/sent" "$LAB_DIR/received" && [ "$n" -gt 1000000 ]
}

# What came in is whole; what goes out may be lost in the peer's socket when others have its processor.
all_came() {
	flows_mark "$1" && jq -se 'all(.[]; .received > 0 and .duplicates == 0 and .reordered == 0) and .[1].lost == 0' <<<"$window"
}

nothing_came_early() {
	local after
	after=$(early)
	echo "$EARLY, then $after segments came too early"
	[ "$after" = "$EARLY" ]
}

nothing_dropped() {
	drops
	[ "$(drops)" = "$DROPS" ]
}

much_came() {
	[ "$(gateway_api GET /status | jq '[.tunnels[].ingressBytes] | add')" -gt 4000000 ]
}

# Packets of one SA and nothing else: all of them are received by one worker, which gives them to the one whose SA it is if that is
# the other. That the other gives packets too is the spread: what it leaves for the first, or frames that the first brings back.
were_spread() {
	local before after n
	before=$(handed_over)
	"$LAB_BUILD/test/tools/flows" --a "${LAB_PREFIX}host-b=$SITE_HOST_B" --b "${LAB_PREFIX}host-a=$SITE_HOST_A" --flows 20 --rate 20000 \
		--drain 2000 --seconds 3 >"$LAB_DIR/one-way" || return 1
	cat "$LAB_DIR/one-way"
	after=$(handed_over)
	n=$(awk -v a="$before" -v b="$after" 'BEGIN { split(a, x); split(b, y); m = y[1] - x[1]; o = y[2] - x[2]; print m < o ? m : o }')
	echo "# handed over by each worker: $before before, $after after 3 s of 20,000 packets/s in one SA" >>"$LAB_DIR/figures"
	jq -e '.received > 0 and .duplicates == 0 and .reordered == 0' "$LAB_DIR/one-way" && [ "$n" -gt 100 ]
}

one_tunnel_up "$ONE_ADDRESS | $TWO_WORKERS"
DROPS=$(drops) EARLY=$(early)
flows_start 20 2000
require "a stream of TCP comes through" stream_starts
expect "strongSwan rekeys both" by_strongswan
expect "we rekey both" by_us
expect "strongSwan again" by_strongswan
expect "some megabytes have come" lab_await 20 much_came
expect "the stream is whole" stream_is_whole
expect "and came in order" nothing_came_early
expect "numbered flows came in once, all of them and in order" all_came end
expect "nothing was dropped" nothing_dropped
flows_end
expect "both workers have a part of one SA, in order" were_spread
cat "$LAB_DIR/figures"
finish
