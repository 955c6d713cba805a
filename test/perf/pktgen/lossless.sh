# shellcheck shell=bash
# The rate without loss, for scripts/bench pktgen: pace sends at a rate, a binary search looks for the highest at which all
# packets of a trial come back, and a longer trial has to confirm it. The rate is that of the time that pace had its CPU.
lossless_least=10000 lossless_most=40000000 # packets a second

lossless_start() {
	rm -f "$LAB_DIR/pace.in"
	mkfifo "$LAB_DIR/pace.in"
	exec {lossless_in}<>"$LAB_DIR/pace.in"
	# shellcheck disable=SC2016
	lab_start pace - bash -c 'exec "$@" <"$0"' "$LAB_DIR/pace.in" "$BENCH_BUILD/test/perf/pktgen/pktgen_pace" --no-huge -m 128 \
		--no-pci --no-telemetry --lcores "0@${site_generator_cpu:?}" --file-prefix "${LAB_PREFIX}pace" \
		--vdev "$(memif_end 0)" --vdev "$(memif_end 1)"
	lab_await_line pace 60 ready || { tail -n 5 "$LAB_DIR/pace.log" >&2; return 1; }
}

lossless_stop() {
	site_down
	exec {lossless_in}>&-
	lab_stop pace
}

lossless_answered() {
	[ "$(grep -c '^trial' "$LAB_DIR/pace.log")" -gt "$1" ]
}

# lossless_trial RATE MILLISECONDS FILE: true when all was sent at this rate and came back. Figures of the last one stay in
# lossless_sent, lossless_received, lossless_ms, lossless_cpu_ms.
lossless_trial() {
	local had unsent
	had=$(grep -c '^trial' "$LAB_DIR/pace.log") || true
	printf '%s\n' "$*" >&"$lossless_in"
	lab_await $((60 + $2 / 500)) lossless_answered "$had" || lab_fail 'bench pktgen: pace gave no figures' || exit 1
	read -r _ lossless_sent unsent lossless_received lossless_ms lossless_cpu_ms < <(grep '^trial' "$LAB_DIR/pace.log" | tail -n 1)
	[ "$lossless_sent" = "$lossless_received" ] && [ "$unsent" = 0 ] && [ "$lossless_cpu_ms" -gt 0 ] &&
		[ $((lossless_sent * 1000 / lossless_cpu_ms)) -ge $(($1 * 95 / 100)) ]
}

# lossless_search FILE: packets a second, 0: not even the least. A rate that failed may have had bad luck: it is tried again.
lossless_search() {
	local low=0 high=$lossless_least rate
	while [ "$high" -lt "$lossless_most" ] && lossless_twice "$high" "$1"; do low=$high high=$((high * 2)); done
	while [ "$low" -gt 0 ] && [ $((high - low)) -gt $((low / 50)) ]; do
		rate=$(((low + high) / 2))
		if lossless_twice "$rate" "$1"; then low=$rate; else high=$rate; fi
	done
	lossless_rate=$low
}

lossless_twice() {
	lossless_trial "$1" 300 "$2" || lossless_trial "$1" 300 "$2"
}

# lossless_row DIRECTION ALGORITHM SIZE FILE
lossless_row() {
	local row tries=0
	lossless_search "$4"
	site_counted >"$LAB_DIR/before"
	until lossless_trial "$lossless_rate" $((${bench_seconds:?} * 1000)) "$4"; do
		lossless_rate=$((lossless_rate * 19 / 20)) tries=$((tries + 1))
		if [ $tries -gt 30 ] || [ "$lossless_rate" -lt "$lossless_least" ]; then
			printf '%-4s %-20s %5s | no rate without loss\n' "$1" "$2" "$3"
			return
		fi
		site_counted >"$LAB_DIR/before"
	done
	site_counted >"$LAB_DIR/after"
	row=$(site_difference "$LAB_DIR/before" "$LAB_DIR/after" | jq -c --arg direction "$1" --arg algorithm "$2" --argjson size "$3" \
		--argjson sent "$lossless_sent" --argjson received "$lossless_received" --argjson ms "$lossless_ms" \
		--argjson cpu "$lossless_cpu_ms" '
		{ direction: $direction, algorithm: $algorithm, size: $size, tunnels: 2, flows: 1024, routes: 3, generator: "pace",
		lossless: true, seconds: ($ms / 1000), sent: $sent, received: $received, lost: 0,
		carried: (if $direction == "out" then .packets else .opened end),
		mpps: ($received / $cpu | round / 1000), gbit_s: ($received * $size * 8 / $cpu / 10000 | round / 100),
		clock_mpps: ($received / $ms | round / 1000),
		worker_busy: (if .busy + .idle > 0 then 100 * .busy / (.busy + .idle) | round else 0 end),
		drops: ([.drops[]] | add // 0) }')
	site_rows+=("$row")
	jq -r '[.direction, .algorithm, .size, .sent, .mpps, .gbit_s, .clock_mpps, .worker_busy, .drops] | @tsv' <<<"$row" |
		{ IFS=$'\t' read -r direction algorithm size sent mpps gbit clock busy drops &&
			printf '%-4s %-20s %5s | %9s sent, all came | %6s Mpps %6s Gbit/s (%s Mpps by the clock) | worker %3s%% busy, %s dropped\n' \
				"$direction" "$algorithm" "$size" "$sent" "$mpps" "$gbit" "$clock" "$busy" "$drops"; }
	jq -e '.carried >= .received and .drops == 0' <<<"$row" >/dev/null ||
		lab_fail 'bench pktgen: what came was not what the tunnels counted' || exit 1
}

# What arrives sealed leaves open: 192 packets once, compared with what OpenSSL sealed.
lossless_proof() {
	local files=("$LAB_DIR/opened0.pcap" "$LAB_DIR/opened1.pcap")
	rm -f "${files[@]}"
	/usr/bin/python3 test/perf/pktgen/packets.py make "$LAB_DIR/answers.pcap" 192
	lossless_seal "$LAB_DIR/answers.pcap" "$LAB_DIR/answers-sealed.pcap" "$1"
	generator_pass "$LAB_DIR/answers-sealed.pcap" "${files[@]}" 192 || lab_fail 'bench pktgen: the packets to check did not come back' || exit 1
	/usr/bin/python3 test/perf/pktgen/packets.py opened "$LAB_DIR/answers.pcap" "${files[@]}" || exit 1
	printf '%s: 192 packets that OpenSSL encrypted left as they had been\n' "$1"
}

lossless_seal() {
	/usr/bin/python3 test/perf/pktgen/packets.py seal "$1" "$2" "$3" \
		"$(site_cipher_key "$3")" "${site_integrity_key:?}" "${site_spis[@]:?}"
}

# lossless ALGORITHM SIZE...
lossless() {
	local algorithm=$1 size
	shift
	site_up
	site_tunnels "$algorithm"
	lossless_start || lab_fail 'bench pktgen: pace does not start' || exit 1
	for size in "$@"; do
		/usr/bin/python3 test/perf/pktgen/packets.py make "$LAB_DIR/clear-$size.pcap" 1024 "$size"
		lossless_row out "$algorithm" "$size" "$LAB_DIR/clear-$size.pcap"
	done
	site_tunnels "$algorithm" in
	for size in "$@"; do
		lossless_seal "$LAB_DIR/clear-$size.pcap" "$LAB_DIR/sealed-$size.pcap" "$algorithm"
		lossless_row in "$algorithm" "$size" "$LAB_DIR/sealed-$size.pcap"
	done
	lossless_stop
	site_up
	site_tunnels "$algorithm" in
	lossless_proof "$algorithm"
}
