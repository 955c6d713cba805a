#!/usr/bin/env bash
# The script that the endpoint writes for a device, taken as it is (but for the key) by the device: strongSwan brings up
# both tunnels and traffic flows. The scripts for others are read by their own programs where those are here.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" device
skip_unless gateway_missing control dataplane
skip_unless lab_charon_missing
KEY=$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")

# device VENDOR FAMILY [CONNECTION]: the script, with the key in its place
device() {
	gateway_api POST "/connections/${3:-to-branch}/vpndeviceconfigurationscript" \
		"$(jq -n --arg v "$1" --arg f "$2" '{ vendor: $v, deviceFamily: $f, firmwareVersion: "any" }')" |
		jq -er . | sed "s/REPLACE-WITH-SHARED-KEY/$KEY/"
}

devices_listed() {
	gateway_api POST /virtualNetworkGateways/gw/supportedvpndevices | jq -er . >"$LAB_DIR/devices.xml" &&
		python3 - "$LAB_DIR/devices.xml" <<-'PYTHON'
			import sys, xml.etree.ElementTree as tree
			root = tree.parse(sys.argv[1]).getroot()
			assert root.tag == "RpVpnDeviceList" and root.get("version") == "1.0"
			assert {v.get("name") for v in root} >= {"strongSwan", "Libreswan", "FRRouting", "Cisco Systems, Inc."}
			assert all(v.find("DeviceFamily/FirmwareVersion").get("name") for v in root)
		PYTHON
}

strongswan_loads() {
	lab_charon_start branch-ike branch || return 1
	device strongSwan swanctl >"$(lab_charon_dir branch-ike)/swanctl.conf" || return 1
	lab_charon_load branch-ike
}

both_up() {
	[ "$(gateway_api GET /connections/to-branch | jq '[.properties.tunnelConnectionStatus[] | select(.connectionStatus == "Connected")] | length')" = 2 ]
}

no_key_in_scripts() {
	local vendor
	for vendor in "strongSwan swanctl" "Libreswan ipsec.conf" "Cisco Systems, Inc.:IOS (ISR, ASR)"; do
		case $vendor in *:*) set -- "${vendor%%:*}" "${vendor#*:}" ;; *) set -- "${vendor% *}" "${vendor#* }" ;; esac
		gateway_api POST /connections/to-branch/vpndeviceconfigurationscript \
			"$(jq -n --arg v "$1" --arg f "$2" '{ vendor: $v, deviceFamily: $f }')" >"$LAB_DIR/script" || return 1
		grep -q "REPLACE-WITH-SHARED-KEY" "$LAB_DIR/script" || return 1
		! grep -q "$KEY" "$LAB_DIR/script" || return 1
	done
}

cisco_names_both() {
	device "cisco systems, inc." "IOS (ISR, ASR)" >"$LAB_DIR/cisco" &&
		grep -q "tunnel destination $SITE_PUBLIC0" "$LAB_DIR/cisco" &&
		grep -q "tunnel destination $SITE_PUBLIC1" "$LAB_DIR/cisco" &&
		grep -q "ip route 10.10.0.0 255.255.0.0 Tunnel2" "$LAB_DIR/cisco"
}

libreswan_reads() {
	if ! ipsec --version 2>/dev/null | grep -qi libreswan; then
		echo "# libreswan is not here" >&3
		return 0
	fi
	device Libreswan ipsec.conf >"$LAB_DIR/libreswan.conf" || return 1
	ipsec addconn --config "$LAB_DIR/libreswan.conf" --checkconfig
}

# The connection with BGP: bgpd reads its script, and knows both ends of the gateway.
frr_reads() {
	local body dir=$LAB_DIR/frr-script neighbours
	if [ -n "$(lab_frr_missing)" ]; then
		echo "# FRR is not here" >&3
		return 0
	fi
	body=$(gateway_api GET /virtualNetworkGateways/gw | jq -c '.properties += { enableBgp: true, bgpSettings: { asn: 65515 } }')
	gateway_api PUT /virtualNetworkGateways/gw "$body" | grep -q provisioningState && lab_await 5 settled /virtualNetworkGateways/gw || return 1
	body=$(gateway_api GET /localNetworkGateways/branch | jq -c '.properties += { bgpSettings: { asn: 65010, bgpPeeringAddress: "10.20.0.1", password: "bgp-secret" } }')
	gateway_api PUT /localNetworkGateways/branch "$body" | grep -q provisioningState && lab_await 5 settled /localNetworkGateways/branch || return 1
	body=$(gateway_api GET /connections/to-branch | jq -c '.properties.enableBgp = true')
	gateway_api PUT /connections/to-branch "$body" | grep -q provisioningState && lab_await 5 settled /connections/to-branch || return 1
	install -d -m 0777 "$dir"
	device FRRouting bgpd >"$dir/bgpd.conf" && chmod 0644 "$dir/bgpd.conf" || return 1
	lab_frr_start device-frr host-b <"$dir/bgpd.conf" || return 1
	neighbours=$(lab_vtysh device-frr 'show running-config' | grep -c 'neighbor 10.10.255.[45] remote-as 65515')
	printf '%s neighbours\n' "$neighbours"
	cat "$dir/bgpd.conf"
	[ "$neighbours" = 2 ] && grep -q 'network 10.20.0.0/16' "$dir/bgpd.conf" && grep -q ' bfd$' "$dir/bgpd.conf" &&
		lab_vtysh device-frr 'show running-config' | grep -q 'bgp disable-ebgp-connected-route-check' &&
		grep -q ' timers 3 9$' "$dir/bgpd.conf" && grep -q 'password REPLACE-WITH-BGP-PASSWORD' "$dir/bgpd.conf" &&
		! grep -q bgp-secret "$dir/bgpd.conf"
}

settled() {
	gateway_api GET "$1" | grep -q '"provisioningState":"Succeeded"'
}

refused() {
	gateway_api POST /connections/to-branch/vpndeviceconfigurationscript "$1" | jq -er .error.message | grep -q "$2"
}

exec 3>&1
require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json"
require "the data plane starts" gateway_start_dataplane
require "the control program starts" gateway_start_control
require "the endpoint answers" lab_await 10 gateway_answers
expect "the devices are listed as XML" devices_listed
require "strongSwan takes its script" strongswan_loads
expect "both tunnels come up" lab_await 30 both_up
expect "traffic flows" lab_ping host-a "$SITE_HOST_B" 10
expect "no script holds the key" no_key_in_scripts
expect "the script for IOS has both tunnels" cisco_names_both
expect "Libreswan reads its script" libreswan_reads
expect "a device that is not in the list is refused" refused '{"vendor":"Acme","deviceFamily":"x"}' supportedvpndevices
expect "FRR without BGP is refused" refused '{"vendor":"FRRouting","deviceFamily":"bgpd"}' enableBgp
expect "with BGP, bgpd takes its script" frr_reads
finish
