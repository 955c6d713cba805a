#!/usr/bin/env bash
# Who may do what at the REST endpoint: roles, expiry, rotation with overlap and without a restart, rates with
# Retry-After, failed authentication, client certificates, TLS versions, and a line in the audit for each change.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" access
skip_unless gateway_missing control dataplane
TOKENS=$LAB_DIR/state/tokens

# as TOKEN METHOD PATH [BODY]: the status
as() {
	lab_in gw curl -sS -k -o "$LAB_DIR/answer" -D "$LAB_DIR/head" -w '%{http_code}' -X "$2" ${1:+-H "Authorization: Bearer $1"} \
		${4:+--data "$4"} "https://127.0.0.1:$LAB_API_PORT$3"
}

# is STATUS TOKEN METHOD PATH [BODY]
is() {
	local wanted=$1 got
	shift
	got=$(as "$@")
	[ "$got" = "$wanted" ] && return
	printf '%s instead of %s\n' "$got" "$wanted"
	cat "$LAB_DIR/answer"
	return 1
}

# token NAME ROLE [EXPIRES]: made by the command line, as a user does
token() {
	VPNGW_TOKENS=$TOKENS "$(gateway_program cli)" token create "$@" 2>/dev/null | grep -o '[A-Za-z0-9_-]\{43\}' | head -n 1
}

reload() {
	local before
	before=$(grep -c 'the file has not changed\|is applied' "$LAB_DIR/control.log")
	kill -HUP "$(lab_pid control)" && lab_await 5 reloaded_since "$before"
}

reloaded_since() {
	[ "$(grep -c 'the file has not changed\|is applied' "$LAB_DIR/control.log")" -gt "$1" ]
}


# The new token works beside the old one; then the old one goes. Nothing restarts.
rotates() {
	local new pid
	pid=$(lab_pid control)
	new=$(token reader2 read) && chown "$LAB_USER" "$TOKENS" && reload && is 200 "$new" GET /status && is 200 "$READER" GET /status || return 1
	sed -i '/^reader /d' "$TOKENS" && reload && is 401 "$READER" GET /status && is 200 "$new" GET /status &&
		[ "$(lab_pid control)" = "$pid" ] && lab_alive control
}

# Other limits by the file: they hold at once.
limits_change() {
	jq '.appliance.api.limits.changesPerSecond = 1 | .appliance.api.limits.changesBurst = 2' "$LAB_DIR/vpngw.json" >"$LAB_DIR/new.json" &&
		cat "$LAB_DIR/new.json" >"$LAB_DIR/vpngw.json" && reload || return 1
	for _ in 1 2 3 4 5 6; do
		[ "$(as "$OPERATOR" POST /connections/to-branch/resetconnection)" != 429 ] || break
	done
	grep -qi '^HTTP/1.1 429' "$LAB_DIR/head" && grep -qi '^Retry-After: [1-9]' "$LAB_DIR/head" && grep -q TooManyRequests "$LAB_DIR/answer"
}

held_off() {
	for _ in 1 2 3 4 5 6 7; do
		as wrongwrongwrong GET /status >/dev/null
	done
	is 429 wrongwrongwrong GET /status && grep -qi '^Retry-After: [1-9]' "$LAB_DIR/head"
}

audited() {
	grep -q 'audit: method=PUT object=".*localNetworkGateways/audited" who="lab" from=127.0.0.1:[0-9]* result=accepted' "$LAB_DIR/control.log" &&
		grep -q 'audit: method=PUT .*result=refused' "$LAB_DIR/control.log" &&
		grep -q 'audit: method=GET .*result=shared key read' "$LAB_DIR/control.log"
}

applied() {
	gateway_api GET /localNetworkGateways/audited | grep -q '"provisioningState":"Succeeded"'
}

no_store() {
	is 200 "$ADMIN" GET /connections/to-branch/sharedkey && grep -qi '^Cache-Control: no-store' "$LAB_DIR/head"
}

# tls VERSION-OPTION: the version that was agreed
tls() {
	lab_in gw openssl s_client -connect "127.0.0.1:$LAB_API_PORT" "$1" </dev/null 2>&1 | grep -o 'New, TLSv1\.[0-9]' | head -n 1
}

