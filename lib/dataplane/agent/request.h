#pragma once
/*
 * One request from control, and its answer.
 */
#include "dataplane/agent/state.h"

/* `message` lies in memory of ours and is not checked yet. */
void request_process(struct agent *agent, const struct contract_header *message);
void request_answer(struct agent *agent, uint64_t request, const struct outcome *outcome);
