#!/usr/bin/env bash
# What the API says of a connection and of each of its tunnels while it happens, against strongSwan: before anybody dialled,
# up, refused, silent, reset; with one address, with two, and with two devices at the site (dual redundancy). Statuses that
# pass are read from the stream of events.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" statuses
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
KEY=$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")
SECOND=203.0.113.11
TUNNEL0="to-branch $SITE_PUBLIC0 $SITE_BRANCH"
TUNNEL1="to-branch $SITE_PUBLIC1 $SITE_BRANCH"

# strongSwan knows these tunnels and no others: peer_has START DEVICE/INSTANCE/KEY...
peer_has() {
	local start=$1 device n key public
	shift
	: >"$(lab_charon_dir branch-ike)/swanctl.conf"
	for n in "$@"; do
		IFS=/ read -r device n key <<<"$n"
		public=SITE_PUBLIC$n
		lab_charon_connection branch-ike "d${device##*.}gw$n" local="$device" remote="${!public}" local_ts="$SITE_PREFIX_B" \
			remote_ts="$SITE_PREFIX_A" psk="$key" dpd=600 start="$start"
	done
	lab_charon_load branch-ike
}

# is CONNECTION STATUS JQ: the connection's, and what holds of its tunnels; waited for at most 40 s
holds() {
	gateway_api GET "/connections/$1" | jq -e ".properties | .connectionStatus == \"$2\" and (.tunnelConnectionStatus | $3)"
}
is() {
	lab_await 40 holds "$@" && return 0
	gateway_api GET "/connections/$1" | jq -c '.properties | [.connectionStatus, .tunnelConnectionStatus]'
	return 1
}

# What the events said of a tunnel since the last `watch`, each change once: passed TUNNEL STATUS...
watch() {
	watched=$(wc -l <"$LAB_DIR/events.log")
}
statuses_of() {
	tail -n "+$((watched + 1))" "$LAB_DIR/events.log" | sed -n 's/^data: //p' |
		jq -r --arg tunnel "$1" 'select(.tunnel == $tunnel) | .connectionStatus' | uniq | tr '\n' ' '
}
passed() {
	local tunnel=$1
	shift
	lab_await 20 eval "[ \"\$(statuses_of '$tunnel')\" = '$* ' ]" && return 0
	statuses_of "$tunnel"
	return 1
}

reset() {
	watch
	gateway_api POST "$1" >/dev/null
}

connected_at() {
	gateway_api GET /connections/to-branch | jq -r ".properties.tunnelConnectionStatus[$1].lastConnectionEstablishedUtcTime | fromdate"
}

one_up='length == 1 and all(.[]; .connectionStatus == "Connected" and .lastFailureReason == null and (.lastConnectionEstablishedUtcTime | fromdate) > now - 60)'
two_up='length == 2 and all(.[]; .connectionStatus == "Connected" and .lastFailureReason == null)'

# A tunnel that came up late for the check before may say so first.
refusal_passed() {
	[[ $(statuses_of "$TUNNEL0") == *"NotConnected Connecting NotConnected "* ]]
}
refused() {
	watch
	peer_has none "$SITE_BRANCH/0/AnotherKeyThanOurs2026" && gateway_api POST /connections/to-branch/resetconnection >/dev/null &&
		{ lab_await 30 refusal_passed || { statuses_of "$TUNNEL0"; return 1; }; } &&
		is to-branch NotConnected 'all(.[]; .connectionStatus == "NotConnected" and .lastFailureCode > 0 and (.lastFailureReason | length) > 0
			and .lastConnectionEstablishedUtcTime != null)'
}

silent() {
	lab_silence net "$SITE_PUBLIC0"
	watch
	is to-branch Connecting 'all(.[]; .connectionStatus == "Connecting")'
}

# The dial that is under way asks ever more seldom: a reset begins another one.
answers() {
	peer_has none "$SITE_BRANCH/0/$KEY"
	lab_heal net
	reset /connections/to-branch/resetconnection && passed "$TUNNEL0" NotConnected Connecting Connected && is to-branch Connected "$one_up"
}

# What was up has gone with its configuration, and we do not dial.
another_configuration() {
	configured "$CONNECTION.dpdTimeoutSeconds = 60" &&
		is to-branch NotConnected 'length == 1 and all(.[]; .connectionStatus == "NotConnected" and (.lastFailureReason | length) > 0)'
}

peer_dials_again() {
	lab_swanctl branch-ike --initiate --child "d${SITE_BRANCH##*.}gw0" --timeout 10 >/dev/null && is to-branch Connected "$one_up"
}

control_restarts() {
	local before
	before=$(connected_at 0)
	lab_pause 1.1
	lab_kill control
	gateway_start_control
	is to-branch Connected "$two_up" && [ "$(connected_at 0)" = "$before" ] && return
	echo "$before, now $(connected_at 0)"
	return 1
}

one_is_reset() {
	local before
	before=$(connected_at 0)
	lab_pause 1.1
	reset /connections/to-branch/resetconnection && passed "$TUNNEL0" NotConnected Connecting Connected &&
		is to-branch Connected "$one_up" && [ "$(connected_at 0)" -gt "$before" ]
}

