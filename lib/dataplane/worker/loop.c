/*
 * The loop of a worker lcore, and how its exits are emptied.
 */
#include "dataplane/worker/handover.h"
#include "dataplane/worker/skim.h"
#include "dataplane/worker/spread.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring_elem.h>

#include <time.h>

#define ITEMS 64
#define TX_TRIES 4
#define IDLE_BEFORE_REST 256

void worker_transmit(struct worker *w, uint32_t device, struct rte_mbuf **frames, uint32_t n)
{
	uint16_t dpdk = w->set->config.ports->devices[device].dpdk;
	uint32_t sent = 0;

	for (uint32_t tries = 0; sent < n && tries < TX_TRIES; tries++)
		sent += rte_eth_tx_burst(dpdk, (uint16_t)w->index, frames + sent,
					 (uint16_t)(n - sent));
	if (sent < n) {
		path_drops(w->path)[CONTRACT_DROP_TX_FULL] += n - sent;
		rte_pktmbuf_free_bulk(frames + sent, n - sent);
	}
}

void worker_flush_tx(void *worker)
{
	struct worker *w = worker;
	const struct port_set *ports = w->set->config.ports;

	for (uint32_t i = 0; i < ports->device_count; i++) {
		struct path_tx *tx = path_tx(w->path, i);
		uint16_t owner;

		if (!tx->n)
			continue;
		owner = port_tx_worker(&ports->devices[i], (uint16_t)w->home);
		if (owner != w->index) {
			handover_send(w, &w->set->workers[owner], i, tx);
		} else {
			if (w->lane || ports->devices[i].tx_queues < ports->workers)
				handover_drain(w);
			worker_transmit(w, i, tx->packets, tx->n);
		}
		tx->n = 0;
	}
}

static void flush_mirrored(struct worker *w)
{
	struct path_exit *exit = path_mirrored(w->path);

	for (uint32_t i = 0; i < exit->n; i++) {
		enum contract_drop why = CONTRACT_DROP_MIRROR_FULL;

		if (w->set->config.mirrors)
			why = mirror_offer(w->set->config.mirrors, exit->where[i],
					   exit->packets[i]);
		if (why == CONTRACT_DROP_NONE)
			continue;
		path_drops(w->path)[why]++;
		rte_pktmbuf_free(exit->packets[i]);
	}
	w->left_work |= exit->n != 0;
	exit->n = 0;
}

static void flush_punted(struct worker *w)
{
	struct path_exit *exit = path_punted(w->path);
	uint32_t done;

	if (!exit->n)
		return;
	done = rte_ring_mp_enqueue_burst(w->set->punts, (void **)exit->packets, exit->n, NULL);
	path_drops(w->path)[CONTRACT_DROP_PUNT_FULL] += exit->n - done;
	rte_pktmbuf_free_bulk(exit->packets + done, exit->n - done);
	exit->n = 0;
	w->left_work = true;
}

void worker_flush(struct worker *w)
{
	worker_flush_tx(w);
	flush_mirrored(w);
	flush_punted(w);
}

static void run_received(struct worker *w, uint32_t device, struct rte_mbuf **packets, uint32_t n)
{
	w->own += n;
	if (unlikely(w->lane != NULL) && n)
		n = spread_received(w, device, packets, n);
	path_run(w->path, device, packets, n);
}

static void run_burst(struct worker *w, uint32_t device, struct rte_mbuf **packets, uint32_t n)
{
	if (w->set->config.ports->devices[device].hand_over)
		n = handover_received(w, device, packets, n);
	run_received(w, device, packets, n);
	worker_flush(w);
}

/* A full burst, and what waits behind it; gives how many packets more were taken. */
static __attribute__((noinline)) uint32_t run_full(struct worker *w, uint32_t device,
						   struct rte_mbuf **packets, uint32_t n)
{
	struct skim kept;
	uint32_t taken = skim_received(w, device, n, &kept);

	run_burst(w, device, packets, n);
	if (kept.n)
		run_burst(w, device, kept.packets, kept.n);
	return taken;
}

static uint32_t receive_all(struct worker *w)
{
	const struct port_set *ports = w->set->config.ports;
	struct rte_mbuf *packets[PATH_BURST];
	uint32_t total = 0;

	for (uint32_t i = 0; i < ports->device_count; i++) {
		const struct port_device *device = &ports->devices[i];
		uint16_t n;

		if (!device->started || w->index >= device->rx_queues)
			continue;
		n = rte_eth_rx_burst(device->dpdk, (uint16_t)w->index, packets, PATH_BURST);
		if (!n)
			continue;
		total += n;
		if (unlikely(n >= w->rings[i].ask))
			total += run_full(w, i, packets, n);
		else
			run_burst(w, i, packets, n);
	}
	return total;
}

