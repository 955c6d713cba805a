#!/usr/bin/env bash
# The diagnostic logs of a gateway that does what they tell of: a file of JSON lines, and a real journal in a mount
# namespace of its own when control runs as under systemd. No line has a secret.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" diagnostics
skip_unless gateway_missing control dataplane
skip_unless lab_charon_missing
JOURNALD=/lib/systemd/systemd-journald
LOG=$LAB_DIR/state/diagnostics.jsonl

# logged CATEGORY OPERATION [JQ]: a line of it
logged() {
	jq -e -s "map(select(.Category == \"$1\" and .OperationName == \"$2\")) | map(select(${3:-true})) | length > 0" "$LOG"
}

all_have_columns() {
	jq -e -s 'length > 5 and all(.[]; (.TimeGenerated | test("^20[0-9-]*T[0-9:.]*Z$")) and .ResourceGroup == "demo" and
		(.Message | length > 3) and (.Level | IN("Informational", "Warning")) and has("Resource"))' "$LOG" >/dev/null
}

both_connected() {
	jq -e -s '[.[] | select(.OperationName == "TunnelConnected") | .instance_s] | unique | length == 2' "$LOG"
}

changes_connection() {
	gateway_api PUT /connections/to-branch "$(gateway_api GET /connections/to-branch | jq -c '.properties.dpdTimeoutSeconds = 30 | .properties.sharedKey = "SecretOfTheLab99"')" >/dev/null
	lab_await 5 logged GatewayDiagnosticLog SetConnectionConfiguration '.Message | test("dpdTimeoutSeconds") and test("to-branch")'
}

changes_gateway() {
	gateway_api PUT /virtualNetworkGateways/gw "$(gateway_api GET /virtualNetworkGateways/gw | jq -c '.tags = { a: "b" }')" >/dev/null
	lab_await 5 logged GatewayDiagnosticLog SetGatewayConfiguration '.Message | test("virtualNetworkGateways/gw")'
}

adds_a_prefix() {
	gateway_api PUT /localNetworkGateways/branch '{"properties":{"gatewayIpAddress":"203.0.113.10","localNetworkAddressSpace":{"addressPrefixes":["10.20.0.0/16","10.33.0.0/16"]}}}' >/dev/null
	lab_await 5 logged RouteDiagnosticLog StaticRouteUpdate '.Message | test("^10.33.0.0/16 is reachable")'
}

peer_dies() {
	lab_stop branch-ike
	lab_await 30 logged TunnelDiagnosticLog TunnelDisconnected '.Level == "Warning" and .remoteIP_s == "203.0.113.10" and (.Message | length > 40)'
}

dataplane_goes() {
	lab_stop dataplane
	lab_await 5 logged GatewayDiagnosticLog HostMaintenanceEvent '.Message | test("gone")' && gateway_start_dataplane
}

refuses_a_file() {
	jq '.colour = 1' "$LAB_DIR/vpngw.json" >"$LAB_DIR/bad.json" && cp "$LAB_DIR/vpngw.json" "$LAB_DIR/good.json" && cat "$LAB_DIR/bad.json" >"$LAB_DIR/vpngw.json"
	kill -HUP "$(lab_pid control)"
	lab_await 5 logged GatewayDiagnosticLog ValidateGatewayConfiguration '.Message | test("/colour")'
	local rc=$?
	cat "$LAB_DIR/good.json" >"$LAB_DIR/vpngw.json"
	return "$rc"
}

# A file that somebody moved away is begun anew at SIGHUP.
reopens() {
	mv "$LOG" "$LOG.moved" && kill -HUP "$(lab_pid control)" && changes_gateway_again && grep -q '"b2"\|SetGateway' "$LOG"
}

changes_gateway_again() {
	lab_await_line control 5 'the file' && gateway_api PUT /virtualNetworkGateways/gw "$(gateway_api GET /virtualNetworkGateways/gw | jq -c '.tags = { a: "b2" }')" >/dev/null
	lab_await 5 logged GatewayDiagnosticLog SetGatewayConfiguration
}

no_secret() {
	! grep -q -F -e SecretOfTheLab99 -e "$KEY" -e "$(cat "$LAB_DIR/token")" "$LOG" "$LOG.moved"
}

# Control as a unit has it: standard error to a journal of its own, which sees no other process of the machine.
control_with_journal() {
	cat >"$LAB_DIR/under-journald" <<-SCRIPT
		#!/bin/sh
		# The lab's /sys has no control groups, and journald ends without them.
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		mount -t tmpfs tmpfs /run/systemd && mount -t tmpfs tmpfs /run/log && mkdir -p /run/systemd/journal || exit 1
		$JOURNALD &
		for _ in \$(seq 100); do
			[ -S /run/systemd/journal/socket ] && break
			sleep 0.1
		done
		JOURNAL_STREAM=0:0 exec "\$@"
	SCRIPT
	chmod +x "$LAB_DIR/under-journald"
	lab_stop control
	rm -f "$LOG"
	LAB_CONTROL_UNDER="unshare -m $LAB_DIR/under-journald" gateway_start_control && lab_await 15 gateway_answers
}

journal_has() {
	local pid
	pid=$(lab_pid control)
	nsenter -m -t "$pid" journalctl --no-pager -o cat SYSLOG_IDENTIFIER=vpngw-diagnostics "$@" >"$LAB_DIR/journal" 2>/dev/null
	jq -e -s 'length > 0 and all(.[]; .Category | length > 5)' "$LAB_DIR/journal"
}

require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json" \
	'.appliance.diagnosticLogs = "GatewayDiagnosticLog,TunnelDiagnosticLog,RouteDiagnosticLog,IKEDiagnosticLog,P2SDiagnosticLog"'
KEY=$(jq -r '.connections[0].properties.sharedKey' "$LAB_DIR/vpngw.json")
require "the data plane starts" gateway_start_dataplane
require "the control program starts" gateway_start_control
require "the endpoint answers" lab_await 10 gateway_answers
expect "a route that was there before the endpoint" logged RouteDiagnosticLog StaticRouteUpdate '.Message | test("^10.20.0.0/16 is reachable")'
require "strongSwan is there" site_branch "$KEY"
expect "both tunnels: TunnelConnected, by instance" lab_await 20 both_connected
expect "IKE: what is sent" lab_await 5 logged IKEDiagnosticLog IKELogEvent '.Message | test("SESSION_ID :.* Remote 203.0.113.10.*Local .*\\[SEND\\] IKE_AUTH")'
expect "and received" logged IKEDiagnosticLog IKELogEvent '.Message | test("\\[RECEIVED\\]")'
expect "a connection is changed: which property, no value" changes_connection
expect "the gateway is changed" changes_gateway
expect "a prefix comes" adds_a_prefix
expect "the data plane goes and comes" dataplane_goes
expect "a wrong file is refused" refuses_a_file
expect "the peer dies: TunnelDisconnected with the reason" peer_dies
expect "every line has its columns" all_have_columns
expect "SIGHUP begins a new file" reopens
expect "no line has a key or the token" no_secret
if [ -x "$JOURNALD" ] && command -v journalctl >/dev/null; then
	require "control runs as under systemd" control_with_journal
	expect "the journal has the lines" lab_await 10 journal_has VPNGW_CATEGORY=GatewayDiagnosticLog
	expect "and no file has them" fails test -e "$LOG"
else
	echo "# skipped: no systemd-journald"
fi
finish
