# shellcheck shell=bash
# A data plane on its own with one port to a peer, and contractctl as its control.
#
#   peer:eth0 -- gw:p0 (DPDK), mirror vg-p0 in gw
DP_SOCKET=$LAB_DIR/dp.sock
DP_CTL=$VPNGW_BUILD/test/tools/contractctl
DP_US=10.7.0.1
DP_PEER=10.7.0.2

dp_site() {
	lab_ns gw && lab_ns peer && lab_cable peer eth0 gw p0 && lab_addr peer eth0 $DP_PEER/24 && lab_dpdk_end gw p0
}

# More options may follow.
dp_start() {
	rm -f "$LAB_DIR/dataplane.log"
	lab_start dataplane gw "$(gateway_program dataplane)" --no-huge --idle rest --cores "${DP_CORES:-1}" ${DP_SPREAD:+--spread-inbound} --socket "$DP_SOCKET" "$@"
	lab_await 10 dp_ready
	dp_ready
}

dp_ready() {
	grep -q 'main: ready' "$LAB_DIR/dataplane.log" 2>/dev/null
}

dp_attached() {
	grep 'agent: control' "$LAB_DIR/dataplane.log" | tail -n 1 | grep -q attached
}

dp_port() {
	printf 'name=p0,role=public,device=%s%s' "$(lab_dpdk_device 0 p0)" "${1:-}"
}

# Lines for contractctl on stdin.
dp_ctl() {
	timeout 30 "$DP_CTL" "$DP_SOCKET"
}

dp_one() {
	timeout 30 "$DP_CTL" "$DP_SOCKET" "$@"
}

# Our address on the mirror, in Linux and in the packet path.
dp_address() {
	ip -n "${LAB_PREFIX}gw" addr replace $DP_US/24 dev vg-p0
	dp_ctl <<-END
		set address addr=$DP_US port=1 mirror=1
		set nexthop id=1 kind=connected port=1
		set route prefix=10.7.0.0/24 nexthop=1
	END
}

dp_descriptors() {
	find "/proc/$(lab_pid dataplane)/fd" -mindepth 1 | wc -l
}
