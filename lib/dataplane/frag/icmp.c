#include "dataplane/frag/icmp.h"

#include "net/checksum.h"
#include "net/header.h"

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include <string.h>

#define ICMP4_MAX 576  /* RFC 1812 4.3.2.3 */
#define ICMP6_MAX 1280 /* RFC 4443 2.4 (c) */
#define ICMP_HEADER 8
#define ICMP4_TTL 64
#define TOS_CONTROL 0xc0 /* internetwork control, RFC 1812 4.3.2.5 */
#define HEADERS_MAX 8

struct icmp_hdr {
	uint8_t type;
	uint8_t code;
	uint16_t checksum_be;
	uint32_t rest_be; /* the MTU: IPv4 in the low half */
} __attribute__((packed));

enum { ICMP4_UNREACHABLE = 3, ICMP4_REDIRECT = 5, ICMP4_EXCEEDED = 11, ICMP4_PARAMETER = 12 };
enum { ICMP4_QUENCH = 4, ICMP6_UNREACHABLE = 1, ICMP6_TOO_BIG, ICMP6_EXCEEDED };

static const struct {
	uint8_t type4;
	uint8_t code4;
	uint8_t type6;
	uint8_t code6;
} errors[] = {
	[ICMP_TOO_BIG] = { ICMP4_UNREACHABLE, 4, ICMP6_TOO_BIG, 0 },
	[ICMP_TTL_EXCEEDED] = { ICMP4_EXCEEDED, 0, ICMP6_EXCEEDED, 0 },
	[ICMP_NO_ROUTE] = { ICMP4_UNREACHABLE, 0, ICMP6_UNREACHABLE, 0 },
	[ICMP_PROHIBITED] = { ICMP4_UNREACHABLE, 13, ICMP6_UNREACHABLE, 1 },
};

static bool is_unicast(const struct net_addr *addr)
{
	if (net_addr_is_any(addr) || net_addr_is_multicast(addr) || net_addr_is_loopback(addr))
		return false;
	/* 0/8 and 240/4, the broadcast address with it, send and receive nothing here */
	return addr->family == NET_IP6 || (addr->bytes[0] != 0 && addr->bytes[0] < 240);
}

static bool icmp4_is_error(uint8_t type)
{
	return type == ICMP4_UNREACHABLE || type == ICMP4_QUENCH || type == ICMP4_REDIRECT ||
	       type == ICMP4_EXCEEDED || type == ICMP4_PARAMETER;
}

static bool due4(const uint8_t *p, uint32_t length, enum icmp_error error)
{
	const struct net_ip4_hdr *ip = (const struct net_ip4_hdr *)p;
	uint32_t header = (ip->version_ihl & 15) * 4u;
	struct net_addr src;
	struct net_addr dst;

	if (length < sizeof(*ip) || header < sizeof(*ip) || header > length)
		return false;
	src = net_addr_of(NET_IP4, ip->src);
	dst = net_addr_of(NET_IP4, ip->dst);
	if (ip->fragment_be & RTE_BE16(NET_IP4_OFFSET) || !is_unicast(&src) || !is_unicast(&dst))
		return false;
	return ip->protocol != NET_PROTO_ICMP || (length > header && !icmp4_is_error(p[header]));
}

/* Upper-layer protocol and where it starts; false for a later fragment or a broken chain. */
static bool skip6(const uint8_t *p, uint32_t length, uint8_t *protocol, uint32_t *at)
{
	*protocol = p[6];
	*at = sizeof(struct net_ip6_hdr);
	for (int i = 0; i < HEADERS_MAX; i++) {
		bool fragment = *protocol == NET_PROTO_IP6_FRAG;

		if (!fragment && *protocol != 0 && *protocol != NET_PROTO_IP6_ROUTE &&
		    *protocol != NET_PROTO_IP6_DEST)
			return true;
		if (*at + 8 > length)
			return false;
		if (fragment && ((uint32_t)p[*at + 2] << 8 | (p[*at + 3] & 0xf8)))
			return false;
		*protocol = p[*at];
		*at += fragment ? 8 : (p[*at + 1] + 1u) * 8;
	}
	return false;
}

static bool due6(const uint8_t *p, uint32_t length, enum icmp_error error)
{
	const struct net_ip6_hdr *ip = (const struct net_ip6_hdr *)p;
	struct net_addr src;
	struct net_addr dst;
	uint8_t protocol;
	uint32_t at;

	if (length < sizeof(*ip))
		return false;
	src = net_addr_of(NET_IP6, ip->src);
	dst = net_addr_of(NET_IP6, ip->dst);
	if (!is_unicast(&src))
		return false;
	/* RFC 4443 2.4 (e.3): too big may answer a multicast, so that its path MTU is found */
	if (!is_unicast(&dst) && !(error == ICMP_TOO_BIG && net_addr_is_multicast(&dst)))
		return false;
	if (!skip6(p, length, &protocol, &at))
		return false;
	return protocol != NET_PROTO_ICMP6 || (at < length && p[at] >= 128);
}

