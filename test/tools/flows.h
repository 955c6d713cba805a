#pragma once
/*
 * DOC: flows
 *
 * Numbered UDP flows between two namespaces of a lab, in one process: so it knows what was sent and
 * what came, waits for what is under way, and can say of each window between two marks what was
 * lost, doubled, out of order, and the longest time in which a flow got nothing. Arrival times are
 * the kernel's, so that a busy machine does not look like a gap; how late the sender itself was is
 * reported beside it. A sender that was late makes up for a hundredth of a second and no more: what
 * it would send at once is a flood that is lost by whoever is measured, at a rate that nobody
 * asked.
 *
 * A sender and a receiver thread each direction; a flow is a source port. The receiver looks once a
 * millisecond: to be woken for each packet would cost more than the packet. The main thread reads
 * marks. A watcher on each processor, before everything else where that is allowed, notes how long
 * the machine itself stood still: what a hypervisor takes away is no gap of whoever is measured.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FLOWS_PORT 7000	   /* where both ends receive */
#define FLOWS_SOURCE 20000 /* the first flow's source port */
#define FLOWS_MAX 40000
#define FLOWS_DIRECTIONS 2

struct flows_options {
	const char *a; /* NAMESPACE=ADDRESS */
	const char *b;
	uint32_t flows;
	uint32_t rate;	  /* packets a second and direction, over all flows */
	uint32_t size;	  /* UDP payload */
	uint32_t seconds; /* 0: until standard input ends */
	uint32_t drain_ms;
	bool both;
	const char *stalls; /* a file; NULL: none */
};

struct flow {
	int socket;
	_Atomic uint64_t sent;	  /* sender: rw, others: ro */
	_Atomic uint64_t *seen;	  /* receiver: rw; a bit a number */
	_Atomic uint64_t last_ns; /* arrival before; CLOCK_REALTIME */
	_Atomic uint64_t gap_ns;  /* longest since the last mark */
	uint64_t highest;
	_Atomic uint64_t marked; /* main: rw; numbers below belong to earlier windows */
};

struct direction {
	char name[4];
	struct flow *flows;
	uint32_t flow_count;
	uint64_t capacity; /* numbers a flow */
	uint32_t rate;
	uint32_t size;
	int receiver;
	struct sockaddr_storage to;
	socklen_t to_length;
	pthread_t threads[2];
	_Atomic uint64_t duplicates;
	_Atomic uint64_t reordered;
	_Atomic uint64_t send_errors;
	_Atomic uint64_t unsent;	/* left out: the sender was late */
	_Atomic uint64_t sender_gap_ns; /* longest since the last mark */
	uint64_t marked_ns;		/* main: rw */
	_Atomic bool *sending;
	_Atomic bool *receiving;
};

struct watcher {
	pthread_t thread;
	uint32_t processor;
	_Atomic uint64_t stall_ns;  /* longest since the last mark */
	_Atomic uint64_t stalls_ns; /* all of those since then that are worth a word */
	int log;		    /* where long ones are written, with their time; -1: nowhere */
	_Atomic bool *running;
};

uint64_t flows_now_ns(void); /* CLOCK_REALTIME, as arrival times are */
void *flows_send(void *direction);
void *flows_receive(void *direction);
void *flows_watch(void *watcher);
