#pragma once
/*
 * DOC: Linux mirror interfaces
 *
 * Every port has a TAP in the kernel and every gateway instance a TUN: ARP, ND, ICMP to us, ssh
 * and BGP are ordinary Linux behind them. The interfaces are persistent, with stable names and the
 * port's MAC, and outlive this program; opening them again changes nothing that is already right.
 *
 * To the kernel: a worker offers a packet with mirror_offer(). Each class of traffic has a ring
 * and a rate of its own. The main lcore takes from a ring no more than the class's rate allows,
 * the most important class first, and writes to the interface; what is over the rate stays in the
 * ring, and a full ring refuses, so that a flood costs the worker one failed enqueue and costs the
 * other classes nothing.
 *
 * From the kernel: frames from a TAP leave by the TAP's port as they are; packets from a TUN are
 * inner packets for the packet path. Both are handed to workers by whoever calls mirror_read(). The
 * classes hold here too: what is over the rate is dropped, so that whatever a program on this
 * machine or an answer to a flood sends, the worker is not kept busy with it, and BFD and BGP go
 * before what was sent before them.
 *
 * Threads: mirror_offer() on any worker, everything else on the main lcore.
 */
#include "contract/drops.h"
#include "dataplane/kernel/waker.h"
#include "net/addr.h"

#include <rte_mbuf_core.h>

#define MIRROR_MAX 80
#define MIRROR_INTERFACE 16
#define MIRROR_RING 512	  /* packets that may wait per class */
#define MIRROR_READ 32	  /* packets read at a time */
#define MIRROR_QUEUE 8192 /* packets that the kernel keeps for us */

enum mirror_class {
	MIRROR_CLASS_ROUTING,	/* BFD and BGP */
	MIRROR_CLASS_NEIGHBOUR, /* ARP and ND */
	MIRROR_CLASS_ICMP,
	MIRROR_CLASS_TCP,
	MIRROR_CLASS_REST,
	MIRROR_CLASS_COUNT
};

struct mirror_options {
	char interface[MIRROR_INTERFACE];
	uint32_t port;	   /* 0: a TUN */
	uint32_t instance; /* of a TUN */
	uint32_t domain; /* whose routes what leaves a TUN follows first, then those of domain 0 */
	uint16_t mtu;
	uint8_t mac[6]; /* of a TAP */
};

struct mirror {
	uint32_t id; /* 0: unused */
	uint32_t port;
	uint32_t instance;
	uint32_t domain;
	uint32_t ifindex;
	int fd;
	uint16_t mtu;
	char interface[MIRROR_INTERFACE];
	bool made; /* by this start: taken away again when the start fails */
	uint64_t to_kernel;
	uint64_t from_kernel;
};

struct mirror_set;

struct mirror_fault {
	char text[512];
};

/* A namespace to create the interfaces in: a name under /run/netns (made when missing), a path,
 * or "" for our own. */
struct mirror_set_options {
	const struct mirror_options *mirrors;
	uint32_t count;
	const char *netns;
	struct rte_mempool *pool;
	struct waker *waker;
	int socket; /* NUMA */
};

__attribute__((warn_unused_result)) int mirror_set_open(struct mirror_set **set,
							const struct mirror_set_options *options,
							struct mirror_fault *fault);
/* The interfaces stay in the kernel. */
void mirror_set_close(struct mirror_set *set);
/* A set that is NULL has no mirrors. */
uint32_t mirror_count(const struct mirror_set *set);
const struct mirror *mirror_get(const struct mirror_set *set, uint32_t id); /* ids from 1 */
uint32_t mirror_of_port(const struct mirror_set *set, uint32_t port);	    /* id, 0: none */
uint32_t mirror_of_instance(const struct mirror_set *set, uint32_t instance);

/*
 * Worker: gives a packet to the kernel. A TAP takes the whole frame without its tag, a TUN the IP
 * packet. Takes the packet and gives CONTRACT_DROP_NONE, or leaves it with the caller and gives
 * the reason.
 */
enum contract_drop mirror_offer(struct mirror_set *set, uint32_t mirror, struct rte_mbuf *packet);
enum mirror_class mirror_classify(const struct rte_mbuf *packet, bool ethernet);

/*
 * Main: writes what the rates allow. `drops` is a row of drop counters that main owns. Gives the
 * milliseconds after which there is more to do, -1 when the rings are empty.
 */
int mirror_flush(struct mirror_set *set, uint64_t now_ns, uint64_t *drops);
/* Packets that the kernel sent, those of routing protocols first. */
struct mirror_batch {
	struct rte_mbuf *packets[MIRROR_READ];
	uint32_t n;
	uint64_t now_ns;
	uint64_t *drops; /* a row of drop counters that main owns */
};

/* Main: what the kernel sent through this mirror. Gives how many are of routing protocols. */
uint32_t mirror_read(struct mirror_set *set, uint32_t mirror, struct mirror_batch *batch);
/* Its second half: what the rates of the classes let through, of batch->n packets. */
uint32_t mirror_admit(struct mirror_set *set, bool ethernet, struct mirror_batch *batch);
/* Main: carrier of a TAP follows the link of its port. */
void mirror_carrier(struct mirror_set *set, uint32_t mirror, bool up);
/* Packets per second of a class to the kernel, and from it. */
void mirror_rate(struct mirror_set *set, enum mirror_class class, uint32_t packets_per_s);
