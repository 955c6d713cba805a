#include "dataplane/port/link.h"

#include <rte_ethdev.h>

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct link {
	struct port_set *set;
	link_change_fn change;
	void *context;
	int netlink;
	int control; /* for ethtool's questions */
	int event;   /* raised on DPDK's interrupt thread */
};

static int link_interrupt(uint16_t dpdk, enum rte_eth_event_type type, void *context, void *result)
{
	struct link *link = context;
	uint64_t one = 1;
	ssize_t n = write(link->event, &one, sizeof(one));

	(void)n;
	return 0;
}

static int link_open_netlink(struct link *link)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };

	link->netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (link->netlink < 0)
		return -errno;
	return bind(link->netlink, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

int link_open(struct link **out, struct port_set *set, link_change_fn change, void *context)
{
	struct link *link = calloc(1, sizeof(*link));
	int err;

	if (!link)
		return -ENOMEM;
	link->set = set;
	link->netlink = -1;
	link->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	link->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	err = link->control < 0 || link->event < 0 ? -errno : link_open_netlink(link);
	if (err) {
		link_close(link);
		return err;
	}
	for (uint16_t i = 0; i < set->device_count; i++)
		if (set->devices[i].link_event)
			rte_eth_dev_callback_register(set->devices[i].dpdk, RTE_ETH_EVENT_INTR_LSC,
						      link_interrupt, link);
	/* The state at start is no change. */
	link_poll(link);
	link->change = change;
	link->context = context;
	*out = link;
	return 0;
}

void link_close(struct link *link)
{
	if (!link)
		return;
	for (uint16_t i = 0; i < link->set->device_count; i++)
		if (link->set->devices[i].link_event)
			rte_eth_dev_callback_unregister(link->set->devices[i].dpdk,
							RTE_ETH_EVENT_INTR_LSC, link_interrupt,
							link);
	if (link->netlink >= 0)
		close(link->netlink);
	if (link->control >= 0)
		close(link->control);
	if (link->event >= 0)
		close(link->event);
	free(link);
}

int link_netlink_fd(const struct link *link)
{
	return link->netlink;
}

int link_event_fd(const struct link *link)
{
	return link->event;
}

/* Both are only bells: what rang is found out by asking every device. */
static void link_silence(struct link *link)
{
	uint8_t bytes[8192];
	uint64_t count;
	ssize_t n = read(link->event, &count, sizeof(count));

	(void)n;
	while (recv(link->netlink, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC) > 0 ||
	       errno == ENOBUFS)
		errno = 0;
}

static bool link_interface_up(const struct link *link, const char *interface)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GLINK };
	struct ifreq request;

	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(link->control, SIOCGIFFLAGS, &request) || !(request.ifr_flags & IFF_UP))
		return false;
	request.ifr_data = (void *)&value;
	return ioctl(link->control, SIOCETHTOOL, &request) || value.data;
}

static bool link_ask(struct link *link, const struct port_device *device, uint32_t *speed)
{
	struct rte_eth_link now = { 0 };
	bool up = !rte_eth_link_get_nowait(device->dpdk, &now) && now.link_status;

	*speed = now.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : now.link_speed;
	return device->interface[0] ? link_interface_up(link, device->interface) : up;
}

void link_poll(struct link *link)
{
	struct port_set *set = link->set;

	link_silence(link);
	for (uint16_t i = 0; i < set->device_count; i++) {
		uint32_t speed;
		bool up = link_ask(link, &set->devices[i], &speed);

		for (uint32_t id = 1; id <= set->count; id++) {
			struct port *port = &set->ports[id];
			bool was = atomic_load_explicit(&port->up, memory_order_relaxed);

			if (port->device != i)
				continue;
			atomic_store_explicit(&port->speed_mbps, speed, memory_order_relaxed);
			atomic_store_explicit(&port->up, up, memory_order_release);
			if (was != up && link->change)
				link->change(link->context, port);
		}
	}
}
