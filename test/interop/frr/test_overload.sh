#!/usr/bin/env bash
# Twice the traffic that the SKU carries, both ways, and no session flaps: IKE with liveness checks and rekeys, BGP and BFD
# in both tunnels, pings to the gateway inside the tunnel. VPNGW_OVERLOAD is how long, in seconds (3600: the long form).
# The limit is low, so that a busy machine carries its double: what is lost is then what the limit refused. The long form
# asks for a BFD packet a second: three of 300 ms are less than a shared machine stands still once in an hour.
. "$(dirname "$0")/../../system/harness.sh" overload
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control cli
command -v iperf3 >/dev/null || { echo "skipped: iperf3 is not installed"; exit 77; }
SECONDS_OVER=${VPNGW_OVERLOAD:-20}
LIMIT_MBPS=5
PAYLOAD=1200
# shellcheck disable=SC2034  # of bgp_site.sh
DPD=2 BFD=calm BFD_MS=300
# shellcheck disable=SC2034
[ "$SECONDS_OVER" -lt 600 ] || BFD=slow BFD_MS=1000
# shellcheck source=bgp_site.sh
. "$(dirname "$0")/bgp_site.sh"

catalogue() {
	jq ".skus += [.skus[0] * { name: \"Lab\", throughputMbps: $LIMIT_MBPS } | .features -= [\"zones\"]]" "$TOP/config/skus.json" >"$LAB_DIR/skus.json"
	chmod 0644 "$LAB_DIR/skus.json"
}

counters() {
	lab_vtysh "$1" 'show bfd peers counters json' | jq -S '[.[] | [.peer, ."session-down"]]' &&
		lab_vtysh "$1" 'show bgp neighbors json' | jq -S '[.[] | [.bgpNeighborAddr // "", .connectionsDropped]]'
}

# What no flap changes: when tunnels were established, how often sessions went down.
sessions() {
	gateway_api GET /status | jq -S '[.tunnels[] | [.name, .connectionStatus, .establishedMs, .suspect]]' && counters branch-frr
}

flood() {
	lab_start "server-$1" "$2" iperf3 --server --one-off --forceflush
	lab_await_line "server-$1" 5 'Server listening' || return 1
	lab_start "flood-$1" "$1" iperf3 --client "$3" --udp --bitrate "${LIMIT_MBPS}M" --length "$PAYLOAD" --time "$SECONDS_OVER" --json
}

flood_starts() {
	flood host-a host-b "$SITE_HOST_B" && flood host-b host-a "$SITE_HOST_A" &&
		lab_start own branch ping -n -q -i 0.2 -I "$SITE" "${OURS[0]}"
}

rekeys() {
	gateway_api POST "/connections/to-branch/$1" '{}' >/dev/null
}

# New keys of both kinds while it is flooded, in turn, three times or once a minute.
flood_ends() {
	local every=$((SECONDS_OVER / 4)) what=rekey
	[ "$every" -lt 60 ] || every=60
	while [ $((EPOCHSECONDS - FLOODED + every * 3 / 2)) -lt "$SECONDS_OVER" ]; do
		lab_await_end "$(lab_pid flood-host-a)" "$every" && { echo "the flood ended early"; return 1; }
		rekeys "$what" && REKEYS=$((REKEYS + 1))
		[ "$what" = rekey ] && what=rekeyike || what=rekey
	done
	printf '# %s rekeys\n' "$REKEYS" >&3
	lab_await_end "$(lab_pid flood-host-a)" $((every * 2 + 20)) && lab_await_end "$(lab_pid flood-host-b)" 20
}

dropped() {
	gateway_api GET /metrics | sed -n "s/^vpngw_dropped_packets_total{.*reason=\"$1\"} //p"
}

# What the limit refused was the floods': no more than they lost, so nothing of ours; nor did the mirrors refuse any. iperf3
# does not count what was lost after the last that arrived, nor its own TCP: a few.
refused_only_floods() {
	local lost limit policed
	lost=$(jq -s 'map(.end.sum.lost_packets) | add' "$LAB_DIR"/flood-host-{a,b}.log)
	limit=$(dropped limit) policed=$(dropped mirror_policed)
	printf '# packets lost by the floods: %s, refused by the limit: %s, by the mirrors: %s\n' "$lost" "$limit" "$policed" >&3
	[ "$limit" -gt 0 ] && [ "$limit" -le $((lost + 40)) ] && [ "$policed" = 0 ]
}

# Of inner IP bytes, what arrived both ways in Mbit/s; the limit's worth, and half of what was sent was refused.
was_over() {
	jq -s --argjson n "$PAYLOAD" --argjson limit "$LIMIT_MBPS" '
		map(.end.sum) | { carried: (map((.packets - .lost_packets) * ($n + 28) * 8 / .seconds / 1e6) | add),
			sent: (map(.packets * ($n + 28) * 8 / .seconds / 1e6) | add) }
		| ., (.carried > $limit * 0.95 and .carried < $limit * 1.02 and .sent > $limit * 1.9)' \
		"$LAB_DIR"/flood-host-{a,b}.log >"$LAB_DIR/rates"
	jq -c 'objects' "$LAB_DIR/rates" | sed 's/^/# Mbit\/s /' >&3
	cat "$LAB_DIR/rates"
	tail -n 1 "$LAB_DIR/rates" | grep -q true
}

pings_own() {
	kill -INT "$(lab_pid own)" && lab_await_end "$(lab_pid own)" 5
	tail -n 3 "$LAB_DIR/own.log"
	grep -q ' 0% packet loss' "$LAB_DIR/own.log"
}

same_sessions() {
	sessions >"$LAB_DIR/after" && diff "$LAB_DIR/before" "$LAB_DIR/after" &&
		fails grep 'BFD is down\|liveness\|Connected -> ' <(tail -n "+$LOGGED" "$LAB_DIR/control.log")
}

exec 3>&1
require "the site is made" site_up
catalogue
bgp_starts site_and_frr config ".appliance.skuFile = \"$LAB_DIR/skus.json\"
	| .virtualNetworkGateways[0].properties.sku = { name: \"Lab\" }
	| .connections[0].properties.dpdTimeoutSeconds = 9"
require "both sessions are up, two routes each" lab_await 40 connected
require "BFD is up in both tunnels" lab_await 30 bfd_both_up
require "traffic flows on learned routes" lab_ping host-a "$SITE_HOST_B" 5
sessions >"$LAB_DIR/before"
LOGGED=$(($(wc -l <"$LAB_DIR/control.log") + 1)) FLOODED=$EPOCHSECONDS REKEYS=0
require "twice the limit is sent" flood_starts
expect "for $SECONDS_OVER s, with new keys in between" flood_ends
expect "the limit's worth arrived, half was over it" was_over
expect "all that the limit refused was the floods'" refused_only_floods
expect "every ping to the gateway's own address was answered" pings_own
expect "no session flapped" same_sessions
expect "both BGP sessions are up with their routes" connected
finish
