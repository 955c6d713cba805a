#pragma once
/*
 * DOC: flow hash
 *
 * One hash over the 5-tuple, by the CRC32 instruction and a multiplication that spreads it to all
 * bits (CRC alone is linear: flows that differ in few bits would share low bits). A fragment is
 * hashed by its addresses alone, so that all fragments of a packet take one way. With `symmetric`
 * both directions of a flow hash alike. Not keyed against an attacker: it spreads, it protects
 * nothing; the seed keeps two gateways in a row from choosing alike.
 */
#include "net/header.h"

#include <stdint.h>
#include <stdbool.h>
#include <string.h>

#define FIB_FLOW_SEED 0x5bd1e995u

static inline uint64_t fib_flow_load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t fib_flow_load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* SSE4.2, which DPDK demands too */
static inline uint64_t fib_flow_crc(uint64_t crc, uint64_t word)
{
	return __builtin_ia32_crc32di(crc, word);
}

static inline uint32_t fib_flow_finish(uint64_t a, uint64_t b)
{
	uint64_t h = (a | b << 32) * UINT64_C(0x9fb21c651e98df25);

	return (uint32_t)(h >> 32) ^ (uint32_t)(h >> 17);
}

/* Addresses as they stand in the packet; ports: both together as they stand in it, or 0. */
static inline uint32_t fib_flow_hash4(uint32_t src, uint32_t dst, uint32_t ports, uint8_t protocol)
{
	uint64_t a = fib_flow_crc(FIB_FLOW_SEED, (uint64_t)src << 32 | dst);
	uint64_t b = fib_flow_crc(protocol, (uint64_t)ports << 32 | src);

	return fib_flow_finish(a, b);
}

static inline uint32_t fib_flow_hash6(const uint8_t src[16], const uint8_t dst[16], uint32_t ports,
				      uint8_t protocol)
{
	uint64_t a = fib_flow_crc(FIB_FLOW_SEED, fib_flow_load64(src));
	uint64_t b = fib_flow_crc(protocol, fib_flow_load64(dst));

	a = fib_flow_crc(a, fib_flow_load64(src + 8) ^ (uint64_t)ports << 32);
	b = fib_flow_crc(b, fib_flow_load64(dst + 8) + ports);
	return fib_flow_finish(a, b);
}

static inline bool fib_flow_has_ports(uint8_t protocol)
{
	/* TCP, UDP, DCCP, SCTP, UDP-Lite: both ports come first. ESP: the SPI does. */
	return protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 ||
	       protocol == 136 || protocol == 50;
}

static inline uint32_t fib_flow_sort_ports(uint32_t ports, uint8_t protocol)
{
	uint32_t swapped = ports << 16 | ports >> 16;

	return protocol != 50 && swapped < ports ? swapped : ports;
}

static inline uint32_t fib_flow_of_packet4(const uint8_t *packet, uint32_t length, bool symmetric)
{
	const struct net_ip4_hdr *ip = (const struct net_ip4_hdr *)packet;
	uint32_t src = fib_flow_load32(ip->src);
	uint32_t dst = fib_flow_load32(ip->dst);
	uint32_t header = (uint32_t)(ip->version_ihl & 15) * 4;
	uint32_t ports = 0;
	/* MF or an offset: bits of the field as they stand in memory */
	bool fragment = ip->fragment_be & __builtin_bswap16(NET_IP4_MF | NET_IP4_OFFSET);

	if (!fragment && fib_flow_has_ports(ip->protocol) && length >= header + 4)
		ports = fib_flow_load32(packet + header);
	if (symmetric) {
		uint32_t low = src < dst ? src : dst;

		dst = src < dst ? dst : src;
		src = low;
		ports = fib_flow_sort_ports(ports, ip->protocol);
	}
	return fib_flow_hash4(src, dst, ports, ip->protocol);
}

static inline uint32_t fib_flow_of_packet6(const uint8_t *packet, uint32_t length, bool symmetric)
{
	const struct net_ip6_hdr *ip = (const struct net_ip6_hdr *)packet;
	const uint8_t *src = ip->src;
	const uint8_t *dst = ip->dst;
	uint8_t protocol = ip->next_header;
	uint32_t ports = 0;

	if (protocol == NET_PROTO_IP6_FRAG && length > sizeof(*ip)) {
		protocol = packet[sizeof(*ip)];
		length = 0;
	}
	if (fib_flow_has_ports(protocol) && length >= sizeof(*ip) + 4)
		ports = fib_flow_load32(packet + sizeof(*ip));
	if (symmetric) {
		if (memcmp(src, dst, 16) > 0) {
			src = ip->dst;
			dst = ip->src;
		}
		ports = fib_flow_sort_ports(ports, protocol);
	}
	return fib_flow_hash6(src, dst, ports, protocol);
}

/* An IP packet whose fixed header is there (`length` bytes are contiguous); version decides. */
static inline uint32_t fib_flow_of_packet(const uint8_t *packet, uint32_t length, bool symmetric)
{
	if (packet[0] >> 4 == 6)
		return fib_flow_of_packet6(packet, length, symmetric);
	return fib_flow_of_packet4(packet, length, symmetric);
}
