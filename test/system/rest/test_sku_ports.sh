#!/usr/bin/env bash
# The aggregate limit of a SKU over real ports, one tunnel, end to end: the peer is a second gateway without a limit, and what is
# counted is what arrives at the hosts behind either, taken out of ESP. More is sent than the SKU lets through, on the way out,
# on the way in, and both at once; never more than 2 % above. That it is reached within 2 % is asked of a machine that can carry
# both gateways: VPNGW_SKUS="VpnGw1 VpnGw2 VpnGw3" on a quiet one; without it only the smallest.
# The senders write frames to the cable (test/tools/flood), and what was counted is dropped where it arrives.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" skuprt
skip_unless gateway_missing control dataplane
FLOOD=$LAB_BUILD/test/tools/flood
[ -x "$FLOOD" ] || { echo "skipped: $FLOOD is not built"; exit 77; }
command -v nft >/dev/null || { echo "skipped: nft is not installed"; exit 77; }
# shellcheck source=rate.sh
. "$(dirname "$0")/rate.sh"
SKUS=${VPNGW_SKUS:-Basic}
PEER_PUBLIC=192.0.2.2 PEER_PRIVATE=10.20.0.1
# One address, and rings that hold what waits for a busy machine.
ONE_ADDRESS=".virtualNetworkGateways[0].properties |= (.activeActive = false | .ipConfigurations |= .[:1])
	| .publicIPAddresses |= .[:1] | .appliance.ports |= [.[0], .[2]] | .appliance.ports[].device |= sub(\"framecnt=1024\"; \"framecnt=2048,framesz=2048\")"
OURS="$ONE_ADDRESS | .virtualNetworkGateways[0].properties.sku = { name: \"${SKUS%% *}\" }
	| .localNetworkGateways[0].properties.gatewayIpAddress = \"$PEER_PUBLIC\""
# Its worker is not on the CPU of the other's.
PEERS="$ONE_ADDRESS | .appliance.cores = { workers: [0] }
	| .appliance.ports = [
		(.appliance.ports[0] | .device |= sub(\"vgpub0\"; \"vgpub2\") | .addresses = [\"$PEER_PUBLIC/24\"]),
		(.appliance.ports[1] | .device |= sub(\"vgprv0\"; \"vgprv2\") | .addresses = [\"$PEER_PRIVATE/24\"])]
	| .virtualNetworks[0].properties.addressSpace.addressPrefixes = [\"$SITE_PREFIX_B\"]
	| .virtualNetworks[0].properties.subnets[0].properties.addressPrefix = \"10.20.255.0/27\"
	| .publicIPAddresses[0].properties.ipAddress = \"$PEER_PUBLIC\"
	| .localNetworkGateways[0].properties.gatewayIpAddress = \"$SITE_PUBLIC0\"
	| .localNetworkGateways[0].properties.localNetworkAddressSpace.addressPrefixes = [\"$SITE_PREFIX_A\"]"

peer() {
	LAB_GATEWAY=peer "$@"
}

# host-a -- [gw] -- [peer] -- host-b
topology() {
	local name
	for name in host-a gw peer host-b; do
		lab_ns "$name"
	done
	lab_cable host-a eth0 gw vgprv0
	lab_cable gw vgpub0 peer vgpub2
	lab_cable host-b eth0 peer vgprv2
	lab_addr host-a eth0 "$SITE_HOST_A/24"
	lab_addr host-b eth0 "$SITE_HOST_B/24"
	lab_route host-a default "$SITE_PRIVATE"
	lab_route host-b default "$PEER_PRIVATE"
	lab_dpdk_end gw vgprv0
	lab_dpdk_end gw vgpub0
	lab_dpdk_end peer vgpub2
	lab_dpdk_end peer vgprv2
}

connected() {
	gateway_api GET /connections/to-branch | jq -e '.properties.connectionStatus == "Connected"'
}

both_connected() {
	connected && peer connected
}

# carries SKU OUT IN WAYS: OUT and IN per cent of its limit are sent
carries() {
	local limit good
	limit=$(mbits_of "$1") || return 1
	is_sku "$1" || resize "$1" || { cat "$LAB_DIR/answer"; return 1; }
	printf '# %s, %s %% of the limit sent out and %s %% in\n' "$1" "$2" "$3" >&3
	[ "$2" = 0 ] || flood out 0 host-a "$SITE_PRIVATE" "$SITE_HOST_A" $((limit * $2 / 100)) "$SITE_HOST_B"
	[ "$3" = 0 ] || flood in "$(($(nproc) - 1))" host-b "$PEER_PRIVATE" "$SITE_HOST_B" $((limit * $3 / 100)) "$SITE_HOST_A"
	seconds "$limit" "$4" $((14 + BYTES)) $((14 + BYTES))
	good=$?
	lab_stop out
	lab_stop in
	return "$good"
}

# Beside the gateway that gets the lesser part of it: flood NAME CPU NAMESPACE NEXT FROM MBITS TO
flood() {
	lab_start "$1" "$3" taskset -c "$2" "$FLOOD" eth0 "$4" "$5" 40000 "$BYTES" "$(per_s "$6")" "$7"
}

exec 3>&1
require "two gateways and what is between them" topology
require "the configuration is accepted" gateway_config "$TOP/config/demo.json" "$OURS"
require "that of the peer as well" peer gateway_config "$TOP/config/demo.json" "$PEERS"
require "the data plane starts" gateway_start_dataplane
require "the peer's data plane starts" peer gateway_start_dataplane
require "the control program starts" gateway_start_control
require "the peer's control program starts" peer gateway_start_control
require "the tunnel is up" lab_await 20 both_connected
require "traffic flows" lab_ping host-a "$SITE_HOST_B" 10
require "what has arrived outside is dropped" spare host-b eth0
require "and inside" spare host-a eth0
wire_watch outside host-b eth0
wire_watch inside host-a eth0
for sku in $SKUS; do
	expect "$sku: what it says on the way out, 2 % more or less" carries "$sku" 110 0 out
	expect "$sku: and both ways in one" carries "$sku" 55 55 sum
	expect "$sku: and on the way in" carries "$sku" 0 110 in
done
finish
