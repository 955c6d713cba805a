# shellcheck shell=bash
# Namespaces, cables and processes of a lab. Sourced by scripts/lab, scripts/run and the tests.
#
# Everything is named with LAB_PREFIX, so that several labs stand side by side: namespaces
# "$LAB_PREFIX<name>", files below LAB_DIR, processes noted in LAB_DIR/processes. lab_down removes all
# of it, whatever state it is in, and nothing else.
LAB_PREFIX=${LAB_PREFIX:-vpngw-}
LAB_DIR=${LAB_DIR:-/run/vpngw-lab/${LAB_PREFIX%-}}

lab_fail() {
	printf '%s\n' "$*" >&2
	return 1
}

# Says what is missing for a lab here; nothing when it can be made.
lab_missing() {
	[ "$(id -u)" = 0 ] || { echo "network namespaces need root"; return; }
	[ -e /dev/net/tun ] || { echo "no /dev/net/tun (modprobe tun)"; return; }
	local tool
	for tool in ip ethtool ping; do
		command -v $tool >/dev/null || { echo "no $tool (scripts/setup installs it)"; return; }
	done
	unshare --net true 2>/dev/null || echo "this kernel or container gives no network namespaces"
}

lab_init() {
	mkdir -p "$LAB_DIR"
	: >>"$LAB_DIR/processes"
}

# Runs a command in the namespace $1 of this lab.
lab_in() {
	local name=$1
	shift
	ip netns exec "$LAB_PREFIX$name" "$@"
}

lab_exists() {
	[ -e "/run/netns/$LAB_PREFIX$1" ]
}

# A namespace with loopback up, no IPv6 autoconfiguration and forwarding off unless asked ("router").
lab_ns() {
	ip netns add "$LAB_PREFIX$1"
	ip -n "$LAB_PREFIX$1" link set lo up
	lab_in "$1" sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.accept_ra=0 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	[ "${2:-}" != router ] || lab_in "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# A cable: lab_cable NS_A IFACE_A NS_B IFACE_B. Offloads are off: a packet on it is a packet on a wire.
lab_cable() {
	ip -n "$LAB_PREFIX$1" link add name "$2" type veth peer name "$4" netns "$LAB_PREFIX$3"
	local end
	for end in "$1 $2" "$3 $4"; do
		# shellcheck disable=SC2086
		set -- $end
		lab_in "$1" ethtool -K "$2" tx off rx off tso off gso off gro off >/dev/null 2>&1 || true
		ip -n "$LAB_PREFIX$1" link set dev "$2" up
	done
}

# The end of a cable that a DPDK port opens by af_packet: promiscuous, and Linux says nothing on it. It has the MAC of the
# port's mirror: without the reverse path filter Linux would answer here what is for the mirror's address. Where there is nft,
# what the port has got goes no further, so that Linux does not look up a route for every packet of the gateway's.
lab_dpdk_end() {
	lab_in "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1" "net.ipv4.conf.$2.rp_filter=1"
	ip -n "$LAB_PREFIX$1" link set dev "$2" promisc on arp off
	! command -v nft >/dev/null || lab_in "$1" nft "add table netdev $2; add chain netdev $2 port {
		type filter hook ingress device \"$2\" priority 0; policy drop; }" || true
}

# The device argument for such an end, as vpngw-dataplane takes it.
lab_dpdk_device() {
	printf 'net_af_packet%s:iface=%s:qdisc_bypass=1:framecnt=1024' "$1" "$2"
}

lab_addr() {
	ip -n "$LAB_PREFIX$1" addr add "$3" dev "$2"
}

# lab_route NS PREFIX GATEWAY
lab_route() {
	ip -n "$LAB_PREFIX$1" route replace "$2" via "$3"
}

# Starts a process of the lab: lab_start NAME NS COMMAND... ; "-" for the namespace we are in. Its output goes
# to LAB_DIR/NAME.log, its number to LAB_DIR/NAME.pid.
lab_start() {
	local name=$1 ns=$2
	shift 2
	if [ "$ns" != - ]; then
		set -- ip netns exec "$LAB_PREFIX$ns" "$@"
	fi
	setsid "$@" </dev/null >>"$LAB_DIR/$name.log" 2>&1 &
	local pid=$!
	printf '%s' "$pid" >"$LAB_DIR/$name.pid"
	printf '%s %s\n' "$pid" "$(lab_birth "$pid")" >>"$LAB_DIR/processes"
}

# When a process was started, in ticks: tells it from a later one with the same number.
lab_birth() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	printf '%s' "${20}"
}

lab_pid() {
	cat "$LAB_DIR/$1.pid" 2>/dev/null
}

lab_alive() {
	local pid
	pid=$(lab_pid "$1") && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null &&
		! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null
}

