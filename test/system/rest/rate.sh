# shellcheck shell=bash
# The SKU of gateway "gw" of the demo, and how much passes on the wire behind it (rate.py).
RATE=$TOP/test/system/rest/rate.py
GATEWAY=/virtualNetworkGateways/gw

is_sku() {
	gateway_api GET "$GATEWAY" | jq -e --arg n "$1" '.properties.sku.name == $n and .properties.provisioningState == "Succeeded"'
}

# When it was asked for is in LAB_DIR/asked, the answer in LAB_DIR/answer.
resize() {
	local body
	body=$(gateway_api GET "$GATEWAY" | jq -c --arg n "$1" '.properties.sku = { name: $n }') || return 1
	date +%s.%N >"$LAB_DIR/asked"
	gateway_api PUT "$GATEWAY" "$body" | tee "$LAB_DIR/answer" | jq -e .properties.provisioningState && lab_await 5 is_sku "$1"
}

# What arrives at the interfaces of a namespace, by default at what is behind the demo's gateway: wire_watch [NAME NAMESPACE INTERFACE...]
wire_watch() {
	[ $# -gt 0 ] || set -- wire net gw0 gw1
	local name=$1 ns=$2
	shift 2
	lab_start "$name" "$ns" python3 "$RATE" watch "$LAB_DIR/$name" "$@"
}

wire_watched_to() {
	awk -v t="$2" 'END { exit !($1 > t) }' "$LAB_DIR/$1"
}

# Packets in the second that begins $2 seconds after $1: wire_rate BEGIN SECONDS [NAME]
wire_rate() {
	local from to name=${3:-wire}
	from=$(awk -v a="$1" -v s="$2" 'BEGIN { printf "%.6f", a + s }')
	to=$(awk -v f="$from" 'BEGIN { printf "%.6f", f + 1 }')
	lab_await 10 wire_watched_to "$name" "$to" && python3 "$RATE" rate "$LAB_DIR/$name" "$from" "$to"
}
