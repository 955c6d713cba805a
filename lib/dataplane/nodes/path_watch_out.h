#pragma once
/*
 * What is seen of packets that leave in tunnels: inner bytes where they are numbered and not yet
 * encrypted, outer ones when the frame is whole.
 */
#include "dataplane/nodes/path_watch.h"

/* Of the rows `from` to `n`, those that a trace follows. */
void path_watch_out_trace(struct path *path, uint32_t from, uint32_t n, enum contract_step step);
/* After the steps that build and that send. */
void path_watch_out_built(struct path *path, uint32_t from, uint32_t n);
void path_watch_out_sent(struct path *path, uint32_t n);
