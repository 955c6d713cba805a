# shellcheck shell=bash
# A gateway whose tunnels to strongSwan work, and a stranger on the network before its port 0.
#
# ATTACK_RATE (20000) frames a second for ATTACK_SECONDS (2) of each kind.
ATTACK_RATE=${ATTACK_RATE:-20000}
ATTACK_SECONDS=${ATTACK_SECONDS:-2}
TOOLS=$(dirname "${BASH_SOURCE[0]}")
export half=$((ATTACK_RATE * ATTACK_SECONDS / 2))

attack_missing() {
	gateway_missing control dataplane
	lab_charon_missing
	/usr/bin/python3 -c 'import scapy.layers.inet' 2>/dev/null || echo "no scapy (scripts/setup installs python3-scapy)"
}

dropped() {
	local n
	n=$(gateway_api GET /metrics | sed -n "s/^vpngw_dropped_packets_total{reason=\"$1\"} //p")
	echo "${n:-0}"
}

# The SPI with which we send to the peer by the first address: its own name for what comes in.
spi() {
	lab_swanctl branch-ike --list-sas --ike gw0 --raw | grep -o 'spi-in=[0-9a-f]*' | tail -n 1 | sed 's/spi-in=/0x/'
}

# attack KIND [key=value...]: with pings both ways and pings that come in pieces meanwhile, none of them lost
attack() {
	local kind=$1 mac rc=0
	shift
	mac=$(lab_in gw cat /sys/class/net/vgpub0/address)
	rm -f "$LAB_DIR"/{ping-a,ping-b,pieces,attack}.log
	: >"$LAB_DIR/figures"
	lab_start attack net /usr/bin/python3 "$TOOLS/attack.py" gw0 "$mac" "$SITE_PUBLIC0" "$ATTACK_RATE" "$ATTACK_SECONDS" \
		"$kind" "peer=$SITE_BRANCH" "host_a=$SITE_HOST_A" "host_b=$SITE_HOST_B" "$@"
	lab_await_line attack 60 ready || return 1
	site_pings_start
	lab_start pieces host-b ping -n -i 0.02 -s 1472 "$SITE_HOST_A"
	kill -USR1 "$(lab_pid attack)"
	lab_await_end "$(lab_pid attack)" $((ATTACK_SECONDS + 30))
	site_pings_end || rc=1
	lab_ping_end pieces || rc=1
	lab_ping net "$SITE_PUBLIC0" 3 || { echo "the port is deaf"; rc=1; }
	cat "$LAB_DIR/attack.log"
	grep -q frames "$LAB_DIR/attack.log" && return "$rc"
}

# counted REASON AT-LEAST ATTACK...: an attack that is counted, and that costs no memory once it is over
counted() {
	local reason=$1 least=$2 before memory
	shift 2
	before=$(dropped "$reason") memory=$(lab_resident_kb dataplane)
	attack "$@" || return 1
	lab_await 3 enough "$reason" $((before + least))
	echo "$(($(dropped "$reason") - before)) dropped as $reason, $(($(lab_resident_kb dataplane) - memory)) kB more memory"
	enough "$reason" $((before + least)) && [ $(($(lab_resident_kb dataplane) - memory)) -lt 8192 ]
}

enough() {
	[ "$(dropped "$1")" -ge "$2" ]
}

# The site with both tunnels up; `config` makes the configuration.
attack_site() {
	require "the site is made" site_up
	require "its ports are DPDK's" site_gateway_ports
	require "the configuration is accepted" config
	require "the data plane starts" gateway_start_dataplane
	require "the control program starts" gateway_start_control
	require "strongSwan is there" site_branch "$(jq -r '.connections[0].properties.sharedKey' "$LAB_DIR/vpngw.json")"
	require "both tunnels are up" lab_await 40 site_branch_up
	require "packets go through them" lab_await 10 lab_ping host-a "$SITE_HOST_B" 2
}
