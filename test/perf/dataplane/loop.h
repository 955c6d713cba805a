#pragma once
/*
 * The loop of a worker on two devices of the benchmark, device 0 private and device 1 public as the
 * bed has them: what they receive and where they send to are the caller's arrays.
 */
#include "bed.h"

struct loop;
struct loop *loop_new(struct bed *bed); /* exits when it cannot */
void loop_free(struct loop *loop);
/*
 * A turn of the loop, in which this device has received these: how many frames the other one sent,
 * in order, to `out`. Calls nothing that the worker's lcore does not call.
 */
uint32_t loop_turn(struct loop *loop, uint32_t device, struct rte_mbuf **packets, uint32_t n,
		   struct rte_mbuf **out);
const struct path *loop_path(const struct loop *loop);
