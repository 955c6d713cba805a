#pragma once
/*
 * DOC: hand-over
 *
 * What stands in for queues that a port has not got. Received packets of a device with fewer
 * receive queues than workers, without RSS, or (on a public port) without RSS by SPI go to another
 * worker: ESP, in UDP too, to that of its tunnel, which successive SAs have in common; all else by
 * a hash of its flow, fragments by their addresses. So a flow is with one worker all the way and
 * keeps its order, also when the peer goes over to a new SA; the rings between workers keep it too.
 * Where transmit queues are fewer than workers one is used and frames go to its worker through a
 * ring; it empties the ring before it sends anything of its own on such a device, so what was
 * handed over or sent first leaves first. The numbers of SAs rely on that (esp/number.h).
 *
 * A NIC that spreads by SPI knows no tunnels: there a new SA may be in another queue, and the first
 * packets of it pass the last ones of the old, if those still wait in theirs.
 *
 * It spreads SAs, not the packets of one: that is spread.h. The window stands several writers
 * (sa/window.h) for both, and for those who spread an SA by RFC 9611 or several children.
 *
 * Costs what it costs: a touch of each header and a move of each mbuf between cores. A NIC that
 * spreads by itself is never slowed: its packets do not come here.
 */
#include "dataplane/worker/state.h"

/* A burst from a device that is handed over: keeps those of this worker, gives their number. */
uint32_t handover_received(struct worker *w, uint32_t device, struct rte_mbuf **packets,
			   uint32_t n);
/* Frames to the owner of the queue. */
void handover_send(struct worker *w, struct worker *owner, uint32_t device, struct path_tx *tx);
/* Sends what others left for queues of this worker; gives how many. */
uint32_t handover_drain(struct worker *w);
/* ESP, in UDP too, in one piece: all of it has one SA's way. */
bool handover_is_esp(const struct rte_mbuf *m);
/* Which worker takes a received frame, of `workers`. */
uint32_t handover_worker(const struct sa_hot *sas, const struct rte_mbuf *m, uint32_t workers);
