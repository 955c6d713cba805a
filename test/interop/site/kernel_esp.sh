#!/usr/bin/env bash
# A peer with ESP in its kernel (Debian 12 under qemu, strongSwan): plain ESP with extended sequence numbers, both directions,
# rekeys by us; AES-256-GCM.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" kernel
KERNEL_PEER_TREE=guest
# shellcheck source=kernel_peer.sh
. "$(dirname "$0")/kernel_peer.sh"
skip_unless kernel_peer_missing charon-systemd
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

peer_files() { # DIR
	mkdir -p "$1/swanctl"
	cat >"$1/strongswan.conf" <<-CONF
		charon-systemd { filelog { stdout { default = 1
			flush_line = yes } } }
	CONF
	cat >"$1/swanctl/swanctl.conf" <<-CONF
		secrets { ike-1 { secret = "$KEY" } }
		connections { gw0 {
			version = 2
			local_addrs = $GUEST
			remote_addrs = $SITE_PUBLIC0
			proposals = aes256gcm16-prfsha384-x25519
			local { auth = psk
				id = $GUEST }
			remote { auth = psk
				id = $SITE_PUBLIC0 }
			children { gw0 {
				local_ts = 10.20.0.0/16
				remote_ts = 10.10.0.0/16
				esp_proposals = aes256gcm16-x25519-esn
			} }
		} }
	CONF
	cat >"$1/start" <<-'START'
		export STRONGSWAN_CONF=/lab/strongswan.conf SWANCTL_DIR=/lab/swanctl
		charon-systemd &
		until swanctl --load-all --noprompt >/dev/null 2>&1; do sleep 0.2; done
	START
}

plain_esn() {
	kernel_peer_traffic && lab_await_line guest 20 'CHILD_SA gw0.* established' &&
		grep -q 'selected proposal: ESP:AES_GCM_16_256/.*EXT_SEQ' "$LAB_DIR/guest.log" && ! grep -q 'NO_EXT_SEQ' "$LAB_DIR/guest.log"
}

esn_in_kernel() {
	kernel_peer_esp && grep -q esn "$LAB_DIR/guest/shown"
}

rekeys() {
	kernel_peer_rekeys && lab_await_line guest 20 'IKE_SA gw0.* rekeyed'
}

site_started "$ONE_ADDRESS"
require "a guest with its own kernel" kernel_peer_up
require "plain ESP with ESN, traffic both ways" plain_esn
expect "its kernel does ESP with ESN, not in UDP" esn_in_kernel
expect "rekeys" rekeys
finish
