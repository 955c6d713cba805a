#pragma once
/*
 * Watching tunnels that carry traffic: what goes out and does not come back leads to a probe.
 */
#include "control/tunnel/tunnel.h"

#define WATCH_EVERY_NS (250 * CLOCK_NS_PER_MS)

void watch_probe(struct tunnel *tunnel, uint64_t now_ns);
/* The IKE SA goes home; flows follow once the peer has answered there. */
void watch_return(struct tunnel *tunnel, uint64_t now_ns);
uint64_t watch_sent(const struct tunnel *tunnel); /* packets; 0 without a data plane */
/* Every WATCH_EVERY_NS. */
void watch_tunnel(struct tunnel *tunnel, uint64_t now_ns);
