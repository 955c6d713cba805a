# shellcheck shell=bash
# The gateway itself in the lab: its two programs from a build folder, with a configuration made from a file
# of the repository. Used by scripts/run and by the system tests.
#
# LAB_BUILD is the build folder. The programs' files lie below LAB_DIR: vpngw.json, state/, dataplane.sock,
# token. The control program gives up root for LAB_USER.
LAB_BUILD=${LAB_BUILD:-${VPNGW_BUILD:-}}
LAB_USER=${LAB_USER:-nobody}
LAB_API_PORT=${LAB_API_PORT:-8443}

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
	local token hash
	token=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
	hash=$(printf '%s' "$token" | sha256sum | cut -d ' ' -f 1)
	(umask 077 && printf '%s\n' "$token" >"$LAB_DIR/token")
	install -d -m 0700 -o "$LAB_USER" "$LAB_DIR/state"
	(umask 077 && jq --arg dir "$LAB_DIR" --arg hash "sha256:$hash" "
		.appliance.stateDirectory = \$dir + \"/state\"
		| .appliance.dataplaneSocket = \$dir + \"/dataplane.sock\"
		| .appliance.api.tokens = [{ name: \"lab\", role: \"admin\", hash: \$hash }]
		| ${2:-.}" "$1" >"$LAB_DIR/vpngw.json") || return 1
	chown "$LAB_USER" "$LAB_DIR/vpngw.json"
	"$(gateway_program control)" --check-config "$LAB_DIR/vpngw.json"
}

gateway_socket_there() {
	[ -S "$LAB_DIR/dataplane.sock" ] || ! lab_alive dataplane
}

# Starts the data plane in `gw` and waits until control could attach.
gateway_start_dataplane() {
	"$(gateway_program control)" --dataplane-options "$LAB_DIR/vpngw.json" >"$LAB_DIR/dataplane.options" || return 1
	lab_start dataplane gw "$(gateway_program dataplane)" "@$LAB_DIR/dataplane.options" --group "$(id -gn "$LAB_USER")" "$@"
	lab_await 20 gateway_socket_there
	[ -S "$LAB_DIR/dataplane.sock" ] && lab_alive dataplane && return 0
	tail -n 5 "$LAB_DIR/dataplane.log" >&2
	lab_fail "the data plane did not start, see $LAB_DIR/dataplane.log"
}

gateway_start_control() {
	lab_start control gw "$(gateway_program control)" --config "$LAB_DIR/vpngw.json" \
		--socket "$LAB_DIR/dataplane.sock" --user "$LAB_USER" "$@"
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
	lab_in gw curl -sS -k --max-time 10 -X "$1" -H "Authorization: Bearer $(cat "$LAB_DIR/token")" \
		-H 'Content-Type: application/json' ${3:+--data "$3"} "https://127.0.0.1:$LAB_API_PORT$2"
}
