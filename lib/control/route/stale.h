#pragma once
/*
 * DOC: stale routes
 *
 * What FRR has taken out of the kernel and stays in the RIB all the same: routes of a daemon that
 * restarts (hold.h), and those into tunnels whose BFD was lost at once in all of a connection. FRR
 * ends the sessions then and brings everything again a second or two later when it was only this
 * machine that stood still, or the way in between; until it is known that the tunnels are dead,
 * traffic stays where it was. When the time is over the kernel is read again.
 */
#include "control/event/loop.h"
#include "net/addr.h"

#include <stdbool.h>

enum stale_part {
	STALE_LEARNED,	 /* in tunnels, by the collector */
	STALE_ANNOUNCED, /* who announces what */
	STALE_CIRCUIT,	 /* by the speaker of the circuits */
	STALE_PARTS
};

struct stale;

struct stale_hooks {
	void *context;
	/* The daemon has died and is not back, or for a moment only. */
	bool (*restarting)(void *context, enum stale_part part);
	/* Whether what these next hops lead to is gone nobody knows yet; none: such ones are there.
	 */
	bool (*suspect)(void *context, const struct net_addr *gateways, uint32_t count);
	void (*over)(void *context);
};

__attribute__((warn_unused_result)) int stale_new(struct stale **stale, struct event_loop *loop,
						  const struct stale_hooks *hooks);
void stale_free(struct stale *stale);
/* A route of BGP's has left the kernel: true when it stays. `gateways`: tunnels it led to. */
bool stale_keeps(struct stale *stale, enum stale_part part, const struct net_addr *gateways,
		 uint32_t count);
/* There may be some: what the kernel does not have is no reason to let it go. */
bool stale_is_on(const struct stale *stale, enum stale_part part);
