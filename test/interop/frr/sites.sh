#!/usr/bin/env bash
# An active-active gateway with many sites (config/examples/multi-site.json with BGP on), each a strongSwan and an FRR: two
# tunnels and two sessions to a site, every site reaches every other through the gateway on routes that it learned; what the
# API says of peers and routes; a site that goes and comes back touches no other, and a restart of both speakers nobody; a network
# that all of them have.
# VPNGW_SITES says how many (12; at most 30). On demand only: two dozen daemons and more want the machine for themselves, else
# tunnels are suspected and made anew.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" sites
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control
COUNT=${VPNGW_SITES:-12}
SAME=10.60 # every site announces it
# shellcheck disable=SC2034 # sites.sh has it
SITES_LOCAL_TS=10.96.0.0/11,$SAME.0.0/16
FLAPS=3 # the site that goes

topology() {
	local n
	vnet_internet && vnet_up gw 0 && sites_up "$COUNT" || return 1
	for ((n = 1; n <= COUNT; n++)); do
		lab_addr "s-$n" lo "$SAME.0.$n/32"
	done
}

config() {
	vnet_config gw 0 "$TOP/config/examples/multi-site.json" "$SITES_JQ sites($COUNT; \"$SITES_KEY\")
		| .virtualNetworkGateways[0].properties += { enableBgp: true, bgpSettings: { asn: 65515 } }"
}

peers() {
	on gw gateway_result virtualNetworkGateways/gw/getBgpPeerStatus
}

connected() {
	[ "$(peers | jq '[.value[] | select(.state == "Connected" and .routesReceived == 1)] | length')" = "$1" ]
}

# Each site has the gateway's network and those of the others, by both sessions.
all_learned() {
	local n
	for ((n = 1; n <= COUNT; n++)); do
		[ "$(sites_learned "$n")" = "$1" ] || { echo "site $n learned $(sites_learned "$n") of $1"; return 1; }
	done
}

every_pair() {
	local n lost=0
	for ((n = 1; n <= COUNT; n++)); do
		# shellcheck disable=SC2016,SC2086 # numbers
		lab_in "s-$n" sh -c 'for m in $(seq 1 $1); do
			[ $m = $0 ] || ping -n -q -c 1 -w 5 -I 10.$((96 + $0)).0.1 10.$((96 + m)).0.1 >/dev/null || { echo "$0 does not reach $m"; exit 1; }
			done' "$n" "$COUNT" || lost=1
	done
	return "$lost"
}

# Exactly what the API has, no property more or less.
PEER_KEYS='["asn","connectedDuration","localAddress","messagesReceived","messagesSent","neighbor","routesReceived","state"]'
ROUTE_KEYS='["asPath","localAddress","network","nextHop","origin","sourcePeer","weight"]'

