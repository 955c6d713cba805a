#!/usr/bin/env bash
# kill -9 of the control program at random points, many times (10, or VPNGW_KILLS), while traffic runs: the data plane
# does not notice, keeps no descriptor and no memory, and the next control takes over what it finds. Then the
# data plane is killed: tunnels come back with keys that are new.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" kill
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
kills=${VPNGW_KILLS:-10}

attached() {
	lab_in gw ss -xnH state connected 2>/dev/null | grep -q "$LAB_DIR/dataplane.sock"
}

descriptors() {
	find "/proc/$(lab_pid dataplane)/fd" -mindepth 1 | wc -l
}

spis() {
	lab_swanctl branch-ike --list-sas | grep -oE '(in|out) +[0-9a-f]{8}' | sort
}

# Kills control $1 times, each time between 0 and 400 ms after its start.
storm() {
	local i pause
	for ((i = 0; i < $1; i++)); do
		pause=$((RANDOM % 400))
		gateway_start_control
		lab_pause "0.$(printf '%03d' "$pause")"
		lab_kill control 2>/dev/null
		lab_alive dataplane || { echo "the data plane died after kill $i, $pause ms"; return 1; }
	done
}

# Each ping has its answer; that of the very last one may have been under way when ping was told to end.
answers_have_no_gap() {
	awk '/icmp_seq=/ { split($5, seq, "="); answered++; last = seq[2] }
	     /packets transmitted/ { sent = $1 }
	     END { exit !(answered > 0 && answered == last && sent - answered <= 1) }' "$LAB_DIR/ping.log"
}

# Pings through the tunnels while control is killed; every one is answered.
no_packet_lost() {
	lab_start ping host-a ping -n -i 0.02 -w 600 "$SITE_HOST_B"
	storm "$kills" || return 1
	gateway_start_control
	lab_await 10 attached || { echo "control does not attach"; return 1; }
	kill -INT "$(lab_pid ping)"
	lab_await_end "$(lab_pid ping)" 5
	tail -n 2 "$LAB_DIR/ping.log"
	answers_have_no_gap
}

same_as_before() {
	local now
	now=$(descriptors)
	echo "descriptors $descriptors_before, now $now; memory $memory_before kB, now $(lab_resident_kb dataplane) kB"
	[ "$now" = "$descriptors_before" ] && [ "$(lab_resident_kb dataplane)" -le $((memory_before + 1024)) ]
}

two_children() {
	[ "$(lab_charon_children branch-ike)" = 2 ]
}

# As many SAs as at first: the data plane says how many it holds when a control attaches.
same_number_of_sas() {
	lab_kill control
	gateway_start_control
	lab_await 10 attached || return 1
	grep -o 'control attached.*' "$LAB_DIR/dataplane.log" | tail -n 1 | tee "$LAB_DIR/sas"
	grep -q ' sas=4$' "$LAB_DIR/sas"
}

new_spis() {
	local both
	both=$(comm -12 <(printf '%s\n' "$spis_before") <(spis))
	[ -z "$both" ] || { echo "used again: $both"; return 1; }
}

# All tunnels are of after the death of the data plane.
renegotiated() {
	site_branch_up && [ -z "$(comm -12 <(printf '%s\n' "$spis_before") <(spis))" ]
}

require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json"
require "strongSwan at the branch" site_branch "$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")"
require "the data plane starts" gateway_start_dataplane
require "the control program starts" gateway_start_control
require "both tunnels come up" lab_await 20 site_branch_up
require "traffic flows" lab_ping host-a "$SITE_HOST_B" 10
descriptors_before=$(descriptors)
memory_before=$(lab_resident_kb dataplane)
kill -KILL "$(lab_pid control)"
expect "no packet is lost while control is killed $kills times" no_packet_lost
expect "the data plane is as it was" same_as_before
expect "one tunnel to each address is left" lab_await 60 two_children
expect "and the SAs of nothing else" same_number_of_sas
require "both tunnels are up" lab_await 20 site_branch_up
spis_before=$(spis)
expect "the data plane is killed" lab_kill dataplane
require "and started again" gateway_start_dataplane
expect "control negotiates all tunnels anew" lab_await 40 renegotiated
expect "no key from before is in use" new_spis
expect "traffic flows" lab_ping host-a "$SITE_HOST_B" 20
finish
