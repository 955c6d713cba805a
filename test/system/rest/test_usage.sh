#!/usr/bin/env bash
# What a gateway carries against what its SKU allows, in every place that shows it: REST (short and Azure's paths), the
# command line, `status --watch` on a terminal, the metrics, and a Prometheus of Debian that scrapes them and records
# Azure's names of them.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" usage
skip_unless gateway_missing cli control dataplane
skip_unless lab_charon_missing
command -v iperf3 >/dev/null || { echo "skipped: iperf3 is not installed"; exit 77; }
PAYLOAD=1000
FULL=/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.Network
GATEWAY=/virtualNetworkGateways/gw
CONNECTION=/connections/to-branch
exec 3>&1

cli() {
	lab_in gw "$LAB_DIR/vpngw" "$@" 2>&1
}

both_up() {
	[ "$(gateway_api GET /status | jq '[.tunnels[] | select(.connectionStatus == "Connected")] | length')" = 2 ]
}

catalogue() {
	jq '.skus += [.skus[0] * { name: "Lab20", throughputMbps: 20, siteToSiteTunnels: 3 } | .features -= ["zones"]]
		| .skus += [.skus[-1] * { name: "Lab2", siteToSiteTunnels: 2 } | .features -= ["activeActive"]]' "$TOP/config/skus.json" >"$LAB_DIR/skus.json"
	chmod 0644 "$LAB_DIR/skus.json"
}

# 6 Mbit/s of inner IP there and 3 back, until the end.
traffic() {
	lab_start server-a host-a iperf3 --server --one-off --forceflush
	lab_start server-b host-b iperf3 --server --one-off --forceflush
	lab_await_line server-a 5 'Server listening' && lab_await_line server-b 5 'Server listening' || return 1
	lab_start to-b host-a iperf3 --client "$SITE_HOST_B" --udp --bitrate 5836576 --length "$PAYLOAD" --time 600
	lab_start to-a host-b iperf3 --client "$SITE_HOST_A" --udp --bitrate 2918288 --length "$PAYLOAD" --time 600
}

# row NAME: of the gateway's usage on stdin
row() {
	jq -e ".value[] | select(.name.value == \"$1\")"
}

# about VALUE WANTED PERCENT
about() {
	awk -v v="$1" -v w="$2" -v p="$3" 'BEGIN { exit !(v >= w * (1 - p / 100) && v <= w * (1 + p / 100)) }'
}

# usage PATH: nine megabits, six out and three in, as far as a busy machine lets them through
usage_is_right() {
	local usage
	usage=$(gateway_api GET "$1") || return 1
	printf '%s\n' "$usage" | jq -c . | cut -c 1-900
	about "$(jq .egressBitsPerSecond <<<"$usage")" 6e6 30 && about "$(jq .ingressBitsPerSecond <<<"$usage")" 3e6 30 &&
		about "$(jq .egressPacketsPerSecond <<<"$usage")" 730 30 &&
		[ "$(jq '[.tunnels, .tunnelsConnected] | add' <<<"$usage")" = 4 ]
}

gateway_rows_are_right() {
	local usage current
	usage=$(gateway_api GET "$GATEWAY/usage") || return 1
	jq -c .value <<<"$usage"
	current=$(row AggregateThroughput <<<"$usage" | jq .currentValue)
	about "$current" 9e6 30 && row AggregateThroughput <<<"$usage" | jq -e ".limit == 20000000 and .headroom == 20000000 - $current and .unit == \"BitsPerSecond\"" >/dev/null &&
		row SiteToSiteTunnels <<<"$usage" | jq -e '.currentValue == 1 and .limit == 3 and .headroom == 2' >/dev/null &&
		row SstpClients <<<"$usage" | jq -e '.currentValue == 0 and .limit == null and .headroom == null' >/dev/null &&
		jq -e '.connections | length == 1 and .[0].name == "to-branch"' <<<"$usage" >/dev/null
}

connection_rows_are_right() {
	gateway_api GET "$CONNECTION" | jq -c '.properties.limits = { bitsPerSecond: 15000000 }' >"$LAB_DIR/body" &&
		gateway_api PUT "$CONNECTION" "$(cat "$LAB_DIR/body")" >/dev/null && lab_await 5 connection_limited
}

connection_limited() {
	gateway_api GET "$CONNECTION/usage" | row Throughput | jq -e '.limit == 15000000 and .headroom > 4000000 and .headroom < 8000000'
}

# another NAME: one more connection of the gateway
another() {
	gateway_api PUT "/localNetworkGateways/$1" "{\"properties\":{\"gatewayIpAddress\":\"203.0.113.$2\",\"localNetworkAddressSpace\":{\"addressPrefixes\":[\"10.$2.0.0/16\"]}}}" >/dev/null
	gateway_api PUT "/connections/to-$1" "{\"properties\":{\"connectionType\":\"IPsec\",\"virtualNetworkGateway1\":{\"id\":\"gw\"},\"localNetworkGateway2\":{\"id\":\"$1\"},\"sharedKey\":\"KeyOfNoOne\"}}" |
		jq -r '.error.code // .properties.provisioningState'
}

