#include "dataplane/agent/events.h"
#include "base/clock.h"
#include "net/header.h"

#include <string.h>

#include <rte_mbuf.h>

#define EVENTS_BURST 64
#define EVENTS_WANTED_NS (250 * CLOCK_NS_PER_MS)
#define EVENTS_BUDGET 1024 /* events, and punts, of a turn */

/* What a kind of event carries, and how many of it control gets in a second (0: all). */
static const struct event_row {
	uint16_t bytes;
	uint32_t rate;
} event_rows[] = {
	[CONTRACT_ACQUIRE] = { sizeof(struct contract_acquire), 5000 },
	[CONTRACT_LIFETIME] = { sizeof(struct contract_lifetime), 0 },
	[CONTRACT_PEER_MOVED] = { sizeof(struct contract_peer_moved), 1000 },
	[CONTRACT_NEIGHBOUR_WANTED] = { sizeof(struct contract_neighbour_wanted), 1000 },
	[CONTRACT_PATH_MTU] = { sizeof(struct contract_path_mtu), 1000 },
	[CONTRACT_UNKNOWN_SPI] = { sizeof(struct contract_unknown_spi), 50 },
};

#define EVENT_TYPES (sizeof(event_rows) / sizeof(event_rows[0]))

static const uint32_t punt_rates[] = {
	[CONTRACT_CLASS_IKE] = 50000,
	[CONTRACT_CLASS_OPENVPN] = 50000,
	[CONTRACT_CLASS_SSTP] = 50000,
};

#define PUNT_CLASSES (sizeof(punt_rates) / sizeof(punt_rates[0]))
_Static_assert(EVENT_TYPES <= EVENTS_TYPES_MAX && PUNT_CLASSES <= EVENTS_CLASSES_MAX, "buckets");

/* A bucket of at most a second's worth. */
static bool bucket_take(struct event_bucket *bucket, uint32_t rate, uint64_t now_ns)
{
	uint64_t cost = CLOCK_NS_PER_S / rate;

	bucket->credit_ns += bucket->last_ns ? now_ns - bucket->last_ns : CLOCK_NS_PER_S;
	bucket->last_ns = now_ns;
	if (bucket->credit_ns > CLOCK_NS_PER_S)
		bucket->credit_ns = CLOCK_NS_PER_S;
	if (bucket->credit_ns < cost)
		return false;
	bucket->credit_ns -= cost;
	return true;
}

/* Every packet that waits asks again; control hears of a neighbour once in a while. */
static bool wanted_lately(struct agent *agent, const struct path_event *event, uint64_t now_ns)
{
	const uint32_t *words = event->words;
	uint64_t hash = event->domain + 1;
	struct event_wanted *slot;

	for (size_t i = 0; i < sizeof(event->neighbour) / sizeof(*words); i++)
		hash = (hash ^ words[i]) * UINT64_C(0x9fb21c651e98df25);
	hash |= 1;
	slot = &agent->wanted[hash >> 32 & (EVENTS_WANTED - 1)];
	if (slot->hash == hash && now_ns < slot->until_ns)
		return true;
	*slot = (struct event_wanted){ hash, now_ns + EVENTS_WANTED_NS };
	return false;
}

static void event_forward(struct agent *agent, const struct path_event *event, uint64_t now_ns)
{
	const struct event_row *row;

	if (event->type >= EVENT_TYPES || !event_rows[event->type].bytes)
		return;
	row = &event_rows[event->type];
	if (event->type == CONTRACT_NEIGHBOUR_WANTED && wanted_lately(agent, event, now_ns))
		return;
	if (row->rate && !bucket_take(&agent->event_buckets[event->type], row->rate, now_ns)) {
		agent->events_policed++;
		return;
	}
	/* There was room before this burst and the reserve is larger than a burst. */
	if (!agent_event(agent, (enum contract_type)event->type, event->words, row->bytes))
		agent->events_lost++;
}

/* Events stay in their ring while the channel has no room: they are not to be lost. */
static bool events_forward(struct agent *agent, uint64_t now_ns)
{
	struct path_event events[EVENTS_BURST];
	uint32_t n = EVENTS_BURST;

	for (uint32_t done = 0; n == EVENTS_BURST && done < EVENTS_BUDGET; done += n) {
		if (!agent_can_send(agent))
			return false;
		n = worker_events(agent->config.workers, events, EVENTS_BURST);
		for (uint32_t i = 0; i < n; i++)
			event_forward(agent, &events[i], now_ns);
	}
	return n == EVENTS_BURST;
}

