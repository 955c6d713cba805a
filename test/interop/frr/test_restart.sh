#!/usr/bin/env bash
# Graceful restart: both speakers of the gateway are killed, then all of FRR is started again, while traffic flows: the site and
# we go on with what was learned, nothing is lost, and what the site withdrew meanwhile goes when they are back. Then with BIRD there.
. "$(dirname "$0")/../../system/harness.sh" restart
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control
command -v bird >/dev/null || { echo "skipped: no BIRD (scripts/setup installs it)"; exit 77; }
# shellcheck source=bgp_site.sh
. "$(dirname "$0")/bgp_site.sh"

told_preserved() {
	lab_vtysh branch-frr "show bgp ipv4 neighbors ${OURS[0]} graceful-restart json" | tee /dev/stderr | jq -e '.. | .fBit? // empty | . == true'
}

# sessions_have ROUTES: both are up, with so many each
sessions_have() {
	api_result getBgpPeerStatus | jq -e --argjson n "$1" '[.value[] | select(.state == "Connected" and .routesReceived == $n)] | length == 2'
}

speaker_pids() {
	cat "$LAB_DIR/frr/i0/bgpd.pid" "$LAB_DIR/frr/i1/bgpd.pid"
}

new_speakers() {
	local pid
	[ "$(speaker_pids)" != "$1" ] && for pid in $(speaker_pids); do kill -0 "$pid" || return 1; done
}

# What the kernels say of their routes, and numbered pings both ways.
watch_begins() {
	lab_start "routes-gw$1" gw ip monitor route
	lab_start "routes-site$1" branch ip monitor route
	rm -f "$LAB_DIR/figures"
	site_pings_start
}

watch_ends() {
	kill "$(lab_pid "routes-gw$1")" "$(lab_pid "routes-site$1")"
	site_pings_end
}

# stays WHERE PREFIX: no kernel let go of it
stays() {
	! grep "^Deleted $2" "$LAB_DIR/routes-$1.log"
}

# The collector has given up to open sessions: with FRR's graceful restart it then waits for the speakers to do so.
collector_waits() {
	lab_vtysh frr/rib 'show bgp neighbors json' | jq -e '[.[] | select(.bgpState == "Active")] | length == 2'
}

# They are away until the collector waits for them. The site's BGP withdraws a network while nobody hears it.
speakers_die() {
	local before
	before=$(speaker_pids)
	kill -STOP "$(lab_pid frr)"
	# shellcheck disable=SC2086
	kill -KILL $before
	lab_await 20 collector_waits || { kill -CONT "$(lab_pid frr)"; return 1; }
	kill -CONT "$(lab_pid frr)"
	lab_vtysh branch-frr 'configure terminal' 'router bgp 65010' 'address-family ipv4 unicast' 'no network 10.21.0.0/16'
	lab_await 20 new_speakers "$before"
}

site_keeps_stale() {
	lab_vtysh branch-frr 'show bgp ipv4 unicast 10.10.0.0/16 json' | jq -e '[.paths[] | select(.stale)] | length == 2'
}

kernel_has() {
	ip -n "${LAB_PREFIX}gw" -j route show "$1" | jq -e --argjson n "$2" '[.[] | if .nexthops then .nexthops | length else 1 end] | add // 0 | . == $n'
}

rib_has() {
	gateway_api GET /routes | jq -e --arg prefix "$1" '[.value[] | select(.prefix == $prefix and .best)] | length == 1'
}

# The launcher is killed: the daemons that it leaves end when it is started again.
frr_restarts() {
	local before
	before=$(daemon_pids)
	lab_kill frr
	gateway_start_frr && lab_await 30 all_anew "$before"
}

daemon_pids() {
	cat "$LAB_DIR"/frr/*/*.pid | sort
}

all_anew() {
	[ "$(daemon_pids | wc -l)" = 7 ] && [ -z "$(comm -12 <(printf '%s\n' "$1") <(daemon_pids))" ]
}

# The same with BIRD at the site.
bird_of_site() {
	local program i
	for program in bgpd bfdd zebra; do
		lab_kill "branch-frr-$program"
	done
	ip -n "${LAB_PREFIX}branch" route flush proto bgp
	{
		printf 'router id %s;\nprotocol device {}\n' "$SITE"
		printf 'protocol static nets { ipv4; route 10.20.0.0/16 unreachable; }\n'
		printf 'protocol kernel { learn; merge paths on; ipv4 { import all; export where source = RTS_BGP; }; }\n'
		for i in 0 1; do
			printf 'protocol bgp gw%s { local %s as 65010; neighbor %s as 65515; multihop; password "bgp-secret";\n' "$i" "$SITE" "${OURS[i]}"
			printf ' hold time 9; keepalive time 3; connect retry time 2; connect delay time 1; error wait time 1, 4;\n'
			printf ' ipv4 { import all; export where proto = "nets"; }; }\n'
		done
	} >"$LAB_DIR/bird.conf"
	lab_start bird branch bird -f -c "$LAB_DIR/bird.conf" -s "$LAB_DIR/bird.ctl"
	lab_await 10 birdc -s "$LAB_DIR/bird.ctl" show status
}

bird_speakers_die() {
	local before
	before=$(speaker_pids)
	# shellcheck disable=SC2086
	kill -KILL $before
	lab_await 20 new_speakers "$before"
}

site_has_it() {
	[ -n "$(ip -n "${LAB_PREFIX}branch" route show 10.10.0.0/16)" ]
}

require "the site is made" site_up
bgp_starts site_and_frr config
require "both sessions are up, two routes each" lab_await 40 sessions_have 2
require "traffic flows" lab_await 10 lab_ping host-a "$SITE_HOST_B" 1
expect "the kernel has both tunnels" lab_await 10 kernel_has 10.20.0.0/16 2
expect "the site is told that forwarding is preserved" told_preserved
watch_begins 1
expect "both speakers are killed and come again" speakers_die
expect "the sessions come back, one route each" lab_await 60 sessions_have 1
expect "what was withdrawn meanwhile goes" lab_await 60 kernel_has 10.21.0.0/16 0
expect "of the RIB too" lab_await 20 fails rib_has 10.21.0.0/16
expect "no packet was lost, either way" watch_ends 1
expect "the site kept our network" stays site1 10.10.0.0/16
expect "we kept the site's" stays gw1 10.20.0.0/16
expect "with both tunnels" kernel_has 10.20.0.0/16 2
watch_begins 2
expect "all of FRR ends and starts again" frr_restarts
expect "the sessions come back" lab_await 60 sessions_have 1
expect "the kernel has both tunnels again" lab_await 30 kernel_has 10.20.0.0/16 2
expect "no packet was lost, either way" watch_ends 2
expect "the site kept our network" stays site2 10.10.0.0/16
require "BIRD speaks at the site instead" bird_of_site
require "both sessions are up" lab_await 60 sessions_have 1
require "BIRD has our network" lab_await 20 site_has_it
require "so have we" lab_await 20 kernel_has 10.20.0.0/16 2
watch_begins 3
expect "both speakers are killed and come again" bird_speakers_die
expect "the sessions come back" lab_await 60 sessions_have 1
expect "no packet was lost, either way" watch_ends 3
expect "BIRD kept our network" stays site3 10.10.0.0/16
expect "we kept the site's" stays gw3 10.20.0.0/16
finish
