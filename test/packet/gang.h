#pragma once
/*
 * Several workers of the real loop, each a thread, on two devices whose queues are rings of the
 * test: device 0 private, device 1 public, as the bed has them. All transmit queues of a device end
 * in one ring, the wire, so that the order on it is the order in which workers sent.
 *
 * A device with `descriptors` tells how many packets wait. With a `load` what arrives comes no
 * faster than the work is done, on any machine: while the worker of a queue does a packet `load`
 * arrive, into a ring of so many descriptors, and what finds no room is missed as a NIC misses it.
 * Work is to receive, an eighth of it, and to send; where nothing waits time passes at once.
 */
#include "bed.h"
#include "dataplane/port/port.h"
#include "dataplane/worker/worker.h"

#include <pthread.h>

#define GANG_WORKERS 8
#define GANG_DEVICES 2
#define GANG_RING 16384

struct gang_config {
	uint32_t workers;
	uint32_t queues;  /* of each device, both ways */
	bool spreads_spi; /* the device sends ESP to queues by its SPI; else all to the first */
	struct rte_rcu_qsbr *qsbr;
	bool spread_inbound;
	bool steady;	      /* workers keep their cores, and receive nothing until gang_open() */
	bool idle;	      /* no threads: workers exist and do nothing */
	uint32_t descriptors; /* of a receive queue; 0: GANG_RING, and nobody is told the level */
	bool untold;	      /* nobody is told it of `descriptors` either */
	uint32_t load;	      /* 0: what arrives is in the ring at once */
};

struct gang_queue {
	struct rte_ring *arriving;
	struct rte_ring *ring;
	const struct gang_config *config;
	/* of its worker, until that has ended */
	uint64_t arrived; /* with a load: received, missed or in the ring */
	uint64_t received;
	uint64_t missed;
};

struct gang {
	struct bed *bed;
	struct gang_config config;
	struct port_set ports;
	struct worker_set *set;
	struct gang_queue queues[GANG_DEVICES][GANG_WORKERS];
	struct rte_ring *wires[GANG_DEVICES];
	void *receive_queues[GANG_DEVICES][GANG_WORKERS];
	void *send_queues[GANG_DEVICES][GANG_WORKERS];
	void *no_callbacks[GANG_WORKERS];
	pthread_t threads[GANG_WORKERS];
};

/* A bed that several threads take buffers from. */
struct bed *gang_bed(struct bed_config *config);
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
/* Ends the threads; then counts of queues can be read, until gang_free(). */
void gang_stop(struct gang *gang);
/* The next frame on the wire of a device, NULL: none now. */
struct rte_mbuf *gang_left(struct gang *gang, uint32_t device);
