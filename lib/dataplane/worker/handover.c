#include "dataplane/worker/handover.h"
#include "dataplane/fib/flow.h"
#include "dataplane/sa/hot.h"
#include "dataplane/worker/spread.h"

#include <rte_byteorder.h>
#include <rte_ethdev.h>
#include <rte_prefetch.h>
#include <rte_ring_elem.h>

#define ITEMS 64
#define AHEAD 4
#define RESERVED (WORKER_HANDOVER_RING / 8)

/* The SPI where ESP begins, also within UDP (RFC 3948 section 2.1); NULL: no ESP. */
static const uint8_t *spi_of(const uint8_t *l4, uint32_t n, uint8_t protocol)
{
	const struct net_udp_hdr *udp = (const struct net_udp_hdr *)l4;

	if (protocol == NET_PROTO_ESP)
		return n >= 4 ? l4 : NULL;
	if (protocol != NET_PROTO_UDP || n < sizeof(*udp) + 4 ||
	    udp->dst_be != RTE_BE16(NET_PORT_NATT) || fib_flow_load32(l4 + sizeof(*udp)) == 0)
		return NULL;
	return l4 + sizeof(*udp);
}

/* An IP header whose fixed part is there, and the bytes from it on. */
struct ip_at {
	const uint8_t *ip; /* NULL: something else */
	uint32_t n;
};

static struct ip_at ip_of(const struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t at = sizeof(struct net_ether_hdr);
	uint32_t fixed;
	uint16_t type_be;

	if (m->data_len < at + sizeof(struct net_vlan_hdr))
		return (struct ip_at){ NULL, 0 };
	memcpy(&type_be, frame + at - 2, sizeof(type_be));
	if (type_be == RTE_BE16(NET_ETHERTYPE_VLAN)) {
		at += (uint32_t)sizeof(struct net_vlan_hdr);
		memcpy(&type_be, frame + at - 2, sizeof(type_be));
	}
	if (type_be != RTE_BE16(NET_ETHERTYPE_IP4) && type_be != RTE_BE16(NET_ETHERTYPE_IP6))
		return (struct ip_at){ NULL, 0 };
	fixed = type_be == RTE_BE16(NET_ETHERTYPE_IP4) ? sizeof(struct net_ip4_hdr)
						       : sizeof(struct net_ip6_hdr);
	if (m->data_len < at + fixed ||
	    frame[at] >> 4 != (fixed == sizeof(struct net_ip4_hdr) ? 4 : 6))
		return (struct ip_at){ NULL, 0 };
	return (struct ip_at){ frame + at, m->data_len - at };
}

static const uint8_t *spi_at(struct ip_at at)
{
	const struct net_ip4_hdr *ip4 = (const struct net_ip4_hdr *)at.ip;
	const struct net_ip6_hdr *ip6 = (const struct net_ip6_hdr *)at.ip;
	uint32_t bytes = sizeof(*ip6);

	if (at.ip[0] >> 4 == 6)
		return spi_of(at.ip + bytes, at.n - bytes, ip6->next_header);
	bytes = (uint32_t)(ip4->version_ihl & 15) * 4;
	if (at.n < bytes || (ip4->fragment_be & RTE_BE16(NET_IP4_MF | NET_IP4_OFFSET)))
		return NULL;
	return spi_of(at.ip + bytes, at.n - bytes, ip4->protocol);
}

/* What decides: where ESP begins, or the packet. */
struct route_by {
	struct ip_at at;
	const uint8_t *spi; /* NULL: no ESP */
};

static struct route_by route_by(const struct rte_mbuf *m)
{
	struct route_by by = { .at = ip_of(m) };

	by.spi = by.at.ip ? spi_at(by.at) : NULL;
	return by;
}

static uint32_t spi_value(const uint8_t *spi)
{
	return rte_be_to_cpu_32(fib_flow_load32(spi));
}

static uint32_t reduce(uint32_t hash, uint32_t workers)
{
	return (uint32_t)((uint64_t)hash * workers >> 32);
}

static uint32_t worker_of_esp(const struct sa_hot *sas, uint32_t spi, uint32_t workers)
{
	const struct sa_slot *slot = sa_find(sas, spi);

	if (slot)
		return slot->in.tunnel % workers;
	return reduce(fib_flow_finish(fib_flow_crc(FIB_FLOW_SEED, spi), 0), workers);
}

static uint32_t worker_of(const struct sa_hot *sas, const struct route_by *by, uint32_t workers)
{
	if (by->spi)
		return worker_of_esp(sas, spi_value(by->spi), workers);
	return by->at.ip ? reduce(fib_flow_of_packet(by->at.ip, by->at.n, false), workers) : 0;
}

