#!/usr/bin/env bash
# Floods of fragments to a gateway whose tunnels work: without an end, overlapping, beyond 64 KiB. Memory stays bounded,
# each is counted, and the tunnels, whose own packets come in pieces too, lose nothing.
#
# Port 0 is an XDP socket: af_packet lets Linux put IPv4 fragments together before the gateway sees them.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" frags
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
skip_unless attack_missing

# XDP takes frames no longer than a page, and so do the buffers of all ports then.
config() {
	one_queue && gateway_config "$TOP/config/demo.json" '.appliance.ports[0].device = "net_af_xdp0,iface=vgpub0"
		| .appliance.ports[1:][].device += ",framesz=2048,blocksz=4096"'
}

# An XDP socket sees one queue of its interface: the cables get no more.
one_queue() {
	local end
	for end in "gw vgpub0" "net gw0"; do
		lab_in "${end% *}" ethtool -L "${end#* }" rx 1 tx 1 || return 1
	done
}

attack_site
expect "fragments whose rest never comes" counted ip_fragment "$half" endless
expect "one datagram without an end" counted ip_fragment $((half / 2)) one_endless
expect "fragments that overlap" counted ip_fragment "$half" overlapping
expect "fragments beyond 64 KiB" counted ip_fragment $((half / 2)) too_long
finish