refuses_the_fourth() {
	[ "$(another second 102)" = Updating ] && [ "$(another third 103)" = Updating ] && [ "$(another fourth 104)" = QuotaExceeded ] &&
		row SiteToSiteTunnels <<<"$(gateway_api GET "$GATEWAY/usage")" | jq -e '.currentValue == 3 and .headroom == 0'
}

# All that exceeds the smaller SKU, in one answer.
refuses_a_smaller_sku() {
	local answer
	answer=$(gateway_api PUT "$GATEWAY" "$(gateway_api GET "$GATEWAY" | jq -c '.properties.sku = { name: "Lab2" } | .properties.vpnGatewayGeneration = "None"')")
	printf '%s\n' "$answer"
	jq -e '[.error.details[].code] | sort == ["GatewaySkuDoesNotSupportFeature", "QuotaExceeded"]' <<<"$answer"
}

takes_them_away() {
	local name
	for name in second third; do
		gateway_api DELETE "/connections/to-$name" >/dev/null
	done
	lab_await 10 one_connection
}

one_connection() {
	row SiteToSiteTunnels <<<"$(gateway_api GET "$GATEWAY/usage")" | jq -e '.currentValue == 1'
}

cli_shows_usage() {
	local out
	out=$(cli usage gw) && printf '%s\n' "$out" && grep -q '^gw  *AggregateThroughput  *[0-9.]* Mbit/s  *20.0 Mbit/s  *1[0-9.]* Mbit/s$' <<<"$out" &&
		grep -q '^gw  *SiteToSiteTunnels  *1  *3  *2$' <<<"$out" && grep -q '^to-branch  *Throughput .* 15.0 Mbit/s ' <<<"$out" && cli usage gw -o json | jq -e '.value | length == 4' >/dev/null &&
		cli usage -o json | jq -e '.value[0].name == "gw"' >/dev/null && cli usage | grep -q '^gw '
}

# What tmux shows of a pane: watched TEXT
watched() {
	tmux -S "$LAB_DIR/tmux" capture-pane -p >"$LAB_DIR/pane"
	grep -q "$1" "$LAB_DIR/pane"
}

watch_starts() {
	tmux -S "$LAB_DIR/tmux" -f /dev/null new-session -d -x 180 -y 24 \
		"ip netns exec ${LAB_PREFIX}gw $LAB_DIR/vpngw status --watch"
	lab_await 10 watched 'to-branch .*=== Connected .*out [0-9.]* [kM]bit/s' || { cat "$LAB_DIR/pane"; return 1; }
	sed -n '/[^ ]/s/^/# | /p' "$LAB_DIR/pane" >&3
	watched '^gw  *Lab20 .* of 20.0 Mbit/s, [0-9.]* Mbit/s free.*1 of 3 connections' || { cat "$LAB_DIR/pane"; return 1; }
}

watch_is_coloured() {
	tmux -S "$LAB_DIR/tmux" capture-pane -p -e | grep -q $'\033\\[32mConnected'
}

# The flows of the link that breaks go by the other one; the picture says which is broken and why.
watch_shows_a_break() {
	ip -n "${LAB_PREFIX}net" link set dev gw0 down
	lab_await 10 watched "192.0.2.1 .*=== \(no path\|suspect\|NotConnected\|Connecting\)" || { cat "$LAB_DIR/pane"; return 1; }
	lab_await 10 watched '198.51.100.1 .*=== Connected .*out [1-9][0-9.]* Mbit/s' || { cat "$LAB_DIR/pane"; return 1; }
	sed -n '/[^ ]/s/^/# | /p' "$LAB_DIR/pane" >&3
	ip -n "${LAB_PREFIX}net" link set dev gw0 up
	lab_await 30 watched '192.0.2.1 .*=== Connected' || { cat "$LAB_DIR/pane"; return 1; }
}

watch_shows_a_dead_control() {
	kill -STOP "$(lab_pid control)"
	lab_await 20 watched 'no answer\|waiting for the gateway' || { kill -CONT "$(lab_pid control)"; cat "$LAB_DIR/pane"; return 1; }
	kill -CONT "$(lab_pid control)"
	lab_await 20 watched '=== Connected'
}

metrics_are_fresh() {
	local first second
	first=$(counter) && lab_pause 1
	second=$(counter)
	printf 'in a second %s bytes of 750000 went out\n' $((second - first))
	about $((second - first)) 750000 35
}

counter() {
	gateway_api GET /metrics | awk '/^vpngw_tunnel_egress_bytes_total/ { sum += $2 } END { printf "%d", sum }'
}

promtool_is_content() {
	gateway_api GET /metrics >"$LAB_DIR/metrics" && promtool check metrics <"$LAB_DIR/metrics" &&
		promtool check rules "$TOP/config/prometheus/vpngw.rules.yml" &&
		(cd "$TOP/config/prometheus" && promtool check config --syntax-only prometheus.yml)
}

