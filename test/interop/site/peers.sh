#!/usr/bin/env bash
# Peers that are not simply at an address: known by a name with several addresses, from anywhere, behind a NAT that moves.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" peers
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
KEY=$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")
SITE='.localNetworkGateways[0].properties'
LAB_HOSTS=$LAB_DIR/hosts
NATED=10.99.0.2

command -v nft >/dev/null || { echo "skipped: no nft (scripts/setup installs it)"; exit 77; }

name_is() { # ADDRESS...: of peer.lab.example
	local address
	printf '127.0.0.1 localhost\n' >"$LAB_HOSTS"
	for address in "$@"; do
		printf '%s peer.lab.example\n' "$address" >>"$LAB_HOSTS"
	done
}

up() {
	lab_charon_up branch-ike gw0
}

down() {
	! up
}

theirs() { # key=value...
	: >"$(lab_charon_dir branch-ike)/swanctl.conf"
	lab_charon_connection branch-ike gw0 local="$SITE_BRANCH" remote="$SITE_PUBLIC0" local_ts="$SITE_PREFIX_B" \
		remote_ts="$SITE_PREFIX_A" psk="$KEY" "$@"
	lab_charon_load branch-ike
}

ping_both() {
	lab_ping host-a "$SITE_HOST_B" 5 && lab_ping host-b "$SITE_HOST_A" 5
}

by_name() {
	name_is 203.0.113.99 "$SITE_BRANCH" && theirs && configured "$SITE |= (del(.gatewayIpAddress) | .fqdn = \"peer.lab.example\")" &&
		lab_await 20 up && ping_both && remote_is "$SITE_BRANCH"
}

# Another answer, then none: neither matters to what is up.
name_changes() {
	lab_start ping host-a ping -n -i 0.02 -w 60 "$SITE_HOST_B"
	name_is 203.0.113.98
	ask rekeyike && ask rekey && ping_both || return 1
	name_is
	ask rekey && ping_both && lab_ping_end ping && fails grep -E 'Connected -> ' "$LAB_DIR/control.log"
}

# Another name, which leads nowhere, and then somewhere.
name_gone() {
	configured "$SITE.fqdn = \"other.lab.example\"" && lab_await 10 down && status_says 'name has no address' 40 &&
		status_says 'other.lab.example: '
}

name_back() {
	name_is "$SITE_BRANCH"
	printf '%s other.lab.example\n' "$SITE_BRANCH" >>"$LAB_HOSTS"
	lab_await 60 up && ping_both
}

from_anywhere() {
	configured "$SITE |= (del(.fqdn) | .gatewayIpAddress = \"0.0.0.0\") | $CONNECTION.remoteId = \"branch.lab.example\"" &&
		lab_await 10 down && theirs remote_id="$SITE_PUBLIC0" local_id=branch.lab.example || return 1
	lab_swanctl branch-ike --initiate --child gw0 --timeout 10 >/dev/null && up && ping_both
}

# strongSwan moves into a namespace behind the branch's router, which masquerades.
behind_nat() {
	lab_stop branch-ike
	lab_ns inside && lab_cable branch nat inside eth0 && lab_addr branch nat 10.99.0.1/24 &&
		lab_addr inside eth0 "$NATED/24" && lab_route inside default 10.99.0.1 && lab_addr inside lo 10.20.0.77/32 || return 1
	lab_in branch nft -f - <<-RULES || return 1
		add table ip lab_nat
		add chain ip lab_nat post { type nat hook postrouting priority 100; }
		add rule ip lab_nat post ip saddr $NATED oifname "wan" masquerade random
	RULES
	lab_charon_start nated inside || return 1
	: >"$(lab_charon_dir nated)/swanctl.conf"
	lab_charon_connection nated gw0 local="$NATED" remote="$SITE_PUBLIC0" local_ts=10.20.0.0/16 remote_ts="$SITE_PREFIX_A" \
		psk="$KEY" local_id=branch.lab.example remote_id="$SITE_PUBLIC0" dpd=2
	lab_charon_load nated && lab_swanctl nated --initiate --child gw0 --timeout 10 >/dev/null &&
		lab_ping host-a 10.20.0.77 5 && lab_swanctl nated --list-sas | grep -q 'local.*4500'
}

remote_is() {
	gateway_api GET /status | jq -e ".tunnels[0].remoteAddress == \"$1\""
}

# The NAT gets another address: strongSwan sees in our answers how we see it, and tells where it is now.
nat_moves() {
	remote_is "$SITE_BRANCH" && lab_await_line nated 10 'parsed INFORMATIONAL response .*NATD_D_IP' || return 1
	ip -n "${LAB_PREFIX}branch" addr del "$SITE_BRANCH/24" dev wan && lab_addr branch wan 203.0.113.11/24 &&
		lab_route branch default 203.0.113.254 || return 1
	lab_await 20 remote_is 203.0.113.11 && lab_ping host-a 10.20.0.77 5 && lab_ping host-a 10.20.0.77 5
}

nat_rekeys() {
	ask rekeyike && lab_ping host-a 10.20.0.77 5 && ask rekey && lab_ping host-a 10.20.0.77 5 &&
		lab_swanctl nated --rekey --child gw0 >/dev/null && lab_ping host-a 10.20.0.77 5
}

too_many() {
	jq "$SITE.gatewayIpAddress = \"0.0.0.0\" | $CONNECTION.connectionMode = \"InitiatorOnly\"" "$LAB_DIR/vpngw.json" >"$LAB_DIR/wrong.json"
	says 'so it must dial' "$(gateway_program control)" --check-config "$LAB_DIR/wrong.json"
}

mkdir -p "$LAB_DIR"
name_is
site_started "$ONE_ADDRESS"
expect "a peer by name, whose second address answers" by_name
expect "changed and failed answers while it is up change nothing" name_changes
expect "a name without an address is told" name_gone
expect "and dialled when it has one again" name_back
expect "a peer from anywhere that dials" from_anywhere
expect "a peer behind a NAT" behind_nat
expect "its NAT gets another address" nat_moves
expect "rekeys through the NAT" nat_rekeys
expect "the data plane took everything" fails grep -h 'data plane refused' "$LAB_DIR/control.log"
expect "a site of any address that would never dial is refused" too_many
finish
