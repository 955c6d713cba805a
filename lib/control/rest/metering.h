#pragma once
/*
 * What was metered, as JSON and as CSV.
 */
#include "control/rest/state.h"

struct metering_page {
	const struct config *config; /* names of what is still there */
	const char *gateway_key;
	const char *gateway_name;
	uint64_t from_ms; /* as asked */
	uint64_t to_ms;
};

/* -ENOENT: nothing of the gateway is known; -ENOMEM. */
__attribute__((warn_unused_result)) int metering_print(const struct metering_page *page,
						       const struct metering_answer *answer,
						       bool csv, struct text *out);
