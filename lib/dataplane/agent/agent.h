#pragma once
/*
 * DOC: agent
 *
 * The data plane's end of the contract, on the main lcore: listens, takes one control at a time,
 * checks each request, applies it to the tables that the workers read, and answers it once. It
 * knows where each kind of object is kept (kinds.c), so that the next control can list and adopt
 * what is there.
 *
 * A request changes tables by publication only and is answered when that is done; what has to wait
 * for the workers (an SA's removal, whose answer carries the final counters) waits in a queue with
 * a token of the RCU variable, and everything else goes on. A batch is applied in order with a
 * journal; what cannot be undone (SAs go) is done last. Removal by age (adoption) and listing go
 * in slices, so that mirrors and link state are served in between.
 *
 * When control dies everything stays. After 120 s of a new control, or when it says so, what has
 * an older generation goes.
 *
 * Threads: main lcore only.
 */
#include "contract/channel.h"
#include "contract/counters.h"
#include "dataplane/agent/loop.h"
#include "dataplane/fib/fib.h"
#include "dataplane/kernel/mirror.h"
#include "dataplane/meter/meter.h"
#include "dataplane/port/port.h"
#include "dataplane/sa/sa.h"
#include "dataplane/worker/worker.h"

#define AGENT_GRACE_NS (UINT64_C(120) * 1000000000)

struct agent;

/* All of it is the caller's and outlives the agent. */
struct agent_config {
	struct loop *loop;
	struct channel_listener *listener;
	struct contract_limits limits; /* session is filled in */
	struct contract_counters *counters;
	struct port_set *ports;
	struct mirror_set *mirrors;
	struct fib *fib;
	struct meter *meter;
	struct sa_store *sas;
	struct rte_rcu_qsbr *qsbr;
	struct worker_set *workers;
	struct rte_mempool *pool;
	uint64_t *drops; /* the main lcore's own row of drop counters */
};

__attribute__((warn_unused_result)) int agent_open(struct agent **agent,
						   const struct agent_config *config);
void agent_close(struct agent *agent);

/*
 * Takes requests and goes on with what waits, within a budget. Call before each wait; gives the
 * milliseconds until it has something to do again, -1: nothing.
 */
int agent_turn(struct agent *agent, uint64_t now_ns);
/* False when something came in since the last turn: then do not wait. */
bool agent_may_sleep(struct agent *agent);

bool agent_attached(const struct agent *agent);
bool agent_has_limits(const struct agent *agent);
/*
 * A port's link has changed: flows leave its tunnels at once, where a group has others, and control
 * is told, also when the channel is full now. When the link is back they return as control has set
 * the groups: it proves the path before.
 */
void agent_link(struct agent *agent, const struct port *port);

/* For the agent's own files. True when there is room for what must not be lost. */
bool agent_can_send(const struct agent *agent);
/* An event; false: no room. Without a control it is gone: true. */
bool agent_event(struct agent *agent, enum contract_type type, const void *body, size_t n);
/* A punt; false: dropped, because others need the room. */
bool agent_punt(struct agent *agent, const struct contract_datagram *datagram, const void *payload);
