#include "dataplane/kernel/mirror.h"
#include "dataplane/kernel/netns.h"
#include "dataplane/kernel/tun.h"

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define MIRROR_SEGMENTS 16
#define MIRROR_BUDGET 256 /* packets written in one turn, so that the main lcore serves others */
#define MIRROR_NS_PER_S UINT64_C(1000000000)

/* Packets per second, each way: routing protocols must never notice a flood of anything else. */
static const uint32_t mirror_default_rate[MIRROR_CLASS_COUNT] = {
	[MIRROR_CLASS_ROUTING] = 50000, [MIRROR_CLASS_NEIGHBOUR] = 5000,
	[MIRROR_CLASS_ICMP] = 10000,	[MIRROR_CLASS_TCP] = 100000,
	[MIRROR_CLASS_REST] = 5000,
};

struct mirror_bucket {
	uint64_t tokens_ns; /* credit as time: a packet costs MIRROR_NS_PER_S / rate */
	uint64_t last_ns;
};

struct mirror_queue {
	struct rte_ring *ring; /* workers: many producers, main: the consumer */
	uint32_t rate;
	struct mirror_bucket to_kernel;
	struct mirror_bucket from_kernel;
};

struct mirror_set {
	struct mirror mirrors[MIRROR_MAX]; /* by id */
	uint32_t count;
	struct rte_mempool *pool;
	struct waker *waker;
	struct mirror_queue queues[MIRROR_CLASS_COUNT];
};

static int mirror_make_rings(struct mirror_set *set, int socket, struct mirror_fault *fault)
{
	char name[RTE_RING_NAMESIZE];

	for (uint32_t i = 0; i < MIRROR_CLASS_COUNT; i++) {
		snprintf(name, sizeof(name), "mirror%u", i);
		set->queues[i].rate = mirror_default_rate[i];
		set->queues[i].ring = rte_ring_create(name, MIRROR_RING, socket, RING_F_SC_DEQ);
		if (!set->queues[i].ring) {
			snprintf(fault->text, sizeof(fault->text),
				 "no memory for the queues to the mirror interfaces; give the "
				 "program more memory (--memory)");
			return -ENOMEM;
		}
	}
	return 0;
}

static int mirror_make_interfaces(struct mirror_set *set, const struct mirror_set_options *options,
				  struct mirror_fault *fault)
{
	struct netns ns;
	char path[256];
	int err = netns_open(&ns, options->netns ? options->netns : "", path, sizeof(path));
	int back;

	if (err) {
		snprintf(fault->text, sizeof(fault->text),
			 "cannot open the network namespace %s: %s; create it (ip netns add) or "
			 "give --netns another one",
			 path, strerror(-err));
		return err;
	}
	err = netns_enter(&ns);
	if (err)
		snprintf(fault->text, sizeof(fault->text),
			 "cannot enter the network namespace %s: %s; run with CAP_SYS_ADMIN", path,
			 strerror(-err));
	for (uint32_t i = 0; !err && i < options->count; i++) {
		err = tun_open(&set->mirrors[i + 1], &options->mirrors[i], fault);
		if (!err) {
			set->mirrors[i + 1].id = i + 1;
			set->count = i + 1;
		}
	}
	back = netns_leave(&ns);
	if (back && !err) {
		snprintf(fault->text, sizeof(fault->text),
			 "cannot return from the network namespace %s: %s", path, strerror(-back));
		err = back;
	}
	netns_close(&ns);
	return err;
}

static void mirror_free(struct mirror_set *set)
{
	struct rte_mbuf *packet;

	for (uint32_t i = 0; i < MIRROR_CLASS_COUNT; i++) {
		if (!set->queues[i].ring)
			continue;
		while (!rte_ring_sc_dequeue(set->queues[i].ring, (void **)&packet))
			rte_pktmbuf_free(packet);
		rte_ring_free(set->queues[i].ring);
	}
	free(set);
}

int mirror_set_open(struct mirror_set **out, const struct mirror_set_options *options,
		    struct mirror_fault *fault)
{
	struct mirror_set *set = calloc(1, sizeof(*set));
	int err = -ENOMEM;

	if (!set || options->count >= MIRROR_MAX) {
		snprintf(fault->text, sizeof(fault->text), "%u mirror interfaces are too many",
			 options->count);
		goto fail;
	}
	set->pool = options->pool;
	set->waker = options->waker;
	for (uint32_t i = 0; i < MIRROR_MAX; i++)
		set->mirrors[i].fd = -1;
	err = mirror_make_rings(set, options->socket, fault);
	if (!err)
		err = mirror_make_interfaces(set, options, fault);
	if (err)
		goto fail;
	*out = set;
	return 0;
fail:
	for (uint32_t i = 1; set && i <= set->count; i++)
		tun_undo(&set->mirrors[i]);
	if (set)
		mirror_free(set);
	return err;
}

void mirror_set_close(struct mirror_set *set)
{
	if (!set)
		return;
	for (uint32_t i = 1; i <= set->count; i++)
		tun_close(&set->mirrors[i]);
	mirror_free(set);
}

uint32_t mirror_count(const struct mirror_set *set)
{
	return set ? set->count : 0;
}

const struct mirror *mirror_get(const struct mirror_set *set, uint32_t id)
{
	return set && id && id <= set->count ? &set->mirrors[id] : NULL;
}

uint32_t mirror_of_port(const struct mirror_set *set, uint32_t port)
{
	for (uint32_t i = 1; i <= mirror_count(set); i++)
		if (set->mirrors[i].port == port)
			return i;
	return 0;
}

uint32_t mirror_of_instance(const struct mirror_set *set, uint32_t instance)
{
	for (uint32_t i = 1; i <= mirror_count(set); i++)
		if (!set->mirrors[i].port && set->mirrors[i].instance == instance)
			return i;
	return 0;
}

