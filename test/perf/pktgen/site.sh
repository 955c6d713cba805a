# shellcheck shell=bash
# The gateway of scripts/bench pktgen: our data plane with two ports on a stick and a tunnel out of each, contractctl as its
# control, and what its counters say. A generator gives generator_devices, generator_run SIZE and the like.
# shellcheck disable=SC2034 # bench.d/pktgen goes through them
site_algorithms=(aes-256-gcm aes-256-cbc-sha256 chacha20-poly1305)
site_rows=()
site_mac=00:01:02:03:04:01 # what testpmd's flowgen sends to
site_key=$(head -c 36 /dev/urandom | od -An -v -tx1 | tr -d ' \n')
site_integrity_key=$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n')
site_sa=0

site_ctl() {
	timeout 30 "$BENCH_BUILD/test/tools/contractctl" "$LAB_DIR/dp.sock" "$@"
}

site_missing() {
	local reason
	/usr/bin/python3 -c 'import cryptography' 2>/dev/null || reason='no python3-cryptography: packets could not be checked'
	command -v dpdk-testpmd >/dev/null || reason='no dpdk-testpmd'
	[ -z "${reason:-}" ] || { printf 'bench pktgen: %s (scripts/setup --for bench installs it)\n' "$reason" >&2; exit 1; }
}

# The CPUs: the worker has the last one, the generator the one before it, everything else the first.
site_cpus=$(nproc)
site_worker_cpu=$((site_cpus - 1))
export site_generator_cpu=$((site_cpus > 1 ? site_cpus - 2 : 0))

# The device's argument for port $1.
site_memif() {
	printf 'net_memif%s:role=server:id=%s:socket=%s/port%s.sock:socket-abstract=no:mac=%s' "$1" "$1" "$LAB_DIR" "$1" "$site_mac"
}

