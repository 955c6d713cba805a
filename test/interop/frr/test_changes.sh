#!/usr/bin/env bash
# What BGP speaks is changed while it runs: AS numbers of either side, the password, a limit of prefixes that had ended a session, the
# sessions of a connection that goes and comes, BGP off and on. What the API lists while one of two sessions is down. The data plane dies.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" changes
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control
# shellcheck source=bgp_site.sh
. "$(dirname "$0")/bgp_site.sh"

# put PATH JQ: the resource after this change
put() {
	local body
	body=$(gateway_api GET "$1" | jq -c "$2") && gateway_api PUT "$1" "$body" | tee /dev/stderr | jq -e '.error == null' >/dev/null
}

# site_says COMMAND...: within its router; %s is each neighbour
site_says() {
	local command ours commands=()
	for command in "$@"; do
		for ours in "${OURS[@]}"; do
			# shellcheck disable=SC2059
			commands+=("$(printf "$command" "$ours")")
		done
	done
	lab_vtysh branch-frr 'configure terminal' 'router bgp 65010' "${commands[@]}"
}

# sessions ASN: both are up with this peer, with two routes each
sessions() {
	api_result getBgpPeerStatus | jq -e --argjson asn "$1" '[.value[] | select(.state == "Connected" and .routesReceived == 2 and .asn == $asn)] | length == 2'
}

states() {
	api_result getBgpPeerStatus | jq -r '[.value[].state] | sort | join(" ")'
}

# they_are STATE...
they_are() {
	[ "$(states)" = "$*" ]
}

kernel_has() {
	ip -n "${LAB_PREFIX}gw" -j route show 10.20.0.0/16 | jq -e --argjson n "$1" '[.[] | if .nexthops then .nexthops | length else 1 end] | add // 0 | . == $n'
}

# up ASN: and it carries
up() {
	lab_await 60 sessions "$1" && lab_await 20 kernel_has 2 && lab_await 10 lab_ping host-a "$SITE_HOST_B" 1 && return
	lab_vtysh frr/i0 'show bgp summary' 'show running-config' | grep -v password
	return 1
}

site_is_another() {
	site_says 'neighbor %s local-as 65011 no-prepend replace-as' && put /localNetworkGateways/branch '.properties.bgpSettings.asn = 65011'
}

site_is_itself() {
	site_says 'no neighbor %s local-as 65011 no-prepend replace-as' && put /localNetworkGateways/branch '.properties.bgpSettings.asn = 65010'
}

we_are() {
	site_says "neighbor %s remote-as $1" && put /virtualNetworkGateways/gw ".properties.bgpSettings.asn = $1"
}

told_by() {
	api_result "getAdvertisedRoutes?peer=$SITE" | tee /dev/stderr |
		jq -e --arg path "$1" '[.value[] | select(.network == "10.10.0.0/16")] | length == 2 and all(.[]; .asPath == $path)'
}

password() {
	site_says "neighbor %s password $1" && put /localNetworkGateways/branch ".properties.bgpSettings.password = \"$1\""
}

no_password() {
	site_says 'no neighbor %s password' && put /localNetworkGateways/branch '.properties.bgpSettings.password = ""'
}

limit() {
	put /localNetworkGateways/branch ".properties.bgpSettings.prefixLimit = $1"
}

first_session_ends() {
	lab_vtysh branch-frr 'configure terminal' 'router bgp 65010' "neighbor ${OURS[0]} shutdown"
	lab_await 20 one_is_up
}

one_is_up() {
	[ "$(states | tr ' ' '\n' | grep -cx Connected)" = 1 ]
}

second_tells() {
	api_result "getAdvertisedRoutes?peer=$SITE" | tee /dev/stderr |
		jq -e --arg from "${OURS[1]}" '.value | length > 0 and all(.[]; .localAddress == $from)'
}

