#pragma once
/*
 * One DPDK device: probe, configure within what it can, start, stop. Only port.c calls this.
 */
#include "dataplane/port/port.h"

struct device_plan {
	struct rte_mempool *pool;
	uint16_t queues;
	uint16_t workers;
	uint16_t descriptors;
	uint16_t mtu; /* the largest of its ports */
	bool tags;    /* some port of it has a tag */
};

__attribute__((format(printf, 3, 4))) int device_fault(struct port_fault *fault, int err,
						       const char *format, ...);
/* A vdev's argument ("net_tap0:iface=x:mac=00:11:...") as name and DPDK's comma list. */
__attribute__((warn_unused_result)) int device_split(const char *argument, char *name,
						     char *arguments, size_t size);
/* Finds or makes the DPDK port. */
__attribute__((warn_unused_result)) int device_probe(struct port_device *device,
						     const struct device_plan *plan,
						     struct port_fault *fault);
__attribute__((warn_unused_result)) int device_start(struct port_device *device,
						     const struct device_plan *plan,
						     struct port_fault *fault);
void device_stop(struct port_device *device);