/* Sum of the pseudo header of RFC 8200 8.1. */
static uint64_t pseudo6(const struct net_ip6_hdr *ip, uint32_t length)
{
	uint32_t tail[2] = { rte_cpu_to_be_32(length), rte_cpu_to_be_32(NET_PROTO_ICMP6) };

	return net_checksum_add(net_checksum_add(0, ip->src, 32), tail, sizeof(tail));
}

static void write4(uint8_t *p, const struct rte_mbuf *packet, const struct net_addr *from,
		   uint32_t total)
{
	struct net_ip4_hdr *ip = (struct net_ip4_hdr *)p;
	const struct net_ip4_hdr *cause = rte_pktmbuf_mtod(packet, const struct net_ip4_hdr *);

	*ip = (struct net_ip4_hdr){
		.version_ihl = 0x45,
		.tos = TOS_CONTROL,
		.length_be = rte_cpu_to_be_16((uint16_t)total),
		.ttl = ICMP4_TTL,
		.protocol = NET_PROTO_ICMP,
	};
	memcpy(ip->src, from->bytes, 4);
	memcpy(ip->dst, cause->src, 4);
	ip->checksum_be = net_checksum_fold(net_checksum_add(0, ip, sizeof(*ip)));
}

static void write6(uint8_t *p, const struct rte_mbuf *packet, const struct net_addr *from,
		   uint32_t total)
{
	struct net_ip6_hdr *ip = (struct net_ip6_hdr *)p;
	const struct net_ip6_hdr *cause = rte_pktmbuf_mtod(packet, const struct net_ip6_hdr *);

	*ip = (struct net_ip6_hdr){
		.version_class_flow_be = RTE_BE32(0x6c000000), /* traffic class TOS_CONTROL */
		.payload_length_be = rte_cpu_to_be_16((uint16_t)(total - sizeof(*ip))),
		.next_header = NET_PROTO_ICMP6,
		.hop_limit = ICMP4_TTL,
	};
	memcpy(ip->src, from->bytes, 16);
	memcpy(ip->dst, cause->src, 16);
}

static void copy_from(uint8_t *to, const struct rte_mbuf *packet, uint32_t n)
{
	for (const struct rte_mbuf *s = packet; s && n; s = s->next) {
		uint32_t part = s->data_len < n ? s->data_len : n;

		memcpy(to, rte_pktmbuf_mtod(s, const uint8_t *), part);
		to += part;
		n -= part;
	}
}

static void write_icmp(uint8_t *p, bool six, enum icmp_error error, uint32_t mtu, uint32_t length)
{
	struct icmp_hdr *icmp = (struct icmp_hdr *)(p + (six ? sizeof(struct net_ip6_hdr)
							     : sizeof(struct net_ip4_hdr)));
	uint64_t sum = six ? pseudo6((const struct net_ip6_hdr *)p, length) : 0;
	uint32_t tell = error != ICMP_TOO_BIG ? 0 : six && mtu < ICMP6_MAX ? ICMP6_MAX : mtu;

	*icmp = (struct icmp_hdr){
		.type = six ? errors[error].type6 : errors[error].type4,
		.code = six ? errors[error].code6 : errors[error].code4,
		.rest_be = rte_cpu_to_be_32(six ? tell : tell & 0xffff),
	};
	icmp->checksum_be = net_checksum_fold(net_checksum_add(sum, icmp, length));
}

struct rte_mbuf *icmp_error_new(struct rte_mempool *pool, const struct rte_mbuf *packet,
				enum icmp_error error, const struct net_addr *from, uint32_t mtu)
{
	const uint8_t *cause = rte_pktmbuf_mtod(packet, const uint8_t *);
	bool six = packet->data_len && cause[0] >> 4 == 6;
	uint32_t header = six ? sizeof(struct net_ip6_hdr) : sizeof(struct net_ip4_hdr);
	uint32_t most = (six ? ICMP6_MAX : ICMP4_MAX) - header - ICMP_HEADER;
	uint32_t quoted = packet->pkt_len < most ? packet->pkt_len : most;
	uint32_t total = header + ICMP_HEADER + quoted;
	struct rte_mbuf *m;
	uint8_t *p;

	if (from->family != (six ? NET_IP6 : NET_IP4) ||
	    !(six ? due6 : due4)(cause, packet->data_len, error))
		return NULL;
	m = rte_pktmbuf_alloc(pool);
	if (!m)
		return NULL;
	p = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)total);
	if (!p) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	if (six)
		write6(p, packet, from, total);
	else
		write4(p, packet, from, total);
	copy_from(p + header + ICMP_HEADER, packet, quoted);
	write_icmp(p, six, error, mtu, total - header);
	return m;
}

