#include "dataplane/port/port.h"
#include "dataplane/port/device.h"

#include <rte_ethdev.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int port_find_device(const struct port_set *set, const char *argument)
{
	for (int i = 0; i < set->device_count; i++)
		if (!strcmp(set->devices[i].argument, argument))
			return i;
	return -1;
}

/* A tag or "untagged" belongs to one port of a device only; names are unique. */
static int port_check(const struct port_set *set, const struct port *port,
		      const struct port_device *device, struct port_fault *fault)
{
	for (uint32_t i = 1; i <= set->count; i++)
		if (!strcmp(set->ports[i].name, port->name))
			return device_fault(fault, -EEXIST,
					    "two ports are named %s; give each a name of its own",
					    port->name);
	if (port_of_tag(device, port->vlan))
		return device_fault(fault, -EEXIST,
				    "port %s: device %s already has a port with %s; give it "
				    "another vlan=",
				    port->name, device->argument,
				    port->vlan ? "this tag" : "untagged traffic");
	return 0;
}

static int port_add(struct port_set *set, const struct port_options *options,
		    struct port_fault *fault)
{
	int index = port_find_device(set, options->device);
	struct port *port = &set->ports[set->count + 1];
	struct port_device *device;
	int err;

	if (index < 0) {
		if (set->device_count == PORT_DEVICE_MAX)
			return device_fault(fault, -ENOSPC, "more than %u devices",
					    PORT_DEVICE_MAX);
		index = set->device_count++;
		set->devices[index].dpdk = RTE_MAX_ETHPORTS;
		snprintf(set->devices[index].argument, sizeof(set->devices[index].argument), "%s",
			 options->device);
	}
	device = &set->devices[index];
	snprintf(port->name, sizeof(port->name), "%s", options->name);
	port->device = (uint16_t)index;
	port->vlan = options->vlan;
	port->mtu = options->mtu;
	port->role = options->role;
	err = port_check(set, port, device, fault);
	if (err)
		return err;
	port->id = ++set->count;
	if (port->vlan)
		device->by_tag[port->vlan] = (uint8_t)port->id;
	else
		device->untagged = port->id;
	return 0;
}

static struct device_plan port_plan(const struct port_set *set, uint16_t index,
				    const struct port_options *options, struct rte_mempool *pool)
{
	struct device_plan plan = { .pool = pool, .queues = set->workers, .workers = set->workers };

	for (uint32_t i = 1; i <= set->count; i++) {
		const struct port_options *own = &options[i - 1];

		if (set->ports[i].device != index)
			continue;
		if (own->queues && own->queues < plan.queues)
			plan.queues = own->queues;
		plan.mtu = RTE_MAX(plan.mtu, own->mtu);
		plan.descriptors = RTE_MAX(plan.descriptors, own->descriptors);
		plan.tags |= own->vlan != 0;
	}
	return plan;
}

bool port_hands_over(const struct port_set *set, uint16_t index)
{
	const struct port_device *device = &set->devices[index];
	bool esp = false;

	for (uint32_t i = 1; i <= set->count; i++)
		esp |= set->ports[i].device == index &&
		       (set->ports[i].role & (CONTRACT_PUBLIC | CONTRACT_CIRCUIT));
	return set->workers > 1 &&
	       (device->rx_queues < set->workers || !device->rss || (esp && !device->rss_spi));
}

static int port_open_device(struct port_set *set, uint16_t index,
			    const struct port_options *options, struct rte_mempool *pool,
			    struct port_fault *fault)
{
	struct port_device *device = &set->devices[index];
	struct device_plan plan = port_plan(set, index, options, pool);
	struct rte_ether_addr mac = { { 0 } };
	int err = device_probe(device, &plan, fault);

	if (err)
		return err;
	set->device_of_dpdk[device->dpdk] = (uint8_t)index;
	err = device_start(device, &plan, fault);
	if (err)
		return err;
	device->hand_over = port_hands_over(set, index);
	/* net_null and the like have none: then one that is stable and locally administered. */
	if (rte_eth_macaddr_get(device->dpdk, &mac) || rte_is_zero_ether_addr(&mac))
		mac = (struct rte_ether_addr){ { 0x02, 0x76, 0x67, 0, 0, (uint8_t)(index + 1) } };
	for (uint32_t i = 1; i <= set->count; i++) {
		struct port *port = &set->ports[i];

		if (port->device != index)
			continue;
		port->dpdk = device->dpdk;
		port->parent = port->vlan ? device->untagged : 0;
		port->tx_vlan = device->tx_vlan;
		memcpy(port->mac, mac.addr_bytes, sizeof(port->mac));
	}
	return 0;
}

