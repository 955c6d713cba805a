# shellcheck shell=bash
# scripts/bench pktgen --ports DEVICE,DEVICE: the gateway alone on these ports. The generator is elsewhere; a line a second
# says what came, what was encrypted, what left and what was dropped. Packets for 10.253.0.0/16 go into the tunnels.
generator_device() {
	local devices
	IFS=, read -ra devices <<<"${bench_ports:?}"
	printf '%s' "${devices[$1]}"
}

watch_devices() {
	[[ $bench_ports == ?*,?* && $bench_ports != *,*,* ]] ||
		{ printf 'bench: --ports takes two devices: 0000:3b:00.0,0000:3b:00.1 (scripts/setup --bind gives them to DPDK)\n' >&2; exit 2; }
}

watch_macs() {
	printf 'the generator sends to these (config/pktgen/two-ports.pkt), and takes what comes whatever its destination:\n'
	site_ctl list port | sed -n 's/^port id=\([12]\) .* mac=\([0-9a-f:]*\) .*/\1 \2/p' |
		while read -r port mac; do printf '  set %d dst mac %s\n' $((port - 1)) "$mac"; done
}

watch_ports() {
	site_ctl counters ports | awk '$2 == "id=1" || $2 == "id=2" { for (i = 3; i <= NF; i++) { split($i, f, "="); sum[f[1]] += f[2] } }
		END { printf "%.0f %.0f\n", sum["rx_packets"], sum["tx_packets"] }'
}

watch_line() {
	local ports was
	read -ra ports <<<"$1"
	read -ra was <<<"$2"
	jq -r --argjson in $((ports[0] - was[0])) --argjson out $((ports[1] - was[1])) --argjson ms "$3" '
		"\($in / $ms / 10 | round / 100) Mpps in, \(.packets / $ms / 10 | round / 100) encrypted, \($out / $ms / 10 | round / 100) out; worker " +
		"\(100 * .busy / ([.busy + .idle, 1] | max) | round) % busy, \(if .packets > 0 then .busy / .packets | round else "no" end) cycles a packet; drops: " +
		(if .drops == {} then "none" else (.drops | to_entries | map("\(.key)=\(.value)") | join(" ")) end)' \
		<(site_difference "$LAB_DIR/before" "$LAB_DIR/after")
}

watch_devices
site_prepare
site_up
site_tunnels aes-256-gcm
watch_macs
site_counted >"$LAB_DIR/after"
watch_was=$(watch_ports) watch_begun=${EPOCHREALTIME/./}
bench_limit=${bench_limit:-0}
for ((second = 0; bench_limit == 0 || second < bench_limit; second++)); do
	mv "$LAB_DIR/after" "$LAB_DIR/before"
	read -r -t 1 <> <(:) || true
	lab_alive dataplane || { tail -n 3 "$LAB_DIR/dataplane.log" >&2; exit 1; }
	site_counted >"$LAB_DIR/after"
	watch_now=$(watch_ports) watch_time=${EPOCHREALTIME/./}
	watch_line "$watch_now" "$watch_was" $(((watch_time - watch_begun) / 1000))
	watch_was=$watch_now watch_begun=$watch_time
done
