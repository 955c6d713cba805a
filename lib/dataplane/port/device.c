#include "dataplane/port/device.h"
#include "dataplane/port/flow.h"

#include <rte_dev.h>
#include <rte_ethdev.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int device_fault(struct port_fault *fault, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	return err;
}

/*
 * Between arguments stands a colon, because commas separate the keys of --port. A piece without
 * "=" belongs to the value before it, so that a MAC address needs no quoting.
 */
int device_split(const char *argument, char *name, char *arguments, size_t size)
{
	const char *colon = strchr(argument, ':');
	size_t used = 0;

	if (snprintf(name, size, "%.*s", colon ? (int)(colon - argument) : (int)size - 1,
		     argument) >= (int)size)
		return -ENAMETOOLONG;
	arguments[0] = '\0';
	while (colon) {
		const char *piece = colon + 1;
		size_t n = strcspn(piece, ":");
		bool own = memchr(piece, '=', n) != NULL;

		if (used + n + 2 > size)
			return -ENAMETOOLONG;
		if (used)
			arguments[used++] = own ? ',' : ':';
		memcpy(arguments + used, piece, n);
		used += n;
		arguments[used] = '\0';
		colon = piece[n] ? piece + n : NULL;
	}
	return name[0] ? 0 : -EINVAL;
}

/* The Linux interface behind a virtual device: its carrier is the device's link. */
static void device_find_interface(struct port_device *device, const char *arguments)
{
	const char *at = strstr(arguments, "iface=");

	if (at && (at == arguments || at[-1] == ','))
		snprintf(device->interface, sizeof(device->interface), "%.*s",
			 (int)strcspn(at + 6, ","), at + 6);
}

/*
 * af_packet has as many queues as it is told. It joins its sockets in a fanout group for which
 * Linux puts IPv4 fragments together first, so that a whole datagram arrives as one frame whatever
 * the MTU: frames are PORT_JOINED bytes long. A datagram that is longer arrives short and counts
 * as ip4_short. Blocks hold whole frames and whole pages.
 */
static void device_af_packet_defaults(char *arguments, size_t size, const struct device_plan *plan)
{
	size_t n = strlen(arguments);

	if (plan->queues > 1 && !strstr(arguments, "qpairs="))
		n += (size_t)snprintf(arguments + n, size - n, ",qpairs=%u", plan->queues);
	if (!strstr(arguments, "qdisc_bypass="))
		n += (size_t)snprintf(arguments + n, size - n, ",qdisc_bypass=1");
	if (!strstr(arguments, "framesz="))
		snprintf(arguments + n, size - n, ",framesz=%u,blocksz=%u", PORT_JOINED,
			 PORT_JOINED * 2);
}

static int device_make_virtual(struct port_device *device, const struct device_plan *plan,
			       struct port_fault *fault)
{
	char name[PORT_DEVICE_TEXT];
	char arguments[PORT_DEVICE_TEXT * 2];
	int err = device_split(device->argument, name, arguments, sizeof(name));

	if (err)
		return device_fault(fault, err, "device %s: not a virtual device's name",
				    device->argument);
	device_find_interface(device, arguments);
	if (port_options_joins(device->argument))
		device_af_packet_defaults(arguments, sizeof(arguments), plan);
	err = rte_eal_hotplug_add("vdev", name, arguments);
	if (err)
		return device_fault(fault, err,
				    "device %s: DPDK cannot create it: %s; check that the driver's "
				    "name, its arguments and the interface exist",
				    device->argument, strerror(-err));
	snprintf(device->name, sizeof(device->name), "%s", name);
	device->is_virtual = true;
	return 0;
}

int device_probe(struct port_device *device, const struct device_plan *plan,
		 struct port_fault *fault)
{
	struct port_options as_option;
	const char *pci;
	int err;

