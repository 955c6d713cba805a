#pragma once
/*
 * Kinds of objects: where each is kept, and what its fields must mean.
 */
#include "dataplane/agent/state.h"

bool kind_has_id(enum contract_kind kind);
/* A copy of what is kept under the key of `object`, for the caller to free; NULL: nothing. */
struct contract_object *kind_find(struct agent *agent, const struct contract_object *object);
bool kind_exists(struct agent *agent, enum contract_kind kind, uint32_t id);
/* Everything that `now` refers to exists and fits. */
bool kind_check(struct agent *agent, const struct contract_object *now, struct outcome *outcome);
/* Puts `now` in the place of `old`, either of which may be NULL, in the tables and in the book. */
bool kind_put(struct agent *agent, const struct contract_object *old,
	      const struct contract_object *now, struct outcome *outcome);
bool kind_confirm(struct agent *agent, const struct contract_object *object,
		  struct outcome *outcome);
/* The next object of place->kind, perhaps in `room`; NULL at the end. */
const struct contract_object *kind_next(struct agent *agent, struct place *place,
					union kind_room *room);
uint32_t kind_count(struct agent *agent, enum contract_kind kind);
