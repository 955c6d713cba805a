# shellcheck shell=bash
# The site-to-site topology of the demo (config/demo.json) and of most system tests:
#
#   host-a -- vgprv0 [gw] vgpub0 -- gw0 [net] br -- wan [branch] lan -- host-b
#                         vgpub1 -- gw1
#
# `gw` holds the gateway, `net` is the internet in between, `branch` the peer.
SITE_HOST_A=10.10.0.10
SITE_HOST_B=10.20.0.10
SITE_PRIVATE=10.10.0.1
SITE_PUBLIC0=192.0.2.1
SITE_PUBLIC1=198.51.100.1
SITE_NET0=192.0.2.254
SITE_NET1=198.51.100.254
SITE_BRANCH=203.0.113.10
SITE_PREFIX_A=10.10.0.0/16
SITE_PREFIX_B=10.20.0.0/16

# Namespaces, cables and the addresses of everything but the gateway.
site_up() {
	lab_ns host-a
	lab_ns gw
	lab_ns net router
	lab_ns branch router
	lab_ns host-b
	lab_cable host-a eth0 gw vgprv0
	lab_cable net gw0 gw vgpub0
	lab_cable net gw1 gw vgpub1
	lab_cable net br branch wan
	lab_cable branch lan host-b eth0
	lab_addr host-a eth0 $SITE_HOST_A/24
	lab_addr net gw0 $SITE_NET0/24
	lab_addr net gw1 $SITE_NET1/24
	lab_addr net br 203.0.113.254/24
	lab_addr branch wan $SITE_BRANCH/24
	lab_addr branch lan 10.20.0.1/24
	lab_addr host-b eth0 $SITE_HOST_B/24
	lab_route host-a default $SITE_PRIVATE
	lab_route branch default 203.0.113.254
	lab_route host-b default 10.20.0.1
}

# The gateway's side of the cables as DPDK ports.
site_gateway_ports() {
	local port
	for port in vgprv0 vgpub0 vgpub1; do
		lab_dpdk_end gw $port
	done
}

# A cable from the machine itself to the gateway, for the REST endpoint; only scripts/run has it. The first /30
# from 10.255.255.0 down that is free here.
site_management() {
	local host=${LAB_PREFIX}mgmt net
	for net in 10.255.{255..240}; do
		[ -n "$(ip route show "$net.0/30")" ] || break
	done
	ip link add name "$host" type veth peer name mgmt netns "${LAB_PREFIX}gw" &&
		ip addr add "$net.1/30" dev "$host" &&
		ip link set dev "$host" up &&
		lab_addr gw mgmt "$net.2/30" &&
		ip -n "${LAB_PREFIX}gw" link set dev mgmt up &&
		printf '%s.2\n' "$net" >"$LAB_DIR/management"
}

# Where the machine itself reaches the gateway.
site_management_address() {
	cat "$LAB_DIR/management" 2>/dev/null || echo 127.0.0.1
}

# The gateway's side as plain Linux, for tests of the lab itself.
site_gateway_linux() {
	lab_in gw sysctl -qw net.ipv4.ip_forward=1
	lab_addr gw vgprv0 $SITE_PRIVATE/24
	lab_addr gw vgpub0 $SITE_PUBLIC0/24
	lab_addr gw vgpub1 $SITE_PUBLIC1/24
	lab_in gw ip rule add from $SITE_PUBLIC0 lookup 10
	lab_in gw ip route add default via $SITE_NET0 table 10
	lab_in gw ip rule add from $SITE_PUBLIC1 lookup 11
	lab_in gw ip route add default via $SITE_NET1 table 11
	lab_in gw ip route add default via $SITE_NET0
}

# strongSwan in `branch` with a tunnel to each public address: site_branch PSK [key=value...]
site_branch() {
	local psk=$1
	shift
	lab_charon_start branch-ike branch
	: >"$(lab_charon_dir branch-ike)/swanctl.conf"
	lab_charon_connection branch-ike gw0 local=$SITE_BRANCH remote=$SITE_PUBLIC0 \
		local_ts=$SITE_PREFIX_B remote_ts=$SITE_PREFIX_A psk="$psk" "$@"
	lab_charon_connection branch-ike gw1 local=$SITE_BRANCH remote=$SITE_PUBLIC1 \
		local_ts=$SITE_PREFIX_B remote_ts=$SITE_PREFIX_A psk="$psk" "$@"
	lab_charon_load branch-ike
}

# Both of its tunnels are up.
site_branch_up() {
	lab_charon_up branch-ike gw0 && lab_charon_up branch-ike gw1
}

# Pings every 5 ms between the hosts, from either side, until site_pings_end; which says how many were answered, into
# LAB_DIR/figures as well, and fails when one was lost.
site_pings_start() {
	lab_start ping-a host-a ping -n -i 0.005 "$SITE_HOST_B"
	lab_start ping-b host-b ping -n -i 0.005 "$SITE_HOST_A"
}

site_pings_end() {
	lab_ping_end ping-a >>"$LAB_DIR/figures"
	local a=$?
	lab_ping_end ping-b >>"$LAB_DIR/figures"
	local b=$?
	cat "$LAB_DIR/figures"
	[ $((a + b)) = 0 ]
}
