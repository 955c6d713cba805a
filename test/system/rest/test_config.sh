#!/usr/bin/env bash
# A user changes the configuration by file and command line: what is wrong with a file, what it would change, applied for
# trial and taken back, confirmed, history and the way back with the keys of that time, SIGHUP, export and import of it.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" config
skip_unless gateway_missing cli control dataplane

cli() {
	lab_in gw "$LAB_DIR/vpngw" "$@" 2>&1
}

dpd() {
	gateway_api GET /connections/to-branch | jq .properties.dpdTimeoutSeconds
}

dpd_is() {
	[ "$(dpd)" = "$1" ]
}

key_is() {
	[ "$(gateway_api GET /connections/to-branch/sharedkey | jq -r .value)" = "$1" ]
}

# edit JQ: the user's editor
edit() {
	jq "$1" "$LAB_DIR/vpngw.json" >"$LAB_DIR/edited.json" && cat "$LAB_DIR/edited.json" >"$LAB_DIR/vpngw.json"
}

all_that_is_wrong() {
	local out
	printf '{"appliance":{"colour":1,"ports":[{"name":"p","device":"d","role":"publik"}]}}' >"$LAB_DIR/bad.json"
	out=$("$(gateway_program control)" --check-config "$LAB_DIR/bad.json" 2>&1) && return 1
	grep -q '^/appliance/colour: ' <<<"$out" && grep -q '^/appliance/ports/0/role: "publik" is not one of public, private, both' <<<"$out"
}

tells_what_would_change() {
	edit '.connections[0].properties.dpdTimeoutSeconds = 30 | .connections[0].properties.sharedKey = "KeyOfTheFile"' || return 1
	cli config apply --dry-run | grep -q '^~ connections/to-branch /properties/sharedKey /properties/dpdTimeoutSeconds' && dpd_is 9
}

tells_what_a_candidate_would_change() {
	jq '.localNetworkGateways += [{ name: "n2", properties: { gatewayIpAddress: "203.0.113.77" } }]' "$LAB_DIR/vpngw.json" >"$LAB_DIR/candidate.json"
	cli config diff "$LAB_DIR/candidate.json" | grep -q '^+ localNetworkGateways/n2' && fails cli config diff "$LAB_DIR/bad.json"
}

goes_back_alone() {
	cli config apply --confirm 2 | grep -q 'taken back in 2 s unless confirmed' && dpd_is 30 && key_is KeyOfTheFile &&
		lab_await 10 dpd_is 9 && key_is "$KEY" && cli config history | grep -q unconfirmed
}

stays_when_confirmed() {
	cli config apply --confirm 60 >/dev/null && dpd_is 30 && cli config confirm | grep -q "^done" && says 'No change waits' cli config confirm
}

rolls_back_with_keys() {
	cli config rollback 1 | grep -q "^done" && dpd_is 9 && key_is "$KEY" && says 'is not kept' cli config rollback 4711
}

reloads() {
	edit '.connections[0].properties.dpdTimeoutSeconds = 40' && kill -HUP "$(lab_pid control)" && lab_await 10 dpd_is 40
}

# What REST changed by one resource goes when the file is applied again, and only then.
file_wins_when_asked() {
	local body
	body=$(gateway_api GET /connections/to-branch | jq -c '.properties.dpdTimeoutSeconds = 50')
	gateway_api PUT /connections/to-branch "$body" >/dev/null && lab_await 5 dpd_is 50 && kill -HUP "$(lab_pid control)" &&
		lab_await_line control 5 'the file has not changed' && dpd_is 50 && cli config apply | grep -q "^done" && dpd_is 40
}

# Without its keys it is the same configuration: taking it in changes nothing.
exports() {
	cli config show >"$LAB_DIR/export.json" && fails grep -q "KeyOfTheFile\|$KEY" "$LAB_DIR/export.json" &&
		"$(gateway_program control)" --check-config "$LAB_DIR/export.json" >/dev/null && says 'nothing would change' cli config diff "$LAB_DIR/export.json"
}

# A configuration that is sent runs, from a file and from standard input; the gateway's own file stays what it is.
applies_what_is_sent() {
	jq '.connections[0].properties.dpdTimeoutSeconds = 70' "$LAB_DIR/export.json" >"$LAB_DIR/sent.json"
	cli config apply "$LAB_DIR/sent.json" | grep -q "^done" && dpd_is 70 && key_is KeyOfTheFile || return 1
	jq '.connections[0].properties.dpdTimeoutSeconds = 80' "$LAB_DIR/export.json" | cli config apply - --confirm 60 | grep -q 'taken back in 60 s' &&
		dpd_is 80 && cli config confirm >/dev/null && kill -HUP "$(lab_pid control)" &&
		lab_await_line control 5 'the file has not changed' && dpd_is 80 && cli config apply | grep -q "^done" && dpd_is 40
}

