#!/usr/bin/env bash
# Metering against what is on the wire: known traffic through a real strongSwan, to the byte, in both directions; again
# after each of the two programs was killed, and after both were killed at once under traffic, when at most 10 s may be
# missing and nothing may be there twice. Ranges add up, CSV says the same as JSON, a full disk loses nothing. What went to a
# peered network is told from what went to the gateway's own, though one route leads to both.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" meterg
skip_unless gateway_missing control dataplane cli
skip_unless lab_charon_missing
command -v tcpdump >/dev/null || { echo "skipped: tcpdump is not installed"; exit 77; }
METERING=/virtualNetworkGateways/gw/metering
STREAM=$TOP/test/system/sizes/stream.py
FROM=1970-01-01T00:00:00Z
LOST_SECONDS=10
SPOKE_HOST=10.10.128.10
# The inside is split: the upper half is a network of its own, peered with the lower one.
PEERED='.virtualNetworks[0].properties |= (.addressSpace.addressPrefixes = ["10.10.0.0/17"] |
	.subnets[0].properties.addressPrefix = "10.10.127.0/27" | .virtualNetworkPeerings = [{ name: "to-spoke", properties: {
		remoteVirtualNetwork: { id: "spoke" }, allowGatewayTransit: true } }]) |
	.virtualNetworks += [{ name: "spoke", properties: { addressSpace: { addressPrefixes: ["10.10.128.0/17"] },
		virtualNetworkPeerings: [{ name: "to-inside", properties: {
			remoteVirtualNetwork: { id: "inside" }, useRemoteGateways: true } }] } }]'

both_up() {
	[ "$(gateway_api GET /connections/to-branch |
		jq '[.properties.tunnelConnectionStatus[] | select(.connectionStatus == "Connected")] | length')" = 2 ]
}

carries() {
	lab_ping host-a "$SITE_HOST_B" 1
}

# Inner bytes and packets that a host saw so far: "egress-bytes egress-packets ingress-bytes ingress-packets", as
# seen from the gateway, of what passed between the two hosts.
on_wire() {
	tcpdump -r "$LAB_DIR/$1.pcap" -nv -t ip 2>/dev/null | awk -v a="$SITE_HOST_A" -v b="$SITE_HOST_B" '
		/^IP / { match($0, /length [0-9]+\)/); n = substr($0, RSTART + 7, RLENGTH - 8); next }
		{ sub(/^ +/, ""); split($0, w, " > "); split(w[2], v, "[:, ]"); from = w[1]; to = v[1]
		  if (index(from, a) == 1 && index(to, b) == 1) { eb += n; ep++ }
		  if (index(from, b) == 1 && index(to, a) == 1) { ib += n; ip++ } }
		END { printf "%d %d %d %d\n", eb, ep, ib, ip }'
}

metered() {
	gateway_api GET "$METERING?from=$FROM" |
		jq -r '[.egressBytes, .egressPackets, .ingressBytes, .ingressPackets] | join(" ")'
}

# What each has seen by now, to compare with later: not inside expect, which runs in a shell of its own.
mark() {
	read -r -a MARK_A < <(on_wire a)
	read -r -a MARK_B < <(on_wire b)
	read -r -a MARK_M < <(metered)
}
MARK_A=(0 0 0 0) MARK_B=(0 0 0 0) MARK_M=(0 0 0 0)

