#pragma once
/*
 * DOC: the program
 *
 * Everything that runs, in the order in which it starts: a table of stages, each with its way
 * back. A stage that fails has undone itself, and what started before it is stopped in reverse.
 * The socket comes first, because a second data plane must touch nothing of the first; the Linux
 * interfaces come late, because they would outlive a start that fails.
 */
#include "dataplane/agent/agent.h"
#include "dataplane/port/link.h"
#include "options.h"
#include "warn.h"

struct program_fault {
	char text[640];
};

struct program_mirror {
	struct program *program;
	uint32_t id;
};

struct program {
	const struct options *options;
	struct program_fault *fault;
	uint32_t started; /* stages */
	uint32_t buffers;
	uint64_t memory_mb;
	struct channel_listener *listener;
	struct rte_mempool *pool;
	struct rte_rcu_qsbr *qsbr;
	struct contract_counters counters;
	struct fib *fib;
	struct sa_store *sas;
	struct meter *meter;
	struct port_set ports;
	struct waker waker;
	struct mirror_set *mirrors;
	struct program_mirror mirror_watches[MIRROR_MAX];
	struct worker_set *workers;
	struct loop loop;
	struct agent *agent;
	struct link *link;
	int signals;
	bool stop;
	/* Times (CLOCK_BOOTTIME) of what comes round. */
	uint64_t link_ns;
	uint64_t look_ns;
	uint64_t balance_ns;
	uint64_t limits_ns;
	uint64_t second_ns;
	uint64_t watchdog_ns;
	uint32_t stalled; /* workers that do not move, a bit each */
	struct warn warn;
};

__attribute__((warn_unused_result)) int program_start(struct program *program);
void program_run(struct program *program);
void program_stop(struct program *program);
/* One turn of what comes round; gives the milliseconds until the next. */
int program_tick(struct program *program, uint64_t now_ns);
