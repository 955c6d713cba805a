#!/usr/bin/env bash
# ssh, curl and BGP on a mirror interface while the worker that serves it is busy with traffic of its own: packets from
# memory (net_pcap, infinite_rx) that it encrypts and sends to a null device. What a ping takes then, against the same
# run without the load.
#
#   peer:eth0 -- gw:p0, mirror vg-p0: sshd, a web server, bird        load0 (memory) -> ESP -> sink0 (nowhere)
#
# The worker has CPU 1, the main lcore and everything else CPU 0. LOAD_PINGS (2000) are sent every 5 ms in each run.
# LOAD_RUNS (1): medians of so many pairs of runs are held against the limits.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" load
skip_unless gateway_missing dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

load_missing() {
	local program
	[ "$(nproc)" -ge 2 ] || { echo "one CPU: the worker needs one of its own"; return; }
	for program in /usr/sbin/sshd bird birdc ssh curl; do
		command -v "$program" >/dev/null || { echo "no $program (scripts/setup installs it)"; return; }
	done
}
skip_unless load_missing
LOAD_PINGS=${LOAD_PINGS:-2000}
LOAD_RUNS=${LOAD_RUNS:-1}
TOOLS=$(dirname "$0")

# No other work of the machine gets in the way of a process of the lab, which is a scheduling group of its own.
first() {
	echo -19 >"/proc/$(lab_pid "$1")/autogroup" 2>/dev/null || true
}

on_cpu0() {
	local name=$1 ns=$2
	shift 2
	lab_start "$name" "$ns" taskset -c 0 "$@"
	first "$name"
}

services() {
	local dir=$LAB_DIR/ssh
	mkdir -p "$dir" /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$dir/host" && ssh-keygen -q -t ed25519 -N '' -f "$dir/key" || return 1
	cp "$dir/key.pub" "$dir/authorized"
	printf '%s\n' "HostKey $dir/host" "AuthorizedKeysFile $dir/authorized" 'UsePAM no' 'StrictModes no' \
		'PermitRootLogin yes' 'PidFile none' "ListenAddress $DP_US" 'MaxStartups 100' >"$dir/sshd_config"
	head -c 300000 /dev/urandom >"$dir/file"
	on_cpu0 sshd gw /usr/sbin/sshd -D -e -f "$dir/sshd_config"
	on_cpu0 web gw python3 -m http.server --directory "$dir" --bind "$DP_US" 8080
	speaker gw "$DP_US" 65001 "$DP_PEER" 65002
	speaker peer "$DP_PEER" 65002 "$DP_US" 65001
}

