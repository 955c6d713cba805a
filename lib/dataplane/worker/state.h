#pragma once
#include "dataplane/worker/worker.h"

#include <rte_ring.h>

/*
 * What goes to a worker through its rings: from main, or a frame from another worker, received for
 * this one or for a transmit queue of it.
 */
struct worker_item {
	struct rte_mbuf *m;
	uint32_t how; /* enum path_inject, or one of these */
	uint32_t where;
};
#define WORKER_TRANSMIT 0
#define WORKER_RECEIVED 16

/* A worker's queue of a device (skim.h). */
struct worker_rx {
	uint16_t ask; /* a burst of as many is reason to ask how many wait; UINT16_MAX: none is */
	uint16_t bursts; /* such ones since it was asked */
	int32_t left;	 /* waited then, less what was taken */
	int32_t came;	 /* since the time before, or a burst that was not full */
	uint64_t loop;	 /* of the last full burst */
};

struct worker {
	struct worker_set *set;
	struct path *path;
	struct rte_ring *ring;	  /* of struct worker_item, several producers */
	struct rte_ring *sends;	  /* likewise: frames for its transmit queues */
	uint64_t *counters;	  /* its row of CONTRACT_COUNT_WORKER */
	struct spread_lane *lane; /* NULL: ESP is not spread (spread.h) */
	uint32_t index;
	uint32_t home;	/* whose transmit queues it uses: its own, but for a lot of another */
	uint32_t own;	/* packets of this turn that were not handed over */
	uint32_t idle;	/* turns without work */
	bool left_work; /* for the main lcore, in this turn */
	struct worker_rx rings[PORT_DEVICE_MAX];
} __attribute__((aligned(64)));

struct worker_set {
	struct worker_config config;
	struct path_shared shared;
	struct address_store *addresses;
	struct rte_ring *events;   /* of struct path_event */
	struct rte_ring *punts;	   /* of mbufs */
	struct rte_ring *captured; /* of mbufs, see path.h */
	struct capture_store *captures;
	struct worker *workers;
	_Atomic bool stop;
};

/* One turn of worker_main(): the loop calls it until it is told to stop. `last`: end of the turn
 * before (TSC). */
void worker_turn(struct worker *worker, uint64_t *last);
/* Empties the exits of a worker's path. */
void worker_flush(struct worker *worker);
/* The transmit rows only; a struct worker, as the path knows it. */
void worker_flush_tx(void *worker);
/* Into the worker's own queue of a device; what the queue does not take is dropped. */
void worker_transmit(struct worker *worker, uint32_t device, struct rte_mbuf **frames, uint32_t n);
