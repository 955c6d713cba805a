#!/usr/bin/env bash
# A flood of one class of packets, to us or from Linux on this machine, costs the other classes nothing: BFD and ping answer,
# control hears.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" police
skip_unless gateway_missing dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

# flood PORT [NAMESPACE TO]: as many datagrams as Python can send, for 4 s.
flood() {
	lab_start "flood$1" "${2:-peer}" python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], int(sys.argv[2])))
end = time.monotonic() + 4
n = 0
while time.monotonic() < end:
    for i in range(500):
        try:
            s.send(b"x" * 64)
            n += 1
        except OSError:
            pass
print(n, "datagrams")' "${3:-$DP_US}" "$1"
}

flood_ends() {
	lab_await_end "$(lab_pid "flood$1")" 8
	sed "s/^/# /" "$LAB_DIR/flood$1.log"
}

# What BFD is to the gateway: a datagram to 3784 each 20 ms, answered to 3784; how many answers are missing? Without its class
# nearly all; a few are lost in the ring of the port before any of ours sees them, when the machine takes the worker its CPU.
bfd() {
	lab_start bfd gw python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 3784))
print("listening", flush=True)
while True:
    data, sender = s.recvfrom(100)
    s.sendto(data, sender)'
	lab_await 3 grep -q listening "$LAB_DIR/bfd.log"
	lab_in peer python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 3784))
s.connect((sys.argv[1], 3784))
s.settimeout(0.3)
lost = 0
for i in range(100):
    s.send(b"%d" % i)
    try:
        s.recv(100)
    except OSError:
        lost += 1
    time.sleep(0.02)
print(lost, "of 100 lost")
sys.exit(lost > 20)' "$DP_US"
	local result=$?
	lab_stop bfd
	return "$result"
}

no_ping_lost() {
	says " 0% packet loss" lab_in peer ping -i 0.05 -c 40 -W 1 "$DP_US"
}

# Of 40 pings a few may be lost as above; without the classes nearly all are.
pings_pass() {
	lab_in peer ping -i 0.05 -c 40 -W 1 "$DP_US" | tee "$LAB_DIR/pings.txt"
	[ "$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$LAB_DIR/pings.txt")" -ge 34 ]
}

policed() {
	says "drop mirror_policed=" dp_one counters drops
}

policed_so_far() {
	dp_one counters drops | sed -n 's/^drop mirror_policed=//p'
}

# What the peer's kernel got by the cable.
arrived() {
	lab_in peer ip -s -j link show dev eth0 | jq '.[0].stats64.rx.packets'
}

# 5,000 a second of what has no class of its own, with a tenth of a second's credit, and what pings and BFD have.
few_arrived() {
	local n=$(($(arrived) - ARRIVED))
	printf '%s arrived of %s\n' "$n" "$(cat "$LAB_DIR/flood$1.log")"
	lab_in gw ip -s -j link show dev vg-p0 | jq -c '.[0].stats64.tx' | sed 's/^/# vg-p0: /' >&3
	[ "$n" -lt 30000 ] && [ "$n" -gt 1000 ] && [ "$(cut -d ' ' -f 1 "$LAB_DIR/flood$1.log")" -gt 60000 ] &&
		[ "$(policed_so_far)" -gt "$POLICED" ]
}

probe_fast() {
	local begun=${EPOCHREALTIME/./}
	dp_one probe || return 1
	echo "took $(((${EPOCHREALTIME/./} - begun) / 1000)) ms"
	[ $((${EPOCHREALTIME/./} - begun)) -lt 500000 ]
}

exec 3>&1
require "a port and a peer" dp_site
require "the data plane starts" dp_start --port "$(dp_port "")"
require "control sets an address" dp_address
expect "ping" no_ping_lost
flood 9999
expect "BFD answers in a flood of UDP" bfd
expect "control is answered" probe_fast
flood_ends 9999
flood 9999
expect "pings are answered in a flood of UDP" pings_pass
flood_ends 9999
expect "the flood was policed" policed
flood 500
expect "pings are answered in a flood of IKE with nobody there" pings_pass
expect "BFD answers in a flood of IKE" bfd
flood_ends 500
expect "control is answered" probe_fast
ARRIVED=$(arrived) POLICED=$(policed_so_far)
flood 9998 gw $DP_PEER
expect "BFD answers while Linux sends a flood" bfd
expect "control is answered" probe_fast
flood_ends 9998
expect "and most of the flood did not leave" few_arrived 9998
flood 9998 gw $DP_PEER
expect "pings are answered while Linux sends a flood" pings_pass
flood_ends 9998
finish