learned_by_second() {
	api_result getLearnedRoutes | tee /dev/stderr | jq -e --arg from "${OURS[1]}" '[.value[] | select(.origin == "EBgp")] | length == 2 and all(.[]; .localAddress == $from)'
}

none_tells() {
	api_result "getAdvertisedRoutes?peer=$SITE" | tee /dev/stderr | jq -e '.value == []'
}

first_session_returns() {
	lab_vtysh branch-frr 'configure terminal' 'router bgp 65010' "no neighbor ${OURS[0]} shutdown"
}

goes() {
	gateway_api DELETE /connections/to-branch >/dev/null && lab_await 10 kernel_has 0 && [ "$(states)" = "" ]
}

bgp_off() {
	put /localNetworkGateways/branch '.properties.localNetworkAddressSpace.addressPrefixes = ["10.20.0.0/15"]' &&
		put /connections/to-branch '.properties.enableBgp = false' && put /virtualNetworkGateways/gw '.properties.enableBgp = false' &&
		lab_await 10 kernel_has 0
}

bgp_on() {
	put /virtualNetworkGateways/gw '.properties.enableBgp = true' && put /connections/to-branch '.properties.enableBgp = true' &&
		put /localNetworkGateways/branch '.properties.localNetworkAddressSpace.addressPrefixes = []'
}

# The site's FRR has another way to what it had by BGP.
way_back() {
	ip -n "${LAB_PREFIX}branch" route replace 10.10.0.0/24 dev ipsec0 metric 900
}

# The site learns PREFIX, or has no way to it any more.
knows() {
	[ -n "$(ip -n "${LAB_PREFIX}branch" route show "$1" proto bgp)" ]
}

network_grows() {
	put /virtualNetworks/inside '.properties.addressSpace.addressPrefixes += ["10.11.0.0/16"]' && lab_await 20 knows 10.11.0.0/16
}

network_shrinks() {
	put /virtualNetworks/inside '.properties.addressSpace.addressPrefixes -= ["10.11.0.0/16"]' && lab_await 20 fails knows 10.11.0.0/16
}

made() {
	gateway_api PUT "$1" "$2" | tee /dev/stderr | jq -e '.error == null' >/dev/null
}

SPOKE='{ "properties": { "addressSpace": { "addressPrefixes": ["10.31.0.0/16"] }, "virtualNetworkPeerings": [{ "name": "hub",
	"properties": { "remoteVirtualNetwork": { "id": "inside" }, "useRemoteGateways": true } }] } }'

spoke_uses() {
	made /virtualNetworks/spoke "${SPOKE/true/false}" && put /virtualNetworks/inside '.properties.virtualNetworkPeerings = [{ name: "spoke",
		properties: { remoteVirtualNetwork: { id: "spoke" }, allowGatewayTransit: true } }]' && made /virtualNetworks/spoke "$SPOKE" &&
		lab_await 20 knows 10.31.0.0/16
}

spoke_goes() {
	made /virtualNetworks/spoke "${SPOKE/true/false}" && lab_await 20 fails knows 10.31.0.0/16
}

# Of another site, without BGP and not there.
static_site() {
	made /localNetworkGateways/other '{ "properties": { "gatewayIpAddress": "203.0.113.77",
		"localNetworkAddressSpace": { "addressPrefixes": ["10.30.0.0/16"] } } }' &&
		made /connections/to-other '{ "properties": { "connectionType": "IPsec", "virtualNetworkGateway1": { "id": "gw" },
			"localNetworkGateway2": { "id": "other" }, "sharedKey": "AnotherKey" } }' && lab_await 20 knows 10.30.0.0/16
}

