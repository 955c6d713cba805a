/*
 * DOC: balance
 *
 * Weighted max-min shares of a limit that is full. Demand is what was offered, passed or not, so
 * that it does not depend on the shares. A limit that is not full costs one look at its bucket.
 * The shares together stay 1/256 below the limit: the limit's own bucket is then never empty and
 * does not refuse those that keep within their share.
 */
#include "dataplane/meter/state.h"

#include <string.h>

#define SMOOTHING 0.5
#define HEADROOM (255.0 / 256)
#define RELEASE_BELOW 0.97 /* of the limit: then nobody needs a share */
#define STALE_INTERVALS 4
#define SPLIT_MIN 0.05 /* of a child's weight, for the direction that wants less */
#define LOOK_NS 500    /* one child; the whole takes at most a tenth of the main lcore */

static uint32_t *next_sibling(const struct meter *m, uint32_t id)
{
	return &m->first_child[m->config.limits + id];
}

static uint32_t depth_of(const struct meter *m, uint32_t id)
{
	uint32_t depth = 0;

	for (uint32_t at = m->limits[id].body.parent; at; at = m->limits[at].body.parent)
		depth++;
	return depth;
}

/* Parents first, so that a share of theirs is known before it is shared on. */
static void sort(struct meter *m)
{
	memset(m->first_child, 0, 2 * (size_t)m->config.limits * sizeof(*m->first_child));
	m->order_count = 0;
	for (uint32_t depth = 0; depth < METER_DEPTH; depth++)
		for (uint32_t id = 1; id < m->config.limits; id++)
			if (m->limits[id].exists && m->limits[id].children &&
			    depth_of(m, id) == depth)
				m->order[m->order_count++] = id;
	for (uint32_t id = 1; id < m->config.limits; id++) {
		uint32_t parent = m->limits[id].body.parent;

		if (!m->limits[id].exists || !parent)
			continue;
		*next_sibling(m, id) = m->first_child[parent];
		m->first_child[parent] = id;
	}
	m->order_stale = false;
}

static bool bucket_is_low(const uint64_t *at, uint64_t unit_time, uint64_t burst, uint64_t now)
{
	int64_t credit = (int64_t)(now - __atomic_load_n(at, __ATOMIC_RELAXED));

	return unit_time && credit < (int64_t)(burst - burst / 4);
}

static bool is_full(const struct meter *m, uint32_t id, uint64_t now_tsc)
{
	uint64_t now = now_tsc << METER_TIME_SHIFT;

	for (uint32_t d = 0; d < METER_DIRECTIONS; d++) {
		const struct meter_bucket *b = &m->buckets[id * METER_DIRECTIONS + d];

		if (bucket_is_low(&b->bytes_at, b->byte_time, b->burst_bytes, now) ||
		    bucket_is_low(&b->packets_at, b->packet_time, b->burst_packets, now))
			return true;
	}
	return false;
}

/* A limit and all below it. */
static void offered(const struct meter *m, uint32_t id, uint32_t d, struct meter_totals *t)
{
	for (uint32_t w = 0; w < m->config.workers; w++)
		meter_add_totals(meter_lease_of(m, w, id, d), t);
	for (uint32_t c = m->first_child[id]; c; c = *next_sibling(m, c))
		offered(m, c, d, t);
}

static void measure(struct meter *m, uint32_t id, double seconds, bool first)
{
	struct meter_limit *limit = &m->limits[id];

	for (uint32_t d = 0; d < METER_DIRECTIONS; d++) {
		struct meter_totals t = { 0 };
		uint64_t now[METER_UNITS];

		offered(m, id, d, &t);
		now[METER_BYTES] = t.passed_bytes + t.dropped_bytes;
		now[METER_PACKETS] = t.passed_packets + t.dropped_packets;
		for (int u = 0; u < METER_UNITS; u++) {
			double rate = (double)(now[u] - limit->offered[d][u]) / seconds;
			double was = limit->demand[d][u];

			limit->offered[d][u] = now[u];
			limit->demand[d][u] = first ? 0
					      : was ? was + (rate - was) * SMOOTHING
						    : rate;
		}
	}
}

static double own_rate(const struct meter_limit *limit, int unit)
{
	return unit == METER_BYTES ? (double)limit->body.bits_per_s / 8
				   : (double)limit->body.packets_per_s;
}

/* What the limit may pass: its own rate, or its share of its parent where that is less. */
static double rate_of(const struct meter_limit *limit, uint32_t d, int unit)
{
	double own = own_rate(limit, unit);
	double share = limit->share[d][unit];

	if (limit->body.direction_sum && share)
		share += limit->share[!d][unit];
	return own == 0 ? share : share && share < own ? share : own;
}

