#!/usr/bin/env bash
# A worker that has no time left is told of once, by what takes it: a port of memory (net_pcap, infinite_rx) that gives it
# all it can take.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" warn
skip_unless gateway_missing dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

loaded() {
	/usr/bin/python3 "$(dirname "$0")/load_pcap.py" "$LAB_DIR/load.pcap" &&
		dp_start --idle poll --port "$(dp_port "")" \
			--port "name=load0,role=private,device=net_pcap0:rx_pcap=$LAB_DIR/load.pcap:infinite_rx=1"
}

idle() {
	dp_start --idle poll --port "$(dp_port "")"
}

# Looks at seconds, not at their sum: some of an idle worker's go by while others have its CPU.
quiet() {
	lab_pause 4
	fails grep 'was busy' "$LAB_DIR/dataplane.log"
}

# For a minute it is the only line.
once() {
	lab_pause 4
	grep 'was busy' "$LAB_DIR/dataplane.log"
	[ "$(grep -c 'was busy' "$LAB_DIR/dataplane.log")" = 1 ]
}

warned() {
	lab_await_line dataplane 20 'warn worker: worker 0 was busy 9[0-9] % .*more --cores, or --spread-inbound|worker 0 was busy 100 %'
}

require "a port and a peer" dp_site
require "a data plane without work starts" idle
expect "it has nothing to warn of" quiet
require "it stops" lab_stop dataplane
require "one with more work than it can do starts" loaded
expect "it warns, and says what helps" warned
expect "once" once
expect "the time goes where the steps say" says "classify_cycles=" dp_one counters steps
finish