/* IP and UDP headers were checked by the path; lengths are checked again before they are used. */
static bool punt_describe(const struct rte_mbuf *packet, struct contract_datagram *d)
{
	const uint8_t *ip = rte_pktmbuf_mtod(packet, const uint8_t *);
	const struct net_udp_hdr *udp = (const void *)(ip + packet->l3_len);
	uint32_t skip = packet->l3_len + (uint32_t)sizeof(*udp);
	uint16_t length;

	if (packet->l3_len < sizeof(struct net_ip4_hdr) || packet->data_len < skip)
		return false;
	length = rte_be_to_cpu_16(udp->length_be);
	skip += packet->l2_len ? 4 : 0;
	memset(d, 0, sizeof(*d));
	if (ip[0] >> 4 == 4) {
		d->remote = net_addr_of(NET_IP4, ((const struct net_ip4_hdr *)ip)->src);
		d->local = net_addr_of(NET_IP4, ((const struct net_ip4_hdr *)ip)->dst);
		d->dscp = ip[1] >> 2;
	} else if (packet->l3_len >= sizeof(struct net_ip6_hdr)) {
		d->remote = net_addr_of(NET_IP6, ((const struct net_ip6_hdr *)ip)->src);
		d->local = net_addr_of(NET_IP6, ((const struct net_ip6_hdr *)ip)->dst);
		d->dscp = (uint8_t)((ip[0] << 8 | ip[1]) >> 6 & 63);
	} else {
		return false;
	}
	d->remote_port = rte_be_to_cpu_16(udp->src_be);
	d->local_port = rte_be_to_cpu_16(udp->dst_be);
	d->port = packet->hash.usr;
	d->class = (uint8_t)packet->packet_type;
	d->non_esp_marker = packet->l2_len != 0;
	d->length = length - (skip - packet->l3_len);
	return length >= skip - packet->l3_len && packet->l3_len + length <= packet->data_len;
}

static enum contract_drop punt_forward(struct agent *agent, struct rte_mbuf *packet,
				       uint64_t now_ns)
{
	struct contract_datagram datagram;
	uint32_t class = packet->packet_type;

	if (class >= PUNT_CLASSES || !punt_rates[class])
		return CONTRACT_DROP_PUNT_POLICED;
	if (!bucket_take(&agent->punt_buckets[class], punt_rates[class], now_ns))
		return CONTRACT_DROP_PUNT_POLICED;
	if (rte_pktmbuf_linearize(packet) || !punt_describe(packet, &datagram))
		return CONTRACT_DROP_UDP_SHORT;
	/* RFC 768: source port 0 says that there is nobody to answer. */
	if (!datagram.remote_port || !datagram.local_port)
		return CONTRACT_DROP_UDP_SHORT;
	return agent_punt(agent, &datagram,
			  rte_pktmbuf_mtod_offset(packet, const uint8_t *,
						  packet->l3_len + sizeof(struct net_udp_hdr) +
							  (datagram.non_esp_marker ? 4 : 0)))
		       ? CONTRACT_DROP_NONE
		       : CONTRACT_DROP_PUNT_FULL;
}

static bool punts_forward(struct agent *agent, uint64_t now_ns)
{
	struct rte_mbuf *packets[EVENTS_BURST];
	uint32_t n = EVENTS_BURST;

	for (uint32_t done = 0; n == EVENTS_BURST && done < EVENTS_BUDGET; done += n) {
		n = worker_punts(agent->config.workers, packets, EVENTS_BURST);
		for (uint32_t i = 0; i < n; i++) {
			enum contract_drop drop = punt_forward(agent, packets[i], now_ns);

			if (drop != CONTRACT_DROP_NONE)
				agent->config.drops[drop]++;
			rte_pktmbuf_free(packets[i]);
		}
	}
	return n == EVENTS_BURST;
}

bool events_turn(struct agent *agent, uint64_t now_ns)
{
	bool more = events_forward(agent, now_ns);

	return punts_forward(agent, now_ns) || more;
}
