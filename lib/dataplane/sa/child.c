/*
 * Children: selectors as ranges that compare fast, and the SA that sends.
 */
#include "dataplane/sa/store.h"

#include <rte_byteorder.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void range_addr(uint64_t to[2], const struct net_addr *addr)
{
	uint32_t low;
	uint64_t words[2];

	if (addr->family == NET_IP4) {
		memcpy(&low, addr->bytes, sizeof(low));
		to[0] = 0;
		to[1] = rte_be_to_cpu_32(low);
		return;
	}
	memcpy(words, addr->bytes, sizeof(words));
	to[0] = rte_be_to_cpu_64(words[0]);
	to[1] = rte_be_to_cpu_64(words[1]);
}

static struct sa_range range_of(const struct net_selector *selector)
{
	struct sa_range range = {
		.port_start = selector->port_start,
		.port_end = selector->port_end,
		.family = selector->start.family,
		.protocol = selector->protocol,
		.ports = selector->port_start != 0 || selector->port_end != UINT16_MAX,
	};

	range_addr(range.start, &selector->start);
	range_addr(range.end, &selector->end);
	return range;
}

static bool any_of(const struct net_selector *selectors, uint32_t n, uint8_t family)
{
	for (uint32_t i = 0; i < n; i++)
		if (selectors[i].start.family == family && net_selector_is_any(&selectors[i]))
			return true;
	return false;
}

static uint32_t families_any(const struct contract_child *child, const struct net_selector *s)
{
	const struct net_selector *remote = s + child->local_count;
	uint32_t any = 0;

	if (any_of(s, child->local_count, NET_IP4) && any_of(remote, child->remote_count, NET_IP4))
		any |= SA_ANY4;
	if (any_of(s, child->local_count, NET_IP6) && any_of(remote, child->remote_count, NET_IP6))
		any |= SA_ANY6;
	return any;
}

static struct sa_selectors *selectors_of(const struct contract_child *child,
					 const struct net_selector *s)
{
	uint32_t n = (uint32_t)child->local_count + child->remote_count;
	struct sa_selectors *to = malloc(sizeof(*to) + n * sizeof(struct sa_range));

	if (!to)
		return NULL;
	to->local_count = child->local_count;
	to->remote_count = child->remote_count;
	for (uint32_t i = 0; i < n; i++)
		to->ranges[i] = range_of(&s[i]);
	return to;
}

static int child_check(struct sa_store *store, const struct contract_object *object)
{
	const struct contract_child *child = (const struct contract_child *)(object + 1);
	struct sa_record *was = sa_record_get(store, CONTRACT_CHILD, object->id);
	struct sa_record *sa = sa_record_get(store, CONTRACT_SA, child->outbound_sa);

	if (object->id == 0 || object->id >= store->config.children)
		return sa_fail(store, -EINVAL, "child %u is not below %u", object->id,
			       store->config.children);
	if (!sa_record_get(store, CONTRACT_TUNNEL, child->tunnel))
		return sa_fail(store, -ENOENT, "there is no tunnel %u", child->tunnel);
	if (was && sa_child_body(was)->tunnel != child->tunnel)
		return sa_fail(store, -EINVAL, "child %u belongs to tunnel %u", object->id,
			       sa_child_body(was)->tunnel);
	if (child->outbound_sa && (!sa || sa_body(sa)->direction != CONTRACT_OUTBOUND ||
				   sa_body(sa)->child != object->id))
		return sa_fail(store, -ENOENT, "child %u has no outbound SA %u", object->id,
			       child->outbound_sa);
	return 0;
}

static void child_publish(struct sa_store *store, uint32_t id, const struct contract_child *child,
			  struct sa_selectors *selectors)
{
	const struct net_selector *s = (const struct net_selector *)(child + 1);
	struct sa_child *hot = &store->hot.children[id];
	void *was = (void *)hot->selectors;
	uint32_t any = families_any(child, s);

	__atomic_store_n(&hot->selectors, selectors, __ATOMIC_RELEASE);
	if (hot->any != any)
		sa_assoc_child_changed(store, id, any);
	__atomic_store_n(&hot->any, any, __ATOMIC_RELAXED);
	__atomic_store_n(&hot->outbound,
			 child->outbound_sa ? sa_assoc_outbound(store, child->outbound_sa) : NULL,
			 __ATOMIC_RELEASE);
	__atomic_store_n(&hot->tunnel, child->tunnel, __ATOMIC_RELEASE);
	if (was)
		sa_retire(store, 0, was);
}

int sa_child_put(struct sa_store *store, const struct contract_object *object)
{
	const struct contract_child *child = (const struct contract_child *)(object + 1);
	struct sa_selectors *selectors;
	int err = child_check(store, object);

	if (err)
		return err;
	selectors = selectors_of(child, (const struct net_selector *)(child + 1));
	if (!selectors)
		return sa_fail(store, -ENOMEM, "no memory for the selectors");
	err = sa_record_put(store, object);
	if (err) {
		free(selectors);
		return err;
	}
	child_publish(store, object->id, child, selectors);
	return sa_tunnel_child(store, child->tunnel, object->id);
}

int sa_child_del(struct sa_store *store, uint32_t id)
{
	struct sa_child *hot = &store->hot.children[id];
	uint32_t tunnel = hot->tunnel;
	void *selectors = (void *)hot->selectors;
	int err;

	for (uint32_t i = 1; i < store->sas.size; i++)
		if (store->sas.records[i] && sa_body(store->sas.records[i])->child == id)
			return sa_fail(store, -EBUSY, "SA %u belongs to child %u", i, id);
	sa_record_drop(store, CONTRACT_CHILD, id);
	__atomic_store_n(&hot->outbound, NULL, __ATOMIC_RELEASE);
	__atomic_store_n(&hot->tunnel, 0, __ATOMIC_RELEASE);
	err = sa_tunnel_child(store, tunnel, id);
	__atomic_store_n(&hot->selectors, NULL, __ATOMIC_RELEASE);
	sa_retire(store, 0, selectors);
	return err;
}

void sa_child_moved(struct sa_store *store, uint32_t sa, const struct sa_outbound *now)
{
	uint32_t id = sa_body(sa_record_get(store, CONTRACT_SA, sa))->child;
	struct sa_record *record = sa_record_get(store, CONTRACT_CHILD, id);

	if (!record || sa_child_body(record)->outbound_sa != sa)
		return;
	if (!now)
		sa_child_body(record)->outbound_sa = 0;
	__atomic_store_n(&store->hot.children[id].outbound, now, __ATOMIC_RELEASE);
	sa_tunnel_refresh(store, sa_child_body(record)->tunnel);
}