starts_with_one() {
	lab_start events gw curl -sS -k -N -H "Authorization: Bearer $(cat "$LAB_DIR/token")" "https://127.0.0.1:$LAB_API_PORT/events"
}

becomes_a_pair() {
	local before
	before=$(grep -cE "$APPLIED" "$LAB_DIR/control.log")
	jq -s '.[0] as $now | .[1] | .appliance = $now.appliance' "$LAB_DIR/vpngw.json" "$TOP/config/demo.json" >"$LAB_DIR/next.json" &&
		cat "$LAB_DIR/next.json" >"$LAB_DIR/vpngw.json" && kill -HUP "$(lab_pid control)" && lab_await 10 applied_more "$before"
}

one_of_two_is_up() {
	peer_has none "$SITE_BRANCH/0/$KEY" && is to-branch Connected \
		'length == 2 and (map(.connectionStatus) | sort) == ["Connected", "NotConnected"] and
			(map(select(.connectionStatus == "NotConnected"))[0] | .tunnel == "'"$TUNNEL1"'" and (.lastFailureReason | length) > 0)'
}

both_are_up() {
	peer_has none "$SITE_BRANCH/0/$KEY" "$SITE_BRANCH/1/$KEY" && is to-branch Connected "$two_up"
}

instance_is_reset() {
	reset "/virtualNetworkGateways/gw/reset?gatewayVip=$SITE_PUBLIC1" && passed "$TUNNEL1" NotConnected Connecting Connected &&
		is to-branch Connected "$two_up" && [ -z "$(statuses_of "$TUNNEL0")" ]
}

connection_is_reset() {
	reset /connections/to-branch/resetconnection && passed "$TUNNEL0" NotConnected Connecting Connected &&
		passed "$TUNNEL1" NotConnected Connecting Connected && is to-branch Connected "$two_up"
}

# A second device at the site, reached through a connection of its own: four tunnels.
second_device() {
	lab_addr branch wan "$SECOND/24"
	peer_has none "$SITE_BRANCH/0/$KEY" "$SITE_BRANCH/1/$KEY" "$SECOND/0/$KEY" "$SECOND/1/$KEY" && configured '
		.localNetworkGateways[0].properties.sharedPrefixes = true
		| .localNetworkGateways += [.localNetworkGateways[0] | .name = "second" | .properties.gatewayIpAddress = "'"$SECOND"'"]
		| .connections += [.connections[0] | .name = "to-second" | .properties.localNetworkGateway2.id = "second"]' &&
		is to-second Connected "$two_up" && is to-branch Connected "$two_up"
}

second_device_leaves() {
	peer_has none "$SITE_BRANCH/0/$KEY" "$SITE_BRANCH/1/$KEY"
	lab_swanctl branch-ike --terminate --ike "d11gw0" >/dev/null
	lab_swanctl branch-ike --terminate --ike "d11gw1" >/dev/null
	is to-second NotConnected 'length == 2 and all(.[]; .connectionStatus == "NotConnected" and (.lastFailureReason | length) > 0
		and .lastConnectionEstablishedUtcTime != null)' && is to-branch Connected "$two_up"
}

second_device_is_back() {
	peer_has start "$SITE_BRANCH/0/$KEY" "$SITE_BRANCH/1/$KEY" "$SECOND/0/$KEY" "$SECOND/1/$KEY" && is to-second Connected "$two_up"
}

site_started "$ONE_ADDRESS | $CONNECTION.connectionMode = \"ResponderOnly\""
starts_with_one
expect "nobody has dialled: Unknown" is to-branch Unknown 'length == 1 and all(.[]; .connectionStatus == "Unknown" and .lastConnectionEstablishedUtcTime == null)'
watch
expect "the peer dials: Connected, and since when" eval "peer_has start '$SITE_BRANCH/0/$KEY' && is to-branch Connected '$one_up'"
expect "another configuration: NotConnected, why" another_configuration
expect "the peer dials again: Connected" peer_dials_again
expect "active-standby takes the default mode" configured "$CONNECTION.connectionMode = \"Default\""
expect "another key: NotConnected, why, and when it was up last" refused
expect "a peer that does not answer: Connecting" silent
expect "it answers, and the connection is reset: NotConnected, Connecting, Connected" answers
expect "traffic flows" lab_ping host-a "$SITE_HOST_B" 5
expect "a reset of the connection: NotConnected, Connecting, Connected, and a new time" one_is_reset
expect "the gateway becomes active-active" becomes_a_pair
expect "one tunnel of two: each has its own status, the connection is Connected" one_of_two_is_up
expect "both are up" both_are_up
expect "a reset of one instance: its tunnel passes through all, the other through none" instance_is_reset
expect "a reset of the connection: both pass through all" connection_is_reset
expect "two devices: four tunnels up" second_device
expect "a device leaves: its connection is NotConnected with the reason, the other stays" second_device_leaves
expect "traffic flows by the first device" lab_ping host-a "$SITE_HOST_B" 5
expect "the device dials: Connected" second_device_is_back
expect "control is killed and started again: Connected, since when it was" control_restarts
finish
