#!/usr/bin/env bash
# Secrets that look like nothing else are set by file and by REST, well and badly, and tunnels run with them; then
# everything that comes out of the programs at the loudest log level is searched for them: shared keys and a BGP password,
# and, whatever way they are written, the bearer token, the private keys of the endpoint and of a connection, the keys of
# IKE SAs as the operator's key log has them, and those of IKE and ESP as strongSwan's log has them. Only the shared key's
# own page may have a shared key. At last both programs are made to crash: they leave no core.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" canary
skip_unless gateway_missing control dataplane
skip_unless lab_charon_missing
export LAB_CHARON_LOG=4 # with keys
CANARY=CANARY7f3a9QxZ
OTHER=CANARYb81cWvKt
BASE=/connections/to-branch
OUT=$LAB_DIR/answers
BODY='{"properties":{"connectionType":"IPsec","virtualNetworkGateway1":{"id":"gw"},"localNetworkGateway2":{"id":"branch"}'

# A connection that proves itself by a certificate, and a site with a BGP password.
certificate_set() {
	(lab_ca peers && lab_leaf peers gateway DNS:gateway EC -pkeyopt ec_paramgen_curve:P-256) >/dev/null 2>&1 || return 1
	chown "$LAB_USER" "$LAB_PKI/gateway.key" && chmod 0755 "$LAB_DIR" "$LAB_PKI" && cat "$LAB_PKI/gateway.key" >>"$LAB_PKI/gateway.pem" &&
		chmod 0600 "$LAB_PKI/gateway.pem" && chown "$LAB_USER" "$LAB_PKI/gateway.pem" || return 1
	gateway_api PUT /localNetworkGateways/certified "{\"properties\":{\"gatewayIpAddress\":\"203.0.113.99\",\"localNetworkAddressSpace\":{
		\"addressPrefixes\":[\"10.99.0.0/16\"]},\"bgpSettings\":{\"asn\":65010,\"bgpPeeringAddress\":\"10.99.0.1\",\"password\":\"$CANARY.bgp\"}}}" |
		grep -q Updating || return 1
	gateway_api PUT /connections/certified "{\"properties\":{\"connectionType\":\"IPsec\",\"connectionMode\":\"ResponderOnly\",
		\"virtualNetworkGateway1\":{\"id\":\"gw\"},\"localNetworkGateway2\":{\"id\":\"certified\"},\"authenticationType\":\"Certificate\",
		\"certificateAuthentication\":{\"outboundAuthCertificate\":\"$LAB_PKI/gateway.pem\",
		\"inboundAuthCertificateSubjectName\":\"CN=peer\",\"inboundAuthCertificateChain\":[\"$LAB_PKI/peers.pem\"]}}}" | grep -q Updating &&
		lab_await 5 certified
}

certified() {
	gateway_api GET /connections/certified | grep -q '"provisioningState":"Succeeded"'
}

