#!/usr/bin/env bash
# The README's first command: it shows traffic through both tunnels and leaves no trace; and what it says when
# it cannot.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" run
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
export LAB_BUILD=$VPNGW_BUILD
lab_down

run() {
	timeout 120 "$TOP/scripts/run" "$@" </dev/null
}

refused() {
	local code=$1 text=$2 output status=0
	shift 2
	output=$(run "$@" 2>&1) || status=$?
	printf '%s\n' "$output"
	[ "$status" = "$code" ] && grep -qE -- "$text" <<<"$output"
}

no_trace() {
	local left
	left=$(lab_traces)
	[ -z "$left" ] || { echo "left: $left"; return 1; }
}

# What a demo could change of the machine beside what has its name.
machine() {
	awk '$2 !~ "netns" { print $2 }' /proc/mounts | sort
	pgrep -a -f "$LAB_DIR" || true
	ip rule
	sysctl net.ipv4.ip_forward vm.nr_hugepages
	getent passwd vpngw
	ls -d /run/vpngw "$LAB_DIR" 2>/dev/null
}

# Traffic through one tunnel when the other's path is gone, both ways, without setting anything up anew.
survives() {
	"$TOP/scripts/lab" break "$1" && lab_ping host-a "$SITE_HOST_B" 30
	local status=$?
	"$TOP/scripts/lab" heal
	return "$status"
}

rest_answers() {
	curl -sS -k --max-time 10 -H "Authorization: Bearer $(cat "$LAB_DIR/token")" \
		"https://$(site_management_address):8443/virtualNetworkGateways/gw" | jq -e '.properties.activeActive == true'
}

machine >/tmp/machine.$$
expect "an option it does not know" refused 2 "--help" --what
expect "a configuration that is not there" refused 1 "/none.json cannot be read" --config /none.json
expect "nothing runs" refused 1 "nothing runs" --status
echo '{ "appliance": { "colour": 1 } }' >/tmp/broken.$$.json
expect "a configuration that is refused: the reason" refused 1 "/appliance/colour" --no-setup --no-build --config /tmp/broken.$$.json
rm -f /tmp/broken.$$.json
expect "and nothing is left" no_trace
require "it runs" run --no-setup --no-build
expect "both tunnels are up" site_branch_up
expect "a second one beside it is refused" refused 1 "it runs already" --no-setup --no-build
expect "its status" says "tunnel 1: up" run --status
expect "REST answers from the machine" rest_answers
expect "a cable less, traffic flows" survives link0
expect "a path silently gone, traffic flows" survives path1
expect "it stops" run --stop
expect "and leaves no trace" no_trace
machine >/tmp/machine.$$.after
expect "the machine is as it was" diff /tmp/machine.$$ /tmp/machine.$$.after
rm -f /tmp/machine.$$ /tmp/machine.$$.after
finish
