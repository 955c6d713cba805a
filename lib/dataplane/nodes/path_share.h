#pragma once
/*
 * Sending when several workers send on the same SAs: rounds of numbers that keep to each SA's
 * spread (esp/number.h).
 */
#include "dataplane/nodes/path_state.h"

/* Numbers, builds and sends the first `n` rows; those that find no number in time are dropped. */
void path_share(struct path *path, uint32_t n);

/* A moment's pause; gives how long (TSC) it has waited since `*since`, which begins at 0. */
uint64_t path_wait(struct path *path, uint64_t *since);

/* Of the step that calls this. A run of rows of one SA with its numbers; rows that stand ready. */
void path_tunnel_build(struct path *path, uint32_t from, uint32_t to, struct esp_numbers numbers);
void path_tunnel_send(struct path *path, uint32_t from, uint32_t to);
