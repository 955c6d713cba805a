# shellcheck shell=bash
# shellcheck disable=SC2034,SC2119,SC2120
# Two prefixes on either side, one tunnel, and children of strongSwan in any division of them. After common.sh.
KEY=$(jq -r '.connections[0].properties.sharedKey' "$TOP/config/demo.json")
PAIRS="$ONE_ADDRESS
	| .virtualNetworks[0].properties.addressSpace.addressPrefixes = [\"10.10.0.0/16\", \"10.11.0.0/16\"]
	| .localNetworkGateways[0].properties.localNetworkAddressSpace.addressPrefixes = [\"10.20.0.0/16\", \"10.21.0.0/16\"]
	| .appliance.ports[2].addresses += [\"10.11.0.1/24\"]
	| $CONNECTION.usePolicyBasedTrafficSelectors = true"

hosts() {
	lab_addr host-a eth0 10.11.0.10/24 && lab_addr host-b eth0 10.21.0.10/24 && lab_addr branch lan 10.21.0.1/24
}

# theirs NAME=LOCAL===REMOTE...: children of strongSwan's one connection
theirs() {
	local child
	{
		cat <<-CONF
			secrets { ike-1 { secret = "$KEY" } }
			connections { gw0 {
				version = 2
				local_addrs = $SITE_BRANCH
				remote_addrs = $SITE_PUBLIC0
				proposals = aes256gcm16-prfsha384-ecp384,aes256-sha256-modp1024
				encap = yes
				local { auth = psk
					id = $SITE_BRANCH }
				remote { auth = psk
					id = $SITE_PUBLIC0 }
				children {
		CONF
		for child in "$@"; do
			printf '%s {\nlocal_ts = %s\nremote_ts = %s\nesp_proposals = aes256gcm16-ecp384,aes256gcm16\n}\n' "${child%%=*}" \
				"$(cut -d= -f2 <<<"$child")" "$(cut -d= -f3 <<<"$child")"
		done
		echo '} } }'
	} >"$(lab_charon_dir branch-ike)/swanctl.conf"
	lab_charon_load branch-ike
}

children() {
	[ "$(lab_charon_children branch-ike gw0)" = "$1" ]
}

# From each address of host-a to each of host-b and back.
all_pairs() {
	local a b
	for a in 10.10.0.10 10.11.0.10; do
		for b in 10.20.0.10 10.21.0.10; do
			lab_in host-a ping -n -q -c 1 -w 5 -I "$a" "$b" >/dev/null || { echo "$a to $b"; return 1; }
			lab_in host-b ping -n -q -c 1 -w 5 -I "$b" "$a" >/dev/null || { echo "$b to $a"; return 1; }
		done
	done
}
