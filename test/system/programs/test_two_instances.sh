#!/usr/bin/env bash
# Two gateways of ours: both dial at once and one IKE SA is left; rekeys of child and IKE SA by either side and by both at
# once, over and over, while pings run both ways: none is lost. VPNGW_REKEYS (10) says how many rounds of four.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" two
skip_unless gateway_missing control dataplane
rekeys=${VPNGW_REKEYS:-10}
REMOTE_JQ='.appliance.ports = [
		(.appliance.ports[0] | .device |= sub("vgpub0"; "vgpub2") | .addresses = ["203.0.113.10/24"] | .gateway = "203.0.113.254"),
		(.appliance.ports[2] | .device |= sub("vgprv0"; "vgprv2") | .addresses = ["10.20.0.1/24"])]
	| .virtualNetworks[0].properties.addressSpace.addressPrefixes = ["10.20.0.0/16"]
	| .virtualNetworks[0].properties.subnets[0].properties.addressPrefix = "10.20.255.0/27"
	| .publicIPAddresses[0].properties.ipAddress = "203.0.113.10"
	| .localNetworkGateways[0].properties.gatewayIpAddress = "192.0.2.1"
	| .localNetworkGateways[0].properties.localNetworkAddressSpace.addressPrefixes = ["10.10.0.0/16"]'
ONE_ADDRESS='.virtualNetworkGateways[0].properties |= (.activeActive = false | .ipConfigurations |= .[:1])
	| .publicIPAddresses |= .[:1]'

topology() {
	lab_ns host-a && lab_ns gw && lab_ns net router && lab_ns gw2 && lab_ns host-b || return 1
	lab_cable host-a eth0 gw vgprv0 && lab_cable net gw0 gw vgpub0 && lab_cable net gw1 gw vgpub1 &&
		lab_cable net gw2 gw2 vgpub2 && lab_cable gw2 vgprv2 host-b eth0 || return 1
	lab_addr host-a eth0 "$SITE_HOST_A/24"
	lab_addr host-b eth0 "$SITE_HOST_B/24"
	lab_addr net gw0 "$SITE_NET0/24"
	lab_addr net gw2 203.0.113.254/24
	lab_route host-a default "$SITE_PRIVATE"
	lab_route host-b default 10.20.0.1
	site_gateway_ports
	lab_dpdk_end gw2 vgpub2
	lab_dpdk_end gw2 vgprv2
}

second() {
	LAB_GATEWAY=gw2 "$@"
}

# What each side's IKE said so far: logged NAME PATTERN
logged() {
	grep -cE "$2" "$LAB_DIR/$1.log"
}

# both_logged BEFORE_A BEFORE_B PATTERN: both sides have said it once more
both_logged() {
	[ "$(logged control "$3")" -gt "$1" ] && [ "$(logged control-gw2 "$3")" -gt "$2" ]
}

connected() {
	gateway_api GET /connections/to-branch | jq -e '.properties.connectionStatus == "Connected"'
}

both_connected() {
	connected && second connected
}

ask() { # WHO ACTION
	local deadline=$((SECONDS + 5))
	until "$1" gateway_api POST "/connections/to-branch/$2" | tee "$LAB_DIR/answer" | jq -e '.error == null' >/dev/null; do
		[ "$SECONDS" -lt "$deadline" ] || { cat "$LAB_DIR/answer"; return 1; }
	done
}

first() {
	"$@"
}

rekey() { # ACTION PATTERN WHO...
	local a b who action=$1 pattern=$2
	shift 2
	a=$(logged control "$pattern")
	b=$(logged control-gw2 "$pattern")
	for who in "$@"; do
		ask "$who" "$action" || return 1
	done
	lab_await 10 both_logged "$a" "$b" "$pattern" || { echo "$action by $*: nothing came of it"; return 1; }
}

CHILD='child [0-9a-f]+ (up|rekeying) -> rekeyed'
IKE='(established|rekeying) -> rekeyed'

rounds() {
	local i
	for ((i = 0; i < rekeys; i++)); do
		rekey rekey "$CHILD" first && rekey rekey "$CHILD" second &&
			rekey rekeyike "$IKE" second && rekey rekeyike "$IKE" first && continue
		echo "round $i"
		return 1
	done
}

collisions() {
	local i
	for ((i = 0; i < rekeys; i++)); do
		rekey rekey "$CHILD" first second && rekey rekeyike "$IKE" second first && continue
		echo "round $i"
		return 1
	done
}

never_down() {
	fails grep -hE 'suspect|Connected ->' "$LAB_DIR/control.log" "$LAB_DIR/control-gw2.log"
}

# Both dialled: of the IKE SAs that came up one is left on each side.
one_left() {
	local name up gone
	for name in control control-gw2; do
		up=$(grep -cE '\[LOCAL\] .* -> established' "$LAB_DIR/$name.log")
		gone=$(grep -cE '\[LOCAL\] (established|deleting|rekeyed|rekeying) -> gone' "$LAB_DIR/$name.log")
		[ $((up - gone)) = 1 ] || { echo "$name: $up came up, $gone went"; return 1; }
	done
}

require "two gateways and what is between them" topology
require "the first one's configuration" gateway_config "$TOP/config/demo.json" "$ONE_ADDRESS"
require "the second one's configuration" second gateway_config "$TOP/config/demo.json" "$ONE_ADDRESS | $REMOTE_JQ"
require "the first data plane starts" gateway_start_dataplane
require "the second data plane starts" second gateway_start_dataplane
require "a control program starts" gateway_start_control --log info,ike=debug
require "and the other" second gateway_start_control --log info,ike=debug
require "both dial and are connected" lab_await 20 both_connected
require "traffic flows" lab_ping host-a "$SITE_HOST_B" 10
expect "one IKE SA is left of the two dials" lab_await 15 one_left
site_pings_start
expect "$rekeys rounds of two child and two IKE rekeys" rounds
expect "$rekeys rounds that both sides start at once" collisions
expect "no ping of both directions is lost" site_pings_end
expect "one IKE SA is left on each side" lab_await 15 one_left
expect "no tunnel was down or suspected" never_down
sed 's/^/# /' "$LAB_DIR/figures"
finish
