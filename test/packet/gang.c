#include "gang.h"

#include "craft.h"
#include "pool.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define AWAY_NS 20000
#define AWAY_EVERY 8
#define WORK 8					     /* of a packet; to receive it is 1 of it */
#define FIRST_DPDK (RTE_MAX_ETHPORTS - GANG_DEVICES) /* numbers that no device has */

/* Of a steady gang: several threads, each word has a meaning of its own. */
static bool is_steady;
static bool is_open;
static uint64_t first_received;
static uint64_t last_sent;
static _Thread_local uint64_t frames_sent;

/* What comes with a load while the work is done that was done by now. */
static void arrive(struct gang_queue *q)
{
	uint64_t due = q->config->load * ((WORK - 1) * frames_sent + q->received) / WORK;
	void *m;

	if (rte_ring_empty(q->ring))
		due = RTE_MAX(due, q->arrived + PATH_BURST);
	while (q->arrived < due && rte_ring_dequeue(q->arriving, &m) == 0) {
		q->arrived++;
		if (rte_ring_enqueue(q->ring, m) == 0)
			continue;
		rte_pktmbuf_free(m);
		q->missed++;
	}
}

static uint16_t receive(void *queue, struct rte_mbuf **packets, uint16_t n)
{
	struct gang_queue *q = queue;
	uint16_t got;

	if (is_steady && !__atomic_load_n(&is_open, __ATOMIC_ACQUIRE))
		return 0;
	if (q->config->load)
		arrive(q);
	got = (uint16_t)rte_ring_dequeue_burst(q->ring, (void **)packets, n, NULL);
	q->received += got;
	if (is_steady && got && !__atomic_load_n(&first_received, __ATOMIC_RELAXED))
		__atomic_store_n(&first_received, rte_rdtsc(), __ATOMIC_RELAXED);
	return got;
}

static uint32_t waiting(void *queue)
{
	const struct gang_queue *q = queue;

	return rte_ring_count(q->ring);
}

/* Now and then a worker loses its core before its frames are out: the worst moment for order. */
static uint16_t transmit(void *queue, struct rte_mbuf **packets, uint16_t n)
{
	static _Thread_local uint32_t calls;
	const struct timespec away = { 0, AWAY_NS };

	if (!is_steady && ++calls % AWAY_EVERY == 0)
		nanosleep(&away, NULL);
	n = (uint16_t)rte_ring_enqueue_burst(queue, (void **)packets, n, NULL);
	frames_sent += n;
	if (is_steady)
		__atomic_store_n(&last_sent, rte_rdtsc(), __ATOMIC_RELEASE);
	return n;
}

void gang_open(bool open)
{
	if (open)
		__atomic_store_n(&first_received, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&is_open, open, __ATOMIC_RELEASE);
}

uint64_t gang_span(void)
{
	return __atomic_load_n(&last_sent, __ATOMIC_ACQUIRE) -
	       __atomic_load_n(&first_received, __ATOMIC_RELAXED);
}

static struct rte_ring *ring_new(uint32_t size)
{
	static unsigned int number;
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(name, sizeof(name), "gang%u", number++);
	ring = rte_ring_create(name, size, SOCKET_ID_ANY, RING_F_EXACT_SZ);
	if (!ring)
		exit(1);
	return ring;
}

static void queue_new(struct gang_queue *q, const struct gang_config *config)
{
	*q = (struct gang_queue){ .arriving = ring_new(GANG_RING), .config = config };
	q->ring = config->load ? ring_new(config->descriptors) : q->arriving;
}

/* What DPDK calls for a burst of these devices is this file. */
static void device_new(struct gang *gang, uint32_t i)
{
	struct port_device *device = &gang->ports.devices[i];
	struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[FIRST_DPDK + i];
	uint32_t queues = gang->config.queues;
	bool tells = gang->config.descriptors && !gang->config.untold;

	gang->wires[i] = ring_new(GANG_RING);
	for (uint32_t q = 0; q < queues; q++) {
		queue_new(&gang->queues[i][q], &gang->config);
		gang->receive_queues[i][q] = &gang->queues[i][q];
		gang->send_queues[i][q] = gang->wires[i];
	}
	*ops = (struct rte_eth_fp_ops){ .rx_pkt_burst = receive, .tx_pkt_burst = transmit };
	if (tells)
		ops->rx_queue_count = waiting;
	ops->rxq.data = gang->receive_queues[i];
	ops->txq.data = gang->send_queues[i];
	ops->rxq.clbk = ops->txq.clbk = gang->no_callbacks;
	*device = (struct port_device){
		.dpdk = (uint16_t)(FIRST_DPDK + i),
		.rx_queues = (uint16_t)queues,
		.tx_queues = port_tx_queues((uint16_t)queues, (uint16_t)gang->config.workers),
		.rx_descriptors = tells ? (uint16_t)gang->config.descriptors : 0,
		.rss = true,
		.rss_spi = gang->config.spreads_spi,
		.started = true,
		.untagged = i + 1
	};
	device->hand_over = port_hands_over(&gang->ports, (uint16_t)i);
}

