/*
 * Workers as the main lcore sees them: made, fed, listened to, ended.
 */
#include "dataplane/fib/lookup.h"
#include "dataplane/sa/hot.h"
#include "dataplane/worker/skim.h"
#include "dataplane/worker/spread.h"
#include "dataplane/worker/state.h"

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring_elem.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define HOLD_MS 1000

struct rte_rcu_qsbr *worker_qsbr_new(uint32_t workers)
{
	size_t size = rte_rcu_qsbr_get_memsize(workers);
	struct rte_rcu_qsbr *qsbr = rte_zmalloc("worker_qsbr", size, RTE_CACHE_LINE_SIZE);

	if (qsbr && rte_rcu_qsbr_init(qsbr, workers)) {
		rte_free(qsbr);
		return NULL;
	}
	return qsbr;
}

void worker_qsbr_free(struct rte_rcu_qsbr *qsbr)
{
	rte_free(qsbr);
}

static void ports_fill(struct path_shared *shared, const struct worker_config *config)
{
	const struct port_set *set = config->ports;

	for (uint32_t i = 0; i < set->device_count; i++) {
		const struct port_device *from = &set->devices[i];

		shared->devices[i] = (struct path_device){
			.by_tag = from->by_tag,
			.untagged = from->untagged,
			.rx_checksum = from->rx_checksum,
			.rx_vlan = from->rx_vlan,
			.tx_vlan = from->tx_vlan,
			.tx_ip_checksum = from->tx_ip_checksum,
		};
	}
	for (uint32_t id = 1; id <= set->count; id++) {
		const struct port *from = &set->ports[id];
		struct path_port *to = &shared->ports[id];

		to->mtu = from->mtu;
		to->vlan = from->vlan;
		to->device = from->device;
		to->role = from->role;
		to->mirror = config->mirrors ? mirror_of_port(config->mirrors, id) : 0;
		for (uint32_t b = 0; b < sizeof(to->mac); b++)
			to->mac[b] = from->mac[b];
	}
}

static struct rte_ring *ring_of_items(const struct worker_set *set, const char *name)
{
	uint32_t size = set->config.workers > 1 ? WORKER_HANDOVER_RING : WORKER_RING;

	return rte_ring_create_elem(name, sizeof(struct worker_item), size, set->config.socket,
				    RING_F_SC_DEQ);
}

static int rings_new(struct worker_set *set)
{
	char name[RTE_RING_NAMESIZE];
	static unsigned int number;

	snprintf(name, sizeof(name), "events%u", number);
	set->events = rte_ring_create_elem(name, sizeof(struct path_event), WORKER_RING,
					   set->config.socket, RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "punts%u", number);
	set->punts = rte_ring_create(name, WORKER_RING, set->config.socket, RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "captured%u", number);
	set->captured = rte_ring_create(name, CAPTURE_RING, set->config.socket, RING_F_SC_DEQ);
	for (uint32_t i = 0; i < set->config.workers; i++) {
		snprintf(name, sizeof(name), "worker%u_%u", number, i);
		set->workers[i].ring = ring_of_items(set, name);
		snprintf(name, sizeof(name), "sends%u_%u", number, i);
		set->workers[i].sends = ring_of_items(set, name);
		if (!set->workers[i].ring || !set->workers[i].sends)
			return -ENOMEM;
	}
	number++;
	return set->events && set->punts && set->captured ? 0 : -ENOMEM;
}

static int paths_new(struct worker_set *set)
{
	const struct worker_config *c = &set->config;

	set->shared.config = (struct path_config){
		.fib = fib_hot(c->fib),
		.sas = sa_hot(c->sas),
		.meter = c->meter,
		.counters = c->counters,
		.events = set->events,
		.captured = set->captured,
		.pool = c->pool,
		.workers = c->workers,
		.tsc_hz = rte_get_tsc_hz(),
		.hold_ms = c->hold_ms ? c->hold_ms : HOLD_MS,
	};
	for (uint32_t i = 0; i < c->workers; i++) {
		struct worker *w = &set->workers[i];
		int err = path_new(&w->path, &set->shared, i, c->socket);

		if (err)
			return err;
		path_flush_by(w->path, worker_flush_tx, w);
		w->set = set;
		w->index = w->home = i;
		w->counters = contract_counters_row(c->counters, CONTRACT_COUNT_WORKER, i, 0);
		skim_init(w);
	}
	return 0;
}

