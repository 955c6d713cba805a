#!/usr/bin/env bash
# What nobody sane sends at the REST endpoint (hostile.py): refused, others served, memory bounded, nothing changed.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" hostile
skip_unless gateway_missing control
HERE=$(cd "$(dirname "$0")" && pwd)

# The limits of changes are not what is tested here.
refuses_all() {
	local output=$LAB_DIR/hostile.log status=0
	lab_in gw timeout 200 python3 "$HERE/hostile.py" "$LAB_API_PORT" "$LAB_DIR/token" "$(lab_pid control)" >"$output" 2>&1 || status=$?
	sed 's/^/# /' "$output" >&3
	grep -A 1 '^not ok\|Error' "$output"
	[ "$status" = 0 ] && grep -q '^1\.\.' "$output"
}

exec 3>&1
lab_ns gw
require "the configuration is accepted" gateway_config "$TOP/config/demo.json" \
	'.appliance.api.limits = { changesPerSecond: 100000, changesBurst: 100000, failedAuthenticationsPerMinute: 1000,
		timeoutSeconds: 2, headerSeconds: 2, bodySeconds: 3, connectionsPerSource: 50 }'
require "the control program starts" gateway_start_control
require "the endpoint answers" lab_await 10 gateway_answers
expect "it refuses all of it" refuses_all
expect "it still lives" lab_alive control
finish
