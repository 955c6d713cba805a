#include "control/event/loop.h"

#include "base/clock.h"

#include <event2/event.h>

#include <errno.h>
#include <stdlib.h>

struct event_loop {
	struct event_base *base;
};

struct event_source {
	struct event *event;
	event_callback callback;
	void *context;
};

int event_loop_new(struct event_loop **loop)
{
	struct event_config *config = event_config_new();
	struct event_loop *l = calloc(1, sizeof(*l));

	if (!l || !config)
		goto fail;
	/* Timers of IKE are in tens of milliseconds at least, but failover is not. */
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	l->base = event_base_new_with_config(config);
	if (!l->base)
		goto fail;
	event_config_free(config);
	*loop = l;
	return 0;
fail:
	if (config)
		event_config_free(config);
	free(l);
	return -ENOMEM;
}

void event_loop_free(struct event_loop *loop)
{
	if (!loop)
		return;
	event_base_free(loop->base);
	free(loop);
}

int event_loop_run(struct event_loop *loop)
{
	return event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0 ? -EIO : 0;
}

void event_loop_stop(struct event_loop *loop)
{
	event_base_loopbreak(loop->base);
}

struct event_base *event_loop_base(struct event_loop *loop)
{
	return loop->base;
}

static void source_fired(evutil_socket_t fd, short what, void *context)
{
	struct event_source *source = context;

	source->callback(source->context);
}

static int source_new(struct event_source **source, struct event_loop *loop, int fd, short what,
		      event_callback callback, void *context)
{
	struct event_source *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->callback = callback;
	s->context = context;
	s->event = event_new(loop->base, fd, what, source_fired, s);
	if (!s->event) {
		free(s);
		return -ENOMEM;
	}
	*source = s;
	return 0;
}

int event_fd_new(struct event_source **source, struct event_loop *loop, int fd,
		 enum event_wanted wanted, event_callback callback, void *context)
{
	short what = EV_PERSIST;
	int rc;

	if (wanted & EVENT_READABLE)
		what |= EV_READ;
	if (wanted & EVENT_WRITABLE)
		what |= EV_WRITE;
	rc = source_new(source, loop, fd, what, callback, context);
	if (rc == 0)
		event_add((*source)->event, NULL);
	return rc;
}

int event_timer_new(struct event_source **source, struct event_loop *loop, event_callback callback,
		    void *context)
{
	return source_new(source, loop, -1, 0, callback, context);
}

void event_timer_set(struct event_source *timer, uint64_t in_ns)
{
	struct timeval tv = {
		.tv_sec = (time_t)(in_ns / CLOCK_NS_PER_S),
		.tv_usec = (suseconds_t)(in_ns % CLOCK_NS_PER_S / 1000),
	};

	event_add(timer->event, &tv);
}

void event_timer_cancel(struct event_source *timer)
{
	event_del(timer->event);
}

int event_signal_new(struct event_source **source, struct event_loop *loop, int signal,
		     event_callback callback, void *context)
{
	int rc = source_new(source, loop, signal, EV_SIGNAL | EV_PERSIST, callback, context);

	if (rc == 0)
		event_add((*source)->event, NULL);
	return rc;
}

void event_source_free(struct event_source *source)
{
	if (!source)
		return;
	event_free(source->event);
	free(source);
}
