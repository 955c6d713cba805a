#!/usr/bin/env bash
# An active-active gateway with BGP becomes active-standby and active-active again: the speaker of the second address ends its
# sessions by a word to the peer, before the tunnel goes (no graceful restart is waited for), the first has the other address out
# of GatewaySubnet. Then the connection is deleted: the site hears of it from both.
. "$(dirname "$0")/../../system/harness.sh" standby
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control
# shellcheck source=bgp_site.sh
. "$(dirname "$0")/bgp_site.sh"
BFD_MS=2000
STANDBY=10.10.255.30 # the last but one of GatewaySubnet

site_and_frr_of_three() {
	charon_of_site && tunnels_up || return 1
	OURS+=("$STANDBY")
	frr_of_site "" "" ""
}

# with_addresses ACTIVE_ACTIVE COUNT
with_addresses() {
	local body
	body=$(gateway_api GET /virtualNetworkGateways/gw | jq -c --argjson active "$1" --argjson both "$both" \
		".properties.activeActive = \$active | .properties.ipConfigurations = \$both[:$2] | del(.properties.bgpSettings)
		| .properties.bgpSettings = { asn: 65515 }") &&
		gateway_api PUT /virtualNetworkGateways/gw "$body" | tee /dev/stderr | jq -e '.error == null' >/dev/null
}

sessions_are() {
	api_result getBgpPeerStatus | jq -e --arg want "$1" '[.value[] | select(.state == "Connected" and .routesReceived == 2) | .localAddress] | sort | join(" ") == $want'
}

# By BGP or, when that is faster, by BFD; BFD that notices the silence itself takes longer than the checks wait: site_was_told OF
site_was_told() {
	lab_vtysh branch-frr "show bgp neighbors $1 json" | jq -e '.[] | select(.bgpState != "Established")
		| .lastResetDueTo == "BFD down received" or (.lastNotificationReason // "" | test("Cease"))'
}

site_was_told_by_both() {
	site_was_told "${OURS[0]}" && site_was_told "${OURS[1]}"
}

site_has_no_stale() {
	lab_vtysh branch-frr 'show bgp ipv4 unicast 10.10.0.0/16 json' | jq -e '[.paths // [] | .[] | select(.stale)] | length == 0'
}

site_has_none() {
	lab_vtysh branch-frr 'show bgp ipv4 unicast 10.10.0.0/16 json' | jq -e '.paths // [] | length == 0'
}

# The daemon runs on, with nobody to talk to.
second_speaker_is_idle() {
	lab_vtysh frr/i1 'show running-config' >"$LAB_DIR/running" && grep -q '^hostname' "$LAB_DIR/running" && ! grep -q neighbor "$LAB_DIR/running"
}

idle_or_why() {
	lab_await 10 second_speaker_is_idle && return 0
	cat "$LAB_DIR/running"
	return 1
}

kernel_has() {
	ip -n "${LAB_PREFIX}gw" -j route show "$1" | jq -e --argjson n "$2" '[.[] | if .nexthops then .nexthops | length else 1 end] | add // 0 | . == $n'
}

require "the site is made" site_up
bgp_starts site_and_frr_of_three config
both=$(gateway_api GET /virtualNetworkGateways/gw | jq -c .properties.ipConfigurations)
require "two sessions are up" lab_await 40 sessions_are "10.10.255.4 10.10.255.5"
require "the kernel has both tunnels" lab_await 20 kernel_has 10.20.0.0/16 2
require "it becomes active-standby" with_addresses false 1
expect "the site was told that the second has ended" lab_await 3 site_was_told "${OURS[1]}"
expect "one session is up, from the other address" lab_await 60 sessions_are "$STANDBY"
expect "and waits for nobody" site_has_no_stale
expect "the second speaker has nothing left to say" idle_or_why
expect "the kernel has one way" lab_await 20 kernel_has 10.20.0.0/16 1
expect "traffic flows" lab_await 10 lab_ping host-a "$SITE_HOST_B" 1
require "it becomes active-active again" with_addresses true 2
expect "two sessions are up" lab_await 90 sessions_are "10.10.255.4 10.10.255.5"
expect "the kernel has both tunnels again" lab_await 20 kernel_has 10.20.0.0/16 2
expect "traffic flows again" lab_await 10 lab_ping host-a "$SITE_HOST_B" 1
expect "the connection is deleted" gateway_api DELETE /connections/to-branch
expect "the site was told by both" lab_await 3 site_was_told_by_both
expect "and keeps none of their routes" lab_await 5 site_has_none
finish
