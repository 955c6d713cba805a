# shellcheck shell=bash
# Ways to break a path. netem is not needed: nftables drops in the forwarding namespace, cables lose
# their carrier.

lab_link_down() {
	ip -n "$LAB_PREFIX$1" link set dev "$2" down
}

lab_link_up() {
	ip -n "$LAB_PREFIX$1" link set dev "$2" up
}

# lab_drop NS RULE...: packets that match are dropped without a word while they are forwarded through NS,
# e.g. lab_drop net ip daddr 203.0.113.4
lab_drop() {
	local ns=$1
	shift
	lab_in "$ns" nft -f - <<-RULES
		add table inet lab
		add chain inet lab forward { type filter hook forward priority 0; }
		add rule inet lab forward $* counter drop
	RULES
}

# What goes to and comes from an address, from one moment on: lab_silence NS ADDRESS
lab_silence() {
	lab_in "$1" nft -f - <<-RULES
		add table inet lab
		add chain inet lab forward { type filter hook forward priority 0; }
		add rule inet lab forward ip daddr $2 counter drop
		add rule inet lab forward ip saddr $2 counter drop
	RULES
}

# lab_lose NS PERCENT RULE...: some of them
lab_lose() {
	local ns=$1 percent=$2
	shift 2
	lab_drop "$ns" "$*" numgen random mod 100 "<" "$percent"
}

lab_heal() {
	lab_in "$1" nft delete table inet lab 2>/dev/null || true
}

lab_dropped() {
	lab_in "$1" nft list table inet lab 2>/dev/null | sed -n 's/.*counter packets \([0-9]*\).*/\1/p' |
		awk '{ n += $1 } END { print n + 0 }'
}
