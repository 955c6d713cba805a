# shellcheck shell=bash
# The IKE engine (ikev2_probe: no data plane) in `gw`, 10.99.0.1, and a peer in `peer`, 10.99.0.2, with 10.2.0.0/16 behind it.
PROBE=$VPNGW_BUILD/test/tools/ikev2_probe
# shellcheck disable=SC2034  # of who sources this
psk='psk=a secret of the lab'

build() {
	lab_ns peer && lab_ns gw && lab_cable gw eth0 peer eth0 && lab_addr gw eth0 10.99.0.1/24 && lab_addr peer eth0 10.99.0.2/24 &&
		lab_addr peer lo 10.2.0.1/16
}

# probe IKE ESP OPTIONS...: ours; commands come through the fifo. TS_OURS: its selectors
probe() {
	local ike=$1 esp=$2
	shift 2
	lab_stop probe >/dev/null 2>&1
	rm -f "$LAB_DIR/fifo" "$LAB_DIR/probe.log"
	mkfifo "$LAB_DIR/fifo"
	# shellcheck disable=SC2016
	lab_start probe gw bash -c 'exec "$@" <>"$0"' "$LAB_DIR/fifo" "$PROBE" local=10.99.0.1 remote=10.99.0.2 id=gw.lab \
		peer-id=peer.lab "ike=$ike" "esp=$esp" "ts=${TS_OURS:-10.1.0.0/16===10.2.0.0/16}" "$@"
}

say() {
	printf '%s\n' "$1" >"$LAB_DIR/fifo"
}

seen() { # PATTERN [SECONDS]: PATIENCE unless given
	lab_await_line probe "${2:-$PATIENCE}" "$1"
}
