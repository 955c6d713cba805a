#include "dataplane/worker/spread.h"
#include "dataplane/worker/handover.h"

#include <rte_branch_prediction.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_pause.h>

#include <errno.h>
#include <sched.h>

#define AHEAD 4
#define HELP 4 /* lots of one worker, before the own queues are looked at again */
#define PAUSES 1000

struct spread_lot {
	uint32_t device;
	uint32_t n;
	struct rte_mbuf *packets[SPREAD_LOT];
} __attribute__((aligned(64)));

/* Turns are the numbers of lots: all count up and never go back. */
struct spread_lane {
	uint64_t published __attribute__((aligned(64))); /* owner: rw */
	uint64_t claimed __attribute__((aligned(64)));
	uint64_t committed __attribute__((aligned(64)));
	uint64_t left __attribute__((aligned(64)));
	struct spread_lot lots[SPREAD_LOTS];
};

int spread_init(struct worker_set *set)
{
	if (!set->config.spread_inbound || set->config.workers < 2)
		return 0;
	for (uint32_t i = 0; i < set->config.workers; i++) {
		set->workers[i].lane = rte_zmalloc_socket("spread", sizeof(struct spread_lane), 64,
							  set->config.socket);
		if (!set->workers[i].lane)
			return -ENOMEM;
	}
	return 0;
}

static struct spread_lot *lot_of(struct spread_lane *lane, uint64_t turn)
{
	return &lane->lots[turn % SPREAD_LOTS];
}

void spread_fini(struct worker_set *set)
{
	for (uint32_t i = 0; i < set->config.workers; i++) {
		struct spread_lane *lane = set->workers[i].lane;

		for (uint64_t turn = lane ? lane->claimed : 0; lane && turn < lane->published;
		     turn++)
			rte_pktmbuf_free_bulk(lot_of(lane, turn)->packets, lot_of(lane, turn)->n);
		rte_free(lane);
	}
}

/* The next lot of a lane, for this worker alone. */
static bool claim(struct spread_lane *lane, uint64_t *turn)
{
	*turn = __atomic_load_n(&lane->claimed, __ATOMIC_RELAXED);
	do {
		if (*turn == __atomic_load_n(&lane->published, __ATOMIC_ACQUIRE))
			return false;
	} while (!__atomic_compare_exchange_n(&lane->claimed, turn, *turn + 1, false,
					      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return true;
}

/* One lot of a worker, and its frames by the queue of that one; 0: there is none. */
static uint32_t take(struct worker *w, struct worker *home)
{
	struct spread_lane *lane = home->lane;
	struct path_turn turn = { .committed = &lane->committed, .left = &lane->left };
	struct spread_lot *lot;
	uint32_t n;

	if (!claim(lane, &turn.number))
		return 0;
	worker_flush(w); /* what is its own leaves by its own queue */
	lot = lot_of(lane, turn.number);
	n = lot->n;
	w->home = home->index;
	path_run_turn(w->path, lot->device, lot->packets, n, &turn);
	worker_flush(w);
	w->home = w->index;
	path_turn_end(w->path);
	return n;
}

static bool all_left(const struct spread_lane *lane)
{
	return __atomic_load_n(&lane->left, __ATOMIC_ACQUIRE) == lane->published;
}

/* All lots are under way: takes one, or waits until the oldest has left. */
static void make_room(struct worker *w)
{
	struct spread_lane *lane = w->lane;

	for (uint32_t pauses = 0;
	     lane->published - __atomic_load_n(&lane->left, __ATOMIC_ACQUIRE) >= SPREAD_LOTS;) {
		uint32_t n = take(w, w);

		w->counters[CONTRACT_WORKER_HANDED_OVER] -= n;
		if (!n && ++pauses > PAUSES)
			sched_yield();
		else if (!n)
			rte_pause();
	}
}

static void publish(struct worker *w, uint32_t device, struct rte_mbuf **packets, uint32_t n)
{
	struct spread_lane *lane = w->lane;
	struct spread_lot *lot;

	make_room(w);
	lot = lot_of(lane, lane->published);
	lot->device = device;
	lot->n = n;
	memcpy(lot->packets, packets, n * sizeof(packets[0]));
	__atomic_store_n(&lane->published, lane->published + 1, __ATOMIC_RELEASE);
}

bool spread_takes(const struct worker *w, uint32_t device)
{
	const struct path_shared *shared = &w->set->shared;
	const struct path_device *d = &shared->devices[device];

	return w->lane && (d->by_tag || (shared->ports[d->untagged].role &
					 (CONTRACT_PUBLIC | CONTRACT_CIRCUIT)));
}

/* Whole ESP packets to `esp`, the others stay at the front; gives how many are ESP. */
static uint32_t pick(struct rte_mbuf **packets, uint32_t n, struct rte_mbuf **esp)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(packets[i + AHEAD], uint8_t *));
		if (handover_is_esp(packets[i]))
			esp[count++] = packets[i];
		else
			packets[i - count] = packets[i];
	}
	return count;
}

uint32_t spread_received(struct worker *w, uint32_t device, struct rte_mbuf **packets, uint32_t n)
{
	struct rte_mbuf *esp[PATH_BURST];
	bool alone = all_left(w->lane);
	uint32_t count;
	uint32_t taken;

	if (!spread_takes(w, device) || (alone && n < SPREAD_LEAST))
		return n;
	count = pick(packets, n, esp);
	if (alone && count < SPREAD_LEAST) {
		memcpy(packets + n - count, esp, count * sizeof(esp[0]));
		return n;
	}
	for (uint32_t from = 0; from < count; from += SPREAD_LOT)
		publish(w, device, esp + from, RTE_MIN(count - from, (uint32_t)SPREAD_LOT));
	w->counters[CONTRACT_WORKER_HANDED_OVER] += count;
	while ((taken = take(w, w)) != 0)
		w->counters[CONTRACT_WORKER_HANDED_OVER] -= taken;
	return n - count;
}

uint32_t spread_help(struct worker *w)
{
	uint32_t workers = w->set->config.workers;
	uint32_t total = 0;

	for (uint32_t i = 1; i < workers; i++) {
		struct worker *home = &w->set->workers[(w->index + i) % workers];
		uint32_t n = 1;

		for (uint32_t lots = 0; lots < HELP && n; lots++) {
			n = take(w, home);
			total += n;
		}
	}
	return total;
}
