#!/usr/bin/env bash
# The last good configuration survives what goes wrong while it is saved: kill -9 at any moment of a stream of changes, a
# disk that is full, a state file that is damaged. State lies on a small tmpfs.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" durable
skip_unless gateway_missing control dataplane
KILLS=${VPNGW_KILLS:-12}
STATE=$LAB_DIR/state
SITE=/localNetworkGateways/durable

starts() {
	gateway_start_control && lab_await 10 gateway_answers
}

# A tmpfs in place of the state directory; the namespace of mounts is the machine's: it is undone at the end.
small_state() {
	mount -t tmpfs -o size=512k,mode=0700,uid="$(id -u "$LAB_USER")" vpngw-test "$STATE"
}

site() {
	printf '{"properties":{"gatewayIpAddress":"203.0.113.50","localNetworkAddressSpace":{"addressPrefixes":["10.%s.0.0/16"]}}}' "$1"
}

# The prefix that runs: a number from 30 on.
running() {
	gateway_api GET "$SITE" | jq -r '.properties.localNetworkAddressSpace.addressPrefixes[0] // ""' | sed 's/^10\.\([0-9]*\)\..*/\1/'
}

# Changes one after the other until the endpoint is gone; the last that was accepted into LAB_DIR/accepted, and
# the last whose operation succeeded into LAB_DIR/applied.
changes() {
	local i url
	for i in $(seq 30 250); do
		url=$(lab_in gw curl -sS -k --max-time 5 -D - -o /dev/null -X PUT -H "Authorization: Bearer $(cat "$LAB_DIR/token")" \
			--data "$(site "$i")" "https://127.0.0.1:$LAB_API_PORT$SITE" 2>/dev/null | tr -d '\r' | sed -n 's/^Azure-AsyncOperation: //p')
		[ -n "$url" ] || return 0
		echo "$i" >"$LAB_DIR/accepted"
		lab_in gw curl -sS -k --max-time 5 -H "Authorization: Bearer $(cat "$LAB_DIR/token")" "$url" 2>/dev/null | grep -q Succeeded &&
			echo "$i" >"$LAB_DIR/applied"
	done
	return 0
}

# Killed somewhere in the stream: what runs afterwards is at least what was said to be applied, and whole.
kill_storm() {
	local round pid now applied accepted delay
	for round in $(seq "$KILLS"); do
		echo 0 >"$LAB_DIR/applied"
		echo 0 >"$LAB_DIR/accepted"
		pid=$(lab_pid control)
		delay=$(awk -v r="$RANDOM" 'BEGIN { printf "%.3f", 0.05 + r / 32768 * 0.4 }')
		(sleep "$delay"; kill -9 "$pid") &
		changes
		wait
		lab_await_end "$pid" 5
		if ! starts >/dev/null 2>&1; then
			tail -n 5 "$LAB_DIR/control.log"
			return 1
		fi
		now=$(running)
		applied=$(cat "$LAB_DIR/applied")
		accepted=$(cat "$LAB_DIR/accepted")
		printf 'round %s: applied %s, accepted %s, runs %s\n' "$round" "$applied" "$accepted" "${now:-nothing}"
		[ "$applied" = 0 ] || [ "${now:-0}" -ge "$applied" ] || return 1
		[ "$(gateway_api GET /connections | jq '.value | length')" = 1 ] || return 1
	done
}

fill() {
	running >"$LAB_DIR/applied" # what the storm ended with, whether its client heard of it or not
	dd if=/dev/zero of="$STATE/filler" bs=1k count=4096 2>/dev/null
	chown "$LAB_USER" "$STATE/filler"
	[ "$(df --output=avail "$STATE" | tail -n 1 | tr -d " ")" = 0 ]
}

# The journal's last page may still have room: some changes go in before it is really full.
full_is_told() {
	local i url state
	for i in $(seq 100 200); do
		url=$(lab_in gw curl -sS -k -D - -o /dev/null -X PUT -H "Authorization: Bearer $(cat "$LAB_DIR/token")" --data "$(site "$i")" \
			"https://127.0.0.1:$LAB_API_PORT$SITE" | tr -d '\r' | sed -n 's/^Azure-AsyncOperation: //p')
		[ -n "$url" ] || return 1
		for _ in $(seq 50); do
			state=$(lab_in gw curl -sS -k -H "Authorization: Bearer $(cat "$LAB_DIR/token")" "$url")
			case $state in *InProgress*) ;; *) break ;; esac
		done
		case $state in
		*Succeeded*) echo "$i" >"$LAB_DIR/applied" ;;
		*Failed*"No space left"*) return 0 ;;
		*) printf '%s\n' "$state"; return 1 ;;
		esac
	done
	return 1
}

last_good_runs() {
	[ "$(running)" = "$(cat "$LAB_DIR/applied")" ]
}

room_again() {
	rm "$STATE/filler"
	gateway_api PUT "$SITE" "$(site 210)" >/dev/null
	lab_await 5 runs 210
}

runs() {
	[ "$(running)" = "$1" ]
}

restarts() {
	lab_stop control
	starts
}

# A bit in the middle of the journal.
damage() {
	lab_stop control
	local file size
	file=$(find "$STATE" -name 'journal*' -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
	size=$(stat -c %s "$file")
	printf '\377\377\377\377' | dd of="$file" bs=1 seek=$((size - size / 4)) conv=notrunc 2>/dev/null
}

damage_is_told() {
	starts && grep -i 'journal' "$LAB_DIR/control.log" | grep -qi 'damaged\|corrupt\|checksum\|revision'
}

still_configured() {
	[ "$(gateway_api GET /connections | jq '.value | length')" = 1 ]
}

require "the site is made" site_up
require "its ports are DPDK's" site_gateway_ports
require "the configuration is accepted" gateway_config "$TOP/config/demo.json" \
	'.appliance.api.limits = { changesPerSecond: 100000, changesBurst: 100000 } | .appliance.history = 5'
require "the state is on a small disk" small_state
trap 'lab_signal_all KILL; umount -l "$STATE" 2>/dev/null; cleanup' EXIT
require "the data plane starts" gateway_start_dataplane
require "the control program starts" starts
require "and is ready" lab_await 60 gateway_is_ready
gateway_api PUT "$SITE" "$(site 30)" >/dev/null
require "a change is taken" lab_await 5 runs 30
expect "$KILLS times killed while it saves: nothing that was applied is lost" kill_storm
require "the disk is full" fill
expect "a change that cannot be saved fails, and says why" full_is_told
expect "what ran before goes on" last_good_runs
expect "with room again changes are taken" room_again
expect "and are there after a restart" restarts
expect "as they were" runs 210
damage
expect "a damaged journal is told, and the program starts" damage_is_told
expect "with what is good of it" still_configured
finish
