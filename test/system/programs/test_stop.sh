#!/usr/bin/env bash
# Start and stop of the two programs on their own: a clean stop in under a second, a busy socket, death of either.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" stop
skip_unless gateway_missing control dataplane

alive_with_socket() {
	lab_alive dataplane && [ -S "$LAB_DIR/dataplane.sock" ]
}

# stops NAME SIGNAL: ends within a second with code 0
stops() {
	local pid begun
	pid=$(lab_pid "$1")
	begun=${EPOCHREALTIME/./}
	kill "-$2" "$pid" || return 1
	lab_await_end "$pid" 5 || { echo "still there after 5 s"; return 1; }
	local took=$((${EPOCHREALTIME/./} - begun))
	echo "took $((took / 1000)) ms"
	[ "$took" -lt 1000000 ]
}

second_is_refused() {
	local output status=0
	output=$(lab_in gw timeout 20 "$(gateway_program dataplane)" "@$LAB_DIR/dataplane.options" 2>&1) || status=$?
	printf '%s\n' "$output"
	[ "$status" = 1 ] && grep -q "$LAB_DIR/dataplane.sock" <<<"$output" && lab_alive dataplane
}

socket_gone() {
	[ ! -e "$LAB_DIR/dataplane.sock" ]
}

attached() {
	lab_in gw ss -xnH state connected 2>/dev/null | grep -q "$LAB_DIR/dataplane.sock"
}

detached() {
	! attached
}

capabilities_are_two() {
	local pid status
	pid=$(lab_pid control)
	status=$(grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' "/proc/$pid/status")
	printf '%s\n' "$status"
	# CAP_NET_BIND_SERVICE is bit 10, CAP_NET_ADMIN bit 12.
	[ "$(id -u "$LAB_USER")" = "$(awk '/^Uid/ { print $3 }' <<<"$status")" ] &&
		grep -q 'CapEff:.0*1400$' <<<"$status" && grep -q 'NoNewPrivs:.1' <<<"$status" && grep -q 'Seccomp:.2' <<<"$status"
}

require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json"
require "the data plane starts" gateway_start_dataplane
expect "a second one on the same socket is refused, the first lives" second_is_refused
require "the control program starts" gateway_start_control
require "and attaches" lab_await 10 attached
expect "it has given up root, and two capabilities are left" capabilities_are_two
expect "control stops in under a second" stops control TERM
expect "the data plane stays" alive_with_socket
expect "and knows that control is gone" lab_await 2 detached
require "control comes back" gateway_start_control
expect "and attaches again" lab_await 10 attached
expect "control is killed" stops control KILL
expect "the data plane stays" alive_with_socket
require "control comes back" gateway_start_control
expect "and attaches again" lab_await 10 attached
expect "the data plane is killed" stops dataplane KILL
expect "control stays" lab_alive control
require "the data plane comes back, over the socket that was left" gateway_start_dataplane
expect "and control attaches by itself" lab_await 10 attached
expect "the data plane stops in under a second" stops dataplane TERM
expect "its socket is gone" socket_gone
expect "control stops in under a second without it" stops control INT
finish
