#pragma once
/*
 * What workers left for control: events, and packets that it asked for.
 */
#include "dataplane/agent/state.h"

/* True when a turn was not enough. */
bool events_turn(struct agent *agent, uint64_t now_ns);
