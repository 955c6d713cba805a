#!/usr/bin/env bash
# The units as they are installed, under a systemd of their own (a container over this machine's own files, in the
# namespace of the site's gateway): they start by notification, with all that they may not, carry traffic, with BGP; are
# reloaded and restarted without a loss, started again when they die, and by their watchdogs when they stand still.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" units
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control cli
# shellcheck source=../../interop/frr/bgp_site.sh
. "$TOP/test/interop/frr/bgp_site.sh"

container_missing() {
	command -v systemd-nspawn >/dev/null || { echo "no systemd-nspawn (scripts/setup --for test installs it)"; return; }
	unshare -m sh -c "mount -t tmpfs none '$LAB_DIR' && mkdir '$LAB_DIR/upper' '$LAB_DIR/work' '$LAB_DIR/all' &&
		mount -t overlay -o 'lowerdir=/,upperdir=$LAB_DIR/upper,workdir=$LAB_DIR/work' none '$LAB_DIR/all'" 2>/dev/null ||
		echo "no overlay over this machine's root"
}
skip_unless container_missing

# What `meson install` makes, and the configuration of the BGP site where the units look for it.
machine() {
	DESTDIR=$LAB_DIR/disk meson install -C "$VPNGW_BUILD" --no-rebuild >"$LAB_DIR/install.txt" 2>&1 || { tail "$LAB_DIR/install.txt"; return 1; }
	config . || return 1
	install -d "$LAB_DIR/disk/etc/vpngw"
	jq 'del(.appliance.stateDirectory, .appliance.dataplaneSocket)' "$LAB_DIR/vpngw.json" >"$LAB_DIR/disk/etc/vpngw/vpngw.json"
}

# Nothing of what this machine starts by itself: only what systemd needs for its own.
boot() {
	# DPDK looks for the module of VFIO.
	lab_start systemd - unshare -m sh -c "mount -t tmpfs none /mnt && mkdir /mnt/upper /mnt/work /mnt/all &&
		mount -t overlay -o 'lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work' none /mnt/all && cp -a '$LAB_DIR/disk/.' /mnt/all &&
		exec systemd-nspawn -q -D /mnt/all --register=no --keep-unit --network-namespace-path=/run/netns/${LAB_PREFIX}gw \
			-M ${LAB_PREFIX}units --capability=all --system-call-filter=@privileged --bind=/sys/module --console=pipe \
			--boot -- systemd.unit=basic.target"
	lab_await 30 booted
}

inside() {
	nsenter -a -t "$(pgrep -P "$(lab_pid systemd)" -x systemd)" "$@"
}

booted() {
	inside systemctl is-active -q basic.target
}

# property UNIT NAME
property() {
	inside systemctl show -P "$2" "vpngw-$1"
}

start_units() {
	inside systemctl start vpngw-dataplane vpngw-control vpngw-frr && return 0
	inside journalctl --no-pager -o cat -n 30
	return 1
}

# Its process has this user and at most these capabilities: runs_as UNIT USER
runs_as() {
	local pid
	pid=$(property "$1" MainPID)
	inside grep -E '^(Uid|CapPrm|CapEff|NoNewPrivs|Seccomp):' "/proc/$pid/status" | tee "$LAB_DIR/status"
	[ "$(inside stat -c %U "/proc/$pid")" = "$2" ] && grep -q 'NoNewPrivs:.1' "$LAB_DIR/status" && grep -q 'Seccomp:.2' "$LAB_DIR/status"
}

only_net_capabilities() {
	runs_as control vpngw
	[ "$(grep -c '^Cap.*:.*0000000000001400$' "$LAB_DIR/status")" = 2 ] # NET_ADMIN, NET_BIND_SERVICE
}

site_carries() {
	site_and_frr && lab_await 40 connected && lab_ping host-a "$SITE_HOST_B" 10
}

reloaded() {
	jq '.connections[0].properties.routingWeight = 7' "$LAB_DIR/disk/etc/vpngw/vpngw.json" >"$LAB_DIR/new.json"
	inside sh -c 'cat >/etc/vpngw/vpngw.json' <"$LAB_DIR/new.json"
	inside systemctl reload vpngw-control
	lab_await 5 sh -c "$(declare -f gateway_api gateway_ns gateway_dir lab_in); LAB_API_PORT=$LAB_API_PORT LAB_DIR=$LAB_DIR LAB_GATEWAY= \
		LAB_PREFIX=$LAB_PREFIX; gateway_api GET /connections/to-branch | jq -e '.properties.routingWeight == 7'"
}

# As README and config/README.md say it: a token made here, and the command line on this machine.
command_line_works() {
	inside sh -c 'umask 077; vpngw token create me admin >/run/token' && inside systemctl reload vpngw-control || return 1
	lab_await 5 says Connected inside vpngw --token-file /run/token status && return 0
	inside vpngw --token-file /run/token status
	return 1
}

control_restarts() {
	site_pings_start
	inside systemctl restart vpngw-control
	lab_await 20 connected || { echo "BGP does not return"; return 1; }
	site_pings_end
}

# The unit has another main process and its tunnels are up: anew UNIT PID
anew() {
	[ "$(property "$1" MainPID)" != "$2" ] && [ "$(property "$1" ActiveState)" = active ] && lab_ping host-a "$SITE_HOST_B" 1
}

killed_starts_again() {
	local pid
	pid=$(property "$1" MainPID)
	inside systemctl kill -s KILL "vpngw-$1"
	lab_await 40 anew "$1" "$pid"
}

# Both stand still at once: the watchdogs of both find it.
stopped_starts_again() {
	local unit
	local -A pids
	for unit in dataplane control; do
		pids[$unit]=$(property "$unit" MainPID)
		inside systemctl kill -s STOP "vpngw-$unit"
	done
	for unit in dataplane control; do
		lab_await 40 anew "$unit" "${pids[$unit]}" || { echo "$unit"; return 1; }
	done
	inside journalctl --no-pager -o cat | grep -c 'Watchdog timeout' | grep -x 2
}

# killed and watchdog: two for each, and no other end of any.
restarts_are() {
	property dataplane NRestarts
	property control NRestarts
	[ "$(property dataplane NRestarts)" = "$1" ] && [ "$(property control NRestarts)" = "$1" ] && [ "$(property frr NRestarts)" = 0 ]
}

stops_quickly() {
	local from=${EPOCHREALTIME/./}
	inside systemctl stop vpngw-control vpngw-dataplane || return 1
	echo "$(((${EPOCHREALTIME/./} - from) / 1000)) ms"
	[ "$(property control Result)$(property dataplane Result)" = successsuccess ] && [ "$((${EPOCHREALTIME/./} - from))" -lt 3000000 ]
}

require "the site is made" site_up
site_gateway_ports
require "everything is installed" machine
require "systemd starts" boot
require "the units start" start_units
expect "control is user vpngw, with a filter and two capabilities" only_net_capabilities
expect "the data plane has a filter" runs_as dataplane root
require "tunnels, BGP and traffic" site_carries
expect "a reload takes the changed file in" reloaded
expect "the command line works with a token made on the machine" command_line_works
expect "control is restarted without a lost packet" control_restarts
expect "a killed control is started again" killed_starts_again control
expect "a killed data plane is started again" killed_starts_again dataplane
expect "both are started again when they stand still" stopped_starts_again
expect "and were for no other reason" restarts_are 2
expect "they stop when they are told to" stops_quickly
finish
