# shellcheck shell=bash
# FRR as the router of a site: zebra, bfdd and bgpd in a namespace with a run folder of their own.

LAB_FRR_LIB=${FRR_LIB:-/usr/lib/frr}

lab_frr_missing() {
	[ -x "$LAB_FRR_LIB/bgpd" ] || echo "no FRR (scripts/setup installs it)"
}

# lab_frr_start NAME NS: bgpd's configuration on stdin; LAB_FRR_DAEMONS says which others are wanted. bfdd comes before what
# shares the machine with it, as it would on a router of its own.
lab_frr_start() {
	local name=$1 ns=$2 dir=$LAB_DIR/$1 program first
	install -d -m 2770 -o frr -g frrvty "$dir"
	cat >"$dir/bgpd.conf"
	{
		echo bfd
		printf ' profile %s\n  detect-multiplier 3\n  receive-interval %s\n  transmit-interval %s\n' fast 50 50 calm 300 300 slow 1000 1000
	} >"$dir/bfdd.conf"
	: >"$dir/zebra.conf"
	chgrp frrvty "$dir"/*.conf
	chmod 0640 "$dir"/*.conf
	for program in ${LAB_FRR_DAEMONS:-zebra bfdd bgpd}; do
		first=()
		[ "$program" != bfdd ] || first=(nice -n -15)
		lab_start "$name-$program" "$ns" "${first[@]}" "$LAB_FRR_LIB/$program" -i "$dir/$program.pid" --vty_socket "$dir" \
			-z "$dir/zserv" -P 0 --log stdout --log-level warn -f "$dir/$program.conf"
		lab_await 30 test -S "$dir/$program.vty"
	done
}

# lab_vtysh NAME COMMAND...: each is one command
lab_vtysh() {
	local name=$1 commands=() command
	shift
	for command in "$@"; do
		commands+=(-c "$command")
	done
	vtysh --vty_socket "$LAB_DIR/$name" "${commands[@]}"
}
