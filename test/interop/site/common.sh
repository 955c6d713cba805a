# shellcheck shell=bash
# shellcheck disable=SC2034
# The running site of the demo against strongSwan: changes of its configuration, its status, rekeys on demand.
CONNECTION='.connections[0].properties'
ONE_ADDRESS='.virtualNetworkGateways[0].properties |= (.activeActive = false | .ipConfigurations |= .[:1])
	| .publicIPAddresses |= .[:1]'
APPLIED='the file is applied|the file was not applied|config: refused:'

# site_started [JQ-PROGRAM]: the demo's configuration, strongSwan without connections, our two programs.
site_started() {
	require "the site is made" site_up
	require "its ports are DPDK's" site_gateway_ports
	require "the configuration is accepted" gateway_config "$TOP/config/demo.json" "${1:-.}"
	require "strongSwan at the branch" lab_charon_start branch-ike branch
	require "the data plane starts" gateway_start_dataplane
	require "the control program starts" gateway_start_control --log "${VPNGW_LOG:-info}"
	require "REST answers" lab_await 10 gateway_api GET /connections/to-branch
}

# one_tunnel_up JQ-PROGRAM: the demo's configuration after it, strongSwan with the demo's key, traffic through the first tunnel.
one_tunnel_up() {
	require "the site is made" site_up
	require "its ports are DPDK's" site_gateway_ports
	require "the configuration is accepted" gateway_config "$TOP/config/demo.json" "$1"
	require "strongSwan at the branch" site_branch "$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")"
	require "the data plane starts" gateway_start_dataplane
	require "the control program starts" gateway_start_control
	require "the tunnel comes up" lab_await 20 lab_charon_up branch-ike gw0
	require "traffic flows" lab_ping host-a "$SITE_HOST_B" 10
}

applied_more() {
	[ "$(grep -cE "$APPLIED" "$LAB_DIR/control.log")" -gt "$1" ]
}

# The file after this jq program, taken by reload.
configured() {
	local before
	jq "$1" "$LAB_DIR/vpngw.json" >"$LAB_DIR/next.json" || return 1
	! cmp -s "$LAB_DIR/next.json" "$LAB_DIR/vpngw.json" || return 0
	before=$(grep -cE "$APPLIED" "$LAB_DIR/control.log")
	cat "$LAB_DIR/next.json" >"$LAB_DIR/vpngw.json"
	kill -HUP "$(lab_pid control)"
	lab_await 10 applied_more "$before" || { echo "not applied"; return 1; }
	grep -E "$APPLIED" "$LAB_DIR/control.log" | tail -n 1 | grep -q 'is applied' && return
	grep -A 3 -E "$APPLIED" "$LAB_DIR/control.log" | tail -n 4
	return 1
}

status() {
	gateway_api GET /connections/to-branch
}

# status_says TEXT [SECONDS]: as reason or detail of one of its tunnels
status_says() {
	lab_await "${2:-15}" eval "status | jq -r '.properties.tunnelConnectionStatus[] | .lastFailureReason, .lastFailureDetail' | grep -qF -- '$1'" && return 0
	status | jq -c .properties.tunnelConnectionStatus
	return 1
}

# A rekey by us may have to wait for the end of the one before: ask rekey, or ask rekeyike.
ask() {
	lab_await 5 eval "gateway_api POST /connections/to-branch/$1 | tee '$LAB_DIR/answer' | jq -e '.error == null'" && return
	cat "$LAB_DIR/answer"
	return 1
}

log_count() {
	grep -c "$1" "$LAB_DIR/branch-ike.log"
}

more() { # PATTERN BEFORE
	[ "$(log_count "$1")" -gt "$2" ]
}

# One rekey: what strongSwan logs when it is done, and the command. strongSwan's commands are forgotten when the SA is
# just being replaced ("not found for rekey"): then again.
rekey() { # PATTERN COMMAND...
	local pattern=$1 before try
	before=$(log_count "$pattern")
	shift
	for try in 1 2 3 4 5; do
		"$@" >"$LAB_DIR/command" 2>&1 && lab_await 2 more "$pattern" "$before" && return
	done
	cat "$LAB_DIR/command"
	echo "$*: no $pattern after $try tries"
	return 1
}