bool icmp_limit_admit(struct icmp_limit *limit, uint64_t now_tsc, uint64_t tsc_hz, uint32_t per_s,
		      uint32_t burst)
{
	uint64_t price = tsc_hz / (per_s ? per_s : 1);
	uint64_t most = price * burst;
	uint64_t gained = now_tsc - limit->at_tsc;

	limit->tokens = limit->at_tsc == 0 || gained > most ? most : limit->tokens + gained;
	if (limit->tokens > most)
		limit->tokens = most;
	limit->at_tsc = now_tsc;
	if (per_s == 0 || limit->tokens < price)
		return false;
	limit->tokens -= price;
	return true;
}

/* Ports and SPI of the quoted packet. */
static bool read_upper(struct icmp_report *r, const uint8_t *p, uint32_t length)
{
	uint32_t spi_at = 0;

	if (r->protocol == NET_PROTO_UDP) {
		if (length < sizeof(struct net_udp_hdr))
			return false;
		r->src_port = (uint16_t)(p[0] << 8 | p[1]);
		r->dst_port = (uint16_t)(p[2] << 8 | p[3]);
		spi_at = sizeof(struct net_udp_hdr);
	} else if (r->protocol != NET_PROTO_ESP) {
		return true;
	}
	if (length >= spi_at + 4)
		r->spi = (uint32_t)p[spi_at] << 24 | (uint32_t)p[spi_at + 1] << 16 |
			 (uint32_t)p[spi_at + 2] << 8 | p[spi_at + 3];
	return length >= spi_at + 4 || r->protocol == NET_PROTO_UDP;
}

static bool read_quoted(struct icmp_report *r, const uint8_t *p, uint32_t length, bool six)
{
	uint32_t at;

	if (six) {
		if (length < sizeof(struct net_ip6_hdr) || p[0] >> 4 != 6 ||
		    !skip6(p, length, &r->protocol, &at) || at > length)
			return false;
		r->src = net_addr_of(NET_IP6, p + 8);
		r->dst = net_addr_of(NET_IP6, p + 24);
		return read_upper(r, p + at, length - at);
	}
	if (length < sizeof(struct net_ip4_hdr) || p[0] >> 4 != 4)
		return false;
	at = (p[0] & 15) * 4u;
	/* a later fragment quotes no ports */
	if (at < sizeof(struct net_ip4_hdr) || at > length || (p[6] & 0x1f) || p[7])
		return false;
	r->protocol = p[9];
	r->src = net_addr_of(NET_IP4, p + 12);
	r->dst = net_addr_of(NET_IP4, p + 16);
	return read_upper(r, p + at, length - at);
}

/* The ICMP message in a packet, its checksum verified. NULL: none. */
static const struct icmp_hdr *find_icmp(const uint8_t *p, uint32_t *length, bool six)
{
	const struct net_ip4_hdr *ip4 = (const struct net_ip4_hdr *)p;
	const struct net_ip6_hdr *ip6 = (const struct net_ip6_hdr *)p;
	uint8_t protocol;
	uint32_t total;
	uint32_t at;

	if (*length < (six ? sizeof(*ip6) : sizeof(*ip4)))
		return NULL;
	total = six ? rte_be_to_cpu_16(ip6->payload_length_be) + (uint32_t)sizeof(*ip6)
		    : rte_be_to_cpu_16(ip4->length_be);
	if (total > *length)
		return NULL;
	if (six) {
		if (!skip6(p, total, &protocol, &at) || protocol != NET_PROTO_ICMP6)
			return NULL;
	} else {
		at = (ip4->version_ihl & 15) * 4u;
		if (at < sizeof(*ip4) || ip4->protocol != NET_PROTO_ICMP ||
		    ip4->fragment_be & RTE_BE16(NET_IP4_MF | NET_IP4_OFFSET))
			return NULL;
	}
	if (at + sizeof(struct icmp_hdr) > total)
		return NULL;
	*length = total - at;
	if (net_checksum_fold(net_checksum_add(six ? pseudo6(ip6, *length) : 0, p + at, *length)))
		return NULL;
	return (const struct icmp_hdr *)(p + at);
}

bool icmp_report_read(struct icmp_report *r, const uint8_t *packet, uint32_t length)
{
	bool six = length && packet[0] >> 4 == 6;
	const struct icmp_hdr *icmp = find_icmp(packet, &length, six);

	*r = (struct icmp_report){ 0 };
	if (!icmp)
		return false;
	if (six ? icmp->type == 0 || icmp->type >= 128 : !icmp4_is_error(icmp->type))
		return false;
	r->too_big = six ? icmp->type == ICMP6_TOO_BIG
			 : icmp->type == ICMP4_UNREACHABLE && icmp->code == 4;
	if (r->too_big)
		r->mtu = rte_be_to_cpu_32(icmp->rest_be) & (six ? UINT32_MAX : 0xffff);
	return read_quoted(r, (const uint8_t *)(icmp + 1), length - sizeof(*icmp), six);
}
