#include "dataplane/kernel/waker.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int waker_init(struct waker *waker)
{
	atomic_init(&waker->sleeping, false);
	waker->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return waker->fd < 0 ? -errno : 0;
}

void waker_fini(struct waker *waker)
{
	if (waker->fd >= 0)
		close(waker->fd);
	waker->fd = -1;
}

void waker_signal(struct waker *waker)
{
	uint64_t one = 1;
	ssize_t n = write(waker->fd, &one, sizeof(one));

	/* Only a full counter can fail, and then the reader is awake already. */
	(void)n;
}

void waker_woken(struct waker *waker)
{
	uint64_t count;
	ssize_t n;

	n = read(waker->fd, &count, sizeof(count));
	(void)n;
}
