#!/usr/bin/env bash
# A private circuit beside the VPN (ExpressRoute): FRR at the circuit's far side and in the tunnels of a site with
# strongSwan. Preference, longest prefix, failover and return with the loss counted, tunnels over the circuit. VPNGW_BFD is the
# circuit's BFD interval in ms: 300 stands a machine that does other work; with 100 the figures of the README were taken.
. "$(dirname "$0")/../../system/harness.sh" circuit
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control cli
# shellcheck source=bgp_site.sh
. "$(dirname "$0")/bgp_site.sh"

BFD_MS=${VPNGW_BFD:-300}
CIRCUIT=172.16.0.1
FAR=172.16.0.2
PRIVATE=172.16.10.1   # the site's end of tunnels over the circuit
PRIVATE_HOST=10.22.0.1 # behind them
LONG_HOST=10.20.7.1    # of the prefix that only the VPN has, longer than the circuit's

circuit_up() {
	lab_cable branch er gw vger0 && lab_addr branch er "$FAR/30" && lab_dpdk_end gw vger0 &&
		lab_addr branch lo "$PRIVATE/32" && lab_addr branch lo "$PRIVATE_HOST/32" && lab_addr branch lo "$LONG_HOST/32" &&
		lab_in branch ip route add default via "$CIRCUIT" table 50 &&
		lab_in branch ip rule add from "$PRIVATE" lookup 50 prio 90 &&
		# FRR says where the site's packets go: strongSwan's table comes after.
		lab_in branch ip rule add from 10.20.0.0/15 to 10.10.0.0/24 lookup main prio 91
}

with_circuit() {
	config '.appliance.ports += [{ name: "er0", device: "net_af_packet3,iface=vger0,qdisc_bypass=1,framecnt=1024",
			role: "circuit", addresses: ["'"$CIRCUIT"'/30"], bgpSettings: { asn: 65010, bgpPeeringAddress: "'"$FAR"'",
				bfdIntervalMilliseconds: '"$BFD_MS"' } }]
		| .virtualNetworkGateways[0].properties.enablePrivateIpAddress = true
		| .localNetworkGateways += [{ name: "branch-private", properties: { gatewayIpAddress: "'"$PRIVATE"'",
			localNetworkAddressSpace: { addressPrefixes: ["10.22.0.0/24"] } } }]
		| .connections += [.connections[0] * { name: "to-branch-private", properties: { enableBgp: false,
			useLocalAzureIpAddress: true, localNetworkGateway2: { id: "branch-private" } } }]'
}

site_and_circuit() {
	local ours
	charon_of_site
	for ours in 0 1; do
		lab_charon_connection branch-ike "private$ours" local="$PRIVATE" remote="${OURS[$ours]}" psk="$PSK" dpd=30 \
			local_ts=10.22.0.0/24 remote_ts=10.10.0.0/24
	done
	lab_charon_load branch-ike
	tunnels_up || return 1
	frr_of_site "ip prefix-list LONG seq 5 deny 10.20.7.0/24\nip prefix-list LONG seq 10 permit any\nroute-map BEST permit 10\n set local-preference 200\nexit\n" \
		" neighbor $CIRCUIT remote-as 65515\n neighbor $CIRCUIT bfd profile fast\n neighbor $CIRCUIT timers 3 9\n neighbor $CIRCUIT timers connect 1\n" \
		"  network 10.20.7.0/24\n  neighbor $CIRCUIT route-map BEST in\n  neighbor $CIRCUIT prefix-list LONG out\n"
}

# best PREFIX ORIGIN: what the gateway would take for it
best() {
	gateway_api GET /routes | jq -e --arg prefix "$1" --arg origin "$2" \
		'.value[] | select(.prefix == $prefix and .best) | .origin == $origin'
}

site_goes() {
	ip -n "${LAB_PREFIX}branch" -j route show 10.10.0.0/16 | jq -e --arg dev "$1" '[.. | .dev? // empty] | unique == [$dev]'
}

