#pragma once
/*
 * What the data plane counts for itself: drops, workers, steps, packet buffers, ports.
 */
#include "contract/counters.h"
#include "contract/object.h"
#include "control/rest/metrics_text.h"

struct metrics_port {
	char name[CONTRACT_NAME];
	uint32_t id;
};

void metrics_dataplane(struct text *out, const struct contract_counters *counters,
		       const struct metrics_port *ports, uint32_t port_count);
