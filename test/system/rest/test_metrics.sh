#!/usr/bin/env bash
# What the data plane counts for itself, in /metrics of a gateway that carries traffic: ports against what the kernel has on
# the other end of the cable, cycles of every step of the packet path, packet buffers while packets wait.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" metrics
skip_unless gateway_missing control dataplane
skip_unless lab_charon_missing
COUNT=400
ABSENT=10.10.0.99
STEPS="classify esp_check esp_open inner route tunnel esp_build esp_seal transmit"

both_up() {
	[ "$(gateway_api GET /status | jq '[.tunnels[] | select(.connectionStatus == "Connected")] | length')" = 2 ]
}

# metric NAME: with its labels, as it stands there
metric() {
	gateway_api GET /metrics | awk -v n="$1" '$1 == n { print $2; n = "" } END { exit n != "" }'
}

kernel() {
	lab_in host-a cat "/sys/class/net/eth0/statistics/$1"
}

# What the kernel of host-a and the gateway's port have counted of one cable, as one line each.
kernel_row() {
	echo "$(kernel tx_packets) $(kernel tx_bytes) $(kernel rx_packets) $(kernel rx_bytes)"
}

port_row() {
	gateway_api GET /metrics | awk '/^vpngw_port_/ && /[{]port="prv0"[}]/ { v[$1] = $2 }
		END { p = "vpngw_port_"; l = "_total{port=\"prv0\"}"
			print v[p "rx_packets" l], v[p "rx_bytes" l], v[p "tx_packets" l], v[p "tx_bytes" l] }'
}

differences() {
	awk 'NR == 1 { split($0, a) } NR == 2 { print $1 - a[1], $2 - a[2], $3 - a[3], $4 - a[4] }'
}

pings() {
	lab_in host-a ping -q -n -c "$COUNT" -i 0.005 -s "$1" "$SITE_HOST_B"
}

# What else goes over the cable (neighbours, routers' solicitations) both count; what passes between two readings only one.
ports_are_right() {
	local kernel port sent got packets bytes answers
	kernel=$(kernel_row) port=$(port_row)
	pings 100 | grep " $COUNT received" || return 1
	sent=$(printf '%s\n' "$kernel" "$(kernel_row)" | differences)
	got=$(printf '%s\n' "$port" "$(port_row)" | differences)
	printf 'host-a sent and received %s, the port received and sent %s\n' "$sent" "$got"
	read -r packets bytes answers _ <<<"$sent"
	[ "$sent" = "$got" ] && [ "$packets" -ge "$COUNT" ] && [ "$bytes" -ge $((COUNT * 142)) ] && [ "$answers" -ge "$COUNT" ]
}

# Frames for the gateway whose IPv4 header says it is shorter than one can be.
broken_frames() {
	local mac
	mac=$(lab_in host-a ip -j neigh show "$SITE_PRIVATE" | jq -r '.[0].lladdr')
	lab_in host-a python3 - "$mac" "$1" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		s.bind(("eth0", 0))
		frame = bytes.fromhex(sys.argv[1].replace(":", "")) + s.getsockname()[4] + b"\x08\x00\x44" + bytes(59)
		for i in range(int(sys.argv[2])):
		    s.send(frame)
	END
}

dropped_row() {
	gateway_api GET /metrics | awk '$1 == "vpngw_port_dropped_total{port=\"prv0\"}" { p = $2 }
		$1 == "vpngw_dropped_packets_total{reason=\"ip4_header\"}" { d = $2 } END { print p, d }'
}

drops_are_counted() {
	local before port reason
	before=$(dropped_row)
	broken_frames 50 || return 1
	lab_pause 0.5
	read -r port reason < <(printf '%s\n' "$before" "$(dropped_row)" | awk 'NR == 1 { p = $1; d = $2 } NR == 2 { print $1 - p, $2 - d }')
	printf '50 broken frames: %s dropped at the port, %s for their header\n' "$port" "$reason"
	[ "$reason" = 50 ] && [ "$port" -ge 50 ]
}

