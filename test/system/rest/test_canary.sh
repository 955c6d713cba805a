#!/usr/bin/env bash
# Secrets that look like nothing else are set by file and by REST, well and badly, and tunnels run with them; then
# everything that comes out of the programs at the loudest log level is searched for them: shared keys, the bearer
# token, the private key of the endpoint, and the keys of IKE SAs as the operator's key log has them. Only the shared
# key's own page may have a shared key. At last the program is made to crash: it leaves no core.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" canary
skip_unless gateway_missing control dataplane
skip_unless lab_charon_missing
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

both_up() {
	[ "$(gateway_api GET "$BASE" | jq '[.properties.tunnelConnectionStatus[] | select(.connectionStatus == "Connected")] | length')" = 2 ]
}

# Every other secret, one a line: what is searched for is read from where it may be.
secrets_collected() {
	cat "$LAB_DIR/token" >"$LAB_DIR/secrets"
	sed -n '2,3p' "$LAB_DIR/state/api.key" >>"$LAB_DIR/secrets"
	tr ',' '\n' <"$LAB_DIR/keys" | grep -E -i '^[0-9a-f]{32,}$' >>"$LAB_DIR/secrets"
	[ "$(wc -l <"$LAB_DIR/secrets")" -ge 8 ]
}

no_secret_in() {
	local found
	found=$(grep -a -i -F -c -f "$LAB_DIR/secrets" "$@") || return 0
	printf '%s\n' "$found"
	return 1
}

# A crash: the kernel may write a core to where the program stands, or to where core_pattern says.
crashes_without_core() {
	local pid pattern
	pid=$(lab_pid control)
	pattern=$(cat /proc/sys/kernel/core_pattern)
	touch "$LAB_DIR/marker"
	kill -ABRT "$pid" && lab_await_end "$pid" 5 || return 1
	case $pattern in '|'*) pattern=core ;; esac
	[ -z "$(find / /tmp "$LAB_DIR" "$TOP" "$(dirname "/${pattern#/}")" -maxdepth 1 -newer "$LAB_DIR/marker" -type f -name '*core*' 2>/dev/null)" ]
}

reloads() {
	kill -HUP "$(lab_pid control)" && lab_await 5 grep -q 'the file has not changed' "$LAB_DIR/control.log"
}

require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json" ".connections[0].properties.sharedKey = \"$CANARY\""
require "the data plane starts, as loud as it gets" gateway_start_dataplane --log debug
require "the control program starts, as loud as it gets" gateway_start_control --log debug --key-log "$LAB_DIR/state/keys"
require "the endpoint answers" lab_await 10 api_answers
expect "the key is readable where it may be" key_is_readable "$CANARY"
require "strongSwan is there" site_branch "$CANARY"
expect "both tunnels are up" lab_await 20 both_up
lab_start events gw curl -sS -k -N -H "Authorization: Bearer $(cat "$LAB_DIR/token")" "https://127.0.0.1:$LAB_API_PORT/events"
expect "everything is asked" asks_everything
expect "the new key is readable" key_is_readable "$OTHER"
expect "the program reloads" reloads
cp "$LAB_DIR/state/keys" "$LAB_DIR/keys"
require "the other secrets are known" secrets_collected
expect "no answer has a key" no_canary_in "$OUT" "$LAB_DIR/events.log"
expect "no log has a key" no_canary_in "$LAB_DIR/control.log" "$LAB_DIR/dataplane.log"
expect "no answer has another secret" no_secret_in "$OUT"
expect "no log has another secret" no_secret_in "$LAB_DIR/control.log" "$LAB_DIR/dataplane.log"
expect "operations on disk have none" no_canary_in "$LAB_DIR/state/operations"
expect "neither the environment nor the command line" process_is_clean
expect "there is no core dump and no look into it" no_core_dump
expect "a crash leaves no core" crashes_without_core
finish
