#pragma once
/*
 * DOC: upstream probes
 *
 * A link that is up says nothing of what lies behind the first switch. A port may name a target: an
 * ICMP echo request leaves for it every UPSTREAM_EVERY_MS from the port's first IPv4 address, by
 * the gateway of that port, as its tunnels do. When UPSTREAM_LOST in a row were not answered the
 * upstream is taken for dead, when UPSTREAM_BACK in a row were, for good again. The first is longer
 * than a slow round trip, the second keeps a path that comes and goes from moving flows each time.
 *
 * The socket is raw and is opened before privileges are given up, also when no port has a target: a
 * later configuration may bring one. It lets in nothing but echo replies, and of these count only
 * those from the target, to our address, with the number and the secret of what we sent.
 *
 * IPv4 only. Owner: app/control. Thread: the event loop's.
 */
#include "control/event/loop.h"
#include "net/addr.h"

#include <stddef.h>

#define UPSTREAM_EVERY_MS 200
#define UPSTREAM_LOST 5
#define UPSTREAM_BACK 3
#define UPSTREAM_ECHO 16 /* octets of a request: header and secret */

struct upstream;

struct upstream_hooks {
	void *context;
	void (*changed)(void *context, const char *port, bool answers);
};

/* What is known of one target. */
struct upstream_count {
	uint16_t sent;	/* number of the last request */
	uint16_t heard; /* the last that was answered */
	uint8_t lost;	/* in a row */
	uint8_t back;	/* in a row */
	bool dead;
};

/* A request leaves; true: with that the upstream is dead. */
bool upstream_count_sent(struct upstream_count *count);
/* Request `number` was answered; true: with that the upstream is good again. */
bool upstream_count_heard(struct upstream_count *count, uint16_t number);

/* Without the right to a raw socket there is one warning when the first target is set. */
__attribute__((warn_unused_result)) int upstream_new(struct upstream **upstream,
						     struct event_loop *loop,
						     const struct upstream_hooks *hooks);
void upstream_free(struct upstream *upstream);
/* Replaces what was set for this port; a target or an address without family: not probed. */
__attribute__((warn_unused_result)) int upstream_set(struct upstream *upstream, const char *port,
						     const struct net_addr *local,
						     const struct net_addr *target);
/* True for what is not probed. */
bool upstream_answers(const struct upstream *upstream, const char *port);
