#!/usr/bin/env bash
# The peer divides the space between us in its own way. With azure-compat what it asks for is taken as it is, as far as it lies in
# what the gateway routes; with strong it is narrowed to the configured product. No connection gets another one's prefixes. A
# route-based connection carries as many narrower children as the peer makes. Their children live through rekeys by both sides,
# a restart of control and one of the data plane.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" divisions
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=pairs.sh
. "$(dirname "$0")/pairs.sh"
OTHER='.localNetworkGateways += [.localNetworkGateways[0] | .name = "other" | .properties.gatewayIpAddress = "203.0.113.99"
		| .properties.localNetworkAddressSpace.addressPrefixes = ["10.30.0.0/16"]]
	| .connections += [.connections[0] | .name = "to-other" | .properties.localNetworkGateway2.id = "other"]'
HALVES=('left=10.20.0.0/15=10.10.0.0/16' 'right=10.20.0.0/15=10.11.0.0/16')

# they_ask CHILD...: those that strongSwan has now, and nothing else
they_ask() {
	local child
	lab_swanctl branch-ike --terminate --ike gw0 >/dev/null 2>&1
	lab_await 10 children 0 && theirs "$@" || return 1
	for child in "$@"; do
		lab_swanctl branch-ike --initiate --child "${child%%=*}" --timeout 10 >"$LAB_DIR/asked" 2>&1 || { tail -n 3 "$LAB_DIR/asked"; return 1; }
	done
}

# What strongSwan has of a child: has CHILD LOCAL REMOTE
has() {
	lab_swanctl branch-ike --list-sas | grep -A 9 "^  $1: .*INSTALLED" >"$LAB_DIR/has"
	grep -q "^ *local  *$2\$" "$LAB_DIR/has" && grep -q "^ *remote  *$3\$" "$LAB_DIR/has" && return
	cat "$LAB_DIR/has"
	return 1
}

ALL=('all=10.20.0.0/16,10.21.0.0/16=10.10.0.0/16,10.11.0.0/16')

strong_narrows() {
	configured "$CONNECTION.connectionMode = \"ResponderOnly\"" && they_ask "${ALL[@]}" && has all 10.20.0.0/16 10.10.0.0/16
}

azure_takes_all() {
	configured "$CONNECTION.cryptoProfile = \"azure-compat\"" && they_ask "${ALL[@]}" &&
		has all '10.20.0.0/16 10.21.0.0/16' '10.10.0.0/16 10.11.0.0/16' && all_pairs
}

any_to_any() {
	they_ask all=0.0.0.0/0=0.0.0.0/0 && has all '10.20.0.0/16 10.21.0.0/16' '10.10.0.0/16 10.11.0.0/16' && all_pairs
}

smaller_ones() {
	they_ask one=10.20.0.0/24=10.10.0.0/24 two=10.21.0.0/24=10.11.0.0/24 three=10.21.0.0/24=10.10.0.0/24 four=10.20.0.0/24=10.11.0.0/24 &&
		children 4 && all_pairs
}

halves() {
	they_ask "${HALVES[@]}" && has left '10.20.0.0/16 10.21.0.0/16' 10.10.0.0/16 && has right '10.20.0.0/16 10.21.0.0/16' 10.11.0.0/16 &&
		children 2 && all_pairs
}

by_both_sides() {
	local child
	for child in left right left; do
		rekey "CHILD_SA $child.* established" lab_swanctl branch-ike --rekey --child "$child" && all_pairs || return 1
	done
	rekey 'CHILD_SA .* established' ask rekey && all_pairs || return 1
	rekey 'IKE_SA gw0.* rekeyed between' ask rekeyike && lab_await 10 children 2 && all_pairs
}

control_anew() {
	lab_kill control && gateway_start_control && lab_await 10 gateway_answers && all_pairs &&
		rekey 'CHILD_SA left.* established' lab_swanctl branch-ike --rekey --child left && all_pairs && children 2
}

spis() {
	lab_swanctl branch-ike --list-sas | grep -oE '(in|out) +[0-9a-f]{8}' | sort
}
others() {
	children 2 && [ -z "$(comm -12 <(printf '%s\n' "$before") <(spis))" ]
}
dataplane_anew() {
	before=$(spis)
	lab_kill dataplane && gateway_start_dataplane && lab_await 20 others && all_pairs
}

# 10.30.0.0/16 is behind another connection.
others_prefixes() {
	configured "$OTHER" && they_ask both=10.20.0.0/16,10.30.0.0/16=10.10.0.0/16,10.11.0.0/16 && has both 10.20.0.0/16 '10.10.0.0/16 10.11.0.0/16' ||
		return 1
	they_ask theirs=10.30.0.0/16=10.10.0.0/16 && return 1
	grep -q 'TS_UNACCEPTABLE\|TS_UNACCEPT' "$LAB_DIR/branch-ike.log" && status_says 'the traffic selectors have nothing in common'
}

outside() {
	they_ask wide=10.20.0.0/16=10.10.0.0/16,10.12.0.0/16 && has wide 10.20.0.0/16 10.10.0.0/16
}

strong_again() {
	configured "$CONNECTION.cryptoProfile = \"strong\"" && they_ask both=10.20.0.0/16,10.30.0.0/16=10.10.0.0/16,10.11.0.0/16 &&
		has both 10.20.0.0/16 10.10.0.0/16
}

route_based() {
	configured "$CONNECTION.usePolicyBasedTrafficSelectors = false" && they_ask ll=10.20.0.0/16=10.10.0.0/16 lr=10.20.0.0/16=10.11.0.0/16 \
		rl=10.21.0.0/16=10.10.0.0/16 rr=10.21.0.0/16=10.11.0.0/16 && children 4 && all_pairs
}

one_goes() {
	lab_swanctl branch-ike --terminate --child ll >/dev/null && lab_await 5 children 3 &&
		lab_in host-a ping -n -q -c 1 -w 5 -I 10.11.0.10 10.21.0.10 >/dev/null &&
		lab_swanctl branch-ike --initiate --child ll --timeout 10 >/dev/null && children 4 && all_pairs
}

site_started "$PAIRS"
require "two prefixes on either side" hosts
expect "strong: narrowed to the configured product" strong_narrows
expect "azure-compat: one child with everything, packets between all pairs" azure_takes_all
expect "azure-compat: any to any becomes all that there is" any_to_any
expect "azure-compat: four children smaller than the pairs" smaller_ones
expect "azure-compat: two children across the pairs" halves
expect "they are rekeyed by both sides" by_both_sides
expect "they go on with another control" control_anew
expect "they are negotiated anew after a restart of the data plane" dataplane_anew
expect "azure-compat: what is behind another connection is cut out, or refused" others_prefixes
expect "azure-compat: what is not routed here is cut out" outside
expect "strong: no more than the product" strong_again
expect "route-based: as many narrower children as the peer makes" route_based
expect "one of them goes and comes" one_goes
expect "the data plane took everything" fails grep -h 'data plane refused' "$LAB_DIR/control.log"
finish
