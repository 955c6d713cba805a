#!/usr/bin/env bash
# ICMP from strangers that lies about our packets, and clear packets from an address behind the tunnel: control hears of
# nothing that is not about an SA of ours, an absurd MTU has a floor, and the tunnels lose nothing meanwhile.
# shellcheck source=../harness.sh
. "$(dirname "$0")/../harness.sh" lies
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
skip_unless attack_missing

config() {
	gateway_config "$TOP/config/demo.json"
}

mtu_told() {
	grep -c 'a router on the way takes no more' "$LAB_DIR/control.log"
}

# lie KIND...: of which control hears nothing
lie() {
	local before
	before=$(mtu_told)
	attack "$@" && [ "$(mtu_told)" = "$before" ] && echo "$before reports of a smaller path"
}

attack_site
expect "too big, said of an SPI that is not ours" lie unknown_spi
expect "too big, said of our SPI with another peer, port or address" lie wrong_peer "spi=$(spi)"
expect "too big for an MTU of 0" lie absurd_mtu "spi=$(spi)" mtu=0
expect "too big for an MTU of 65535" lie absurd_mtu "spi=$(spi)" mtu=65535
expect "ICMP about what is inside, unreachables, redirects" lie inner "spi=$(spi)"
expect "clear packets from behind the tunnel" counted clear_spoof "$half" spoofed
expect "too big for an MTU of 68: the tunnel keeps what every way has" attack absurd_mtu "spi=$(spi)" mtu=68
expect "control heard of it, and took 576" says 'takes no more than mtu=576' cat "$LAB_DIR/control.log"
expect "a packet of 1400 bytes passes, in pieces" lab_in host-a ping -n -q -c 3 -i 0.2 -W 2 -M dont -s 1372 "$SITE_HOST_B"
finish
