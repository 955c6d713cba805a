# shellcheck shell=bash
# The branch of site.sh with BGP and BFD in both tunnels of the gateway: a strongSwan for each tunnel, so that each has a
# TUN of its own and Linux hashes flows over both, and one FRR. The gateway only answers: the second strongSwan has no
# well-known port to dial to.
PAIR_SPEAKER=10.20.0.1
PAIR_OURS=(10.10.255.4 10.10.255.5) # the gateway's speakers: in GatewaySubnet of config/demo.json

# What config/demo.json becomes, for gateway_config.
pair_config() {
	cat <<-JQ
		.virtualNetworkGateways[0].properties.enableBgp = true
		| .virtualNetworkGateways[0].properties.bgpSettings = { asn: 65515 }
		| .localNetworkGateways[0].properties.localNetworkAddressSpace.addressPrefixes = []
		| .localNetworkGateways[0].properties.bgpSettings = { asn: 65010, bgpPeeringAddress: "$PAIR_SPEAKER" }
		| .connections[0].properties.enableBgp = true
		| .connections[0].properties.connectionMode = "ResponderOnly"
	JQ
}

# The strongSwan of one tunnel, which dials and goes on dialling: pair_device 0|1 PSK
pair_device() {
	local remote=SITE_PUBLIC$1 ports=''
	[ "$1" = 0 ] || ports='port = 0
			port_nat_t = 0'
	lab_charon_start "pair$1-ike" branch "routing_table_prio = 40000
			$ports" || return 1
	: >"$(lab_charon_dir "pair$1-ike")/swanctl.conf"
	lab_charon_connection "pair$1-ike" "gw$1" local="$SITE_BRANCH" remote="${!remote}" psk="$2" dpd=30 start=start \
		local_ts=10.20.0.0/15 remote_ts="${PAIR_OURS[$1]}/32,10.10.0.0/24"
	lab_charon_load "pair$1-ike" &&
		ip -n "${LAB_PREFIX}branch" addr add "$PAIR_SPEAKER" peer "${PAIR_OURS[$1]}" dev "ipsec$1"
}

# FRR over both, which comes up with the tunnels.
pair_frr() {
	local ours
	lab_in branch sysctl -qw net.ipv4.fib_multipath_hash_policy=1
	{
		printf 'router bgp 65010\n bgp router-id %s\n no bgp ebgp-requires-policy\n no bgp network import-check\n' "$PAIR_SPEAKER"
		for ours in "${PAIR_OURS[@]}"; do
			printf ' neighbor %s remote-as 65515\n neighbor %s bfd profile fast\n' "$ours" "$ours"
			printf ' neighbor %s ebgp-multihop 255\n neighbor %s update-source %s\n' "$ours" "$ours" "$PAIR_SPEAKER"
			printf ' neighbor %s timers 3 9\n neighbor %s timers connect 1\n' "$ours" "$ours"
		done
		printf ' address-family ipv4 unicast\n  network 10.20.0.0/16\n  maximum-paths 4\n exit-address-family\n'
	} | lab_frr_start pair-frr branch
}

# Both tunnels are in the routes of both ends.
pair_is_whole() {
	[ "$(ip -n "${LAB_PREFIX}gw" route show 10.20.0.0/16 | grep -c nexthop)" = 2 ] &&
		[ "$(ip -n "${LAB_PREFIX}branch" route show 10.10.0.0/16 | grep -c nexthop)" = 2 ]
}

# The last that BFD said of each tunnel.
pair_bfd_is_up() {
	local address
	for address in $SITE_PUBLIC0 $SITE_PUBLIC1; do
		grep "BFD is .* $address " "$LAB_DIR/control.log" | tail -n 1 | grep -q 'BFD is up' || return 1
	done
}
