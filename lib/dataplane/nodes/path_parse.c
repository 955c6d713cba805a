/*
 * IP headers of packets whose first byte is p->ip: lengths first, then fields.
 */
#include "dataplane/nodes/path_parse.h"

enum contract_drop path_parse_ip(struct path_packet *p, uint32_t room, bool checksum_known)
{
	if (room == 0)
		return CONTRACT_DROP_IP4_SHORT;
	return p->ip[0] >> 4 == 6 ? path_parse_ip6(p, room)
				  : path_parse_ip4(p, room, checksum_known);
}

enum contract_drop path_parse_ip4_options(struct path_packet *p, uint32_t room, bool checksum_known)
{
	uint32_t header = (p->ip[0] & 15u) * 4;

	if (p->ip[0] >> 4 != 4 || header < sizeof(struct net_ip4_hdr))
		return CONTRACT_DROP_IP4_HEADER;
	if (header > room)
		return CONTRACT_DROP_IP4_SHORT;
	return path_parse_ip4_rest(
		p, room, header,
		checksum_known || net_checksum_fold(net_checksum_add(0, p->ip, header)) == 0);
}

static bool extension(uint8_t protocol)
{
	return protocol == 0 || protocol == NET_PROTO_IP6_ROUTE || protocol == NET_PROTO_IP6_DEST ||
	       protocol == NET_PROTO_IP6_FRAG;
}

/* RFC 8200 section 4: extension headers are read up to the first that is not one. */
enum contract_drop path_parse_ip6_extensions(struct path_packet *p)
{
	uint32_t at = sizeof(struct net_ip6_hdr);

	while (extension(p->protocol)) {
		const uint8_t *h = p->ip + at;
		uint32_t n = p->protocol == NET_PROTO_IP6_FRAG ? 8 : 0;

		if (at + 8 > p->length)
			return CONTRACT_DROP_IP6_SHORT;
		if (!n)
			n = 8 * (1u + h[1]);
		else
			p->fragment = (h[2] | (h[3] & 0xf9)) != 0;
		if (at + n > p->length)
			return CONTRACT_DROP_IP6_SHORT;
		p->protocol = h[0];
		at += n;
		if (p->fragment)
			break;
	}
	p->l4 = (uint16_t)at;
	return CONTRACT_DROP_NONE;
}