/* Packets of one device in a row go through the path together. */
static uint32_t take_received(struct worker *w, const struct worker_item *items, uint32_t n)
{
	struct rte_mbuf *packets[ITEMS];
	uint32_t count = 0;

	while (count < n && items[count].how == WORKER_RECEIVED &&
	       items[count].where == items[0].where) {
		packets[count] = items[count].m;
		count++;
	}
	run_received(w, items[0].where, packets, count);
	return count;
}

static uint32_t take_items(struct worker *w)
{
	struct worker_item items[ITEMS];
	uint32_t n = rte_ring_sc_dequeue_burst_elem(w->ring, items, sizeof(items[0]), ITEMS, NULL);

	for (uint32_t i = 0; i < n;) {
		if (items[i].how == WORKER_RECEIVED) {
			i += take_received(w, &items[i], n - i);
		} else {
			path_inject(w->path, items[i].how, items[i].where, items[i].m);
			i++;
		}
	}
	if (n)
		worker_flush(w);
	return n;
}

/* All that others left, at most a ring of it. */
static uint32_t take_all(struct worker *w)
{
	uint32_t total = handover_drain(w);
	uint32_t n;

	do {
		n = take_items(w);
		total += n;
	} while (n == ITEMS && total < WORKER_RING);
	return total;
}

static void tell_main(struct worker *w)
{
	if (!w->left_work && rte_ring_empty(w->set->events) && rte_ring_empty(w->set->captured))
		return;
	w->left_work = false;
	if (w->set->config.waker)
		waker_wake(w->set->config.waker);
}

static void count_turn(struct worker *w, uint32_t packets, uint64_t cycles, uint64_t now_ns)
{
	uint64_t *row = w->counters;

	row[packets ? CONTRACT_WORKER_BUSY_CYCLES : CONTRACT_WORKER_IDLE_CYCLES] += cycles;
	row[CONTRACT_WORKER_LOOPS]++;
	row[CONTRACT_WORKER_PACKETS] += packets;
	row[CONTRACT_WORKER_WAITS] += path_waits(w->path);
	__atomic_store_n(&row[CONTRACT_WORKER_PROGRESS_NS], now_ns, __ATOMIC_RELAXED);
}

/* A sleeping worker holds nothing of what main may take away. */
static void rest(struct worker *w, uint64_t *last)
{
	struct timespec pause = { 0, WORKER_REST_US * 1000 };
	uint64_t now;

	if (w->idle < IDLE_BEFORE_REST || !w->set->config.rest || path_holds(w->path))
		return;
	if (w->set->config.qsbr)
		rte_rcu_qsbr_thread_offline(w->set->config.qsbr, w->index);
	nanosleep(&pause, NULL);
	if (w->set->config.qsbr)
		rte_rcu_qsbr_thread_online(w->set->config.qsbr, w->index);
	now = rte_rdtsc(); /* not of the turn that follows, which may have packets */
	w->counters[CONTRACT_WORKER_IDLE_CYCLES] += now - *last;
	*last = now;
}

void worker_turn(struct worker *w, uint64_t *last)
{
	uint32_t packets = receive_all(w) + take_all(w);
	bool held = path_holds(w->path);
	uint64_t now_ns;
	uint64_t now;

	if (unlikely(w->lane != NULL) && w->own <= SPREAD_OWN)
		packets += spread_help(w);
	w->own = 0;
	now_ns = path_tick(w->path);
	now = rte_rdtsc();
	if (held)
		worker_flush(w);
	if (w->set->config.qsbr)
		rte_rcu_qsbr_quiescent(w->set->config.qsbr, w->index);
	tell_main(w);
	count_turn(w, packets, now - *last, now_ns);
	*last = now;
	w->idle = packets ? 0 : w->idle + 1;
	rest(w, last);
}

int worker_main(void *worker)
{
	struct worker *w = worker;
	struct rte_rcu_qsbr *qsbr = w->set->config.qsbr;
	uint64_t last = rte_rdtsc();

	if (qsbr) {
		if (rte_rcu_qsbr_thread_register(qsbr, w->index))
			return -1;
		rte_rcu_qsbr_thread_online(qsbr, w->index);
	}
	while (!atomic_load_explicit(&w->set->stop, memory_order_relaxed))
		worker_turn(w, &last);
	if (qsbr) {
		rte_rcu_qsbr_thread_offline(qsbr, w->index);
		rte_rcu_qsbr_thread_unregister(qsbr, w->index);
	}
	return 0;
}
