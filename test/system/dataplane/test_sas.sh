#!/usr/bin/env bash
# SAs come by the thousand while the worker encrypts all that a port of memory gives it: at least 10,000 a second are
# applied, no packet is lost, and a hundred thousand fit into the memory that was said at the start.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" sas
skip_unless gateway_missing dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
KEY=$(seq -f %02g -s '' 10 45)
SA="esn=1 tunnel=2 child=4 local=10.8.0.1 remote=198.51.100.1 key=$KEY"

start() {
	lab_ns gw && /usr/bin/python3 "$(dirname "$0")/load_pcap.py" "$LAB_DIR/load.pcap" || return 1
	dp_start --idle poll --max-sas 101001 --memory 700 --port name=sink0,role=public,device=net_null0:no-rx=1 \
		--port "name=load0,role=private,device=net_pcap0:rx_pcap=$LAB_DIR/load.pcap:infinite_rx=1" || return 1
	dp_ctl <<-END
		set nexthop id=2 kind=gateway port=1 gateway=10.8.0.2
		set neighbour addr=10.8.0.2 port=1 mac=02:00:00:00:00:02
		set tunnel id=2 nexthop=2
		set child id=4 tunnel=2 local=0.0.0.0/0 remote=0.0.0.0/0
		add sa id=1 spi=0x100001 direction=out $SA
		set child id=4 tunnel=2 local=0.0.0.0/0 remote=0.0.0.0/0 outbound_sa=1
		set group id=1 members=2
		set nexthop id=3 kind=group target=1
		set route prefix=10.99.0.0/16 nexthop=3
	END
}

encrypted() {
	dp_one counters tunnels | sed -n 's/^tunnels id=2 .*out_packets=\([0-9]*\).*/\1/p'
}

# storm DIRECTION FIRST COUNT: so many SAs from that id on
storm() {
	local before drops ms
	before=$(encrypted) drops=$(dp_one counters drops)
	ms=$(dp_ctl <<<"storm sas=$3 id=$2 direction=$1 $SA" | sed -n 's/^storm sas=[0-9]* refused=0 ms=\([0-9]*\).*/\1/p')
	[ -n "$ms" ] || { echo "some were refused"; return 1; }
	printf '# %s SAs of direction %s in %s ms beside %s packets encrypted\n' "$3" "$1" "$ms" $(($(encrypted) - before)) >&3
	[ "$(encrypted)" -gt "$before" ] || { echo "no packet was encrypted meanwhile"; return 1; }
	[ "$(dp_one counters drops)" = "$drops" ] || { echo "packets were lost:"; dp_one counters drops; return 1; }
	[ "$ms" -le $(($3 / 10)) ]
}

exec 3>&1
require "the data plane encrypts what a port of memory gives" start
# Outbound SPIs below 256 are nobody's (RFC 4303 section 2.1), and these are made of the ids.
expect "50,000 outbound SAs, at least 10,000 a second, nothing lost" storm out 1000 50000
expect "and 50,000 inbound ones" storm in 51000 50000
expect "they fit into what was said at the start" says "per_sa=" grep memory: "$LAB_DIR/dataplane.log"
sed -n 's/.*memory: tables/# memory:/p' "$LAB_DIR/dataplane.log"
expect "and all are there" says "count 100001 " dp_one count sa
finish
