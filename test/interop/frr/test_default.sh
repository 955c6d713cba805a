#!/usr/bin/env bash
# Forced tunnelling: a default route that the site announces by BGP, and gatewayDefaultSite. The management's default is another one and
# stays out of it; neither default is told to peers.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" default
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control
# shellcheck source=bgp_site.sh
. "$(dirname "$0")/bgp_site.sh"
# shellcheck disable=SC2034 # bgp_site.sh has it
SITE_LOCAL_TS=0.0.0.0/0
FAR=100.64.0.1 # somewhere behind the site

# The machine itself beside the gateway, as its management network.
management() {
	lab_ns office && lab_cable office eth0 gw mgmt && lab_addr office eth0 172.31.0.1/24 && lab_addr gw mgmt 172.31.0.2/24 &&
		lab_route gw default 172.31.0.1
}

# originate [no]
originate() {
	lab_vtysh branch-frr 'configure terminal' 'router bgp 65010' 'address-family ipv4 unicast' \
		"$* neighbor ${OURS[0]} default-originate" "$* neighbor ${OURS[1]} default-originate"
}

# default_is ORIGIN: the best way to everywhere; "": there is none
default_is() {
	[ "$(gateway_api GET /routes | jq -r '[.value[] | select(.prefix == "0.0.0.0/0" and .best) | .origin] | join(" ")')" = "$1" ]
}

told_default() {
	says '"network":"0.0.0.0/0"' api_result "getAdvertisedRoutes?peer=$SITE"
}

# default_site JSON: the property of the gateway
default_site() {
	local body
	body=$(gateway_api GET /virtualNetworkGateways/gw | jq -c ".properties.gatewayDefaultSite = $1") &&
		gateway_api PUT /virtualNetworkGateways/gw "$body" | tee /dev/stderr | jq -e '.error == null' >/dev/null
}

require "the site is made" site_up
require "somewhere is behind it" lab_addr branch lo "$FAR/32"
require "there is a management network" management
bgp_starts site_and_frr config
require "both sessions are up, two routes each" lab_await 40 connected
expect "the management's default is none of the gateway's" default_is ""
expect "what has no route goes nowhere" fails lab_ping host-a "$FAR" 2
require "the site announces a default" originate
expect "it is learned" lab_await 20 default_is bgp
expect "and listed" says '"network":"0.0.0.0/0","nextHop":"10.20.0.1"' api_result getLearnedRoutes
expect "all traffic goes to the site" lab_await 10 lab_ping host-a "$FAR" 1
expect "the management keeps its own" lab_in gw ping -n -q -c 1 -w 2 172.31.0.1
expect "no peer is told of it" fails told_default
require "the site announces it no longer" originate no
expect "it goes" lab_await 20 default_is ""
expect "and with it the way" fails lab_ping host-a "$FAR" 2
require "the site becomes the default one" default_site '{ id: "/localNetworkGateways/branch" }'
expect "all traffic goes there" lab_await 10 lab_ping host-a "$FAR" 1
expect "no peer is told of it" fails told_default
expect "both sessions are up" lab_await 20 connected
require "there is no default site any more" default_site null
expect "the way goes" lab_await 10 fails lab_ping host-a "$FAR" 1
finish
