#!/usr/bin/env bash
# A connection that only answers, and its data plane dies: the peer does nothing, so what we may do without a dial has to bring
# the tunnels back: new children inside the IKE SAs that live. What the peer forgot meanwhile comes back when the peer dials,
# and not before. No key is used a second time: strongSwan logs those that it derives.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" responder
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
# shellcheck disable=SC2034  # of lab_charon_start
LAB_CHARON_LOG=$'1\nchd = 4' # with the keys of children
KEY=$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")

theirs() {
	local n public
	: >"$(lab_charon_dir branch-ike)/swanctl.conf"
	for n in 0 1; do
		public=SITE_PUBLIC$n
		lab_charon_connection branch-ike "gw$n" local="$SITE_BRANCH" remote="${!public}" local_ts="$SITE_PREFIX_B" \
			remote_ts="$SITE_PREFIX_A" psk="$KEY" dpd=600
	done
	lab_charon_load branch-ike
}

they_dial() {
	lab_swanctl branch-ike --initiate --child gw0 --timeout 10 >/dev/null && lab_swanctl branch-ike --initiate --child gw1 --timeout 10 >/dev/null
}

all_sas() {
	lab_swanctl branch-ike --list-sas
}

ike_spis() {
	all_sas | grep -oE '[0-9a-f]{16}_[ir]\*? [0-9a-f]{16}_[ir]' | sort
}

esp_spis() {
	all_sas | grep -oE '(in|out) +[0-9a-f]{8}' | sort
}

both_ways() {
	lab_ping host-a "$SITE_HOST_B" 10 && lab_ping host-b "$SITE_HOST_A" 10
}

dials() { # of strongSwan and to it
	grep -cE 'parsed IKE_SA_INIT request|generating IKE_SA_INIT request' "$LAB_DIR/branch-ike.log"
}

# The keys of strongSwan's children: the lines of a dump below "encryption initiator key => 36 bytes".
keys() {
	awk '/ key => [0-9]+ bytes/ { if (key) print key; key = ""; on = 1; next }
		on && /[0-9]+: [0-9A-F][0-9A-F] / { sub(/.*[0-9]+: /, ""); sub(/  .*/, ""); key = key $0; next }
		{ if (key) print key; key = ""; on = 0 }
		END { if (key) print key }' "$LAB_DIR/branch-ike.log"
}

dataplane_anew() {
	lab_kill dataplane && gateway_start_dataplane
}

renewed() {
	site_branch_up && [ -z "$(comm -12 <(printf '%s\n' "$ESP") <(esp_spis))" ] && [ "$(lab_charon_children branch-ike)" = 2 ]
}

children_return() {
	lab_await 20 renewed && return
	all_sas
	return 1
}

same_ike() {
	[ -n "$IKE" ] && [ "$IKE" = "$(ike_spis)" ] && [ "$(dials)" = "$DIALS" ] && return
	printf '%s\n' "$IKE" now: "$(ike_spis)" "dials: $DIALS, now $(dials)"
	return 1
}

keys_differ() {
	local all
	all=$(keys | wc -l)
	printf '%s keys\n' "$all" >&3
	[ "$all" -ge "$1" ] && [ -z "$(keys | sort | uniq -d)" ]
}

statuses_are() {
	status | jq -e --arg is "$1" '.properties.tunnelConnectionStatus | length == 2 and all(.[]; .connectionStatus == $is)'
}

# The peer starts anew and says nothing to anybody: its tunnels are over when it does not answer what we ask.
peer_forgets() {
	lab_kill branch-ike && rm -f "$(lab_charon_dir branch-ike)/vici" && lab_charon_start branch-ike branch && theirs && dataplane_anew && lab_await 60 statuses_are NotConnected
}

nothing_refused() {
	fails grep 'the data plane refused' "$LAB_DIR/control.log"
}

nobody_dials() {
	[ "$(lab_charon_children branch-ike)" = 0 ] && [ "$(dials)" = "$DIALS" ]
}

peer_dials() {
	they_dial && lab_await 20 statuses_are Connected
}

exec 3>&1
site_started "$CONNECTION.connectionMode = \"ResponderOnly\""
require "the branch has both tunnels" theirs
require "it dials them" they_dial
require "traffic flows" both_ways
IKE=$(ike_spis)
ESP=$(esp_spis)
DIALS=$(dials)
require "the data plane is killed and started again" dataplane_anew
expect "new children for both tunnels" children_return
expect "in the same IKE SAs: nobody dialled" same_ike
expect "traffic flows" both_ways
expect "no key is used twice" keys_differ 8
expect "the new data plane refuses nothing" nothing_refused
DIALS=$(dials)
expect "the peer forgets everything while the data plane is killed once more: not connected" peer_forgets
expect "we do not dial" nobody_dials
expect "the peer dials: connected" peer_dials
expect "traffic flows" both_ways
finish
