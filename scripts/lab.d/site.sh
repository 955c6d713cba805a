# shellcheck shell=bash
# The site-to-site topology of the demo and of most system tests:
#
#   host-a -- priv [gw] pub0 -- gw0 [net] br -- wan [branch] lan -- host-b
#                       pub1 -- gw1
#
# `gw` holds the gateway, `net` is the internet in between, `branch` the peer.
SITE_HOST_A=10.1.0.10
SITE_HOST_B=10.2.0.10
SITE_PRIVATE=10.1.0.1
SITE_PUBLIC0=203.0.113.4
SITE_PUBLIC1=198.51.100.4
SITE_NET0=203.0.113.1
SITE_NET1=198.51.100.1
SITE_BRANCH=192.0.2.2
SITE_PREFIX_A=10.1.0.0/16
SITE_PREFIX_B=10.2.0.0/16

# Namespaces, cables and the addresses of everything but the gateway.
site_up() {
	lab_ns host-a
	lab_ns gw router
	lab_ns net router
	lab_ns branch router
	lab_ns host-b
	lab_cable host-a eth0 gw priv
	lab_cable net gw0 gw pub0
	lab_cable net gw1 gw pub1
	lab_cable net br branch wan
	lab_cable branch lan host-b eth0
	lab_addr host-a eth0 $SITE_HOST_A/24
	lab_addr net gw0 $SITE_NET0/24
	lab_addr net gw1 $SITE_NET1/24
	lab_addr net br 192.0.2.1/24
	lab_addr branch wan $SITE_BRANCH/24
	lab_addr branch lan 10.2.0.1/24
	lab_addr host-b eth0 $SITE_HOST_B/24
	lab_route host-a default $SITE_PRIVATE
	lab_route branch default 192.0.2.1
	lab_route host-b default 10.2.0.1
}

# The gateway's side of the cables as DPDK ports.
site_gateway_ports() {
	local port
	for port in priv pub0 pub1; do
		lab_dpdk_end gw $port
	done
}

# The gateway's side as plain Linux, for tests of the lab itself.
site_gateway_linux() {
	lab_addr gw priv $SITE_PRIVATE/24
	lab_addr gw pub0 $SITE_PUBLIC0/24
	lab_addr gw pub1 $SITE_PUBLIC1/24
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