# Waits until a process has ended, at most $2 seconds; a zombie that init has not fetched yet has ended.
lab_await_end() {
	python3 -c 'import os, select, sys
try:
    fd = os.pidfd_open(int(sys.argv[1]))
except ProcessLookupError:
    sys.exit(0)
sys.exit(not select.select([fd], [], [], float(sys.argv[2]))[0])' "$1" "$2"
}

# Stops one process by name: TERM, then KILL after 3 s. 1 when it had to be killed.
lab_stop() {
	local pid
	pid=$(lab_pid "$1")
	rm -f "$LAB_DIR/$1.pid"
	[ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || return 0
	kill -TERM "$pid" 2>/dev/null || return 0
	lab_await_end "$pid" 3 && return 0
	kill -KILL "$pid" 2>/dev/null
	lab_await_end "$pid" 1
	return 1
}

# Kills one process by name and waits for its end, at most 5 s.
lab_kill() {
	local pid
	pid=$(lab_pid "$1")
	kill -KILL "$pid" && lab_await_end "$pid" 5
}

# The memory that a process has, in kB.
lab_resident_kb() {
	awk '/^VmRSS/ { print $2 }' "/proc/$(lab_pid "$1")/status"
}

# lab_pause SECONDS: on a pipe that nothing is written to, opened once: no process is started.
lab_pause() {
	[ -n "${lab_silent:-}" ] || exec {lab_silent}<> <(:)
	read -r -t "$1" -u "$lab_silent" || true
}

# lab_await SECONDS COMMAND...: until the command succeeds. For what gives no event to wait for.
lab_await() {
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt $deadline ] || return 1
		lab_pause 0.05
	done
}

# Waits for a line that matches $3 in the log of process $1, at most $2 seconds; fails at once when it dies.
lab_await_line() {
	local pid
	pid=$(lab_pid "$1")
	grep -q -m 1 -E "$3" < <(exec timeout "$2" tail -n +1 -s 0.05 --pid="${pid:-1}" -f "$LAB_DIR/$1.log" 2>/dev/null)
}

# One answer to a ping, waited for at most $3 seconds.
lab_ping() {
	lab_in "$1" ping -n -q -c 1 -i 0.2 -w "$3" "$2" >/dev/null 2>&1
}

# Ends the ping that runs as process $1 and says how many of its packets were answered; fails when one before the last
# answer was not (what was under way when it ended may be).
lab_ping_end() {
	kill -INT "$(lab_pid "$1")"
	lab_await_end "$(lab_pid "$1")" 5
	awk -F 'icmp_seq=' -v name="$1" '/icmp_seq=/ { split($2, seq, " "); if (!(seq[1] in seen)) n++; seen[seq[1]] = 1; if (seq[1] > last) last = seq[1] + 0 }
		END { printf "%s: %d sent, %d lost\n", name, last, last - n; exit last == 0 || last != n }' "$LAB_DIR/$1.log"
}

lab_namespaces() {
	local path
	for path in /run/netns/"$LAB_PREFIX"*; do
		[ -e "$path" ] && basename "$path"
	done
	return 0
}

# The processes of this lab that still live: those noted, and whatever else is in its namespaces.
lab_processes() {
	local pid birth ns
	[ ! -e "$LAB_DIR/processes" ] || while read -r pid birth; do
		[ -z "$birth" ] || [ "$(lab_birth "$pid")" != "$birth" ] || echo "$pid"
	done <"$LAB_DIR/processes"
	for ns in $(lab_namespaces); do
		ip netns pids "$ns" 2>/dev/null
	done
	return 0
}

lab_signal_all() {
	local pid
	lab_processes | sort -un | while read -r pid; do
		[ "$pid" = $$ ] || [ "$pid" = "$BASHPID" ] || kill "-$1" "$pid" 2>/dev/null
	done
	return 0
}

lab_all_gone() {
	[ -z "$(lab_processes)" ]
}

lab_down() {
	local ns link
	lab_signal_all TERM
	lab_await 3 lab_all_gone || lab_signal_all KILL
	lab_await 2 lab_all_gone || true
	for ns in $(lab_namespaces); do
		ip netns del "$ns" 2>/dev/null || true
	done
	for link in /sys/class/net/"$LAB_PREFIX"*; do
		[ ! -e "$link" ] || ip link del "$(basename "$link")" 2>/dev/null || true
	done
	rm -rf "$LAB_DIR"
	rmdir "$(dirname "$LAB_DIR")" 2>/dev/null || true
}

# What is left of this lab; nothing when it is gone.
lab_traces() {
	lab_namespaces
	local link
	for link in /sys/class/net/"$LAB_PREFIX"*; do
		[ ! -e "$link" ] || basename "$link"
	done
	[ ! -e "$LAB_DIR" ] || echo "$LAB_DIR"
}