int worker_set_new(struct worker_set **to, const struct worker_config *config)
{
	struct worker_set *set;
	int err = -ENOMEM;

	if (config->workers == 0 || config->workers >= PATH_WORKERS)
		return -EINVAL;
	set = rte_zmalloc("worker_set", sizeof(*set), RTE_CACHE_LINE_SIZE);
	if (!set)
		return -ENOMEM;
	set->config = *config;
	set->workers = rte_zmalloc("workers", config->workers * sizeof(struct worker),
				   RTE_CACHE_LINE_SIZE);
	if (!set->workers)
		goto fail;
	ports_fill(&set->shared, config);
	err = rings_new(set);
	if (!err)
		err = address_init(&set->addresses, &set->shared, config->addresses, config->qsbr);
	if (!err)
		err = capture_init(&set->captures, &set->shared.watch, config->qsbr);
	if (!err)
		err = paths_new(set);
	if (!err)
		err = spread_init(set);
	if (err)
		goto fail;
	*to = set;
	return 0;
fail:
	worker_set_free(set);
	return err;
}

static void ring_free_items(struct rte_ring *ring)
{
	struct worker_item item;

	while (ring && rte_ring_sc_dequeue_elem(ring, &item, sizeof(item)) == 0)
		rte_pktmbuf_free(item.m);
	rte_ring_free(ring);
}

void worker_set_free(struct worker_set *set)
{
	void *m;

	if (!set)
		return;
	for (uint32_t i = 0; set->workers && i < set->config.workers; i++) {
		path_free(set->workers[i].path);
		ring_free_items(set->workers[i].ring);
		ring_free_items(set->workers[i].sends);
	}
	if (set->workers)
		spread_fini(set);
	while (set->punts && rte_ring_sc_dequeue(set->punts, &m) == 0)
		rte_pktmbuf_free(m);
	while (set->captured && rte_ring_sc_dequeue(set->captured, &m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(set->captured);
	rte_ring_free(set->punts);
	rte_ring_free(set->events);
	capture_fini(set->captures);
	address_fini(set->addresses);
	rte_free(set->workers);
	rte_free(set);
}

struct worker *worker_get(struct worker_set *set, uint32_t index)
{
	return index < set->config.workers ? &set->workers[index] : NULL;
}

void worker_stop(struct worker_set *set)
{
	atomic_store(&set->stop, true);
}

struct path_shared *worker_shared(struct worker_set *set)
{
	return &set->shared;
}

struct address_store *worker_addresses(struct worker_set *set)
{
	return set->addresses;
}

uint32_t worker_events(struct worker_set *set, struct path_event *events, uint32_t n)
{
	return rte_ring_sc_dequeue_burst_elem(set->events, events, sizeof(*events), n, NULL);
}

uint32_t worker_punts(struct worker_set *set, struct rte_mbuf **packets, uint32_t n)
{
	return rte_ring_sc_dequeue_burst(set->punts, (void **)packets, n, NULL);
}

struct capture_store *worker_captures(struct worker_set *set)
{
	return set->captures;
}

uint32_t worker_captured(struct worker_set *set, struct rte_mbuf **records, uint32_t n)
{
	return rte_ring_sc_dequeue_burst(set->captured, (void **)records, n, NULL);
}

uint32_t worker_inject(struct worker_set *set, enum path_inject how, uint32_t where,
		       struct rte_mbuf **packets, uint32_t n)
{
	struct worker *w = &set->workers[where % set->config.workers];
	uint32_t i;

	for (i = 0; i < n; i++) {
		struct worker_item item = { packets[i], how, where };

		if (rte_ring_mp_enqueue_elem(w->ring, &item, sizeof(item)))
			break;
	}
	return i;
}

uint64_t worker_progress_ns(const struct worker_set *set, uint32_t index)
{
	return __atomic_load_n(&set->workers[index].counters[CONTRACT_WORKER_PROGRESS_NS],
			       __ATOMIC_RELAXED);
}

bool worker_where(const struct worker_set *set, uint32_t index, struct path_where *where)
{
	return path_where(set->workers[index].path, where);
}