bool handover_is_esp(const struct rte_mbuf *m)
{
	return route_by(m).spi;
}

uint32_t handover_worker(const struct sa_hot *sas, const struct rte_mbuf *m, uint32_t workers)
{
	struct route_by by = route_by(m);

	return worker_of(sas, &by, workers);
}

/* Into the ring of another worker; what finds no room is dropped. */
static void give(struct worker *w, struct rte_ring *ring, struct worker_item *items, uint32_t n)
{
	uint32_t done = rte_ring_mp_enqueue_burst_elem(ring, items, sizeof(items[0]), n, NULL);

	w->counters[CONTRACT_WORKER_HANDED_OVER] += done;
	path_drops(w->path)[CONTRACT_DROP_HANDOVER_FULL] += n - done;
	for (; done < n; done++)
		rte_pktmbuf_free(items[done].m);
}

/*
 * What of received packets goes into the ring of another worker. Its last part is for what must not
 * be lost (skim.h) and what main sends; other packets find it full before.
 */
static uint32_t ration(struct worker *w, struct rte_ring *ring, struct worker_item *items,
		       uint32_t n)
{
	uint32_t room = rte_ring_free_count(ring);
	uint32_t kept = 0;

	if (likely(room >= n + RESERVED))
		return n;
	room = room > RESERVED ? room - RESERVED : 0;
	for (uint32_t i = 0; i < n; i++) {
		if (kept < room || path_is_vital(w->path, items[i].where, items[i].m)) {
			items[kept++] = items[i];
			continue;
		}
		path_drops(w->path)[CONTRACT_DROP_HANDOVER_FULL]++;
		rte_pktmbuf_free(items[i].m);
	}
	return kept;
}

static void give_received(struct worker *w, uint32_t to, uint32_t device, struct rte_mbuf **packets,
			  const uint8_t *whose, uint32_t n)
{
	struct worker_item items[PATH_BURST];
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++)
		if (whose[i] == to)
			items[count++] =
				(struct worker_item){ packets[i], WORKER_RECEIVED, device };
	if (count)
		count = ration(w, w->set->workers[to].ring, items, count);
	if (count)
		give(w, w->set->workers[to].ring, items, count);
}

uint32_t handover_received(struct worker *w, uint32_t device, struct rte_mbuf **packets, uint32_t n)
{
	const struct sa_hot *sas = w->set->shared.config.sas;
	uint32_t workers = w->set->config.workers;
	bool keep = spread_takes(w, device);
	struct route_by by[PATH_BURST];
	uint8_t whose[PATH_BURST];
	uint32_t own = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(packets[i + AHEAD], uint8_t *));
		by[i] = route_by(packets[i]);
		if (by[i].spi)
			rte_prefetch0(sa_slot(sas, spi_value(by[i].spi) & CONTRACT_SPI_ID_MASK));
	}
	for (uint32_t i = 0; i < n; i++)
		whose[i] =
			(uint8_t)(by[i].spi && keep ? w->index : worker_of(sas, &by[i], workers));
	for (uint32_t to = 0; to < workers; to++)
		if (to != w->index)
			give_received(w, to, device, packets, whose, n);
	for (uint32_t i = 0; i < n; i++)
		if (whose[i] == w->index)
			packets[own++] = packets[i];
	return own;
}

void handover_send(struct worker *w, struct worker *owner, uint32_t device, struct path_tx *tx)
{
	struct worker_item items[ITEMS];

	for (uint32_t from = 0; from < tx->n; from += ITEMS) {
		uint32_t n = RTE_MIN(tx->n - from, (uint32_t)ITEMS);

		for (uint32_t i = 0; i < n; i++)
			items[i] = (struct worker_item){ tx->packets[from + i], WORKER_TRANSMIT,
							 device };
		give(w, owner->sends, items, n);
	}
}

uint32_t handover_drain(struct worker *w)
{
	struct rte_mbuf *frames[ITEMS];
	struct worker_item items[ITEMS];
	uint32_t total = 0;
	uint32_t n;

	do {
		n = rte_ring_sc_dequeue_burst_elem(w->sends, items, sizeof(items[0]), ITEMS, NULL);
		for (uint32_t from = 0, to; from < n; from = to) {
			for (to = from; to < n && items[to].where == items[from].where; to++)
				frames[to - from] = items[to].m;
			worker_transmit(w, items[from].where, frames, to - from);
		}
		total += n;
	} while (n == ITEMS && total < WORKER_RING);
	return total;
}
