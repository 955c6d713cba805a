#pragma once
/*
 * DOC: event loop
 *
 * The one door to libevent: file descriptors, timers and signals of one thread. Sources belong to
 * who made them and are freed before the loop. A callback may free any source, its own too.
 */
#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct event_loop;
struct event_source;

enum event_wanted { EVENT_READABLE = 1, EVENT_WRITABLE = 2 };

typedef void (*event_callback)(void *context);

__attribute__((warn_unused_result)) int event_loop_new(struct event_loop **loop);
void event_loop_free(struct event_loop *loop);
/* Runs until event_loop_stop(); 0 or -EIO. */
__attribute__((warn_unused_result)) int event_loop_run(struct event_loop *loop);
void event_loop_stop(struct event_loop *loop);
/* For the HTTP server, which is libevent's own. */
struct event_base *event_loop_base(struct event_loop *loop);

/* Level triggered, until freed. */
__attribute__((warn_unused_result)) int event_fd_new(struct event_source **source,
						     struct event_loop *loop, int fd,
						     enum event_wanted wanted,
						     event_callback callback, void *context);
/* One shot, set as often as wanted; not running when made. */
__attribute__((warn_unused_result)) int event_timer_new(struct event_source **source,
							struct event_loop *loop,
							event_callback callback, void *context);
void event_timer_set(struct event_source *timer, uint64_t in_ns); /* moves a running one */
void event_timer_cancel(struct event_source *timer);
__attribute__((warn_unused_result)) int event_signal_new(struct event_source **source,
							 struct event_loop *loop, int signal,
							 event_callback callback, void *context);
void event_source_free(struct event_source *source); /* NULL is fine */
