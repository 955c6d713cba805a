#!/usr/bin/env bash
# BIRD, run by the user on the gateway's TUN instead of our FRR: its configuration is the one of config/README.md. Sessions inside
# the tunnel, routes both ways, who announces what, the loss of the daemon.
. "$(dirname "$0")/../../system/harness.sh" bird
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control cli
command -v bird >/dev/null || { echo "skipped: no BIRD (scripts/setup installs it)"; exit 77; }
# shellcheck source=bgp_site.sh
. "$(dirname "$0")/bgp_site.sh"

# The lines of the page, for this lab's addresses.
bird_config() {
	awk '/^    # bird.conf/ { on = 1 } on && !/^    / && NF { exit } on { sub(/^    /, ""); print }' "$TOP/config/README.md" >"$LAB_DIR/bird.conf"
	grep -q 'protocol bgp' "$LAB_DIR/bird.conf"
}

bird_starts() {
	lab_start bird gw bird -f -c "$LAB_DIR/bird.conf" -s "$LAB_DIR/bird.ctl"
	lab_await 10 birdc -s "$LAB_DIR/bird.ctl" show status
}

established() {
	birdc -s "$LAB_DIR/bird.ctl" show protocols | grep -q '^branch .*Established'
}

# The route to the site's network leads into the tunnels, by the RIB's word.
rib_has() {
	gateway_api GET /routes | jq -e '[.value[] | select(.best and (.prefix == "10.20.0.0/16" or .prefix == "10.21.0.0/16"))] | length == 2'
}

announced() {
	[ "$(ip -n "${LAB_PREFIX}gw" -j route show table 7801 | jq length)" = 2 ]
}

bird_dies() {
	kill "$(lab_pid bird)" && lab_await 30 fails rib_has
}

control_restarts() {
	lab_start pings host-a ping -n -q -i 0.05 -c 80 "$SITE_HOST_B"
	lab_kill control
	gateway_start_control
	lab_await_end "$(lab_pid pings)" 20
	grep -q ' 0% packet loss' "$LAB_DIR/pings.log" || { cat "$LAB_DIR/pings.log"; return 1; }
}

require "the page has a configuration" bird_config
require "the site is made" site_up
site_gateway_ports
require "the configuration is good" config
require "the data plane starts" gateway_start_dataplane
require "control starts" gateway_start_control
require "BIRD starts" bird_starts
require "the site's tunnels and FRR are up" site_and_frr
require "the session is up" lab_await 60 established
expect "learned routes are in the RIB" lab_await 10 rib_has
expect "and who announces them" lab_await 10 announced
expect "traffic flows on them, both ways" lab_ping host-a "$SITE_HOST_B" 10
expect "a restart of control loses no packet" control_restarts
expect "routes of a BIRD that ends go" bird_dies
finish