	snprintf(as_option.device, sizeof(as_option.device), "%s", device->argument);
	pci = port_options_pci(&as_option);
	if (!pci) {
		err = device_make_virtual(device, plan, fault);
		if (err)
			return err;
	} else {
		snprintf(device->name, sizeof(device->name), "%s%s",
			 strlen(pci) < 12 ? "0000:" : "", pci);
	}
	if (!rte_eth_dev_get_port_by_name(device->name, &device->dpdk))
		return 0;
	return device_fault(fault, -ENODEV,
			    "device %s: no such device for DPDK; bind it to vfio-pci or a "
			    "bifurcated driver (scripts/setup) and check the address with lspci",
			    device->argument);
}

#define DEVICE_RSS                                                                                 \
	(RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_SCTP | RTE_ETH_RSS_ESP)

/* What the packet path makes use of, as far as the device has it. */
static void device_choose(struct port_device *device, const struct rte_eth_dev_info *info,
			  const struct device_plan *plan, struct rte_eth_conf *conf)
{
	uint64_t rx = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM |
		      RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_SCATTER;
	uint64_t tx = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM |
		      RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

	if (plan->tags) {
		rx |= RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
		tx |= RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
	}
	conf->rxmode.offloads = rx & info->rx_offload_capa;
	conf->txmode.offloads = tx & info->tx_offload_capa;
	device->rx_queues = RTE_MIN(plan->queues, info->max_rx_queues);
	device->tx_queues =
		port_tx_queues(RTE_MIN(plan->queues, info->max_tx_queues), plan->workers);
	conf->rx_adv_conf.rss_conf.rss_hf = DEVICE_RSS & info->flow_type_rss_offloads;
	if (device->rx_queues > 1 && conf->rx_adv_conf.rss_conf.rss_hf) {
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		device->rss = true;
		device->rss_spi = info->flow_type_rss_offloads & RTE_ETH_RSS_ESP;
	} else {
		conf->rx_adv_conf.rss_conf.rss_hf = 0;
	}
	if (info->dev_flags && *info->dev_flags & RTE_ETH_DEV_INTR_LSC) {
		conf->intr_conf.lsc = 1;
		device->link_event = true;
	}
	rx = conf->rxmode.offloads;
	tx = conf->txmode.offloads;
	device->rx_checksum = rx & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
	device->rx_vlan = rx & RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
	device->tx_ip_checksum = tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
	device->tx_udp_checksum = tx & RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	device->tx_tcp_checksum = tx & RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
	device->tx_vlan = tx & RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
}

static int device_queues(struct port_device *device, const struct device_plan *plan,
			 const struct rte_eth_dev_info *info, const struct rte_eth_conf *conf)
{
	struct rte_eth_rxconf rx = info->default_rxconf;
	struct rte_eth_txconf tx = info->default_txconf;
	uint16_t rx_descriptors = plan->descriptors;
	uint16_t tx_descriptors = plan->descriptors;
	int socket = rte_eth_dev_socket_id(device->dpdk);
	int err = rte_eth_dev_adjust_nb_rx_tx_desc(device->dpdk, &rx_descriptors, &tx_descriptors);

	if (err && err != -ENOTSUP)
		return err;
	device->rx_descriptors = rx_descriptors;
	rx.offloads = conf->rxmode.offloads;
	tx.offloads = conf->txmode.offloads;
	for (uint16_t i = 0; i < device->rx_queues; i++) {
		err = rte_eth_rx_queue_setup(device->dpdk, i, rx_descriptors, (unsigned int)socket,
					     &rx, plan->pool);
		if (err)
			return err;
	}
	for (uint16_t i = 0; i < device->tx_queues; i++) {
		err = rte_eth_tx_queue_setup(device->dpdk, i, tx_descriptors, (unsigned int)socket,
					     &tx);
		if (err)
			return err;
	}
	return 0;
}

