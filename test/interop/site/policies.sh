#!/usr/bin/env bash
# Crypto profiles and custom policies of connections against strongSwan, traffic through our data plane: either side dials,
# and children are rekeyed twice by each side, since the first child says nothing of PFS. VPNGW_LONG=1: every combination.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" policies
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
KEY=$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")
AZURE_IKE=aes256-sha1-modp1024,aes256-sha256-modp1024,aes128-sha1-modp1024,aes128-sha256-modp1024,3des-sha1-modp1024,3des-sha256-modp1024
AZURE_ESP_OFFER=aes256gcm16,aes256-sha1,3des-sha1,aes256-sha256,aes128-sha1,3des-sha256
AZURE_ESP_ACCEPT=$AZURE_ESP_OFFER,aes256-sha1-modp768,aes256-sha1-modp1024,aes256-sha1-modp2048,aes128-sha1-modp768
AZURE_ESP_ACCEPT=$AZURE_ESP_ACCEPT,aes128-sha1-modp1024,aes128-sha1-modp2048,3des-sha1-modp768,3des-sha1-modp1024
AZURE_ESP_ACCEPT=$AZURE_ESP_ACCEPT,3des-sha256-modp1024,aes256-sha256-modp768,aes256-sha256-modp1024,aes256-sha256-modp2048
AZURE_ESP_ACCEPT=$AZURE_ESP_ACCEPT,aes256-sha1-modp2048s256,aes256-sha256-modp2048s256,aes128-sha256,aes128-sha256-modp768
AZURE_ESP_ACCEPT=$AZURE_ESP_ACCEPT,aes128-sha256-modp1024,aes128-sha256-modp2048,3des-sha1-modp2048

up() {
	lab_charon_up branch-ike gw0
}

none_up() {
	[ "$(lab_charon_children branch-ike)" = 0 ]
}

# Our side: settings JQ-OF-THE-CONNECTION MODE
settings() {
	configured "$CONNECTION |= (del(.ipsecPolicies, .cryptoProfile) | .connectionMode = \"$2\" | $1)"
}

# strongSwan's: theirs IKE ESP
theirs() {
	: >"$(lab_charon_dir branch-ike)/swanctl.conf"
	lab_charon_connection branch-ike gw0 local="$SITE_BRANCH" remote="$SITE_PUBLIC0" local_ts="$SITE_PREFIX_B" \
		remote_ts="$SITE_PREFIX_A" psk="$KEY" ike="$1" esp="$2"
	lab_charon_load branch-ike
}

ping_both() {
	lab_ping host-a "$SITE_HOST_B" 5 && lab_ping host-b "$SITE_HOST_A" 5
}

rekeys() {
	for _ in 1 2; do
		rekey 'CHILD_SA gw0.* established' lab_swanctl branch-ike --rekey --child gw0 && ping_both || return 1
		rekey 'CHILD_SA gw0.* established' ask rekey && ping_both || return 1
	done
	rekey 'IKE_SA gw0.* rekeyed between' ask rekeyike && ping_both
}

# Both roles: suite JQ IKE ESP [ESP-WHEN-THEY-DIAL]
suite() {
	lab_swanctl branch-ike --terminate --ike gw0 --force >/dev/null 2>&1
	theirs "$2" "$3" && settings "$1" ResponderOnly && settings "$1" InitiatorOnly && lab_await 20 up && ping_both && rekeys || return 1
	settings "$1" ResponderOnly && theirs "$2" "${4:-$3}" || return 1
	lab_swanctl branch-ike --terminate --ike gw0 >/dev/null 2>&1
	lab_await 10 none_up && lab_swanctl branch-ike --initiate --child gw0 --timeout 10 >/dev/null && ping_both && rekeys
}

# policy IKE-ENCRYPTION IKE-INTEGRITY DH IPSEC-ENCRYPTION IPSEC-INTEGRITY PFS: as a jq program
policy() {
	printf '.ipsecPolicies = [{ saLifeTimeSeconds: 27000, saDataSizeKilobytes: 102400000, ikeEncryption: "%s", ikeIntegrity: "%s", dhGroup: "%s", ipsecEncryption: "%s", ipsecIntegrity: "%s", pfsGroup: "%s" }]' "$@"
}