# Both sides send by the circuit, or by the VPN.
all_by_circuit() {
	best 10.20.0.0/16 circuit && site_goes er
}

all_by_vpn() {
	best 10.20.0.0/16 bgp && site_goes ipsec0
}

circuit_is() {
	gateway_api GET /circuits | jq -e --arg state "$1" '.value[0] | .port == "er0" and .state == $state and .routesReceived == (if $state == "Connected" then 2 else 0 end)'
}

tunnel_packets() {
	gateway_api GET /status | jq --arg connection "$1" '[.tunnels[] | select(.connection == $connection) | .ingressPackets + .egressPackets] | add'
}

# by_tunnel CONNECTION HOST YES: pings use its tunnels, or (no) do not
by_tunnel() {
	local before after
	before=$(tunnel_packets "$1")
	lab_in host-a ping -n -q -c 400 -i 0.002 -w 10 "$2" || return 1
	after=$(tunnel_packets "$1")
	printf '%s packets in the tunnels of %s\n' $((after - before)) "$1"
	# BGP and BFD are in the tunnels too.
	if [ "$3" = yes ]; then [ $((after - before)) -ge 400 ]; else [ $((after - before)) -lt 400 ]; fi
}

# pings_lost WORD MOST: ends the pings; says how many were lost into LAB_DIR/losses, fails above MOST
pings_lost() {
	local name line total=0 most=$2
	for name in ping-a ping-b; do
		line=$(lab_ping_end "$name")
		printf '# %s: %s\n' "$1" "$line" | tee -a "$LAB_DIR/losses"
		line=${line% lost}
		total=$((total + ${line##*, }))
		rm -f "$LAB_DIR/$name.log"
	done
	[ "$total" -le "$most" ]
}

# Both directions carry after what has happened: so many more answers on either side.
flows() {
	local name
	for name in ping-a ping-b; do
		lab_await 15 answered "$name" $(($(answers "$name") + 50)) || return 1
	done
}

answers() {
	grep -c 'bytes from' "$LAB_DIR/$1.log"
}

answered() {
	[ "$(answers "$1")" -ge "$2" ]
}

# The pings go every 5 ms from either side. At the failure those are lost that were sent until both sides had gone
# over; at the return none is.
goes_over() {
	site_pings_start
	lab_await_line ping-b 5 icmp_seq=20
	"$@" && lab_await 15 all_by_vpn && flows && pings_lost "$WHAT, failure" 800
}

comes_back() {
	site_pings_start
	lab_await_line ping-b 5 icmp_seq=20
	"$@" && lab_await 30 all_by_circuit
	local rc=$?
	flows && pings_lost "$WHAT, return" 0 && return "$rc"
}

new_speaker() {
	local now
	now=$(cat "$LAB_DIR/frr/er/bgpd.pid") && [ "$now" != "$1" ] && kill -0 "$now"
}

# Our kernel has a prefix by the circuit's speaker.
circuit_has() {
	[ -n "$(ip -n "${LAB_PREFIX}gw" route show table 7800 "$1")" ]
}

# Ours at the circuit is killed and comes again: neither side lets go of the other's routes. It is away until the site has
# withdrawn one.
speaker_dies() {
	local before rc=0 zebra
	before=$(cat "$LAB_DIR/frr/er/bgpd.pid")
	zebra=$(cat "$LAB_DIR/frr/i0/zebra.pid")
	session 'address-family ipv4 unicast' 'network 10.23.0.0/16'
	lab_await 20 circuit_has 10.23.0.0/16 || return 1
	site_pings_start
	lab_await_line ping-b 5 icmp_seq=20
	lab_start routes-site branch ip monitor route
	kill -KILL "$before"
	session 'address-family ipv4 unicast' 'no network 10.23.0.0/16'
	lab_await 20 new_speaker "$before" && lab_await 40 circuit_is Connected && all_by_circuit && flows || rc=1
	kill "$(lab_pid routes-site)"
	pings_lost "$WHAT" 0 || rc=1
	! grep '^Deleted 10.10.0.0/16' "$LAB_DIR/routes-site.log" || rc=1
	[ "$(cat "$LAB_DIR/frr/i0/zebra.pid")" = "$zebra" ] && kill -0 "$zebra" && return "$rc"
}

# It stays away, and then the link goes as well: what was kept goes with it.
link_goes_without_speaker() {
	kill -STOP "$(lab_pid frr)"
	kill -KILL "$(cat "$LAB_DIR/frr/er/bgpd.pid")"
	lab_await 10 circuit_is Unknown || return 1
	best 10.20.0.0/16 circuit || return 1
	lab_link_down branch er
	lab_await 10 best 10.20.0.0/16 bgp
}

speaker_and_link_return() {
	kill -CONT "$(lab_pid frr)"
	plug_in && lab_await 60 circuit_is Connected && lab_await 40 all_by_circuit
}

# With the interface its route of the private tunnels' own table had gone.
plug_in() {
	lab_link_up branch er && lab_in branch ip route replace default via "$CIRCUIT" table 50
}

silence() {
	lab_in branch nft -f - <<-RULES
		add table netdev lab
		add chain netdev lab in { type filter hook ingress device er priority 0; }
		add rule netdev lab in drop
		add table inet lab
		add chain inet lab out { type filter hook postrouting priority 0; }
		add rule inet lab out oifname er drop
	RULES
}

unsilence() {
	lab_in branch nft delete table netdev lab
	lab_in branch nft delete table inet lab
}

session() {
	lab_vtysh branch-frr 'configure terminal' 'router bgp 65010' "$@"
}

private_up() {
	[ "$(gateway_api GET /status | jq '[.tunnels[] | select(.connection == "to-branch-private" and .connectionStatus == "Connected")] | length')" = 2 ]
}

require "the site is made" site_up
require "and a circuit to it" circuit_up
bgp_starts site_and_circuit with_circuit
require "the circuit's session is up" lab_await 40 circuit_is Connected
require "both sides send by the circuit" lab_await 40 all_by_circuit
expect "the VPN's route stands beside it" lab_await 20 sh -c "ip -n ${LAB_PREFIX}gw route show 10.20.0.0/16 | grep -q vg-tun"
expect "traffic flows by the circuit" by_tunnel to-branch "$SITE_HOST_B" no
expect "the command line shows the circuit" lab_await 20 says Connected cli circuits
expect "metrics show it" lab_await 20 says 'vpngw_circuit_bgp_up{port="er0"} 1' gateway_api GET /metrics
expect "a longer prefix of the VPN wins" lab_await 20 best 10.20.7.0/24 bgp
expect "and its traffic is in the tunnels" by_tunnel to-branch "$LONG_HOST" yes
expect "tunnels over the circuit are up" lab_await 30 private_up
expect "their traffic flows" by_tunnel to-branch-private "$PRIVATE_HOST" yes
WHAT="link down"
expect "the link goes down: the VPN takes over" goes_over lab_link_down branch er
expect "traffic flows in the tunnels" by_tunnel to-branch "$SITE_HOST_B" yes
expect "the link comes back: nothing is lost" comes_back plug_in
WHAT="silent loss (BFD)"
expect "the path dies silently: the VPN takes over" goes_over silence
expect "it heals: nothing is lost" comes_back unsilence
WHAT="BGP session ended"
expect "the session ends: the VPN takes over" goes_over session "neighbor $CIRCUIT shutdown"
expect "it comes back: nothing is lost" comes_back session "no neighbor $CIRCUIT shutdown"
WHAT="our speaker killed"
expect "our speaker is killed and comes again: nothing is lost" speaker_dies
expect "what was withdrawn meanwhile goes" lab_await 60 fails circuit_has 10.23.0.0/16
expect "it is killed and the link goes: the VPN takes over" link_goes_without_speaker
expect "both come back" speaker_and_link_return
expect "tunnels over the circuit come back too" lab_await 30 private_up
expect "and carry" lab_await 45 by_tunnel to-branch-private "$PRIVATE_HOST" yes
cat "$LAB_DIR/losses" 2>/dev/null
finish
