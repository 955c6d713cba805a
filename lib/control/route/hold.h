#pragma once
/*
 * DOC: hold
 *
 * A routing daemon that dies takes its routes out of the kernel with it (zebra does, for a bgpd
 * that is gone), and brings them again when it has started anew and heard its peers. Meanwhile the
 * ways are as good as they were, so what it takes out then is kept: until `settle_ns` after it is
 * back, at most `limit_ns`. Then the kernel is read again, and what it does not have is gone. With
 * graceful restart zebra keeps them itself, but lets go of them when the first session is up again.
 *
 * Whether the daemon is dying is asked at each route that goes: the end of its socket is there
 * before the first of them is.
 */
#include "control/event/loop.h"

#include <stdbool.h>

struct hold;

struct hold_hooks {
	void *context;
	bool (*restarting)(void *context);
	void (*over)(void *context);
	uint64_t settle_ns;
	uint64_t limit_ns;
	const char *who; /* for the log: it is gone, and back */
};

__attribute__((warn_unused_result)) int hold_new(struct hold **hold, struct event_loop *loop,
						 const struct hold_hooks *hooks);
void hold_free(struct hold *hold);
/* A route of the daemon has left the kernel: true when it stays all the same. */
bool hold_keeps(struct hold *hold);
/* The same where the caller has found out. */
void hold_begin(struct hold *hold);
bool hold_is_on(const struct hold *hold);
