#pragma once
/*
 * Every reason for which the packet path gives up a packet: name in metrics, sentence for people.
 * Grouped by where in the path it happens. A new edge gets a new row here, nothing else.
 */
#define CONTRACT_DROPS(X)                                                                          \
	X(NONE, "none", "not dropped")                                                             \
	X(ETHER_SHORT, "ether_short", "frame shorter than its Ethernet header")                    \
	X(ETHER_TYPE, "ether_type", "EtherType that the gateway does not carry")                   \
	X(ETHER_VLAN, "ether_vlan", "802.1Q tag without a sub-port")                               \
	X(ETHER_NOT_US, "ether_not_us", "unicast frame for another MAC address")                   \
	X(IP4_SHORT, "ip4_short", "IPv4 packet shorter than its header or total length")           \
	X(IP4_HEADER, "ip4_header", "IPv4 version or header length wrong")                         \
	X(IP4_CHECKSUM, "ip4_checksum", "IPv4 header checksum wrong")                              \
	X(IP6_SHORT, "ip6_short", "IPv6 packet shorter than its header or payload length")         \
	X(IP6_HEADER, "ip6_header", "IPv6 version wrong")                                          \
	X(IP_SOURCE, "ip_source", "source address is multicast, loopback or unspecified")          \
	X(IP_TTL, "ip_ttl", "TTL or hop limit used up")                                            \
	X(IP_FRAGMENT, "ip_fragment", "fragment that could not be put together")                   \
	X(UDP_SHORT, "udp_short", "UDP datagram shorter than its header or length")                \
	X(KEEPALIVE, "keepalive", "NAT keepalive consumed")                                        \
	X(PATH_MTU, "path_mtu", "ICMP error about ESP of ours consumed, control told")             \
	X(ROUTE_NONE, "route_none", "no route to the destination")                                 \
	X(ROUTE_DROP, "route_drop", "route says drop")                                             \
	X(NEIGHBOUR_NONE, "neighbour_none", "next hop's MAC address not known in time")            \
	X(CLEAR_SPOOF, "clear_spoof", "clear packet whose source belongs behind a tunnel")         \
	X(ESP_SHORT, "esp_short", "ESP packet shorter than its parts")                             \
	X(ESP_SPI, "esp_spi", "no SA for the SPI")                                                 \
	X(ESP_PEER, "esp_peer", "ESP from an address that is not the SA's peer")                   \
	X(ESP_REPLAY_OLD, "esp_replay_old", "sequence number below the replay window")             \
	X(ESP_REPLAY_SEEN, "esp_replay_seen", "sequence number seen before")                       \
	X(ESP_LENGTH, "esp_length", "encrypted part not a multiple of the block")                  \
	X(ESP_ICV, "esp_icv", "integrity check failed")                                            \
	X(ESP_PADDING, "esp_padding", "padding longer than the packet or wrong")                   \
	X(ESP_NEXT_HEADER, "esp_next_header", "next header is not what the SA carries")            \
	X(ESP_DUMMY, "esp_dummy", "dummy packet (next header 59) consumed")                        \
	X(ESP_LIFETIME, "esp_lifetime", "SA past its hard lifetime")                               \
	X(ESP_SEQUENCE, "esp_sequence", "sequence numbers of the SA used up")                      \
	X(ESP_SPREAD, "esp_spread", "another worker held older sequence numbers for too long")     \
	X(INNER_HEADER, "inner_header", "decrypted packet malformed")                              \
	X(INNER_ECN, "inner_ecn", "congestion marked outside that the inner packet cannot carry")  \
	X(INNER_SELECTOR, "inner_selector", "decrypted packet outside the SA's selectors")         \
	X(INNER_SOURCE, "inner_source", "inner source that may not come out of the tunnel")        \
	X(INNER_TO_US, "inner_to_us", "inner destination is ours but not for tunnels")             \
	X(TUNNEL_NO_SA, "tunnel_no_sa", "no live SA for the tunnel group")                         \
	X(TUNNEL_NO_CHILD, "tunnel_no_child", "no child of the tunnel has the packet's selector")  \
	X(TUNNEL_HELD_FULL, "tunnel_held_full", "too many packets wait for an SA")                 \
	X(TUNNEL_HELD_LATE, "tunnel_held_late", "SA did not come up while the packet waited")      \
	X(TUNNEL_MTU, "tunnel_mtu", "too big for the tunnel, sender told")                         \
	X(LIMIT, "limit", "over a throughput limit")                                               \
	X(MIRROR_FULL, "mirror_full", "Linux mirror interface does not take more")                 \
	X(MIRROR_POLICED, "mirror_policed", "over the rate of its class to or from Linux")         \
	X(PUNT_FULL, "punt_full", "channel to control full")                                       \
	X(PUNT_POLICED, "punt_policed", "over the rate of its class to control")                   \
	X(HANDOVER_FULL, "handover_full", "ring to another worker full")                           \
	X(OVERLOAD, "overload", "shed before the receive ring ran over, so that IKE is not lost")  \
	X(TX_FULL, "tx_full", "transmit ring full")                                                \
	X(NO_BUFFER, "no_buffer", "packet buffers used up")

enum contract_drop {
#define X(name, text, sentence) CONTRACT_DROP_##name,
	CONTRACT_DROPS(X)
#undef X
		CONTRACT_DROP_COUNT
};
