#!/usr/bin/env bash
# Every operation of the API, one by one (operations.py), and what becomes of changes while there is no data plane.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" operations
skip_unless gateway_missing control dataplane
HERE=$(cd "$(dirname "$0")" && pwd)

# walk [no-dataplane]
walk() {
	local output=$LAB_DIR/operations.log status=0
	lab_in gw timeout 120 python3 "$HERE/operations.py" "$LAB_API_PORT" "$LAB_DIR/token" "$@" >"$output" 2>&1 || status=$?
	sed 's/^/# /' "$output" >&3
	grep -A 1 '^not ok\|Error' "$output"
	[ "$status" = 0 ] && grep -q '^1\.\.' "$output"
}

takes_changes() {
	gateway_api PUT /localNetworkGateways/later '{"properties":{"gatewayIpAddress":"203.0.113.63"}}' | grep -q Updating &&
		lab_await 5 applied
}

applied() {
	gateway_api GET /localNetworkGateways/later | grep -q '"provisioningState":"Succeeded"'
}

exec 3>&1
require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json" \
	'.appliance.api.limits = { changesPerSecond: 1000, changesBurst: 1000, operationSeconds: 2 }'
require "the data plane starts" gateway_start_dataplane
require "the control program starts" gateway_start_control
require "the endpoint answers" lab_await 10 gateway_answers
require "and is ready" lab_await 60 gateway_is_ready
expect "every operation answers as it must" walk
lab_stop dataplane
expect "without a data plane changes end, and nothing is changed" walk no-dataplane
require "the data plane starts again" gateway_start_dataplane
require "control has found it" lab_await 60 gateway_is_ready
expect "changes are taken again" takes_changes
finish
