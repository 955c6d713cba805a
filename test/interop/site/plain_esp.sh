#!/usr/bin/env bash
# ESP that is not in UDP, with strongSwan 6 of a Debian 13 tree (raw_esp): both directions, rekeys, either side dialling.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" plain
skip_unless lab_charon_missing
skip_unless lab_trixie_missing
skip_unless gateway_missing control dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
KEY=$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")
export LAB_CHARON_TREE=$LAB_TREES/trixie
export LAB_CHARON_RAW_ESP=yes
LAB_CHARON_PLUGINS="$LAB_CHARON_PLUGINS des"

up() {
	lab_charon_up branch-ike gw0
}

suite() { # JQ ESP MODE
	: >"$(lab_charon_dir branch-ike)/swanctl.conf"
	lab_charon_connection branch-ike gw0 local="$SITE_BRANCH" remote="$SITE_PUBLIC0" local_ts="$SITE_PREFIX_B" \
		remote_ts="$SITE_PREFIX_A" psk="$KEY" esp="$2" encap=no
	lab_charon_load branch-ike && configured "$CONNECTION |= (del(.ipsecPolicies) | .connectionMode = \"$3\" | $1)" || return 1
	lab_swanctl branch-ike --terminate --ike gw0 >/dev/null 2>&1
	[ "$3" = InitiatorOnly ] || lab_swanctl branch-ike --initiate --child gw0 --timeout 10 >/dev/null || return 1
	lab_await 30 up && ping_both && rekey 'CHILD_SA gw0.* established' ask rekey && ping_both &&
		rekey 'IKE_SA gw0.* rekeyed between' ask rekeyike && ping_both && plain
}

ping_both() {
	lab_ping host-a "$SITE_HOST_B" 5 && lab_ping host-b "$SITE_HOST_A" 5
}

# What is on the wire is protocol 50; in UDP there is IKE alone (four zero octets).
plain() {
	local esp udp
	esp=$(lab_in net nft list table inet watch | awk '/esp/ { print $(NF - 2) }')
	udp=$(lab_in net nft list table inet watch | awk '/dport 4500/ { print $(NF - 2) }')
	echo "packets of protocol 50: $esp, ESP in UDP: $udp"
	[ "$esp" -ge 4 ] && [ "$udp" = 0 ]
}

watched() {
	lab_in net nft -f - <<-RULES
		add table inet watch
		add chain inet watch forward { type filter hook forward priority 0; }
		add rule inet watch forward meta l4proto esp counter
		add rule inet watch forward udp dport 4500 @th,64,32 != 0 counter
	RULES
}

policy() {
	printf '.ipsecPolicies = [{ saLifeTimeSeconds: 27000, saDataSizeKilobytes: 102400000, ikeEncryption: "GCMAES256", ikeIntegrity: "SHA384", dhGroup: "ECP384", ipsecEncryption: "%s", ipsecIntegrity: "%s", pfsGroup: "ECP384" }]' "$@"
}

site_started "$ONE_ADDRESS"
require "packets in between are counted" watched
expect "AES-256-GCM, we dial" suite . aes256gcm16-ecp384 InitiatorOnly
expect "AES-256-GCM, the peer dials" suite . aes256gcm16-ecp384 ResponderOnly
expect "AES-256-CBC with SHA256, we dial" suite "$(policy AES256 SHA256)" aes256-sha256-ecp384 InitiatorOnly
expect "3DES with SHA1, the peer dials" suite "$(policy DES3 SHA1)" 3des-sha1-ecp384 ResponderOnly
finish
