# shellcheck shell=bash
# dpdk-testpmd as the generator of scripts/bench pktgen: one process with a memif cable to each port. Its flowgen sends on both
# and counts what comes back; one thread does both, so that a generator that waits for its CPU neither sends nor is late.
generator_device() {
	site_memif "$1"
}

# testpmd NAME CORES DEVICE... -- OPTION...: reads its commands from LAB_DIR/NAME.in
testpmd_start() {
	local name=$1 arguments=()
	shift
	while [ "$1" != -- ]; do
		arguments+=(--vdev "$1")
		shift
	done
	shift
	rm -f "$LAB_DIR/$name.in" "$LAB_DIR/$name.log"
	mkfifo "$LAB_DIR/$name.in"
	exec {testpmd_in}<>"$LAB_DIR/$name.in"
	# shellcheck disable=SC2016
	lab_start "$name" - bash -c 'exec stdbuf -oL "$@" <"$0"' "$LAB_DIR/$name.in" dpdk-testpmd --no-huge -m 128 --no-pci --no-telemetry \
		--lcores "0@0,1@${site_generator_cpu:?}" --file-prefix "$LAB_PREFIX$name" "${arguments[@]}" -- \
		-i --total-num-mbufs=16384 --nb-cores=1 "$@"
	if ! lab_await_line "$name" 60 'Checking link statuses' || ! lab_await 30 site_links; then
		tail -n 5 "$LAB_DIR/$name.log" >&2
		return 1
	fi
}

testpmd_say() {
	printf '%s\n' "$@" >&"$testpmd_in"
}

# After testpmd_halt: its own thread must not look at the cables when the data plane goes.
testpmd_end() {
	site_down
	testpmd_say quit
	lab_await_end "$(lab_pid "$1")" 5 || lab_stop "$1"
	exec {testpmd_in}>&-
}

# Stops what runs in process $1 and waits for the figures that testpmd then prints.
testpmd_halt() {
	local had
	had=$(grep -c 'Accumulated forward' "$LAB_DIR/$1.log")
	testpmd_say stop
	# shellcheck disable=SC2016
	lab_await 30 bash -c '[ "$(grep -c "Accumulated forward" "$0")" -gt "$1" ]' "$LAB_DIR/$1.log" "$had"
}

site_links() {
	[ "$(site_ctl list port | grep -c 'link=up')" = 2 ]
}

memif_end() {
	printf 'net_memif%s,role=client,id=%s,socket=%s/port%s.sock,socket-abstract=no' "$1" "$1" "$LAB_DIR" "$1"
}

generator_start() {
	testpmd_start generator "$(memif_end 0)" "$(memif_end 1)" -- --forward-mode=flowgen
}

generator_stop() {
	testpmd_end generator
}

# flowgen takes the size with the frame check sequence; afterwards what is still under way is received.
generator_run() {
	local begun ms
	generator_before=$(site_traffic)
	testpmd_say "set txpkts $(($1 + 14 + 4))" 'clear port stats all' 'set fwd flowgen' start
	begun=${EPOCHREALTIME/./}
	read -r -t "$2" <> <(:) || true
	testpmd_halt generator || return 1
	ms=$(((${EPOCHREALTIME/./} - begun) / 1000))
	testpmd_say 'set fwd rxonly' start
	lab_await 60 generator_drained || return 1
	testpmd_halt generator || return 1
	generator_look || return 1
	export generator_figures="$generator_sums $ms"
}

# Its counters, sent, received and bytes received, in generator_sums.
generator_look() {
	generator_shown=$(grep -c 'NIC statistics' "$LAB_DIR/generator.log") || true
	testpmd_say 'show port stats all'
	lab_await 20 generator_shows || return 1
	generator_sums=$(awk -v skip="$generator_shown" '
		/NIC statistics/ { n++ }
		n <= skip { next }
		{ for (i = 1; i < NF; i++) { if ($i == "TX-packets:") sent += $(i + 1); if ($i == "RX-packets:") got += $(i + 1); if ($i == "RX-bytes:") bytes += $(i + 1) } }
		END { printf "%.0f %.0f %.0f", sent, got, bytes }' "$LAB_DIR/generator.log")
}

generator_shows() {
	[ "$(awk '/NIC statistics/ { n++ } /^  Tx-pps/ { t = n } END { print t + 0 }' "$LAB_DIR/generator.log")" -ge $((generator_shown + 2)) ]
}

# The data plane has taken all that was sent, and what it put on the cables has been received.
generator_drained() {
	local taken put taken_before put_before sent received
	generator_look || return 1
	read -r sent received _ <<<"$generator_sums"
	read -r taken_before put_before <<<"$generator_before"
	read -r taken put < <(site_traffic)
	[ $((taken - taken_before)) -ge "$sent" ] && [ "$received" -ge $((put - put_before)) ]
}

# Sends the packets of file $1 into port 0 once and writes what leaves port 0 and port 1 into $2 and $3: $4 in all. In
# testpmd's chain each device sends what the one before it received.
generator_pass() {
	testpmd_start passer "net_pcap0,rx_pcap=$1" "$(memif_end 0)" "net_pcap1,tx_pcap=$2" "$(memif_end 1)" "net_pcap2,tx_pcap=$3" -- \
		--no-flush-rx --forward-mode=io --port-topology=chained || return 1
	testpmd_say 'set portlist 0,1,2,3,4' start
	generator_pass_files=("$2" "$3")
	lab_await 30 generator_passed "$4" || true
	testpmd_halt passer || return 1
	testpmd_end passer
	generator_passed "$4"
}

generator_passed() {
	local n
	n=$(/usr/bin/python3 test/perf/pktgen/packets.py count "${generator_pass_files[@]}") && [ "$n" = "$1" ]
}
