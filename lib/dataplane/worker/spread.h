#pragma once
/*
 * DOC: one inbound SA on several workers
 *
 * A NIC puts an SA on one queue, and flows cannot be told apart before packets are opened. So a
 * worker cuts the ESP of a burst that it received into lots of SPREAD_LOT packets and takes them
 * one after the other; workers with little of their own take from it too. Who has a lot does all of
 * it, from the header to the frame of the inner packet; what must be in order, the replay windows
 * and the exits, has its turn in the order in which lots were cut (nodes/path_turn.h), which is
 * that of arrival. So flows keep their order and windows see the numbers as one worker would show
 * them, whatever is lost, forged or skipped on the way: nobody waits for a number. Frames leave by
 * the queue of the worker that received them, so a NIC with a queue a worker keeps them in order.
 *
 * Small bursts are not cut while no lot is under way. ESP is not handed over as well: the lane of
 * the one queue keeps the order of an SA and its successor, and a worker that is behind holds up
 * the queue, where hand-over would drop at a full ring. Fragments stay with the worker that puts
 * them together, as they do in hand-over. A worker without a CPU holds up those behind it for as
 * long: this is for workers that have theirs, and off unless asked for (--spread-inbound).
 *
 * Left out on purpose: the order of what waits for an SA or a neighbour of the inside network. It
 * waits with the worker that opened it, so packets of one flow may pass each other once, when the
 * neighbour answers.
 *
 * Considered: the cipher alone on other workers, state and flows with one. It keeps several bursts
 * under way in each path, moves every packet between cores twice, and leaves half of the work of
 * small packets where it was.
 *
 * Owner: lane and lots belong to the worker that received; others write `claimed` and what turns
 * are.
 */
#include "dataplane/worker/worker.h"

#define SPREAD_LOT 32	/* packets */
#define SPREAD_LOTS 16	/* of a worker, under way */
#define SPREAD_LEAST 16 /* packets of a burst that is worth it */
#define SPREAD_OWN 64	/* packets: who had more in a turn does not look for lots of others */

/* Makes the lanes of a set; -ENOMEM. */
__attribute__((warn_unused_result)) int spread_init(struct worker_set *set);
void spread_fini(struct worker_set *set);
/* ESP that comes by the device is for the lane of the worker that received it. */
bool spread_takes(const struct worker *w, uint32_t device);
/* Runs the ESP of a burst, with others; gives how many packets are left to run, at the front. */
uint32_t spread_received(struct worker *w, uint32_t device, struct rte_mbuf **packets, uint32_t n);
/* Takes from other workers; gives how many packets. */
uint32_t spread_help(struct worker *w);
