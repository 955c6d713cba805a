#include "dataplane/fib/state.h"

#include <errno.h>
#include <stdlib.h>

int fib_neighbours_init(struct fib *fib)
{
	fib->neighbours = calloc((size_t)fib->config.neighbours + 1, sizeof(*fib->neighbours));
	return fib->neighbours ? 0 : -ENOMEM;
}

static struct fib_neighbour *hot_of(const struct fib *fib, uint32_t unit)
{
	return fib_pool_at(&fib->pool, unit);
}

static uint32_t *bucket_of(const struct fib *fib, uint32_t hash)
{
	return fib->hot.buckets + (uint64_t)(hash & fib->hot.bucket_mask) * FIB_BUCKET_SLOTS;
}

struct fib_neighbour_record *fib_neighbour_record(const struct fib *fib, uint32_t port,
						  const struct net_addr *addr)
{
	uint32_t unit = fib_neighbour_find(&fib->hot, port, addr);

	return unit == FIB_NEIGHBOUR_NONE ? NULL : &fib->neighbours[hot_of(fib, unit)->side];
}

static int publish_neighbour(struct fib *fib, uint32_t port, const struct net_addr *addr,
			     uint32_t unit)
{
	uint32_t hash = fib_neighbour_hash(fib->hot.seed, port, addr->bytes);
	uint32_t *slots = bucket_of(fib, hash);

	for (uint32_t s = 0; s < FIB_BUCKET_SLOTS; s++) {
		if (slots[s])
			continue;
		__atomic_store_n(&slots[s], (hash & ~FIB_UNIT_MASK) | unit, __ATOMIC_RELEASE);
		return 0;
	}
	return -ENOSPC;
}

static void unpublish_neighbour(struct fib *fib, uint32_t unit)
{
	const struct fib_neighbour *hot = hot_of(fib, unit);
	uint32_t *slots =
		bucket_of(fib, fib_neighbour_hash(fib->hot.seed, hot->port, hot->addr.bytes));

	for (uint32_t s = 0; s < FIB_BUCKET_SLOTS; s++)
		if ((slots[s] & FIB_UNIT_MASK) == unit)
			__atomic_store_n(&slots[s], 0, __ATOMIC_RELEASE);
}

static int neighbour_new(struct fib *fib, uint32_t port, const struct net_addr *addr,
			 struct fib_neighbour_record **out)
{
	struct fib_neighbour_record *record;
	struct fib_neighbour *hot;
	uint32_t unit;
	uint32_t side;

	if (fib->neighbour_count >= fib->config.neighbours)
		return fib_refuse(fib, -ENOSPC, "all %u neighbours that were configured are used",
				  fib->config.neighbours);
	unit = fib_pool_get(&fib->pool, 0, 0);
	if (unit == FIB_POOL_NONE)
		return fib_refuse(fib, -ENOSPC, "no memory for one more neighbour");
	side = fib->neighbour_free ? fib->neighbour_free - 1 : fib->neighbour_fresh;
	hot = hot_of(fib, unit);
	*hot = (struct fib_neighbour){ .port = port, .side = side, .addr = *addr };
	if (publish_neighbour(fib, port, addr, unit)) {
		fib_pool_put(&fib->pool, unit);
		return fib_refuse(fib, -ENOSPC, "too many neighbours of one hash");
	}
	record = &fib->neighbours[side];
	if (fib->neighbour_free)
		fib->neighbour_free = record->next_free;
	else
		fib->neighbour_fresh++;
	*record = (struct fib_neighbour_record){ .unit = unit };
	fib->neighbour_count++;
	*out = record;
	return 0;
}

static void drop_reference(struct fib *fib, struct fib_neighbour_record *record)
{
	if (--record->references)
		return;
	unpublish_neighbour(fib, record->unit);
	fib_pool_retire(&fib->pool, record->unit);
	*record = (struct fib_neighbour_record){ .next_free = fib->neighbour_free };
	fib->neighbour_free = (uint32_t)(record - fib->neighbours) + 1;
	fib->neighbour_count--;
}