/* Of a receive queue, if it tells how many of them hold packets. Some drivers round up. */
static void device_find_descriptors(struct port_device *device)
{
	struct rte_eth_rxq_info info;

	if (rte_eth_rx_queue_count(device->dpdk, 0) < 0)
		device->rx_descriptors = 0;
	else if (!rte_eth_rx_queue_info_get(device->dpdk, 0, &info) && info.nb_desc)
		device->rx_descriptors = info.nb_desc;
}

/* A wire with frames larger than the device lets through would lose them without a trace. */
static int device_set_mtu(struct port_device *device, const struct device_plan *plan,
			  struct port_fault *fault)
{
	uint16_t now = 0;
	int err = rte_eth_dev_set_mtu(device->dpdk, plan->mtu);

	device->mtu = plan->mtu;
	if (!err || (!rte_eth_dev_get_mtu(device->dpdk, &now) && now >= plan->mtu))
		return 0;
	if (err == -ENOTSUP) {
		device->mtu_fixed = now;
		return 0;
	}
	return device_fault(fault, err,
			    "device %s: refuses an MTU of %u (it has %u): %s; lower mtu=",
			    device->argument, plan->mtu, now, strerror(-err));
}

/* Drivers that do not know an errno give -1, which reads as if a right were missing. */
static int device_not_started(const struct port_device *device, int err, struct port_fault *fault)
{
	bool client = !strncmp(device->argument, "net_memif", 9) &&
		      !strstr(device->argument, "role=server") &&
		      !strstr(device->argument, "role=master");

	if (client)
		return device_fault(fault, err,
				    "device %s: does not start: a memif client wants a server that "
				    "listens at its socket; start the other side first, or give "
				    "this one role=server",
				    device->argument);
	return device_fault(fault, err,
			    "device %s: does not start: %s; --log info,dpdk=debug has what its "
			    "driver says",
			    device->argument, err == -1 ? "its driver failed" : strerror(-err));
}

int device_start(struct port_device *device, const struct device_plan *plan,
		 struct port_fault *fault)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf = { 0 };
	int err = rte_eth_dev_info_get(device->dpdk, &info);

	if (err)
		return device_fault(fault, err, "device %s: does not describe itself: %s",
				    device->argument, strerror(-err));
	device->driver = info.driver_name;
	device_choose(device, &info, plan, &conf);
	if (!device->rx_queues || !device->tx_queues)
		return device_fault(fault, -ENODEV, "device %s: has no %s queue", device->argument,
				    device->rx_queues ? "transmit" : "receive");
	err = rte_eth_dev_configure(device->dpdk, device->rx_queues, device->tx_queues, &conf);
	if (err)
		return device_fault(fault, err, "device %s: cannot be configured: %s",
				    device->argument, strerror(-err));
	err = device_set_mtu(device, plan, fault);
	if (err)
		return err;
	err = device_queues(device, plan, &info, &conf);
	if (err)
		return device_fault(
			fault, err,
			"device %s: cannot set up %u queues of %u buffers: %s; give more --buffers "
			"or lower descriptors=",
			device->argument, device->rx_queues, plan->descriptors, strerror(-err));
	err = rte_eth_dev_start(device->dpdk);
	if (err)
		return device_not_started(device, err, fault);
	device->started = true;
	device_find_descriptors(device);
	flow_spread_esp(device);
	/* IPv6 neighbour discovery and BGP need groups; few virtual devices know how. */
	device->all_multicast = !rte_eth_allmulticast_enable(device->dpdk) ||
				!rte_eth_promiscuous_enable(device->dpdk);
	return 0;
}

void device_stop(struct port_device *device)
{
	if (device->dpdk == RTE_MAX_ETHPORTS)
		return;
	if (device->started && rte_eth_dev_stop(device->dpdk))
		device->started = false;
	rte_eth_dev_close(device->dpdk);
	if (device->is_virtual)
		rte_eal_hotplug_remove("vdev", device->name);
	device->dpdk = RTE_MAX_ETHPORTS;
	device->started = false;
}
