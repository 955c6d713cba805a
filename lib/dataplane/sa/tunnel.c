/*
 * Tunnels: how packets look outside, and which children they have.
 */
#include "dataplane/sa/store.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int tunnel_check(struct sa_store *store, const struct contract_object *object)
{
	const struct contract_tunnel *t = (const struct contract_tunnel *)(object + 1);

	if (object->id == 0 || object->id >= store->config.tunnels)
		return sa_fail(store, -EINVAL, "tunnel %u is not below %u", object->id,
			       store->config.tunnels);
	if (t->nexthop == 0 || t->nexthop >= store->config.nexthops)
		return sa_fail(store, -EINVAL, "next hop %u is not below %u", t->nexthop,
			       store->config.nexthops);
	if (t->limit && t->limit >= store->config.limits)
		return sa_fail(store, -EINVAL, "limit %u is not below %u", t->limit,
			       store->config.limits);
	if (t->mtu && t->mtu < 576)
		return sa_fail(store, -EINVAL, "MTU %u is below 576", t->mtu);
	return 0;
}

/* Fields one by one: each is whole for a worker that reads while they change. */
static void tunnel_publish(struct sa_tunnel *hot, const struct contract_object *object)
{
	const struct contract_tunnel *t = (const struct contract_tunnel *)(object + 1);

	__atomic_store_n(&hot->nexthop, t->nexthop, __ATOMIC_RELAXED);
	__atomic_store_n(&hot->limit, t->limit, __ATOMIC_RELAXED);
	__atomic_store_n(&hot->mirror, t->mirror, __ATOMIC_RELAXED);
	__atomic_store_n(&hot->mtu, t->mtu, __ATOMIC_RELAXED);
	__atomic_store_n(&hot->mss, t->mss, __ATOMIC_RELAXED);
	__atomic_store_n(&hot->df, t->df, __ATOMIC_RELAXED);
	__atomic_store_n(&hot->dscp, t->dscp, __ATOMIC_RELAXED);
	__atomic_store_n(&hot->source_check, t->source_check, __ATOMIC_RELAXED);
	__atomic_store_n(&hot->source, t->source, __ATOMIC_RELAXED);
	__atomic_store_n(&hot->flags, t->flags, __ATOMIC_RELAXED);
	__atomic_store_n(&hot->domain, object->domain, __ATOMIC_RELAXED);
	__atomic_store_n(&hot->live, 1, __ATOMIC_RELEASE);
}

/* The time is there when the counters are: who reads another one has other counters. */
static void counters_begin(struct sa_store *store, uint32_t id)
{
	const struct contract_counters *counters = store->config.counters;

	sa_counters_zero(store, CONTRACT_COUNT_TUNNELS, id);
	sa_counters_zero(store, CONTRACT_COUNT_DESTINATIONS, id);
	if (counters && id < counters->header->sections[CONTRACT_COUNT_DESTINATIONS].rows)
		__atomic_store_n(
			contract_counters_row(counters, CONTRACT_COUNT_DESTINATIONS, 0, id) +
				CONTRACT_DESTINATION_SINCE_NS,
			clock_now_ns(&clock_monotonic), __ATOMIC_RELEASE);
}

int sa_tunnel_put(struct sa_store *store, const struct contract_object *object)
{
	bool is_new = !sa_record_get(store, CONTRACT_TUNNEL, object->id);
	int err = tunnel_check(store, object);

	if (!err)
		err = sa_record_put(store, object);
	if (err)
		return err;
	if (is_new)
		counters_begin(store, object->id);
	tunnel_publish(&store->hot.tunnels[object->id], object);
	return 0;
}

int sa_tunnel_del(struct sa_store *store, uint32_t id)
{
	struct sa_tunnel *hot = &store->hot.tunnels[id];
	const struct sa_child_list *children = hot->children;

	if (children && children->count)
		return sa_fail(store, -EBUSY, "child %u belongs to tunnel %u", children->ids[0],
			       id);
	sa_record_drop(store, CONTRACT_TUNNEL, id);
	__atomic_store_n(&hot->live, 0, __ATOMIC_RELEASE);
	return 0;
}

static struct sa_child_list *list_of(const struct sa_store *store, uint32_t tunnel,
				     const struct sa_child_list *was)
{
	uint32_t most = (was ? was->count : 0) + 1;
	struct sa_child_list *list = malloc(sizeof(*list) + most * sizeof(uint32_t));

	if (!list)
		return NULL;
	list->count = 0;
	for (uint32_t i = 0; was && i < was->count; i++)
		if (store->hot.children[was->ids[i]].tunnel == tunnel)
			list->ids[list->count++] = was->ids[i];
	return list;
}

static bool list_has(const struct sa_child_list *list, uint32_t id)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (list->ids[i] == id)
			return true;
	return false;
}

/* What is sent without a look at selectors: the SA of an only child that admits a family whole. */
static void shortcut(struct sa_store *store, struct sa_tunnel *hot,
		     const struct sa_child_list *list)
{
	const struct sa_child *only = list->count == 1 ? &store->hot.children[list->ids[0]] : NULL;

	if (!only || !only->any || !only->outbound) {
		__atomic_store_n(&hot->any, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&hot->outbound, NULL, __ATOMIC_RELEASE);
		return;
	}
	__atomic_store_n(&hot->any, (uint16_t)only->any, __ATOMIC_RELEASE);
	__atomic_store_n(&hot->outbound, only->outbound, __ATOMIC_RELEASE);
}

int sa_tunnel_child(struct sa_store *store, uint32_t tunnel, uint32_t child)
{
	struct sa_tunnel *hot = &store->hot.tunnels[tunnel];
	const struct sa_child_list *was = hot->children;
	struct sa_child_list *list = list_of(store, tunnel, was);

	if (!list)
		return sa_fail(store, -ENOMEM, "no memory for the children of tunnel %u", tunnel);
	if (store->hot.children[child].tunnel == tunnel && !list_has(list, child))
		list->ids[list->count++] = child;
	__atomic_store_n(&hot->children, list, __ATOMIC_RELEASE);
	shortcut(store, hot, list);
	if (was)
		sa_retire(store, 0, (void *)was);
	return 0;
}

void sa_tunnel_refresh(struct sa_store *store, uint32_t tunnel)
{
	struct sa_tunnel *hot = &store->hot.tunnels[tunnel];

	shortcut(store, hot, hot->children);
}
