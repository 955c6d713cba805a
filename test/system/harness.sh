# shellcheck shell=bash
# Sourced by a system or interop test: a lab of its own, TAP on stdout, everything gone at the end.
#
#   . harness.sh NAME [more things that must be there...]
#   expect "what must hold" command...     a test; the next ones run also when it fails
#   require "what must hold" command...    a test without which the rest makes no sense
#   finish                                 at the end
#
# VPNGW_BUILD is the build folder (meson sets it). LAB_KEEP=1 leaves the lab of a failed test.
set -uo pipefail
TEST_NAME=$1
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export LAB_PREFIX=${LAB_PREFIX:-t${TEST_NAME:0:6}$$-}
# shellcheck source=../../scripts/lab.d/all.sh
. "$TOP/scripts/lab.d/all.sh"
tests=0
failures=0

skip_unless() {
	local missing
	missing=$("$@")
	[ -z "$missing" ] || { printf 'skipped: %s\n' "$missing"; exit 77; }
}

skip_unless lab_missing

cleanup() {
	local log
	if [ "$failures" -gt 0 ]; then
		for log in "$LAB_DIR"/*.log; do
			[ ! -s "$log" ] || { printf '# ---- %s\n' "${log##*/}"; tail -n 25 "$log" | sed 's/^/# /'; }
		done
		[ -z "${LAB_KEEP:-}" ] || { printf '# the lab is left: LAB_PREFIX=%s\n' "$LAB_PREFIX"; return; }
	fi
	lab_down
}
trap cleanup EXIT
trap 'exit 1' INT TERM
lab_down
lab_init

judge() {
	local what=$1 output
	shift
	tests=$((tests + 1))
	if output=$("$@" 2>&1); then
		printf 'ok %d - %s\n' $tests "$what"
		return 0
	fi
	failures=$((failures + 1))
	printf 'not ok %d - %s\n' $tests "$what"
	printf '%s\n' "$output" | tail -n 15 | sed 's/^/#   /'
	return 1
}

expect() {
	judge "$@" || true
}

require() {
	judge "$@" || finish
}

# Succeeds when the command fails.
fails() {
	! "$@"
}

# says TEXT COMMAND...: the output has this text, whatever the exit code
says() {
	local text=$1 output
	shift
	output=$("$@" 2>&1)
	case $output in *"$text"*) return 0 ;; esac
	printf 'expected "%s" in:\n%s\n' "$text" "$output"
	return 1
}

finish() {
	printf '1..%d\n' $tests
	[ $failures -eq 0 ] && [ $tests -gt 0 ]
	exit
}
