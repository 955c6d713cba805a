#!/usr/bin/env bash
# BFD is lost in both tunnels of a site at once while the tunnels live, as when a machine stands still: FRR takes the site's
# routes out, the gateway goes on with them and loses nothing; they go when the site withdraws them, or BFD stays away.
. "$(dirname "$0")/../../system/harness.sh" suspect
skip_unless lab_charon_missing
skip_unless lab_frr_missing
skip_unless gateway_missing dataplane control
# shellcheck source=bgp_site.sh
. "$(dirname "$0")/bgp_site.sh"

kernel_has() {
	ip -n "${LAB_PREFIX}gw" -j route show "$1" | jq -e --argjson n "$2" '[.[] | if .nexthops then .nexthops | length else 1 end] | add // 0 | . == $n'
}

rib_has() {
	gateway_api GET /routes | jq -e --arg prefix "$1" '[.value[] | select(.prefix == $prefix and .best)] | length == 1'
}

sessions_have() {
	api_result getBgpPeerStatus | jq -e --argjson n "$1" '[.value[] | select(.state == "Connected" and .routesReceived == $n)] | length == 2'
}

# The site has a way back of its own: what its FRR does is its own affair.
way_back() {
	ip -n "${LAB_PREFIX}branch" route add 10.10.0.0/24 dev ipsec0 metric 900
}

bfd_is_silent() {
	lab_in branch nft -f - <<-RULES
		add table inet lab
		add chain inet lab in { type filter hook input priority 0; }
		add chain inet lab out { type filter hook output priority 0; }
		add rule inet lab in udp dport 4784 drop
		add rule inet lab out udp dport 4784 drop
	RULES
}

bfd_speaks() {
	lab_in branch nft delete table inet lab
}

site_withdraws() {
	lab_vtysh branch-frr 'configure terminal' 'router bgp 65010' 'address-family ipv4 unicast' "no network $1"
}

path_dies() {
	lab_in net nft -f - <<-RULES
		add table inet lab
		add chain inet lab forward { type filter hook forward priority 0; }
		add rule inet lab forward ip daddr $SITE_BRANCH drop
		add rule inet lab forward ip saddr $SITE_BRANCH drop
	RULES
}

kept() {
	grep -q 'BFD in all tunnels of a connection is gone' "$LAB_DIR/control.log" && rib_has 10.20.0.0/16
}

require "the site is made" site_up
bgp_starts site_and_frr config
require "both sessions are up, two routes each" lab_await 40 sessions_have 2
require "BFD is up in both tunnels" lab_await 30 bfd_both_up
require "the kernel has both tunnels" lab_await 10 kernel_has 10.20.0.0/16 2
require "the site has another way back" way_back
require "traffic flows" lab_await 10 lab_ping host-a "$SITE_HOST_B" 1
site_pings_start
require "no BFD comes through any more" bfd_is_silent
expect "FRR takes the site's routes out of the kernel" lab_await 10 kernel_has 10.20.0.0/16 0
expect "they are kept" kept
site_withdraws 10.21.0.0/16
require "BFD comes through again" bfd_speaks
expect "both sessions come back, one route each" lab_await 30 sessions_have 1
expect "the kernel has both tunnels again" lab_await 20 kernel_has 10.20.0.0/16 2
expect "what was withdrawn meanwhile goes" lab_await 20 fails rib_has 10.21.0.0/16
expect "no packet was lost, either way" site_pings_end
require "now nothing comes through, and that stays so" path_dies
expect "the routes go out of the kernel" lab_await 10 kernel_has 10.20.0.0/16 0
expect "they are kept for a while" rib_has 10.20.0.0/16
expect "and no longer" lab_await 15 fails rib_has 10.20.0.0/16
finish