# To the other site, by a certificate that is not there: the sessions have gone before that is seen.
fails_late() {
	local body from
	from=$(wc -l <"$LAB_DIR/control.log")
	body=$(gateway_api GET /connections/to-branch | jq -c '.properties |= (.enableBgp = false | .authenticationType = "Certificate"
		| .localNetworkGateway2 = { id: "third" } | .certificateAuthentication = { outboundAuthCertificate: "/nowhere.pem",
			inboundAuthCertificateSubjectName: "CN=x", inboundAuthCertificateChain: ["/nowhere.pem"] })')
	made /localNetworkGateways/third '{ "properties": { "gatewayIpAddress": "203.0.113.78",
		"localNetworkAddressSpace": { "addressPrefixes": ["10.32.0.0/16"] } } }' || return 1
	gateway_api PUT /connections/to-branch "$body"
	lab_await 10 said_since "$from" 'the session ends' && lab_await 10 as_before
}

as_before() {
	gateway_api GET /connections/to-branch | jq -e '.properties | .enableBgp and .authenticationType == "PSK"'
}

said_since() {
	tail -n "+$(($1 + 1))" "$LAB_DIR/control.log" | grep -q "$2"
}

static_site_goes() {
	gateway_api DELETE /connections/to-other >/dev/null && lab_await 20 fails knows 10.30.0.0/16
}

dataplane_dies() {
	lab_kill dataplane && gateway_start_dataplane
}

all_die() {
	lab_kill control && lab_kill dataplane && lab_kill frr && gateway_start_control && gateway_start_dataplane && gateway_start_frr
}

require "the site is made" site_up
bgp_starts site_and_frr config
require "both sessions are up, and traffic flows" up 65010
expect "the site gets another AS number" site_is_another
expect "sessions, routes and traffic" up 65011
expect "and the old one again" site_is_itself
expect "sessions, routes and traffic" up 65010
expect "we get another AS number" we_are 65001
expect "sessions, routes and traffic" up 65010
expect "it stands in what we tell" lab_await 20 told_by 65001
expect "and the old one again" we_are 65515
expect "sessions, routes and traffic" up 65010
expect "it stands in what we tell" lab_await 20 told_by 65515
expect "another password" password another-secret
expect "sessions, routes and traffic" up 65010
expect "no password" no_password
expect "sessions, routes and traffic" up 65010
expect "a password again" password bgp-secret
expect "sessions, routes and traffic" up 65010
expect "a limit below what the site tells" limit 1
expect "ends the sessions" lab_await 30 they_are Stopped Stopped
expect "nobody is told anything, and the API says so" lab_await 10 none_tells
expect "a higher one" limit 10
expect "brings them back at once" lab_await 20 sessions 65010
expect "a session ends" first_session_ends
expect "the API lists what the other tells" lab_await 10 second_tells
expect "and learned" lab_await 10 learned_by_second
expect "it comes back" first_session_returns
expect "sessions, routes and traffic" up 65010
expect "a network gets a prefix: the site hears of it" network_grows
expect "and loses it" network_shrinks
expect "a peered network uses the gateway: the site hears of it" spoke_uses
expect "and no more" spoke_goes
expect "another site without BGP: the site hears of its prefixes" static_site
expect "its connection is deleted" static_site_goes
expect "no session ended for it" sessions 65010
expect "a change that ends the sessions cannot be applied" fails_late
expect "sessions, routes and traffic" up 65010
connection=$(gateway_api GET /connections/to-branch | jq -c --arg key "$PSK" '.properties.sharedKey = $key')
expect "the connection is deleted, and its sessions and routes with it" goes
expect "it is made again" made /connections/to-branch "$connection"
expect "sessions, routes and traffic" up 65010
expect "the site keeps a way back" way_back
expect "BGP is turned off, prefixes are configured" bgp_off
expect "traffic flows by them" lab_await 20 lab_ping host-a "$SITE_HOST_B" 1
expect "there are no sessions to ask for" says OperationNotAllowed gateway_api POST /virtualNetworkGateways/gw/getBgpPeerStatus
expect "BGP is turned on again" bgp_on
expect "sessions, routes and traffic" up 65010
expect "the data plane is killed and started again" dataplane_dies
expect "sessions, routes and traffic" up 65010
expect "all three programs are" all_die
expect "sessions, routes and traffic" up 65010
finish