int fib_neighbour_hold(struct fib *fib, uint32_t port, const struct net_addr *addr, uint32_t *unit)
{
	struct fib_neighbour_record *record = fib_neighbour_record(fib, port, addr);

	if (!record) {
		int rc = neighbour_new(fib, port, addr, &record);

		if (rc)
			return rc;
	}
	record->references++;
	*unit = record->unit;
	return 0;
}

void fib_neighbour_release(struct fib *fib, uint32_t unit)
{
	if (unit != FIB_NEIGHBOUR_NONE)
		drop_reference(fib, &fib->neighbours[hot_of(fib, unit)->side]);
}

static uint64_t mac_word(const uint8_t mac[6])
{
	uint64_t word = 0;

	memcpy(&word, mac, 6);
	return word | FIB_MAC_RESOLVED;
}

int fib_neighbour_apply(struct fib *fib, const struct contract_object *object, bool add)
{
	const struct contract_neighbour *body = (const struct contract_neighbour *)(object + 1);
	struct fib_neighbour_record *record = fib_neighbour_record(fib, body->port, &body->addr);
	struct fib_tag tag = { 0 };
	int rc;

	if (body->port == 0 || body->port > UINT16_MAX || body->addr.family == NET_NONE)
		return fib_refuse(fib, -EINVAL, "a neighbour needs a port and an address");
	if (record && record->set && add)
		return fib_refuse(fib, -EEXIST, "the neighbour exists");
	if (fib_tag_set(&tag, object, body + 1))
		return fib_refuse(fib, -ENOMEM, "no memory for the neighbour's opaque bytes");
	if (!record) {
		rc = neighbour_new(fib, body->port, &body->addr, &record);
		if (rc) {
			fib_tag_clear(&tag);
			return rc;
		}
	}
	if (!record->set)
		record->references++;
	record->set = true;
	record->domain = object->domain;
	memcpy(record->mac, body->mac, 6);
	fib_tag_clear(&record->tag);
	record->tag = tag;
	__atomic_store_n(&hot_of(fib, record->unit)->mac, mac_word(body->mac), __ATOMIC_RELEASE);
	return 0;
}

void fib_neighbour_unset(struct fib *fib, struct fib_neighbour_record *record)
{
	__atomic_store_n(&hot_of(fib, record->unit)->mac, 0, __ATOMIC_RELEASE);
	record->set = false;
	fib_tag_clear(&record->tag);
	drop_reference(fib, record);
}

int fib_neighbour_remove(struct fib *fib, const struct contract_object *object)
{
	const struct contract_neighbour *body = (const struct contract_neighbour *)(object + 1);
	struct fib_neighbour_record *record = fib_neighbour_record(fib, body->port, &body->addr);

	if (!record || !record->set)
		return fib_refuse(fib, -ENOENT, "there is no such neighbour");
	fib_neighbour_unset(fib, record);
	return 0;
}

size_t fib_neighbour_write(const struct fib *fib, const struct fib_neighbour_record *record,
			   uint8_t *to)
{
	const struct fib_neighbour *hot = hot_of(fib, record->unit);
	struct contract_object object = {
		.kind = CONTRACT_NEIGHBOUR,
		.opaque_length = record->tag.opaque_length,
		.domain = record->domain,
		.owner = record->tag.owner,
		.generation = record->tag.generation,
	};
	struct contract_neighbour body = { .addr = hot->addr, .port = hot->port };

	memcpy(body.mac, record->mac, 6);
	memcpy(to, &object, sizeof(object));
	memcpy(to + sizeof(object), &body, sizeof(body));
	if (object.opaque_length)
		memcpy(to + sizeof(object) + sizeof(body), record->tag.opaque,
		       object.opaque_length);
	return sizeof(object) + sizeof(body) + object.opaque_length;
}
