#!/usr/bin/env bash
# The lab itself: two strongSwans through it, broken paths, and no trace afterwards.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" lab
skip_unless lab_charon_missing

gateway() {
	lab_charon_start gw-ike gw &&
		lab_charon_connection gw-ike b0 local="$SITE_PUBLIC0" remote="$SITE_BRANCH" \
			local_ts="$SITE_PREFIX_A" remote_ts="$SITE_PREFIX_B" psk=abc &&
		lab_charon_connection gw-ike b1 local="$SITE_PUBLIC1" remote="$SITE_BRANCH" \
			local_ts="$SITE_PREFIX_A" remote_ts="$SITE_PREFIX_B" psk=abc &&
		lab_charon_load gw-ike
}

traces_after_down() {
	lab_down
	local left
	left=$(lab_traces)
	[ -z "$left" ] || { echo "left: $left"; return 1; }
}

other_lab_stands() {
	(
		LAB_PREFIX=${LAB_PREFIX%-}b- LAB_DIR=$LAB_DIR-b
		lab_init && lab_ns one && lab_start sleeper one sleep 60
		lab_alive sleeper && lab_down && ! lab_alive sleeper && [ -z "$(lab_traces)" ]
	) && lab_exists net
}

require "the site is made" site_up
require "its gateway side as plain Linux" site_gateway_linux
expect "the internet forwards" lab_ping branch "$SITE_PUBLIC1" 5
expect "nothing passes between the sites in clear" fails lab_ping host-a "$SITE_HOST_B" 1
require "strongSwan as gateway" gateway
require "strongSwan as branch" site_branch abc
expect "tunnel to the first address" lab_swanctl branch-ike --initiate --child gw0
expect "tunnel to the second address" lab_swanctl branch-ike --initiate --child gw1
expect "both are up" lab_charon_up branch-ike "" 2
expect "traffic flows" lab_ping host-a "$SITE_HOST_B" 5
expect "a path is dropped silently" lab_drop net ip saddr "$SITE_PUBLIC0"
expect "and nothing comes from there" fails lab_ping branch "$SITE_PUBLIC0" 1
expect "what was dropped is counted" test "$(lab_dropped net)" -gt 0
expect "it is healed" lab_heal net
expect "and answers again" lab_ping branch "$SITE_PUBLIC0" 5
expect "a cable is taken out" lab_link_down net gw1
expect "and nothing comes from there" fails lab_ping branch "$SITE_PUBLIC1" 1
expect "it is put back" lab_link_up net gw1
expect "a second lab beside it comes and goes" other_lab_stands
expect "no trace is left" traces_after_down
finish