int port_set_open(struct port_set *set, const struct port_options *options, uint32_t count,
		  uint16_t workers, struct rte_mempool *pool, struct port_fault *fault)
{
	int err = 0;

	memset(set, 0, sizeof(*set));
	memset(set->device_of_dpdk, UINT8_MAX, sizeof(set->device_of_dpdk));
	set->workers = workers;
	if (count >= PORT_MAX)
		return device_fault(fault, -ENOSPC, "%u ports are too many: at most %u", count,
				    PORT_MAX - 1);
	for (uint32_t i = 0; !err && i < count; i++)
		err = port_add(set, &options[i], fault);
	for (uint16_t i = 0; !err && i < set->device_count; i++)
		err = port_open_device(set, i, options, pool, fault);
	if (err)
		port_set_close(set);
	return err;
}

void port_set_close(struct port_set *set)
{
	for (uint16_t i = 0; i < set->device_count; i++)
		device_stop(&set->devices[i]);
	set->device_count = 0;
	set->count = 0;
}

void port_describe(const struct port_set *set, const struct port *port, struct contract_port *out)
{
	const struct port_device *device = &set->devices[port->device];

	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", port->name);
	snprintf(out->device, sizeof(out->device), "%.63s", device->argument);
	memcpy(out->mac, port->mac, sizeof(out->mac));
	out->vlan = port->vlan;
	out->mtu = port->mtu;
	out->role = port->role;
	out->link_up = atomic_load_explicit(&port->up, memory_order_relaxed);
	out->speed_mbps = atomic_load_explicit(&port->speed_mbps, memory_order_relaxed);
	out->parent = port->parent;
	out->queues = device->rx_queues;
}

__attribute__((format(printf, 3, 4))) static void port_lacks_add(char *text, size_t size,
								 const char *format, ...)
{
	size_t n = strlen(text);
	va_list args;

	if (n)
		n += (size_t)snprintf(text + n, size - n, ", ");
	if (n >= size)
		return;
	va_start(args, format);
	vsnprintf(text + n, size - n, format, args);
	va_end(args);
}

static void port_lacks_frames(const struct port_set *set, const struct port_device *device,
			      char *text, size_t size)
{
	char checksums[16];
	bool tags = false;

	snprintf(checksums, sizeof(checksums), "%s%s%s", device->tx_ip_checksum ? "" : " IPv4",
		 device->tx_udp_checksum ? "" : " UDP", device->tx_tcp_checksum ? "" : " TCP");
	for (uint32_t i = 1; i <= set->count; i++)
		tags |= &set->devices[set->ports[i].device] == device && set->ports[i].vlan;
	if (!device->rx_checksum)
		port_lacks_add(text, size, "checksum check on receive");
	if (checksums[0])
		port_lacks_add(text, size, "checksums on transmit (%s)", checksums + 1);
	if (tags && !device->rx_vlan)
		port_lacks_add(text, size, "removal of VLAN tags");
	if (tags && !device->tx_vlan)
		port_lacks_add(text, size, "insertion of VLAN tags");
	if (device->mtu_fixed)
		port_lacks_add(text, size, "setting of an MTU (%u wanted, it says %u)", device->mtu,
			       device->mtu_fixed);
}

const char *port_device_lacks(const struct port_set *set, const struct port_device *device,
			      char *text, size_t size)
{
	text[0] = '\0';
	if (device->rx_queues < set->workers)
		port_lacks_add(text, size, "a receive queue per worker");
	if (device->tx_queues < set->workers)
		port_lacks_add(text, size, "a transmit queue per worker");
	if (device->rx_queues > 1 && !device->rss)
		port_lacks_add(text, size, "RSS");
	if (device->rx_queues > 1 && !device->rss_spi)
		port_lacks_add(text, size, "RSS by ESP SPI");
	port_lacks_frames(set, device, text, size);
	if (!device->link_event && !device->interface[0])
		port_lacks_add(text, size, "link interrupts (polled)");
	if (!device->rx_descriptors)
		port_lacks_add(text, size, "a level of its receive rings (overload loses IKE too)");
	if (!device->all_multicast)
		port_lacks_add(text, size, "reception of all multicast");
	return text;
}
