#include "control/metering/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void subject_fini(struct metering_subject *subject)
{
	free((char *)subject->gateway);
	free((char *)subject->connection);
	free((char *)subject->name);
}

void metering_state_fini(struct metering_state *state)
{
	for (uint32_t i = 0; i < state->count; i++)
		subject_fini(&state->items[i]);
	free(state->items);
	*state = (struct metering_state){ 0 };
}

static int grow(struct metering_state *state)
{
	uint32_t wanted = state->capacity ? state->capacity * 2 : 16;
	struct metering_subject *items;

	if (state->count < state->capacity)
		return 0;
	if (state->count == METERING_SUBJECTS_MAX)
		return -E2BIG;
	items = reallocarray(state->items, wanted, sizeof(*items));
	if (!items)
		return -ENOMEM;
	state->items = items;
	state->capacity = wanted;
	return 0;
}

int metering_state_add(struct metering_state *state, const struct metering_subject *subject)
{
	struct metering_subject copy = *subject;
	int rc = grow(state);

	if (rc < 0)
		return rc;
	copy.gateway = strdup(subject->gateway);
	copy.connection = strdup(subject->connection);
	copy.name = strdup(subject->name);
	if (!copy.gateway || !copy.connection || !copy.name) {
		subject_fini(&copy);
		return -ENOMEM;
	}
	state->items[state->count++] = copy;
	return 0;
}

void metering_state_forget(struct metering_state *state, uint32_t round, uint64_t before_ms)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < state->count; i++) {
		struct metering_subject *subject = &state->items[i];

		if (!subject->up && subject->round != round && subject->changed_ms < before_ms)
			subject_fini(subject);
		else
			state->items[kept++] = *subject;
	}
	state->count = kept;
}

uint64_t metering_up_ms(const struct metering_state *state, const struct metering_subject *subject)
{
	return subject->up_ms + (subject->up ? state->elapsed_ms - subject->up_mark_ms : 0);
}