static void ports_new(struct gang *gang)
{
	const struct path_port *from = gang->bed->shared.ports;

	gang->ports.count = GANG_DEVICES;
	gang->ports.device_count = GANG_DEVICES;
	gang->ports.workers = (uint16_t)gang->config.workers;
	for (uint32_t id = 1; id <= GANG_DEVICES; id++) {
		struct port *port = &gang->ports.ports[id];

		port->id = id;
		port->device = (uint16_t)(id - 1);
		port->mtu = from[id].mtu;
		port->role = from[id].role;
		memcpy(port->mac, from[id].mac, sizeof(port->mac));
	}
	for (uint32_t i = 0; i < GANG_DEVICES; i++)
		device_new(gang, i);
}

static void *work(void *worker)
{
	worker_main(worker);
	return NULL;
}

/* EAL bound the thread that makes it to one CPU: any will do, or one each, the last one first. */
static void place(const struct gang *gang, uint32_t worker)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	for (long i = 0; i < count; i++)
		if (!gang->config.steady || i == count - 1 - worker % count)
			CPU_SET((size_t)i, &cpus);
	pthread_setaffinity_np(gang->threads[worker], sizeof(cpus), &cpus);
}

struct bed *gang_bed(struct bed_config *config)
{
#ifdef __SANITIZE_THREAD__
	config->pool_ops = pool_locked();
#endif
	return bed_new(config);
}

struct gang *gang_new(struct bed *bed, const struct gang_config *config)
{
	struct gang *gang = calloc(1, sizeof(*gang));
	struct worker_config workers = { .workers = config->workers,
					 .fib = bed->fib,
					 .sas = bed->sas,
					 .meter = bed->meter,
					 .counters = &bed->counters,
					 .pool = bed->pool,
					 .qsbr = config->qsbr,
					 .addresses = 64,
					 .spread_inbound = config->spread_inbound,
					 .socket = SOCKET_ID_ANY };

	if (!gang)
		exit(1);
	gang->bed = bed;
	gang->config = *config;
	is_steady = config->steady;
	ports_new(gang);
	workers.ports = &gang->ports;
	if (worker_set_new(&gang->set, &workers))
		exit(1);
	bed_addresses(worker_addresses(gang->set));
	for (uint32_t i = 0; i < config->workers && !config->idle; i++) {
		if (pthread_create(&gang->threads[i], NULL, work, worker_get(gang->set, i)))
			exit(1);
		place(gang, i);
	}
	return gang;
}

static void ring_free(struct rte_ring *ring)
{
	void *m;

	while (rte_ring_dequeue(ring, &m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(ring);
}

static void queue_free(struct gang_queue *q)
{
	if (q->ring != q->arriving)
		ring_free(q->ring);
	ring_free(q->arriving);
}

void gang_stop(struct gang *gang)
{
	worker_stop(gang->set);
	for (uint32_t i = 0; i < gang->config.workers && !gang->config.idle; i++)
		pthread_join(gang->threads[i], NULL);
	gang->config.idle = true;
}

void gang_free(struct gang *gang)
{
	gang_stop(gang);
	worker_set_free(gang->set);
	for (uint32_t i = 0; i < GANG_DEVICES; i++) {
		ring_free(gang->wires[i]);
		for (uint32_t q = 0; q < gang->config.queues; q++)
			queue_free(&gang->queues[i][q]);
	}
	free(gang);
}

bool gang_arrive(struct gang *gang, uint32_t device, uint32_t queue, struct rte_mbuf *m)
{
	return rte_ring_enqueue(gang->queues[device][queue].arriving, m) == 0;
}

struct rte_mbuf *gang_left(struct gang *gang, uint32_t device)
{
	void *m;

	return rte_ring_dequeue(gang->wires[device], &m) == 0 ? m : NULL;
}
