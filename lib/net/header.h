#pragma once
/*
 * Fixed headers as they stand on the wire. Multi-byte fields are network order (`_be`). All are
 * packed: a pointer into a packet may be unaligned.
 */
#include <stdint.h>

#define NET_ETHERTYPE_IP4 0x0800
#define NET_ETHERTYPE_ARP 0x0806
#define NET_ETHERTYPE_VLAN 0x8100
#define NET_ETHERTYPE_IP6 0x86dd

enum net_protocol {
	NET_PROTO_ICMP = 1,
	NET_PROTO_IP4 = 4,
	NET_PROTO_TCP = 6,
	NET_PROTO_UDP = 17,
	NET_PROTO_IP6 = 41,
	NET_PROTO_IP6_ROUTE = 43,
	NET_PROTO_IP6_FRAG = 44,
	NET_PROTO_ESP = 50,
	NET_PROTO_AH = 51,
	NET_PROTO_ICMP6 = 58,
	NET_PROTO_NONE = 59,
	NET_PROTO_IP6_DEST = 60,
};

#define NET_PORT_IKE 500
#define NET_PORT_NATT 4500

#define NET_IP4_DF 0x4000
#define NET_IP4_MF 0x2000
#define NET_IP4_OFFSET 0x1fff

struct net_ether_hdr {
	uint8_t dst[6];
	uint8_t src[6];
	uint16_t type_be;
} __attribute__((packed));

struct net_vlan_hdr {
	uint16_t tci_be;
	uint16_t type_be;
} __attribute__((packed));

struct net_ip4_hdr {
	uint8_t version_ihl;
	uint8_t tos;
	uint16_t length_be;
	uint16_t id_be;
	uint16_t fragment_be;
	uint8_t ttl;
	uint8_t protocol;
	uint16_t checksum_be;
	uint8_t src[4];
	uint8_t dst[4];
} __attribute__((packed));

struct net_ip6_hdr {
	uint32_t version_class_flow_be;
	uint16_t payload_length_be;
	uint8_t next_header;
	uint8_t hop_limit;
	uint8_t src[16];
	uint8_t dst[16];
} __attribute__((packed));

struct net_udp_hdr {
	uint16_t src_be;
	uint16_t dst_be;
	uint16_t length_be;
	uint16_t checksum_be;
} __attribute__((packed));

struct net_tcp_hdr {
	uint16_t src_be;
	uint16_t dst_be;
	uint32_t seq_be;
	uint32_t ack_be;
	uint8_t offset;
	uint8_t flags;
	uint16_t window_be;
	uint16_t checksum_be;
	uint16_t urgent_be;
} __attribute__((packed));

struct net_esp_hdr {
	uint32_t spi_be;
	uint32_t seq_be;
} __attribute__((packed));
