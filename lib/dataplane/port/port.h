#pragma once
/*
 * DOC: ports
 *
 * A device is a DPDK port; a port is what the gateway knows: the untagged traffic of a device, or
 * one 802.1Q tag of it, with a name, a role and an MTU of its own. Ports are numbered from 1 (the
 * ids of the contract); devices are found by their DPDK number.
 *
 * Queues: a device gets one receive and one transmit queue per worker as far as it has them.
 * Worker w owns receive queue w and transmit queue w when w is below the number of queues; where
 * it is not, it sends by way of port_tx_worker(). Nobody else touches a queue. `hand_over` says
 * that queues alone do not spread the traffic of a device over all workers.
 *
 * What a NIC cannot do is found out at start, said once in a line of the log as far as the
 * configuration wants it, and done in software: the flags in struct port_device are all the packet
 * path asks. Virtual devices answer ENOTSUP to much (MAC, MTU, promiscuous mode, link interrupts);
 * that is never fatal. Frames in several buffers are never wanted: a buffer holds the longest one
 * (port_data_room()), and what comes in pieces all the same is joined.
 *
 * Owner: the main lcore. It opens all ports before the workers start and closes them after they
 * have stopped; while they run it changes only `up`, `speed_mbps` and the statistics.
 */
#include "contract/object.h"

#include <rte_mbuf_core.h>

#include <stdatomic.h>

#define PORT_MAX 64	   /* ports, with id 0 that is never used */
#define PORT_DEVICE_MAX 32 /* devices */
#define PORT_DEVICE_TEXT 128
#define PORT_INTERFACE 16
#define PORT_JOINED 10240 /* bytes of a frame where Linux joins fragments */

struct port_options {
	char name[CONTRACT_NAME];
	char device[PORT_DEVICE_TEXT]; /* PCI address, or a vdev as "net_tap0:iface=x:..." */
	char mirror[PORT_INTERFACE];   /* Linux interface; vg-<name> unless given */
	uint8_t role;		       /* enum contract_role bits */
	uint16_t mtu;
	uint16_t vlan;	 /* 0: untagged */
	uint16_t queues; /* 0: one per worker */
	uint16_t descriptors;
};

/* main: rw before the workers start, workers: ro */
struct port_device {
	uint16_t dpdk;
	uint16_t rx_queues;
	uint16_t tx_queues;
	uint16_t rx_descriptors; /* of a receive queue; 0: it does not tell how many wait */
	uint16_t mtu;
	uint16_t mtu_fixed; /* it says that it has this smaller one and cannot be told; 0: no */
	bool rx_checksum;   /* RTE_MBUF_F_RX_IP_CKSUM_* and L4 are filled in */
	bool rx_vlan;	    /* the tag is stripped into vlan_tci */
	bool tx_ip_checksum;
	bool tx_udp_checksum;
	bool tx_tcp_checksum;
	bool tx_vlan;	 /* RTE_MBUF_F_TX_VLAN inserts the tag */
	bool rss;	 /* flows are spread over the receive queues */
	bool rss_spi;	 /* ESP is spread by SPI */
	bool hand_over;	 /* workers share out what they receive (worker/handover.h) */
	bool link_event; /* link changes raise an interrupt */
	bool started;
	bool is_virtual;
	bool all_multicast;
	const char *driver;
	char argument[PORT_DEVICE_TEXT]; /* as given */
	char name[PORT_DEVICE_TEXT];	 /* DPDK's */
	char interface[PORT_INTERFACE];	 /* Linux interface behind a virtual device, or "" */
	uint32_t untagged;		 /* port id, 0: none */
	uint8_t by_tag[4096];		 /* port id of a tag, 0: none */
};

struct port {
	uint32_t id; /* 0: unused */
	uint32_t parent;
	uint16_t device; /* index into devices */
	uint16_t dpdk;
	uint16_t vlan;
	uint16_t mtu;
	uint8_t role;
	uint8_t mac[6];
	bool tx_vlan; /* push the tag with an offload */
	char name[CONTRACT_NAME];
	_Atomic uint32_t speed_mbps;
	_Atomic bool up; /* main: rw, workers: ro */
};

struct port_set {
	uint32_t count; /* ids 1..count */
	uint16_t device_count;
	uint16_t workers;
	struct port ports[PORT_MAX];
	struct port_device devices[PORT_DEVICE_MAX];
	uint8_t device_of_dpdk[RTE_MAX_ETHPORTS]; /* UINT8_MAX: not ours */
};

/* Why something failed: what, where and what to do, for people. */
struct port_fault {
	char text[512];
};

/* "name=pub0,device=...,role=public[,mtu=][,vlan=][,queues=]"; -EINVAL with the sentence. */
__attribute__((warn_unused_result)) int port_options_parse(struct port_options *options,
							   const char *text,
							   struct port_fault *fault);
/* The PCI address of the device when it is one, else NULL. */
const char *port_options_pci(const struct port_options *options);

/* A device on which Linux joins IPv4 fragments; it holds none of our buffers in its queues. */
bool port_options_joins(const char *device);

/* Probes, configures and starts all devices; on failure nothing stays open. */
__attribute__((warn_unused_result)) int port_set_open(struct port_set *set,
						      const struct port_options *options,
						      uint32_t count, uint16_t workers,
						      struct rte_mempool *pool,
						      struct port_fault *fault);
void port_set_close(struct port_set *set);
#define PORT_LACKS 512 /* bytes of the list below */
/* What this device cannot do and is done in software or not at all, as a list; "" for nothing. */
const char *port_device_lacks(const struct port_set *set, const struct port_device *device,
			      char *text, size_t size);

/* The queues of a device do not reach every worker, or one gets all: of everything, or of ESP. */
bool port_hands_over(const struct port_set *set, uint16_t device);

/* Packet buffers that the queues of these ports can hold at once. */
uint32_t port_buffers_needed(const struct port_options *options, uint32_t count, uint16_t workers);
/* Data room in which the longest frame of any device fits as one segment. */
uint16_t port_data_room(const struct port_options *options, uint32_t count);

static inline struct port *port_get(struct port_set *set, uint32_t id)
{
	return id && id <= set->count ? &set->ports[id] : NULL;
}

static inline const struct port_device *port_device_of(const struct port_set *set, uint16_t dpdk)
{
	uint8_t index = dpdk < RTE_MAX_ETHPORTS ? set->device_of_dpdk[dpdk] : UINT8_MAX;

	return index == UINT8_MAX ? NULL : &set->devices[index];
}

/* The port of a frame from `device` with this tag (0: none); 0 when there is none. */
static inline uint32_t port_of_tag(const struct port_device *device, uint16_t vlan)
{
	return vlan ? device->by_tag[vlan & 0xfff] : device->untagged;
}

/* Transmit queues that are used of `has`. */
static inline uint16_t port_tx_queues(uint16_t has, uint16_t workers)
{
	return has < workers ? has != 0 : workers;
}

/* The worker that transmits for this worker on that device. */
static inline uint16_t port_tx_worker(const struct port_device *device, uint16_t worker)
{
	return worker < device->tx_queues ? worker : 0;
}

/* The contract's view, for listing; the mirror id is filled in by whoever knows it. */
void port_describe(const struct port_set *set, const struct port *port, struct contract_port *out);
