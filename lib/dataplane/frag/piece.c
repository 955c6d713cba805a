#include "dataplane/frag/piece.h"

#include "net/addr.h"
#include "net/header.h"

#include <rte_byteorder.h>

#include <string.h>

#define HEADERS_MAX 8
#define DATAGRAM_MAX 65535u

struct ip6_fragment_hdr {
	uint8_t next_header;
	uint8_t zero;
	uint16_t offset_be;
	uint32_t id_be;
} __attribute__((packed));

/* Length and place against the rules of both families; the end against 64 KiB. */
static bool fits(const struct frag_piece_info *info, uint32_t header_in_total)
{
	if (info->length == 0)
		return false;
	if (info->more && info->length % 8)
		return false; /* RFC 791, RFC 8200 4.5 */
	return info->start + info->length + header_in_total <= DATAGRAM_MAX;
}

static bool read4(struct frag_piece_info *info, const uint8_t *p, uint32_t contiguous,
		  uint32_t length)
{
	const struct net_ip4_hdr *ip = (const struct net_ip4_hdr *)p;
	uint32_t header;
	uint32_t total;
	uint16_t fragment;

	if (contiguous < sizeof(*ip))
		return false;
	header = (ip->version_ihl & 15) * 4u;
	total = rte_be_to_cpu_16(ip->length_be);
	if (header < sizeof(*ip) || header > contiguous || total < header || total > length)
		return false;
	fragment = rte_be_to_cpu_16(ip->fragment_be);
	memcpy(info->key.src, ip->src, 4);
	memcpy(info->key.dst, ip->dst, 4);
	info->key.id = ip->id_be;
	info->key.family = NET_IP4;
	info->key.protocol = ip->protocol;
	info->header = header;
	info->start = (fragment & NET_IP4_OFFSET) * 8u;
	info->length = total - header;
	info->more = fragment & NET_IP4_MF;
	info->ecn = ip->tos & 3;
	return fits(info, header);
}

static bool is_extension(uint8_t next)
{
	return next == 0 || next == NET_PROTO_IP6_ROUTE || next == NET_PROTO_IP6_DEST;
}

static bool read6(struct frag_piece_info *info, const uint8_t *p, uint32_t contiguous,
		  uint32_t length)
{
	const struct net_ip6_hdr *ip = (const struct net_ip6_hdr *)p;
	const struct ip6_fragment_hdr *fragment;
	uint32_t at = sizeof(*ip);
	uint32_t total;
	uint8_t next;

	if (contiguous < sizeof(*ip))
		return false;
	total = sizeof(*ip) + rte_be_to_cpu_16(ip->payload_length_be);
	if (total > length)
		return false;
	info->next_at = offsetof(struct net_ip6_hdr, next_header);
	next = ip->next_header;
	for (int i = 0; i < HEADERS_MAX && is_extension(next); i++) {
		if (at + 8 > contiguous)
			return false;
		info->next_at = at;
		next = p[at];
		at += (p[at + 1] + 1u) * 8;
	}
	if (next != NET_PROTO_IP6_FRAG || at + sizeof(*fragment) > contiguous ||
	    at + sizeof(*fragment) > total)
		return false;
	fragment = (const struct ip6_fragment_hdr *)(p + at);
	memcpy(info->key.src, ip->src, 16);
	memcpy(info->key.dst, ip->dst, 16);
	info->key.id = fragment->id_be;
	info->key.family = NET_IP6;
	info->header = at + (uint32_t)sizeof(*fragment);
	info->next_header = fragment->next_header;
	info->start = rte_be_to_cpu_16(fragment->offset_be) & 0xfff8u;
	info->more = rte_be_to_cpu_16(fragment->offset_be) & 1;
	info->length = total - info->header;
	info->ecn = p[1] >> 4 & 3;
	return fits(info, at - (uint32_t)sizeof(*ip));
}

bool frag_piece_read(struct frag_piece_info *info, const uint8_t *ip, uint32_t contiguous,
		     uint32_t length)
{
	*info = (struct frag_piece_info){ 0 };
	if (contiguous == 0)
		return false;
	if (ip[0] >> 4 == 4)
		return read4(info, ip, contiguous, length);
	return ip[0] >> 4 == 6 && read6(info, ip, contiguous, length);
}
