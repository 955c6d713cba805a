# shellcheck shell=bash
# The gateway with thousands of connections: one outside address, and a namespace "crowd" that owns 198.18.0.0/15,
# where one process (test/tools/ikev2_crowd) is the peer at each of its addresses.
CROWD_KEY=KeyOfTheWholeCrowd

# crowd_config COUNT: a configuration file with so many connections and sites, on stdout.
crowd_config() {
	jq -n --argjson count "$1" --arg key $CROWD_KEY '
		def places: range($count) | { n: ., x: (. / 250 | floor), y: (. % 250) };
		{
			appliance: {
				idle: "rest",
				memory: { hugePages: false, megabytes: 768, packets: 16384 },
				maxima: { securityAssociations: 65536, tunnels: 16384, connections: 20000, nextHops: 16384,
					groups: 16384, limits: 32768, routes4: 65536, routes6: 4096 },
				ports: [
					{ name: "pub0", device: "net_af_packet0,iface=vgpub0,qdisc_bypass=1,framecnt=2048",
						role: "public", addresses: ["192.0.2.1/24"], gateway: "192.0.2.254" },
					{ name: "prv0", device: "net_af_packet1,iface=vgprv0,qdisc_bypass=1,framecnt=2048",
						role: "private", addresses: ["172.16.0.1/24"] }
				],
				api: { listeners: [{ address: "127.0.0.1", port: 8443 }] }
			},
			virtualNetworks: [{ name: "inside", properties: {
				addressSpace: { addressPrefixes: ["172.16.0.0/16"] },
				subnets: [{ name: "GatewaySubnet", properties: { addressPrefix: "172.16.255.0/27" } }] } }],
			publicIPAddresses: [{ name: "pip", properties: { ipAddress: "192.0.2.1" } }],
			virtualNetworkGateways: [{ name: "gw", properties: { sku: { name: "none" }, ipConfigurations: [
				{ name: "default", properties: { subnet: "inside/GatewaySubnet", publicIPAddress: "pip" } }] } }],
			localNetworkGateways: [places | { name: "site-\(.n)", properties: {
				gatewayIpAddress: "198.18.\(.x).\(.y + 1)",
				localNetworkAddressSpace: { addressPrefixes: ["10.\(.x).\(.y).0/24"] } } }],
			connections: [places | { name: "c-\(.n)", properties: { virtualNetworkGateway1: "gw",
				localNetworkGateway2: "site-\(.n)", connectionType: "IPsec", sharedKey: $key } }]
		}'
}

# Namespaces, cables and the crowd's addresses.
crowd_up() {
	lab_ns gw
	lab_ns crowd
	lab_ns host
	lab_cable crowd net gw vgpub0
	lab_cable host eth0 gw vgprv0
	lab_addr crowd net 192.0.2.254/24
	lab_in crowd ip route add local 198.18.0.0/15 dev lo
	lab_dpdk_end gw vgpub0
	lab_dpdk_end gw vgprv0
}

# The peers: crowd_start PROGRAM [OPTION...]
crowd_start() {
	local program=$1
	shift
	lab_start crowd crowd "$program" "$@" psk=$CROWD_KEY list="$LAB_DIR/crowd.list"
	lab_await_line crowd 10 listening
}

# Every child that the crowd has, one a line, into LAB_DIR/crowd.list.
crowd_list() {
	rm -f "$LAB_DIR/crowd.list"
	kill -USR1 "$(lab_pid crowd)" && lab_await 10 test -f "$LAB_DIR/crowd.list"
}

# crowd_is_up COUNT: each has one child.
crowd_is_up() {
	crowd_list && [ "$(tail -n 1 "$LAB_DIR/crowd.list" | cut -d ' ' -f 2)" = "$1" ]
}

# Children that were ever negotiated, by the last crowd_list.
crowd_negotiated() {
	tail -n 1 "$LAB_DIR/crowd.list" | cut -d ' ' -f 3
}

# "opened refused": packets that came to the crowd whole, and that did not, by the last crowd_list.
crowd_opened() {
	tail -n 1 "$LAB_DIR/crowd.list" | cut -d ' ' -f 4,5
}
