#!/usr/bin/env bash
# The SKU is changed ten times up and down while more is sent than the smaller one lets through: no tunnel drops, no packet
# is lost but those that the limit refused, and the new limit holds within a second of the request, as counted on the wire
# behind the gateway.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" resize
skip_unless gateway_missing control dataplane
skip_unless lab_charon_missing
# shellcheck source=rate.sh
. "$(dirname "$0")/rate.sh"
PAYLOAD=1000          # 1028 bytes of IP
PER_S=6000            # 49.3 Mbit/s are sent
SMALL=20              # Mbit/s
LARGE=10000           # so much that what waited for a busy machine's processor is no burst
SMALL_PER_S=$((SMALL * 1000000 / 8 / (PAYLOAD + 28)))

both_up() {
	[ "$(gateway_api GET /connections/to-branch |
		jq '[.properties.tunnelConnectionStatus[] | select(.connectionStatus == "Connected")] | length')" = 2 ]
}

catalogue() {
	jq --argjson small "$SMALL" --argjson large "$LARGE" '(.skus[0] | .features -= ["zones"]) as $sku | .skus +=
		[$sku * { name: "LabSmall", throughputMbps: $small }, $sku * { name: "LabLarge", throughputMbps: $large }]' \
		"$TOP/config/skus.json" >"$LAB_DIR/skus.json"
	chmod 0644 "$LAB_DIR/skus.json"
}

# rate_is LOW HIGH: never more from the first second on; less may be the doing of a busy machine, not eight times
rate_is() {
	local second rate
	for second in {1..8}; do
		rate=$(wire_rate "$(cat "$LAB_DIR/asked")" "$second") || continue # the watcher stood still
		printf '# second %s: %s packets/s, expected %s to %s\n' "$second" "$rate" "$1" "$2" >&3
		printf '%s packets/s, expected %s to %s\n' "$rate" "$1" "$2"
		awk -v r="$rate" -v b="$2" 'BEGIN { exit !(r <= b) }' || return 1
		awk -v r="$rate" -v a="$1" 'BEGIN { exit !(r >= a) }' && return 0
	done
	return 1
}

small() {
	resize LabSmall && rate_is $((SMALL_PER_S * 98 / 100)) $((SMALL_PER_S * 102 / 100))
}

# Nothing is over the limit, and more than the smaller one lets through passes. How much more is the machine's doing: less when
# the sender of a busy one could not send, more than is sent when what waited in a ring for its worker comes at once.
large() {
	local before after
	resize LabLarge || return 1
	before=$(drops)
	rate_is $((SMALL_PER_S * 3 / 2)) 1000000 || return 1
	after=$(drops)
	[ "$before" = "$after" ] || { echo "dropped: $before, then $after"; return 1; }
}

# "limited others": packets given up because of the limit, and for any other reason.
drops() {
	gateway_api GET /metrics | awk '/^vpngw_dropped_packets_total/ { if (/reason="limit"/) l = $2; else o += $2 }
		END { print l + 0, o + 0 }'
}

sas() {
	gateway_api GET /status | jq -S '[.tunnels[] | [.name, .establishedMs, .connectionStatus]]'
}

same_sas() {
	sas
	[ "$(sas)" = "$SAS" ]
}

# Packets that went into tunnels.
carried() {
	gateway_api GET /status | jq '[.tunnels[].egressPackets] | add'
}

all_accounted() {
	local sent limited others carried
	lab_stop sender
	sent=$(cat "$LAB_DIR/sent")
	settled() {
		read -r limited others < <(drops)
		carried=$(($(carried) - CARRIED))
		limited=$((limited - LIMITED))
		[ $((carried + limited)) = "$sent" ]
	}
	lab_await 10 settled || true
	printf '# sent %s, carried %s, over the limit %s, dropped otherwise %s\n' "$sent" "$carried" "$limited" \
		$((others - OTHERS)) >&3
	echo "sent $sent carried $carried limited $limited others $((others - OTHERS))"
	[ "$sent" = $((carried + limited)) ] && [ "$others" = "$OTHERS" ] && [ "$limited" -gt 0 ]
}

exec 3>&1
require "a catalogue with two SKUs of our own" catalogue
require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json" ".appliance.skuFile = \"$LAB_DIR/skus.json\" |
	.appliance.ports[].device |= sub(\"framecnt=1024\"; \"framecnt=16384\")"
require "the data plane starts" gateway_start_dataplane
require "the control program starts" gateway_start_control
require "the endpoint answers" lab_await 10 gateway_answers
require "strongSwan is there" site_branch "$(jq -r '.connections[0].properties.sharedKey' "$LAB_DIR/vpngw.json")"
require "both tunnels are up" lab_await 20 both_up
require "traffic flows" lab_ping host-a "$SITE_HOST_B" 10
require "the SKU is the larger one" resize LabLarge
SAS=$(sas)
read -r LIMITED OTHERS < <(drops)
CARRIED=$(carried)
wire_watch
lab_start sink host-b python3 -c "import signal, socket; s = socket.socket(2, 2); s.bind((\"\", 5001)); signal.pause()"
lab_start sender host-a python3 "$RATE" send "$SITE_HOST_B" 5001 $PAYLOAD $PER_S "$LAB_DIR/sent"
for i in 1 2 3 4 5; do
	expect "down $i: the smaller limit holds within a second" small
	expect "up $i: all that is sent passes within a second" large
done
expect "what did not pass was over the limit, to the packet" all_accounted
expect "no tunnel dropped" same_sas
finish
