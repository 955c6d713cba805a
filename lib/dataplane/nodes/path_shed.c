/*
 * What must not be lost when there is no time for all, told by the headers alone: nothing is opened
 * and no checksum looked at, since what stays is run like any other packet.
 */
#include "dataplane/nodes/path_parse.h"

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#define AHEAD 4

/*
 * ESP, in UDP too (RFC 3948 section 2.1). A later fragment does not say what its UDP carries, so it
 * stays: IKE with certificates comes in pieces. A keepalive looks like ESP, and nobody misses it.
 */
static PATH_INLINE bool says_esp(const uint8_t *ip, bool ip6, uint32_t room)
{
	const struct net_ip4_hdr *ip4_hdr = (const struct net_ip4_hdr *)ip;
	const struct net_ip6_hdr *ip6_hdr = (const struct net_ip6_hdr *)ip;
	uint32_t at = ip6 ? sizeof(*ip6_hdr) : (ip4_hdr->version_ihl & 15u) * 4;
	uint8_t protocol = ip6 ? ip6_hdr->next_header : ip4_hdr->protocol;
	const struct net_udp_hdr *udp = (const struct net_udp_hdr *)(ip + at);
	uint32_t spi;

	if (protocol != NET_PROTO_UDP)
		return protocol == NET_PROTO_ESP;
	if (room < at + sizeof(*udp) + sizeof(spi) || udp->dst_be != RTE_BE16(NET_PORT_NATT) ||
	    (!ip6 && (ip4_hdr->fragment_be & RTE_BE16(NET_IP4_OFFSET))))
		return false;
	memcpy(&spi, udp + 1, sizeof(spi));
	return spi != 0;
}

static bool is_vital(struct path *path, uint32_t device, struct path_packet *p)
{
	const uint8_t *frame = rte_pktmbuf_mtod(p->m, const uint8_t *);
	struct address_found found;
	uint16_t type_be;
	uint32_t room;

	if (!path_frame(path, device, p, &type_be))
		return false;
	if (type_be != RTE_BE16(NET_ETHERTYPE_IP4) && type_be != RTE_BE16(NET_ETHERTYPE_IP6))
		return type_be == RTE_BE16(NET_ETHERTYPE_ARP) || (frame[0] & 1);
	p->ip6 = type_be == RTE_BE16(NET_ETHERTYPE_IP6);
	room = p->m->data_len - (uint32_t)(p->ip - frame);
	if (room < (p->ip6 ? sizeof(struct net_ip6_hdr) : sizeof(struct net_ip4_hdr)) ||
	    says_esp(p->ip, p->ip6, room))
		return false;
	return path_is_ours(path, p, &found) || path_stays_here(p);
}

/* ESP over IPv4 without a tag: mostly all of it, and told at a third of the cost. */
static PATH_INLINE bool is_plain(const struct rte_mbuf *m)
{
	const struct net_ether_hdr *ether = rte_pktmbuf_mtod(m, const struct net_ether_hdr *);
	const uint32_t least = sizeof(*ether) + sizeof(struct net_ip4_hdr);

	return m->data_len >= least && ether->type_be == RTE_BE16(NET_ETHERTYPE_IP4) &&
	       !(m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) &&
	       says_esp((const uint8_t *)(ether + 1), false, m->data_len - sizeof(*ether));
}

static void count_received(struct path *path, uint32_t port, uint64_t packets, uint64_t bytes)
{
	uint64_t *row = path->port_rows + (uint64_t)port * CONTRACT_PORT_COLUMNS;

	row[CONTRACT_PORT_RX_PACKETS] += packets;
	row[CONTRACT_PORT_RX_BYTES] += bytes;
}

/* The plain ones together, where nobody looks. */
static uint32_t shed_plain(struct path *path, uint32_t device, struct rte_mbuf **packets,
			   uint32_t n)
{
	uint32_t port = path->shared->devices[device].untagged;
	uint64_t *row = path->port_rows + (uint64_t)port * CONTRACT_PORT_COLUMNS;
	struct rte_mbuf *plain[PATH_BURST];
	uint64_t bytes = 0;
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(packets[i + AHEAD], uint8_t *));
		if (!is_plain(packets[i])) {
			packets[i - count] = packets[i];
			continue;
		}
		bytes += packets[i]->pkt_len;
		plain[count++] = packets[i];
	}
	count_received(path, port, count, bytes);
	path->drops[CONTRACT_DROP_OVERLOAD] += count;
	row[CONTRACT_PORT_DROPPED] += count;
	rte_pktmbuf_free_bulk(plain, count);
	return n - count;
}

/* Not within a run: what main published may have changed since. */
static void look(struct path *path)
{
	path->addresses = __atomic_load_n(&path->shared->addresses, __ATOMIC_ACQUIRE);
	path->watch = __atomic_load_n(&path->shared->watch, __ATOMIC_ACQUIRE);
	path->watch_fresh = true;
}

bool path_is_vital(struct path *path, uint32_t device, struct rte_mbuf *m)
{
	struct path_packet p = { .m = m };

	look(path);
	return is_vital(path, device, &p);
}

uint32_t path_shed(struct path *path, uint32_t device, struct rte_mbuf **packets, uint32_t n)
{
	uint32_t kept = 0;

	look(path);
	if (!path->watch && path->shared->devices[device].untagged)
		n = shed_plain(path, device, packets, n);
	for (uint32_t i = 0; i < n; i++) {
		struct path_packet p = { .m = packets[i] };

		if (is_vital(path, device, &p)) {
			packets[kept++] = p.m;
			continue;
		}
		count_received(path, p.port, 1, p.m->pkt_len);
		path_drop(path, &p, CONTRACT_DROP_OVERLOAD);
	}
	return kept;
}
