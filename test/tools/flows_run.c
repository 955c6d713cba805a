/*
 * The threads of a direction: a paced sender over all flows, a receiver that notes numbers and
 * times.
 */
#include "flows.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)
#define MAGIC 0x766c6f77u
#define TICK_NS UINT64_C(500000)
#define LATE_NS UINT64_C(10000000)
#define BATCH 64
#define FRAME_MAX 65536
#define LOOK_NS UINT64_C(1000000)
#define WATCH_NS UINT64_C(1000000)
#define STALL_NS UINT64_C(2000000)
#define WATCH_PRIORITY 90
#define LONG_NS UINT64_C(20000000) /* worth a line */

struct flows_payload {
	uint32_t magic;
	uint32_t flow;
	uint64_t number;
};

uint64_t flows_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void raise_to(_Atomic uint64_t *most, uint64_t value)
{
	if (value > atomic_load_explicit(most, memory_order_relaxed))
		atomic_store_explicit(most, value, memory_order_relaxed);
}

/* A packet that the sending host itself refuses gets no number. */
static void send_one(struct direction *d, uint32_t index, uint8_t *frame)
{
	struct flow *flow = &d->flows[index];
	struct flows_payload *p = (struct flows_payload *)frame;

	p->magic = MAGIC;
	p->flow = index;
	p->number = flow->sent;
	if (p->number >= d->capacity || sendto(flow->socket, frame, d->size, 0,
					       (const struct sockaddr *)&d->to, d->to_length) < 0)
		d->send_errors++;
	else
		atomic_store_explicit(&flow->sent, p->number + 1, memory_order_release);
}

void *flows_send(void *argument)
{
	static _Thread_local _Alignas(8) uint8_t frame[FRAME_MAX];
	struct direction *d = argument;
	uint64_t started = flows_now_ns();
	uint64_t before = started;
	uint64_t most = d->rate * LATE_NS / NS_PER_S + 1;
	uint64_t sent = 0;

	while (*d->sending) {
		uint64_t now = flows_now_ns();
		uint64_t due = (now - started) * d->rate / NS_PER_S;
		struct timespec rest = { .tv_nsec = TICK_NS };

		raise_to(&d->sender_gap_ns, now - before);
		before = now;
		if (due > sent + most) {
			d->unsent += due - sent - most;
			sent = due - most;
		}
		for (; sent < due; sent++)
			send_one(d, (uint32_t)(sent % d->flow_count), frame);
		nanosleep(&rest, NULL);
	}
	return NULL;
}

static uint64_t arrival_of(struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct timespec at;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&at, CMSG_DATA(c), sizeof(at));
		return (uint64_t)at.tv_sec * NS_PER_S + (uint64_t)at.tv_nsec;
	}
	return flows_now_ns();
}

static void note(struct direction *d, const struct flows_payload *p, uint64_t at_ns)
{
	struct flow *flow;
	uint64_t bit;

	if (p->magic != MAGIC || p->flow >= d->flow_count || p->number >= d->capacity)
		return;
	flow = &d->flows[p->flow];
	bit = UINT64_C(1) << (p->number % 64);
	if (atomic_fetch_or_explicit(&flow->seen[p->number / 64], bit, memory_order_relaxed) &
	    bit) {
		d->duplicates++;
		return;
	}
	/* A straggler of an earlier window was lost there. */
	if (p->number >= flow->highest)
		flow->highest = p->number;
	else if (p->number >= flow->marked)
		d->reordered++;
	if (flow->last_ns && at_ns > flow->last_ns)
		raise_to(&flow->gap_ns, at_ns - flow->last_ns);
	atomic_store_explicit(&flow->last_ns, at_ns, memory_order_relaxed);
}

void *flows_receive(void *argument)
{
	struct direction *d = argument;
	struct flows_payload payloads[BATCH];
	char control[BATCH][64];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];

	while (*d->receiving) {
		struct timespec rest = { .tv_nsec = LOOK_NS };
		int n;

		for (int i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){ &payloads[i], sizeof(payloads[i]) };
			messages[i].msg_hdr =
				(struct msghdr){ .msg_iov = &parts[i],
						 .msg_iovlen = 1,
						 .msg_control = control[i],
						 .msg_controllen = sizeof(control[i]) };
		}
		n = recvmmsg(d->receiver, messages, BATCH, MSG_DONTWAIT, NULL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return NULL;
		for (int i = 0; i < n; i++)
			if (messages[i].msg_len >= sizeof(payloads[i]))
				note(d, &payloads[i], arrival_of(&messages[i].msg_hdr));
		if (n < BATCH)
			nanosleep(&rest, NULL);
	}
	return NULL;
}

static void stalled(struct watcher *w, uint64_t from_ns, uint64_t ns)
{
	raise_to(&w->stall_ns, ns);
	if (w->log >= 0 && ns >= LONG_NS)
		dprintf(w->log, "{\"processor\":%u,\"at\":%.3f,\"ms\":%.1f}\n", w->processor,
			(double)from_ns / 1e9, (double)ns / 1e6);
}

void *flows_watch(void *argument)
{
	struct watcher *w = argument;
	struct sched_param first = { .sched_priority = WATCH_PRIORITY };
	uint64_t before = flows_now_ns();
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(w->processor, &here);
	pthread_setaffinity_np(pthread_self(), sizeof(here), &here);
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &first);
	while (*w->running) {
		struct timespec rest = { .tv_nsec = WATCH_NS };
		uint64_t now;

		nanosleep(&rest, NULL);
		now = flows_now_ns();
		if (now > before + WATCH_NS)
			stalled(w, before, now - before - WATCH_NS);
		if (now > before + WATCH_NS + STALL_NS)
			w->stalls_ns += now - before - WATCH_NS;
		before = now;
	}
	return NULL;
}
