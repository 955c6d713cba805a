#!/usr/bin/env bash
# BGP by APIPA addresses of both sides (customBgpIpAddresses, gatewayCustomBgpIpAddresses): sessions, routes, traffic; a change of an
# instance's only address; addresses and routes that someone takes from the TUN come again.
. "$(dirname "$0")/../../system/harness.sh" apipa
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control
# shellcheck source=bgp_site.sh
. "$(dirname "$0")/bgp_site.sh"
SITE=169.254.21.1
OURS=(169.254.21.10 169.254.22.10)
OTHER=169.254.21.12 # of the first instance, later
# The site has a way to this one too, or it would not take it from the tunnel.
REMOTE0=169.254.21.8/29,10.10.0.0/24

custom() {
	printf '.virtualNetworkGateways[0].properties.bgpSettings.bgpPeeringAddresses = [
		{ ipconfigurationId: "%s", customBgpIpAddresses: ["%s"%s] }, { ipconfigurationId: "%s", customBgpIpAddresses: ["%s"] }]' \
		"$FIRST" "${OURS[0]}" "${1:-}" "$SECOND" "${OURS[1]}"
}

site() {
	lab_addr branch lo "$SITE/32" || return 1
	lab_charon_start branch-ike branch
	: >"$(lab_charon_dir branch-ike)/swanctl.conf"
	lab_charon_connection branch-ike gw0 local="$SITE_BRANCH" remote="$SITE_PUBLIC0" psk="$PSK" dpd=30 \
		local_ts="10.20.0.0/15,$SITE/32" remote_ts="$REMOTE0"
	lab_charon_connection branch-ike gw1 local="$SITE_BRANCH" remote="$SITE_PUBLIC1" psk="$PSK" dpd=30 \
		local_ts="10.20.0.0/15,$SITE/32" remote_ts="${OURS[1]}/32,10.10.0.0/24"
	lab_charon_load branch-ike
	tunnels_up && frr_of_site
}

tun() {
	ip -n "${LAB_PREFIX}gw" -j addr show to "$1" | jq -r 'first(.[].ifname // empty)'
}

tun_has() {
	[ -n "$(tun "$1")" ]
}

kernel_has_both() {
	ip -n "${LAB_PREFIX}gw" -j route show 10.20.0.0/16 | jq -e '.[0].nexthops | length == 2'
}

# The connection takes another of the instance's addresses, its only session moves there; the site follows.
address_changes() {
	local body
	body=$(gateway_api GET /connections/to-branch | jq -c ".properties.gatewayCustomBgpIpAddresses = [
		{ ipConfigurationId: \"gw/$FIRST\", customBgpIpAddress: \"$OTHER\" }]") &&
		gateway_api PUT /connections/to-branch "$body" | tee /dev/stderr | jq -e '.error == null' >/dev/null || return 1
	ip -n "${LAB_PREFIX}branch" route replace "$OTHER/32" dev ipsec0 src "$SITE"
	lab_vtysh branch-frr 'configure terminal' 'router bgp 65010' "no neighbor ${OURS[0]}" "neighbor $OTHER remote-as 65515" \
		"neighbor $OTHER ebgp-multihop 255" "neighbor $OTHER update-source $SITE" "neighbor $OTHER timers 3 9" \
		"neighbor $OTHER timers connect 2" "neighbor $OTHER password bgp-secret" "neighbor $OTHER bfd profile fast"
}

address_is_taken() {
	local tun
	tun=$(tun "$OTHER") && ip -n "${LAB_PREFIX}gw" addr del "$OTHER/32" dev "$tun"
}

tun_is_down_and_up() {
	local tun
	tun=$(tun "${OURS[1]}") && ip -n "${LAB_PREFIX}gw" link set "$tun" down && ip -n "${LAB_PREFIX}gw" link set "$tun" up
}

# Each prefix that the kernel has by a TUN is in the RIB as the best one, and the other way round.
tables_equal() {
	ip -n "${LAB_PREFIX}gw" -4 -j route show proto bgp | jq -r '.[].dst' | sort >"$LAB_DIR/kernel"
	gateway_api GET /routes | jq -r '.value[] | select(.best and .origin == "bgp") | .prefix' | sort >"$LAB_DIR/rib"
	[ -s "$LAB_DIR/rib" ] && diff "$LAB_DIR/kernel" "$LAB_DIR/rib"
}

FIRST=$(jq -r '.virtualNetworkGateways[0].properties.ipConfigurations[0].name' "$TOP/config/demo.json")
SECOND=$(jq -r '.virtualNetworkGateways[0].properties.ipConfigurations[1].name' "$TOP/config/demo.json")
require "the site is made" site_up
bgp_starts site config "$(custom ", \"$OTHER\"")"
require "both sessions are up, two routes each" lab_await 40 connected
expect "the API names our APIPA address" says "\"localAddress\":\"${OURS[0]}\"" api_result getBgpPeerStatus
expect "the kernel has both tunnels for a learned route" lab_await 10 kernel_has_both
expect "traffic flows" lab_await 10 lab_ping host-a "$SITE_HOST_B" 1
require "the connection takes another address of ours" address_changes
expect "the TUN has it" lab_await 20 tun_has "$OTHER"
expect "and no longer the old one" lab_await 20 fails tun_has "${OURS[0]}"
expect "the sessions come up" lab_await 60 connected
expect "the kernel has both tunnels" lab_await 20 kernel_has_both
expect "traffic flows" lab_await 10 lab_ping host-a "$SITE_HOST_B" 1
expect "kernel and RIB are equal" lab_await 20 tables_equal
expect "someone takes the TUN's only address" address_is_taken
expect "it comes again" lab_await 10 tun_has "$OTHER"
expect "the kernel has both tunnels" lab_await 20 kernel_has_both
expect "traffic flows" lab_await 10 lab_ping host-a "$SITE_HOST_B" 1
expect "someone sets the other TUN down and up" tun_is_down_and_up
expect "the kernel has both tunnels" lab_await 20 kernel_has_both
expect "the sessions are up" lab_await 30 connected
expect "kernel and RIB are equal" lab_await 20 tables_equal
expect "traffic flows" lab_await 10 lab_ping host-a "$SITE_HOST_B" 1
finish
