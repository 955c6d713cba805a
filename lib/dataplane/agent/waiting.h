#pragma once
/*
 * Answers that wait until every worker has moved on, in order.
 */
#include "dataplane/agent/state.h"

void waiting_add(struct agent *agent, const struct waiting *template);
void waiting_turn(struct agent *agent);
void waiting_free(struct agent *agent);
