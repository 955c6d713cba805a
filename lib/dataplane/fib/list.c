/*
 * Listing, confirming and sweeping: what a control program does that finds objects of the one
 * before it.
 */
#include "dataplane/fib/state.h"

#include <errno.h>

/* To look at an object costs about this part of what it costs to remove one. */
#define LOOKS_PER_REMOVAL 64

/* Where the object of a key is kept, by its tag; *number is its place in its array. */
static struct fib_tag *locate(const struct fib *fib, const struct contract_object *object,
			      uint32_t *number)
{
	const struct contract_route *route = (const struct contract_route *)(object + 1);
	const struct contract_neighbour *n = (const struct contract_neighbour *)(object + 1);
	struct fib_neighbour_record *neighbour;
	struct fib_route *found;

	*number = object->id;
	switch (object->kind) {
	case CONTRACT_ROUTE:
		found = fib_route_find(fib, object->domain, &route->prefix);
		*number = found ? (uint32_t)(found - fib->routes.records) : 0;
		return found ? &found->tag : NULL;
	case CONTRACT_NEIGHBOUR:
		neighbour = fib_neighbour_record(fib, n->port, &n->addr);
		*number = neighbour ? (uint32_t)(neighbour - fib->neighbours) : 0;
		return neighbour && neighbour->set ? &neighbour->tag : NULL;
	case CONTRACT_NEXTHOP:
		if (object->id >= fib->config.nexthops || !fib->nexthops[object->id].body.kind)
			return NULL;
		return &fib->nexthops[object->id].tag;
	case CONTRACT_GROUP:
		if (object->id >= fib->config.groups || !fib->groups[object->id].exists)
			return NULL;
		return &fib->groups[object->id].tag;
	default:
		return NULL;
	}
}

static size_t write_one(const struct fib *fib, enum contract_kind kind, uint32_t number,
			uint8_t *to)
{
	switch (kind) {
	case CONTRACT_ROUTE:
		return fib_route_write(&fib->routes.records[number], to);
	case CONTRACT_NEIGHBOUR:
		return fib_neighbour_write(fib, &fib->neighbours[number], to);
	case CONTRACT_NEXTHOP:
		return fib_nexthop_write(fib, number, to);
	default:
		return fib_group_write(fib, number, to);
	}
}

/* One past the last place of a kind's array that may be used. */
static uint32_t end_of(const struct fib *fib, enum contract_kind kind)
{
	switch (kind) {
	case CONTRACT_ROUTE:
		return fib->routes.fresh;
	case CONTRACT_NEIGHBOUR:
		return fib->neighbour_fresh;
	case CONTRACT_NEXTHOP:
		return fib->config.nexthops;
	case CONTRACT_GROUP:
		return fib->config.groups;
	default:
		return 0;
	}
}

static const struct fib_tag *used_at(const struct fib *fib, enum contract_kind kind, uint32_t i)
{
	switch (kind) {
	case CONTRACT_ROUTE:
		return fib->routes.records[i].family ? &fib->routes.records[i].tag : NULL;
	case CONTRACT_NEIGHBOUR:
		return fib->neighbours[i].set ? &fib->neighbours[i].tag : NULL;
	case CONTRACT_NEXTHOP:
		return fib->nexthops[i].body.kind ? &fib->nexthops[i].tag : NULL;
	default:
		return fib->groups[i].exists ? &fib->groups[i].tag : NULL;
	}
}

int fib_confirm(struct fib *fib, const struct contract_object *object)
{
	uint32_t number;
	struct fib_tag *tag = locate(fib, object, &number);

	if (!tag)
		return fib_refuse(fib, -ENOENT, "there is nothing to confirm");
	tag->generation = object->generation;
	return 0;
}

int fib_get(const struct fib *fib, const struct contract_object *object, uint8_t to[FIB_OBJECT_MAX],
	    size_t *length)
{
	uint32_t number;

	if (!locate(fib, object, &number))
		return -ENOENT;
	*length = write_one(fib, object->kind, number, to);
	return 0;
}

int fib_list(const struct fib *fib, enum contract_kind kind, uint32_t *cursor,
	     uint8_t to[FIB_OBJECT_MAX], size_t *length)
{
	for (uint32_t i = *cursor; i < end_of(fib, kind); i++) {
		if (!used_at(fib, kind, i))
			continue;
		*length = write_one(fib, kind, i, to);
		*cursor = i + 1;
		return 1;
	}
	return 0;
}

uint32_t fib_count(const struct fib *fib, enum contract_kind kind)
{
	uint32_t count = 0;

	if (kind == CONTRACT_ROUTE)
		return fib->routes.count4 + fib->routes.count6;
	if (kind == CONTRACT_NEXTHOP)
		return fib->nexthop_count;
	if (kind == CONTRACT_GROUP)
		return fib->group_count;
	for (uint32_t i = 0; i < end_of(fib, kind); i++)
		count += used_at(fib, kind, i) != NULL;
	return count;
}

/* False when it must stay for now: something refers to it, or there is no room. */
static bool erase(struct fib *fib, enum contract_kind kind, uint32_t i)
{
	switch (kind) {
	case CONTRACT_ROUTE:
		return fib_route_erase(fib, &fib->routes.records[i]) == 0;
	case CONTRACT_NEIGHBOUR:
		fib_neighbour_unset(fib, &fib->neighbours[i]);
		return true;
	case CONTRACT_NEXTHOP:
		return fib_nexthop_remove(fib, i) == 0;
	default:
		return fib_group_remove(fib, i) == 0;
	}
}

/* From where the last call ended; true at the end of the array. */
static bool sweep_kind(struct fib *fib, enum contract_kind kind, uint32_t generation,
		       uint32_t *budget)
{
	uint32_t *at = &fib->sweep_at[kind];
	uint32_t looks = *budget * LOOKS_PER_REMOVAL;

	for (; *at < end_of(fib, kind); (*at)++) {
		const struct fib_tag *tag = used_at(fib, kind, *at);

		if (looks-- == 0)
			return false;

		if (!tag || (int32_t)(tag->generation - generation) >= 0)
			continue;
		if (*budget == 0)
			return false;
		(*budget)--;
		erase(fib, kind, *at);
	}
	return true;
}

bool fib_sweep(struct fib *fib, uint32_t generation, uint32_t budget)
{
	/* Twice over next hops: one that is a member goes when its ECMP next hop has gone. */
	static const enum contract_kind order[] = { CONTRACT_ROUTE, CONTRACT_NEXTHOP,
						    CONTRACT_GROUP, CONTRACT_NEIGHBOUR };

	fib_reclaim(fib);
	for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++)
		if (!sweep_kind(fib, order[k], generation, &budget))
			return true;
	if (fib->sweep_at[0] == 0) {
		fib->sweep_at[0] = 1;
		fib->sweep_at[CONTRACT_NEXTHOP] = 0;
		return true;
	}
	memset(fib->sweep_at, 0, sizeof(fib->sweep_at));
	return false;
}
