#!/usr/bin/env bash
# IPv6 prefixes over the IPv4 sessions of a site with strongSwan and FRR: learned in both tunnels, told, shown, filtered, and
# traffic on them.
. "$(dirname "$0")/../../system/harness.sh" bgp6
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control cli
# shellcheck source=bgp_site.sh
. "$(dirname "$0")/bgp_site.sh"
HOST_A6=fd00:a::10
HOST_B6=fd00:b::10
VIA6=fd00:b:0:ffff::1 # what the site makes of our next hops: its way into the tunnels

addresses6() {
	lab_addr host-a eth0 "$HOST_A6/64" && lab_route host-a default fd00:a::1 &&
		lab_addr branch lan fd00:b::1/64 && lab_addr host-b eth0 "$HOST_B6/64" && lab_route host-b default fd00:b::1
}

config6() {
	config '.appliance.ports[2].addresses += ["fd00:a::1/64"]
		| .virtualNetworks[0].properties.addressSpace.addressPrefixes += ["fd00:a::/48"]'
}

charon6() {
	local i public=("$SITE_PUBLIC0" "$SITE_PUBLIC1")
	lab_charon_start branch-ike branch
	: >"$(lab_charon_dir branch-ike)/swanctl.conf"
	for i in 0 1; do
		lab_charon_connection branch-ike "gw$i" local="$SITE_BRANCH" remote="${public[i]}" psk="$PSK" dpd=30 \
			local_ts=10.20.0.0/15,fd00:b::/48 remote_ts="${OURS[i]}/32,10.10.0.0/24,fd00:a::/48"
	done
	lab_charon_load branch-ike
}

frr6() {
	local ours family=" exit-address-family\n address-family ipv6 unicast\n  network fd00:b::/48\n  network fd00:b:7::/48\n"
	ip -n "${LAB_PREFIX}branch" route replace "$VIA6/128" dev ipsec0 || return 1
	for ours in "${OURS[@]}"; do
		family+="  neighbor $ours activate\n  neighbor $ours route-map VIA6 in\n"
	done
	frr_of_site "route-map VIA6 permit 10\n set ipv6 next-hop global $VIA6\nexit\n" "" "$family"
}

site6() {
	charon6 && tunnels_up && frr6
}

# learned6 PREFIX TUNNELS
learned6() {
	[ "$(ip -n "${LAB_PREFIX}gw" -6 -j route show "$1" | jq '[.[] | if .nexthops then .nexthops | length else 1 end] | add // 0')" = "$2" ]
}

rib_has6() {
	gateway_api GET /routes | jq -e --arg prefix "$1" '[.value[] | select(.prefix == $prefix and .best and .origin == "bgp")] | length == 1'
}

site_learned6() {
	ip -n "${LAB_PREFIX}branch" -6 route show fd00:a::/48 | grep -q .
}

four_routes_each() {
	api_result getBgpPeerStatus | jq -e '[.value[] | select(.state == "Connected" and .routesReceived == 4)] | length == 2'
}

filters6() {
	local body
	body=$(gateway_api GET /connections/to-branch | jq -c '.properties.routeFilters = { in: [
			{ action: "deny", prefix: "fd00:b:7::/48" }, {}] }') &&
		gateway_api PUT /connections/to-branch "$body" | tee /dev/stderr | jq -e '.error == null' >/dev/null
}

require "the site is made" site_up
require "with IPv6 inside" addresses6
bgp_starts site6 config6
require "both sessions are up, two routes of each family" lab_await 40 four_routes_each
expect "the kernel has both tunnels for an IPv6 route" lab_await 10 learned6 fd00:b::/48 2
expect "it is in the RIB" lab_await 10 rib_has6 fd00:b::/48
expect "the site learned our IPv6 network" lab_await 10 site_learned6
expect "learned routes show it" says '"network":"fd00:b::/48","nextHop":"10.20.0.1"' api_result getLearnedRoutes
expect "advertised routes show ours" says '"network":"fd00:a::/48"' api_result "getAdvertisedRoutes?peer=$SITE"
expect "traffic flows, both ways" lab_in host-a ping -6 -n -q -c 5 -i 0.1 -w 10 "$HOST_B6"
expect "IPv4 too" lab_ping host-a "$SITE_HOST_B" 5
expect "filters are taken" filters6
expect "and keep an IPv6 network out" lab_await 30 learned6 fd00:b:7::/48 0
expect "the other one stays" learned6 fd00:b::/48 2
finish
