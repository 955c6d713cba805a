#pragma once
/*
 * The main lcore's descriptors: one epoll set, a callback each. The loop only dispatches; what is
 * done between two waits belongs to whoever runs it.
 */
#include <stdint.h>

#define LOOP_WATCHES 128

typedef void (*loop_fn)(void *context);

struct loop_watch {
	int fd; /* -1: free */
	loop_fn ready;
	void *context;
};

struct loop {
	int epoll;
	struct loop_watch watches[LOOP_WATCHES];
};

__attribute__((warn_unused_result)) int loop_init(struct loop *loop);
void loop_fini(struct loop *loop);
/* Calls `ready` whenever fd is readable or hung up. */
__attribute__((warn_unused_result)) int loop_add(struct loop *loop, int fd, loop_fn ready,
						 void *context);
/* Before the descriptor is closed. */
void loop_del(struct loop *loop, int fd);
/* Waits at most timeout_ms (-1: for ever) and calls what is ready; the number of calls. */
int loop_wait(struct loop *loop, int timeout_ms);
