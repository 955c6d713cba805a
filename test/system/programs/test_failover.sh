#!/usr/bin/env bash
# What one address of an active-active gateway suffers leaves its flows alone: 20 numbered flows both ways between the
# offices while a link breaks and heals, an address leaves and comes back, and the instance is reset with drain.
# One-way traffic moves nothing. The figures are scripts/bench failover's; here only what must hold on any machine.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" failov
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
flows=$VPNGW_BUILD/test/tools/flows window=
[ -x "$flows" ] || { echo "skipped: $flows is not built"; exit 77; }

# A line of the control's log, at least so often: said TIMES PATTERN
said() {
	[ "$(grep -cE "$2" "$LAB_DIR/control.log")" -ge "$1" ]
}

# In both directions packets came and every one of them came once and in order.
all_came() {
	flows_mark "$1" && jq -se 'all(.[]; .received > 0 and .lost == 0 and .duplicates == 0 and .reordered == 0)' <<<"$window"
}

# Flows came both ways until the end, whatever was lost in between.
still_come() {
	flows_mark forget && lab_ping host-a "$SITE_HOST_B" 2 && flows_mark "$1" && jq -se 'all(.[]; .received > 0)' <<<"$window"
}

status_of() {
	gateway_api GET /connections/to-branch | jq -r '.properties.connectionStatus'
}

link_breaks() {
	lab_link_down net gw0
	lab_await 5 said 1 "link is down tunnel=.* $SITE_PUBLIC0 "
}

link_heals() {
	lab_link_up net gw0
	lab_await 20 said 1 "alive tunnel=.* $SITE_PUBLIC0 "
}

link_heals_again() {
	lab_link_up net gw0
	lab_await 20 said 2 "alive tunnel=.* $SITE_PUBLIC0 "
}

address_goes() {
	ip -n "${LAB_PREFIX}gw" addr del "$SITE_PUBLIC0/24" dev vg-pub0
	lab_await 5 said 1 "path is gone tunnel=.* $SITE_PUBLIC0 "
}

address_comes() {
	ip -n "${LAB_PREFIX}gw" addr add "$SITE_PUBLIC0/24" dev vg-pub0
	lab_await 20 said 3 "alive tunnel=.* $SITE_PUBLIC0 "
}

rekeyed() {
	grep -q 'IKE_SA gw1\[.*rekeyed between' "$LAB_DIR/branch-ike.log" && ! grep -q 'IKE_SA gw0\[.*rekeyed between' "$LAB_DIR/branch-ike.log"
}

# Nobody but the data plane sees the link: what we send leaves it all the same; the peer hears of it when control goes on.
link_breaks_unseen() {
	kill -STOP "$(lab_pid control)"
	lab_link_down net gw0
	lab_await_line dataplane 5 'link of pub0 is down' && lab_await_line dataplane 5 'flows follow the link of pub0' || return 1
	flows_mark unseen >/dev/null && all_came_there "link down, control stopped"
	local came=$?
	kill -CONT "$(lab_pid control)"
	return "$came"
}

# The first direction alone.
all_came_there() {
	lab_ping host-a "$SITE_HOST_A" 1 && flows_mark "$1" && head -n 1 <<<"$window" | jq -e '.received > 0 and .lost == 0'
}

# Flows leave, then keys change, then flows return.
reset_with_drain() {
	gateway_api POST "/virtualNetworkGateways/gw/reset?drain=true&gatewayVip=$SITE_PUBLIC1" >/dev/null && lab_await 20 rekeyed &&
		lab_await 20 said 1 "alive tunnel=.* $SITE_PUBLIC1 " &&
		grep -oE "its flows leave first|drained, new SAs are made|told to use $SITE_PUBLIC0|new SAs carry, flows return|alive" "$LAB_DIR/control.log" |
			tail -n 5 | tr '\n' ';' | grep -x "its flows leave first;drained, new SAs are made;told to use $SITE_PUBLIC0;new SAs carry, flows return;alive;"
}

# The peer stands still while the flows leave and it is told to move, and makes its child anew when it hears of that: our new keys
# wait until it has. Few packets, so that what waits for it finds room in its socket (212,992 bytes).
peer_stands_still() {
	local place drain
	place=$(($(wc -c <"$LAB_DIR/control.log") + 1))
	"$flows" --a "${LAB_PREFIX}host-a=$SITE_HOST_A" --b "${LAB_PREFIX}host-b=$SITE_HOST_B" --both --flows 10 --rate 60 \
		--drain 2000 --seconds 7 >"$LAB_DIR/still" &
	drain=$!
	lab_pause 0.5
	kill -STOP "$(lab_pid branch-ike)"
	gateway_api POST "/virtualNetworkGateways/gw/reset?drain=true&gatewayVip=$SITE_PUBLIC1" >/dev/null
	lab_await 10 said_since "$place" 'told to use .* meanwhile' "$SITE_PUBLIC1"
	lab_pause 0.6
	kill -CONT "$(lab_pid branch-ike)"
	lab_await 20 said_since "$place" 'new SAs carry, flows return' "$SITE_PUBLIC1"
	local renewed=$?
	wait "$drain"
	cat "$LAB_DIR/still"
	tail -c "+$place" "$LAB_DIR/control.log" | grep -E 'drain|told|carry|return|alive|suspect'
	[ "$renewed" = 0 ] && jq -se 'all(.[]; .received > 0 and .lost == 0 and .duplicates == 0)' "$LAB_DIR/still"
}

