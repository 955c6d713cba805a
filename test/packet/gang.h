#pragma once
/*
 * Several workers of the real loop, each a thread, on two devices whose queues are rings of the
 * test: device 0 private, device 1 public, as the bed has them. All transmit queues of a device end
 * in one ring, the wire, so that the order on it is the order in which workers sent.
 */
#include "bed.h"
#include "dataplane/port/port.h"
#include "dataplane/worker/worker.h"

#include <pthread.h>

#define GANG_WORKERS 8
#define GANG_DEVICES 2
#define GANG_RING 4096

struct gang_config {
	uint32_t workers;
	uint32_t queues;  /* of each device, both ways */
	bool spreads_spi; /* the device sends ESP to queues by its SPI; else all to the first */
	struct rte_rcu_qsbr *qsbr;
	bool spread_inbound;
	bool steady; /* workers keep their cores, and receive nothing until gang_open() */
	bool idle;   /* no threads: workers exist and do nothing */
};

struct gang {
	struct bed *bed;
	struct gang_config config;
	struct port_set ports;
	struct worker_set *set;
	struct rte_ring *received[GANG_DEVICES][GANG_WORKERS];
	struct rte_ring *wires[GANG_DEVICES];
	void *receive_queues[GANG_DEVICES][GANG_WORKERS];
	void *send_queues[GANG_DEVICES][GANG_WORKERS];
	void *no_callbacks[GANG_WORKERS];
	pthread_t threads[GANG_WORKERS];
};

/* Starts the threads; exits when it cannot. */
struct gang *gang_new(struct bed *bed, const struct gang_config *config);
/* Ends the threads. */
void gang_free(struct gang *gang);
/* A frame arrives; false: the ring is full and the frame still the caller's. */
bool gang_arrive(struct gang *gang, uint32_t device, uint32_t queue, struct rte_mbuf *m);
/*
 * Of a steady one: what has arrived is received from now on, or nothing more. gang_span() is the
 * time (TSC) from the first burst received since it was opened to the last one sent.
 */
void gang_open(bool open);
uint64_t gang_span(void);
/* The next frame on the wire of a device, NULL: none now. */
struct rte_mbuf *gang_left(struct gang *gang, uint32_t device);
