# shellcheck shell=bash
# What scripts/run tells: the picture with the tunnels' states, figures, how to talk to it. Sourced.

# For waiting: the tunnel is up, or nothing is left to wait for.
report_tunnel_up_or_dead() {
	lab_charon_up branch-ike "$1" || ! lab_alive control || ! lab_alive dataplane
}

# One second of TCP each way between the hosts, into LAB_DIR/measured.
report_measure() {
	local way result
	: >"$LAB_DIR/measured"
	lab_start iperf3 host-b iperf3 --server --forceflush
	lab_await_line iperf3 5 'Server listening' || return 1
	for way in "host-a to host-b" "host-b to host-a --reverse"; do
		# shellcheck disable=SC2086
		result=$(lab_in host-a timeout 20 iperf3 --client "$SITE_HOST_B" --time 2 --json ${way#host-? to host-?} |
			jq '.end.sum_received.bits_per_second / 1e6 | round') || return 1
		printf '%s: %s Mbit/s\n' "${way%% --*}" "$result" >>"$LAB_DIR/measured"
	done
	lab_stop iperf3
}

report_state() {
	if lab_charon_up branch-ike "$1"; then
		printf 'up, %s' "$(lab_swanctl branch-ike --list-sas --ike "$1" | sed -n 's/.*INSTALLED, \([^,]*\), \(ESP:.*\)/\2 \1/p' | head -n 1)"
	else
		printf 'DOWN'
	fi
}

report_picture() {
	cat <<-PICTURE

		  host-a            gateway                         internet       branch (strongSwan)    host-b
		  $SITE_HOST_A ---- $SITE_PRIVATE  $SITE_PUBLIC0   ==== tunnel 0 ====   $SITE_BRANCH ---- $SITE_HOST_B
		                              $SITE_PUBLIC1  ==== tunnel 1 ====

		  tunnel 0: $(report_state gw0)
		  tunnel 1: $(report_state gw1)
	PICTURE
	[ ! -s "$LAB_DIR/measured" ] ||
		printf '  TCP, %s\n' "$(paste -s -d ';' "$LAB_DIR/measured" | sed 's/;/, /')"
}

report_access() {
	cat <<-TEXT

		  REST   https://$(site_management_address):$LAB_API_PORT, token in $LAB_DIR/token
		  CLI    $LAB_DIR/vpngw status
		  logs   $LAB_DIR/*.log
		  stop   scripts/run --stop
	TEXT
}

report_try() {
	cat <<-TEXT

		Three things to try:
		  break a link    scripts/lab exec host-a ping -i 0.2 $SITE_HOST_B     and beside it
		                  scripts/lab break link0        then        scripts/lab heal
		  change the SKU  $LAB_DIR/vpngw get /virtualNetworkGateways/gw -o json |
		                      jq '.properties.sku = { name: "VpnGw1", tier: "VpnGw1" }' |
		                      $LAB_DIR/vpngw put /virtualNetworkGateways/gw -
		                  scripts/lab exec host-b iperf3 -s -D; scripts/lab exec host-a iperf3 -c $SITE_HOST_B
		  watch metrics   $LAB_DIR/vpngw status --watch        or        $LAB_DIR/vpngw metrics
	TEXT
}
