#include "dataplane/agent/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

int loop_init(struct loop *loop)
{
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (uint32_t i = 0; i < LOOP_WATCHES; i++)
		loop->watches[i].fd = -1;
	return loop->epoll < 0 ? -errno : 0;
}

void loop_fini(struct loop *loop)
{
	if (loop->epoll >= 0)
		close(loop->epoll);
	loop->epoll = -1;
}

int loop_add(struct loop *loop, int fd, loop_fn ready, void *context)
{
	for (uint32_t i = 0; i < LOOP_WATCHES; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };

		if (loop->watches[i].fd >= 0)
			continue;
		if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event))
			return -errno;
		loop->watches[i] = (struct loop_watch){ fd, ready, context };
		return 0;
	}
	return -ENOSPC;
}

void loop_del(struct loop *loop, int fd)
{
	for (uint32_t i = 0; i < LOOP_WATCHES; i++) {
		if (loop->watches[i].fd != fd)
			continue;
		epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
		loop->watches[i].fd = -1;
	}
}

int loop_wait(struct loop *loop, int timeout_ms)
{
	struct epoll_event events[32];
	int n = epoll_wait(loop->epoll, events, 32, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct loop_watch *watch = &loop->watches[events[i].data.u32];

		/* A callback before this one may have closed it. */
		if (watch->fd >= 0)
			watch->ready(watch->context);
	}
	return n;
}
