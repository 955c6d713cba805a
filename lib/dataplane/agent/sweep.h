#pragma once
/*
 * Removal of what no control wants any more, in slices. `request` 0: nobody asked.
 */
#include "dataplane/agent/state.h"

void sweep_start(struct agent *agent, uint64_t request);
void sweep_turn(struct agent *agent);
