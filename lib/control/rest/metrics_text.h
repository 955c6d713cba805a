#pragma once
/*
 * Pieces of Prometheus text.
 */
#include "base/text.h"

struct metrics_sample {
	const char *name;
	const char *type; /* "counter" or "gauge" */
	const char *help;
};

void metrics_head(struct text *out, const struct metrics_sample *sample);
/* ` {name="value"` of the first, `,name="value"` of others; the bracket is the caller's to close.
 */
void metrics_label(struct text *out, const char *name, const char *value, bool first);
