#include "dataplane/meter/meter.h"

#include "dataplane/meter/state.h"

#include <rte_malloc.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BURST_PACKETS_MIN 32

size_t meter_memory(const struct meter_config *config)
{
	size_t rows = (size_t)config->limits * METER_DIRECTIONS;

	return rows * sizeof(struct meter_bucket) +
	       rows * config->workers * sizeof(struct meter_lease);
}

int meter_init(struct meter **out, const struct meter_config *config, char reason[CONTRACT_REASON])
{
	size_t rows = (size_t)config->limits * METER_DIRECTIONS;
	struct meter *m;

	if (config->limits == 0 || config->limits > UINT32_MAX / METER_DIRECTIONS ||
	    config->workers == 0 || config->tsc_hz == 0) {
		snprintf(reason, CONTRACT_REASON,
			 "limits need at least one id, one worker and the clock's rate");
		return -EINVAL;
	}
	m = calloc(1, sizeof(*m));
	if (!m)
		goto no_memory;
	m->config = *config;
	m->time_hz = config->tsc_hz << METER_TIME_SHIFT;
	m->limits = calloc(config->limits, sizeof(*m->limits));
	m->order = calloc(config->limits, sizeof(*m->order));
	m->buckets = rte_zmalloc_socket("meter", rows * sizeof(*m->buckets), 64, config->socket);
	m->entities = calloc(rows, sizeof(*m->entities));
	m->first_child = calloc(2 * (size_t)config->limits, sizeof(*m->first_child));
	m->leases = rte_zmalloc_socket("meter", rows * config->workers * sizeof(*m->leases), 64,
				       config->socket);
	if (!m->limits || !m->order || !m->entities || !m->first_child || !m->buckets || !m->leases)
		goto no_memory;
	*out = m;
	return 0;
no_memory:
	snprintf(reason, CONTRACT_REASON,
		 "%u limits for %u workers need %zu KiB of packet memory, which is not there",
		 config->limits, config->workers, meter_memory(config) >> 10);
	meter_fini(m);
	return -ENOMEM;
}

void meter_fini(struct meter *m)
{
	if (!m)
		return;
	rte_free(m->buckets);
	rte_free(m->leases);
	free(m->limits);
	free(m->order);
	free(m->entities);
	free(m->first_child);
	free(m);
}

struct meter_worker meter_worker(struct meter *m, uint32_t worker)
{
	return (struct meter_worker){
		.meter = m,
		.leases = meter_lease_of(m, worker, 0, 0),
	};
}

const char *meter_reason(const struct meter *m)
{
	return m->reason;
}

__attribute__((format(printf, 3, 4))) static int refuse(struct meter *m, int code,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(m->reason, sizeof(m->reason), format, args);
	va_end(args);
	return code;
}

bool meter_exists(const struct meter *m, uint32_t id)
{
	return id && id < m->config.limits && m->limits[id].exists;
}

/* Parents above, and children below, must not make a chain that is too long or closed. */
static int check_chain(struct meter *m, uint32_t id, uint32_t parent)
{
	uint32_t below = 0;
	uint32_t above = 0;

	for (uint32_t at = parent; at; at = m->limits[at].body.parent) {
		if (at == id)
			return refuse(m, -EINVAL, "limit %u would be its own parent", id);
		if (++above >= METER_DEPTH)
			return refuse(m, -EINVAL, "limit %u has more than %d parents", id,
				      METER_DEPTH - 1);
	}
	for (uint32_t i = 1; m->limits[id].children && i < m->config.limits; i++) {
		uint32_t steps = 0;
		uint32_t at = m->limits[i].exists ? i : 0;

		while (at && at != id) {
			at = m->limits[at].body.parent;
			steps++;
		}
		if (at == id && steps > below)
			below = steps;
	}
	if (above + below >= METER_DEPTH)
		return refuse(m, -EINVAL, "limit %u: its children would have more than %d parents",
			      id, METER_DEPTH - 1);
	return 0;
}

static void store(uint64_t *p, uint64_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELAXED);
}

static uint64_t burst_time(const struct meter *m, uint32_t burst_us, uint64_t unit_time,
			   uint32_t units_min)
{
	uint64_t time = (uint64_t)((double)m->time_hz * burst_us / 1e6);
	uint64_t least = (uint64_t)((__uint128_t)unit_time * units_min >> 32);

	return time > least ? time : least;
}