# speaker NS US AS PEER AS
speaker() {
	cat >"$LAB_DIR/bird-$1.conf" <<-END
		router id $2;
		protocol device {}
		protocol static { ipv4; route 198.18.${3#6500}.0/24 blackhole; }
		protocol bgp bgp1 {
			local $2 as $3;
			neighbor $4 as $5;
			hold time 3;
			connect retry time 1;
			error wait time 1, 2;
			ipv4 { import all; export all; };
		}
	END
	on_cpu0 "bird-$1" "$1" bird -f -c "$LAB_DIR/bird-$1.conf" -s "$LAB_DIR/bird-$1.ctl" -P "$LAB_DIR/bird-$1.lock"
}

# Since when the session is up.
session() {
	birdc -s "$LAB_DIR/bird-peer.ctl" show protocols bgp1 | awk '$1 == "bgp1" && /Established/ { print $5; n = 1 } END { exit !n }'
}

# data_plane DEVICE: DEVICE gives what comes in by load0
data_plane() {
	! lab_alive dataplane || lab_stop dataplane || return 1
	dp_start --idle poll --cores 1 --main-core 0 --port "$(dp_port "")" \
		--port "name=load0,role=private,device=$1" --port "name=sink0,role=public,device=net_null1:no-rx=1" || return 1
	first dataplane
	dp_address && dp_ctl <<-END
		set nexthop id=2 kind=gateway port=3 gateway=10.8.0.2
		set neighbour addr=10.8.0.2 port=3 mac=02:00:00:00:00:02
		set tunnel id=2 nexthop=2
		set child id=4 tunnel=2 local=0.0.0.0/0 remote=0.0.0.0/0
		add sa id=5 spi=0x100005 direction=out esn=1 tunnel=2 child=4 local=10.8.0.1 remote=198.51.100.1 key=$(seq -f %02g -s '' 10 45)
		set child id=4 tunnel=2 local=0.0.0.0/0 remote=0.0.0.0/0 outbound_sa=5
		set group id=1 members=2
		set nexthop id=3 kind=group target=1
		set route prefix=10.99.0.0/16 nexthop=3
	END
}

# The columns of a counter row: column SECTION ID NAME
column() {
	dp_one counters "$1" | sed -n "s/^$1 id=$2 .*\b$3=\([0-9]*\).*/\1/p"
}

# What people do meanwhile, until the pings are over.
use() {
	local n=0 sum
	sum=$(sha256sum <"$LAB_DIR/ssh/file")
	while lab_alive "$1"; do
		[ "$(lab_in peer taskset -c 0 ssh -i "$LAB_DIR/ssh/key" -F none -o BatchMode=yes -o StrictHostKeyChecking=no \
			-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "root@$DP_US" cat "$LAB_DIR/ssh/file" | sha256sum)" = "$sum" ] ||
			{ echo "ssh brought something else"; return 1; }
		[ "$(lab_in peer taskset -c 0 curl -sS -m 20 "http://$DP_US:8080/file" | sha256sum)" = "$sum" ] ||
			{ echo "curl brought something else"; return 1; }
		n=$((n + 1))
	done
	echo "$n files by ssh and by curl"
	[ "$n" -gt 0 ]
}

# run NAME: the pings' median and 99th percentile in microseconds, their loss, and how busy the worker was
run() {
	local since busy idle packets
	# A session of the data plane before this one may still count as up.
	birdc -s "$LAB_DIR/bird-peer.ctl" restart bgp1 >/dev/null
	lab_await 20 session || { echo "no BGP session"; return 1; }
	since=$(session)
	busy=$(column worker 0 busy_cycles) idle=$(column worker 0 idle_cycles) packets=$(column tunnels 2 out_packets)
	rm -f "$LAB_DIR/ping-$1.log"
	on_cpu0 "ping-$1" peer ping -n -i 0.005 -c "$LOAD_PINGS" -W 1 "$DP_US"
	use "ping-$1" || return 1
	busy=$(($(column worker 0 busy_cycles) - busy)) idle=$(($(column worker 0 idle_cycles) - idle))
	packets=$(($(column tunnels 2 out_packets) - ${packets:-0}))
	[ "$(session)" = "$since" ] || { echo "the BGP session did not last"; return 1; }
	sed -n 's/.*time=\([0-9.]*\) ms/\1/p' "$LAB_DIR/ping-$1.log" | sort -n |
		awk -v busy="$busy" -v idle="$idle" -v sent="$LOAD_PINGS" -v packets="$packets" '{ us[NR] = $1 * 1000 }
			END { printf "%d %d %d %.1f %d\n", us[int((NR + 1) / 2)], us[int(NR * 0.99)], sent - NR, 100 * busy / (busy + idle), packets }' \
			>>"$LAB_DIR/$1.figures"
	read -r median p99 lost busy packets < <(tail -n 1 "$LAB_DIR/$1.figures")
	echo "$1: median $median us, p99 $p99 us, $lost of $LOAD_PINGS lost, worker $busy % busy, $packets packets encrypted" |
		tee -a "$LAB_DIR/figures"
	[ "$lost" = 0 ]
}

idle_run() {
	data_plane net_null0:no-rx=1 && run idle
}

# Full load: more than 95 % busy, and what it was busy with left encrypted.
full_run() {
	data_plane "net_pcap0:rx_pcap=$LAB_DIR/load.pcap:infinite_rx=1" && run full || return 1
	awk '{ exit !($4 > 95 && $5 > 100000) }' < <(tail -n 1 "$LAB_DIR/full.figures")
}

# median FILE COLUMN
median() {
	awk -v c="$2" '{ print $c }' "$LAB_DIR/$1.figures" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# at_most COLUMN MICROSECONDS: more than in the run without load
at_most() {
	local more=$(($(median full "$1") - $(median idle "$1")))
	echo "$more us more with the load, at most $2"
	[ "$more" -le "$2" ]
}

require "a port and a peer" dp_site
require "packets to encrypt" /usr/bin/python3 "$TOOLS/load_pcap.py" "$LAB_DIR/load.pcap"
require "the data plane starts" data_plane net_null0:no-rx=1
require "sshd, a web server and two BGP speakers start" services
for ((i = 0; i < LOAD_RUNS; i++)); do
	require "ssh, curl and BGP without load" idle_run
	require "ssh, curl and BGP while the worker is full" full_run
done
expect "the median ping takes at most 1 ms more" at_most 1 1000
expect "99 of 100 pings take at most 5 ms more" at_most 2 5000
sed 's/^/# /' "$LAB_DIR/figures"
finish
