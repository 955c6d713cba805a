#!/usr/bin/env bash
# Rekeys of child and IKE SA by strongSwan and by us, over and over, while pings run both ways through one tunnel: none is
# lost, and the tunnel is never suspected. VPNGW_REKEYS (10) says how many of each kind by each side.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" rekeys
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
rekeys=${VPNGW_REKEYS:-10}

log_count() {
	grep -c "$1" "$LAB_DIR/branch-ike.log"
}

more() { # PATTERN BEFORE
	[ "$(log_count "$1")" -gt "$2" ]
}

# One rekey: command and what strongSwan logs when it is done. Its commands are forgotten when the SA is just being
# replaced ("not found for rekey"): then again.
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

by_them() {
	local i
	for ((i = 0; i < rekeys; i++)); do
		rekey 'IKE_SA gw0.* rekeyed between' lab_swanctl branch-ike --rekey --ike gw0 || return 1
		rekey 'CHILD_SA gw0.* established' lab_swanctl branch-ike --rekey --child gw0 || return 1
	done
}

by_us() {
	local i
	for ((i = 0; i < rekeys; i++)); do
		rekey 'IKE_SA gw0.* rekeyed between' ask rekeyike || return 1
		rekey 'CHILD_SA gw0.* established' ask rekey || return 1
	done
}

# A rekey may have to wait for the end of the one before.
ask() {
	lab_await 5 eval "gateway_api POST /connections/to-branch/$1 | tee '$LAB_DIR/answer' | jq -e '.error == null'" && return
	cat "$LAB_DIR/answer"
	return 1
}

# Both kinds started at once by one side.
together() {
	local i before
	for ((i = 0; i < rekeys; i++)); do
		before=$(log_count 'IKE_SA gw0.* rekeyed between')
		lab_swanctl branch-ike --rekey --ike gw0 >/dev/null && lab_await 5 lab_swanctl branch-ike --rekey --child gw0 &&
			lab_await 10 more 'IKE_SA gw0.* rekeyed between' "$before" || return 1
		lab_ping host-a "$SITE_HOST_B" 3 || return 1
	done
}

pings_start() {
	lab_start ping-a host-a ping -n -i 0.005 "$SITE_HOST_B"
	lab_start ping-b host-b ping -n -i 0.005 "$SITE_HOST_A"
}

none_lost() {
	lab_ping_end ping-a >>"$LAB_DIR/figures"
	local a=$?
	lab_ping_end ping-b >>"$LAB_DIR/figures"
	local b=$?
	cat "$LAB_DIR/figures"
	[ $((a + b)) = 0 ]
}

never_suspected() {
	fails grep -E 'suspect|Connected ->' "$LAB_DIR/control.log"
}

require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json" \
	'.virtualNetworkGateways[0].properties |= (.activeActive = false | .ipConfigurations |= .[:1])
	| .publicIPAddresses |= .[:1]'
require "strongSwan at the branch" site_branch "$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")"
require "the data plane starts" gateway_start_dataplane
require "the control program starts" gateway_start_control
require "the tunnel comes up" lab_await 20 lab_charon_up branch-ike gw0
require "traffic flows" lab_ping host-a "$SITE_HOST_B" 10
pings_start
expect "$rekeys IKE and $rekeys child rekeys by strongSwan" by_them
expect "as many by us" by_us
expect "both kinds at once by strongSwan" together
expect "no ping of both directions is lost" none_lost
expect "the tunnel was never suspected" never_suspected
sed 's/^/# /' "$LAB_DIR/figures"
finish