void meter_apply_rates(struct meter *m, uint32_t id, uint32_t direction, double share_bytes,
		       double share_packets)
{
	const struct contract_limit *body = &m->limits[id].body;
	struct meter_bucket *b = &m->buckets[id * METER_DIRECTIONS + direction];
	uint64_t byte_time = meter_unit_time(m, (double)body->bits_per_s / 8);
	uint64_t packet_time = meter_unit_time(m, (double)body->packets_per_s);
	uint32_t burst_us = body->burst_us ? body->burst_us : METER_BURST_US_DEFAULT;
	uint64_t share = meter_unit_time(m, share_bytes);

	byte_time = share > byte_time ? share : byte_time;
	share = meter_unit_time(m, share_packets);
	packet_time = share > packet_time ? share : packet_time;
	store(&b->burst_bytes, burst_time(m, burst_us, byte_time, METER_BURST_BYTES_MIN));
	store(&b->burst_packets, burst_time(m, burst_us, packet_time, BURST_PACKETS_MIN));
	store(&b->byte_time, byte_time);
	store(&b->packet_time, packet_time);
}

static void publish(struct meter *m, uint32_t id)
{
	const struct meter_limit *limit = &m->limits[id];

	for (uint32_t d = 0; d < METER_DIRECTIONS; d++) {
		uint32_t at = id * METER_DIRECTIONS + d;
		struct meter_bucket *b = &m->buckets[at];
		uint32_t charge = limit->body.direction_sum ? id * METER_DIRECTIONS : at;

		meter_apply_rates(m, id, d, 0, 0);
		__atomic_store_n(&b->charge, charge, __ATOMIC_RELAXED);
		__atomic_store_n(&b->parent, limit->body.parent, __ATOMIC_RELAXED);
		__atomic_store_n(&b->own, limit->body.bits_per_s || limit->body.packets_per_s,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&b->exists, 1, __ATOMIC_RELEASE);
	}
}

/* No worker refers to an id that does not exist: its leases are the main lcore's for now. */
static void forget(struct meter *m, uint32_t id)
{
	for (uint32_t w = 0; w < m->config.workers; w++)
		memset(meter_lease_of(m, w, id, 0), 0,
		       METER_DIRECTIONS * sizeof(struct meter_lease));
	for (uint32_t d = 0; d < METER_DIRECTIONS; d++) {
		struct meter_bucket *b = &m->buckets[id * METER_DIRECTIONS + d];

		store(&b->bytes_at, 0);
		store(&b->packets_at, 0);
	}
}

int meter_set(struct meter *m, uint32_t id, const struct contract_limit *body)
{
	struct meter_limit *limit;
	int rc;

	if (id == 0 || id >= m->config.limits)
		return refuse(m, -EINVAL, "limit id %u is not in 1..%u", id, m->config.limits - 1);
	if (body->parent && !meter_exists(m, body->parent))
		return refuse(m, -EINVAL, "limit %u's parent %u does not exist", id, body->parent);
	rc = check_chain(m, id, body->parent);
	if (rc)
		return rc;
	limit = &m->limits[id];
	if (limit->exists && limit->body.parent)
		m->limits[limit->body.parent].children--;
	if (body->parent)
		m->limits[body->parent].children++;
	if (!limit->exists)
		forget(m, id);
	limit->exists = true;
	limit->body = *body;
	m->order_stale = true;
	memset(limit->share, 0, sizeof(limit->share));
	publish(m, id);
	return 0;
}

int meter_del(struct meter *m, uint32_t id)
{
	struct meter_limit *limit;

	if (!meter_exists(m, id))
		return refuse(m, -ENOENT, "there is no limit %u", id);
	limit = &m->limits[id];
	if (limit->children)
		return refuse(m, -EBUSY, "limit %u is the parent of %u others", id,
			      limit->children);
	for (uint32_t d = 0; d < METER_DIRECTIONS; d++)
		__atomic_store_n(&m->buckets[id * METER_DIRECTIONS + d].exists, 0,
				 __ATOMIC_RELEASE);
	if (limit->body.parent)
		m->limits[limit->body.parent].children--;
	*limit = (struct meter_limit){ 0 };
	m->order_stale = true;
	return 0;
}

void meter_worker_totals(const struct meter *m, uint32_t worker, uint32_t id,
			 struct meter_totals *totals)
{
	*totals = (struct meter_totals){ 0 };
	for (uint32_t d = 0; d < METER_DIRECTIONS; d++)
		meter_add_totals(meter_lease_of(m, worker, id, d), totals);
}
