#pragma once
/*
 * DOC: leftovers
 *
 * Which BGP routes of the kernel nothing has touched since the daemon that installed them died. One
 * that comes again says anew all that it has, and zebra takes out before what it had: what is left
 * over is what the daemon no longer has, or what zebra had no reason to write. The daemon is asked
 * which of the two (bgp/leftover.h).
 *
 * The kernel is read once, then each change of a route strikes it off. While the kernel is read,
 * for this or for another reason, nothing is struck off: what is read says nothing of when.
 */
#include "control/route/netlink.h"

struct leftover {
	struct net_prefix prefix;
	uint32_t table;
	uint32_t metric;
};

struct leftover_set;

__attribute__((warn_unused_result)) int leftover_set_new(struct leftover_set **leftovers);
void leftover_set_free(struct leftover_set *leftovers);
/* What the next reading of the kernel finds is watched, instead of what was. */
void leftover_set_begin(struct leftover_set *leftovers);
/* Nothing is watched any more. */
void leftover_set_rest(struct leftover_set *leftovers);
/* The kernel is read: from here to leftover_set_read_end(). */
void leftover_set_read_begin(struct leftover_set *leftovers);
void leftover_set_read_end(struct leftover_set *leftovers);
/* A route that was read or that changes. */
void leftover_set_see(struct leftover_set *leftovers, const struct leftover *route, bool gone);
/* The next after `at` that nothing has touched; false: that was all. `at` is 0 at first. */
bool leftover_set_next(const struct leftover_set *leftovers, size_t *at, struct leftover *route);
/* The kernel has it, by what was seen last. */
bool leftover_set_has(const struct leftover_set *leftovers, const struct leftover *route);
