#!/usr/bin/env bash
# A lifetime in kilobytes under steady traffic both ways: the rekey starts at least ten seconds before the hard limit at this
# rate, though an eighth of the lifetime is passed in five; no packet is lost.
# shellcheck source=../../system/harness.sh
. "$(dirname "$0")/../../system/harness.sh" expiry
skip_unless lab_charon_missing
skip_unless gateway_missing control dataplane
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
LIFETIME=$((10240 * 1024)) # 36 s of what is sent here
POLICY="$CONNECTION.ipsecPolicies = [{ saLifeTimeSeconds: 27000, saDataSizeKilobytes: $((LIFETIME / 1024)), ipsecEncryption: \"GCMAES256\",
	ipsecIntegrity: \"GCMAES256\", ikeEncryption: \"GCMAES256\", ikeIntegrity: \"SHA384\", dhGroup: \"ECP384\", pfsGroup: \"ECP384\" }]"

# The bytes that an SA had carried when it was closed, of strongSwan's "SPIs c1_i (123 bytes) c2_o (123 bytes)".
closed() {
	sed -n 's/.*closing CHILD_SA gw0{1} with SPIs [0-9a-f]*_i (\([0-9]*\) bytes) [0-9a-f]*_o (\([0-9]*\) bytes).*/\1/p' "$LAB_DIR/branch-ike.log" | head -n 1
}

first_is_closed() {
	[ -n "$(closed)" ]
}

rekeyed_in_time() {
	local began=${EPOCHREALTIME/./} ended used left_ms
	lab_await 60 first_is_closed || { echo "no rekey in 60 s"; return 1; }
	ended=${EPOCHREALTIME/./}
	used=$(closed)
	left_ms=$(((LIFETIME - used) * ((ended - began) / 1000) / used))
	printf '# %s of %s bytes were used after %s ms: %s ms were left\n' "$used" "$LIFETIME" "$(((ended - began) / 1000))" "$left_ms" >&3
	[ "$left_ms" -ge 10000 ] && [ "$used" -gt $((LIFETIME / 4)) ]
}

exec 3>&1
one_tunnel_up "$ONE_ADDRESS | $POLICY"
lab_start ping-a host-a ping -n -i 0.005 -s 1372 "$SITE_HOST_B"
expect "a rekey starts ten seconds before the end" rekeyed_in_time
expect "no packet is lost" lab_ping_end ping-a
finish
