#!/usr/bin/env bash
# A peer with ESP in its kernel (Debian 12 under qemu, strongSwan): plain ESP with extended sequence numbers, both directions,
# rekeys by us; AES-256-GCM.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" kernel
[ -n "${VPNGW_GUEST:-}" ] || { echo "skipped: a guest is booted on demand only (VPNGW_GUEST=1)"; exit 77; }
skip_unless lab_guest_missing
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
KEY=$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")
GUEST=203.0.113.20
INSIDE=10.20.0.77

# What the guest runs: addresses, strongSwan, a ping that goes on.
guest_files() {
	local dir=$LAB_DIR/guest
	mkdir -p "$dir/swanctl"
	cat >"$dir/init" <<-INIT
		#!/bin/sh
		export PATH=/usr/sbin:/usr/bin:/sbin:/bin
		mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs run /run
		modprobe -a esp4 xfrm_user authenc gcm seqiv
		ip link set lo up; ip addr add $INSIDE/32 dev lo; ip link set eth0 up
		ip addr add $GUEST/24 dev eth0; ip route add default via 203.0.113.254
		STRONGSWAN_CONF=/lab/strongswan.conf charon-systemd &
		until STRONGSWAN_CONF=/lab/strongswan.conf SWANCTL_DIR=/lab/swanctl swanctl --load-all --noprompt >/dev/null 2>&1; do sleep 0.2; done
		echo guest is ready
		ping -n -i 0.2 -I $INSIDE $SITE_HOST_A | sed -u 's/^/guest ping: /' &
		while :; do sleep 1; [ ! -e /lab/show ] || { rm /lab/show; ip -s xfrm state | grep -vE 'auth|enc|aead' >/lab/shown; }; done
	INIT
	chmod +x "$dir/init"
	cat >"$dir/strongswan.conf" <<-CONF
		charon-systemd { filelog { stdout { default = 1
			flush_line = yes } } }
	CONF
	cat >"$dir/swanctl/swanctl.conf" <<-CONF
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
}

# The guest's cable ends in a bridge with the internet's port of the branch.
guest_up() {
	local nic
	mapfile -t nic < <(lab_guest_nic guest virtio-net-pci)
	guest_files && lab_guest_tap net guest && lab_guest_start guest net "${nic[@]}" || return 1
	lab_in net ip link add br0 type bridge && lab_in net ip link set br0 up && lab_in net ip addr flush dev br &&
		lab_in net ip link set dev br master br0 && lab_in net ip link set dev guest master br0 && lab_addr net br0 203.0.113.254/24 || return 1
	lab_await_line guest 600 'guest is ready'
}

plain_esn() {
	configured '.localNetworkGateways[0].properties.gatewayIpAddress = "203.0.113.20"' &&
		lab_await_line guest 120 'CHILD_SA gw0.* established' && lab_ping host-a "$INSIDE" 20 && lab_await_line guest 20 'guest ping: 64 bytes' &&
		grep -q 'selected proposal: ESP:AES_GCM_16_256/.*EXT_SEQ' "$LAB_DIR/guest.log" && ! grep -q 'NO_EXT_SEQ' "$LAB_DIR/guest.log"
}

in_kernel() {
	touch "$LAB_DIR/guest/show"
	lab_await 10 test -s "$LAB_DIR/guest/shown" || return 1
	cat "$LAB_DIR/guest/shown"
	grep -q 'proto esp' "$LAB_DIR/guest/shown" && grep -q 'esn' "$LAB_DIR/guest/shown" && ! grep -q 'encap type' "$LAB_DIR/guest/shown"
}

established() {
	grep -c 'CHILD_SA gw0.* established' "$LAB_DIR/guest.log"
}

established_more() {
	[ "$(established)" -gt "$1" ]
}

rekeys() {
	local before
	for _ in 1 2 3; do
		before=$(established)
		ask rekey && lab_await 20 established_more "$before" && lab_ping host-a "$INSIDE" 10 || return 1
	done
	ask rekeyike && lab_await_line guest 20 'IKE_SA gw0.* rekeyed' && lab_ping host-a "$INSIDE" 10
}

site_started "$ONE_ADDRESS"
require "a guest with its own kernel" guest_up
require "plain ESP with ESN, traffic both ways" plain_esn
expect "its kernel does ESP with ESN, not in UDP" in_kernel
expect "rekeys" rekeys
finish
