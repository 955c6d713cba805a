#!/usr/bin/env bash
# What an operator sees: the dump of IKE SAs, the trace of an exchange, a key log on demand; and a peer that dies, noticed
# within dpdTimeoutSeconds without any traffic.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" diagnostics
skip_unless lab_charon_missing
skip_unless eval 'command -v tshark >/dev/null || echo "no tshark (scripts/setup installs it)"'
skip_unless gateway_missing control dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
KEY=$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")

up() {
	lab_charon_up branch-ike gw0
}

theirs() {
	: >"$(lab_charon_dir branch-ike)/swanctl.conf"
	lab_charon_connection branch-ike gw0 local="$SITE_BRANCH" remote="$SITE_PUBLIC0" local_ts="$SITE_PREFIX_B" \
		remote_ts="$SITE_PREFIX_A" psk="$KEY" dpd="$1"
	lab_charon_load branch-ike
}

comes_up() {
	theirs 600 && lab_await 30 up && lab_ping host-a "$SITE_HOST_B" 5
}

# getikesas answers 202; its result is a JSON string that holds JSON.
dump() {
	local location
	location=$(lab_in gw curl -sS -k -D - -o /dev/null -X POST -H "Authorization: Bearer $(cat "$LAB_DIR/token")" -H 'Content-Length: 0' \
		"https://127.0.0.1:$LAB_API_PORT/connections/to-branch/getikesas" | tr -d '\r' | sed -n 's/^[Ll]ocation: *https:\/\/[^/]*//p')
	gateway_api GET "$location" | jq -r . >"$LAB_DIR/dump" || return 1
	cat "$LAB_DIR/dump"
	jq -e '.Data[0] | .localEndpoint == "192.0.2.1" and .remoteEndpoint == "203.0.113.10" and ([.encryption, .integrity, .dhGroup] == ["GCMAES256", "SHA384", "ECP384"]) and
		(.quickModeSa[0] | .localEndpoint == "192.0.2.1" and (.localTrafficSelectors | length) == 1 and
		.encryption == "GCMAES256" and .integrity == "GCMAES256" and (.pfsGroupId | length) > 0 and
		([.initiatorTrafficSelectors, .responderTrafficSelectors] | sort) == ([.localTrafficSelectors, .remoteTrafficSelectors] | sort))' "$LAB_DIR/dump" >/dev/null
}

no_secret() {
	fails grep -F "$KEY" "$LAB_DIR/dump" "$LAB_DIR/control.log"
}

traced() {
	local word
	for word in '\[SEND\] IKE_SA_INIT request 0' '\[RECEIVED\] IKE_AUTH response 1' '\[LOCAL\] .*-> established'; do
		grep -q "$word" "$LAB_DIR/control.log" || { echo "no $word"; return 1; }
	done
}

# The peer vanishes while nothing is sent: told after 9 s at the earliest, 20 at the latest.
dies() {
	local before after
	configured "$CONNECTION.dpdTimeoutSeconds = 9" && lab_await 20 up || return 1
	before=$SECONDS
	kill -KILL "$(lab_pid branch-ike)"
	lab_await 40 eval "status | grep -q 'the peer is dead'" || return 1
	after=$SECONDS
	echo "after $((after - before)) s"
	[ $((after - before)) -ge 3 ] && [ $((after - before)) -le 25 ]
}

loud() {
	grep -qi 'key' "$LAB_DIR/control.log" && grep -E 'warn.*key' "$LAB_DIR/control.log"
}

key_log() {
	[ ! -e "$LAB_DIR/keys" ] || return 1
	lab_stop control
	install -o "$LAB_USER" -m 0600 /dev/null "$LAB_DIR/keys" && gateway_start_control --key-log "$LAB_DIR/keys" || return 1
	rm -f "$(lab_charon_dir branch-ike)/vici"
	lab_start wire branch tshark -i wan -f 'udp port 500 or udp port 4500' -w "$LAB_DIR/wire.pcapng" -P -l
	lab_await_line wire 10 'Capturing on' || return 1
	lab_charon_start branch-ike branch && theirs 600 && lab_await 40 up || return 1
	lab_await_line wire 10 'IKE_AUTH.*Responder Response' || return 1
	lab_await 5 test -s "$LAB_DIR/keys" && [ "$(stat -c %a "$LAB_DIR/keys")" = 600 ] && loud
}

# The file is Wireshark's table as it is: the identities of IKE_AUTH are read with it, and not without.
identities() {
	HOME=$LAB_DIR/wireshark XDG_CONFIG_HOME=$LAB_DIR/wireshark tshark -r "$LAB_DIR/wire.pcapng" -Y 'isakmp.exchangetype == 35' -T fields \
		-e isakmp.id.data.ipv4_addr 2>"$LAB_DIR/wireshark.log" | tr ',' '\n' | grep -c '^[0-9]'
}

wireshark_reads() {
	lab_stop wire
	mkdir -p "$LAB_DIR/wireshark/wireshark" && [ "$(identities)" = 0 ] || return 1
	cp "$LAB_DIR/keys" "$LAB_DIR/wireshark/wireshark/ikev2_decryption_table"
	[ "$(identities)" -ge 2 ] && return
	cat "$LAB_DIR/wireshark.log"
	HOME=$LAB_DIR/wireshark XDG_CONFIG_HOME=$LAB_DIR/wireshark tshark -r "$LAB_DIR/wire.pcapng"
	return 1
}

VPNGW_LOG=info,ike=debug
site_started "$ONE_ADDRESS"
expect "the tunnel comes up" comes_up
expect "the dump of IKE SAs" dump
expect "no secret in dump and log" no_secret
expect "the trace of an exchange" traced
expect "a dead peer is noticed without traffic" dies
expect "a key log on demand, and loudly" key_log
expect "Wireshark decrypts IKE_AUTH with it" wireshark_reads
finish
