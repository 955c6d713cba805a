#include "dataplane/port/flow.h"

#include <rte_ethdev.h>
#include <rte_flow.h>

#define FLOW_QUEUES 64

/* eth / ip / esp, to all queues by the SPI. */
static bool flow_rule(struct port_device *device, enum rte_flow_item_type ip)
{
	uint16_t queues[FLOW_QUEUES];
	struct rte_flow_action_rss rss = {
		.types = RTE_ETH_RSS_ESP,
		.queue_num = RTE_MIN(device->rx_queues, FLOW_QUEUES),
		.queue = queues,
	};
	struct rte_flow_attr attr = { .ingress = 1 };
	struct rte_flow_item items[] = {
		{ .type = RTE_FLOW_ITEM_TYPE_ETH },
		{ .type = ip },
		{ .type = RTE_FLOW_ITEM_TYPE_ESP },
		{ .type = RTE_FLOW_ITEM_TYPE_END },
	};
	struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_RSS, .conf = &rss },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};
	struct rte_flow_error error;

	for (uint16_t i = 0; i < rss.queue_num; i++)
		queues[i] = i;
	if (rte_flow_validate(device->dpdk, &attr, items, actions, &error))
		return false;
	return rte_flow_create(device->dpdk, &attr, items, actions, &error) != NULL;
}

void flow_spread_esp(struct port_device *device)
{
	if (device->rx_queues < 2 || device->rss_spi)
		return;
	device->rss_spi = flow_rule(device, RTE_FLOW_ITEM_TYPE_IPV4);
	/* One family alone would still leave the other on one queue: said as not spread. */
	device->rss_spi &= flow_rule(device, RTE_FLOW_ITEM_TYPE_IPV6);
}
