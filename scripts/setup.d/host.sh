# shellcheck shell=bash
# What scripts/setup looks at on the host: hugepages, CPU, kernel. Sourced; uses $root, fail, missing_packages.

hugepages_file() {
	printf '%s/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages' "${root:-}"
}

# Reserves $1 pages of 2 MB; "default": 512 when fewer are there. A host that cannot is told, not failed:
# the programs run on ordinary memory too, only slower.
host_hugepages() {
	local wanted=$1 file now
	file=$(hugepages_file)
	[ -r "$file" ] || { printf 'setup: this kernel has no 2 MB pages; ordinary memory is used\n'; return 0; }
	now=$(cat "$file")
	if [ "$wanted" = default ]; then
		[ "$now" -lt 512 ] || return 0
		wanted=512
	fi
	[ "$now" != "$wanted" ] || return 0
	[ -w "$file" ] || { printf 'setup: %s cannot be written; ordinary memory is used\n' "$file"; return 0; }
	printf '%s' "$wanted" >"$file" 2>/dev/null || true
	now=$(cat "$file")
	[ "$now" -ge "$wanted" ] ||
		printf 'setup: only %s of %s hugepages could be reserved (memory is in pieces: reserve them at boot)\n' \
			"$now" "$wanted"
}

needed=0

say_missing() {
	printf 'missing  %s\n         why: %s\n         do:  %s\n' "$1" "$2" "$3"
	needed=1
}

say_advice() {
	printf 'advice   %s\n         why: %s\n         do:  %s\n' "$1" "$2" "$3"
}

say_good() {
	printf 'good     %s\n' "$1"
}

check_packages() {
	local name count=0
	while read -r name; do
		say_missing "package $name" "$(package_reason "$name")" "scripts/setup --for $1"
		count=$((count + 1))
	done < <(missing_packages "$1")
	[ $count -gt 0 ] || say_good "packages for $1"
}

check_cpu() {
	local flags cores
	flags=" $(sed -n 's/^flags[^:]*: //p' "${root:-}/proc/cpuinfo" | head -n 1) "
	cores=$(grep -c '^processor' "${root:-}/proc/cpuinfo" || true)
	case $flags in
	*" sse4_2 "*) say_good "x86-64-v2" ;;
	*) say_missing "SSE4.2" "DPDK is built for it" "use another machine" ;;
	esac
	case $flags in
	*" aes "*) ;;
	*) say_missing "AES-NI" "ipsec-mb needs it" "use another machine, or hand the CPU flag to the VM" ;;
	esac
	case $flags in
	*" vaes "*" avx512"* | *" avx512"*" vaes "*) say_good "VAES and AVX-512: the fastest ciphers" ;;
	*) say_advice "VAES with AVX-512" "AES-GCM takes two to three times the cycles without it" \
		"use the host's CPU model for the VM" ;;
	esac
	if [ "$cores" -ge 2 ]; then
		say_good "$cores CPUs"
	else
		say_advice "a second CPU" "one polls for packets and leaves nothing to IKE and Linux" \
			"set the idle policy of the data plane to rest"
	fi
}

check_memory() {
	local file pages=0
	file=$(hugepages_file)
	[ ! -r "$file" ] || pages=$(cat "$file")
	if [ "$pages" -gt 0 ]; then
		say_good "$pages hugepages of 2 MB"
	else
		say_advice "hugepages" "packet buffers on ordinary pages cost TLB misses; NICs need them" \
			"scripts/setup --hugepages 512"
	fi
}

check_kernel() {
	[ -e "${root:-}/dev/net/tun" ] ||
		say_missing "/dev/net/tun" "the Linux mirror interfaces are TAPs" "modprobe tun"
	[ -e "${root:-}/proc/self/ns/net" ] ||
		say_missing "network namespaces" "the demo and the system tests live in them" "use another kernel"
	[ "$(id -u)" = 0 ] || say_advice "root" "namespaces, hugepages and NICs are root's" "use sudo"
}

# $1 purposes, $2 PCI address that is to be used, or nothing.
host_check() {
	check_packages "$1"
	check_cpu
	check_memory
	check_kernel
	[ -z "$2" ] || nic_check "$2"
	nic_list
	return $needed
}