# The example with this lab's token, and rules every second.
prometheus_starts() {
	local dir=$LAB_DIR/prometheus
	install -d -m 0700 -o "$LAB_USER" "$dir" "$dir/data"
	sed -e 's/scrape_interval: .*/scrape_interval: 1s/' -e 's/evaluation_interval: .*/evaluation_interval: 1s/' \
		-e "s/127.0.0.1:8443/127.0.0.1:$LAB_API_PORT/" -e "s|ca_file: .*|insecure_skip_verify: true|" \
		"$TOP/config/prometheus/prometheus.yml" >"$dir/prometheus.yml"
	cp "$TOP/config/prometheus/vpngw.rules.yml" "$dir"
	install -m 0400 -o "$LAB_USER" "$LAB_DIR/token" "$dir/vpngw.token"
	lab_start prometheus gw setpriv --reuid "$LAB_USER" --regid "$(id -gn "$LAB_USER")" --clear-groups env HOME="$dir" prometheus \
		--config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/data" --web.listen-address=127.0.0.1:9090
	lab_await_line prometheus 20 'ready to receive'
}

ask_prometheus() {
	lab_in gw curl -sS -G --data-urlencode "query=$1" http://127.0.0.1:9090/api/v1/query | jq -e '.data.result'
}

# recorded NAME JQ: what the rule recorded of both tunnels
recorded() {
	ask_prometheus "$1" | jq -e "$2" >/dev/null
}

recorded_or_shown() {
	lab_await 30 recorded "$@" && return 0
	ask_prometheus "$1"
	return 1
}

require "a catalogue with a SKU of 20 Mbit/s" catalogue
require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "a file with a SKU of its own catalogue is good" gateway_config "$TOP/config/demo.json" \
	".appliance.skuFile = \"$LAB_DIR/skus.json\" | .virtualNetworkGateways[0].properties.sku = { name: \"Lab20\" }"
gateway_cli
require "the data plane starts" gateway_start_dataplane
require "the control program starts" gateway_start_control
require "the endpoint answers" lab_await 10 gateway_answers
require "strongSwan is there" site_branch "$(jq -r '.connections[0].properties.sharedKey' "$LAB_DIR/vpngw.json")"
require "both tunnels are up" lab_await 20 both_up
require "traffic runs" traffic
expect "usage of the gateway: rates both ways" lab_await 10 usage_is_right "$GATEWAY/usage"
expect "the same under Azure's path" lab_await 10 usage_is_right "$FULL$GATEWAY/usage?api-version=2025-05-01"
expect "throughput, connections and clients against the SKU" lab_await 10 gateway_rows_are_right
expect "usage of the connection" lab_await 10 usage_is_right "$FULL$CONNECTION/usage?api-version=2025-05-01"
expect "against its own limit" connection_rows_are_right
expect "of a gateway that is not there: 404" says ResourceNotFound gateway_api GET /virtualNetworkGateways/none/usage
expect "the gateway resource has what Azure has there" says 1 jq '.sku.capacity | if . == 2 then 1 else . end' <(gateway_api GET "$GATEWAY" | jq .properties)
expect "the fourth connection is refused, and only it" refuses_the_fourth
expect "a smaller SKU is refused with all that exceeds it" refuses_a_smaller_sku
expect "without them there is room again" takes_them_away
expect "the command line shows it" cli_shows_usage
if command -v tmux >/dev/null; then
	expect "status --watch shows tunnels, rates and headroom" watch_starts
	expect "in colour, on a terminal" watch_is_coloured
	expect "and a link that breaks and heals" watch_shows_a_break
	expect "and an endpoint that does not answer" watch_shows_a_dead_control
else
	echo "# skipped: no tmux"
fi
expect "counters are of this second" lab_await 10 metrics_are_fresh
if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
	expect "promtool finds nothing to complain about" promtool_is_content
	require "a Prometheus starts with the example" prometheus_starts
	expect "it scrapes" recorded_or_shown 'up{job="vpngw"}' '.[0].value[1] == "1"'
	expect "MmsaCount is recorded of both tunnels" recorded_or_shown MmsaCount 'length == 2 and all(.value[1] == "1" and .metric.connection == "to-branch" and (.metric.remote_ip | length > 0) and (.metric.gateway_instance | startswith("GatewayTenantWorker_IN_")))'
	expect "TunnelEgressBytes" recorded_or_shown TunnelEgressBytes 'map(.value[1] | tonumber) | add > 0'
	expect "AverageBandwidth, as much as by tunnel" recorded_or_shown 'sum(AverageBandwidth) / sum(TunnelAverageBandwidth)' '.[0].value[1] | tonumber | . > 0.95 and . < 1.05'
	expect "and the rate behind it is nine megabits" recorded_or_shown '8 * sum(rate(vpngw_tunnel_egress_bytes_total[10s]) + rate(vpngw_tunnel_ingress_bytes_total[10s]))' '.[0].value[1] | tonumber | . > 6e6 and . < 10e6'
	expect "TunnelPeakPackets" recorded_or_shown 'max(TunnelPeakPackets)' '.[0].value[1] | tonumber | . > 300'
else
	echo "# skipped: no prometheus"
fi
finish