look() {
	read -r -a A < <(on_wire a)
	read -r -a M < <(metered)
	read -r -a B < <(on_wire b)
	[ ${#M[@]} = 4 ]
}

# gained FIELD: what host-a, the gateway and host-b have seen since the mark
gained() {
	echo $((A[$1] - MARK_A[$1])) $((M[$1] - MARK_M[$1])) $((B[$1] - MARK_B[$1]))
}

exact() {
	local i a m b
	look || return 1
	for i in 0 1 2 3; do
		read -r a m b < <(gained "$i")
		[ "$a" = "$m" ] && [ "$m" = "$b" ] || return 1
	done
}

# Both ends of the wire and the gateway gained the same. A packet that was lost on the way was before the gateway or
# behind it: then what the gateway has lies between the two.
agrees() {
	local i a m b good=true
	lab_await 5 exact && return 0
	look || return 1
	for i in 0 1 2 3; do
		read -r a m b < <(gained "$i")
		printf 'field %s: host-a %s, metered %s, host-b %s\n' "$i" "$a" "$m" "$b"
		[ "$i" -lt 2 ] || read -r a b <<<"$b $a"
		[ "$a" -ge "$m" ] && [ "$m" -ge "$b" ] || good=false
	done
	printf '# packets were lost on the way: out %s, back %s\n' $((A[1] - MARK_A[1] - B[1] + MARK_B[1])) \
		$((B[3] - MARK_B[3] - A[3] + MARK_A[3])) >&3
	$good
}

# Datagrams of many lengths to host-b and back.
known_traffic() {
	# shellcheck disable=SC2046
	lab_in host-a python3 "$STREAM" datagrams "$SITE_HOST_B" 5000 $(seq 1 7 1300) $(seq 1 7 1300)
}

start_control() {
	gateway_start_control
	lab_await 10 gateway_answers
}

kill_both() {
	kill -KILL "$(lab_pid control)" "$(lab_pid dataplane)"
	lab_await_end "$(lab_pid control)" 5
	lab_await_end "$(lab_pid dataplane)" 5
}

# Pings at 100 a second, of a length that tells them: 1000 bytes of IP.
pings_start() {
	lab_start flood host-a ping -n -i 0.01 -s 972 "$SITE_HOST_B"
}

# More than $1 pings arrived since the last look.
carried_for() {
	local b
	read -r -a b < <(on_wire b)
	[ "${b[1]}" -gt $((MARK_B[1] + $1)) ]
}

# Never more than was sent, and at most what 10 s carry is missing of what arrived.
lost_little() {
	local most=$((LOST_SECONDS * 100 * 1000)) out back a b
	look || return 1
	read -r a out b < <(gained 0)
	[ "$out" -le "$a" ] || { echo "metered $out of $a"; return 1; }
	out=$((b - out))
	read -r a back b < <(gained 2)
	[ "$back" -le "$b" ] || { echo "metered $back of $b"; return 1; }
	back=$((a - back))
	printf '# not metered: %s bytes out, %s bytes back, that is %s and %s ms of the traffic\n' "$out" "$back" \
		$((out / 100)) $((back / 100)) >&3
	[ "$out" -le "$most" ] && [ "$back" -le "$most" ]
}

bytes_between() {
	gateway_api GET "$METERING?from=$1&to=$2" | jq '.egressBytes + .ingressBytes'
}

ranges_add_up() {
	local now middle all first second
	now=$(date -u +%FT%TZ)
	middle=$(date -u -d '-15 seconds' +%FT%TZ)
	all=$(bytes_between "$FROM" "$now")
	first=$(bytes_between "$FROM" "$middle")
	second=$(bytes_between "$middle" "$now")
	echo "all $all = $first + $second"
	[ "$all" = $((first + second)) ] && [ "$all" -gt 0 ]
}

csv_says_the_same() {
	local sum json
	gateway_api GET "$METERING?from=$FROM&format=csv" >"$LAB_DIR/metering.csv"
	head -n 4 "$LAB_DIR/metering.csv"
	sum=$(tr -d '\r' <"$LAB_DIR/metering.csv" | awk -F , 'NR > 1 { s += $8 } END { print s + 0 }')
	json=$(metered | awk '{ print $1 + $3 }')
	echo "CSV $sum JSON $json"
	[ "$sum" = "$json" ]
}

hours_go_by() {
	gateway_api GET "$METERING?from=$FROM" | jq -c '[.gatewayHours, .connections[0].tunnelHours, .connections[0].name,
		.connections[0].egressDestination, (.connections[0].tunnels | length)]' | tee "$LAB_DIR/hours"
	jq -e '.[0] > 0.001 and .[0] < 1 and .[1] > 0.001 and .[1] < 2 and .[2] == "to-branch" and .[3] == "Site" and
		.[4] == 2' "$LAB_DIR/hours"
}

refused() {
	local body
	body=$(gateway_api GET "$METERING?$1")
	printf '%s\n' "$body"
	jq -e --arg p "$2" '.error.code == "InvalidParameter" and .error.target == $p' <<<"$body"
}

full_path_answers() {
	local id
	id=$(gateway_api GET /virtualNetworkGateways/gw | jq -r .id)
	gateway_api GET "$id/metering?api-version=2025-05-01" | jq -e '.name == "gw" and .ingressBytes > 0'
}

# Both networks behind one router, that one route leads to.
spoke_up() {
	lab_addr host-a eth0 "$SPOKE_HOST/32" && lab_in gw ip route add 10.10.0.0/16 via "$SITE_HOST_A" &&
		lab_await 10 lab_ping host-b "$SPOKE_HOST" 1
}

# "packets bytes" that went to this kind of network.
went_to() {
	gateway_api GET "$METERING?from=$FROM" | jq -r --arg to "$1" '
		[.ingressByDestination[] | select(.destination == $to)][0] // { packets: 0, bytes: 0 } | "\(.packets) \(.bytes)"'
}

# Seven pings of 1000 bytes to one, nine to the other.
peered_is_told() {
	local own peered is_own is_peered
	read -r -a own < <(went_to VirtualNetwork)
	read -r -a peered < <(went_to PeeredVirtualNetwork)
	lab_in host-b ping -n -q -c 7 -i 0.05 -s 972 "$SPOKE_HOST" && lab_in host-b ping -n -q -c 9 -i 0.05 -s 972 "$SITE_HOST_A" || return 1
	read -r -a is_own < <(went_to VirtualNetwork)
	read -r -a is_peered < <(went_to PeeredVirtualNetwork)
	echo "own ${own[*]}, then ${is_own[*]}; peered ${peered[*]}, then ${is_peered[*]}"
	[ $((is_peered[0] - peered[0])) = 7 ] && [ $((is_peered[1] - peered[1])) = 7000 ] &&
		[ $((is_own[0] - own[0])) = 9 ] && [ $((is_own[1] - own[1])) = 9000 ]
}

command_shows() {
	lab_in gw "$LAB_DIR/vpngw" metering --from "$FROM" "$@"
}

said() {
	grep -q "$1" "$LAB_DIR/control.log"
}

# The files lie on a small disk of their own.
small_disk() {
	mkdir -p "$LAB_DIR/state/metering"
	mount -t tmpfs -o size=512k,mode=0700 tmpfs "$LAB_DIR/state/metering"
}

disk_is_full() {
	! dd if=/dev/zero of="$LAB_DIR/state/metering/full" bs=4k 2>/dev/null
}

disk_goes() {
	umount "$LAB_DIR/state/metering" 2>/dev/null
	cleanup
}
trap disk_goes EXIT

exec 3>&1
require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json" "$PEERED"
gateway_cli
require "its files lie on a small disk" small_disk
require "strongSwan is there" site_branch "$(jq -r '.connections[0].properties.sharedKey' "$LAB_DIR/vpngw.json")"
lab_start wire-a host-a tcpdump -U --immediate-mode -p -s 128 -w "$LAB_DIR/a.pcap" -i eth0 ip
lab_start wire-b host-b tcpdump -U --immediate-mode -p -s 128 -w "$LAB_DIR/b.pcap" -i eth0 ip
lab_start echo host-b python3 "$STREAM" echo 5000
require "the data plane starts" gateway_start_dataplane
require "the control program starts" start_control
require "both tunnels are up" lab_await 20 both_up
expect "known traffic goes both ways" known_traffic
expect "metered is what was on the wire, to the byte" agrees
mark
expect "control is killed" lab_kill control
expect "traffic goes on without it" known_traffic
require "the next control starts" start_control
expect "what was carried meanwhile is metered too, once" agrees
mark
expect "the data plane is killed" lab_kill dataplane
expect "nothing of what it had counted is lost" agrees
require "the next data plane starts" gateway_start_dataplane
require "and carries" lab_await 40 both_up
require "traffic flows" lab_await 20 carries
mark
expect "known traffic goes both ways" known_traffic
expect "metered to the byte again" agrees
mark
pings_start
require "pings flow for a while" lab_await 60 carried_for 1200
expect "both are killed, under traffic" kill_both
lab_stop flood
require "the next data plane starts" gateway_start_dataplane
require "the next control starts" start_control
expect "at most $LOST_SECONDS s are lost, and nothing is there twice" lost_little
require "both tunnels are up" lab_await 40 both_up
require "traffic flows" lab_await 20 carries
mark
expect "known traffic goes both ways" known_traffic
expect "all of it is metered, and no more" agrees
expect "ranges add up" ranges_add_up
expect "CSV says the same" csv_says_the_same
expect "hours go by" hours_go_by
expect "the full path answers" full_path_answers
expect "a beginning that is no time is refused by name" refused from=yesterday from
expect "an end that is no time is refused by name" refused "to=2026-13-01" to
expect "a beginning after the end is refused" refused "from=2026-02-01&to=2026-01-01" from
expect "another format is refused" refused format=xml format
expect "the command shows a table" says "TO INTERNET" command_shows
expect "the command says CSV" says "egress,Site," command_shows gw --csv
expect "the command says JSON" says '"ingressByDestination"' command_shows gw -o json
require "behind the inside lies a peered network" spoke_up
expect "what went there is told from what went inside, to the byte" peered_is_told
expect "also in CSV" says "ingress,PeeredVirtualNetwork," command_shows gw --csv
expect "the disk is full" disk_is_full
expect "control is killed" lab_kill control
require "the next control starts" start_control
expect "it says that it cannot write" lab_await 20 said "cannot write to the state directory"
mark
expect "known traffic goes both ways" known_traffic
expect "all of it is known" agrees
rm "$LAB_DIR/state/metering/full"
expect "the disk has room again, which is said" lab_await 20 said "can be written again"
expect "control is killed" lab_kill control
require "the next control starts" start_control
expect "and knows all of it" agrees
finish
