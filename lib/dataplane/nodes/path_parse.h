#pragma once
/*
 * The inline side of parsing: what every packet goes through.
 */
#include "dataplane/nodes/address_table.h"
#include "dataplane/nodes/path_state.h"

enum contract_drop path_parse_ip6_extensions(struct path_packet *p);
/* Any version and header length; 20 bytes are there. */
enum contract_drop path_parse_ip4_options(struct path_packet *p, uint32_t room,
					  bool checksum_known);

/* RFC 1122 section 3.2.1.3, RFC 1812 section 5.3.7: no packet comes from there. */
static PATH_INLINE bool path_parse_source4_bad(const uint8_t *src)
{
	return (uint8_t)(src[0] - 1) >= 223 || src[0] == 127;
}

static PATH_INLINE bool path_parse_source6_bad(const uint8_t *src)
{
	uint64_t high;
	uint64_t low;

	memcpy(&high, src, 8);
	memcpy(&low, src + 8, 8);
	return src[0] == 0xff || (high == 0 && (low == 0 || low == RTE_BE64(1)));
}

/*
 * Header without options. The ones-complement sum of its 16-bit words is all ones exactly when the
 * sum of its 64-bit words with carries brought round, as 2^64 - 1 is, is a multiple of 65535; a
 * multiple of an odd number is told by one multiplication with its inverse modulo 2^64.
 */
#define SUM4_INVERSE UINT64_C(0xfffefffefffeffff)
static PATH_INLINE bool path_parse_sum4_good(const uint8_t *ip)
{
	uint64_t w[2];
	uint64_t sum;
	uint32_t last;

	memcpy(w, ip, sizeof(w));
	memcpy(&last, ip + sizeof(w), sizeof(last));
	sum = w[0] + w[1];
	sum += sum < w[1];
	sum += last;
	sum += sum < last;
	return sum * SUM4_INVERSE <= UINT64_MAX / 65535;
}

/* A header of `header` bytes, which are there, and whether its sum is good. */
static PATH_INLINE enum contract_drop path_parse_ip4_rest(struct path_packet *p, uint32_t room,
							  uint32_t header, bool good)
{
	const struct net_ip4_hdr *ip = (const struct net_ip4_hdr *)p->ip;
	uint32_t length = rte_be_to_cpu_16(ip->length_be);

	if (unlikely(length - header > room - header)) /* below the header or above the room */
		return CONTRACT_DROP_IP4_SHORT;
	if (unlikely(!good))
		return CONTRACT_DROP_IP4_CHECKSUM;
	if (unlikely(path_parse_source4_bad(ip->src)))
		return CONTRACT_DROP_IP_SOURCE;
	p->length = length;
	p->l4 = (uint16_t)header;
	p->protocol = ip->protocol;
	p->ip6 = 0;
	p->fragment = (ip->fragment_be & RTE_BE16(NET_IP4_MF | NET_IP4_OFFSET)) != 0;
	return CONTRACT_DROP_NONE;
}

static PATH_INLINE enum contract_drop path_parse_ip4(struct path_packet *p, uint32_t room,
						     bool checksum_known)
{
	if (unlikely(room < sizeof(struct net_ip4_hdr)))
		return CONTRACT_DROP_IP4_SHORT;
	if (unlikely(p->ip[0] != 0x45))
		return path_parse_ip4_options(p, room, checksum_known);
	return path_parse_ip4_rest(p, room, sizeof(struct net_ip4_hdr),
				   checksum_known || path_parse_sum4_good(p->ip));
}

static PATH_INLINE enum contract_drop path_parse_ip6(struct path_packet *p, uint32_t room)
{
	const struct net_ip6_hdr *ip = (const struct net_ip6_hdr *)p->ip;
	uint32_t length;

	if (unlikely(room < sizeof(*ip)))
		return CONTRACT_DROP_IP6_SHORT;
	length = sizeof(*ip) + rte_be_to_cpu_16(ip->payload_length_be);
	if (unlikely(p->ip[0] >> 4 != 6))
		return CONTRACT_DROP_IP6_HEADER;
	if (unlikely(length > room))
		return CONTRACT_DROP_IP6_SHORT;
	if (unlikely(path_parse_source6_bad(ip->src)))
		return CONTRACT_DROP_IP_SOURCE;
	p->length = length;
	p->protocol = ip->next_header;
	p->l4 = sizeof(*ip);
	p->ip6 = 1;
	p->fragment = 0;
	if (likely(p->protocol == NET_PROTO_TCP || p->protocol == NET_PROTO_UDP ||
		   p->protocol == NET_PROTO_ESP || p->protocol == NET_PROTO_ICMP6))
		return CONTRACT_DROP_NONE;
	return path_parse_ip6_extensions(p);
}

/* The packet's destination is an address of ours. */
static PATH_INLINE bool path_is_ours(const struct path *path, const struct path_packet *p,
				     struct address_found *found)
{
	uint32_t dst;

	if (p->ip6)
		return address_find6(path->addresses, p->domain,
				     ((const struct net_ip6_hdr *)p->ip)->dst, found);
	memcpy(&dst, ((const struct net_ip4_hdr *)p->ip)->dst, sizeof(dst));
	return address_find4(path->addresses, p->domain, dst, found);
}

/* Never forwarded, for Linux: IPv4 multicast, limited broadcast and class E, IPv6 of the link. */
static PATH_INLINE bool path_stays_here(const struct path_packet *p)
{
	const struct net_ip6_hdr *ip6 = (const struct net_ip6_hdr *)p->ip;

	if (likely(!p->ip6))
		return ((const struct net_ip4_hdr *)p->ip)->dst[0] >= 224;
	/* RFC 4291 section 2.5.6: neither to nor from link-local addresses */
	return ip6->dst[0] >= 0xfe || (ip6->src[0] == 0xfe && (ip6->src[1] & 0xc0) == 0x80);
}
