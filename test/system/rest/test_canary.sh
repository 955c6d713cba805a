#!/usr/bin/env bash
# A shared key that looks like nothing else is set by file and by REST, well and badly; then everything that comes out
# of the programs at the loudest log level is searched for it. Only the shared key's own page may have it.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" canary
skip_unless gateway_missing control dataplane
CANARY=CANARY7f3a9QxZ
OTHER=CANARYb81cWvKt
BASE=/connections/to-branch
OUT=$LAB_DIR/answers
BODY='{"properties":{"connectionType":"IPsec","virtualNetworkGateway1":{"id":"gw"},"localNetworkGateway2":{"id":"branch"}'

api_answers() {
	gateway_api GET /healthz | grep -q ok
}

# Every page that gives something, and every way to be refused.
ask_everything() {
	local page
	for page in /healthz /readyz /status /routes /skus /history /config /metrics /openapi.json "$BASE" /connections \
		/virtualNetworkGateways /virtualNetworkGateways/gw /virtualNetworkGateways/gw/connections /localNetworkGateways \
		/publicIPAddresses /virtualNetworks /nowhere; do
		gateway_api GET "$page" || return 1
	done
	gateway_api PUT "$BASE" "$BODY,\"sharedKey\":\"$OTHER\"}}"
	gateway_api PUT "$BASE" "$BODY,\"sharedKey\":\"$OTHER with a space\"}}"
	gateway_api PUT "$BASE" "$BODY,\"sharedKey\":[\"$OTHER\"]}}"
	gateway_api PUT "$BASE" "$BODY,\"sharedKey\":\"$OTHER\",\"dpdTimeoutSeconds\":1}}"
	gateway_api PUT "$BASE" "$BODY,\"sharedKey\":\"$OTHER\""
	gateway_api PUT "$BASE/sharedkey" "{\"value\":\"$OTHER-\"}"
	gateway_api PUT "$BASE/sharedkey" "{\"value\":\"$OTHER\"}" >/dev/null
	gateway_api PATCH "$BASE" '{"tags":{"a":"b"}}'
	gateway_api POST "$BASE/getikesas"
	gateway_api POST "$BASE/resetconnection"
	gateway_api GET "$BASE"
	gateway_api GET /history
}

asks_everything() {
	ask_everything >"$OUT"
	[ "$(wc -c <"$OUT")" -gt 5000 ]
}

key_is_readable() {
	gateway_api GET "$BASE/sharedkey" | grep -q "\"$1\""
}

no_canary_in() {
	local found
	found=$(grep -c -a CANARY "$@") || return 0
	printf '%s\n' "$found"
	grep -a -o '.\{60\}CANARY.\{20\}' "$@" | head -5
	return 1
}

process_is_clean() {
	local pid
	pid=$(lab_pid control)
	no_canary_in "/proc/$pid/environ" "/proc/$pid/cmdline"
}

no_core_dump() {
	local pid status
	pid=$(lab_pid control)
	grep -q '^Max core file size *0 ' "/proc/$pid/limits" || return 1
	# Not even root's own user may look: it is not dumpable, so what is in /proc belongs to root.
	status=$(stat -c %u "/proc/$pid/mem")
	[ "$status" = 0 ]
}

reloads() {
	kill -HUP "$(lab_pid control)" && lab_await 5 grep -q 'the file has not changed' "$LAB_DIR/control.log"
}

require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json" ".connections[0].properties.sharedKey = \"$CANARY\""
require "the data plane starts" gateway_start_dataplane
require "the control program starts, as loud as it gets" gateway_start_control --log debug
require "the endpoint answers" lab_await 10 api_answers
expect "the key is readable where it may be" key_is_readable "$CANARY"
expect "everything is asked" asks_everything
expect "the new key is readable" key_is_readable "$OTHER"
expect "the program reloads" reloads
expect "no answer has a key" no_canary_in "$OUT"
expect "no log has a key" no_canary_in "$LAB_DIR/control.log" "$LAB_DIR/dataplane.log"
expect "neither the environment nor the command line" process_is_clean
expect "there is no core dump and no look into it" no_core_dump
finish
