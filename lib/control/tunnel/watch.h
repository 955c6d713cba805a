#pragma once
/*
 * Watching tunnels that carry traffic: what goes out and does not come back leads to a probe.
 */
#include "control/tunnel/tunnel.h"

#define WATCH_EVERY_NS (250 * CLOCK_NS_PER_MS)

/* Every WATCH_EVERY_NS. */
void watch_tunnel(struct tunnel *tunnel, uint64_t now_ns);
