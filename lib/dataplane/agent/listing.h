#pragma once
/*
 * The answer to CONTRACT_LIST, in slices.
 */
#include "dataplane/agent/state.h"

void listing_start(struct agent *agent, const struct contract_header *message);
void listing_turn(struct agent *agent);
void listing_stop(struct agent *agent);
