#pragma once
/*
 * What a new plan changes, so that one connection of ten thousand costs what one costs: the diff of
 * the two snapshots says which connections are touched, in themselves or by what they refer to; the
 * others keep everything.
 */
#include "control/tunnel/plan.h"

struct change {
	bool *touched; /* by index of the new plan's connections */
};

/* `old` without a configuration: everything is touched. */
__attribute__((warn_unused_result)) int change_find(struct change *change, const struct plan *old,
						    const struct plan *now);
void change_fini(struct change *change);
/* The same connections with the same prefixes and ends: groups, routes and look-ups stay. */
bool change_keeps_paths(const struct plan *old, const struct plan *now);
