#include "loop.h"

#include "dataplane/worker/state.h"

#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES 2
#define FIRST_DPDK (RTE_MAX_ETHPORTS - DEVICES) /* numbers that no device has */

struct queue {
	struct rte_mbuf **packets;
	uint32_t n;
};

struct loop {
	struct port_set ports;
	struct rte_rcu_qsbr *qsbr;
	struct worker_set *set;
	struct worker *worker;
	uint64_t last;
	struct queue received[DEVICES];
	struct queue sent[DEVICES];
	void *receive_queues[DEVICES];
	void *send_queues[DEVICES];
	void *no_callbacks[1];
};

static uint16_t receive(void *of, struct rte_mbuf **packets, uint16_t most)
{
	struct queue *queue = of;
	uint16_t n = (uint16_t)(queue->n < most ? queue->n : most);

	memcpy(packets, queue->packets, n * sizeof(*packets));
	queue->n -= n;
	queue->packets += n;
	return n;
}

static uint16_t transmit(void *of, struct rte_mbuf **packets, uint16_t n)
{
	struct queue *queue = of;

	memcpy(queue->packets + queue->n, packets, n * sizeof(*packets));
	queue->n += n;
	return n;
}

/* What DPDK calls for a burst of these devices is this file. */
static void device_new(struct loop *loop, uint32_t i)
{
	struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[FIRST_DPDK + i];

	loop->receive_queues[i] = &loop->received[i];
	loop->send_queues[i] = &loop->sent[i];
	*ops = (struct rte_eth_fp_ops){ .rx_pkt_burst = receive, .tx_pkt_burst = transmit };
	ops->rxq.data = &loop->receive_queues[i];
	ops->txq.data = &loop->send_queues[i];
	ops->rxq.clbk = ops->txq.clbk = loop->no_callbacks;
	loop->ports.devices[i] = (struct port_device){ .dpdk = (uint16_t)(FIRST_DPDK + i),
						       .rx_queues = 1,
						       .tx_queues = 1,
						       .started = true,
						       .untagged = i + 1 };
}

static void ports_new(struct loop *loop, const struct bed *bed)
{
	loop->ports.count = loop->ports.device_count = DEVICES;
	loop->ports.workers = 1;
	for (uint32_t id = 1; id <= DEVICES; id++) {
		const struct path_port *from = &bed->shared.ports[id];
		struct port *port = &loop->ports.ports[id];

		*port = (struct port){ .id = id, .device = (uint16_t)(id - 1) };
		port->mtu = from->mtu;
		port->role = from->role;
		memcpy(port->mac, from->mac, sizeof(port->mac));
		device_new(loop, id - 1);
	}
}

struct loop *loop_new(struct bed *bed)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	struct worker_config config = { .workers = 1,
					.fib = bed->fib,
					.sas = bed->sas,
					.meter = bed->meter,
					.counters = &bed->counters,
					.pool = bed->pool,
					.addresses = 64,
					.socket = SOCKET_ID_ANY };

	if (!loop)
		exit(1);
	ports_new(loop, bed);
	config.ports = &loop->ports;
	config.qsbr = loop->qsbr = worker_qsbr_new(1);
	if (!loop->qsbr || worker_set_new(&loop->set, &config)) {
		fprintf(stderr, "bench: no memory for a worker\n");
		exit(1);
	}
	bed_addresses(worker_addresses(loop->set));
	loop->worker = worker_get(loop->set, 0);
	if (rte_rcu_qsbr_thread_register(loop->qsbr, 0))
		exit(1);
	rte_rcu_qsbr_thread_online(loop->qsbr, 0);
	return loop;
}

void loop_free(struct loop *loop)
{
	rte_rcu_qsbr_thread_offline(loop->qsbr, 0);
	rte_rcu_qsbr_thread_unregister(loop->qsbr, 0);
	worker_set_free(loop->set);
	worker_qsbr_free(loop->qsbr);
	free(loop);
}

uint32_t loop_turn(struct loop *loop, uint32_t device, struct rte_mbuf **packets, uint32_t n,
		   struct rte_mbuf **out)
{
	loop->received[device] = (struct queue){ packets, n };
	loop->sent[!device] = (struct queue){ out, 0 };
	loop->sent[device] = (struct queue){ NULL, 0 };
	worker_turn(loop->worker, &loop->last);
	return loop->sent[!device].n;
}

const struct path *loop_path(const struct loop *loop)
{
	return loop->worker->path;
}
