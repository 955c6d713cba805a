#pragma once
/*
 * DOC: workers
 *
 * The loop of a worker lcore: receive from its queue of every device, path_run(), what others
 * handed over, then empty the exits (transmit, mirrors, punts), report quiescence, count cycles.
 * Idle workers poll, or rest for up to WORKER_REST_US when told so.
 *
 * Order at start: worker_qsbr_new(); counters, fib, SA store, meter (they take the qsbr); ports,
 * mirrors; worker_set_new(); rte_eal_remote_launch(worker_main, worker_get(set, i), lcore).
 * At stop: worker_stop() (returns at once), rte_eal_wait_lcore(), worker_set_free().
 *
 * Threads: the main lcore, but for worker_main(). Where a device has fewer queues than there are
 * workers, packets go from worker to worker: handover.h.
 */
#include "dataplane/kernel/mirror.h"
#include "dataplane/capture/capture.h"
#include "dataplane/nodes/address.h"
#include "dataplane/nodes/path.h"
#include "dataplane/port/port.h"

#define WORKER_REST_US 200
#define WORKER_RING 1024
#define WORKER_HANDOVER_RING 2048 /* packets under way to a worker: two NIC queues full */

struct worker;
struct worker_set;
struct fib;
struct sa_store;
struct rte_rcu_qsbr;

struct worker_config {
	uint32_t workers;
	const struct fib *fib;
	const struct sa_store *sas;
	struct meter *meter;
	struct contract_counters *counters;
	struct port_set *ports;
	struct mirror_set *mirrors; /* NULL: none */
	struct waker *waker;	    /* of the main lcore; NULL: it polls */
	struct rte_mempool *pool;
	struct rte_rcu_qsbr *qsbr;
	uint32_t addresses; /* at most */
	uint32_t hold_ms;   /* 0: 1000 */
	bool rest;
	bool spread_inbound; /* several workers open the packets of one SA (spread.h) */
	int socket;
};

struct rte_rcu_qsbr *worker_qsbr_new(uint32_t workers);
void worker_qsbr_free(struct rte_rcu_qsbr *qsbr);

__attribute__((warn_unused_result)) int worker_set_new(struct worker_set **set,
						       const struct worker_config *config);
void worker_set_free(struct worker_set *set);
struct worker *worker_get(struct worker_set *set, uint32_t index);
int worker_main(void *worker); /* lcore function */
void worker_stop(struct worker_set *set);
/* Main changes roles, domains and mirrors of ports through this. */
struct path_shared *worker_shared(struct worker_set *set);
struct address_store *worker_addresses(struct worker_set *set);

/* What workers left for the main lcore: events, and packets for control (see path.h). */
uint32_t worker_events(struct worker_set *set, struct path_event *events, uint32_t n);
uint32_t worker_punts(struct worker_set *set, struct rte_mbuf **packets, uint32_t n);
/* What captures and traces recorded (path.h), and where they are set. */
struct capture_store *worker_captures(struct worker_set *set);
uint32_t worker_captured(struct worker_set *set, struct rte_mbuf **records, uint32_t n);
/*
 * Packets from the main lcore; the worker that takes them is chosen so that those of one `where`
 * stay in order. Gives how many were taken, from the first on; the others stay with the caller.
 */
uint32_t worker_inject(struct worker_set *set, enum path_inject how, uint32_t where,
		       struct rte_mbuf **packets, uint32_t n);
/* Nanoseconds (CLOCK_BOOTTIME) at which a worker last came round. */
uint64_t worker_progress_ns(const struct worker_set *set, uint32_t index);
/* Of one that does not come round: see path.h. */
bool worker_where(const struct worker_set *set, uint32_t index, struct path_where *where);
