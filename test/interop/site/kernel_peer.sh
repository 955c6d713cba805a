# shellcheck shell=bash
# shellcheck disable=SC2034
# A peer with ESP in a kernel of its own, from the tree KERNEL_PEER_TREE (others). The test has peer_files DIR, which writes
# DIR/start (it ends with the daemon in the background) and what the daemon reads.
KEY=$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")
GUEST=203.0.113.20
INSIDE=10.20.0.77
KERNEL_PEER_TREE=${KERNEL_PEER_TREE:-others}
LAB_GUEST_ROOT=$LAB_TREES/$KERNEL_PEER_TREE

kernel_peer_missing() { # DAEMON
	[ -n "${VPNGW_GUEST:-}" ] || { echo "a guest is booted on demand only (VPNGW_GUEST=1)"; return; }
	lab_guest_missing
	[ -x "$LAB_GUEST_ROOT/usr/sbin/$1" ] && [ -d "$LAB_GUEST_ROOT/lib/modules/$(basename "$(echo "$LAB_TREES"/guest/lib/modules/*)")" ] ||
		echo "no $1, or not the guest's kernel, in the tree $KERNEL_PEER_TREE below $LAB_TREES (remove it, and scripts/lab tree makes it)"
}

# The guest's cable ends in a bridge with the internet's port of the branch.
kernel_peer_up() {
	local nic dir=$LAB_DIR/guest
	mkdir -p "$dir"
	cat >"$dir/init" <<-INIT
		#!/bin/sh
		export PATH=/usr/sbin:/usr/bin:/sbin:/bin
		mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs run /run
		modprobe -a esp4 xfrm_user af_key authenc gcm seqiv
		ip link set lo up; ip addr add $INSIDE/32 dev lo; ip link set eth0 up
		ip addr add $GUEST/24 dev eth0; ip route add default via 203.0.113.254
		. /lab/start
		echo guest is ready
		ping -n -i 0.2 -I $INSIDE $SITE_HOST_A | sed -u 's/^/guest ping: /' &
		while :; do sleep 1; [ ! -e /lab/show ] || { rm /lab/show; ip -s xfrm state | grep -vE 'auth|enc|aead' >/lab/shown.tmp; mv /lab/shown.tmp /lab/shown; }; done
	INIT
	chmod +x "$dir/init"
	peer_files "$dir"
	mapfile -t nic < <(lab_guest_nic guest virtio-net-pci)
	lab_guest_tap net guest && lab_guest_start guest net "${nic[@]}" || return 1
	lab_in net ip link add br0 type bridge && lab_in net ip link set br0 up && lab_in net ip addr flush dev br &&
		lab_in net ip link set dev br master br0 && lab_in net ip link set dev guest master br0 && lab_addr net br0 203.0.113.254/24 || return 1
	lab_await_line guest 600 'guest is ready'
}

# We dial: its address is the branch's from now on.
kernel_peer_traffic() {
	configured '.localNetworkGateways[0].properties.gatewayIpAddress = "203.0.113.20"' &&
		lab_ping host-a "$INSIDE" 120 && lab_await_line guest 30 'guest ping: 64 bytes'
}

kernel_peer_shows() {
	rm -f "$LAB_DIR/guest/shown"
	touch "$LAB_DIR/guest/show"
	lab_await 20 test -s "$LAB_DIR/guest/shown" || return 1
	cat "$LAB_DIR/guest/shown"
}

# Its kernel does ESP, not in UDP.
kernel_peer_esp() {
	local shown
	shown=$(kernel_peer_shows) && printf '%s\n' "$shown" && grep -q 'proto esp' <<<"$shown" && ! grep -q 'encap type' <<<"$shown"
}

kernel_peer_spis() {
	kernel_peer_shows | grep -o 'spi 0x[0-9a-f]*' | sort
}

spis_changed() {
	[ "$(kernel_peer_spis)" != "$1" ]
}

kernel_peer_rekeys() {
	local before
	for _ in 1 2 3; do
		before=$(kernel_peer_spis)
		ask rekey && lab_await 30 spis_changed "$before" && lab_ping host-a "$INSIDE" 20 || return 1
	done
	ask rekeyike && lab_ping host-a "$INSIDE" 20
}
