/*
 * The workers' slow side: leases from buckets that all workers share.
 */
#include "dataplane/meter/state.h"

#define DENY_MIN_US 2
#define DENY_MAX_US 100

/* What a lease costs at each level of the chain, to give it back when a parent refuses. */
struct claim {
	struct meter_bucket *levels[METER_DEPTH];
	uint32_t depth;
	uint64_t bytes;
	uint64_t packets;
};

static uint64_t load(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static uint64_t cost(uint64_t units, uint64_t unit_time)
{
	return (uint64_t)((__uint128_t)units * unit_time >> 32);
}

/* Spends `price` of what was earned up to `now`; false when that is not there. */
static bool spend(uint64_t *at, uint64_t price, uint64_t burst, uint64_t now)
{
	uint64_t was = load(at);

	for (;;) {
		uint64_t from = (int64_t)(now - was) > (int64_t)burst ? now - burst : was;

		if ((int64_t)(now - from) < (int64_t)price)
			return false;
		if (__atomic_compare_exchange_n(at, &was, from + price, true, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return true;
	}
}

static void unspend(uint64_t *at, uint64_t price)
{
	__atomic_fetch_sub(at, price, __ATOMIC_RELAXED);
}

static bool spend_level(struct meter_bucket *b, const struct claim *claim, uint64_t now)
{
	uint64_t byte_time = load(&b->byte_time);
	uint64_t packet_time = load(&b->packet_time);
	uint64_t price = cost(claim->bytes, byte_time);

	if (byte_time && !spend(&b->bytes_at, price, load(&b->burst_bytes), now))
		return false;
	if (packet_time && !spend(&b->packets_at, cost(claim->packets, packet_time),
				  load(&b->burst_packets), now)) {
		if (byte_time)
			unspend(&b->bytes_at, price);
		return false;
	}
	return true;
}

/* At most a burst: the rate may have changed since it was taken, or there was none. */
static uint64_t refund(uint64_t units, uint64_t unit_time, uint64_t burst)
{
	__uint128_t price = (__uint128_t)units * unit_time >> 32;

	return price < burst ? (uint64_t)price : burst;
}

static void give_back(const struct claim *claim, uint32_t levels)
{
	for (uint32_t i = 0; i < levels; i++) {
		struct meter_bucket *b = claim->levels[i];

		unspend(&b->bytes_at,
			refund(claim->bytes, load(&b->byte_time), load(&b->burst_bytes)));
		unspend(&b->packets_at,
			refund(claim->packets, load(&b->packet_time), load(&b->burst_packets)));
	}
}

static bool spend_all(const struct claim *claim, uint64_t now)
{
	for (uint32_t i = 0; i < claim->depth; i++) {
		if (spend_level(claim->levels[i], claim, now))
			continue;
		give_back(claim, i);
		return false;
	}
	return true;
}

static void find_levels(const struct meter *m, uint32_t lease, struct claim *claim)
{
	uint32_t direction = lease % METER_DIRECTIONS;
	uint32_t id = lease / METER_DIRECTIONS;

	claim->depth = 0;
	while (id && claim->depth < METER_DEPTH) {
		struct meter_bucket *b = &m->buckets[id * METER_DIRECTIONS + direction];
		uint32_t charge = __atomic_load_n(&b->charge, __ATOMIC_RELAXED);

		claim->levels[claim->depth++] = &m->buckets[charge];
		id = __atomic_load_n(&b->parent, __ATOMIC_RELAXED);
	}
}

/* What the slowest level earns in METER_LEASE_US, or in half of its burst. */
struct lease_limits {
	uint64_t bytes; /* METER_PLENTY: no limit in bytes */
	uint64_t packets;
	uint64_t byte_time;
	uint64_t packet_time;
};

static uint64_t us(const struct meter *m, uint64_t n)
{
	return m->config.tsc_hz * n / 1000000;
}

static uint64_t lease_units(const struct meter *m, uint64_t unit_time, uint64_t burst)
{
	uint64_t time = us(m, METER_LEASE_US) << METER_TIME_SHIFT;

	if (unit_time == 0)
		return METER_PLENTY;
	if (time > burst / 2)
		time = burst / 2;
	return (uint64_t)(((__uint128_t)time << 32) / unit_time);
}

static struct lease_limits lease_limits(const struct meter *m, const struct claim *claim)
{
	struct lease_limits limits = { .bytes = METER_PLENTY, .packets = METER_PLENTY };

	for (uint32_t i = 0; i < claim->depth; i++) {
		const struct meter_bucket *b = claim->levels[i];
		uint64_t byte_time = load(&b->byte_time);
		uint64_t packet_time = load(&b->packet_time);
		uint64_t bytes = lease_units(m, byte_time, load(&b->burst_bytes));
		uint64_t packets = lease_units(m, packet_time, load(&b->burst_packets));

		limits.bytes = bytes < limits.bytes ? bytes : limits.bytes;
		limits.packets = packets < limits.packets ? packets : limits.packets;
		if (byte_time > limits.byte_time)
			limits.byte_time = byte_time;
		if (packet_time > limits.packet_time)
			limits.packet_time = packet_time;
	}
	return limits;
}

/* What the last lease was used up in says how large the next one is. */
static uint64_t next_want(const struct meter *m, const struct meter_lease *lease, uint64_t now_tsc)
{
	uint64_t taken_at = lease->until - us(m, METER_LEASE_VALID_US);
	int64_t lasted = (int64_t)(now_tsc - taken_at);

	if (lease->packets == METER_PACKETS_DENIED || lasted < 0)
		return lease->want;
	if ((uint64_t)lasted < us(m, METER_LEASE_US))
		return lease->want * 2;
	return (uint64_t)lasted > us(m, METER_LEASE_US * 4) ? lease->want / 2 : lease->want;
}

static void put_lease(const struct meter *m, struct meter_lease *lease, const struct claim *claim,
		      uint64_t now_tsc)
{
	lease->bytes += (int64_t)claim->bytes;
	lease->packets += (int64_t)claim->packets;
	lease->until = now_tsc + us(m, METER_LEASE_VALID_US);
}

static void deny(const struct meter *m, struct meter_lease *lease, uint64_t wait,
		 const struct claim *claim, uint64_t now_tsc)
{
	uint64_t least = us(m, DENY_MIN_US);
	uint64_t most = us(m, DENY_MAX_US);

	if (lease->bytes > 0 || lease->packets > 0) {
		struct claim rest = *claim;

		rest.bytes = (uint64_t)lease->bytes;
		rest.packets = (uint64_t)lease->packets;
		give_back(&rest, rest.depth);
	}
	wait >>= METER_TIME_SHIFT;
	wait = wait < least ? least : wait > most ? most : wait;
	lease->bytes = 0;
	lease->packets = METER_PACKETS_DENIED;
	lease->until = now_tsc + wait;
}

static void size_claim(const struct lease_limits *most, struct meter_lease *lease,
		       struct claim *claim, uint32_t bytes)
{
	if (lease->want > most->bytes)
		lease->want = most->bytes;
	if (lease->want < bytes)
		lease->want = bytes;
	claim->bytes = most->byte_time ? lease->want : (uint64_t)METER_PLENTY;
	claim->packets = most->packet_time ? lease->want / bytes : (uint64_t)METER_PLENTY;
	if (claim->packets > most->packets)
		claim->packets = most->packets;
	if (claim->packets == 0)
		claim->packets = 1;
}

static bool take_lease(const struct meter *m, struct meter_lease *lease, struct claim *claim,
		       uint32_t bytes, uint64_t now_tsc)
{
	struct lease_limits most = lease_limits(m, claim);
	uint64_t now = now_tsc << METER_TIME_SHIFT;
	uint64_t price;

	lease->want = next_want(m, lease, now_tsc);
	size_claim(&most, lease, claim, bytes);
	if (lease->packets == METER_PACKETS_DENIED)
		lease->packets = 0;
	if (spend_all(claim, now))
		return true;
	if (most.byte_time)
		claim->bytes = (int64_t)bytes > lease->bytes ? bytes - (uint64_t)lease->bytes : 0;
	if (most.packet_time)
		claim->packets = lease->packets < 1;
	if (spend_all(claim, now))
		return true;
	price = cost(bytes, most.byte_time) + cost(1, most.packet_time);
	deny(m, lease, price, claim, now_tsc);
	return false;
}

/* Time has passed it by: what is left goes back where it came from. */
static void expire(struct meter_lease *lease, struct claim *claim)
{
	claim->bytes = lease->bytes > 0 ? (uint64_t)lease->bytes : 0;
	claim->packets = lease->packets > 0 ? (uint64_t)lease->packets : 0;
	give_back(claim, claim->depth);
	lease->bytes = 0;
	lease->packets = 0;
}

bool meter_refill(const struct meter_worker *worker, uint32_t at, uint32_t bytes, uint64_t now_tsc)
{
	struct meter_lease *lease = &worker->leases[at];
	const struct meter *m = worker->meter;
	struct claim claim;
	bool late = (int64_t)(now_tsc - lease->until) > 0;

	if (!__atomic_load_n(&m->buckets[at].exists, __ATOMIC_ACQUIRE))
		return true;
	bytes += bytes == 0;
	find_levels(m, at, &claim);
	if (late && lease->packets != METER_PACKETS_DENIED)
		expire(lease, &claim);
	if (!take_lease(m, lease, &claim, bytes, now_tsc)) {
		meter_count(&lease->dropped_bytes, bytes);
		meter_count(&lease->dropped_packets, 1);
		return false;
	}
	put_lease(m, lease, &claim, now_tsc);
	lease->bytes -= bytes;
	lease->packets--;
	meter_count(&lease->passed_bytes, bytes);
	meter_count(&lease->passed_packets, 1);
	return true;
}

static uint32_t parent_of(const struct meter *m, uint32_t id)
{
	return __atomic_load_n(&m->buckets[id * METER_DIRECTIONS].parent, __ATOMIC_RELAXED);
}

static bool was_charged(const struct meter *m, uint32_t charged, uint32_t id)
{
	for (uint32_t i = 0; charged && i < METER_DEPTH; i++) {
		if (charged == id)
			return true;
		charged = parent_of(m, charged);
	}
	return false;
}

/* False: the chain ends in what was charged before. */
static bool find_uncharged(const struct meter *m, const struct meter_charge *charge,
			   struct claim *claim)
{
	uint32_t id = charge->limit;

	claim->depth = 0;
	for (uint32_t i = 0; id && i < METER_DEPTH; i++) {
		struct meter_bucket *b = &m->buckets[id * METER_DIRECTIONS + charge->direction];

		if (was_charged(m, charge->charged, id))
			return false;
		if (__atomic_load_n(&b->own, __ATOMIC_RELAXED))
			claim->levels[claim->depth++] =
				&m->buckets[__atomic_load_n(&b->charge, __ATOMIC_RELAXED)];
		id = __atomic_load_n(&b->parent, __ATOMIC_RELAXED);
	}
	return true;
}

bool meter_admit_after(const struct meter_worker *worker, const struct meter_charge *charge,
		       uint64_t now_tsc)
{
	const struct meter *m = worker->meter;
	uint32_t at = charge->limit * METER_DIRECTIONS + charge->direction;
	struct meter_lease *lease = &worker->leases[at];
	struct claim claim = { .bytes = charge->bytes, .packets = 1 };
	bool counts;

	if (!charge->limit || !__atomic_load_n(&m->buckets[at].exists, __ATOMIC_ACQUIRE))
		return true;
	counts = find_uncharged(m, charge, &claim);
	if (!spend_all(&claim, now_tsc << METER_TIME_SHIFT)) {
		meter_count(&lease->dropped_bytes, charge->bytes);
		meter_count(&lease->dropped_packets, 1);
		return false;
	}
	if (counts) { /* what passes a limit is counted once below each that it passed */
		meter_count(&lease->passed_bytes, charge->bytes);
		meter_count(&lease->passed_packets, 1);
	}
	return true;
}
