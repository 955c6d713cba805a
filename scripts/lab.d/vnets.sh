# shellcheck shell=bash
# Gateways of ours that have one another as peers, each with an appliance (a namespace) and a host of its own, around
# `net`, which is the internet:
#
#   host-gw -- vgprv0 [gw] vgpub0, vgpub1 -- [net] -- vgpub0, vgpub1 [gw2] vgprv0 -- host-gw2
#
# A gateway has a number: its addresses below. Every function of gateway.sh works on one by LAB_GATEWAY: on GATEWAY ...
VNET_PUBLIC0=(192.0.2.1 203.0.113.1 198.18.0.1)
VNET_PUBLIC1=(198.51.100.1 203.0.113.129 198.18.1.1)
VNET_NET0=(192.0.2.254 203.0.113.126 198.18.0.254)
VNET_NET1=(198.51.100.254 203.0.113.254 198.18.1.254)
VNET_LENGTH=(24 25 24)
VNET_HOST=(10.10.0.10 10.11.0.10 10.12.0.10)
VNET_PRIVATE=(10.10.0.1 10.11.0.1 10.12.0.1)

on() {
	# shellcheck disable=SC2034 # gateway.sh's
	local LAB_GATEWAY=$1
	shift
	"$@"
}

vnet_internet() {
	lab_ns net router
}

# Namespaces, cables and addresses of one: vnet_up NAME NUMBER
vnet_up() {
	local name=$1 number=$2 port
	lab_ns "$name"
	lab_ns "host-$name"
	lab_cable net "$name-0" "$name" vgpub0
	lab_cable net "$name-1" "$name" vgpub1
	lab_cable "host-$name" eth0 "$name" vgprv0
	lab_addr net "$name-0" "${VNET_NET0[number]}/${VNET_LENGTH[number]}"
	lab_addr net "$name-1" "${VNET_NET1[number]}/${VNET_LENGTH[number]}"
	lab_addr "host-$name" eth0 "${VNET_HOST[number]}/24"
	lab_route "host-$name" default "${VNET_PRIVATE[number]}"
	for port in vgpub0 vgpub1 vgprv0; do
		lab_dpdk_end "$name" $port
	done
}

# The configuration of one from a file that describes all: vnet_config NAME NUMBER FILE [JQ-PROGRAM]. The appliance is
# the demo's with the addresses of this one.
vnet_config() {
	local name=$1 number=$2 length=${VNET_LENGTH[$2]}
	mkdir -p "$LAB_DIR/$name"
	jq -s --arg pub0 "${VNET_PUBLIC0[number]}/$length" --arg net0 "${VNET_NET0[number]}" \
		--arg pub1 "${VNET_PUBLIC1[number]}/$length" --arg net1 "${VNET_NET1[number]}" \
		--arg prv0 "${VNET_PRIVATE[number]}/24" '
		.[0].appliance as $demo | .[1] | .appliance = $demo
		| .appliance.ports[0] |= (.addresses = [$pub0] | .gateway = $net0)
		| .appliance.ports[1] |= (.addresses = [$pub1] | .gateway = $net1)
		| .appliance.ports[2].addresses = [$prv0]' \
		"$(dirname "${BASH_SOURCE[0]}")/../../config/demo.json" "$3" >"$LAB_DIR/$name/all.json" &&
		LAB_GATEWAY=$name gateway_config "$LAB_DIR/$name/all.json" "${4:-.}"
}

# So many of its tunnels are connected: vnet_connected NAME COUNT
vnet_connected() {
	[ "$(LAB_GATEWAY=$1 gateway_api GET /status | jq '[.tunnels[] | select(.connectionStatus == "Connected")] | length')" = "$2" ]
}
