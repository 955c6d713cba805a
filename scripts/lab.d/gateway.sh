# shellcheck shell=bash
# The gateway itself in the lab: its two programs from a build folder, with a configuration made from a file
# of the repository. Used by scripts/run and by the system tests.
#
# A lab with two gateways names the second by LAB_GATEWAY: its namespace, its folder below LAB_DIR, the end of its
# processes' names.
#
# LAB_BUILD is the build folder. The programs' files lie below LAB_DIR: vpngw.json, state/, dataplane.sock,
# token. The control program gives up root for LAB_USER.
LAB_BUILD=${LAB_BUILD:-${VPNGW_BUILD:-}}
LAB_USER=${LAB_USER:-nobody}
LAB_API_PORT=${LAB_API_PORT:-8443}

LAB_GATEWAY=${LAB_GATEWAY:-}

gateway_ns() {
	printf '%s' "${LAB_GATEWAY:-gw}"
}

gateway_dir() {
	printf '%s' "$LAB_DIR${LAB_GATEWAY:+/$LAB_GATEWAY}"
}

# The name of one of its processes: gateway_process control
gateway_process() {
	printf '%s' "$1${LAB_GATEWAY:+-$LAB_GATEWAY}"
}

gateway_program() {
	case $1 in
	cli) printf '%s/app/cli/vpngw' "$LAB_BUILD" ;;
	*) printf '%s/app/%s/vpngw-%s' "$LAB_BUILD" "$1" "$1" ;;
	esac
}

# The programs as ninja's targets, as far as this tree has them.
gateway_targets() {
	ninja -C "$LAB_BUILD" -t targets all | sed -n 's/^\(app\/[a-z]*\/vpngw[a-z-]*\): .*/\1/p'
}

# Says which of these programs are not there: gateway_missing dataplane control
gateway_missing() {
	local name
	[ -n "$LAB_BUILD" ] || { echo "no build folder given (LAB_BUILD)"; return; }
	for name in "$@"; do
		[ -x "$(gateway_program "$name")" ] || { echo "$(gateway_program "$name") is not built"; return; }
	done
	command -v jq >/dev/null || echo "no jq (scripts/setup installs it)"
}

# gateway_config FILE [JQ-PROGRAM]: LAB_DIR/vpngw.json from FILE with this lab's paths, a fresh token, and
# whatever the jq program changes.
gateway_config() {
	local token hash dir
	dir=$(gateway_dir)
	mkdir -p "$dir"
	token=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
	hash=$(printf '%s' "$token" | sha256sum | cut -d ' ' -f 1)
	(umask 077 && printf '%s\n' "$token" >"$dir/token")
	install -d -m 0700 -o "$LAB_USER" "$dir/state"
	(umask 077 && jq --arg dir "$dir" --arg hash "sha256:$hash" "
		.appliance.stateDirectory = \$dir + \"/state\"
		| .appliance.dataplaneSocket = \$dir + \"/dataplane.sock\"
		| .appliance.api.tokens = [{ name: \"lab\", role: \"admin\", hash: \$hash }]
		| ${2:-.}" "$1" >"$dir/vpngw.json") || return 1
	chown "$LAB_USER" "$dir/vpngw.json"
	"$(gateway_program control)" --check-config "$dir/vpngw.json"
}

gateway_socket_there() {
	[ -S "$(gateway_dir)/dataplane.sock" ] || ! lab_alive "$(gateway_process dataplane)"
}

# Starts the data plane in `gw` and waits until control could attach.
gateway_start_dataplane() {
	local dir name
	dir=$(gateway_dir)
	name=$(gateway_process dataplane)
	"$(gateway_program control)" --dataplane-options "$dir/vpngw.json" >"$dir/dataplane.options" || return 1
	lab_start "$name" "$(gateway_ns)" "$(gateway_program dataplane)" "@$dir/dataplane.options" --group "$(id -gn "$LAB_USER")" "$@"
	lab_await 20 gateway_socket_there
	[ -S "$dir/dataplane.sock" ] && lab_alive "$name" && return 0
	tail -n 5 "$LAB_DIR/$name.log" >&2
	lab_fail "the data plane did not start, see $LAB_DIR/$name.log"
}

# LAB_HOSTS: a file that it sees as /etc/hosts. LAB_CONTROL_UNDER: a command that is given its command line to run.
gateway_start_control() {
	local dir
	dir=$(gateway_dir)
	set -- "$(gateway_program control)" --config "$dir/vpngw.json" --socket "$dir/dataplane.sock" --frr "$dir/frr" \
		--user "$LAB_USER" ${LAB_CONTROL_LOG:+--log "$LAB_CONTROL_LOG"} "$@"
	# shellcheck disable=SC2016
	[ -z "${LAB_HOSTS:-}" ] || set -- unshare -m sh -c 'mount --bind "$0" /etc/hosts && exec "$@"' "$LAB_HOSTS" "$@"
	# shellcheck disable=SC2086
	lab_start "$(gateway_process control)" "$(gateway_ns)" ${LAB_CONTROL_UNDER:-} "$@"
}

# FRR for the gateway's BGP.
gateway_start_frr() {
	local dir
	dir=$(gateway_dir)
	lab_start "$(gateway_process frr)" "$(gateway_ns)" "$(dirname "${BASH_SOURCE[0]}")/../frr" "$dir/frr"
	lab_await 10 test -p "$dir/frr/changed"
}

# LAB_DIR/vpngw: the command line with endpoint and token of this lab, to be called from the machine itself.
gateway_cli() {
	cat >"$LAB_DIR/vpngw" <<-SCRIPT
		#!/bin/sh
		exec "$(gateway_program cli)" --url "https://$(site_management_address):$LAB_API_PORT" \\
			--token-file "$LAB_DIR/token" --insecure "\$@"
	SCRIPT
	chmod +x "$LAB_DIR/vpngw"
}

# curl to the REST endpoint from inside `gw`: gateway_api METHOD PATH [BODY]
gateway_api() {
	lab_in "$(gateway_ns)" curl -sS -k --max-time 10 -X "$1" -H "Authorization: Bearer $(cat "$(gateway_dir)/token")" \
		-H 'Content-Type: application/json' ${3:+--data "$3"} "https://127.0.0.1:$LAB_API_PORT$2"
}

gateway_answers() {
	gateway_api GET /healthz | grep -q ok
}

gateway_is_ready() {
	gateway_api GET /readyz | grep -q '"ready"'
}

# The answer of a long-running POST: gateway_result PATH
gateway_result() {
	local location dir _
	dir=$(gateway_dir)
	location=$(lab_in "$(gateway_ns)" curl -sS -k --max-time 10 -X POST -D - -o /dev/null -H "Authorization: Bearer $(cat "$dir/token")" \
		-H 'Content-Length: 0' "https://127.0.0.1:$LAB_API_PORT/$1" | sed -n 's/^[Ll]ocation: *https:\/\/[^/]*\(.*\)\r$/\1/p')
	[ -n "$location" ] || return 1
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		gateway_api GET "$location" >"$dir/result"
		[ ! -s "$dir/result" ] || break
		lab_pause 0.2
	done
	cat "$dir/result"
}