# Each has its own PFS group: known when a child is rekeyed, by whoever starts it.
pfs_mismatch() {
	local ours
	ours=$(policy GCMAES256 SHA384 ECP384 GCMAES256 GCMAES256 ECP384)
	theirs aes256gcm16-prfsha384-ecp384 aes256gcm16-ecp256 && settings "$ours" ResponderOnly &&
		settings "$ours" InitiatorOnly && lab_await 20 up && ping_both && ask rekey &&
		status_says 'the PFS groups do not match' && ping_both
}

ike_mismatch() {
	settings "$(policy AES256 SHA256 DHGroup14 AES256 SHA256 None)" InitiatorOnly &&
		status_says 'no common IKE proposal' 30
}

warned() {
	grep -q "the connection's crypto policy is weak" "$LAB_DIR/control.log"
}

LAB_CHARON_PLUGINS="$LAB_CHARON_PLUGINS des"
site_started "$ONE_ADDRESS"
expect "azure-compat against Azure's defaults" suite '.cryptoProfile = "azure-compat"' "$AZURE_IKE" "$AZURE_ESP_ACCEPT" "$AZURE_ESP_OFFER"
expect "with a warning" warned
expect "strong against GCMAES256, SHA384, ECP384, PFS ECP384" suite . aes256gcm16-prfsha384-ecp384 aes256gcm16-ecp384
expect "the same as a custom policy" suite "$(policy GCMAES256 SHA384 ECP384 GCMAES256 GCMAES256 ECP384)" \
	aes256gcm16-prfsha384-ecp384 aes256gcm16-ecp384
expect "AES256, SHA256, DHGroup14, PFS2048" suite "$(policy AES256 SHA256 DHGroup14 AES256 SHA256 PFS2048)" \
	aes256-sha256-modp2048 aes256-sha256-modp2048
expect "a PFS mismatch is named in the status" pfs_mismatch
expect "an IKE mismatch is named in the status" ike_mismatch
if [ -n "${VPNGW_LONG:-}" ]; then
	expect "GCMAES128, ECP256, PFS none" suite "$(policy GCMAES128 SHA256 ECP256 GCMAES128 GCMAES128 None)" aes128gcm16-prfsha256-ecp256 aes128gcm16
	expect "AES192, SHA384, DHGroup24, PFS24" suite "$(policy AES192 SHA384 DHGroup24 AES192 SHA256 PFS24)" aes192-sha384-modp2048s256 aes192-sha256-modp2048s256
	expect "AES128, SHA1, DHGroup2, PFS2" suite "$(policy AES128 SHA1 DHGroup2 AES128 SHA1 PFS2)" aes128-sha1-modp1024 aes128-sha1-modp1024
	expect "AES256, SHA1, DHGroup1, PFS1" suite "$(policy AES256 SHA1 DHGroup1 AES256 SHA1 PFS1)" aes256-sha1-modp768 aes256-sha1-modp768
	expect "DES3, SHA1, DHGroup2, PFS14" suite "$(policy DES3 SHA1 DHGroup2 DES3 SHA1 PFS14)" 3des-sha1-modp1024 3des-sha1-modp2048
	expect "GCMAES256 over ECP384, GCMAES192, PFS ECP256" suite "$(policy GCMAES256 SHA256 ECP384 GCMAES192 GCMAES192 ECP256)" aes256gcm16-prfsha256-ecp384 aes192gcm16-ecp256
	expect "AES256, SHA384, DHGroup2048, PFSMM" suite "$(policy AES256 SHA384 DHGroup2048 GCMAES256 GCMAES256 PFSMM)" aes256-sha384-modp2048 aes256gcm16-modp2048
	expect "integrity alone" suite "$(policy AES256 SHA256 ECP256 None SHA256 ECP256)" aes256-sha256-ecp256 null-sha256-ecp256
fi
finish
