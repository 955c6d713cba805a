#!/usr/bin/env bash
# The IKE engine (ikev2_probe: no data plane) against libreswan of a Debian tree, in a namespace: suites, both roles, IKE rekeys by
# either side, liveness, a wrong key. A kernel without ESP does not take libreswan's child: what it then says is part of the test.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" libreswan
skip_unless lab_others_missing
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
PATIENCE=20

# In the tree, in the peer's namespace, as its own files are: in_tree COMMAND...
in_tree() {
	# shellcheck disable=SC2016
	lab_in peer bash -c '. "$0/lab.sh" && . "$0/strongswan.sh" && lab_in_tree "$@"' "$TOP/scripts/lab.d" "$LAB_TREES/others" "$@"
}

whack() {
	in_tree /usr/libexec/ipsec/whack --rundir "$LAB_DIR" "$@"
}

# connection IKE ESP: loaded anew
connection() {
	cat >"$LAB_DIR/ipsec.conf" <<-CONF
		config setup
		    protostack=xfrm
		    nssdir=$LAB_DIR/nss
		    dumpdir=$LAB_DIR
		conn p
		    left=10.99.0.2
		    leftid=@peer.lab
		    leftsubnet=10.2.0.0/16
		    right=10.99.0.1
		    rightid=@gw.lab
		    rightsubnet=10.1.0.0/16
		    authby=secret
		    ikev2=insist
		    ike=$1
		    esp=$2
		    auto=add
	CONF
	whack --name p --terminate >/dev/null 2>&1
	whack --delete --name p >/dev/null 2>&1
	in_tree /usr/libexec/ipsec/addconn --ctlsocket "$LAB_DIR/pluto.ctl" --config "$LAB_DIR/ipsec.conf" p
}

pluto_answers() {
	whack --status >/dev/null 2>&1
}

started() {
	mkdir -p "$LAB_DIR/nss"
	printf '@peer.lab @gw.lab : PSK "a secret of the lab"\n' >"$LAB_DIR/ipsec.secrets"
	chmod 600 "$LAB_DIR/ipsec.secrets"
	connection aes_gcm256-sha2_512-dh19 aes_gcm256 >/dev/null 2>&1
	in_tree certutil -N -d "sql:$LAB_DIR/nss" --empty-password || return 1
	# shellcheck disable=SC2016
	lab_start pluto peer bash -c '. "$0/lab.sh" && . "$0/strongswan.sh" && lab_in_tree "$@"' "$TOP/scripts/lab.d" "$LAB_TREES/others" \
		/usr/libexec/ipsec/pluto --nofork --stderrlog --nssdir "$LAB_DIR/nss" --rundir "$LAB_DIR" --dumpdir "$LAB_DIR" \
		--config "$LAB_DIR/ipsec.conf" --secretsfile "$LAB_DIR/ipsec.secrets"
	lab_await 20 pluto_answers && whack --listen >/dev/null
}

pluto_says() { # PATTERN: since the connection was loaded
	lab_await 20 eval "tail -n +$LOADED '$LAB_DIR/pluto.log' | grep -q -- '$1'" || { tail -n 8 "$LAB_DIR/pluto.log"; return 1; }
}

loaded() { # IKE ESP
	connection "$1" "$2" >"$LAB_DIR/addconn" 2>&1 || { cat "$LAB_DIR/addconn"; return 1; }
	LOADED=$(($(wc -l <"$LAB_DIR/pluto.log") + 1))
}

# libreswan agrees to the child; its kernel has no ESP to put it in.
its_kernel_refuses() {
	pluto_says 'ESP=.* chosen from' && pluto_says 'Add SA esp.*\(Function not implemented\|Protocol not supported\)'
}

we_dial() { # LIBRESWAN-IKE LIBRESWAN-ESP IKE ESP
	loaded "$1" "$2" && probe "$3" "$4" "$psk" trace && seen 'event up' && seen 'event child-failed' && its_kernel_refuses &&
		say rekey && seen 'event rekeyed' && pluto_says 'rekeyed IKE SA' && say probe && seen 'RECEIVED. INFORMATIONAL response' &&
		say delete && seen 'event down'
}

it_dials() { # LIBRESWAN-IKE LIBRESWAN-ESP IKE ESP
	loaded "$1" "$2" && probe "$3" "$4" "$psk" trace responder || return 1
	whack --name p --initiate --asynchronous >/dev/null 2>&1
	seen 'event up' && seen 'event child-up' && pluto_says 'established IKE SA'
}

wrong_key() {
	loaded aes_gcm256-sha2_512-dh19 aes_gcm256 && probe aes256gcm16-prfsha512-ecp256 aes256gcm16 psk=nonsense trace &&
		seen 'failed.*PEER_AUTHENTICATION' && pluto_says 'authentication failed\|AUTHENTICATION_FAILED'
}

require "a cable between two namespaces" build
require "libreswan starts" started
expect "AES-256-GCM with ECP256, we dial" we_dial aes_gcm256-sha2_512-dh19 aes_gcm256 aes256gcm16-prfsha512-ecp256 aes256gcm16
expect "AES-256-CBC, SHA256, MODP2048, we dial" we_dial aes256-sha2_256-dh14 aes256-sha2_256 \
	aes256-sha256-prfsha256-modp2048 aes256-sha256
expect "AES-128-GCM with X25519, we dial" we_dial aes_gcm128-sha2_256-dh31 aes_gcm128 aes128gcm16-prfsha256-x25519 aes128gcm16
expect "ChaCha20-Poly1305 with ECP521, we dial" we_dial chacha20_poly1305-sha2_512-dh21 chacha20_poly1305 \
	chacha20poly1305-prfsha512-ecp521 chacha20poly1305
expect "AES-256-GCM with ECP384, it dials" it_dials aes_gcm256-sha2_512-dh20 aes_gcm256 aes256gcm16-prfsha512-ecp384 aes256gcm16
expect "AES-256-CBC, SHA512, MODP4096, it dials" it_dials aes256-sha2_512-dh16 aes256-sha2_512 \
	aes256-sha512-prfsha512-modp4096 aes256-sha512
expect "a wrong key is told" wrong_key
lab_stop probe >/dev/null
finish
