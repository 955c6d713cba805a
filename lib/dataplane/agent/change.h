#pragma once
/*
 * Changes of objects, alone or as a batch that is applied whole or not at all.
 */
#include "dataplane/agent/state.h"

/* One object message of a request; false with the reason in `outcome`. */
bool change_apply(struct agent *agent, const struct contract_header *message,
		  struct outcome *outcome);
/*
 * Ends what change_apply() began: keeps it, or puts everything back. True when the answer waits
 * for the workers and waiting.c gives it. `single`: the request is no batch.
 */
bool change_commit(struct agent *agent, uint64_t request, bool single);
void change_undo(struct agent *agent);