# refused_with_places: nothing of it runs
refused_with_places() {
	local out
	out=$(cli config apply "$LAB_DIR/bad.json") && return 1
	printf '%s\n' "$out"
	grep -q '/appliance/ports/0/role: "publik" is not one of' <<<"$out" && dpd_is 40
}

# The stream of events: a prefix that comes with a site that is changed, and goes again.
routes_are_told() {
	lab_start events gw curl -sS -k -N -H "Authorization: Bearer $(cat "$LAB_DIR/token")" "https://127.0.0.1:$LAB_API_PORT/events"
	lab_await_line events 5 'vpngw' || return 1
	site_prefixes 10.20.0.0/16 10.21.0.0/16 && lab_await_line events 5 '"prefix":"10.21.0.0/16","reachable":true' || return 1
	lab_await 5 branch_settled
	site_prefixes 10.20.0.0/16 && lab_await_line events 5 '"prefix":"10.21.0.0/16","reachable":false'
}

site_prefixes() {
	local body
	body=$(jq -cn '{ properties: { gatewayIpAddress: "203.0.113.10", localNetworkAddressSpace: { addressPrefixes: $ARGS.positional } } }' --args "$@")
	gateway_api PUT /localNetworkGateways/branch "$body" | grep -q provisioningState
}

branch_settled() {
	gateway_api GET /localNetworkGateways/branch | grep -q '"provisioningState":"Succeeded"'
}

# Changes of one resource at the same time: one is taken, the others are told; of different ones all are.
at_the_same_time() {
	local i codes
	codes=$(for i in $(seq 20); do
		lab_in gw curl -sS -k -o /dev/null -w '%{http_code}\n' -X PUT -H "Authorization: Bearer $(cat "$LAB_DIR/token")" \
			--data "{\"properties\":{\"gatewayIpAddress\":\"203.0.113.$((100 + i))\"}}" \
			"https://127.0.0.1:$LAB_API_PORT/localNetworkGateways/$1" &
	done; wait)
	printf '%s\n' "$codes" | sort | uniq -c
	! grep -qv '^20[01]$\|^409$' <<<"$codes" && grep -q '^201$' <<<"$codes"
}

different_ones() {
	local codes i
	codes=$(for i in $(seq 20); do
		lab_in gw curl -sS -k -o /dev/null -w '%{http_code}\n' -X PUT -H "Authorization: Bearer $(cat "$LAB_DIR/token")" \
			--data "{\"properties\":{\"gatewayIpAddress\":\"203.0.113.$((130 + i))\"}}" \
			"https://127.0.0.1:$LAB_API_PORT/localNetworkGateways/many-$i" &
	done; wait)
	[ "$(grep -c '^201$' <<<"$codes")" = 20 ] && lab_await 10 all_twenty
}

all_twenty() {
	[ "$(gateway_api GET /localNetworkGateways | jq '[.value[] | select((.name | startswith("many-")) and .properties.provisioningState == "Succeeded")] | length')" = 20 ]
}

# An operation is known after a restart, too.
operations_survive() {
	local url
	url=$(lab_in gw curl -sS -k -D - -o /dev/null -X PUT -H "Authorization: Bearer $(cat "$LAB_DIR/token")" \
		--data '{"properties":{"gatewayIpAddress":"203.0.113.90"}}' "https://127.0.0.1:$LAB_API_PORT/localNetworkGateways/kept" |
		tr -d '\r' | sed -n 's/^Azure-AsyncOperation: https:..[^/]*//p')
	lab_stop control && gateway_start_control && lab_await 10 gateway_answers && gateway_api GET "$url" | grep -q '"status":"\(Succeeded\|Failed\)"'
}

require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json" '.appliance.api.limits.changesBurst = 1000'
gateway_cli
KEY=$(jq -r '.connections[0].properties.sharedKey' "$LAB_DIR/vpngw.json")
require "the data plane starts" gateway_start_dataplane
require "the control program starts" gateway_start_control
require "the endpoint answers" lab_await 10 gateway_answers
require "and is ready" lab_await 60 gateway_is_ready
expect "a wrong file: all of it, each with its place" all_that_is_wrong
expect "what the edited file would change is told" tells_what_would_change
expect "and what another one would" tells_what_a_candidate_would_change
expect "applied for trial, it goes back, key and all" goes_back_alone
expect "confirmed, it stays" stays_when_confirmed
expect "the first revision again, with its key" rolls_back_with_keys
expect "SIGHUP takes the file in" reloads
expect "a change by REST stays until the file is applied anew" file_wins_when_asked
expect "an export is the configuration without keys" exports
expect "a configuration that is sent is applied, with the keys that were there" applies_what_is_sent
expect "a wrong one is refused, with the place" refused_with_places
expect "changes of one resource at the same time: taken or told" at_the_same_time same
expect "changes of different ones: all taken" different_ones
expect "routes are told as they change" routes_are_told
expect "operations are known after a restart" operations_survive
finish
