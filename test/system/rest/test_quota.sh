#!/usr/bin/env bash
# Every SKU of the catalogue carries as many connections as its row says and not one more, by REST and by the command line: a
# gateway for each of them in one configuration, with a connection less than it carries. No data plane: what is taken waits.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" quota
skip_unless gateway_missing control cli

# A gateway "g-N" with its sites and connections for each row of config/skus.json but `none`.
configuration() {
	jq -n --slurpfile skus "$TOP/config/skus.json" '
		def port($n): { name: "pub\($n)", device: "net_null\($n)", role: "public", gateway: "192.0.2.254",
			addresses: [range($n * 10 + 1; $n * 10 + 11) | "192.0.2.\(.)/24"] };
		def sku: $skus[0].skus | map(select(.siteToSiteTunnels > 0)) | to_entries[];
		def site($g; $i): { name: "s-\($g)-\($i)", properties: { gatewayIpAddress: "198.18.\($g).\($i + 1)",
			localNetworkAddressSpace: { addressPrefixes: ["10.\($g).\($i).0/24"] } } };
		{
			appliance: { ports: [port(0), port(1)], api: { limits: { operationSeconds: 600, changesPerSecond: 1000, changesBurst: 1000 } } },
			virtualNetworks: [sku | { name: "v-\(.key)", properties: { addressSpace: { addressPrefixes: ["172.16.\(.key).0/24"] },
				subnets: [{ name: "GatewaySubnet", properties: { addressPrefix: "172.16.\(.key).0/27" } }] } }],
			publicIPAddresses: [sku | { name: "p-\(.key)", properties: { ipAddress: "192.0.2.\(.key + 1)" } } +
				if .value.features | any(. == "zones") then { zones: ["1"] } else {} end],
			virtualNetworkGateways: [sku | { name: "g-\(.key)", properties: { sku: { name: .value.name },
				vpnGatewayGeneration: .value.generation, ipConfigurations: [{ name: "default",
				properties: { subnet: "v-\(.key)/GatewaySubnet", publicIPAddress: "p-\(.key)" } }] } }],
			localNetworkGateways: [sku | .key as $g | range(.value.siteToSiteTunnels + 1) | site($g; .)],
			connections: [sku | .key as $g | range(.value.siteToSiteTunnels - 1) | { name: "c-\($g)-\(.)", properties: {
				virtualNetworkGateway1: "g-\($g)", localNetworkGateway2: "s-\($g)-\(.)", connectionType: "IPsec" } }]
		}' >"$LAB_DIR/all.json" && gateway_config "$LAB_DIR/all.json"
}

# connect GATEWAY SITE: the body of a connection
connect() {
	printf '{"properties":{"connectionType":"IPsec","virtualNetworkGateway1":{"id":"g-%s"},"localNetworkGateway2":{"id":"s-%s-%s"}}}' "$1" "$1" "$2"
}

cli() {
	lab_in gw "$(gateway_program cli)" --url "https://127.0.0.1:$LAB_API_PORT" --token-file "$LAB_DIR/token" --insecure "$@"
}

# refused FILE NAME COUNT: as the body of an error says it
refused() {
	cat "$1"
	jq -e --arg sku "$2" --arg n "$3" '.error | .code == "QuotaExceeded" and .target == "/properties/virtualNetworkGateway1" and
		(.message | startswith("SKU \($sku) carries \($n) connections;"))' "$1"
}

# holds ROW NAME COUNT
holds() {
	local g=$1 last=$(($3 - 1)) answer=$LAB_DIR/answer status=0
	gateway_api PUT "/connections/c-$g-$last" "$(connect "$g" "$last")" >"$answer"
	jq -e '.properties.provisioningState == "Updating"' "$answer" || { cat "$answer"; return 1; }
	gateway_api PUT "/connections/more-$g" "$(connect "$g" "$3")" >"$answer"
	refused "$answer" "$2" "$3" || return 1
	connect "$g" "$3" >"$LAB_DIR/body"
	cli put "/connections/more-$g" "$LAB_DIR/body" -o json 2>"$answer" || status=$?
	[ "$status" = 1 ] && refused "$answer" "$2" "$3" || return 1
	cli put "/connections/more-$g" "$LAB_DIR/body" 2>"$answer"
	grep -qx "vpngw: QuotaExceeded: /properties/virtualNetworkGateway1: SKU $2 carries $3 connections; gateway g-$g has $(($3 + 1))\." "$answer"
}

lab_ns gw
require "the configuration is accepted" configuration
require "the control program starts" gateway_start_control
require "the endpoint answers" lab_await 20 gateway_answers
while read -r row name count generation; do
	expect "$name ($generation) carries $count connections, not $((count + 1))" holds "$row" "$name" "$count"
done < <(jq -r '.skus | map(select(.siteToSiteTunnels > 0)) | to_entries[] | "\(.key) \(.value.name) \(.value.siteToSiteTunnels) \(.value.generation)"' "$TOP/config/skus.json")
finish
