#include "dataplane/port/link.h"

#include <rte_ethdev.h>

#include <errno.h>
#include <fcntl.h>
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

/* How often the carrier of an interface came and went, without the kernel's lock. */
struct carrier {
	int counts[2]; /* descriptors: came, went; -1: ethtool is asked */
	uint64_t start[2];
	uint64_t seen[2]; /* by link_look() */
	bool up_at_start;
};

#define CAME 0
#define WENT 1

struct link {
	struct port_set *set;
	struct carrier carriers[PORT_DEVICE_MAX];
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

static bool interface_is_up(const struct link *link, const char *interface)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	return !ioctl(link->control, SIOCGIFFLAGS, &request) && request.ifr_flags & IFF_UP;
}

static bool carrier_by_ethtool(const struct link *link, const char *interface)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GLINK };
	struct ifreq request = { .ifr_data = (void *)&value };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	return ioctl(link->control, SIOCETHTOOL, &request) || value.data;
}

static bool sysfs_read(int fd, char text[32])
{
	ssize_t n = fd < 0 ? -1 : pread(fd, text, 31, 0);

	text[n > 0 ? n : 0] = 0;
	return n > 0;
}

static int sysfs_open(const char *interface, const char *attribute)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", interface, attribute);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* /sys may be mounted for another namespace, whose interface of that name is another one. */
static bool sysfs_is_ours(const struct link *link, const char *interface)
{
	struct ifreq request = { 0 };
	const uint8_t *mac = (const uint8_t *)request.ifr_hwaddr.sa_data;
	int fd = sysfs_open(interface, "address");
	char ours[32];
	char text[32];
	bool same;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	same = !ioctl(link->control, SIOCGIFHWADDR, &request) && sysfs_read(fd, text);
	if (fd >= 0)
		close(fd);
	snprintf(ours, sizeof(ours), "%02x:%02x:%02x:%02x:%02x:%02x\n", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	return same && !strcmp(text, ours);
}

static bool carrier_count(const struct carrier *carrier, uint64_t counts[2])
{
	char came[32];
	char went[32];

	counts[CAME] = counts[WENT] = 0;
	if (!sysfs_read(carrier->counts[CAME], came) || !sysfs_read(carrier->counts[WENT], went))
		return false;
	counts[CAME] = strtoull(came, NULL, 10);
	counts[WENT] = strtoull(went, NULL, 10);
	return true;
}

static void carrier_close(struct carrier *carrier)
{
	for (int i = CAME; i <= WENT; i++) {
		if (carrier->counts[i] >= 0)
			close(carrier->counts[i]);
		carrier->counts[i] = -1;
	}
}

static void carrier_open(const struct link *link, struct carrier *carrier, const char *interface)
{
	uint64_t after[2] = { 0 };

	if (!sysfs_is_ours(link, interface))
		return;
	carrier->counts[CAME] = sysfs_open(interface, "carrier_up_count");
	carrier->counts[WENT] = sysfs_open(interface, "carrier_down_count");
	do {
		if (!carrier_count(carrier, carrier->start)) {
			carrier_close(carrier);
			return;
		}
		carrier->up_at_start = carrier_by_ethtool(link, interface);
	} while (carrier_count(carrier, after) &&
		 memcmp(after, carrier->start, sizeof(after)) != 0);
}

static bool carrier_is_there(const struct link *link, uint16_t device)
{
	const struct carrier *carrier = &link->carriers[device];
	uint64_t counts[2];

	if (carrier->counts[CAME] < 0)
		return carrier_by_ethtool(link, link->set->devices[device].interface);
	if (!carrier_count(carrier, counts))
		return false; /* the interface is gone */
	return carrier->up_at_start + (counts[CAME] - carrier->start[CAME]) >
	       counts[WENT] - carrier->start[WENT];
}

int link_open(struct link **out, struct port_set *set, link_change_fn change, void *context)
{
	struct link *link = calloc(1, sizeof(*link));
	int err;

	if (!link)
		return -ENOMEM;
	link->set = set;
	for (uint32_t i = 0; i < PORT_DEVICE_MAX; i++)
		link->carriers[i].counts[CAME] = link->carriers[i].counts[WENT] = -1;
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
	for (uint16_t i = 0; i < set->device_count; i++)
		if (set->devices[i].interface[0])
			carrier_open(link, &link->carriers[i], set->devices[i].interface);
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
	for (uint32_t i = 0; i < PORT_DEVICE_MAX; i++)
		carrier_close(&link->carriers[i]);
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

static bool link_ask(struct link *link, uint16_t index, uint32_t *speed)
{
	const struct port_device *device = &link->set->devices[index];
	struct rte_eth_link now = { 0 };
	bool up = !rte_eth_link_get_nowait(device->dpdk, &now) && now.link_status;

	*speed = now.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : now.link_speed;
	return device->interface[0]
		       ? interface_is_up(link, device->interface) && carrier_is_there(link, index)
		       : up;
}

/* What was found out of a device, for each of its ports. */
static void link_note(struct link *link, uint16_t device)
{
	struct port_set *set = link->set;
	uint32_t speed;
	bool up = link_ask(link, device, &speed);

	for (uint32_t id = 1; id <= set->count; id++) {
		struct port *port = &set->ports[id];
		bool was = atomic_load_explicit(&port->up, memory_order_relaxed);

		if (port->device != device)
			continue;
		atomic_store_explicit(&port->speed_mbps, speed, memory_order_relaxed);
		atomic_store_explicit(&port->up, up, memory_order_release);
		if (was != up && link->change)
			link->change(link->context, port);
	}
}

void link_poll(struct link *link)
{
	link_silence(link);
	for (uint16_t i = 0; i < link->set->device_count; i++)
		link_note(link, i);
}

void link_look(struct link *link)
{
	for (uint16_t i = 0; i < link->set->device_count; i++) {
		struct carrier *carrier = &link->carriers[i];
		uint64_t counts[2];

		if (carrier->counts[CAME] < 0)
			continue;
		(void)carrier_count(carrier, counts); /* none when the interface is gone */
		if (!memcmp(counts, carrier->seen, sizeof(counts)))
			continue;
		memcpy(carrier->seen, counts, sizeof(counts));
		link_note(link, i);
	}
}
