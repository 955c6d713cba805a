# shellcheck shell=bash
# Many light sites of one active-active gateway: a namespace each with strongSwan and FRR, on one network of the internet.
# Site N (1...) is s-N: 203.0.113.(10+N) outside, 10.(96+N).0.1 inside, where its speaker is too, AS 64600+N.
SITES_SPEAKERS=(10.10.255.4 10.10.255.5) # the gateway's, one for each of its addresses
SITES_KEY=KeyOfSiteNumber

sites_inside() {
	printf '10.%d.0.1' $((96 + $1))
}

sites_outside() {
	printf '203.0.113.%d' $((10 + $1))
}

# Namespaces and cables: sites_up COUNT
sites_up() {
	local n
	ip -n "${LAB_PREFIX}net" link add sites type bridge && ip -n "${LAB_PREFIX}net" link set sites up &&
		lab_addr net sites 203.0.113.254/24 || return 1
	for ((n = 1; n <= $1; n++)); do
		lab_ns "s-$n" router
		lab_cable net "s-$n" "s-$n" wan
		ip -n "${LAB_PREFIX}net" link set "s-$n" master sites
		lab_addr "s-$n" wan "$(sites_outside "$n")/24"
		lab_addr "s-$n" lo "$(sites_inside "$n")/32"
		lab_route "s-$n" default 203.0.113.254 || return 1
	done
}

# As jq: sites(COUNT) makes every site and its connection of gateway "gw" with BGP in it.
# shellcheck disable=SC2016,SC2034 # jq's; used by who sources this
SITES_JQ='def sites($count; $key):
	.localNetworkGateways = [range(1; $count + 1) | { name: "site-\(.)", properties: {
		gatewayIpAddress: "203.0.113.\(10 + .)", localNetworkAddressSpace: { addressPrefixes: [] },
		bgpSettings: { asn: (64600 + .), bgpPeeringAddress: "10.\(96 + .).0.1", keepaliveSeconds: 10, holdSeconds: 30, bfdIntervalMilliseconds: 0 } } }]
	| .connections = [range(1; $count + 1) | { name: "to-site-\(.)", properties: { connectionType: "IPsec", enableBgp: true,
		virtualNetworkGateway1: "gw", localNetworkGateway2: "site-\(.)", sharedKey: "\($key)\(.)" } }];'

# The routes are FRR's alone. A speaker each behind a selector of its own; everything else by either.
sites_charon() {
	local n=$1 i public=("$SITE_PUBLIC0" "$SITE_PUBLIC1")
	lab_charon_start "s-$n-ike" "s-$n" 'install_routes = no' || return 1
	: >"$(lab_charon_dir "s-$n-ike")/swanctl.conf"
	for i in 0 1; do
		lab_charon_connection "s-$n-ike" "gw$i" local="$(sites_outside "$n")" remote="${public[i]}" psk="$SITES_KEY$n" dpd=30 \
			local_ts="${SITES_LOCAL_TS:-10.$((96 + n)).0.0/16}" remote_ts="${SITES_SPEAKERS[i]}/32,10.10.0.0/24,10.96.0.0/11"
	done
	lab_charon_load "s-$n-ike"
}

# Once the TUN is there.
sites_frr() {
	local n=$1 inside speaker
	inside=$(sites_inside "$n")
	for speaker in "${SITES_SPEAKERS[@]}"; do
		ip -n "${LAB_PREFIX}s-$n" route replace "$speaker/32" dev ipsec0 src "$inside" || return 1
	done
	{
		printf 'router bgp %d\n bgp router-id %s\n no bgp ebgp-requires-policy\n no bgp network import-check\n bgp disable-ebgp-connected-route-check\n' $((64600 + n)) "$inside"
		for speaker in "${SITES_SPEAKERS[@]}"; do
			printf ' neighbor %s remote-as 65515\n neighbor %s ebgp-multihop 255\n' "$speaker" "$speaker"
			printf ' neighbor %s update-source %s\n' "$speaker" "$inside"
			printf ' neighbor %s timers 10 30\n neighbor %s timers connect 2\n' "$speaker" "$speaker"
		done
		printf ' address-family ipv4 unicast\n  network 10.%d.0.0/16\n  maximum-paths 4\n exit-address-family\n' $((96 + n))
	} | LAB_FRR_DAEMONS="zebra bgpd" lab_frr_start "s-$n-frr" "s-$n"
}

sites_one() {
	if ! { sites_charon "$1" && lab_await 30 sites_tun "$1" && sites_frr "$1"; }; then
		lab_fail "site $1 did not start"
	fi
}

# All of COUNT, four at a time: sites_start COUNT
sites_start() {
	local n pid failed=0 pids=()
	for ((n = 1; n <= $1; n++)); do
		sites_one "$n" &
		pids+=($!)
		[ $((n % 4)) = 0 ] || [ "$n" = "$1" ] || continue
		for pid in "${pids[@]}"; do
			wait "$pid" || failed=1
		done
		pids=()
	done
	return $failed
}

sites_tun() {
	ip -n "${LAB_PREFIX}s-$1" link show ipsec0 >/dev/null 2>&1
}

# Networks that a site learned by both its sessions.
sites_learned() {
	ip -n "${LAB_PREFIX}s-$1" -j route show proto bgp | jq '[.[] | select((.nexthops | length) == 2)] | length'
}
