/*
 * What lies between two states.
 */
#include "control/metering/metering.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	const struct metering_subject *x = *(const struct metering_subject *const *)a;
	const struct metering_subject *y = *(const struct metering_subject *const *)b;
	int order = (int)x->type - (int)y->type;

	if (!order)
		order = strcmp(x->connection, y->connection);
	return order ? order : strcmp(x->name, y->name);
}

/* Those of one gateway, in order; NULL for want of memory. */
static const struct metering_subject **subjects_of(const struct metering_state *state,
						   const char *gateway, size_t *count)
{
	const struct metering_subject **found = calloc(state->count + 1, sizeof(*found));
	size_t n = 0;

	for (uint32_t i = 0; found && i < state->count; i++)
		if (!strcmp(state->items[i].gateway, gateway))
			found[n++] = &state->items[i];
	if (found)
		qsort(found, n, sizeof(*found), compare);
	*count = n;
	return found;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void gain_of(struct metering_gain *gain, const struct metering_answer *answer,
		    const struct metering_subject *to, const struct metering_subject *from)
{
	gain->subject = to;
	for (uint32_t i = 0; i < METERING_COUNTERS; i++)
		gain->counters[i] = less(to->totals[i], from ? from->totals[i] : 0);
	gain->up_ms =
		less(metering_up_ms(answer->to, to), from ? metering_up_ms(answer->from, from) : 0);
}

int metering_each(const struct metering_answer *answer, const char *gateway, metering_visit visit,
		  void *context)
{
	size_t to_count, from_count, at = 0;
	const struct metering_subject **to = subjects_of(answer->to, gateway, &to_count);
	const struct metering_subject **from = subjects_of(answer->from, gateway, &from_count);
	int rc = to && from ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < to_count; i++) {
		struct metering_gain gain;

		while (at < from_count && compare(&from[at], &to[i]) < 0)
			at++;
		gain_of(&gain, answer, to[i],
			at < from_count && compare(&from[at], &to[i]) == 0 ? from[at] : NULL);
		visit(context, &gain);
	}
	free(to);
	free(from);
	return rc;
}
