#pragma once
/*
 * DOC: limits
 *
 * A gateway whose SKU has a throughput is a limit of the data plane. Each of its connections is a
 * limit below it, with its own rates when it has some and else with none: so the data plane can
 * share a full gateway fairly among connections, however many tunnels each of them has. A gateway
 * of SKU `none` has no limit, and its connections one only when they have rates of their own.
 *
 * A change of SKU or rates is one message; no tunnel is touched.
 */
#include "control/requests/desired.h"
#include "control/tunnel/plan.h"

struct limit_table;

__attribute__((warn_unused_result)) int limit_table_new(struct limit_table **table,
							struct desired *desired);
void limit_table_free(struct limit_table *table);
/* What a plan wants; before its tunnels are published. What it no longer wants stays until... */
__attribute__((warn_unused_result)) int limit_table_set(struct limit_table *table,
							const struct plan *plan);
/* ... here, when no tunnel refers to it any more. */
void limit_table_sweep(struct limit_table *table);
/* Of a gateway or a connection, by its key; 0: none. */
uint32_t limit_table_id(const struct limit_table *table, const char *key);