# What the figures of this machine are to be read with.
site_announce() {
	[ "$(awk '/HugePages_Free/ { print $2 }' /proc/meminfo)" -ge 200 ] || site_pages=(--no-huge)
	[ ${#site_pages[@]} = 0 ] || printf 'ordinary pages: 400 MB of hugepages are not free (scripts/setup)\n'
	[ "$site_cpus" -gt 2 ] || printf '%s CPUs: the generator shares one with others, so what it cannot take in time is dropped (tx_full)\n' "$site_cpus"
}
site_pages=()

site_start() {
	rm -f "$LAB_DIR/dataplane.log"
	lab_start dataplane gw "$(gateway_program dataplane)" "${site_pages[@]}" --idle poll --cores "$site_worker_cpu" --main-core 0 \
		--socket "$LAB_DIR/dp.sock" --port "name=port0,role=both,device=$1" --port "name=port1,role=both,device=$2"
	lab_await_line dataplane 60 'main: ready' || { cat "$LAB_DIR/dataplane.log" >&2; exit 1; }
}

# Two ways out, a tunnel over each, and the flows' network behind both of them.
site_routes() {
	local n
	for n in 1 2; do
		printf '%s\n' "set address addr=10.7.$n.1 port=$n mirror=$n" \
			"set nexthop id=$n kind=gateway port=$n gateway=10.7.$n.2" \
			"set neighbour addr=10.7.$n.2 port=$n mac=${site_peer_macs[n - 1]}" \
			"set tunnel id=$n nexthop=$n" \
			"set child id=$n tunnel=$n local=0.0.0.0/0 remote=0.0.0.0/0"
	done
	printf '%s\n' 'set group id=1 members=1,2' 'set nexthop id=3 kind=group target=1' 'set route prefix=10.253.0.0/16 nexthop=3' \
		'set route prefix=10.254.0.0/25 nexthop=1' 'set route prefix=10.254.0.128/25 nexthop=2'
}
site_peer_macs=(02:00:00:00:00:00 02:00:00:00:00:01)

site_prepare() {
	lab_ns gw
	lab_in gw sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1
	site_announce
}

site_up() {
	site_start "$(generator_device 0)" "$(generator_device 1)"
	site_routes | site_ctl
}

# The data plane, before a generator ends: DPDK's memif unmaps the cable's memory in its interrupt thread when the other end
# leaves, while the worker may be reading there (config/README.md, Ports without a NIC). A new generator finds a new data plane.
site_down() {
	lab_alive dataplane && lab_stop dataplane && return
	tail -n 5 "$LAB_DIR/dataplane.log" >&2
	lab_fail 'bench pktgen: the data plane did not run to its end' || exit 1
}

# Without a salt for what takes none.
site_cipher_key() {
	if [ "$1" = aes-256-cbc-sha256 ]; then printf %s "${site_key:0:64}"; else printf %s "$site_key"; fi
}

# A new SA of this algorithm in each tunnel; with `in` one to receive by, whose packets may come again: a generator that would
# have to encrypt each one anew would be the limit.
site_tunnels() {
	local n spec
	case $1 in
	aes-256-gcm | chacha20-poly1305) spec="cipher=$1 key=$site_key" ;;
	*) spec="cipher=aes-256-cbc integrity=hmac-sha256-128 key=${site_key:0:64} integrity_key=$site_integrity_key" ;;
	esac
	site_spis=()
	for n in 1 2; do
		site_sa=$((site_sa + 1))
		if [ "${2:-}" = in ]; then
			site_spis+=($((0x100000 + site_sa)))
			printf 'add sa id=%d spi=%d direction=in esn=1 no_replay=1 tunnel=%d child=%d local=10.7.%d.1 remote=198.51.100.%d %s\n' \
				"$site_sa" $((0x100000 + site_sa)) "$n" "$n" "$n" "$n" "$spec"
			continue
		fi
		printf '%s\n' "add sa id=$site_sa spi=$((0x100000 + site_sa)) direction=out esn=1 tunnel=$n child=$n local=10.7.$n.1 remote=198.51.100.$n $spec" \
			"set child id=$n tunnel=$n local=0.0.0.0/0 remote=0.0.0.0/0 outbound_sa=$site_sa"
	done >"$LAB_DIR/tunnels"
	site_ctl <"$LAB_DIR/tunnels"
}

# What the data plane counted, as NAME=NUMBER words: drop.NAME, busy, idle, packets (encrypted).
site_counted() {
	site_ctl counters | awk '
		$1 == "drop" { print "drop." $2 }
		$1 == "worker" { for (i = 3; i <= NF; i++) { split($i, f, "=")
			if (f[1] == "busy_cycles") busy += f[2]; if (f[1] == "idle_cycles") idle += f[2] } }
		$1 == "tunnels" { for (i = 3; i <= NF; i++) { split($i, f, "=")
			if (f[1] == "out_packets") packets += f[2]; if (f[1] == "out_bytes") bytes += f[2]
			if (f[1] == "in_packets") opened += f[2] } }
		END { printf "busy=%.0f\nidle=%.0f\npackets=%.0f\nbytes=%.0f\nopened=%.0f\n", busy, idle, packets, bytes, opened }'
}

# Frames that the data plane has taken from the cables and put on them, since it started.
site_traffic() {
	site_ctl counters | awk '
		$1 == "ports" && ($2 == "id=1" || $2 == "id=2") { for (i = 3; i <= NF; i++) { split($i, f, "=")
			if (f[1] == "rx_packets") taken += f[2]; if (f[1] == "tx_packets") put += f[2] } }
		$1 == "drop" && sub(/^tx_full=/, "", $2) { put -= $2 }
		END { printf "%.0f %.0f\n", taken, put }'
}

