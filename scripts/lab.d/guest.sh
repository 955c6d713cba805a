# shellcheck shell=bash
# A peer with a kernel of its own, for what this machine's kernel lacks (kernel ESP, ESN): Debian 12 under qemu, with hardware
# help where there is any. Its root is a tree of LAB_TREES over 9p, read-only with a layer in memory; LAB_DIR/NAME is /lab there.
LAB_GUEST_PACKAGES=linux-image-amd64,charon-systemd,strongswan-swanctl,iproute2,iputils-ping,kmod,busybox-static,libstrongswan-extra-plugins,libstrongswan-standard-plugins

lab_guest_make() {
	lab_tree_make guest bookworm "$LAB_GUEST_PACKAGES"
}

# libreswan, which cannot be installed beside strongSwan, and OpenIKED; with what a root of the guest needs.
lab_others_make() {
	lab_tree_make others bookworm libreswan,openiked,bind9-host,iproute2,procps,iputils-ping,kmod,linux-image-amd64
}

lab_others_missing() {
	[ -e "$LAB_TREES/others/.made" ] || echo "no tree others below $LAB_TREES (scripts/lab tree makes it)"
}

lab_guest_missing() {
	command -v qemu-system-x86_64 >/dev/null || { echo "no qemu-system-x86_64 (apt-get install qemu-system-x86)"; return; }
	[ -e "$LAB_TREES/guest/.made" ] || echo "no guest tree below $LAB_TREES (scripts/lab tree makes it)"
}

# What mounts the root: busybox, the modules of 9p and virtio and LAB_GUEST_MODULES, a script.
lab_guest_initramfs() {
	local tree=$LAB_TREES/guest work version module
	version=$(basename "$(echo "$tree"/lib/modules/*)")
	work=$LAB_DIR/initramfs
	mkdir -p "$work/bin" "$work/modules"
	cp "$tree/bin/busybox" "$work/bin/" || return 1
	for module in virtio_pci 9pnet_virtio 9p overlay virtio_net ${LAB_GUEST_MODULES:-}; do
		chroot "$tree" /sbin/modprobe -S "$version" --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
	done | awk '!seen[$0]++' | while read -r module; do
		cp "$tree$module" "$work/modules/" && basename "$module" >>"$work/modules/order"
	done
	cat >"$work/init" <<-'INIT'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		while read -r m; do insmod /modules/$m; done </modules/order
		mkdir -p /ro /rw /new
		mount -t 9p -o trans=virtio,version=9p2000.L,msize=131072,ro,cache=loose root /ro
		mount -t tmpfs tmpfs /rw
		mkdir /rw/up /rw/work
		mount -t overlay -o lowerdir=/ro,upperdir=/rw/up,workdir=/rw/work overlay /new
		mkdir -p /new/lab
		mount -t 9p -o trans=virtio,version=9p2000.L lab /new/lab
		exec switch_root /new /lab/init
	INIT
	chmod +x "$work/init"
	(cd "$work" && find . | "$tree/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$LAB_DIR/initramfs.gz"
}

# How qemu runs it: LAB_GUEST_ACCEL, or kvm where the CPU has what that needs. /dev/kvm alone does not say so: a kernel with pvm
# offers one without VMX or SVM, on which no kernel of a distribution boots.
lab_guest_accel() {
	if [ -n "${LAB_GUEST_ACCEL:-}" ]; then
		printf '%s' "$LAB_GUEST_ACCEL"
	elif [ -w /dev/kvm ] && grep -qE -m 1 '^flags.* (vmx|svm)( |$)' /proc/cpuinfo; then
		printf kvm
	else
		printf tcg
	fi
}

# lab_guest_start NAME NS [OPTION OF QEMU...]: LAB_DIR/NAME/init is what it runs, its output is NAME.log. LAB_GUEST_ROOT: the root
# when it is not the tree's. LAB_GUEST_BOOT: more words for its kernel.
lab_guest_start() {
	local name=$1 ns=$2 tree=$LAB_TREES/guest
	shift 2
	[ -s "$LAB_DIR/initramfs.gz" ] || lab_guest_initramfs || return 1
	lab_start "$name" "$ns" qemu-system-x86_64 -M q35 -accel "$(lab_guest_accel)" -cpu max -m 512 -nodefaults -nographic -no-reboot -serial stdio \
		-kernel "$(echo "$tree"/boot/vmlinuz-*)" -initrd "$LAB_DIR/initramfs.gz" \
		-append "console=ttyS0 quiet panic=-1 no_timer_check ${LAB_GUEST_BOOT:-}" \
		-virtfs "local,path=${LAB_GUEST_ROOT:-$tree},mount_tag=root,security_model=none,readonly=on,multidevs=remap" \
		-virtfs "local,path=$LAB_DIR/$name,mount_tag=lab,security_model=none" "$@"
}

# A cable out of the guest: the TAP $2 in namespace $1, which lab_guest_nic puts into it.
lab_guest_tap() {
	lab_in "$1" ip tuntap add "$2" mode tap && lab_in "$1" ip link set "$2" up
}

# The options for a NIC behind a TAP: lab_guest_nic TAP DEVICE
lab_guest_nic() {
	printf -- '-netdev\ntap,id=%s,ifname=%s,script=no,downscript=no\n-device\n%s,netdev=%s\n' "$1" "$1" "$2" "$1"
}