peers_have_shape() {
	peers >"$LAB_DIR/peers" || return 1
	jq -e --argjson count "$COUNT" "
		(keys == [\"value\"]) and (.value | length == 2 * \$count) and all(.value[]; keys == $PEER_KEYS
			and .asn == 64504 + (.neighbor | split(\".\")[1] | tonumber)
			and (.connectedDuration | test(\"^([0-9]+[.])?[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{7}$\"))
			and .messagesSent > 0 and .messagesReceived > 0)
		and ([.value[].localAddress] | unique == [\"10.10.255.4\", \"10.10.255.5\"])
		and ([.value[] | .localAddress + .neighbor] | unique | length == 2 * \$count)" "$LAB_DIR/peers" || {
		head -c 600 "$LAB_DIR/peers"
		return 1
	}
}

one_peer() {
	[ "$(on gw gateway_result 'virtualNetworkGateways/gw/getBgpPeerStatus?peer=10.98.0.1' | jq -c '[.value[].neighbor] | unique')" = '["10.98.0.1"]' ]
}

learned_has_all() {
	on gw gateway_result virtualNetworkGateways/gw/getLearnedRoutes >"$LAB_DIR/learned" || return 1
	jq -e --argjson count "$COUNT" "
		(keys == [\"value\"]) and all(.value[]; keys == $ROUTE_KEYS and .weight == 32768)
		and ([.value[] | select(.origin == \"EBgp\")] | length == 2 * \$count and all(.[];
			(.network | split(\".\")[1] | tonumber) as \$n | .network == \"10.\(\$n).0.0/16\" and .asPath == \"\(64504 + \$n)\"
			and .nextHop == \"10.\(\$n).0.1\" and .sourcePeer == .nextHop))
		and ([.value[] | select(.origin == \"Network\")] | all(.[]; .asPath == \"\" and .nextHop == \"\" and .sourcePeer == .localAddress)
			and ([.[].network] | unique == [\"10.10.0.0/16\"]))" "$LAB_DIR/learned" || {
		head -c 600 "$LAB_DIR/learned"
		return 1
	}
}

# To site 1: our network and every site's, from both instances (FRR leaves it to the site to refuse its own AS number).
advertised_has_others() {
	on gw gateway_result 'virtualNetworkGateways/gw/getAdvertisedRoutes?peer=10.97.0.1' >"$LAB_DIR/advertised" || return 1
	jq -e --argjson count "$COUNT" "
			(keys == [\"value\"]) and all(.value[]; keys == $ROUTE_KEYS and .nextHop == .localAddress)
			and ([.value[].network] | unique | length == \$count + 1)
			and all(.value[]; .asPath == (if .network == \"10.10.0.0/16\" then \"65515\"
				else \"65515-\(64504 + (.network | split(\".\")[1] | tonumber))\" end))
			and ([.value[].localAddress] | unique | length == 2)" "$LAB_DIR/advertised" || {
		head -c 600 "$LAB_DIR/advertised"
		return 1
	}
}

# By the word of the sites: what their children and sessions are. Without the one that flaps.
others() {
	local n
	for ((n = 1; n <= COUNT; n++)); do
		[ "$n" != "$FLAPS" ] || continue
		lab_swanctl "s-$n-ike" --list-sas | awk -v n="$n" '$1 == "in" || $1 == "out" { print n, $1, $2 }' | sort
		lab_vtysh "s-$n-frr" 'show bgp neighbors json' |
			jq -r --arg n "$n" 'to_entries[] | "\($n) \(.key) \(.value.bgpState) established \(.value.connectionsEstablished) dropped \(.value.connectionsDropped)"'
	done
}

# same GREP-ARGUMENTS: these lines are as before
same() {
	diff <(grep "$@" "$LAB_DIR/before") <(grep "$@" "$LAB_DIR/after")
}

# Every other site pings the next.
pings_start() {
	local n next
	for ((n = 1; n <= COUNT; n++)); do
		[ "$n" != "$FLAPS" ] || continue
		rm -f "$LAB_DIR/ping-$n.log"
		next=$((n % COUNT + 1))
		[ "$next" != "$FLAPS" ] || next=$((next % COUNT + 1))
		lab_start "ping-$n" "s-$n" ping -n -i 0.1 -I "$(sites_inside "$n")" "$(sites_inside "$next")"
	done
}

pings_end() {
	local n lost=0
	for ((n = 1; n <= COUNT; n++)); do
		[ "$n" != "$FLAPS" ] || continue
		lab_ping_end "ping-$n" >>"$LAB_DIR/pings" || lost=1
	done
	awk '{ sent += $2; lost += $4 } END { printf "# pings of the others: %d sent, %d lost\n", sent, lost }' "$LAB_DIR/pings" >&3
	[ "$lost" = 0 ] || cat "$LAB_DIR/pings"
	return "$lost"
}

site_goes() {
	lab_link_down net "s-$FLAPS"
	lab_await 90 connected "$((2 * COUNT - 2))" && lab_await 20 no_way_left
}

no_way_left() {
	[ -z "$(ip -n "${LAB_PREFIX}s-1" route show "10.$((96 + FLAPS)).0.0/16")" ]
}

site_returns() {
	lab_link_up net "s-$FLAPS"
	lab_route "s-$FLAPS" default 203.0.113.254
	lab_await 90 connected "$((2 * COUNT))" && lab_await 60 all_learned "$COUNT"
}

reaches_again() {
	lab_in s-1 ping -n -q -c 1 -w 10 -I 10.97.0.1 "$(sites_inside "$FLAPS")"
}

all_announce_the_same() {
	local n
	for ((n = 1; n <= COUNT; n++)); do
		lab_vtysh "s-$n-frr" 'configure terminal' "router bgp $((64600 + n))" \
			'address-family ipv4 unicast' "network $SAME.0.0/16" || return 1
	done
	lab_await 60 same_by_all main && lab_await 60 same_by_all 7801
}

# Two tunnels to each site have it.
same_by_all() {
	[ "$(ip -n "${LAB_PREFIX}gw" -j route show table "$1" "$SAME.0.0/16" | jq '.[0].nexthops | length')" = $((2 * COUNT)) ]
}

sent_by_tunnel() {
	on gw gateway_api GET /status | jq -c '[.tunnels[] | { key: .name, value: .egressPackets }] | from_entries'
}

# A thousand flows to it, more in each tunnel than BGP says meanwhile.
flows_use_all() {
	sent_by_tunnel >"$LAB_DIR/sent-before"
	lab_in host-gw python3 -c "import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(1000): s.sendto(b'flow', ('$SAME.%d.%d' % (i // 250, i % 250 + 1), 9))"
	lab_await 10 all_sent
}

all_sent() {
	sent_by_tunnel | jq -e --slurpfile before "$LAB_DIR/sent-before" 'to_entries | all(.[]; .value - $before[0][.key] > 5)'
}

# Wherever the answers go: what of each site's arrives at the host.
every_site_is_let_in() {
	local n
	lab_in host-gw nft -f - <<-RULES
		add table inet watch
		add set inet watch seen { type ipv4_addr; flags dynamic; counter; }
		add chain inet watch in { type filter hook input priority -10; }
		add rule inet watch in icmp type echo-request update @seen { ip saddr counter }
	RULES
	for ((n = 1; n <= COUNT; n++)); do
		lab_in "s-$n" ping -n -q -i 0.02 -c 5 -W 0.2 -I "$SAME.0.$n" "${VNET_HOST[0]}" >/dev/null
	done
	lab_await 5 all_seen && return
	lab_in host-gw nft -j list set inet watch seen | jq -c '[.nftables[].set.elem[]?.elem | [.val, .counter.packets]]'
	return 1
}

all_seen() {
	lab_in host-gw nft -j list set inet watch seen |
		jq -e --arg same "$SAME.0." '[.nftables[].set.elem[]?.elem | select((.val | startswith($same)) and .counter.packets == 5)] | length == '"$COUNT"
}

speaker_pids() {
	local dir
	dir=$(on gw gateway_dir)/frr
	cat "$dir/i0/bgpd.pid" "$dir/i1/bgpd.pid"
}

new_speakers() {
	local pid
	[ "$(speaker_pids)" != "$1" ] && for pid in $(speaker_pids); do kill -0 "$pid" || return 1; done
}

# Both at once; the sites wait for them (RFC 4724).
speakers_die() {
	local before
	before=$(speaker_pids)
	rm -f "$LAB_DIR/pings"
	# shellcheck disable=SC2086
	kill -KILL $before
	lab_await 30 new_speakers "$before"
}

all_sessions_again() {
	lab_await 120 connected "$((2 * COUNT))" && lab_await 120 all_learned "$COUNT"
}

exec 3>&1
require "a gateway and $COUNT sites are made" topology
require "the configuration is good" config
require "the data plane starts" on gw gateway_start_dataplane
require "FRR's launcher starts" on gw gateway_start_frr
require "every site has its strongSwan and FRR" sites_start "$COUNT"
require "control starts" on gw gateway_start_control
require "two tunnels to each site are up" lab_await 120 vnet_connected gw "$((2 * COUNT))"
require "two sessions with each site are up" lab_await 120 connected "$((2 * COUNT))"
require "each site learned the networks of all others, by both sessions" lab_await 120 all_learned "$COUNT"
expect "every site reaches every other" every_pair
expect "peer status has the API's shape, for every session" peers_have_shape
expect "and can be asked for one peer" one_peer
expect "learned routes have the API's shape, for every session" learned_has_all
expect "advertised routes have the API's shape, and the others' networks" advertised_has_others
others >"$LAB_DIR/before"
expect "SPIs and sessions of the others are known" test "$(grep -c Established "$LAB_DIR/before")" = "$((2 * (COUNT - 1)))"
pings_start
expect "a site goes, and its network with it" site_goes
expect "it comes back, and its network with it" site_returns
expect "it is reached again" reaches_again
expect "no ping between the others was lost" pings_end
others >"$LAB_DIR/after"
expect "the others have the sessions that they had" same Established
expect "and the SPIs" same -v Established
pings_start
expect "both speakers are killed and come again" speakers_die
expect "all sessions come back, with all networks" all_sessions_again
expect "no ping was lost meanwhile" pings_end
expect "every site announces the same network" all_announce_the_same
expect "flows to it go to all of them" flows_use_all
expect "and what comes out of it is let in from each" every_site_is_let_in
finish
