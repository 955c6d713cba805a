#!/usr/bin/env bash
# The IKE engine (ikev2_probe: no data plane) against strongSwan: suites, credentials, roles, rekeys.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" ikev2
skip_unless lab_charon_missing
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
PATIENCE=5
PKI=$LAB_PKI

IKE_SUITES="aes256gcm16-prfsha384-x25519 aes256gcm16-prfsha384-ecp384 aes128gcm16-prfsha256-ecp256
aes256gcm16-prfsha512-ecp521 aes256gcm8-prfsha256-x25519 aes256gcm12-prfsha256-x25519
aes256-sha256-prfsha256-modp2048 aes256-sha384-prfsha384-modp3072 aes256-sha512-prfsha512-modp4096
aes192-sha1-prfsha1-modp2048 aes128-sha1-prfsha1-modp1024 3des-sha1-prfsha1-modp1024
chacha20poly1305-prfsha256-x25519 aes256-aesxcbc-prfaesxcbc-x25519 aes256-aescmac-prfaescmac-x25519
aes256gcm16-prfsha256-modp2048s256 aes256gcm16-prfsha384-x448
aes256ctr-sha256-prfsha256-ecp256bp aes128ctr-sha384-prfsha384-ecp384bp aes192gcm16-prfsha256-ecp512bp
aes256gcm16-prfsha256-ecp192 aes256gcm16-prfsha256-ecp224 aes256gcm16-prfsha256-ecp224bp
aes256gcm16-prfsha512-modp6144 aes256gcm16-prfsha512-modp1536 aes256-sha256-prfsha256-modp768
aes192gcm8-prfaesxcbc-x25519 aes128gcm12-prfaescmac-x448
aes128gcm8-prfsha256-modp8192 aes192gcm12-prfsha512-ecp256 aes192ctr-sha512-prfsha1-modp2048"
ESP_SUITES="aes256gcm16-x25519 aes128gcm16-noesn aes256gcm16-ecp384 aes256-sha256-modp2048 aes128-sha1
aes256-sha384-x25519 aes256-sha512 chacha20poly1305-x25519 3des-sha1 aes192gcm16
aes256-aesxcbc aes256gcm8-ecp256bp aes128ctr-sha256
aes128gcm8 aes192gcm8-modp3072 aes128gcm12-modp1024 aes192gcm12-modp1536 aes256gcm12-ecp521 aes192-sha256-modp4096
aes192ctr-sha512-modp2048s256 aes256ctr-sha1-x448 aes128-aescmac-ecp256 chacha20poly1305-modp8192 aes128gcm16-modp6144
aes256gcm16-ecp384bp aes256gcm16-ecp512bp aes128gcm16-ecp192 aes128gcm16-ecp224 aes128gcm16-ecp224bp aes128-sha1-modp768"

