#!/usr/bin/env bash
# Policy-based selectors against strongSwan: a child per pair of prefixes, one child per entry of trafficSelectorPolicies with all
# its ranges, a child that the peer deleted and that a packet asks for, too many pairs.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" selectors
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=pairs.sh
. "$(dirname "$0")/pairs.sh"

four_children() {
	theirs ll=10.20.0.0/16=10.10.0.0/16 lr=10.20.0.0/16=10.11.0.0/16 rl=10.21.0.0/16=10.10.0.0/16 rr=10.21.0.0/16=10.11.0.0/16 &&
		lab_await 40 children 4 && all_pairs
}

# The one packet is held until the child is there again.
on_demand() {
	lab_swanctl branch-ike --terminate --child rr >/dev/null && lab_await 5 children 3 || return 1
	lab_in host-a ping -n -q -c 1 -w 5 -I 10.11.0.10 10.21.0.10 >/dev/null && children 4 && all_pairs
}

they_dial() {
	configured "$CONNECTION.connectionMode = \"ResponderOnly\""
	lab_swanctl branch-ike --terminate --ike gw0 >/dev/null 2>&1
	lab_await 10 children 0 || return 1
	for child in rr lr ll rl; do
		lab_swanctl branch-ike --initiate --child "$child" --timeout 10 >/dev/null || return 1
	done
	children 4 && all_pairs
}

# One child with both ranges on either side.
entry() {
	configured "$CONNECTION.connectionMode = \"ResponderOnly\" | $CONNECTION.trafficSelectorPolicies = [
		{ localAddressRanges: [\"10.10.0.0/16\", \"10.11.0.0/16\"], remoteAddressRanges: [\"10.20.0.0/16\", \"10.21.0.0/16\"] }]" || return 1
	lab_swanctl branch-ike --terminate --ike gw0 >/dev/null 2>&1
	theirs all=10.20.0.0/16,10.21.0.0/16=10.10.0.0/16,10.11.0.0/16 && configured "$CONNECTION.connectionMode = \"Default\"" &&
		lab_await 40 children 1 && all_pairs
}

# What the peer wants more than there is in common is not given.
narrowed() {
	configured "$CONNECTION.connectionMode = \"ResponderOnly\"" || return 1
	lab_swanctl branch-ike --terminate --ike gw0 >/dev/null 2>&1
	lab_await 10 children 0 && theirs all=10.20.0.0/16,10.99.0.0/16=0.0.0.0/0 || return 1
	lab_swanctl branch-ike --initiate --child all --timeout 10 >/dev/null || return 1
	lab_swanctl branch-ike --list-sas | grep -A 9 INSTALLED >"$LAB_DIR/narrowed"
	grep -q 'local *10.20.0.0/16$' "$LAB_DIR/narrowed" && grep -q 'remote *10.10.0.0/16 10.11.0.0/16$' "$LAB_DIR/narrowed" && return
	cat "$LAB_DIR/narrowed"
	return 1
}

nothing_in_common() {
	lab_swanctl branch-ike --terminate --ike gw0 >/dev/null 2>&1
	theirs all=10.98.0.0/16=10.97.0.0/16
	lab_swanctl branch-ike --initiate --child all --timeout 10 >/dev/null 2>&1
	status_says 'the traffic selectors have nothing in common'
}

too_many() {
	jq "del($CONNECTION.trafficSelectorPolicies)
		| .localNetworkGateways[0].properties.localNetworkAddressSpace.addressPrefixes = [range(101) | \"10.40.\(.).0/24\"]" \
		"$LAB_DIR/vpngw.json" >"$LAB_DIR/wrong.json"
	says '2 prefixes here and 101 there give 202 pairs of selectors; /appliance/maxima/selectorPairs is 200' \
		"$(gateway_program control)" --check-config "$LAB_DIR/wrong.json"
}

site_started "$PAIRS"
require "two prefixes on either side" hosts
expect "a child per pair of prefixes" four_children
expect "a packet asks for a child that the peer deleted, and is not lost" on_demand
expect "the peer dials them" they_dial
expect "one child with all ranges of an entry" entry
expect "the peer's wish is narrowed" narrowed
expect "selectors without anything in common are named in the status" nothing_in_common
expect "the data plane took everything" fails grep -h 'data plane refused' "$LAB_DIR/control.log"
expect "too many pairs are refused with their number" too_many
finish
