#pragma once
/*
 * Prometheus text of everything that is counted.
 */
#include "control/rest/state.h"

void metrics_render(struct rest *rest, struct text *out);
