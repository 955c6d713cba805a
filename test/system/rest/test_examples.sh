#!/usr/bin/env bash
# Each example of config/examples runs: both programs with its configuration, only the devices of the ports are DPDK's
# null ones. What an example needs and is not built is named by the check, and the example is skipped with that reason.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" example
skip_unless gateway_missing control dataplane

# On a machine without huge pages and with two processors.
SMALL='.appliance.idle = "rest" | .appliance.memory = { hugePages: false, megabytes: 384, packets: 16384 } | del(.appliance.cores)
	| .appliance.maxima = { securityAssociations: 4096, tunnels: 1024, connections: 256, nextHops: 2048, groups: 1024, limits: 1024,
		routes4: 16384, routes6: 4096 }
	| .appliance.ports = [.appliance.ports | to_entries[] | .value * { device: "net_null\(.key)" }]'

accepts() {
	gateway_config "$1" "$SMALL"
}

starts() {
	gateway_start_dataplane && gateway_start_control && lab_await 10 gateway_answers && lab_await 10 gateway_is_ready
}

# Every connection of a gateway whose address is here has its tunnels, and the data plane agreed to all.
tunnels_wanted() {
	local addresses wanted
	addresses=$(gateway_api GET /virtualNetworkGateways | jq '[.value[] | .properties.ipConfigurations | length] | max')
	wanted=$(gateway_api GET /connections | jq '.value | length')
	printf '%s connections, %s addresses: %s tunnels\n' "$wanted" "$addresses" "$(gateway_api GET /status | jq '.tunnels | length')"
	[ "$(gateway_api GET /status | jq '.tunnels | length')" -ge "$wanted" ] && fails grep "the data plane refused" "$LAB_DIR/control.log"
}

all_succeeded() {
	[ "$(gateway_api GET /connections | jq '[.value[].properties.provisioningState] | unique == ["Succeeded"] or . == []')" = true ]
}

lab_ns gw
for file in "$TOP"/config/examples/*.json; do
	name=${file##*/}
	missing=$("$(gateway_program control)" --check-config "$file" 2>&1 | grep -c FeatureNotImplemented)
	if [ "$missing" -gt 0 ]; then
		tests=$((tests + 1))
		printf 'ok %d - %s # skip needs what is not built yet (%s properties)\n' $tests "$name" "$missing"
		continue
	fi
	expect "$name is accepted" accepts "$file"
	expect "$name starts" starts
	expect "$name has its tunnels" tunnels_wanted
	expect "$name is applied" all_succeeded
	lab_stop control
	lab_stop dataplane
	rm -rf "$LAB_DIR/state" "$LAB_DIR/ike.keep"
done
finish
