#pragma once
/*
 * DOC: expiry
 *
 * A lifetime in bytes or packets ends the sooner the faster the traffic: a soft limit that is a
 * part of the hard one may leave a rekey less time than it takes. So each SA with such a lifetime
 * is looked at every second, and its child is rekeyed when what is left lasts less than
 * EXPIRY_AHEAD_NS at the rate of the last second. The data plane's own soft limit stays behind it,
 * for traffic that swells between two looks. A lifetime that does not even last that long is
 * rekeyed when half of it is used.
 */
#include "control/tunnel/tunnel.h"

/* A rekey starts ten seconds before the hard limit; a look may come a second late. */
#define EXPIRY_EVERY_NS CLOCK_NS_PER_S
#define EXPIRY_AHEAD_NS (10 * CLOCK_NS_PER_S + 2 * EXPIRY_EVERY_NS)

/* `used` was `before` `in_ns` ago; `hard` 0: no such limit. */
bool expiry_is_near(uint64_t hard, uint64_t used, uint64_t before, uint64_t in_ns);
/* All SAs, when it is time. */
void expiry_watch(struct tunnels *all, uint64_t now_ns);
