#!/usr/bin/env bash
# What a person gets wrong at the command line or in a file: one sentence that says what, where and what to
# do; exit code 2 for the command line, 1 for the rest; nothing left behind.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" refuse
skip_unless gateway_missing control dataplane
control=$(gateway_program control)
dataplane=$(gateway_program dataplane)
sentences=1

# refuses CODE TEXT COMMAND...: ends with this code, with $sentences lines on stderr, one of them with TEXT, within 10 s.
refuses() {
	local code=$1 text=$2 status=0
	shift 2
	lab_in gw timeout 10 "$@" >"$LAB_DIR/out" 2>"$LAB_DIR/err" </dev/null || status=$?
	cat "$LAB_DIR/err"
	[ "$status" = "$code" ] || { echo "exit code $status, expected $code"; return 1; }
	grep -qiE -- "$text" "$LAB_DIR/err" || { echo "expected \"$text\""; return 1; }
	[ "$(grep -c . "$LAB_DIR/err")" -le "$sentences" ] || { echo "expected $sentences line(s)"; return 1; }
}

written() {
	printf '%s' "$2" >"$LAB_DIR/$1"
	printf '%s' "$LAB_DIR/$1"
}

no_rest() {
	local left
	left=$(ip -n "${LAB_PREFIX}gw" -br link | grep -v '^lo'; find "$LAB_DIR" -name '*.sock'; lab_in gw ss -lxnH 2>/dev/null | grep "$LAB_DIR")
	[ -z "$left" ] || { echo "left behind: $left"; return 1; }
}

lab_ns gw
port=name=p0,role=public,device=net_null0

expect "control --help" lab_in gw "$control" --help
expect "data plane --help" lab_in gw "$dataplane" --help
expect "control --version" says "vpngw-control " "$control" --version
expect "data plane --version" says "vpngw-dataplane " "$dataplane" --version

sentences=2
expect "control: unknown option" refuses 2 "--help" "$control" --what
expect "control: option without its value" refuses 2 "--help" "$control" --config
sentences=1
expect "control: a word too many" refuses 2 "unexpected argument 'x'" "$control" x
expect "data plane: unknown option" refuses 2 "--what" "$dataplane" --what
expect "data plane: bad number" refuses 2 "--buffers" "$dataplane" --buffers many
expect "data plane: bad CPU list" refuses 2 "--cores" "$dataplane" --cores a-b
expect "data plane: bad role" refuses 2 "role=" "$dataplane" --port name=p,device=net_null0,role=outside
expect "data plane: options file that is not there" refuses 2 "$LAB_DIR/none" "$dataplane" "@$LAB_DIR/none"

expect "data plane: arguments of a device behind commas" refuses 2 "after colons" "$dataplane" \
	--port name=p,role=public,device=net_af_packet0,iface=lo
expect "data plane: help names every role" says "role=public|private|both|circuit" "$dataplane" --help

# What the start refuses and needs no DPDK to be found is said by the check too.
for start in "--check-config" "--socket $LAB_DIR/d.sock"; do
	# shellcheck disable=SC2086 # words
	set -- "$dataplane" $start --no-huge --port $port
	expect "data plane ${start%% *}: too little memory" refuses 1 "--memory 64: [0-9]+ MB are needed" "$@" --memory 64
	expect "data plane ${start%% *}: CPU that is not there" refuses 1 "--cores: CPU 999 is not there" "$@" --cores 999
	expect "data plane ${start%% *}: main CPU that is not there" refuses 1 "--main-core 999" "$@" --main-core 999
	expect "data plane ${start%% *}: group that is not there" refuses 1 "--group nosuchgroup" "$@" --group nosuchgroup
done
expect "data plane --check-config: what is good" says "options are good: 1 ports" "$dataplane" --check-config --no-huge --port $port
expect "data plane --check-config: interface that is not there now" says "no interface nosuchif now" "$dataplane" --check-config --no-huge \
	--port name=p0,role=public,device=net_af_packet0:iface=nosuchif
expect "data plane --check-config: PCI device that is not there now" says "no PCI device ff:1f.7 now" "$dataplane" --check-config --no-huge \
	--port name=p0,role=public,device=ff:1f.7

for check in --check-config --config --dataplane-options; do
	expect "control $check: no such file" refuses 1 "$LAB_DIR/none.*(No such file|does not exist|cannot)" "$control" $check "$LAB_DIR/none"
	expect "control $check: not JSON" refuses 1 "JSON|line 1" "$control" $check "$(written broken.json '{ "appliance": [')"
	expect "control $check: unknown key" refuses 1 "/appliance/colour" "$control" $check "$(written key.json '{ "appliance": { "colour": "red" } }')"
	expect "control $check: a folder" refuses 1 "$LAB_DIR" "$control" $check "$LAB_DIR"
done
expect "control: user that is not there" refuses 1 "nobodyhere" "$control" --config "$TOP/config/demo.json" --state "$LAB_DIR/state" \
	--socket "$LAB_DIR/d.sock" --user nobodyhere
expect "data plane: no such PCI device" refuses 1 "0000:ff:1f.7" "$dataplane" --no-huge --socket "$LAB_DIR/d.sock" \
	--port name=p0,role=public,device=0000:ff:1f.7
expect "data plane: interface that is not there" refuses 1 "nosuchif" "$dataplane" --no-huge --socket "$LAB_DIR/d.sock" \
	--port name=p0,role=public,device=net_af_packet0:iface=nosuchif
expect "data plane: socket in a folder that is not there" refuses 1 "$LAB_DIR/none/d.sock" "$dataplane" --no-huge \
	--socket "$LAB_DIR/none/d.sock" --port $port
expect "data plane: CPU that is not there" refuses 1 "CPU|core" "$dataplane" --no-huge --cores 1000 \
	--socket "$LAB_DIR/d.sock" --port $port
expect "nothing is left behind" no_rest
expect "data plane: the fewest buffers are enough" says "buffers=384" lab_in gw timeout 4 "$dataplane" --no-huge --buffers 384 \
	--socket "$LAB_DIR/d.sock" --port $port
finish
