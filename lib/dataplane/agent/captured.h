#pragma once
#include "dataplane/agent/state.h"

/* What workers recorded for captures and traces, on to control; true when there may be more. */
bool captured_turn(struct agent *agent);
/* CONTRACT_CAPTURE, checked. */
void captured_request(struct agent *agent, const struct contract_header *message);
