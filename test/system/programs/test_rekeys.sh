#!/usr/bin/env bash
# Many tunnels, each rekeyed once within a time while packets go through all of them to a second instance and back: none is lost.
# VPNGW_CONNECTIONS=10000 VPNGW_SECONDS=60 is what is promised (3 GB, three minutes); by default 200 in 5 s. VPNGW_RATE is the
# packets a second over all tunnels.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" rekeys
skip_unless gateway_missing control dataplane
COUNT=${VPNGW_CONNECTIONS:-200}
TIME=${VPNGW_SECONDS:-5}
RATE=${VPNGW_RATE:-1000}
CROWD=$LAB_BUILD/test/tools/ikev2_crowd
[ -x "$CROWD" ] || { echo "skipped: $CROWD is not built"; exit 77; }

prepared() {
	crowd_config "$COUNT" >"$LAB_DIR/crowd.json" && gateway_config "$LAB_DIR/crowd.json" || return 1
	lab_addr host eth0 172.16.0.10/24
	lab_route host default 172.16.0.1
}

gateway_knows() {
	[ "$(gateway_api GET /status | jq '[.tunnels[] | select(.connectionStatus == "Connected")] | length')" = "$COUNT" ]
}

packets() { # SECONDS
	lab_in host python3 "$TOP/test/tools/echo_flows.py" "$COUNT" "$RATE" "$1" 5 >"$LAB_DIR/flows.json"
}

every_tunnel_carries() {
	packets "$((COUNT / RATE + 2))"
	cat "$LAB_DIR/flows.json"
	jq -e --argjson n "$COUNT" '.lost == 0 and .sites == $n' "$LAB_DIR/flows.json"
}

rekeyed() {
	crowd_list && [ $(($(crowd_negotiated) - NEGOTIATED)) -ge "$COUNT" ]
}

# The peers begin; packets go on for a second before and some after.
all_rekey_under_traffic() {
	crowd_list
	NEGOTIATED=$(crowd_negotiated)
	packets "$((TIME + 4))" &
	local flows=$! began=$SECONDS
	kill -USR2 "$(lab_pid crowd)"
	lab_await "$((TIME + 60))" rekeyed || { echo "rekeyed: $(($(crowd_negotiated) - NEGOTIATED)) of $COUNT"; wait "$flows"; return 1; }
	printf '# %s children rekeyed within %s s\n' "$(($(crowd_negotiated) - NEGOTIATED))" "$((SECONDS - began))" >&3
	wait "$flows"
	printf '# %s\n' "$(cat "$LAB_DIR/flows.json")" >&3
	[ $((SECONDS - began)) -ge "$TIME" ]
}

none_lost() {
	cat "$LAB_DIR/flows.json"
	jq -e '.lost == 0 and .doubled == 0' "$LAB_DIR/flows.json"
}

one_child_each() {
	crowd_is_up "$COUNT"
}

exec 3>&1
require "a site with $COUNT peers is made" crowd_up
require "the configuration is accepted" prepared
require "the data plane starts" gateway_start_dataplane
require "the peers listen" crowd_start "$CROWD" "rekey=$TIME"
require "the control program starts" gateway_start_control
require "all $COUNT tunnels are up" lab_await 300 crowd_is_up "$COUNT"
require "and the gateway says so" lab_await 60 gateway_knows
require "every tunnel carries packets there and back" every_tunnel_carries
expect "all $COUNT are rekeyed in $TIME s while packets go on" all_rekey_under_traffic
expect "no packet is lost or doubled" none_lost
expect "and each has one child" lab_await 90 one_child_each
finish
