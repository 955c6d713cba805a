#!/usr/bin/env bash
# The Linux interfaces of the data plane: made with the port's MAC and MTU, traffic through the worker both
# ways, carrier and events follow the link, and they outlive the program however it ends.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" mirrors
skip_unless gateway_missing dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

gw_link() {
	ip -n "${LAB_PREFIX}gw" -d link show "$1"
}

link_says() {
	says "$2" gw_link "$1"
}

ifindex() {
	lab_in gw cat "/sys/class/net/$1/ifindex"
}

mac_is_the_ports() {
	local mac
	mac=$(lab_in gw cat /sys/class/net/p0/address)
	link_says vg-p0 "$mac"
}

pings() {
	lab_in peer ping -c 3 -i 0.1 -W 2 "$@"
}

ping_from_gw() {
	lab_in gw ping -c 3 -i 0.1 -W 2 "$DP_PEER"
}

ping6() {
	local mac address
	address=$(ip -n "${LAB_PREFIX}gw" -6 -o addr show dev vg-p0 scope link | awk '{ sub("/.*", "", $4); print $4 }')
	[ -n "$address" ] || { echo "vg-p0 has no link-local address"; return 1; }
	dp_one set address "addr=$address" port=1 mirror=1 &&
		lab_in peer sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0 && lab_await 4 lab_in peer ping -6 -c 1 -W 1 "$address%eth0"
}

# NET_ADMIN (12), NET_RAW (13), IPC_LOCK (14), SYS_NICE (23), DAC_OVERRIDE (1), CHOWN (0); every thread.
few_rights() {
	local task
	for task in /proc/"$(lab_pid dataplane)"/task/*; do
		grep -q 'CapEff:.0*807003$' "$task/status" || { grep -E '^(Name|CapEff)' "$task/status"; return 1; }
	done
}

two_workers() {
	dp_start --port "$(dp_port ",mtu=1400$1")" --cores 1,1 && dp_address && pings "$DP_US" && pings -s 1300 "$DP_US" &&
		ping_from_gw
}

# link_event STATE: the link is taken or given, and control hears of it; $took is in milliseconds.
link_event() {
	local state=$1 begun waiter
	"$DP_CTL" "$DP_SOCKET" wait 5000 "port=1 $state" >"$LAB_DIR/event" &
	waiter=$!
	lab_await 2 dp_attached || return 1
	begun=${EPOCHREALTIME/./}
	"lab_link_$state" peer eth0
	wait "$waiter" || { cat "$LAB_DIR/event"; return 1; }
	took=$(((${EPOCHREALTIME/./} - begun) / 1000))
	echo "$state: heard after $took ms"
}

# Each change is heard of; the best of three, as the machine may be busy, within 200 ms.
link_events() {
	local i took=0 best=1000
	for i in 1 2 3; do
		link_event down || return 1
		[ "$took" -ge "$best" ] || best=$took
		link_says vg-p0 "NO-CARRIER" || return 1
		link_event up || return 1
		link_says vg-p0 "LOWER_UP" || return 1
	done
	echo "round $i, best $best ms"
	[ "$best" -lt 200 ]
}

stays_when_stopped() {
	lab_stop dataplane && link_says vg-p0 "persist on" && [ "$(ifindex vg-p0)" = "$index" ]
}

comes_back() {
	dp_start --port "$(dp_port ,mtu=1400)" && [ "$(ifindex vg-p0)" = "$index" ] && dp_address && pings "$DP_US"
}

# A start that fails late takes away what it made and leaves what was there.
refused() {
	local text=$1
	shift
	says "$text" lab_in gw timeout 10 "$(gateway_program dataplane)" --no-huge --cores 1 --socket "$LAB_DIR/other.sock" "$@" || return 1
	[ ! -e "$LAB_DIR/other.sock" ] || { echo "its socket is left"; return 1; }
}

nothing_new() {
	fails gw_link vg-n0 && fails gw_link vg-n1
}

require "a port and a peer" dp_site
require "the data plane starts" dp_start --port "$(dp_port ,mtu=1400)" --tun name=vg-inner,mtu=1300
index=$(ifindex vg-p0)
expect "the mirror is a persistent TAP" link_says vg-p0 "tun type tap"
expect "with the port's MAC" mac_is_the_ports
expect "and the port's MTU" link_says vg-p0 "mtu 1400"
expect "the tunnel side is a TUN" link_says vg-inner "tun type tun"
expect "with its MTU" link_says vg-inner "mtu 1300"
expect "no thread keeps a right that it does not need" few_rights
require "control sets an address and goes" dp_address
expect "ping to the mirror's address" pings "$DP_US"
expect "ping of 1300 bytes" pings -s 1300 "$DP_US"
expect "ping from the mirror" ping_from_gw
expect "ping by IPv6" ping6
expect "control and Linux hear at once that the link went and came" link_events
expect "ping" pings "$DP_US"
expect "a second data plane cannot take the mirror" refused "another program holds it" --port name=p0,role=public,device=net_null0 --tun name=vg-n1
expect "a veth is no mirror" refused "an interface of another kind has this name" --port name=n0,role=public,device=net_null0 --tun name=p0
expect "what failed to start left no interface" nothing_new
expect "the mirror outlives the program" stays_when_stopped
expect "and is found again" comes_back
require "kill -9" lab_kill dataplane
expect "the mirror outlives that" link_says vg-p0 "persist on"
expect "and is found again" comes_back
expect "it stops" lab_stop dataplane
expect "two workers, a queue each" two_workers ""
expect "it stops" lab_stop dataplane
expect "two workers, one queue" two_workers ",queues=1"
finish
