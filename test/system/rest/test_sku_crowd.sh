#!/usr/bin/env bash
# The aggregate limit of a SKU over real ports with thirty tunnels that share it, and with one: more is sent than it lets
# through, on the way out, on the way in, and both at once, and counted on the wire on either side of the gateway. Never more
# than 2 % above; that it is reached within 2 %, and that the tunnels have equal parts, is asked of a machine that can carry it:
# VPNGW_SKUS="VpnGw1 VpnGw2 VpnGw3" on a quiet one; without it only the smallest that has thirty.
# The senders (test/tools/flood on the inside, the crowd's flood outside) write frames to the cable, and what was counted is
# dropped where it arrives, but for a sample outside, which the peers open: so the machine's time is left to the gateway.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" skucrowd
skip_unless gateway_missing control dataplane
# shellcheck source=rate.sh
. "$(dirname "$0")/rate.sh"
command -v nft >/dev/null || { echo "skipped: nft is not installed"; exit 77; }
CROWD=$LAB_BUILD/test/tools/ikev2_crowd
FLOOD=$LAB_BUILD/test/tools/flood
for tool in "$CROWD" "$FLOOD"; do
	[ -x "$tool" ] || { echo "skipped: $tool is not built"; exit 77; }
done
COUNT=30
PORT=40000 # the crowd sends nothing back (test/tools/crowd_esp.h)
SKUS=${VPNGW_SKUS:-HighPerformance}
SAMPLE=61

# The first of the SKUs, and rings that hold what waits for a busy machine.
prepared() {
	crowd_config "$COUNT" >"$LAB_DIR/crowd.json" && gateway_config "$LAB_DIR/crowd.json" "
		.virtualNetworkGateways[0].properties.sku = { name: \"${SKUS%% *}\" } |
		.appliance.ports[].device |= sub(\"framecnt=2048\"; \"framecnt=2048,framesz=2048\")" || return 1
	lab_addr host eth0 172.16.0.10/24
	lab_route host default 172.16.0.1
}

bytes_of() { # egress or ingress
	gateway_api GET /status | jq -c "[.tunnels | sort_by(.name)[] | .$1Bytes]"
}

# The smallest and the largest part of what the tunnels carried, against an equal one.
parts() {
	jq -n --argjson a "$1" --argjson b "$2" '[$b, $a] | transpose | map(.[0] - .[1]) | (add / length) as $mean |
		[min / $mean, max / $mean] | map(. * 100 | round / 100)'
}

# sites N: a host of each of the first N sites
sites() {
	seq -f '10.0.%g.1' 0 $(($1 - 1))
}

# flood_out TUNNELS PACKETS_PER_S
flood_out() {
	# shellcheck disable=SC2046
	lab_start out host "$FLOOD" eth0 172.16.0.1 172.16.0.10 "$PORT" "$BYTES" "$2" $(sites "$1")
}

# flood_in TUNNELS PACKETS_PER_S; 0 a second ends it. What the crowd says to that is all that is in its log then.
flood_in() {
	: >"$LAB_DIR/crowd.log"
	echo "net $1 $2" >"$LAB_DIR/flood.new" && mv "$LAB_DIR/flood.new" "$LAB_DIR/flood" && kill -HUP "$(lab_pid crowd)" &&
		lab_await 5 grep -q flood "$LAB_DIR/crowd.log"
}

# The crowd has a packet of each tunnel, to send it back again and again.
crowd_knows() {
	flood_in "$COUNT" 1 && grep -q "floods by $COUNT" "$LAB_DIR/crowd.log" && flood_in "$COUNT" 0
}

primed() {
	local good
	flood_out "$COUNT" 3000
	lab_await 10 crowd_knows
	good=$?
	lab_stop out
	[ "$good" = 0 ] || cat "$LAB_DIR/crowd.log"
	return "$good"
}

# offered TUNNELS OUT IN: so many Mbit/s are sent
offered() {
	[ "$2" = 0 ] || flood_out "$1" "$(per_s "$2")"
	[ "$3" = 0 ] || flood_in "$1" "$(per_s "$3")"
}

offered_end() {
	flood_in 1 0
	lab_stop out
}

# shares SKU TUNNELS OUT IN WAYS: OUT and IN per cent of its limit are sent
shares() {
	local limit way=egress before after good
	limit=$(mbits_of "$1") || return 1
	is_sku "$1" || resize "$1" || { cat "$LAB_DIR/answer"; return 1; }
	[ "$5" != in ] || way=ingress
	printf '# %s, %s tunnels, %s %% of the limit sent out and %s %% in\n' "$1" "$2" "$3" "$4" >&3
	before=$(bytes_of "$way")
	offered "$2" $((limit * $3 / 100)) $((limit * $4 / 100))
	seconds "$limit" "$5" $((14 + 20 + 16 + BYTES + 4 + 16)) $((14 + BYTES))
	good=$?
	offered_end
	after=$(bytes_of "$way")
	[ "$2" = 1 ] && return "$good"
	printf '# parts of the tunnels, smallest and largest: %s\n' "$(parts "$before" "$after" | tr -d ' \n')" >&3
	[ "$good" = 0 ] && parts "$before" "$after" | jq -e '.[0] > 0.9 and .[1] < 1.1'
}

each_way() {
	jq '.appliance.limitDirection = "each"' "$LAB_DIR/vpngw.json" >"$LAB_DIR/each.json" && cp "$LAB_DIR/each.json" "$LAB_DIR/vpngw.json" &&
		kill -HUP "$(lab_pid control)" && lab_await 5 limits_each
}

# Of all that went out the sample came whole.
sampled() {
	local opened refused
	crowd_list && read -r opened refused < <(crowd_opened) || return 1
	printf '# the peers opened %s packets and refused %s\n' "$opened" "$refused" >&3
	[ "$refused" = 0 ] && [ "$opened" -gt 1000 ]
}

limits_each() {
	gateway_api GET /config | jq -e '.appliance.limitDirection == "each"'
}

exec 3>&1
require "a site with $COUNT peers is made" crowd_up
require "the configuration is accepted" prepared
require "the data plane starts" gateway_start_dataplane
require "the peers listen" crowd_start "$CROWD" flood="$LAB_DIR/flood"
require "the control program starts" gateway_start_control
require "all $COUNT tunnels are up" lab_await 60 crowd_is_up "$COUNT"
require "the peers have got a packet each" primed
require "what has arrived outside is dropped" spare crowd net "$SAMPLE"
require "and inside" spare host eth0
wire_watch outside crowd net
wire_watch inside host eth0
for sku in $SKUS; do
	for tunnels in $COUNT 1; do
		expect "$sku, $tunnels tunnels: what it says on the way out, 2 % more or less, in equal parts" \
			shares "$sku" "$tunnels" 115 0 out
		expect "$sku, $tunnels tunnels: and both ways in one" shares "$sku" "$tunnels" 60 60 sum
		expect "$sku, $tunnels tunnels: and on the way in" shares "$sku" "$tunnels" 0 115 in
	done
done
require "the limit is each way's own" each_way
expect "${SKUS%% *}: each way has it" shares "${SKUS%% *}" "$COUNT" 115 115 each
expect "a sample of what went out came whole to the peers" sampled
finish
