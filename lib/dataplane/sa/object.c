/*
 * The door of the store: adding, changing, listing and sweeping by kind.
 */
#include "dataplane/sa/store.h"

#include <errno.h>
#include <string.h>

/* After it was published, so that who sees the count sees the change. */
static int changed(struct sa_store *store, int err)
{
	if (!err)
		__atomic_add_fetch(&store->hot.changes, 1, __ATOMIC_RELEASE);
	return err;
}

static int set(struct sa_store *store, const struct contract_object *object)
{
	switch (object->kind) {
	case CONTRACT_SA:
		return sa_record_get(store, CONTRACT_SA, object->id) ? sa_assoc_set(store, object)
								     : sa_assoc_add(store, object);
	case CONTRACT_TUNNEL:
		return sa_tunnel_put(store, object);
	case CONTRACT_CHILD:
		return sa_child_put(store, object);
	default:
		return sa_fail(store, -EINVAL, "kind %u is not of the SA store", object->kind);
	}
}

int sa_set(struct sa_store *store, const struct contract_object *object)
{
	sa_reclaim(store);
	return changed(store, set(store, object));
}

int sa_add(struct sa_store *store, const struct contract_object *object)
{
	if (sa_record_get(store, object->kind, object->id))
		return sa_fail(store, -EEXIST, "%s %u exists", contract_kind_text(object->kind),
			       object->id);
	if (object->kind == CONTRACT_SA)
		return changed(store, sa_assoc_add(store, object));
	return sa_set(store, object);
}

static int del(struct sa_store *store, uint16_t kind, uint32_t id, struct contract_sa_final *final)
{
	if (kind == CONTRACT_SA)
		return sa_assoc_del(store, id, final);
	return kind == CONTRACT_CHILD ? sa_child_del(store, id) : sa_tunnel_del(store, id);
}

int sa_del(struct sa_store *store, const struct contract_object *object,
	   struct contract_sa_final *final)
{
	sa_reclaim(store);
	if (!sa_record_get(store, object->kind, object->id))
		return sa_fail(store, -ENOENT, "there is no %s %u",
			       contract_kind_text(object->kind), object->id);
	return changed(store, del(store, object->kind, object->id, final));
}

int sa_confirm(struct sa_store *store, const struct contract_object *object)
{
	struct sa_record *record = sa_record_get(store, object->kind, object->id);

	if (!record)
		return sa_fail(store, -ENOENT, "there is no %s %u",
			       contract_kind_text(object->kind), object->id);
	record->object.generation = object->generation;
	record->object.owner = object->owner;
	return 0;
}

static void write_record(const struct sa_record *record, uint8_t *to, size_t *length)
{
	memcpy(to, &record->object, record->length);
	*length = record->length;
}

int sa_get(const struct sa_store *store, const struct contract_object *object,
	   uint8_t to[SA_OBJECT_MAX], size_t *length)
{
	const struct sa_record *record = sa_record_get(store, object->kind, object->id);

	if (!record)
		return -ENOENT;
	write_record(record, to, length);
	return 0;
}

int sa_list(const struct sa_store *store, enum contract_kind kind, uint32_t *cursor,
	    uint8_t to[SA_OBJECT_MAX], size_t *length)
{
	const struct sa_table *table = sa_table_of(store, kind);

	for (uint32_t id = *cursor; table && id < table->size; id++) {
		if (!table->records[id])
			continue;
		write_record(table->records[id], to, length);
		*cursor = id + 1;
		return 1;
	}
	return 0;
}

uint32_t sa_count(const struct sa_store *store, enum contract_kind kind)
{
	const struct sa_table *table = sa_table_of(store, kind);

	return table ? table->count : 0;
}

static uint32_t sweep_kind(struct sa_store *store, uint16_t kind, uint32_t generation,
			   uint32_t budget)
{
	struct sa_table *table = sa_table_of(store, kind);

	for (uint32_t id = 1; id < table->size && budget; id++) {
		const struct sa_record *record = table->records[id];

		if (!record || (int32_t)(record->object.generation - generation) >= 0)
			continue;
		if (del(store, kind, id, NULL) == 0)
			budget--;
	}
	return budget;
}

bool sa_sweep(struct sa_store *store, uint32_t generation, uint32_t budget)
{
	budget = sweep_kind(store, CONTRACT_SA, generation, budget);
	budget = sweep_kind(store, CONTRACT_CHILD, generation, budget);
	budget = sweep_kind(store, CONTRACT_TUNNEL, generation, budget);
	return budget == 0;
}

static bool tunnel_uses(const struct sa_store *store, uint32_t nexthop, uint32_t limit)
{
	for (uint32_t id = 1; id < store->tunnels.size; id++) {
		const struct sa_tunnel *t = &store->hot.tunnels[id];

		if (store->tunnels.records[id] &&
		    ((nexthop && t->nexthop == nexthop) || (limit && t->limit == limit)))
			return true;
	}
	return false;
}

bool sa_uses_nexthop(const struct sa_store *store, uint32_t nexthop)
{
	return tunnel_uses(store, nexthop, 0);
}

bool sa_uses_limit(const struct sa_store *store, uint32_t limit)
{
	return tunnel_uses(store, 0, limit);
}
