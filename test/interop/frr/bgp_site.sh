# shellcheck shell=bash
# Sourced after the harness: the site of the BGP tests, strongSwan and FRR in `branch`, a session in each tunnel.
PSK=DemoKeyOnlyForTheLab2026
SITE=10.20.0.1
OURS=(10.10.255.4 10.10.255.5)

# charon_of_site: DPD is the seconds of its own; STANDBY: one more speaker behind the first tunnel; SITE_REMOTE_TS, SITE_LOCAL_TS: the selectors of both tunnels; SITE_CHARON: a line of its settings
charon_of_site() {
	lab_charon_start branch-ike branch ${SITE_CHARON:+"$SITE_CHARON"}
	: >"$(lab_charon_dir branch-ike)/swanctl.conf"
	# A speaker each behind a selector of its own; the hosts behind both.
	lab_charon_connection branch-ike gw0 local="$SITE_BRANCH" remote="$SITE_PUBLIC0" psk="$PSK" dpd="${DPD:-30}" \
		local_ts="${SITE_LOCAL_TS:-10.20.0.0/15}" remote_ts="${SITE_REMOTE_TS:-${OURS[0]}/32,${STANDBY:+$STANDBY/32,}10.10.0.0/24}"
	lab_charon_connection branch-ike gw1 local="$SITE_BRANCH" remote="$SITE_PUBLIC1" psk="$PSK" dpd="${DPD:-30}" \
		local_ts="${SITE_LOCAL_TS:-10.20.0.0/15}" remote_ts="${SITE_REMOTE_TS:-${OURS[1]}/32,10.10.0.0/24}"
	lab_charon_load branch-ike
}

# frr_of_site [BEFORE [ROUTER [FAMILY]]]: more lines before the router, of it, of its family. BFD: the profile of its
# sessions
frr_of_site() {
	local ours
	for ours in "${OURS[@]}"; do
		ip -n "${LAB_PREFIX}branch" route replace "$ours/32" dev ipsec0 src "$SITE"
	done
	{
		printf '%b' "${1:-}"
		printf 'router bgp 65010\n bgp router-id %s\n no bgp ebgp-requires-policy\n no bgp network import-check\n' "$SITE"
		echo ' bgp disable-ebgp-connected-route-check'
		for ours in "${OURS[@]}"; do
			printf ' neighbor %s remote-as 65515\n neighbor %s bfd profile %s\n' "$ours" "$ours" "${BFD:-fast}"
			printf ' neighbor %s ebgp-multihop 255\n neighbor %s update-source %s\n' "$ours" "$ours" "$SITE"
			printf ' neighbor %s timers 3 9\n neighbor %s timers connect 2\n' "$ours" "$ours"
			printf ' neighbor %s password bgp-secret\n' "$ours"
		done
		printf '%b' "${2:-}"
		printf ' address-family ipv4 unicast\n  network 10.20.0.0/16\n  network 10.21.0.0/16\n  maximum-paths 4\n'
		printf '%b' "${3:-}"
		printf ' exit-address-family\n'
	} | lab_frr_start branch-frr branch
}

tunnels_up() {
	lab_await 60 lab_charon_up branch-ike gw0 && lab_await 20 lab_charon_up branch-ike gw1
}

site_and_frr() {
	charon_of_site && tunnels_up && frr_of_site "" "" ""
}

# config [JQ]: the demo with BGP, changed further, BFD_MS between its packets; and the command line of it
config() {
	gateway_cli
	gateway_config "$TOP/config/demo.json" "
		.virtualNetworkGateways[0].properties.enableBgp = true
		| .virtualNetworkGateways[0].properties.bgpSettings = { asn: 65515 }
		| .localNetworkGateways[0].properties.localNetworkAddressSpace.addressPrefixes = []
		| .localNetworkGateways[0].properties.bgpSettings =
			{ asn: 65010, bgpPeeringAddress: \"$SITE\", password: \"bgp-secret\", bfdIntervalMilliseconds: ${BFD_MS:-300} }
		| .connections[0].properties.enableBgp = true
		| ${1:-.}"
}

api_result() {
	gateway_result "virtualNetworkGateways/gw/$1"
}

cli() {
	lab_in gw "$LAB_DIR/vpngw" "$@"
}

connected() {
	api_result "getBgpPeerStatus" | jq -e '[.value[] | select(.state == "Connected" and .routesReceived == 2)] | length == 2'
}

bfd_both_up() {
	lab_vtysh frr/i0 'show bfd peers json' | jq -e '[.[] | select(.status == "up")] | length == 2'
}

# bgp_starts SITE CONFIG...: in a lab that is made, our programs and FRR with what CONFIG writes; SITE brings up the other end
bgp_starts() {
	site_gateway_ports
	require "the configuration is good" "${@:2}"
	require "the data plane starts" gateway_start_dataplane
	require "FRR's launcher starts" gateway_start_frr
	require "control starts" gateway_start_control
	require "the site's tunnels and FRR are up" "$1"
}
