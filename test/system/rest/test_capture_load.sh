#!/usr/bin/env bash
# Five captures with filters of their own and two traces at once, while the worker has no idle time: a port of memory
# (net_pcap, infinite_rx) gives it all that it can take for one tunnel. CARRIED packets a second of it are encrypted, come
# back from a second instance (ikev2_crowd) and are decrypted; what is above is refused by the connection's limit. Other
# tunnels carry numbered packets there and back: none is lost, each capture has what its filter says, inner packets are
# decrypted, their comments name tunnel and SA, files stay within their size, and tshark reads every one.
#
#   host eth0 -- prv0 gw pub0 -- crowd: a peer at each address, that sends back
#   load0 (memory) -- gw -- c-load -- crowd -- gw -- sink0 (nowhere)
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" capload
skip_unless gateway_missing control dataplane cli
CROWD=$LAB_BUILD/test/tools/ikev2_crowd
[ -x "$CROWD" ] || { echo "skipped: $CROWD is not built"; exit 77; }
command -v tshark >/dev/null || { echo "skipped: tshark is not installed"; exit 77; }
CLI=$LAB_DIR/vpngw
COUNT=6 RATE=600 TIME=10 CARRIED=5000

prepared() {
	crowd_config "$COUNT" >"$LAB_DIR/crowd.json" &&
		/usr/bin/python3 "$TOP/test/system/dataplane/load_pcap.py" "$LAB_DIR/load.pcap" || return 1
	gateway_config "$LAB_DIR/crowd.json" ".appliance.ports += [
		{ name: \"load0\", device: \"net_pcap0,rx_pcap=$LAB_DIR/load.pcap,infinite_rx=1\", role: \"private\", addresses: [\"10.9.0.254/16\"] },
		{ name: \"sink0\", device: \"net_null0,no-rx=1\", role: \"private\", addresses: [\"10.8.0.1/24\"] }]
		| .localNetworkGateways += [{ name: \"site-load\", properties: { gatewayIpAddress: \"198.18.9.9\",
			localNetworkAddressSpace: { addressPrefixes: [\"10.99.0.0/16\"] } } }]
		| .connections += [.connections[0] | .name = \"c-load\" | .properties.localNetworkGateway2 = \"site-load\"
			| .properties.limits = { packetsPerSecond: $CARRIED, direction: \"each\" }]" || return 1
	lab_addr host eth0 172.16.0.10/24
	lab_route host default 172.16.0.1
}

# Where what comes back of the load goes: a neighbour that does not answer need not, its address is known.
load_leaves() {
	lab_in gw ip neigh replace 10.8.0.2 lladdr 02:00:00:00:00:02 dev vg-sink0 nud permanent &&
		lab_in gw ip route replace 10.9.0.0/24 via 10.8.0.2 dev vg-sink0
}

# metric NAME LABEL: its value
metric() {
	gateway_api GET /metrics | awk -v n="$1" -v l="$2" 'index($1, n) == 1 && index($1, l) { print $2; exit }'
}

# carried DIRECTION: packets of the load that went through its tunnel
carried() {
	metric "vpngw_tunnel_$1_packets_total" c-load
}

load_flows() {
	local out in
	out=$(carried egress) in=$(carried ingress)
	lab_pause 0.2
	[ $(($(carried egress) - out)) -gt 100 ] && [ $(($(carried ingress) - in)) -gt 100 ]
}

packets() {
	lab_in host python3 "$TOP/test/tools/echo_flows.py" "$COUNT" "$1" "$2" 5 >"$LAB_DIR/flows.json"
	cat "$LAB_DIR/flows.json"
	jq -e --argjson n "$COUNT" '.lost == 0 and .doubled == 0 and .sites == $n' "$LAB_DIR/flows.json"
}

# The worker is full, and carries the load's share both ways meanwhile.
all_under_load() {
	local busy idle out in
	busy=$(metric vpngw_worker_busy_cycles_total '') idle=$(metric vpngw_worker_idle_cycles_total '')
	out=$(carried egress) in=$(carried ingress)
	packets "$RATE" "$TIME" || return 1
	busy=$(($(metric vpngw_worker_busy_cycles_total '') - busy)) idle=$(($(metric vpngw_worker_idle_cycles_total '') - idle))
	out=$(($(carried egress) - out)) in=$(($(carried ingress) - in))
	printf '# the worker was %d %% busy, encrypted %d and decrypted %d packets of the load; %s\n' $((100 * busy / (busy + idle))) \
		"$out" "$in" "$(cat "$LAB_DIR/flows.json")" >&3
	[ $((100 * busy / (busy + idle))) -ge 95 ] && [ "$out" -gt $((CARRIED * TIME / 2)) ] && [ "$in" -gt $((CARRIED * TIME / 4)) ]
}

start() { # NAME FILTER [OPTION]
	"$CLI" capture start "$1" --filter "$2" "${@:3}"
}

cli() {
	lab_in gw "$CLI" "$@"
}

# status NAME FIELD
status() {
	gateway_api GET /captures | jq -r --arg n "$1" ".value[] | select(.name == \$n) | .$2"
}

# told NAME N: as many packets of the capture were written or, for want of room, counted
told() {
	local n
	n=$(($(status "$1" packets) + $(status "$1" lost)))
	printf '%s: %s written and lost, expected %s\n' "$1" "$n" "$2"
	[ "$n" = "$2" ]
}

at_least() {
	[ "$(status "$1" packets)" -ge "$2" ]
}

# The files of a capture, for tshark: all of them are whole.
read_back() { # NAME DISPLAY-FILTER
	local file
	for file in "$LAB_DIR"/state/captures/"$1"-*.pcapng; do
		tshark -r "$file" ${2:+-Y "$2"} -T fields -e frame.number || return 1
	done
}

all_readable() {
	local name file
	for name in gw c-0 c-1 c-2 c-3; do
		read_back "$name" '' >"$LAB_DIR/numbers" 2>"$LAB_DIR/errors" || { echo "$name: tshark does not read it"; return 1; }
		[ ! -s "$LAB_DIR/errors" ] || ! grep -vi 'as user "root"' "$LAB_DIR/errors" || return 1
		for file in "$LAB_DIR"/state/captures/"$name"-*.pcapng; do
			printf '%s: %s bytes\n' "${file##*/}" "$(stat -c %s "$file")"
		done
	done
}

written() { # NAME FILTER N
	local n
	n=$(read_back "$1" "$2" 2>/dev/null | wc -l)
	printf '%s of %s\n' "$n" "$3"
	[ "$n" = "$3" ]
}

# A ring of files: more was written than it holds, what it has is the newest, and no more than a megabyte.
ring_bounded() {
	local bytes packets
	bytes=$(cat "$LAB_DIR"/state/captures/gw-*.pcapng | wc -c)
	packets=$(read_back gw '' 2>/dev/null | wc -l)
	printf '%s bytes, %s packets of %s\n' "$bytes" "$packets" "$ALL"
	[ "$bytes" -le 1000000 ] && [ "$bytes" -gt 400000 ] && [ "$packets" -lt "$ALL" ] &&
		[ "$(read_back gw "frame contains $(printf '00:00:%02x:%02x' $(((RATE * TIME - 1) >> 8)) $(((RATE * TIME - 1) & 255)))" 2>/dev/null | wc -l)" -ge 1 ]
}

# What comments say, against the packets themselves: each inner one is decrypted and names the tunnel, and the SA and number of
# an outer one beside it; SAs are those that the peer has.
comments_name_tunnel_and_sa() {
	local file address out in
	address=$(jq -r '.localNetworkGateways[] | select(.name == "site-1") | .properties.gatewayIpAddress' "$LAB_DIR/crowd.json")
	read -r _ out in < <(grep "^$address " "$LAB_DIR/crowd.list")
	for file in "$LAB_DIR"/state/captures/c-1-*.pcapng; do
		tshark -r "$file" -T fields -E separator='|' -e frame.interface_name -e frame.comment -e esp.spi -e esp.sequence \
			-e ip.dst -e udp.payload 2>/dev/null
	done | awk -F '|' -v out="SA=0x$out" -v in_="SA=0x$in" '
		{
			n = split($2, word, " ")
			sa = word[2] == "outbound" ? out : in_
			if ($2 !~ /^(outer|inner) (in|out)bound tunnel=.*c-1.* SA=0x[0-9a-f]+ sequence=[0-9]+$/ || index($2, sa " ") == 0) {
				print "another comment: " $0; bad++
			}
		}
		$1 == "inner" {
			if (length($6) != 128 || $5 != (word[2] == "outbound" ? "10.0.1.1" : "172.16.0.10")) { print "not decrypted: " $0; bad++ }
			inner[word[2] word[n - 1] word[n]]++
		}
		$1 != "inner" {
			if ("SA=" $3 != word[n - 1] || "sequence=" $4 != word[n]) { print "not what the packet says: " $0; bad++ }
			outer[word[2] word[n - 1] word[n]]++
		}
		END {
			for (one in inner) if (inner[one] != 1 || outer[one] != 1) { print "no outer packet: " one; bad++ }
			print length(inner) " inner packets"
			exit bad || length(inner) != '$((2 * EACH))'
		}'
}

trace_running() {
	[ "$(grep -c 'trace.*started' "$LAB_DIR/control.log")" = 2 ]
}

stop_all() {
	cli capture stop gw --gateway && cli capture stop c-0 && cli capture stop c-1 && cli capture stop c-2 && cli capture stop c-3
}

EACH=$((RATE * TIME / COUNT))
exec 3>&1
require "a site with $COUNT peers is made" crowd_up
require "the configuration is accepted" prepared
gateway_cli
require "the data plane starts" gateway_start_dataplane
require "the peers listen" crowd_start "$CROWD"
require "the control program starts" gateway_start_control
require "all tunnels are up" lab_await 60 crowd_is_up $((COUNT + 1))
require "the load has a way out" load_leaves
require "and its share goes there and back" lab_await 20 load_flows
require "every tunnel carries packets there and back" lab_await 30 packets 60 1
expect "one of the gateway by port, a megabyte of files" cli capture start gw --gateway \
	--filter "{'TracingFlags':1,'MaxPacketBufferSize':1500,'MaxFileSize':1,'Filters':[{'DestinationPort':7}]}"
expect "one by subnet, one way" cli capture start c-0 \
	--filter "{'TracingFlags':1,'Filters':[{'DestinationSubnets':'10.0.0.0/24','CaptureSingleDirectionTrafficOnly':true}]}"
expect "one of a connection: all ESP and what is inside" cli capture start c-1 --filter "{'TracingFlags':1,'MaxPacketBufferSize':1500}"
expect "one by protocol, of which there is nothing" cli capture start c-2 --filter "{'TracingFlags':1,'Filters':[{'Protocol':6}]}"
expect "one of heads alone" cli capture start c-3 --filter "{'TracingFlags':1,'MaxPacketBufferSize':64,'Filters':[{'SourceSubnets':'172.16.0.0/24'}]}"
expect "a sixth of the gateway is refused" fails cli capture start c-4
lab_start trace1 gw "$CLI" trace --source 172.16.0.10 --destination 10.0.5.1 --seconds 60
lab_start trace2 gw "$CLI" trace --source 203.0.113.99 --seconds 60
require "two traces run" lab_await 10 trace_running
expect "no packet is lost meanwhile, and the worker is full" all_under_load
expect "the capture by subnet was told of each packet, twice" lab_await 10 told c-0 $((2 * EACH))
expect "the one of a connection of each and its answer" lab_await 10 told c-1 $((4 * EACH))
expect "the one of heads too" lab_await 10 told c-3 $((4 * EACH))
expect "nothing was TCP" told c-2 0
expect "nothing of theirs found no room" told c-0 "$(status c-0 packets)"
expect "the trace names each step" grep -q 'transmit.*verdict=sent' "$LAB_DIR/trace1.log"
expect "and the other says nothing" fails grep -q transmit "$LAB_DIR/trace2.log"
ALL=$(status gw packets)
expect "the one of the gateway was told of all" test "$ALL" -ge $((4 * RATE * TIME))
expect "all of them stop" stop_all
expect "tshark reads all files" all_readable
expect "inner packets of one direction alone" written c-0 "ip.dst == 10.0.0.1 && udp && frame.interface_name == \"inner\"" $EACH
expect "and no answer" written c-0 "ip.src == 10.0.0.1 && frame.interface_name == \"inner\"" 0
expect "of the connection both directions" written c-1 "udp.port == 7 && frame.interface_name == \"inner\"" $((2 * EACH))
expect "comments name tunnel and SA, inner packets are decrypted" comments_name_tunnel_and_sa
expect "nobody else's" written c-1 "frame.interface_name == \"inner\" && !(ip.addr == 10.0.1.1)" 0
expect "heads have 64 bytes" written c-3 "frame.cap_len > 64" 0
expect "the gateway's ring of files is bounded" ring_bounded
finish
