# shellcheck shell=bash
# How scripts/setup hands a NIC to DPDK and takes it back. Sourced; uses $root, fail, say_*.

nic_folder() {
	printf '%s/sys/bus/pci/devices/%s' "${root:-}" "$1"
}

nic_driver() {
	local link
	link=$(readlink "$(nic_folder "$1")/driver" 2>/dev/null) || return 0
	basename "$link"
}

# mlx5 and kin: DPDK works beside the kernel driver, the interface stays.
nic_is_bifurcated() {
	case $1 in mlx5_core | mlx4_core | mana) return 0 ;; *) return 1 ;; esac
}

nic_interfaces() {
	ls "$(nic_folder "$1")/net" 2>/dev/null || true
}

nic_exists() {
	case $1 in
	[0-9a-f][0-9a-f][0-9a-f][0-9a-f]:[0-9a-f][0-9a-f]:[0-9a-f][0-9a-f].[0-7]) ;;
	*) fail "$1 is no PCI address; write it like 0000:3b:02.0 (lspci -D shows them)" ;;
	esac
	[ -d "$(nic_folder "$1")" ] || fail "there is no PCI device $1 (lspci -D shows them)"
}

# The interface must not carry the way into this machine.
nic_refuse_in_use() {
	local name
	for name in $(nic_interfaces "$1"); do
		if grep -q "^${name}[[:space:]]00000000" "${root:-}/proc/net/route" 2>/dev/null; then
			fail "$name on $1 carries the default route; choose another NIC or move the route first"
		fi
		if [ -z "${root:-}" ] && [ -n "$(ip -o addr show dev "$name" scope global 2>/dev/null)" ]; then
			fail "$name on $1 has addresses; remove them first (ip addr flush dev $name)"
		fi
	done
}

nic_bind() {
	local folder driver
	nic_exists "$1"
	folder=$(nic_folder "$1")
	driver=$(nic_driver "$1")
	if nic_is_bifurcated "$driver"; then
		printf 'setup: %s: DPDK uses it beside %s, nothing to bind\n' "$1" "$driver"
		return 0
	fi
	[ "$driver" != vfio-pci ] || { printf 'setup: %s is bound to vfio-pci\n' "$1"; return 0; }
	nic_refuse_in_use "$1"
	nic_need_vfio "$folder"
	printf 'vfio-pci' >"$folder/driver_override"
	if [ -n "$driver" ]; then
		printf '%s' "$1" >"$folder/driver/unbind"
	fi
	if ! printf '%s' "$1" >"${root:-}/sys/bus/pci/drivers_probe" || { [ -z "${root:-}" ] && [ "$(nic_driver "$1")" != vfio-pci ]; }; then
		printf '\n' >"$folder/driver_override"
		[ -z "$driver" ] || printf '%s' "$1" >"${root:-}/sys/bus/pci/drivers_probe" || true
		fail "vfio-pci does not take $1 (dmesg says why); it was given back to ${driver:-no driver}"
	fi
	printf 'setup: %s was taken from %s and bound to vfio-pci\n' "$1" "${driver:-no driver}"
}

nic_need_vfio() {
	[ -d "${root:-}/sys/bus/pci/drivers/vfio-pci" ] || modprobe vfio-pci 2>/dev/null ||
		fail "this kernel has no vfio-pci; install the distribution's kernel image"
	if [ ! -e "$1/iommu_group" ]; then
		local unsafe=${root:-}/sys/module/vfio/parameters/enable_unsafe_noiommu_mode
		[ "$(cat "$unsafe" 2>/dev/null)" = Y ] || fail "no IOMMU: boot with intel_iommu=on or amd_iommu=on; in a VM\
 without one: echo Y > $unsafe (the NIC can then write all memory)"
	fi
}

nic_unbind() {
	local folder
	nic_exists "$1"
	folder=$(nic_folder "$1")
	[ "$(nic_driver "$1")" = vfio-pci ] || fail "$1 is not bound to vfio-pci"
	printf '\n' >"$folder/driver_override"
	printf '%s' "$1" >"$folder/driver/unbind"
	printf '%s' "$1" >"${root:-}/sys/bus/pci/drivers_probe"
	printf 'setup: %s was given back to the kernel\n' "$1"
}

nic_check() {
	local driver
	if [ ! -d "$(nic_folder "$1")" ]; then
		say_missing "PCI device $1" "it is to carry the traffic" "lspci -D shows what is there"
		return 0
	fi
	driver=$(nic_driver "$1")
	if [ "$driver" = vfio-pci ] || nic_is_bifurcated "$driver"; then
		say_good "$1 is ready for DPDK ($driver)"
	else
		say_missing "$1 is bound to ${driver:-no driver}" "DPDK needs vfio-pci there" "scripts/setup --bind $1"
	fi
	[ -e "$(nic_folder "$1")/iommu_group" ] || nic_is_bifurcated "$driver" ||
		say_advice "an IOMMU" "without it the NIC can write all memory" "boot with intel_iommu=on"
}

# Every network controller (class 02) and whether DPDK could have it now.
nic_list() {
	local folder address driver found=
	for folder in "${root:-}"/sys/bus/pci/devices/*; do
		case $(cat "$folder/class" 2>/dev/null) in 0x02*) ;; *) continue ;; esac
		address=$(basename "$folder")
		driver=$(nic_driver "$address")
		found=yes
		printf 'NIC      %s driver %s %s\n' "$address" "${driver:-none}" "$(nic_interfaces "$address" | tr '\n' ' ')"
	done
	[ -n "$found" ] || printf 'NIC      none on PCI: the embedded default runs on virtual ports\n'
}
