#pragma once
/*
 * What the data plane counts for itself: drops and workers.
 */
#include "contract/counters.h"
#include "control/rest/metrics_text.h"

void metrics_dataplane(struct text *out, const struct contract_counters *counters);