# Every page that gives something, and every way to be refused.
ask_everything() {
	local page
	for page in /healthz /readyz /status /routes /skus /history /config /metrics /openapi.json "$BASE" /connections /connections/certified /localNetworkGateways/certified \
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
	gateway_api POST /virtualNetworkGateways/gw/startPacketCapture '{}'
	gateway_api POST "$BASE/vpndeviceconfigurationscript" '{"vendor":"strongSwan","deviceFamily":"swanctl"}'
	gateway_api POST /virtualNetworkGateways/gw/listRadiusSecrets
	gateway_api POST "$BASE/rekey"
	lab_ping host-a "$SITE_HOST_B" 5
	gateway_api POST /virtualNetworkGateways/gw/stopPacketCapture '{}'
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

# Of both programs, as they were started and as they are.
process_is_clean() {
	local name pid
	for name in control dataplane; do
		pid=$(lab_pid "$name")
		no_canary_in "/proc/$pid/environ" "/proc/$pid/cmdline" && no_secret_in "/proc/$pid/environ" "/proc/$pid/cmdline" || return 1
	done
}

no_core_dump() {
	local pid status
	pid=$(lab_pid "$1")
	grep -q '^Max core file size *0 ' "/proc/$pid/limits" || return 1
	# Not even root's own user may look: it is not dumpable, so what is in /proc belongs to root.
	status=$(stat -c %u "/proc/$pid/mem")
	[ "$status" = 0 ]
}

both_up() {
	[ "$(gateway_api GET "$BASE" | jq '[.properties.tunnelConnectionStatus[] | select(.connectionStatus == "Connected")] | length')" = 2 ]
}

# The beginnings of the keys in strongSwan's log: a line that says how long, then lines of 16 bytes.
charon_keys() {
	awk '/(key|secret) => [0-9]+ bytes/ && /Sk_|SK_|encryption|integrity/ { wanted = $0; sub(/.*=> /, "", wanted); wanted += 0; got = ""; next }
		wanted && match($0, /[0-9]+: ([0-9A-F][0-9A-F] )+/) {
			line = substr($0, RSTART, RLENGTH); sub(/^[0-9]+: /, "", line); gsub(/ /, "", line); got = got line
			if (length(got) >= 2 * wanted) { if (wanted >= 16) print "charon", tolower(substr(got, 1, 32)); wanted = 0 }
			next }
		{ wanted = 0 }' "$1" | sort -u
}

# name FILE: an elliptic private key as a number
private_number() {
	openssl ec -in "$2" -text -noout 2>/dev/null | awk -v name="$1" '/^priv:/ { on = 1; next } /^pub:/ { on = 0 }
		on { gsub(/[ :]/, ""); all = all $0 } END { sub(/^00/, "", all); print name, all }'
}

# Every other secret, a name and hexadecimal digits a line: what is searched for is read from where it may be.
secrets_collected() {
	local charon
	printf 'token %s\n' "$(tr -d '\n' <"$LAB_DIR/token" | od -An -tx1 | tr -d ' \n')" >"$LAB_DIR/secrets"
	charon=$(charon_keys "$LAB_DIR/branch-ike.log")
	{
		private_number endpoint "$LAB_DIR/state/api.key"
		private_number connection "$LAB_PKI/gateway.key"
		tr ',' '\n' <"$LAB_DIR/keys" | grep -E -i '^[0-9a-f]{32,}$' | sed 's/^/ike /'
		printf '%s\n' "$charon"
	} >>"$LAB_DIR/secrets"
	# SK_d and kin of two IKE SAs, and at least two keys each of two children
	printf '%s secrets, %s of them from strongSwan\n' "$(wc -l <"$LAB_DIR/secrets")" "$(wc -l <<<"$charon")"
	[ "$(wc -l <<<"$charon")" -ge 8 ] && [ "$(grep -c '^\(endpoint\|connection\|token\) [0-9a-f]\{62,\}$' "$LAB_DIR/secrets")" = 3 ] &&
		[ "$(grep -c '^ike ' "$LAB_DIR/secrets")" -ge 4 ]
}

no_secret_in() {
	python3 "$TOP/test/tools/find_secrets.py" "$LAB_DIR/secrets" "$@"
}

# That it would be found: strongSwan's own log has them, and the key's file has the key.
search_finds() {
	fails no_secret_in "$LAB_DIR/branch-ike.log" && fails no_secret_in "$LAB_PKI/gateway.key" && fails no_secret_in "$LAB_DIR/keys"
}

# A crash: the kernel may write a core to where the program stands, or to where core_pattern says.
crashes_without_core() {
	local pid pattern
	pid=$(lab_pid "$1")
	pattern=$(cat /proc/sys/kernel/core_pattern)
	touch "$LAB_DIR/marker"
	kill -ABRT "$pid" && lab_await_end "$pid" 30 || return 1
	case $pattern in '|'*) pattern=core ;; esac
	[ -z "$(find / /tmp "$LAB_DIR" "$TOP" "$(dirname "/${pattern#/}")" -maxdepth 1 -newer "$LAB_DIR/marker" -type f -name '*core*' 2>/dev/null)" ]
}

reloads() {
	kill -HUP "$(lab_pid control)" && lab_await 5 grep -q 'the file has not changed' "$LAB_DIR/control.log"
}

require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json" ".connections[0].properties.sharedKey = \"$CANARY\"
	| .appliance.diagnosticLogs = \"GatewayDiagnosticLog,TunnelDiagnosticLog,RouteDiagnosticLog,IKEDiagnosticLog\""
require "the data plane starts, as loud as it gets" gateway_start_dataplane --log debug
require "the control program starts, as loud as it gets" gateway_start_control --log debug --key-log "$LAB_DIR/state/keys"
require "the endpoint answers" lab_await 10 gateway_answers
expect "the key is readable where it may be" key_is_readable "$CANARY"
require "strongSwan is there" site_branch "$CANARY"
expect "both tunnels are up" lab_await 60 both_up
require "a connection has a certificate" certificate_set
lab_start events gw curl -sS -k -N -H "Authorization: Bearer $(cat "$LAB_DIR/token")" "https://127.0.0.1:$LAB_API_PORT/events"
expect "everything is asked" asks_everything
expect "the new key is readable" key_is_readable "$OTHER"
expect "the program reloads" reloads
cp "$LAB_DIR/state/keys" "$LAB_DIR/keys"
require "the other secrets are known" secrets_collected
expect "they would be found" search_finds
expect "no answer has a key" no_canary_in "$OUT" "$LAB_DIR/events.log"
expect "no log has a key" no_canary_in "$LAB_DIR/control.log" "$LAB_DIR/dataplane.log" "$LAB_DIR/state/diagnostics.jsonl"
expect "no answer has another secret" no_secret_in "$OUT" "$LAB_DIR/events.log"
expect "no log has another secret" no_secret_in "$LAB_DIR/control.log" "$LAB_DIR/dataplane.log" "$LAB_DIR/state/diagnostics.jsonl"
expect "operations on disk have none" no_canary_in "$LAB_DIR/state/operations"
expect "captures have none" no_secret_in "$LAB_DIR/state/operations" "$LAB_DIR"/state/captures/*
expect "neither the environment nor the command line" process_is_clean
for program in control dataplane; do
	expect "there is no core dump of $program and no look into it" no_core_dump $program
	expect "a crash of $program leaves no core" crashes_without_core $program
done
finish
