#pragma once
/*
 * What the files of the meter share.
 */
#include "dataplane/meter/meter.h"

/* Times are TSC cycles << METER_TIME_SHIFT, so that one small packet at 100 Gbit/s rounds well. */
#define METER_TIME_SHIFT 4
#define METER_LEASE_VALID_US 2000
#define METER_PLENTY (INT64_C(1) << 40) /* bytes or packets of a lease without such a limit */

/*
 * Shared by the workers, one a limit and direction. bytes_at: the time whose earnings have been
 * spent; what was earned since, at most `burst`, is there to be spent. All loads and stores are
 * atomic. main: rw but the times, workers: the times.
 */
struct meter_bucket {
	uint64_t bytes_at;
	uint64_t packets_at;
	uint64_t byte_time;   /* cost of a byte, 32.32; 0: no limit; own limit or share */
	uint64_t packet_time; /* cost of a packet */
	uint64_t burst_bytes; /* as a time */
	uint64_t burst_packets;
	uint32_t charge; /* bucket that this direction uses: the other one when they are summed */
	uint32_t parent; /* limit id */
	uint32_t exists;
	uint32_t own; /* has rates of its own, not only a share */
};
_Static_assert(sizeof(struct meter_bucket) == 64, "one cache line");

enum meter_unit { METER_BYTES, METER_PACKETS, METER_UNITS };

/* Main lcore only. */
struct meter_limit {
	struct contract_limit body;
	uint32_t children;
	bool exists;
	bool shared;	    /* it is full and its children have shares */
	uint64_t looked_at; /* TSC */
	uint64_t offered[METER_DIRECTIONS][METER_UNITS]; /* until then */
	double demand[METER_DIRECTIONS][METER_UNITS];	 /* per second, smoothed */
	double share[METER_DIRECTIONS][METER_UNITS];	 /* of the parent; 0: not limited */
};

/* A child and direction that wants a part of its parent. */
struct meter_entity {
	uint32_t id;
	uint32_t direction;
	double demand;
	double weight;
	bool satisfied;
};

struct meter {
	struct meter_config config;
	struct meter_bucket *buckets; /* limit id x METER_DIRECTIONS */
	struct meter_lease *leases;   /* worker x limit id x METER_DIRECTIONS */
	uint64_t time_hz;	      /* METER_TIME_SHIFT applied */
	struct meter_limit *limits;   /* main lcore only, as all below */
	uint32_t *order;	      /* ids of limits that exist, parents first */
	uint32_t order_count;
	uint32_t *first_child; /* by limit id; next siblings behind, from config.limits on */
	struct meter_entity *entities;
	bool order_stale;
	uint64_t balance_at; /* TSC: not before */
	uint64_t pause;	     /* between two */
	char reason[CONTRACT_REASON];
};

static inline struct meter_lease *meter_lease_of(const struct meter *m, uint32_t worker,
						 uint32_t id, uint32_t direction)
{
	size_t row = (size_t)worker * m->config.limits + id;

	return &m->leases[row * METER_DIRECTIONS + direction];
}

/* Cost of one unit as 32.32 time, 0 for no limit. */
static inline uint64_t meter_unit_time(const struct meter *m, double per_s)
{
	double time;

	if (per_s <= 0)
		return 0;
	time = (double)m->time_hz * 4294967296.0 / per_s;
	if (time < 1)
		return 1;
	return time < 9e18 ? (uint64_t)time : UINT64_C(9000000000000000000);
}

static inline void meter_add_totals(const struct meter_lease *l, struct meter_totals *t)
{
	t->passed_packets += __atomic_load_n(&l->passed_packets, __ATOMIC_RELAXED);
	t->passed_bytes += __atomic_load_n(&l->passed_bytes, __ATOMIC_RELAXED);
	t->dropped_packets += __atomic_load_n(&l->dropped_packets, __ATOMIC_RELAXED);
	t->dropped_bytes += __atomic_load_n(&l->dropped_bytes, __ATOMIC_RELAXED);
}

/* Puts the limit of a bucket in force: its own, or a share (0: none) where that is less. */
void meter_apply_rates(struct meter *m, uint32_t id, uint32_t direction, double share_bytes,
		       double share_packets);
