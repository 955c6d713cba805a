#!/usr/bin/env bash
# The gateway on PCI NICs, as in a VM or on bare metal: a guest under qemu with an IOMMU, two virtio NICs and an e1000e, this
# machine's own files as its root. scripts/setup gives the NICs to vfio-pci, the data plane takes huge pages; then both
# tunnels of the demo come up and carry.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" pci
[ -n "${VPNGW_GUEST:-}" ] || { echo "skipped: a guest is booted on demand only (VPNGW_GUEST=1)"; exit 77; }
skip_unless lab_guest_missing
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
NICS=(0000:00:10.0 0000:00:11.0 0000:00:12.0)

config() {
	gateway_config "$TOP/config/demo.json" "
		.appliance.memory.hugePages = true
		| .appliance.ports[0].device = \"${NICS[0]}\"
		| .appliance.ports[1].device = \"${NICS[1]}\"
		| .appliance.ports[2].device = \"${NICS[2]}\"
		| del(.appliance.stateDirectory, .appliance.dataplaneSocket)"
}

# What the guest runs.
guest_files() {
	mkdir -p "$LAB_DIR/guest"
	cp "$LAB_DIR/vpngw.json" "$LAB_DIR/guest/"
	cat >"$LAB_DIR/guest/init" <<-INIT
		#!/bin/bash
		export PATH=/usr/sbin:/usr/bin:/sbin:/bin
		mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs run /run; mount -t tmpfs tmp /tmp
		mkdir /dev/hugepages /run/vpngw; ln -s /proc/self/fd /dev/fd; mount -t hugetlbfs huge /dev/hugepages
		ip link set lo up
		cd $TOP
		for nic in ${NICS[*]}; do scripts/setup --bind \$nic || echo guest cannot bind \$nic; done
		scripts/setup --hugepages 256
		install -d -o nobody -m 0700 /var/lib/vpngw; install -m 0600 -o nobody /lab/vpngw.json /run/vpngw.json; chown nobody /run/vpngw
		$(gateway_program control) --dataplane-options /run/vpngw.json >/run/vpngw/options
		$(gateway_program dataplane) @/run/vpngw/options --group nogroup &
		$(gateway_program control) --config /run/vpngw.json --user nobody &
		wait
		echo guest: both programs have ended
	INIT
	chmod +x "$LAB_DIR/guest/init"
}

# Each NIC's cable ends in a bridge with the port's cable of the site.
guest_up() {
	local nics=() port i=0 device
	for port in vgpub0 vgpub1 vgprv0; do
		lab_guest_tap gw "nic$i" || return 1
		lab_in gw sysctl -qw net.ipv6.conf.all.disable_ipv6=1
		lab_in gw ip link add "br$i" type bridge && lab_in gw ip link set "br$i" up &&
			lab_in gw ip link set "$port" master "br$i" && lab_in gw ip link set "nic$i" master "br$i" || return 1
		device="virtio-net-pci,iommu_platform=on,disable-legacy=on"
		[ "$i" != 2 ] || device=e1000e
		mapfile -t -O "${#nics[@]}" nics < <(lab_guest_nic "nic$i" "$device,addr=0x1$i,romfile=")
		i=$((i + 1))
	done
	guest_files
	# The last -m counts.
	LAB_GUEST_ROOT=/ LAB_GUEST_MODULES="vfio_iommu_type1 vfio_pci tun e1000e" LAB_GUEST_BOOT=intel_iommu=on \
		lab_guest_start guest gw -device intel-iommu,caching-mode=on -m 1536 "${nics[@]}"
}

# The data plane's log has this line: said PATTERN
said() {
	lab_await_line guest 20 "$1"
}

# Answers to pings of this size: carries SIZE
carries() {
	lab_in host-a ping -n -q -c 20 -i 0.1 -W 5 -s "$1" "$SITE_HOST_B" | tee "$LAB_DIR/ping.txt"
	grep -q ' 0% packet loss' "$LAB_DIR/ping.txt"
}

require "the site is made" site_up
require "the configuration is good" config
require "the guest boots" guest_up
require "it is given three NICs by scripts/setup" lab_await_line guest 200 "${NICS[2]} was taken from e1000e and bound to vfio-pci"
require "the data plane is ready with three ports in huge pages" lab_await_line guest 120 'main: ready ports=3'
expect "by virtio's driver" said "device ${NICS[0]} is ready driver=net_virtio"
expect "by e1000's driver" said "device ${NICS[2]} is ready driver=net_e1000"
expect "strongSwan at the branch" site_branch "$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")"
require "both tunnels come up" lab_await 120 site_branch_up
expect "traffic flows" lab_ping host-a "$SITE_HOST_B" 20
expect "small packets are carried" carries 20
expect "and the largest" carries 1300
finish
