#!/usr/bin/env bash
# libreswan with ESP in its kernel (Debian 12 under qemu): plain ESP, both directions, rekeys by us; AES-256-GCM.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" klibreswan
# shellcheck source=kernel_peer.sh
. "$(dirname "$0")/kernel_peer.sh"
skip_unless kernel_peer_missing ipsec
skip_unless gateway_missing control dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

peer_files() { # DIR
	printf '%s %s : PSK "%s"\n' "$GUEST" "$SITE_PUBLIC0" "$KEY" >"$1/ipsec.secrets"
	chmod 600 "$1/ipsec.secrets"
	cat >"$1/ipsec.conf" <<-CONF
		config setup
		    protostack=xfrm
		    nssdir=/run/nss
		    dumpdir=/run
		conn gw0
		    left=$GUEST
		    leftsubnet=10.20.0.0/16
		    right=$SITE_PUBLIC0
		    rightsubnet=10.10.0.0/16
		    authby=secret
		    ikev2=insist
		    narrowing=yes
		    ike=aes_gcm256-sha2_384-dh31
		    esp=aes_gcm256
		    auto=add
	CONF
	cat >"$1/start" <<-'START'
		mkdir -p /run/nss /run/pluto
		certutil -N -d sql:/run/nss --empty-password
		/usr/libexec/ipsec/pluto --nofork --stderrlog --nssdir /run/nss --rundir /run/pluto --dumpdir /run \
			--config /lab/ipsec.conf --secretsfile /lab/ipsec.secrets &
		until /usr/libexec/ipsec/whack --rundir /run/pluto --status >/dev/null 2>&1; do sleep 0.2; done
		/usr/libexec/ipsec/addconn --ctlsocket /run/pluto/pluto.ctl --config /lab/ipsec.conf gw0
		/usr/libexec/ipsec/whack --rundir /run/pluto --listen
	START
}

established() {
	lab_await_line guest 20 'established Child SA'
}

site_started "$ONE_ADDRESS"
require "a guest with its own kernel" kernel_peer_up
require "traffic both ways" kernel_peer_traffic
expect "it says that its child is established" established
expect "its kernel does ESP, not in UDP" kernel_peer_esp
expect "rekeys" kernel_peer_rekeys
finish
