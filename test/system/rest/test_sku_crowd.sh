#!/usr/bin/env bash
# The aggregate limit of a SKU over real ports with thirty tunnels that share it: more is sent than it lets through, on the way
# out, on the way in, and both at once, and counted on the wire on either side of the gateway. Never more than 2 % above; that
# it is reached within 2 %, and that the tunnels have equal parts, is asked of a machine that can carry it:
# VPNGW_SKUS="VpnGw1 VpnGw2 VpnGw3" on a quiet one; without it only the smallest that has thirty.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" skucrowd
skip_unless gateway_missing control dataplane
# shellcheck source=rate.sh
. "$(dirname "$0")/rate.sh"
command -v nft >/dev/null || { echo "skipped: nft is not installed"; exit 77; }
CROWD=$LAB_BUILD/test/tools/ikev2_crowd
[ -x "$CROWD" ] || { echo "skipped: $CROWD is not built"; exit 77; }
COUNT=30
PAYLOAD=1372 # 1400 bytes of IP
COPIES=40000 # and N: a packet to this port comes back N times
SKUS=${VPNGW_SKUS:-HighPerformance}
SITES=$(seq -s , -f '10.0.%g.1' 0 $((COUNT - 1)))

# The first of the SKUs, and rings that hold what waits for a busy machine.
prepared() {
	crowd_config "$COUNT" >"$LAB_DIR/crowd.json" && gateway_config "$LAB_DIR/crowd.json" "
		.virtualNetworkGateways[0].properties.sku = { name: \"${SKUS%% *}\" } |
		.appliance.ports[].device |= sub(\"framecnt=2048\"; \"framecnt=16384\")" || return 1
	lab_addr host eth0 172.16.0.10/24
	lab_route host default 172.16.0.1
}

mbits_of() {
	gateway_api GET /skus | jq --arg n "$1" '[.value[] | select(.name == $n)][0].aggregateThroughputMbps'
}

bytes_of() { # egress or ingress
	gateway_api GET /status | jq -c "[.tunnels | sort_by(.name)[] | .$1Bytes]"
}

# The smallest and the largest part of what the tunnels carried, against an equal one.
parts() {
	jq -n --argjson a "$1" --argjson b "$2" '[$b, $a] | transpose | map(.[0] - .[1]) | (add / length) as $mean |
		[min / $mean, max / $mean] | map(. * 100 | round / 100)'
}

mbits() { # packets a second
	awk -v r="$1" -v n=$((PAYLOAD + 28)) 'BEGIN { printf "%.2f", r * n * 8 / 1e6 }'
}

# The peers need not be as fast as the gateway: what was counted goes no further. spare add|delete
spare() {
	lab_in crowd nft "$1" table ip spare && [ "$1" = delete ] && return
	lab_in crowd nft 'add chain ip spare input { type filter hook input priority 0; }' &&
		lab_in crowd nft add rule ip spare input ip protocol esp meta length gt 1000 drop
}

# shares WHAT LIMIT OFFERED COPIES WAYS: OFFERED Mbit/s are sent into the tunnels and come back COPIES times; of WAYS ("out",
# "in", "both") no second has more than the limit allows, and one has all of it.
shares() {
	local what=$1 limit=$2 copies=$4 ways=$5 start second out in sum reached=false before after way=egress
	[ "$ways" != in ] || way=ingress
	[ "$ways" != out ] || spare add || return 1
	lab_start load host python3 "$RATE" send "$SITES" $((COPIES + copies)) "$PAYLOAD" $(($3 * 1000000 / 8 / (PAYLOAD + 28))) "$LAB_DIR/sent"
	start=$(date +%s)
	before=$(bytes_of "$way")
	for second in 2 3 4 5 6; do
		out=$(mbits "$(wire_rate "$start" "$second" outside)") && in=$(mbits "$(wire_rate "$start" "$second" inside)") || return 1
		case $ways in
		out) sum="$out" ;;
		in) sum=$in ;;
		*) sum=$(awk -v a="$out" -v b="$in" 'BEGIN { print a + b }') ;;
		esac
		printf '# %s: out %s, in %s, of %s Mbit/s\n' "$what" "$out" "$in" "$limit" >&3
		echo "out $out, in $in: $sum of $limit Mbit/s"
		awk -v r="$sum" -v l="$limit" 'BEGIN { exit !(r <= 1.02 * l) }' || return 1
		awk -v r="$sum" -v l="$limit" 'BEGIN { exit !(r >= 0.98 * l) }' && reached=true
	done
	after=$(bytes_of "$way")
	lab_stop load
	[ "$ways" != out ] || spare delete
	printf '# %s: %s packets/s were sent\n' "$what" "$(($(cat "$LAB_DIR/sent") / ($(date +%s) - start)))" >&3
	printf '# %s: parts of the tunnels, smallest and largest: %s\n' "$what" "$(parts "$before" "$after" | tr -d ' \n')" >&3
	$reached && parts "$before" "$after" | jq -e '.[0] > 0.9 and .[1] < 1.1'
}

# Both ways count in one, as Azure's limits do.
out_and_both() {
	local limit
	limit=$(mbits_of "$1") || return 1
	is_sku "$1" || resize "$1" || { cat "$LAB_DIR/answer"; return 1; }
	shares "$1 out" "$limit" $((limit * 130 / 100)) 0 out && shares "$1 both" "$limit" $((limit * 65 / 100)) 1 both
}

# Each way for itself: out there is room, in there is not.
inbound() {
	local limit
	limit=$(mbits_of "$1") || return 1
	is_sku "$1" || resize "$1" || { cat "$LAB_DIR/answer"; return 1; }
	shares "$1 in" "$limit" $((limit * 40 / 100)) 3 in
}

each_way() {
	jq '.appliance.limitDirection = "each"' "$LAB_DIR/vpngw.json" >"$LAB_DIR/each.json" && cp "$LAB_DIR/each.json" "$LAB_DIR/vpngw.json" &&
		kill -HUP "$(lab_pid control)" && lab_await 5 limits_each
}

limits_each() {
	gateway_api GET /config | jq -e '.appliance.limitDirection == "each"'
}

exec 3>&1
require "a site with $COUNT peers is made" crowd_up
require "the configuration is accepted" prepared
require "the data plane starts" gateway_start_dataplane
require "the peers listen" crowd_start "$CROWD"
require "the control program starts" gateway_start_control
require "all $COUNT tunnels are up" lab_await 60 crowd_is_up "$COUNT"
wire_watch outside crowd net
wire_watch inside host eth0
for sku in $SKUS; do
	expect "$sku: thirty tunnels have what it says together, 2 % more or less, and equal parts" out_and_both "$sku"
done
require "the limit is each way's own" each_way
for sku in $SKUS; do
	expect "$sku: so it is on the way in" inbound "$sku"
done
finish
