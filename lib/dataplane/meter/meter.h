#pragma once
/*
 * DOC: meter
 *
 * Limits in bits and in packets per second that stay exact when several workers share one. Each
 * limit has a bucket a direction (or one for both) that all workers share: one atomic word, the
 * time at which what was granted so far is earned at the limit's rate. A worker does not touch it
 * for each packet: it takes a lease, sized to what it used of the last one, at most
 * METER_LEASE_US of the rate, from the bucket and from those of all parents at once, and spends it
 * packet by packet. What is leased and not used in time is lost, which errs by less than a lease a
 * worker.
 *
 * Fairness: a policer that is full passes whoever comes at the right moment. So meter_balance(),
 * called by the main lcore every few milliseconds, measures what each child of a limit was offered
 * and, when their sum exceeds the limit, gives each at most its weighted share of a water level at
 * which the sum fits (max-min fairness). Without the call limits are exact but not fair.
 *
 * Owner of limits: main lcore. Time is the caller's TSC, so that tests simulate it. No lock, no
 * allocation after init. A packet must find room in its limit and in every parent.
 */
#include "contract/message.h"

#include <stdbool.h>
#include <stddef.h>

struct meter;
struct rte_rcu_qsbr;

enum meter_direction { METER_INBOUND, METER_OUTBOUND, METER_DIRECTIONS };

#define METER_DEPTH 4		     /* a limit and its parents */
#define METER_BURST_US_DEFAULT 10000 /* at least METER_BURST_BYTES_MIN */
#define METER_BURST_BYTES_MIN 18000
#define METER_LEASE_US 50
#define METER_BALANCE_US 5000
#define METER_PACKETS_DENIED (-1) /* lease->until says when to ask again */

struct meter_config {
	uint32_t limits; /* ids below this */
	uint32_t workers;
	uint64_t tsc_hz;
	int socket;
};

/* Of one limit, one direction, one worker; written by that worker alone. */
struct meter_lease {
	int64_t bytes; /* left to spend */
	int64_t packets;
	uint64_t until; /* TSC: not to be spent later; with nothing left: not to ask before */
	uint64_t want;	/* bytes of the next lease */
	uint64_t passed_bytes; /* main: ro */
	uint64_t passed_packets;
	uint64_t dropped_bytes;
	uint64_t dropped_packets;
};
_Static_assert(sizeof(struct meter_lease) == 64, "one cache line");

/* A worker's view; the worker module keeps one a worker. */
struct meter_worker {
	struct meter *meter;
	struct meter_lease *leases; /* limit id x METER_DIRECTIONS */
};

size_t meter_memory(const struct meter_config *config);
/* -EINVAL, -ENOMEM with a sentence. */
__attribute__((warn_unused_result)) int meter_init(struct meter **meter,
						   const struct meter_config *config,
						   char reason[CONTRACT_REASON]);
void meter_fini(struct meter *meter);
struct meter_worker meter_worker(struct meter *meter, uint32_t worker);

/*
 * Main lcore. Set creates or changes, at once and without a gap: -EINVAL (id, a parent that does
 * not exist, a chain longer than METER_DEPTH or in a circle). Del: -ENOENT, -EBUSY (a parent of
 * others). Packets of a limit that does not exist pass and are counted nowhere.
 */
__attribute__((warn_unused_result)) int meter_set(struct meter *meter, uint32_t id,
						  const struct contract_limit *limit);
__attribute__((warn_unused_result)) int meter_del(struct meter *meter, uint32_t id);
bool meter_exists(const struct meter *meter, uint32_t id);
/* Sentence for the last call that failed. */
const char *meter_reason(const struct meter *meter);
/* Main lcore, each METER_BALANCE_US or so; costs nothing when nothing has a parent. */
void meter_balance(struct meter *meter, uint64_t now_tsc);

struct meter_totals {
	uint64_t passed_packets;
	uint64_t passed_bytes;
	uint64_t dropped_packets;
	uint64_t dropped_bytes;
};

/* Of one worker, both directions: what goes into the row of CONTRACT_COUNT_LIMITS. */
void meter_worker_totals(const struct meter *meter, uint32_t worker, uint32_t id,
			 struct meter_totals *totals);

/* A counter has one writer; others may read it at any time. */
static inline void meter_count(uint64_t *counter, uint64_t by)
{
	__atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
}

/* The slow side of meter_admit(): takes a lease, or counts the drop. */
bool meter_refill(const struct meter_worker *worker, uint32_t lease, uint32_t bytes,
		  uint64_t now_tsc);

/* A packet that was counted before, in limit `charged` and its parents. */
struct meter_charge {
	uint32_t limit;
	enum meter_direction direction;
	uint32_t bytes;
	uint32_t charged; /* 0: in none */
};

/*
 * For a packet from tunnel to tunnel: it must find room in what has rates of its own from `limit`
 * upwards, up to where it was counted already. Without a lease: a bucket's word a packet.
 */
bool meter_admit_after(const struct meter_worker *worker, const struct meter_charge *charge,
		       uint64_t now_tsc);

/*
 * One packet of `bytes` (inner IP length): true when it may pass. Limit 0: no limit. `now_tsc` is
 * read once a burst.
 */
static inline bool meter_admit(const struct meter_worker *worker, uint32_t limit,
			       enum meter_direction direction, uint32_t bytes, uint64_t now_tsc)
{
	uint32_t at = limit * METER_DIRECTIONS + direction;
	struct meter_lease *lease = &worker->leases[at];

	if (limit == 0)
		return true;
	if (__builtin_expect(lease->bytes < (int64_t)bytes || lease->packets < 1 ||
				     (int64_t)(now_tsc - lease->until) > 0,
			     0)) {
		if (lease->packets != METER_PACKETS_DENIED || (int64_t)(now_tsc - lease->until) > 0)
			return meter_refill(worker, at, bytes, now_tsc);
		meter_count(&lease->dropped_bytes, bytes);
		meter_count(&lease->dropped_packets, 1);
		return false;
	}
	lease->bytes -= bytes;
	lease->packets--;
	meter_count(&lease->passed_bytes, bytes);
	meter_count(&lease->passed_packets, 1);
	return true;
}