# connection AUTH IKE ESP [LINES]: strongSwan's side, loaded.
connection() {
	local dir auth=$1 ours theirs
	dir=$(lab_charon_dir peer)
	if [ "$auth" = psk ]; then
		ours='auth = psk'
		theirs='auth = psk'
	else
		rm -f "$dir"/x509/* "$dir"/private/*
		cp "$PKI/peer-$auth.pem" "$dir/x509/" && cp "$PKI/peer-$auth.key" "$dir/private/" &&
			cp "$PKI/ca.pem" "$dir/x509ca/"
		ours="auth = pubkey
			certs = peer-$auth.pem"
		theirs='auth = pubkey
			cacerts = ca.pem'
	fi
	cat >"$dir/swanctl.conf" <<-CONF
		connections { p {
			version = 2
			local_addrs = 10.99.0.2
			remote_addrs = 10.99.0.1,10.99.0.3
			proposals = $2
			dpd_delay = 2s
			${4:-}
			local { $ours
				id = peer.lab }
			remote { $theirs
				id = gw.lab }
			children { c {
				local_ts = ${TS_PEER:-10.2.0.0/16}
				remote_ts = ${TS_GW:-10.1.0.0/16}
				esp_proposals = $3
			} }
		} }
		secrets { ike-1 { secret = "a secret of the lab" } }
	CONF
	lab_swanctl peer --terminate --ike p --force >/dev/null 2>&1
	lab_charon_load peer
}

count_is() { # PATTERN NUMBER
	[ "$(grep -c "$1" "$LAB_DIR/probe.log")" -ge "$2" ]
}

suite() { # IKE ESP, both roles
	connection psk "$1" "$2" || return 1
	probe "$1" "$2" "$psk" && seen 'event child-up' && say child-rekey && seen 'event child-rekeyed' &&
		say rekey && seen 'event rekeyed' && say delete && seen 'event down' || return 1
	probe "$1" "$2" "$psk" responder || return 1
	lab_swanctl peer --initiate --child c --timeout 5 >/dev/null 2>&1
	seen 'event child-up' && lab_swanctl peer --rekey --child c >/dev/null 2>&1 &&
		seen 'event child-rekeyed' && lab_swanctl peer --rekey --ike p >/dev/null 2>&1 && seen 'event rekeyed'
}

certificates() { # KIND
	local gcm=aes256gcm16-prfsha384-x25519 files
	files="cert=$PKI/gw-$1.pem key=$PKI/gw-$1.key ca=$PKI/ca.pem"
	connection "$1" "$gcm" aes256gcm16-x25519 || return 1
	# shellcheck disable=SC2086
	probe $gcm aes256gcm16-x25519 $files && seen 'event child-up' && say delete && seen 'event down' || return 1
	# shellcheck disable=SC2086
	probe $gcm aes256gcm16-x25519 $files responder || return 1
	lab_swanctl peer --initiate --child c --timeout 5 >/dev/null 2>&1
	seen 'event child-up'
}

standard() { # [LINES for strongSwan] -- OPTIONS of the probe
	local lines=$1
	shift
	connection psk aes256gcm16-prfsha384-x25519 aes256gcm16-x25519 "$lines" &&
		probe aes256gcm16-prfsha384-x25519 aes256gcm16-x25519 "$psk" "$@"
}

fragments() {
	local files="cert=$PKI/gw-rsa.pem key=$PKI/gw-rsa.key ca=$PKI/ca.pem"
	connection rsa aes256gcm16-prfsha384-x25519 aes256gcm16-x25519 'fragmentation = force' || return 1
	# shellcheck disable=SC2086
	probe aes256gcm16-prfsha384-x25519 aes256gcm16-x25519 $files trace && seen 'event child-up' &&
		grep -q 'EF(2/' "$LAB_DIR/peer.log"
}

wrong_key() {
	standard '' psk=nonsense && seen 'failed.*PEER_AUTHENTICATION'
}

mobike() {
	standard 'mobike = yes' && seen 'event child-up' && say 'move 10.99.0.3' && seen 'move child' &&
		lab_await 5 sh -c "ip netns exec ${LAB_PREFIX}peer true" &&
		lab_swanctl peer --list-sas | grep -q '10.99.0.3'
}

peer_dies() {
	standard '' dpd=9 && seen 'event child-up' || return 1
	kill -KILL "$(lab_pid peer)"
	seen 'event down.*LIVENESS' 15
}

narrowing() {
	TS_PEER=10.2.0.0/17 TS_GW=10.0.0.0/8 TS_OURS='10.1.0.0/16===10.2.0.0/16' standard '' &&
		seen '10.1.0.0/16 === 10.2.0.0/17'
}

no_selectors() {
	TS_PEER=10.3.0.0/16 standard '' && seen 'child-failed.*SELECTORS'
}

pfs_mismatch() {
	connection psk aes256gcm16-prfsha384-x25519 aes256gcm16-ecp256 &&
		probe aes256gcm16-prfsha384-x25519 aes256gcm16-ecp384 "$psk" && seen 'event child-up' &&
		say child-rekey && seen 'child-failed.*PFS'
}

childless() {
	standard 'childless = allow' childless && seen 'event child-up'
}

cookies() {
	standard '' cookies responder || return 1
	lab_swanctl peer --initiate --child c --timeout 5 >/dev/null 2>&1
	seen 'event child-up' && grep -q 'N(COOKIE)' "$LAB_DIR/peer.log"
}

# Rekeys from both ends at once, over and over: in the end one IKE SA with one child.
many_rekeys() {
	standard '' && seen 'event child-up' || return 1
	local i
	for i in $(seq 1 40); do
		say child-rekey
		lab_swanctl peer --rekey --child c >/dev/null 2>&1
		lab_await 5 count_is 'event child-rekeyed' "$i" || return 1
		[ $((i % 4)) -ne 0 ] || { say rekey && lab_await 5 count_is 'event rekeyed' $((i / 4)) || return 1; }
	done
	! grep -E 'event (down|child-down|failed)' "$LAB_DIR/probe.log"
}

require "a cable between two namespaces, with a second address of ours" eval 'build && lab_addr gw eth0 10.99.0.3/24'
require "keys and certificates" lab_ca ca
for kind in 'rsa RSA' 'p256 EC -pkeyopt ec_paramgen_curve:P-256' 'p384 EC -pkeyopt ec_paramgen_curve:P-384' \
	'p521 EC -pkeyopt ec_paramgen_curve:P-521' 'ed25519 ED25519'; do
	# shellcheck disable=SC2086
	set -- $kind
	name=$1
	shift
	require "a pair of certificates, $name" eval "lab_leaf ca gw-$name DNS:gw.lab $* && lab_leaf ca peer-$name DNS:peer.lab $*"
done
LAB_CHARON_PLUGINS="$LAB_CHARON_PLUGINS des xcbc cmac"
require "strongSwan starts" lab_charon_start peer peer
for ike in $IKE_SUITES; do
	expect "IKE $ike in both roles" suite "$ike" aes256gcm16
done
for esp in $ESP_SUITES; do
	expect "ESP $esp in both roles" suite aes256gcm16-prfsha384-x25519 "$esp"
done
for kind in rsa p256 p384 p521 ed25519; do
	expect "certificates of $kind in both roles" certificates $kind
done
expect "fragments both ways" fragments
expect "a wrong key is told" wrong_key
expect "our address moves (MOBIKE)" mobike
expect "selectors are narrowed" narrowing
expect "selectors without anything in common are told" no_selectors
expect "a PFS mismatch is told at the rekey" pfs_mismatch
expect "a childless IKE_AUTH" childless
expect "40 rekeys from both ends at once" many_rekeys
expect "our cookies" cookies
expect "a dead peer is noticed" peer_dies
lab_stop probe >/dev/null
finish