# Cycles and packets of each step, all workers.
step_rows() {
	gateway_api GET /metrics | awk -F '[{}" ]' '/^vpngw_step_/ { sum[$1 " " $5] += $NF } END { for (s in sum) print s, sum[s] }'
}

# Packets and cycles of every step grew, by as many packets as a sample can be, and a packet costs what one can.
steps_grow() {
	local step cycles packets
	step_rows >"$LAB_DIR/steps"
	pings 100 >/dev/null && pings 1000 >/dev/null || return 1
	step_rows >>"$LAB_DIR/steps"
	for step in $STEPS; do
		cycles=$(awk -v s="$step" '$1 == "vpngw_step_cycles_total" && $2 == s { d = $3 - d } END { print d + 0 }' "$LAB_DIR/steps")
		packets=$(awk -v s="$step" '$1 == "vpngw_step_packets_total" && $2 == s { d = $3 - d } END { print d + 0 }' "$LAB_DIR/steps")
		printf '# | %s: %s packets timed, %s cycles each\n' "$step" "$packets" $((cycles / (packets ? packets : 1))) | tee -a /dev/fd/3
		[ "$packets" -gt 10 ] && [ "$packets" -lt "$COUNT" ] && [ $((cycles / packets)) -gt 5 ] || return 1
	done
}

# What a worker does that rests between a few hundred packets a second is mostly to sleep.
rest_is_idle() {
	local busy idle
	busy=$(metric 'vpngw_worker_busy_cycles_total{worker="0"}') idle=$(metric 'vpngw_worker_idle_cycles_total{worker="0"}')
	pings 100 >/dev/null
	busy=$(($(metric 'vpngw_worker_busy_cycles_total{worker="0"}') - busy)) idle=$(($(metric 'vpngw_worker_idle_cycles_total{worker="0"}') - idle))
	printf '# | %d %% busy\n' $((100 * busy / (busy + idle))) | tee -a /dev/fd/3
	[ $((100 * busy / (busy + idle))) -lt 60 ]
}

buffers_are_there() {
	local all free
	all=$(metric vpngw_packet_buffers) free=$(metric vpngw_packet_buffers_free)
	printf '%s of %s free\n' "$free" "$all"
	grep -q "main: ready .*buffers=$all " "$LAB_DIR/dataplane.log" && [ "$free" -gt $((all / 2)) ] && [ "$free" -le "$all" ]
}

fewer_than() {
	[ "$(metric vpngw_packet_buffers_free)" -lt "$1" ]
}

# Packets for a neighbour that does not answer wait for a second, each in a buffer.
buffers_fall_and_rise() {
	local free
	free=$(metric vpngw_packet_buffers_free)
	lab_start absent host-b ping -q -n -i 0.005 "$ABSENT"
	lab_await 10 fewer_than $((free - 40)) || { metric vpngw_packet_buffers_free; return 1; }
	lab_stop absent
	lab_await 10 fails fewer_than $((free - 5))
}

promtool_is_content() {
	gateway_api GET /metrics >"$LAB_DIR/metrics" && promtool check metrics <"$LAB_DIR/metrics" &&
		promtool check rules "$TOP/config/prometheus/vpngw.rules.yml"
}

exec 3>&1
require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is good" gateway_config "$TOP/config/demo.json"
require "the data plane starts" gateway_start_dataplane
require "the control program starts" gateway_start_control
require "the endpoint answers" lab_await 10 gateway_answers
require "strongSwan is there" site_branch "$(jq -r '.connections[0].properties.sharedKey' "$LAB_DIR/vpngw.json")"
require "both tunnels are up" lab_await 20 both_up
require "packets pass" lab_await 10 pings 100
expect "a port received and sent what its cable carried" lab_await 20 ports_are_right
expect "and counts what it gives up" drops_are_counted
expect "every step says what its packets cost" steps_grow
expect "a worker that rests is not busy" rest_is_idle
expect "there are as many packet buffers as were made" buffers_are_there
expect "fewer while packets wait, and all again" buffers_fall_and_rise
if command -v promtool >/dev/null; then
	expect "promtool finds nothing to complain about" promtool_is_content
else
	echo "# skipped: no promtool"
fi
finish
