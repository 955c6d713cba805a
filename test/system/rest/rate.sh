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

# --- More than a SKU lets through is sent, and what passes is counted where it arrives, by watchers `outside` and `inside`.
WINDOW=10  # seconds
BYTES=1440 # of IP

mbits_of() {
	gateway_api GET /skus | jq --arg n "$1" '[.value[] | select(.name == $n)][0].aggregateThroughputMbps'
}

per_s() { # Mbit/s
	echo $(($1 * 1000000 / 8 / BYTES))
}

# What was counted goes no further than the cable, but for one packet in SAMPLE: spare NAMESPACE INTERFACE [SAMPLE]
spare() {
	lab_in "$1" nft "add table netdev spare; add chain netdev spare ingress {
		type filter hook ingress device \"$2\" priority 0
		meta length gt 1000 ${3:+numgen inc mod $3 != 0} drop
	}"
}

# The frames that were counted are those that were sent, but for some of IKE: frames FROM TO WATCHED BYTES
frames() {
	local size
	size=$(python3 "$RATE" size "$LAB_DIR/$3" "$1" "$2")
	awk -v s="$size" -v b="$4" 'BEGIN { exit !(s < b + 1 && s > 0.99 * b) }' || { echo "frames $3 have $size bytes, not $4"; return 1; }
}

# within LIMIT WAYS: of lines with packets a second, out and in, and how many per cent of the processors were taken away: no second
# is 2 % above the limit (Mbit/s), and neither the mean nor more than one second is 2 % below it. WAYS: out, in, sum, or each
within() {
	awk -v limit="$1" -v ways="$2" -v bytes="$BYTES" '
		function look(way, mbits) {
			sum[way] += mbits
			high = high || mbits > 1.02 * limit
			low[way] += mbits < 0.98 * limit
		}
		{
			out = $1 * bytes * 8 / 1e6
			back = $2 * bytes * 8 / 1e6
			printf "out %.2f, in %.2f of %s Mbit/s%s\n", out, back, limit, $3 ? ", " $3 " % of the processors stolen" : ""
			if (ways == "sum")
				look("sum", out + back)
			if (ways == "out" || ways == "each")
				look("out", out)
			if (ways == "in" || ways == "each")
				look("in", back)
		}
		END {
			good = NR > 0 && !high
			for (way in sum) {
				printf "%s: mean %.2f, %d of %d seconds below\n", way, sum[way] / NR, low[way], NR
				good = good && sum[way] >= 0.98 * limit * NR && low[way] <= 1
			}
			exit !good
		}'
}

# WINDOW seconds of what passes, looked at when they are over: who looks meanwhile takes the processor that he looks at.
# seconds LIMIT WAYS FRAME_OUTSIDE FRAME_INSIDE, the bytes of a frame of the flood there
seconds() {
	local begin good=0
	begin=$(($(date +%s) + 2))
	python3 "$RATE" rates "$begin" "$WINDOW" "$LAB_DIR/outside" "$LAB_DIR/inside" >"$LAB_DIR/rates" || return 1
	within "$1" "$2" <"$LAB_DIR/rates" >"$LAB_DIR/seconds" || good=1
	sed 's/^/# /' "$LAB_DIR/seconds" >&3
	cat "$LAB_DIR/seconds"
	[ "$2" = in ] || frames "$begin" $((begin + WINDOW)) outside "$3" || return 1
	[ "$2" = out ] || frames "$begin" $((begin + WINDOW)) inside "$4" || return 1
	return "$good"
}
