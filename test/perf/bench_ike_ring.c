/*
 * A ring as it lies between control and data plane, drained by another thread.
 */
#include "perf/bench_ike.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static struct ring {
	char path[64];
	struct channel_listener *listener;
	struct channel *control;
	struct channel *dataplane;
	pthread_t thread;
	atomic_bool stop;
	uint64_t messages;
} bench_ring;

static void ring_accept(struct ring *ring)
{
	static const struct contract_limits limits = { .session = 1 };
	struct pollfd wait = { .fd = channel_listener_fd(ring->listener), .events = POLLIN };
	int counters;

	if (poll(&wait, 1, 100) != 1)
		return;
	counters = memfd_create("counters", MFD_CLOEXEC);
	if (channel_accept(ring->listener, &ring->dataplane, false, &limits, counters))
		ring->dataplane = NULL;
	close(counters);
}

/* The data plane's end: takes what comes. */
static void *drain(void *context)
{
	static uint8_t message[CONTRACT_MESSAGE_MAX] __attribute__((aligned(64)));
	struct ring *ring = context;

	while (!ring->dataplane && !atomic_load(&ring->stop))
		ring_accept(ring);
	while (!atomic_load(&ring->stop)) {
		struct pollfd wait = { .fd = channel_event_fd(ring->dataplane), .events = POLLIN };

		while (channel_receive(ring->dataplane, message) == 1)
			ring->messages++;
		if (channel_may_sleep(ring->dataplane)) {
			poll(&wait, 1, 100);
			channel_woken(ring->dataplane);
		}
	}
	return NULL;
}

struct channel *bench_ring_open(void)
{
	struct ring *ring = &bench_ring;
	int error;

	snprintf(ring->path, sizeof(ring->path), "/tmp/vpngw-bench-ike-%d.sock", (int)getpid());
	error = channel_listen(&ring->listener, ring->path);
	if (error)
		bench_die("listen", error);
	error = pthread_create(&ring->thread, NULL, drain, ring);
	if (!error)
		error = channel_attach(&ring->control, ring->path, 5000);
	if (error)
		bench_die("attach", error);
	return ring->control;
}

void bench_ring_close(void)
{
	struct ring *ring = &bench_ring;

	atomic_store(&ring->stop, true);
	pthread_join(ring->thread, NULL);
	channel_close(ring->control);
	channel_close(ring->dataplane);
	channel_listener_close(ring->listener);
}

void bench_ring_pair(const struct ikev2_child_install *install)
{
	const struct contract_sa *sas[] = { install->inbound, install->outbound };
	struct contract_object objects[2];
	struct contract_header headers[3];
	struct channel_part parts[7] = { { &headers[2], sizeof(headers[2]) } };
	const uint32_t each = sizeof(headers[0]) + sizeof(objects[0]) + sizeof(*sas[0]);

	headers[2] = (struct contract_header){ .length = sizeof(headers[2]) + 2 * each,
					       .type = CONTRACT_BATCH,
					       .request = 1 };
	for (int i = 0; i < 2; i++) {
		headers[i] = (struct contract_header){ .length = each, .type = CONTRACT_ADD };
		objects[i] = (struct contract_object){ .kind = CONTRACT_SA,
						       .id = sas[i]->spi & CONTRACT_SPI_ID_MASK };
		parts[3 * i + 1] = (struct channel_part){ &headers[i], sizeof(headers[i]) };
		parts[3 * i + 2] = (struct channel_part){ &objects[i], sizeof(objects[i]) };
		parts[3 * i + 3] = (struct channel_part){ sas[i], sizeof(*sas[i]) };
	}
	while (channel_send(bench_ring.control, parts, 7) == -EAGAIN)
		;
}
