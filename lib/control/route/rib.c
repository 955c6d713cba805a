#include "control/route/rib.h"

#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct candidate {
	struct candidate *next; /* sorted by source, metric, owner */
	struct rib_candidate is;
	uint32_t mark;
};

struct prefix_entry {
	struct net_prefix prefix;
	struct candidate *first;
	uint32_t told; /* next hop that the watcher knows, 0: none */
};

struct rib {
	struct desired *desired;
	struct nexthop_table *nexthops;
	struct map prefixes;
	uint32_t domain;
	uint32_t mark[RIB_SOURCES];
	rib_watcher watcher; /* may be NULL */
	void *watcher_context;
};

int rib_new(struct rib **rib, struct desired *desired, struct nexthop_table *nexthops,
	    uint32_t domain)
{
	struct rib *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->desired = desired;
	r->nexthops = nexthops;
	r->domain = domain;
	map_init(&r->prefixes);
	*rib = r;
	return 0;
}

void rib_free(struct rib *rib)
{
	struct map_entry *entry = NULL;

	if (!rib)
		return;
	while ((entry = map_next(&rib->prefixes, entry))) {
		struct prefix_entry *p = entry->value;

		while (p->first) {
			struct candidate *c = p->first;

			p->first = c->next;
			free(c);
		}
		free(p);
	}
	map_fini(&rib->prefixes);
	free(rib);
}

static int compare(const struct rib_candidate *a, const struct rib_candidate *b)
{
	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	if (a->metric != b->metric)
		return a->metric < b->metric ? -1 : 1;
	return a->owner == b->owner ? 0 : a->owner < b->owner ? -1 : 1;
}

void rib_watch(struct rib *rib, rib_watcher watcher, void *context)
{
	rib->watcher = watcher;
	rib->watcher_context = context;
}

static void tell(const struct rib *rib, struct prefix_entry *p)
{
	uint32_t nexthop = p->first ? p->first->is.nexthop : 0;

	if (nexthop == p->told)
		return;
	p->told = nexthop;
	if (rib->watcher)
		rib->watcher(rib->watcher_context, &p->prefix, p->first ? &p->first->is : NULL);
}

/* The best candidate to the data plane, or nothing. The caller still holds what it replaces. */
static int publish(struct rib *rib, struct prefix_entry *p)
{
	struct contract_route route = { .prefix = p->prefix };
	struct requests_message message = {
		.kind = CONTRACT_ROUTE,
		.domain = rib->domain,
		.body = &route,
		.body_length = sizeof(route),
	};

	tell(rib, p);
	if (!p->first) {
		desired_delete(rib->desired, &message);
		return 0;
	}
	route.nexthop = p->first->is.nexthop;
	message.owner = p->first->is.owner;
	return desired_set(rib->desired, &message);
}

static struct prefix_entry *entry_get(struct rib *rib, const struct net_prefix *prefix)
{
	struct prefix_entry *p = map_get(&rib->prefixes, prefix, sizeof(*prefix));

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (p) {
		p->prefix = *prefix;
		if (map_set(&rib->prefixes, prefix, sizeof(*prefix), p, NULL) < 0) {
			free(p);
			p = NULL;
		}
	}
	return p;
}

static void entry_put(struct rib *rib, struct prefix_entry *p)
{
	if (p->first)
		return;
	map_del(&rib->prefixes, &p->prefix, sizeof(p->prefix));
	free(p);
}

int rib_set(struct rib *rib, const struct net_prefix *prefix, const struct rib_candidate *candidate)
{
	struct prefix_entry *p = entry_get(rib, prefix);
	struct candidate **at;
	struct candidate *c;
	uint32_t replaced = 0;
	int rc;

	if (!p)
		goto no_memory;
	for (at = &p->first; *at && compare(&(*at)->is, candidate) < 0; at = &(*at)->next)
		;
	c = *at;
	if (c && compare(&c->is, candidate) == 0) {
		replaced = c->is.nexthop;
	} else {
		c = calloc(1, sizeof(*c));
		if (!c) {
			entry_put(rib, p);
			goto no_memory;
		}
		c->next = *at;
		*at = c;
	}
	c->is = *candidate;
	c->mark = rib->mark[candidate->source];
	rc = publish(rib, p);
	nexthop_put(rib->nexthops, replaced);
	return rc;
no_memory:
	nexthop_put(rib->nexthops, candidate->nexthop);
	return -ENOMEM;
}

static void remove_at(struct rib *rib, struct prefix_entry *p, struct candidate **at)
{
	struct candidate *c = *at;

	*at = c->next;
	(void)publish(rib, p); /* a message that cannot be stored is sent at the next change */
	nexthop_put(rib->nexthops, c->is.nexthop);
	free(c);
}

void rib_delete(struct rib *rib, const struct net_prefix *prefix, enum rib_source source,
		uint32_t metric, uint32_t owner)
{
	struct rib_candidate key = { .source = source, .metric = metric, .owner = owner };
	struct prefix_entry *p = map_get(&rib->prefixes, prefix, sizeof(*prefix));
	struct candidate **at;

	if (!p)
		return;
	for (at = &p->first; *at; at = &(*at)->next)
		if (compare(&(*at)->is, &key) == 0) {
			remove_at(rib, p, at);
			break;
		}
	entry_put(rib, p);
}

void rib_mark(struct rib *rib, enum rib_source source)
{
	rib->mark[source]++;
}

void rib_sweep(struct rib *rib, enum rib_source source)
{
	struct map_entry *entry = map_next(&rib->prefixes, NULL);

	while (entry) {
		struct prefix_entry *p = entry->value;
		struct candidate **at = &p->first;

		entry = map_next(&rib->prefixes, entry);
		while (*at) {
			if ((*at)->is.source == source && (*at)->mark != rib->mark[source])
				remove_at(rib, p, at);
			else
				at = &(*at)->next;
		}
		entry_put(rib, p);
	}
}

void rib_each(const struct rib *rib, rib_visit visit, void *context)
{
	struct map_entry *entry = NULL;

	while ((entry = map_next(&rib->prefixes, entry))) {
		const struct prefix_entry *p = entry->value;

		for (const struct candidate *c = p->first; c; c = c->next)
			visit(context, &p->prefix, &c->is, c == p->first);
	}
}

size_t rib_count(const struct rib *rib)
{
	return rib->prefixes.count;
}
