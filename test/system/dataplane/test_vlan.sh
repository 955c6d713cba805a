#!/usr/bin/env bash
# 802.1Q sub-ports: tagged and untagged traffic of one device go to mirrors of their own, answers leave with
# the tag that they came with, and a tag without a port is dropped and counted. The peer writes its tags by hand,
# because a kernel need not have 802.1Q.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" vlan
skip_unless gateway_missing dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

# arp TAG ADDRESS: who has it? Prints the tag and the MAC of the answer; fails without one.
arp() {
	lab_in peer python3 - "$1" "$2" "$DP_PEER" <<-'END'
		import socket, struct, sys, time
		tag, target, us = int(sys.argv[1]), socket.inet_aton(sys.argv[2]), socket.inet_aton(sys.argv[3])
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
		s.bind(("eth0", 0))
		s.setsockopt(263, 8, 1)  # PACKET_AUXDATA: the kernel takes tags out of frames
		mac = s.getsockname()[4]
		vlan = struct.pack("!HH", 0x8100, tag) if tag else b""
		body = struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + mac + us + bytes(6) + target
		s.send(b"\xff" * 6 + mac + vlan + b"\x08\x06" + body + bytes(18))
		end = time.monotonic() + 2
		while time.monotonic() < end:
		    s.settimeout(max(0.01, end - time.monotonic()))
		    try:
		        data, extra, flags, sender = s.recvmsg(2048, 256)
		    except TimeoutError:
		        break
		    got = 0
		    if data[12:14] == b"\x81\x00":
		        got, data = struct.unpack("!H", data[14:16])[0] & 0xfff, data[:12] + data[16:]
		    for level, kind, value in extra:
		        if level == 263 and kind == 8 and len(value) >= 20 and struct.unpack_from("=I", value)[0] & 16:
		            got = struct.unpack_from("=H", value, 16)[0] & 0xfff
		    if data[12:14] == b"\x08\x06" and data[20:22] == b"\x00\x02" and data[28:32] == target and data[:6] == mac:
		        print("tag", got, "mac", data[6:12].hex(":"))
		        sys.exit(got != tag)
		sys.exit(1)
	END
}

counted() {
	says "drop ether_vlan=" dp_one counters drops
}

addresses() {
	ip -n "${LAB_PREFIX}gw" addr add 10.7.0.1/24 dev vg-p0
	ip -n "${LAB_PREFIX}gw" addr add 10.8.0.1/24 dev vg-dmz
	ip -n "${LAB_PREFIX}gw" addr add 10.9.0.1/24 dev vg-lan
	dp_ctl <<-END
		set address addr=10.7.0.1 port=1 mirror=1
		set address addr=10.8.0.1 port=2 mirror=2
		set address addr=10.9.0.1 port=3 mirror=3
	END
}

parent_is_listed() {
	says "vlan=100 mtu=1400 role=2 link=up queues=${DP_QUEUES:-1} parent=1 mirror=2" dp_one list port
}

require "a port and a peer" dp_site
require "the data plane starts" dp_start --port "$(dp_port "")" \
	--port "name=dmz,role=private,vlan=100,mtu=1400,device=$(lab_dpdk_device 0 p0)" \
	--port "name=lan,role=private,vlan=200,device=$(lab_dpdk_device 0 p0)"
expect "sub-ports are listed with their parent" parent_is_listed
require "an address on each" addresses
expect "untagged" arp 0 10.7.0.1
expect "tag 100" arp 100 10.8.0.1
expect "tag 200" arp 200 10.9.0.1
expect "an address of another sub-port is not answered on tag 100" fails arp 100 10.77.0.1
expect "a tag that nobody has" fails arp 300 10.8.0.1
expect "is counted" counted
finish