tls_versions() {
	[ "$(tls -no_comp)" = "New, TLSv1.3" ] && [ "$(tls -tls1_2)" = "New, TLSv1.2" ] && [ -z "$(tls -tls1_1)" ]
}

only_loopback() {
	[ "$(lab_in gw ss -Hltn "sport = :$LAB_API_PORT" | awk '{ print $4 }')" = "127.0.0.1:$LAB_API_PORT" ]
}

# A client CA: without a certificate of it nobody gets in, with one and a token it is as before.
with_client_ca() {
	local dir=$LAB_DIR/ca
	mkdir -p "$dir" && chmod 0755 "$dir"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/ca.key" -out "$dir/ca.pem" -days 2 -subj /CN=clients 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/client.key" -out "$dir/client.csr" -subj /CN=me 2>/dev/null
	openssl x509 -req -in "$dir/client.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -out "$dir/client.pem" -days 2 2>/dev/null
	jq --arg ca "$dir/ca.pem" '.appliance.api.clientCaFile = $ca' "$LAB_DIR/vpngw.json" >"$LAB_DIR/new.json" && cat "$LAB_DIR/new.json" >"$LAB_DIR/vpngw.json"
	chmod 0644 "$dir/ca.pem"
	lab_stop control
	gateway_start_control && lab_await 10 answers_to_certificate
}

answers_to_certificate() {
	lab_in gw curl -sS -k --cert "$LAB_DIR/ca/client.pem" --key "$LAB_DIR/ca/client.key" -H "Authorization: Bearer $ADMIN" \
		"https://127.0.0.1:$LAB_API_PORT/status" | grep -q revision
}

refuses_without_certificate() {
	fails lab_in gw curl -sS -k -H "Authorization: Bearer $ADMIN" "https://127.0.0.1:$LAB_API_PORT/healthz"
}

require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json"
READER=$(token reader read)
OPERATOR=$(token operator operate)
OLD=$(token old admin 2099-01-01T00:00:00Z)
sed -i s/2099/2020/ "$TOKENS" # the command makes none that has expired
require "tokens are made" test -n "$READER" -a -n "$OPERATOR" -a -n "$OLD"
chown "$LAB_USER" "$TOKENS"
require "the data plane starts" gateway_start_dataplane
require "the control program starts" gateway_start_control
require "the endpoint answers" lab_await 10 gateway_answers
ADMIN=$(cat "$LAB_DIR/token")
SITE='{"properties":{"gatewayIpAddress":"203.0.113.50","localNetworkAddressSpace":{"addressPrefixes":["10.50.0.0/16"]}}}'
expect "it listens on loopback only" only_loopback
expect "TLS 1.3 is preferred, 1.2 taken, 1.1 not" tls_versions
expect "health needs no token" is 200 "" GET /healthz
expect "and so does readiness" lab_await 5 is 200 "" GET /readyz
expect "everything else needs one" is 401 "" GET /status
expect "metrics too" is 401 "" GET /metrics
expect "role read reads" is 200 "$READER" GET /connections
expect "role read resets nothing" is 403 "$READER" POST /connections/to-branch/resetconnection
expect "role operate resets" is 202 "$OPERATOR" POST /connections/to-branch/resetconnection
expect "role operate configures nothing" is 403 "$OPERATOR" PUT /localNetworkGateways/audited "$SITE"
expect "role operate sees no key" is 403 "$OPERATOR" GET /connections/to-branch/sharedkey
expect "role admin configures" is 201 "$ADMIN" PUT /localNetworkGateways/audited "$SITE"
expect "it is applied" lab_await 5 applied
expect "what is wrong is refused" is 400 "$ADMIN" PUT /localNetworkGateways/audited '{"properties":{"gatewayIpAddress":"x"}}'
expect "a key is not to be stored on the way" no_store
expect "an expired token is none" is 401 "$OLD" GET /status
expect "tokens are rotated without a restart" rotates
expect "limits change without a restart, 429 says when to come back" limits_change
expect "each change is in the audit" audited
expect "who fails too often is held off" held_off
expect "with a client CA a certificate lets in" with_client_ca
expect "without one nobody gets in" refuses_without_certificate
finish
