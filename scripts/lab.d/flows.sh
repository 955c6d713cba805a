# shellcheck shell=bash
# Numbered flows both ways between the hosts of site.sh (test/tools/flows), in windows that end with a mark.

# flows_start FLOWS RATE [OPTION...]: packets a second and direction
flows_start() {
	coproc FLOWS { exec "$LAB_BUILD/test/tools/flows" --a "${LAB_PREFIX}host-a=$SITE_HOST_A" \
		--b "${LAB_PREFIX}host-b=$SITE_HOST_B" --both --flows "$1" --rate "$2" "${@:3}"; }
}

# Ends a window: a line of JSON each direction, in $window and on standard output.
flows_mark() {
	local a b
	printf '%s\n' "$1" >&"${FLOWS[1]}"
	read -r -t 30 a <&"${FLOWS[0]}" && read -r -t 30 b <&"${FLOWS[0]}" || return 1
	window="$a
$b"
	printf '%s\n' "$window"
}

flows_end() {
	eval "exec ${FLOWS[1]}>&-"
	wait "$FLOWS_PID"
}
