#include "dataplane/frag/split.h"

#include "net/checksum.h"
#include "net/header.h"

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include <string.h>

#define MTU_MIN 68 /* RFC 791 */
#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_COPIED 0x80

struct header {
	uint8_t bytes[60];
	uint32_t length;
};

static const struct net_ip4_hdr *ip_of(const struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, const struct net_ip4_hdr *);
}

bool frag_may_split(const struct rte_mbuf *m, uint32_t mtu)
{
	const struct net_ip4_hdr *ip = ip_of(m);

	return m->pkt_len > mtu && ip->version_ihl >> 4 == 4 &&
	       !(ip->fragment_be & RTE_BE16(NET_IP4_DF));
}

/* The header of all fragments but the first: options whose copied flag is set (RFC 791 3.1). */
static void make_later_header(struct header *later, const struct header *first)
{
	uint32_t at = sizeof(struct net_ip4_hdr);

	memcpy(later->bytes, first->bytes, at);
	later->length = at;
	while (at < first->length) {
		const uint8_t *option = first->bytes + at;
		uint32_t n = option[0] <= OPTION_NOP ? 1 : at + 1 < first->length ? option[1] : 0;

		if (option[0] == OPTION_END || n == 0 || (n == 1 && option[0] != OPTION_NOP) ||
		    at + n > first->length)
			break;
		if (option[0] & OPTION_COPIED) {
			memcpy(later->bytes + later->length, option, n);
			later->length += n;
		}
		at += n;
	}
	while (later->length % 4)
		later->bytes[later->length++] = OPTION_END;
	later->bytes[0] = (uint8_t)(0x40 | later->length / 4);
}

static void write_header(struct rte_mbuf *m, const struct header *h, uint32_t offset, bool more)
{
	struct net_ip4_hdr *ip = rte_pktmbuf_mtod(m, struct net_ip4_hdr *);

	memcpy(ip, h->bytes, h->length);
	ip->length_be = rte_cpu_to_be_16((uint16_t)m->pkt_len);
	ip->fragment_be = rte_cpu_to_be_16((uint16_t)(offset / 8 | (more ? NET_IP4_MF : 0)));
	ip->checksum_be = 0;
	ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, h->length));
}

/* `n` bytes of the packet behind a header of their own. */
static struct rte_mbuf *cut(const struct rte_mbuf *packet, struct rte_mempool *pool, uint32_t at,
			    uint32_t n, uint32_t header)
{
	struct rte_mbuf *m = rte_pktmbuf_copy(packet, pool, at, n);

	if (!m)
		return NULL;
	if (!rte_pktmbuf_prepend(m, (uint16_t)header)) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	return m;
}

static bool read_header(const struct rte_mbuf *packet, struct header *first, uint32_t *length)
{
	const struct net_ip4_hdr *ip = ip_of(packet);

	if (packet->data_len < sizeof(*ip))
		return false;
	first->length = (ip->version_ihl & 15) * 4u;
	*length = rte_be_to_cpu_16(ip->length_be);
	if (first->length < sizeof(*ip) || first->length > packet->data_len ||
	    *length <= first->length || *length > packet->pkt_len)
		return false;
	memcpy(first->bytes, ip, first->length);
	return true;
}

uint32_t frag_split(struct rte_mbuf *packet, uint32_t mtu, struct rte_mempool *pool,
		    struct rte_mbuf *out[FRAG_SPLIT_MAX])
{
	struct header first;
	struct header later;
	uint16_t fragment = rte_be_to_cpu_16(ip_of(packet)->fragment_be);
	uint32_t offset = (fragment & NET_IP4_OFFSET) * 8u; /* it may be a fragment already */
	uint32_t length;
	uint32_t n = 0;

	if (mtu < MTU_MIN || !read_header(packet, &first, &length))
		goto fail;
	make_later_header(&later, &first);
	for (uint32_t at = first.length; at < length; n++) {
		const struct header *h = n ? &later : &first;
		uint32_t room = (mtu - h->length) & ~7u;
		uint32_t take = length - at <= mtu - h->length ? length - at : room;

		if (n == FRAG_SPLIT_MAX)
			goto fail;
		out[n] = cut(packet, pool, at, take, h->length);
		if (!out[n])
			goto fail;
		at += take;
		write_header(out[n], h, offset, at < length || fragment & NET_IP4_MF);
		offset += take;
	}
	rte_pktmbuf_free(packet);
	return n;
fail:
	while (n > 0)
		rte_pktmbuf_free(out[--n]);
	rte_pktmbuf_free(packet);
	return 0;
}