# The difference of two such lists, as JSON: { busy, idle, packets, bytes, drops: { NAME: NUMBER } }
site_difference() {
	jq -cn --rawfile before "$1" --rawfile after "$2" '
		def numbers: [splits("\n") | select(length > 0) | split("=") | { key: .[0], value: (.[1] | tonumber) }] | from_entries;
		($before | numbers) as $b | ($after | numbers | with_entries(.value -= ($b[.key] // 0))) |
		with_entries(select(.key | startswith("drop.") | not)) +
		{ drops: (with_entries(select((.key | startswith("drop.")) and .value > 0) | .key |= ltrimstr("drop."))) }'
}

site_heading() {
	printf '%-20s %5s | %10s %10s %9s | %6s %7s | %7s %5s  drops\n' algorithm size sent received lost Mpps Gbit/s cycles busy
}

# generator_run SIZE SECONDS leaves SENT RECEIVED RECEIVED-BYTES MILLISECONDS in generator_figures
site_row() {
	local sent received bytes ms row
	site_counted >"$LAB_DIR/before"
	generator_run "$2" "${bench_seconds:?}" || lab_fail "bench pktgen: the generator gave no figures" || exit 1
	read -r sent received bytes ms <<<"${generator_figures:?}"
	site_counted >"$LAB_DIR/after"
	row=$(site_difference "$LAB_DIR/before" "$LAB_DIR/after" | jq -c --arg algorithm "$1" --argjson size "$2" \
		--argjson sent "$sent" --argjson received "$received" --argjson bytes "$bytes" --argjson ms "$ms" \
		--arg generator dpdk-testpmd '
		{ direction: "out", algorithm: $algorithm, size: $size, tunnels: 2, flows: 1024, routes: 1, generator: $generator,
		seconds: ($ms / 1000), sent: $sent, received: $received, lost: ($sent - $received), encrypted: .packets,
		outer_bytes: (if $received > 0 then ($bytes / $received * 10 | round / 10) else 0 end),
		mpps: ($received / $ms / 10 | round / 100), gbit_s: ($received * $size * 8 / $ms / 10000 | round / 100),
		worker_cycles: (if .packets > 0 then .busy / .packets | round else 0 end),
		worker_busy: (if .busy + .idle > 0 then 100 * .busy / (.busy + .idle) | round else 0 end) }
		+ (.drops | with_entries(.key |= "drop_" + .))')
	site_rows+=("$row")
	jq -r '[.algorithm, .size, .sent, .received, .lost, .mpps, .gbit_s, .worker_cycles, .worker_busy,
		(to_entries | map(select(.key | startswith("drop_")) | "\(.key[5:])=\(.value)") | join(" "))] | @tsv' <<<"$row" |
		{ IFS=$'\t' read -r a s sent received lost mpps gbit cycles busy drops &&
			printf '%-20s %5s | %10s %10s %9s | %6s %7s | %7s %4s%%  %s\n' "$a" "$s" "$sent" "$received" "$lost" "$mpps" "$gbit" "$cycles" "$busy" "${drops:-none}"; }
	# All that the path took was encrypted, and each packet that came has grown by what ESP adds.
	jq -e '.received > 0 and .received <= .encrypted and .outer_bytes > .size + 14 + 50' <<<"$row" >/dev/null ||
		lab_fail 'bench pktgen: what came was not what the tunnels counted' || exit 1
}

# 192 known packets through the same tunnels; what leaves is opened by OpenSSL and compared with them.
site_proof() {
	local files=("$LAB_DIR/sealed0.pcap" "$LAB_DIR/sealed1.pcap")
	rm -f "${files[@]}"
	/usr/bin/python3 test/perf/pktgen/packets.py make "$LAB_DIR/clear.pcap" 192
	generator_pass "$LAB_DIR/clear.pcap" "${files[@]}" 192 || lab_fail "bench pktgen: the packets to check did not come back" || exit 1
	/usr/bin/python3 test/perf/pktgen/packets.py check "$LAB_DIR/clear.pcap" "$1" \
		"$(site_cipher_key "$1")" "$site_integrity_key" "${files[@]}" || exit 1
	printf '%s: 192 packets of known content left encrypted; OpenSSL opened each and found what was sent\n' "$1"
}
