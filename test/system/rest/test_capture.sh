#!/usr/bin/env bash
# Captures of a connection and of its gateway beside each other, on real tunnels to strongSwan: what tshark reads in
# the files is what went through, decrypted, with tunnel and SA; filters hold; a trace names every step.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" capture
skip_unless gateway_missing control dataplane cli
skip_unless lab_charon_missing
command -v tshark >/dev/null || { echo "skipped: tshark is not installed"; exit 77; }
CLI=$LAB_DIR/vpngw

both_up() {
	[ "$(gateway_api GET /connections/to-branch | jq '[.properties.tunnelConnectionStatus[] | select(.connectionStatus == "Connected")] | length')" = 2 ]
}

cli() {
	lab_in gw "$CLI" "$@"
}

pings() {
	lab_in host-a ping -n -q -c 3 -i 0.01 -W 2 -s "$1" "$SITE_HOST_B"
}

# captured NAME N: the capture has seen that many packets
captured() {
	[ "$(gateway_api GET /captures | jq -r --arg n "$1" '.value[] | select(.name == $n) | .packets')" -ge "$2" ]
}

file_of() {
	printf '%s' "$LAB_DIR"/state/captures/"$1"-*-1.pcapng
}

# count NAME DISPLAY-FILTER N
count() {
	local n
	n=$(tshark -r "$(file_of "$1")" -Y "$2" 2>/dev/null | wc -l)
	printf '%s packets, expected %s\n' "$n" "$3"
	[ "$n" = "$3" ]
}

# both ends may dial, and ask again
some() {
	[ "$(tshark -r "$(file_of "$1")" -Y "$2" 2>/dev/null | wc -l)" -ge "$3" ]
}

comment() {
	tshark -r "$(file_of to-branch)" -T fields -e frame.comment 2>/dev/null | grep -q "$1"
}

trace_says() {
	grep -q "$1" "$LAB_DIR/trace.log"
}

trace_running() {
	grep -q 'trace.*started' "$LAB_DIR/control.log"
}

stopped() {
	local said
	said=$(gateway_api POST "$1/stopPacketCapture" '{"sasUrl":"https://nowhere.example/x"}') || return 1
	printf '%s\n' "$said"
	! captured "$2" 0 2>/dev/null
}

require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json"
gateway_cli
require "the data plane starts" gateway_start_dataplane
require "the control program starts" gateway_start_control
require "the endpoint answers" lab_await 10 gateway_answers
require "a capture of the gateway starts, IKE alone" cli capture start gw --gateway --filter "{'TracingFlags':2,'MaxPacketBufferSize':1500}"
require "strongSwan is there" site_branch "$(jq -r '.connections[0].properties.sharedKey' "$LAB_DIR/vpngw.json")"
require "both tunnels are up" lab_await 20 both_up
expect "a capture of the connection starts, ICMP alone" cli capture start to-branch --filter "{'Filters':[{'Protocol':1,'SourceSubnets':'10.10.0.0/16'}],'MaxPacketBufferSize':1500}"
expect "a second one of it is refused" fails cli capture start to-branch
expect "a filter that is none names the place" says "Filters[0]" gateway_api POST /connections/to-branch/startPacketCapture '{"filterData":"{\"Filters\":[{\"Protocol\":999}]}"}'
lab_start trace gw "$CLI" trace --protocol ICMP --source 10.10.0.10 --seconds 60
expect "the trace runs" lab_await 5 trace_running
expect "pings pass" pings 100
expect "TCP that nobody wants is answered" says refused lab_in host-a bash -c "echo x >/dev/tcp/$SITE_HOST_B/9"
expect "all twelve are told" lab_await 10 captured to-branch 12
expect "the trace names each step" lab_await 10 trace_says 'transmit.*verdict=sent'
for step in receive classify route tunnel esp_build esp_seal esp_check esp_open inner; do
	expect "the trace has $step" trace_says " $step "
done
lab_in host-a ping -n -q -c 1 -W 1 -t 1 "$SITE_HOST_B" >/dev/null
expect "and why a packet is dropped" lab_await 10 trace_says 'drop.*reason=ip_ttl'
expect "the capture of the connection stops" stopped /connections/to-branch to-branch
expect "the capture of the gateway stops" stopped /virtualNetworkGateways/gw gw
expect "inner packets are in the clear" count to-branch 'icmp.type == 8 && frame.interface_name == "inner"' 3
expect "and their answers" count to-branch 'icmp.type == 0 && frame.interface_name == "inner"' 3
expect "with their ESP" count to-branch 'frame.interface_name == "outer" && (esp || udpencap)' 6
expect "and nothing else" count to-branch 'tcp && frame.interface_name == "inner"' 0
expect "comments name tunnel and SA" comment 'tunnel=to-branch.*SA=0x[0-9a-f]\{8\} sequence=[0-9]'
expect "the gateway's has IKE_SA_INIT of both tunnels" some gw 'isakmp.exchangetype == 34 && isakmp.flag_r == 1' 2
expect "and no ESP" count gw 'esp' 0
expect "the file is fetched" cli capture get "$(basename "$(file_of to-branch)")" "$LAB_DIR/fetched.pcapng"
expect "whole" cmp "$LAB_DIR/fetched.pcapng" "$(file_of to-branch)"
expect "the list names it" says "$(basename "$(file_of to-branch)")" cli capture list
expect "it is deleted" cli capture delete "$(basename "$(file_of to-branch)")"
expect "and gone" fails test -e "$(file_of to-branch)"
expect "once" fails cli capture delete "$(basename "$(file_of to-branch)")"
expect "no other file is" fails cli capture get ../vpngw.json "$LAB_DIR/other"
finish
