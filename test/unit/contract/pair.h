#pragma once
/* Both ends of a channel in one process: the control end attaches from a thread. */
#include "contract/channel.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct pair {
	char path[64];
	struct channel_listener *listener;
	struct channel *dataplane;
	struct channel *control;
	int attach_rc;
	pthread_t thread;
	uint64_t *message; /* CONTRACT_MESSAGE_MAX, aligned */
};

static const struct contract_limits pair_limits = {
	.session = 7, .workers = 2, .sas = 1000, .instance = 0x1234567890abcdef
};

static inline void *pair_attach(void *arg)
{
	struct pair *p = arg;

	p->attach_rc = channel_attach(&p->control, p->path, 5000);
	return NULL;
}

static inline int pair_listen(struct pair *p)
{
	static unsigned count;

	*p = (struct pair){ 0 };
	snprintf(p->path, sizeof(p->path), "/tmp/vpngw-test-%d-%u.sock", (int)getpid(), count++);
	p->message = aligned_alloc(64, CONTRACT_MESSAGE_MAX);
	return p->message ? channel_listen(&p->listener, p->path) : -ENOMEM;
}

/* Serves until something came of it. */
static inline int pair_accept(struct pair *p, struct channel **channel, bool busy, int counters)
{
	struct pollfd fd = { .fd = channel_listener_fd(p->listener), .events = POLLIN };
	int rc = -EAGAIN;

	while (rc == -EAGAIN) {
		if (poll(&fd, 1, 5000) <= 0)
			return -ETIMEDOUT;
		rc = channel_accept(p->listener, channel, busy, &pair_limits, counters);
	}
	return rc;
}

static inline int pair_open(struct pair *p)
{
	int rc = pair_listen(p), counters;

	if (rc)
		return rc;
	counters = memfd_create("counters", MFD_CLOEXEC);
	if (pthread_create(&p->thread, NULL, pair_attach, p))
		return -EAGAIN;
	rc = pair_accept(p, &p->dataplane, false, counters);
	close(counters);
	pthread_join(p->thread, NULL);
	return rc ? rc : p->attach_rc;
}

static inline void pair_close(struct pair *p)
{
	channel_close(p->control);
	channel_close(p->dataplane);
	channel_listener_close(p->listener);
	free(p->message);
}