enum contract_drop mirror_offer(struct mirror_set *set, uint32_t mirror, struct rte_mbuf *packet)
{
	enum mirror_class class;

	if (!mirror || mirror > set->count)
		return CONTRACT_DROP_MIRROR_FULL;
	class = mirror_classify(packet, set->mirrors[mirror].port != 0);
	packet->hash.usr = mirror;
	return rte_ring_mp_enqueue(set->queues[class].ring, packet) ? CONTRACT_DROP_MIRROR_POLICED
								    : CONTRACT_DROP_NONE;
}

static bool mirror_write(struct mirror_set *set, struct rte_mbuf *packet)
{
	struct mirror *mirror = &set->mirrors[packet->hash.usr];
	struct iovec parts[MIRROR_SEGMENTS];
	int count = 0;

	for (struct rte_mbuf *m = packet; m; m = m->next) {
		if (count == MIRROR_SEGMENTS)
			return false;
		parts[count].iov_base = rte_pktmbuf_mtod(m, void *);
		parts[count++].iov_len = m->data_len;
	}
	if (writev(mirror->fd, parts, count) < 0)
		return false;
	mirror->to_kernel++;
	return true;
}

/* Credit grows with time, to a tenth of a second's worth (and at least 32 packets). */
static void mirror_refill(struct mirror_bucket *bucket, uint32_t rate, uint64_t now_ns)
{
	uint64_t most = MIRROR_NS_PER_S / 10;
	uint64_t least = 32 * (MIRROR_NS_PER_S / rate);

	bucket->tokens_ns += bucket->last_ns ? now_ns - bucket->last_ns : most;
	bucket->last_ns = now_ns;
	if (most < least)
		most = least;
	if (bucket->tokens_ns > most)
		bucket->tokens_ns = most;
}

static bool mirror_take(struct mirror_bucket *bucket, uint32_t rate)
{
	uint64_t cost = MIRROR_NS_PER_S / rate;

	if (bucket->tokens_ns < cost)
		return false;
	bucket->tokens_ns -= cost;
	return true;
}

static uint32_t mirror_drain(struct mirror_set *set, struct mirror_queue *queue, uint32_t budget,
			     uint64_t *drops)
{
	struct rte_mbuf *packet;
	uint32_t done = 0;

	while (done < budget && !rte_ring_empty(queue->ring) &&
	       mirror_take(&queue->to_kernel, queue->rate) &&
	       !rte_ring_sc_dequeue(queue->ring, (void **)&packet)) {
		done++;
		if (!mirror_write(set, packet))
			drops[CONTRACT_DROP_MIRROR_FULL]++;
		rte_pktmbuf_free(packet);
	}
	return done;
}

int mirror_flush(struct mirror_set *set, uint64_t now_ns, uint64_t *drops)
{
	uint32_t budget = MIRROR_BUDGET;
	int wait_ms = -1;

	for (uint32_t i = 0; i < MIRROR_CLASS_COUNT; i++) {
		struct mirror_queue *queue = &set->queues[i];

		mirror_refill(&queue->to_kernel, queue->rate, now_ns);
		budget -= mirror_drain(set, queue, budget, drops);
		if (!rte_ring_empty(queue->ring))
			wait_ms = 1;
	}
	return budget ? wait_ms : 0;
}

uint32_t mirror_admit(struct mirror_set *set, bool ethernet, struct mirror_batch *batch)
{
	struct rte_mbuf *rest[MIRROR_READ];
	uint32_t first = 0;
	uint32_t others = 0;

	for (uint32_t i = 0; i < MIRROR_CLASS_COUNT; i++)
		mirror_refill(&set->queues[i].from_kernel, set->queues[i].rate, batch->now_ns);
	for (uint32_t i = 0; i < batch->n; i++) {
		struct rte_mbuf *packet = batch->packets[i];
		enum mirror_class class = mirror_classify(packet, ethernet);

		if (!mirror_take(&set->queues[class].from_kernel, set->queues[class].rate)) {
			batch->drops[CONTRACT_DROP_MIRROR_POLICED]++;
			rte_pktmbuf_free(packet);
		} else if (class == MIRROR_CLASS_ROUTING) {
			batch->packets[first++] = packet;
		} else {
			rest[others++] = packet;
		}
	}
	memcpy(batch->packets + first, rest, others * sizeof(rest[0]));
	batch->n = first + others;
	return first;
}

uint32_t mirror_read(struct mirror_set *set, uint32_t id, struct mirror_batch *batch)
{
	struct mirror *mirror = &set->mirrors[id];
	uint32_t count = 0;

	while (count < MIRROR_READ) {
		struct rte_mbuf *packet = rte_pktmbuf_alloc(set->pool);
		ssize_t got;

		if (!packet)
			break;
		got = read(mirror->fd, rte_pktmbuf_mtod(packet, void *),
			   rte_pktmbuf_tailroom(packet));
		if (got <= 0) {
			rte_pktmbuf_free(packet);
			break;
		}
		packet->data_len = (uint16_t)got;
		packet->pkt_len = (uint32_t)got;
		batch->packets[count++] = packet;
	}
	mirror->from_kernel += count;
	batch->n = count;
	return mirror_admit(set, mirror->port != 0, batch);
}

void mirror_carrier(struct mirror_set *set, uint32_t id, bool up)
{
	if (id && id <= set->count && set->mirrors[id].port)
		tun_carrier(&set->mirrors[id], up);
}

void mirror_rate(struct mirror_set *set, enum mirror_class class, uint32_t packets_per_s)
{
	set->queues[class].rate = packets_per_s ? packets_per_s : 1;
}
