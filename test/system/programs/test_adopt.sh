#!/usr/bin/env bash
# Controls that are killed one after the other at a real data plane: each finds all 10,000 SAs with their opaque bytes,
# adopts them, and what it does not confirm goes when adoption is complete and not before.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" adopt
skip_unless gateway_missing dataplane
adopt=$LAB_BUILD/test/perf/bench_adopt
socket=$LAB_DIR/dataplane.sock

socket_there() {
	[ -S "$socket" ]
}

start_dataplane() {
	lab_ns gw
	lab_start dataplane gw "$(gateway_program dataplane)" --no-huge --idle rest --max-sas 10001 --socket "$socket" \
		--port name=p0,device=net_null0,role=both
	lab_await 20 socket_there
}

adopts() {
	"$adopt" "$socket" --sas 10000 --quick --json "$LAB_DIR/adopt.json"
}

# A tenth of a second is the aim on a quiet machine (scripts/bench adopt); here other things run beside it.
in_time() {
	cat "$LAB_DIR/adopt.json"
	jq -e '.sas == 10000 and .median_ms < 1000' "$LAB_DIR/adopt.json"
}

require "the data plane starts" start_dataplane
expect "three controls adopt 10,000 SAs, a fourth half of them" adopts
expect "without a wait" in_time
expect "the data plane lives" lab_alive dataplane
finish
