#!/usr/bin/env bash
# Two public addresses on two ports, each with a neighbour and an upstream of its own. A target behind each answers the
# gateway's probes; one upstream that fails, with its link up, takes only its own tunnels, and all that the gateway and its
# Linux say from an address, ESP, IKE and echo replies, goes out by that address's port, whatever the other one does.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" upstr
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
[ -x "$VPNGW_BUILD/test/tools/flows" ] || { echo "skipped: $VPNGW_BUILD/test/tools/flows is not built"; exit 77; }
TARGET0=203.0.113.81 TARGET1=203.0.113.82 window=

said() {
	[ "$(grep -cE "$2" "$LAB_DIR/control.log")" -ge "$1" ]
}

# Both targets are behind both neighbours: a probe that left by the wrong port would be answered all the same, so what
# comes in at a neighbour from an address that is not on its link is counted and dropped.
wrong_port_counted() {
	lab_in net nft -f - <<-RULES
		table inet strays {
			chain in { type filter hook prerouting priority -300;
				iifname gw0 ip saddr $SITE_PUBLIC1 counter drop
				iifname gw1 ip saddr $SITE_PUBLIC0 counter drop
			}
			chain probes { type filter hook prerouting priority -299;
				iifname gw0 ip daddr $TARGET0 icmp type echo-request counter
				iifname gw1 ip daddr $TARGET1 icmp type echo-request counter
			}
		}
	RULES
	lab_addr net br "$TARGET0/32"
	lab_addr net br "$TARGET1/32"
}

counted() {
	lab_in net nft list chain inet strays "$1" | sed -n 's/.*counter packets \([0-9]*\).*/\1/p' | sort -n | "$2" -n 1
}

probes_leave() {
	[ "$(counted probes head)" -ge 3 ]
}

no_strays() {
	[ "$(counted in tail)" = 0 ]
}

# The router behind address 0 forwards and answers nothing of it any more; its link stays.
upstream_fails() {
	lab_in net nft -f - <<-RULES
		table inet broken {
			chain in { type filter hook prerouting priority -200; iifname gw0 ip protocol { icmp, udp, esp } counter drop; }
			chain out { type filter hook postrouting priority 200; oifname gw0 ip protocol { icmp, udp, esp } counter drop; }
		}
	RULES
}

upstream_heals() {
	lab_in net nft delete table inet broken
}

# Every packet of both directions: once and in order.
all_came() {
	flows_mark "$1" && jq -se 'all(.[]; .received > 0 and .lost == 0 and .duplicates == 0 and .reordered == 0)' <<<"$window"
}

still_come() {
	flows_mark forget >/dev/null && lab_ping host-a "$SITE_HOST_B" 2 && flows_mark "$1" && jq -se 'all(.[]; .received > 0)' <<<"$window"
}

# Linux answers from the address that was asked, by its port; the neighbour of the other one must see nothing of it.
answers_by_its_port() {
	lab_in net ping -q -c 2 -W 2 -I "$TARGET0" "$SITE_PUBLIC0" >/dev/null && lab_in net ping -q -c 2 -W 2 -I "$TARGET1" "$SITE_PUBLIC1" >/dev/null
}

one_is_left() {
	gateway_api GET /connections/to-branch | jq -e '.properties.connectionStatus == "Connected"' &&
		! said 1 "does not answer tunnel=.* $SITE_PUBLIC1 "
}

require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "a target behind each neighbour" wrong_port_counted
require "the configuration is accepted" gateway_config "$TOP/config/demo.json" \
	".appliance.ports[0].probe = \"$TARGET0\" | .appliance.ports[1].probe = \"$TARGET1\""
require "strongSwan at the branch" site_branch "$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")" dpd=30
require "the data plane starts" gateway_start_dataplane
require "the control program starts" gateway_start_control
require "both tunnels come up" lab_await 20 site_branch_up
expect "probes leave by the port of their address" lab_await 10 probes_leave
expect "Linux answers each address by its own port" answers_by_its_port
flows_start 20 1000
expect "flows run both ways" still_come start
expect "no upstream is taken for dead" eval '! said 1 "upstream does not answer"'
expect "one upstream fails, its link is up" upstream_fails
expect "that is seen within 3 s" lab_await 3 said 1 "upstream does not answer.* port=pub0 target=$TARGET0"
expect "its tunnel is without a path" lab_await 2 said 1 "upstream does not answer tunnel=.* $SITE_PUBLIC0 "
expect "flows go on by the other" still_come broken
expect "whose tunnel stays" one_is_left
expect "Linux still answers the other address" lab_in net ping -q -c 2 -W 2 -I "$TARGET1" "$SITE_PUBLIC1"
flows_mark settled >/dev/null
expect "the upstream heals" upstream_heals
expect "that is seen" lab_await 5 said 1 "upstream answers again port=pub0"
expect "and its tunnel proves itself" lab_await 20 said 1 "alive tunnel=.* $SITE_PUBLIC0 "
expect "nothing is lost by that" all_came healed
expect "Linux answers both again" answers_by_its_port
expect "nothing ever left by the wrong port" no_strays
flows_end
finish
