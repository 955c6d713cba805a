#pragma once
/*
 * Watching tunnels that carry traffic: what goes out and does not come back leads to a probe.
 */
#include "control/tunnel/tunnel.h"

#define WATCH_EVERY_NS (250 * CLOCK_NS_PER_MS)

/* What a look at a tunnel finds. */
struct watch_look {
	uint64_t now_ns;
	uint64_t heard_ns;
	bool sent; /* something, since the look before */
};

/* What was sent was not answered for too long. *asked_ns, which the tunnel keeps: the look that
 * found it without an answer; 0: none. Pure. */
bool watch_unanswered(uint64_t *asked_ns, const struct watch_look *look);
void watch_probe(struct tunnel *tunnel, uint64_t now_ns);
/* The IKE SA goes home; flows follow once the peer has answered there. */
void watch_return(struct tunnel *tunnel, uint64_t now_ns);
uint64_t watch_sent(const struct tunnel *tunnel); /* packets; 0 without a data plane */
/* Every WATCH_EVERY_NS. */
void watch_tunnel(struct tunnel *tunnel, uint64_t now_ns);
