#!/usr/bin/env bash
# Connections that authenticate with certificates, against strongSwan: RSA, ECDSA, Ed25519, either side dialling; what a
# wrong certificate, subject, CRL or file mode leads to; a renewed certificate.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" certs
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
gw_file=$LAB_DIR/gw.pem
gw_key=$LAB_DIR/gw.key

certificates() { # NAME ALGORITHM...
	local name=$1
	shift
	lab_leaf ca "gw-$name" "DNS:gw.lab" "$@" && lab_leaf ca "peer-$name" "DNS:peer.lab" "$@"
}

# Our files, as the user of the control program reads them.
ours() { # NAME
	install -m 0644 "$LAB_PKI/$1.pem" "$gw_file" &&
		install -m 0600 -o "$LAB_USER" "$LAB_PKI/$1.key" "$gw_key"
}

# strongSwan's two connections with this certificate: theirs NAME ID
theirs() {
	local dir tunnel
	dir=$(lab_charon_dir branch-ike)
	lab_swanctl branch-ike --terminate --ike gw0 --force >/dev/null 2>&1
	lab_swanctl branch-ike --terminate --ike gw1 --force >/dev/null 2>&1
	rm -f "$dir"/x509/* "$dir"/private/* "$dir"/x509ca/*
	cp "$LAB_PKI/$1.pem" "$dir/x509/" && cp "$LAB_PKI/$1.key" "$dir/private/" &&
		cp "$LAB_PKI/ca.pem" "$dir/x509ca/" || return 1
	: >"$dir/swanctl.conf"
	for tunnel in "gw0 $SITE_PUBLIC0" "gw1 $SITE_PUBLIC1"; do
		cat >>"$dir/swanctl.conf" <<-CONF
			connections { ${tunnel% *} {
				version = 2
				local_addrs = $SITE_BRANCH
				remote_addrs = ${tunnel#* }
				proposals = aes256gcm16-prfsha384-ecp384
				encap = yes
				local { auth = pubkey
					certs = $1.pem
					id = "$2" }
				remote { auth = pubkey
					cacerts = ca.pem
					id = "${GW_ID:-O=Lab, CN=*}" }
				children { ${tunnel% *} {
					local_ts = $SITE_PREFIX_B
					remote_ts = $SITE_PREFIX_A
					esp_proposals = aes256gcm16-ecp384
				} }
			} }
		CONF
	done
	lab_charon_load branch-ike
}

connection_json() { # SUBJECT MODE
	cat <<-JQ
		$CONNECTION.authenticationType = "Certificate"
		| $CONNECTION.connectionMode = "$2"
		| $CONNECTION.certificateAuthentication = {
			outboundAuthCertificate: "file://$gw_file", outboundAuthPrivateKey: "$gw_key",
			inboundAuthCertificateSubjectName: "$1", inboundAuthCertificateChain: ["$(lab_cer ca)"] }
	JQ
}

none_up() {
	[ "$(lab_charon_children branch-ike)" = 0 ]
}

we_dial() { # KIND
	ours "gw-$1" && theirs "peer-$1" peer.lab &&
		configured "$(connection_json "O=Lab, CN=peer-$1" InitiatorOnly)" &&
		lab_await 20 site_branch_up && lab_ping host-a "$SITE_HOST_B" 5
}

they_dial() { # KIND
	configured "$(connection_json "peer-$1" ResponderOnly)" && lab_await 10 none_up || return 1
	theirs "peer-$1" "O=Lab, CN=peer-$1" || return 1
	lab_swanctl branch-ike --initiate --child gw0 --timeout 10 >/dev/null &&
		lab_swanctl branch-ike --initiate --child gw1 --timeout 10 >/dev/null &&
		site_branch_up && lab_ping host-b "$SITE_HOST_A" 5
}

rekeys() {
	lab_swanctl branch-ike --rekey --ike gw0 >/dev/null && lab_await 5 lab_swanctl branch-ike --rekey --child gw0 &&
		lab_ping host-a "$SITE_HOST_B" 5 && site_branch_up && fails grep suspect "$LAB_DIR/control.log"
}

# Another certificate of the same name in the same files: nothing stops, and the next IKE SA has it.
renewed() {
	lab_leaf ca "gw-$kind" DNS:gw.lab EC -pkeyopt ec_paramgen_curve:P-384 || return 1
	lab_start ping host-a ping -n -i 0.02 -w 60 "$SITE_HOST_B"
	ours "gw-$kind"
	kill -HUP "$(lab_pid control)"
	lab_await 5 grep -q 'the file has not changed' "$LAB_DIR/control.log" || { echo "not read again"; return 1; }
	site_branch_up || { echo "a tunnel went"; return 1; }
	lab_ping host-a "$SITE_HOST_B" 5 || { echo "no traffic"; return 1; }
	lab_ping_end ping || return 1
	lab_swanctl branch-ike --terminate --ike gw0 >/dev/null 2>&1
	lab_swanctl branch-ike --initiate --child gw0 --timeout 10 >/dev/null &&
		grep -q "authentication of 'O=Lab, CN=gw-$kind' with ECDSA.* successful" "$LAB_DIR/branch-ike.log"
}

refused_dial() { # NAME ID TEXT: strongSwan dials with this certificate
	theirs "$1" "$2" || return 1
	lab_swanctl branch-ike --initiate --child gw0 --timeout 10 >/dev/null 2>&1 && { echo "it came up"; return 1; }
	status_says "$3"
}

wrong_subject() {
	configured "$(connection_json peer-ecdsa ResponderOnly)" && refused_dial peer-rsa peer.lab "$1"
}

stranger() {
	configured "$(connection_json 'O=Lab, CN=*' ResponderOnly)" &&
		refused_dial peer-stranger peer.lab "$1"
}

peer_answers_with() { # NAME ID TEXT: we dial
	theirs "$1" "$2" && configured "$(connection_json peer-rsa InitiatorOnly)" && status_says "$3" 30
}

revoked() {
	lab_crl ca peer-rsa >/dev/null && chmod 0644 "$LAB_PKI/ca.crl" &&
		configured "$(connection_json peer-rsa ResponderOnly) | $CONNECTION.certificateAuthentication.inboundAuthRevocationLists = [\"$LAB_PKI/ca.crl\"]" &&
		refused_dial peer-rsa peer.lab 'a certificate is revoked'
}

open_key() {
	chmod 0644 "$gw_key"
	says 'must be 0600' configured "$(connection_json peer-rsa InitiatorOnly) | $CONNECTION.dpdTimeoutSeconds = 10"
	local code=$?
	chmod 0600 "$gw_key"
	grep -q 'certificateAuthentication/outboundAuthPrivateKey: .*mode 0644: must be 0600' "$LAB_DIR/control.log" &&
		return $((code > 1))
}

# Without its key file the program starts all the same; the connection says why, and comes up once it is there.
late_key() {
	lab_stop control
	mv "$gw_key" "$gw_key.away"
	theirs peer-rsa peer.lab || return 1
	jq "$(connection_json peer-rsa InitiatorOnly) | $CONNECTION.dpdTimeoutSeconds = 11" "$LAB_DIR/vpngw.json" >"$LAB_DIR/next.json" && cat "$LAB_DIR/next.json" >"$LAB_DIR/vpngw.json"
	gateway_start_control
	lab_await 10 gateway_api GET /connections/to-branch || return 1
	status_says 'outboundAuthPrivateKey' || return 1
	mv "$gw_key.away" "$gw_key"
	lab_await 30 site_branch_up && lab_ping host-a "$SITE_HOST_B" 5
}

require "authorities and certificates" eval 'lab_ca ca && lab_ca other'
require "certificates of RSA" certificates rsa RSA
require "certificates of ECDSA" certificates ecdsa EC -pkeyopt ec_paramgen_curve:P-256
require "certificates of Ed25519" certificates ed25519 ED25519
require "a certificate of another authority" lab_leaf other peer-stranger DNS:peer.lab RSA
site_started .
for kind in ${VPNGW_KINDS:-rsa ecdsa ed25519}; do
	expect "$kind: we dial, traffic flows" we_dial "$kind"
	expect "$kind: rekeys" rekeys
	expect "$kind: the peer dials, traffic flows" they_dial "$kind"
done
expect "a renewed certificate is taken without an interruption" renewed
expect "a certificate of nobody is named" stranger 'no chain to a trusted root ("O=Lab, CN=peer-stranger'
expect "a wrong subject is named" wrong_subject 'its subject "O=Lab, CN=peer-rsa" is not the expected one'
expect "also when we dial" peer_answers_with peer-ecdsa peer.lab 'its subject "O=Lab, CN=peer-ecdsa" is not the expected one'
expect "a revoked certificate is named" revoked
ours gw-rsa
expect "a key that others can read is refused" open_key
expect "a key file that comes later" late_key
finish
