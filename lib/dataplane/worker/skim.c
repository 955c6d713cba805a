#include "dataplane/worker/skim.h"

#include <rte_ethdev.h>

#define FEW 32u /* some drivers give nothing when asked for less */
#define MARK(descriptors) ((descriptors) - (descriptors) / 8)
#define HIGH(descriptors) ((descriptors)*4u / 5)

void skim_init(struct worker *w)
{
	const struct port_set *ports = w->set->config.ports;

	for (uint32_t i = 0; i < ports->device_count; i++) {
		uint32_t descriptors = ports->devices[i].rx_descriptors;

		w->rings[i].ask = UINT16_MAX;
		if (descriptors)
			w->rings[i].ask =
				(uint16_t)RTE_MIN(HIGH(descriptors), (uint32_t)PATH_BURST);
	}
}

static void count_level(struct worker *w, uint32_t level, uint32_t descriptors)
{
	uint64_t percent = RTE_MIN(100 * (uint64_t)level / descriptors, UINT64_C(100));

	if (percent > w->counters[CONTRACT_WORKER_RX_LEVEL_MAX])
		w->counters[CONTRACT_WORKER_RX_LEVEL_MAX] = percent;
	w->counters[CONTRACT_WORKER_RX_HIGH] += level > HIGH(descriptors);
}

/* What came since the ring was asked the last time, `every` bursts ago, into one that is not full.
 */
static int32_t came_of(const struct worker_rx *ring, int32_t level, int32_t every, int32_t room)
{
	if (level > room - room / 16)
		return 2 * room; /* and more that it had no room for: nobody knows */
	return level + (every - 1) * PATH_BURST - ring->left;
}

/* How many packets more than the mark the ring will hold when it is looked at again. */
static int32_t excess_of(struct worker *w, uint32_t device, uint32_t n)
{
	const struct port_device *d = &w->set->config.ports->devices[device];
	int32_t every = RTE_MAX(d->rx_descriptors / (4 * PATH_BURST), 1);
	struct worker_rx *ring = &w->rings[device];
	uint64_t loop = w->counters[CONTRACT_WORKER_LOOPS];
	bool goes_on = ring->loop + 1 == loop;
	int32_t expected = 0;
	int32_t came;
	int waiting;

	ring->loop = loop;
	if (goes_on && ++ring->bursts < every)
		return 0;
	ring->bursts = 0;
	waiting = rte_eth_rx_queue_count(d->dpdk, (uint16_t)w->index);
	if (waiting < 0)
		return 0;
	count_level(w, n + (uint32_t)waiting, d->rx_descriptors);
	came = (int32_t)n + waiting;
	if (goes_on) {
		came = came_of(ring, came, every, d->rx_descriptors);
		expected = RTE_MIN(came, ring->came);
	}
	ring->came = came;
	ring->left = waiting;
	return waiting + expected - (every - 1) * PATH_BURST - MARK(d->rx_descriptors);
}

/* From the ring, until it is empty, `most` are taken or a burst of them must not be lost. */
static uint32_t take_more(struct worker *w, uint32_t device, uint32_t most, struct skim *kept)
{
	uint16_t dpdk = w->set->config.ports->devices[device].dpdk;
	uint32_t taken = 0;

	while (most - taken >= FEW && PATH_BURST - kept->n >= FEW) {
		struct rte_mbuf **to = kept->packets + kept->n;
		uint16_t room = (uint16_t)RTE_MIN(PATH_BURST - kept->n, most - taken);
		uint16_t n = rte_eth_rx_burst(dpdk, (uint16_t)w->index, to, room);

		kept->n += path_shed(w->path, device, to, n);
		taken += n;
		if (n < room)
			break;
	}
	return taken;
}

uint32_t skim_received(struct worker *w, uint32_t device, uint32_t n, struct skim *kept)
{
	int32_t descriptors = w->set->config.ports->devices[device].rx_descriptors;
	int32_t excess = excess_of(w, device, n);
	uint32_t taken;

	kept->n = 0;
	if (likely(excess <= 0))
		return 0;
	taken = take_more(w, device, (uint32_t)RTE_MIN(excess, descriptors), kept);
	w->rings[device].left -= (int32_t)taken;
	return taken;
}