static uint32_t collect(struct meter *m, uint32_t parent, uint32_t d, int unit)
{
	bool sum = m->limits[parent].body.direction_sum;
	uint32_t n = 0;

	for (uint32_t c = m->first_child[parent]; c; c = *next_sibling(m, c)) {
		const struct meter_limit *limit = &m->limits[c];
		double weight = limit->body.weight ? limit->body.weight : 1;
		double own = own_rate(limit, unit);
		double all = limit->demand[0][unit] + limit->demand[1][unit];

		for (uint32_t k = sum ? 0 : d; k <= (sum ? METER_OUTBOUND : d); k++) {
			double demand = limit->demand[k][unit];
			double part = sum && all > 0 ? demand / all : 1;

			m->entities[n++] = (struct meter_entity){
				.id = c,
				.direction = k,
				.demand = own && demand > own ? own : demand,
				.weight = weight * (part > SPLIT_MIN ? part : SPLIT_MIN),
			};
		}
	}
	return n;
}

/* The water level for which the demands below it and the shares at it fill `rate`; 0: all fit. */
static double water_level(struct meter_entity *e, uint32_t n, double rate, bool shared)
{
	double total = 0;
	double level;
	bool again = true;

	for (uint32_t i = 0; i < n; i++)
		total += e[i].demand;
	if (rate == 0 || total < rate * (shared ? RELEASE_BELOW : 1))
		return 0;
	for (level = 0; again;) {
		double left = rate * HEADROOM;
		double weights = 0;

		again = false;
		for (uint32_t i = 0; i < n; i++) {
			if (e[i].satisfied)
				left -= e[i].demand;
			else
				weights += e[i].weight;
		}
		if (weights == 0)
			break;
		level = left / weights;
		for (uint32_t i = 0; i < n; i++)
			if (!e[i].satisfied && e[i].demand < e[i].weight * level)
				again = e[i].satisfied = true;
	}
	return level;
}

static void apply_children(struct meter *m, uint32_t parent)
{
	for (uint32_t c = m->first_child[parent]; c; c = *next_sibling(m, c)) {
		struct meter_limit *limit = &m->limits[c];

		for (uint32_t d = 0; d < METER_DIRECTIONS; d++) {
			double share[METER_UNITS];

			for (int u = 0; u < METER_UNITS; u++) {
				share[u] = limit->share[d][u];
				if (limit->body.direction_sum)
					share[u] = share[u] && limit->share[!d][u]
							   ? share[u] + limit->share[!d][u]
							   : 0;
			}
			meter_apply_rates(m, c, d, share[METER_BYTES], share[METER_PACKETS]);
		}
	}
}

static void share_out(struct meter *m, uint32_t id)
{
	struct meter_limit *parent = &m->limits[id];
	bool was_shared = parent->shared;

	parent->shared = false;
	for (int u = 0; u < METER_UNITS; u++) {
		uint32_t ways = parent->body.direction_sum ? 1 : METER_DIRECTIONS;

		for (uint32_t d = 0; d < ways; d++) {
			uint32_t n = collect(m, id, d, u);
			double level =
				water_level(m->entities, n, rate_of(parent, d, u), was_shared);

			for (uint32_t i = 0; i < n; i++) {
				const struct meter_entity *e = &m->entities[i];

				m->limits[e->id].share[e->direction][u] = level * e->weight;
			}
			parent->shared |= level > 0;
		}
	}
	if (parent->shared || was_shared)
		apply_children(m, id);
}

/* The number of children that were looked at. */
static uint32_t look(struct meter *m, uint32_t id, uint64_t now_tsc)
{
	struct meter_limit *parent = &m->limits[id];
	uint64_t elapsed = now_tsc - parent->looked_at;
	bool first = parent->looked_at == 0 || elapsed > STALE_INTERVALS * m->pause;
	uint32_t children = 0;

	if (!parent->shared && !is_full(m, id, now_tsc))
		return 0;
	parent->looked_at = now_tsc;
	for (uint32_t c = m->first_child[id]; c; c = *next_sibling(m, c)) {
		measure(m, c, (double)elapsed / (double)m->config.tsc_hz, first);
		children++;
	}
	if (!first)
		share_out(m, id);
	return children;
}

void meter_balance(struct meter *m, uint64_t now_tsc)
{
	uint64_t us = m->config.tsc_hz / 1000000;
	uint64_t looked = 0;
	uint64_t fair;

	if ((int64_t)(now_tsc - m->balance_at) < 0)
		return;
	if (m->order_stale)
		sort(m);
	if (m->pause == 0)
		m->pause = us * METER_BALANCE_US;
	for (uint32_t i = 0; i < m->order_count; i++)
		looked += look(m, m->order[i], now_tsc);
	fair = looked * LOOK_NS * 10 * us / 1000;
	m->pause = us * METER_BALANCE_US > fair ? us * METER_BALANCE_US : fair;
	m->balance_at = now_tsc + m->pause;
}
