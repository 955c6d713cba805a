#!/usr/bin/env bash
# `meson install` puts everything into its place, and systemd understands it.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" pack
root=$LAB_DIR/root

in_place() {
	local file
	for file in "$@"; do
		[ -s "$root/$file" ] || { echo "$file is not installed"; return 1; }
	done
}

units_verify() {
	local output
	mkdir -p "$LAB_DIR/units"
	for unit in "$root"/usr/local/lib/systemd/system/*.service; do
		# The programs lie below $root here.
		sed "s|=/usr/local/bin/|=$root/usr/local/bin/|" "$unit" >"$LAB_DIR/units/${unit##*/}"
	done
	output=$(SYSTEMD_UNIT_PATH="$LAB_DIR/units:" systemd-analyze verify --man=no "$LAB_DIR"/units/vpngw-*.service 2>&1)
	printf '%s\n' "$output"
	! grep -q vpngw <<<"$output"
}

# Exposure as systemd counts it, 0 to 10, times ten.
exposure_below() {
	systemd-analyze security --offline=true --threshold="$2" "$root/usr/local/lib/systemd/system/$1" | tail -n 3
	return "${PIPESTATUS[0]}"
}

sysusers_dry_run() {
	systemd-sysusers --dry-run "$root/usr/local/lib/sysusers.d/vpngw.conf"
}

tmpfiles_make_the_folders() {
	mkdir -p "$LAB_DIR/machine/etc" "$LAB_DIR/machine/run"
	printf 'root:x:0:0::/root:/bin/sh\n' >"$LAB_DIR/machine/etc/passwd"
	printf 'root:x:0:\nvpngw:x:990:\nfrrvty:x:991:\n' >"$LAB_DIR/machine/etc/group"
	systemd-tmpfiles --create --root="$LAB_DIR/machine" "$root/usr/local/lib/tmpfiles.d/vpngw.conf" || return 1
	[ "$(stat -c %a "$LAB_DIR/machine/etc/vpngw")" = 750 ] && [ "$(stat -c %a "$LAB_DIR/machine/run/vpngw")" = 2770 ]
}

install_all() {
	DESTDIR=$root meson install -C "$VPNGW_BUILD" --no-rebuild >"$LAB_DIR/install.txt" 2>&1 || { tail "$LAB_DIR/install.txt"; return 1; }
}

# Each library that the programs load is of a package that `scripts/setup --for gateway` brings.
libraries_come_with_the_packages() {
	local packages library package
	mapfile -t packages < <(awk '$2 == "gateway" { print $1 }' "$TOP/scripts/packages.txt")
	apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
		"${packages[@]}" | sed -n 's/^\([a-z0-9][^ ]*\)$/\1/p' | sort -u >"$LAB_DIR/packages.txt"
	ldd "$root"/usr/local/bin/vpngw{,-control,-dataplane} | sed -n 's/.*=> \([^ ]*\) .*/\1/p' | sort -u >"$LAB_DIR/libraries.txt"
	[ -s "$LAB_DIR/libraries.txt" ] || return 1
	while read -r library; do
		package=$(dpkg -S "*${library#/usr}" | sed -n '1s/[:,].*//p')
		grep -qx "$package" "$LAB_DIR/packages.txt" || { echo "$library is of ${package:-no package}"; return 1; }
	done <"$LAB_DIR/libraries.txt"
}

command -v systemd-analyze >/dev/null || { echo "skipped: no systemd-analyze"; exit 77; }
require "it is installed" install_all
expect "the programs" in_place usr/local/bin/vpngw-control usr/local/bin/vpngw-dataplane
expect "units, user and folders" in_place usr/local/lib/systemd/system/vpngw-control.service \
	usr/local/lib/systemd/system/vpngw-dataplane.service usr/local/lib/sysusers.d/vpngw.conf usr/local/lib/tmpfiles.d/vpngw.conf
expect "examples and the page to start with" in_place usr/local/share/vpngw/config/demo.json usr/local/share/doc/vpngw/README.md
expect "their libraries come with the packages for an installed gateway" libraries_come_with_the_packages
expect "systemd finds nothing wrong with the units" units_verify
expect "the control program is exposed little" exposure_below vpngw-control.service 25
expect "the data plane no more than DPDK needs" exposure_below vpngw-dataplane.service 60
expect "the user is understood" sysusers_dry_run
expect "the folders have their modes" tmpfiles_make_the_folders
finish