# Nothing comes back: one_way LOST..., a jq expression of what may be lost. VPNGW_ONE_WAY seconds.
one_way() {
	"$flows" --a "${LAB_PREFIX}host-a=$SITE_HOST_A" --b "${LAB_PREFIX}host-b=$SITE_HOST_B" --flows 20 --rate 500 \
		--drain 2000 --seconds "${VPNGW_ONE_WAY:-4}" >"$LAB_DIR/one-way" || return 1
	cat "$LAB_DIR/one-way"
	jq -se "all(.[]; .received > 0 and ($1))" "$LAB_DIR/one-way" && ! said 1 'suspect: '
}

lossy() {
	lab_lose net 10 ip protocol udp && one_way ".lost > .sent / 20"
	local held=$?
	lab_heal net
	return "$held"
}

# The branch behind a wire of 250 ms a direction.
far_away() {
	ip -n "${LAB_PREFIX}net" link del dev br
	lab_ns wire
	lab_cable net br wire near && lab_cable wire far branch wan
	lab_in wire sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	lab_addr net br 203.0.113.254/24
	lab_addr branch wan "$SITE_BRANCH/24"
	lab_route branch default 203.0.113.254
	lab_start wire wire python3 "$TOP/test/tools/slow_wire.py" near far 250
	lab_await_line wire 5 ready && lab_await 10 round_trip
}

# Packets that left in the tunnel of an address.
sent_by() {
	gateway_api GET /status | jq --arg address "$1" '[.tunnels[] | select(.localAddress == $address) | .egressPackets] | add'
}

# Said of the tunnel of an address since a place in the log: said_since PLACE PATTERN ADDRESS
said_since() {
	tail -c "+$1" "$LAB_DIR/control.log" | grep -q "$2 tunnel=.* $3 "
}

# The one that fell silent first has no flows: they stay with the other one when that does not answer either.
both_fall_silent() {
	local place before
	place=$(($(wc -c <"$LAB_DIR/control.log") + 1))
	lab_silence net "$SITE_PUBLIC0"
	lab_await 10 said_since "$place" 'suspect: .*' "$SITE_PUBLIC0" && flows_mark settled >/dev/null || return 1
	before=$(sent_by "$SITE_PUBLIC0")
	lab_silence net "$SITE_PUBLIC1"
	lab_await 10 said_since "$place" 'suspect: .*' "$SITE_PUBLIC1" && flows_mark settled >/dev/null || return 1
	lab_pause 1
	[ "$(sent_by "$SITE_PUBLIC0")" = "$before" ]
}

both_answer() {
	local place
	place=$(($(wc -c <"$LAB_DIR/control.log") + 1))
	lab_heal net
	lab_await 30 said_since "$place" alive "$SITE_PUBLIC0" && lab_await 30 said_since "$place" alive "$SITE_PUBLIC1"
}

round_trip() {
	lab_in host-a ping -n -q -c 1 -W 3 "$SITE_HOST_B" | grep -oE 'rtt [^=]*= [0-9]+' | grep -qE ' [5-9][0-9]{2}$'
}

require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json"
require "strongSwan at the branch" site_branch "$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")" dpd=30
require "the data plane starts" gateway_start_dataplane
require "the control program starts" gateway_start_control
require "both tunnels come up" lab_await 20 site_branch_up
require "traffic flows" lab_ping host-a "$SITE_HOST_B" 10
expect "one-way traffic makes no tunnel suspect" one_way ".lost == 0"
expect "nor when a tenth of all packets is lost" lossy
flows_start 20 1000
expect "flows run both ways" still_come start
expect "the link of one address breaks" link_breaks
expect "flows go on by the other" still_come "link down"
expect "the connection is Connected meanwhile" says Connected status_of
flows_mark settled >/dev/null
expect "the link heals" link_heals
expect "and nothing is lost by coming home" all_came "link healed"
flows_mark settled >/dev/null
expect "a port without a link loses its flows while control is stopped" link_breaks_unseen
expect "control goes on, and flows both ways" lab_await 5 said 2 "link is down tunnel=.* $SITE_PUBLIC0 "
expect "the link heals again" link_heals_again
expect "one address leaves its port" address_goes
expect "flows go on by the other address" still_come "address gone"
flows_mark settled >/dev/null
expect "the address comes back" address_comes
expect "and nothing is lost by that" all_came "address back"
expect "a reset of one instance with drain moves flows away first and makes new SAs for its address only" reset_with_drain
expect "and loses nothing" all_came "planned"
flows_end
expect "nor when the peer stands still meanwhile" peer_stands_still
flows_start 20 1000
expect "one path falls silent, then the other: flows do not go back to the first" both_fall_silent
expect "both answer again" both_answer
expect "flows run both ways" still_come "both answer"
flows_end
: >"$LAB_DIR/control.log"
expect "the branch moves far away" far_away
expect "a round trip of half a second makes no tunnel suspect" one_way ".lost == 0"
expect "an address that the gateway does not have is refused" says "has no public address" \
	gateway_api POST "/virtualNetworkGateways/gw/reset?gatewayVip=192.0.2.99"
expect "and so is a drain that is neither true nor false" says "'true' or 'false'" \
	gateway_api POST "/connections/to-branch/resetconnection?drain=perhaps"
finish
