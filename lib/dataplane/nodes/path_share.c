#include "dataplane/nodes/path_share.h"

#include <rte_pause.h>

#include <sched.h>

/*
 * A worker that waits has sent all that it had numbers for, so two never wait for each other. The
 * one it waits for needs no more than the time of a round, unless the system took its core away:
 * then ours is better given to it too.
 */
#define WAIT_YIELD_PER_S 10000 /* waits longer than this part of a second give the core away */
#define WAIT_END_PER_S 10      /* and longer than this end with a drop */

struct round {
	struct sa_slot *slots[PATH_VECTOR]; /* of which this worker holds numbers */
	uint32_t n;
};

static uint32_t run_end(const struct path *path, uint32_t from, uint32_t n)
{
	uint32_t to = from + 1;

	while (to < n && path->records[to] == path->records[from])
		to++;
	return to;
}

static uint32_t id_of(const struct path *path, uint32_t at)
{
	return ((const struct sa_outbound *)path->records[at])->id;
}

/* Rows from `from` on that got numbers and are built; 0: the SA's next number must wait. */
static uint32_t take(struct path *path, struct round *round, uint32_t from, uint32_t n)
{
	struct sa_slot *slot = sa_slot(path->sas, id_of(path, from));
	bool held = slot->flight[path->sharer.worker] != 0;
	struct esp_numbers numbers;
	uint32_t taken;

	numbers = esp_reserve_shared(slot, &path->sharer, run_end(path, from, n) - from, &taken);
	if (!taken)
		return 0;
	if (!held)
		round->slots[round->n++] = slot;
	path_tunnel_build(path, from, from + taken, numbers);
	return taken;
}

/* Sends what is built and gives the numbers back. */
static void finish(struct path *path, const struct round *round, uint32_t from, uint32_t to)
{
	path_tunnel_send(path, from, to);
	if (path->flush)
		path->flush(path->flush_context);
	for (uint32_t i = 0; i < round->n; i++)
		esp_sent(round->slots[i], &path->sharer);
}

uint64_t path_wait(struct path *path, uint64_t *since)
{
	uint64_t now = rte_rdtsc();

	if (!*since) {
		*since = now;
		/* a test looks whether a worker waits */
		__atomic_store_n(&path->waits, path->waits + 1, __ATOMIC_RELAXED);
	}
	if (now - *since > path->shared->config.tsc_hz / WAIT_YIELD_PER_S)
		sched_yield();
	else
		rte_pause();
	return now - *since;
}

static bool took_too_long(const struct path *path, uint64_t waited)
{
	return waited > path->shared->config.tsc_hz / WAIT_END_PER_S;
}

static void give_up(struct path *path, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		struct path_packet *p = path->rows[i];

		path_sa_row(path, id_of(path, i))[CONTRACT_SA_DROPPED]++;
		path_tunnel_row(path, p->tunnel)[CONTRACT_TUNNEL_OUT_DROPPED]++;
		path_drop(path, p, CONTRACT_DROP_ESP_SPREAD);
	}
}

void path_share(struct path *path, uint32_t n)
{
	uint64_t since = 0;

	for (uint32_t from = 0; from < n;) {
		struct round round = { .n = 0 };
		uint32_t to = from;
		uint32_t taken;

		while (to < n && (taken = take(path, &round, to, n)))
			to += taken;
		if (to > from) {
			finish(path, &round, from, to);
			since = 0;
		} else if (took_too_long(path, path_wait(path, &since))) {
			to = run_end(path, from, n);
			give_up(path, from, to);
		}
		from = to;
	}
}
