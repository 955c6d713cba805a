#!/usr/bin/env bash
# OpenIKED with ESP in its kernel (Debian 12 under qemu): plain ESP, both directions, rekeys by us. On Linux it speaks PF_KEY and so
# takes neither AES-GCM nor ESN for a child, whatever its file says ("childsa enc aes-256-gcm" has no proposal at all there), and
# HMAC-SHA2-256 only cut off after 96 bits: AES-256-CBC with HMAC-SHA2-512 is what both have, from our usual offer.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" kopeniked
# shellcheck source=kernel_peer.sh
. "$(dirname "$0")/kernel_peer.sh"
skip_unless kernel_peer_missing iked
skip_unless gateway_missing control dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

peer_files() { # DIR
	cat >"$1/iked.conf" <<-CONF
		ikev2 "gw0" passive esp \\
		    from 10.20.0.0/16 to 10.10.0.0/16 \\
		    local $GUEST peer $SITE_PUBLIC0 \\
		    ikesa enc aes-256-gcm prf hmac-sha2-384 group curve25519 \\
		    childsa enc aes-256 auth hmac-sha2-512 group ecp384 \\
		    srcid $GUEST dstid $SITE_PUBLIC0 \\
		    psk "$KEY"
	CONF
	cat >"$1/start" <<-'START'
		cp /lab/iked.conf /run/iked.conf
		chown root:root /run/iked.conf
		chmod 600 /run/iked.conf
		iked -d -v -f /run/iked.conf &
		until ikectl show sa >/dev/null 2>&1; do sleep 0.2; done
	START
}

established() {
	lab_await_line guest 20 'established peer'
}

site_started "$ONE_ADDRESS"
require "a guest with its own kernel" kernel_peer_up
require "traffic both ways" kernel_peer_traffic
expect "it says that its peer is established" established
expect "its kernel does ESP, not in UDP" kernel_peer_esp
expect "rekeys" kernel_peer_rekeys
finish
