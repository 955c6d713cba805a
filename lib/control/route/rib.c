#include "control/route/rib.h"

#include "base/log.h"
#include "base/map.h"
#include "control/route/cover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "route"

struct candidate {
	struct candidate *next; /* sorted by source, metric, owner */
	struct rib_candidate is;
	uint32_t mark;
};

struct prefix_entry {
	struct net_prefix prefix;
	struct candidate *first;
	uint32_t told; /* next hop that the watcher knows, 0: none */
	uint32_t with; /* the best one's next hop with other sources, a reference; 0: as it is */
	uint32_t mark; /* of `announced` */
	const struct source_set *announced;
	const struct source_set *allowed;
	bool peered; /* of `peered` of the RIB */
};

struct rib {
	struct desired *desired;
	struct nexthop_table *nexthops;
	struct source_table *sources;
	struct map prefixes;
	struct cover cover;
	struct prefix_entry **peered; /* prefixes of peered networks */
	uint32_t peered_count;
	uint32_t domain;
	uint32_t mark[RIB_SOURCES];
	uint32_t announced_mark;
	rib_watcher watcher; /* may be NULL */
	void *watcher_context;
};

int rib_new(struct rib **rib, struct desired *desired, struct nexthop_table *nexthops,
	    struct source_table *sources, uint32_t domain)
{
	struct rib *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->desired = desired;
	r->nexthops = nexthops;
	r->sources = sources;
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
	cover_fini(&rib->cover);
	free(rib->peered);
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

static bool is_peered(const struct rib *rib, const struct net_prefix *prefix)
{
	for (uint32_t i = 0; i < rib->peered_count; i++)
		if (net_prefix_covers(&rib->peered[i]->prefix, prefix))
			return true;
	return false;
}

/* A peered prefix without a way has that of the nearest wider one. */
static const struct rib_candidate *way_of(const struct rib *rib, const struct prefix_entry *p)
{
	while (p && p->peered && !p->first)
		do
			p = cover_above(&rib->cover, &p->prefix);
		while (p && !p->first);
	return p && p->first ? &p->first->is : NULL;
}

/* The way's next hop, with the sources that are allowed: its own, or one that is made. */
static int nexthop_of(struct rib *rib, struct prefix_entry *p, const struct rib_candidate *way,
		      uint32_t *nexthop)
{
	bool peered = is_peered(rib, &p->prefix);

	*nexthop = way->nexthop;
	if (!peered && p->allowed == nexthop_sources(rib->nexthops, *nexthop))
		return 0;
	if (nexthop_with(rib->nexthops, *nexthop, p->allowed, peered, &p->with) < 0)
		return -ENOMEM;
	*nexthop = p->with;
	return 0;
}

/* The best candidate to the data plane, or nothing. The caller still holds what it replaces. */
static int prefix_publish(struct rib *rib, struct prefix_entry *p)
{
	struct contract_route route = { .prefix = p->prefix };
	struct requests_message message = {
		.kind = CONTRACT_ROUTE,
		.domain = rib->domain,
		.body = &route,
		.body_length = sizeof(route),
	};
	const struct rib_candidate *way = way_of(rib, p);
	uint32_t before = p->with;
	int rc;

	tell(rib, p);
	p->with = 0;
	if (!way) {
		desired_delete(rib->desired, &message);
		nexthop_put(rib->nexthops, before);
		return 0;
	}
	if (nexthop_of(rib, p, way, &route.nexthop) < 0)
		log_error(TOPIC, "out of next hops: a route has not all sources that it should");
	message.owner = way->owner;
	rc = desired_set(rib->desired, &message);
	nexthop_put(rib->nexthops, before);
	return rc;
}

/* It leads into tunnels or to a circuit, or nowhere yet. */
static bool takes_over(const struct prefix_entry *p)
{
	return !p->first || p->first->is.sources || p->first->is.source == RIB_CIRCUIT;
}

static const struct source_set *allowed_of(struct rib *rib, const struct prefix_entry *p,
					   const struct source_set *wider)
{
	const struct source_set *all = takes_over(p) ? wider : NULL;
	int rc = 0;

	if (p->first && p->first->is.source == RIB_CONNECTED)
		return NULL;
	rc = source_set_join(rib->sources, all, p->announced, &all);
	for (const struct candidate *c = p->first; c && rc == 0; c = c->next)
		rc = source_set_join(rib->sources, all, c->is.sources, &all);
	if (rc < 0)
		log_error(TOPIC, "out of memory for the sources of a prefix");
	return all;
}

static bool wider_changed(void *context, void *entry, const void *from, const void **to)
{
	struct rib *rib = context;
	struct prefix_entry *p = entry;
	const struct source_set *allowed = allowed_of(rib, p, from);

	*to = allowed;
	if (allowed == p->allowed)
		return false;
	p->allowed = allowed;
	if ((p->first || p->peered) && prefix_publish(rib, p) < 0)
		log_error(TOPIC, "out of memory for a route");
	return true;
}

/* Peered prefixes within it that have no way of their own. */
static void peered_follow(struct rib *rib, const struct prefix_entry *p)
{
	for (uint32_t i = 0; i < rib->peered_count; i++) {
		struct prefix_entry *peered = rib->peered[i];

		if (peered != p && !peered->first &&
		    net_prefix_covers(&p->prefix, &peered->prefix) &&
		    prefix_publish(rib, peered) < 0)
			log_error(TOPIC, "out of memory for a route");
	}
}

/* After a change of its candidates, or of who announces it: to the data plane, and within it. */
static int renew(struct rib *rib, struct prefix_entry *p)
{
	const struct prefix_entry *above = cover_above(&rib->cover, &p->prefix);
	const struct source_set *before = p->allowed;
	int rc;

	p->allowed = allowed_of(rib, p, above ? above->allowed : NULL);
	rc = prefix_publish(rib, p);
	if (p->allowed != before)
		cover_below(&rib->cover, &p->prefix, p->allowed, wider_changed, rib);
	peered_follow(rib, p);
	return rc;
}

static struct prefix_entry *entry_get(struct rib *rib, const struct net_prefix *prefix)
{
	struct prefix_entry *p = map_get(&rib->prefixes, prefix, sizeof(*prefix));
	const struct prefix_entry *above;

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->prefix = *prefix;
	above = cover_above(&rib->cover, prefix);
	p->allowed = above ? above->allowed : NULL; /* what is within it has these until now */
	if (cover_set(&rib->cover, prefix, p) < 0)
		goto fail;
	if (map_set(&rib->prefixes, prefix, sizeof(*prefix), p, NULL) == 0)
		return p;
	cover_delete(&rib->cover, prefix);
fail:
	free(p);
	return NULL;
}

static void entry_put(struct rib *rib, struct prefix_entry *p)
{
	if (p->first || p->announced || p->peered)
		return;
	cover_delete(&rib->cover, &p->prefix);
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
	rc = renew(rib, p);
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
	(void)renew(rib, p); /* a message that cannot be stored is sent at the next change */
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

void rib_forget(struct rib *rib, const struct net_prefix *prefix, uint32_t sources, uint32_t metric,
		uint32_t owner)
{
	struct prefix_entry *p = map_get(&rib->prefixes, prefix, sizeof(*prefix));
	struct candidate **at = p ? &p->first : NULL;

	if (!p)
		return;
	while (*at) {
		const struct rib_candidate *is = &(*at)->is;

		if (sources >> is->source & 1 && is->metric == metric && is->owner == owner)
			remove_at(rib, p, at);
		else
			at = &(*at)->next;
	}
	entry_put(rib, p);
}

int rib_announced_set(struct rib *rib, const struct net_prefix *prefix,
		      const struct source_set *sources)
{
	struct prefix_entry *p =
		sources ? entry_get(rib, prefix) : map_get(&rib->prefixes, prefix, sizeof(*prefix));
	int rc = 0;

	if (!p)
		return sources ? -ENOMEM : 0;
	p->mark = rib->announced_mark;
	if (p->announced != sources) {
		p->announced = sources;
		rc = renew(rib, p);
	}
	entry_put(rib, p);
	return rc;
}

void rib_announced_mark(struct rib *rib)
{
	rib->announced_mark++;
}

void rib_announced_sweep(struct rib *rib)
{
	struct map_entry *entry = map_next(&rib->prefixes, NULL);

	while (entry) {
		struct prefix_entry *p = entry->value;

		entry = map_next(&rib->prefixes, entry);
		if (!p->announced || p->mark == rib->announced_mark)
			continue;
		p->announced = NULL;
		(void)renew(rib, p);
		entry_put(rib, p);
	}
}

const struct source_set *rib_allowed(const struct rib *rib, const struct net_prefix *prefix)
{
	const struct prefix_entry *p = map_get(&rib->prefixes, prefix, sizeof(*prefix));

	return p ? p->allowed : NULL;
}

static bool publish_again(void *context, void *entry, const void *from, const void **to)
{
	struct rib *rib = context;
	struct prefix_entry *p = entry;

	*to = from;
	if ((p->first || p->peered) && prefix_publish(rib, p) < 0)
		log_error(TOPIC, "out of memory for a route");
	return true;
}

/* Whether it is peered has changed: its next hop, and those within it. */
static void peered_changed(struct rib *rib, struct prefix_entry *p)
{
	if (prefix_publish(rib, p) < 0)
		log_error(TOPIC, "out of memory for a route");
	cover_below(&rib->cover, &p->prefix, NULL, publish_again, rib);
}

static bool same_peered(const struct rib *rib, const struct net_prefix *prefixes, uint32_t count)
{
	for (uint32_t i = 0; i < count && count == rib->peered_count; i++)
		if (net_prefix_compare(&rib->peered[i]->prefix, &prefixes[i]))
			return false;
	return count == rib->peered_count;
}

int rib_peered_set(struct rib *rib, const struct net_prefix *prefixes, uint32_t count)
{
	struct prefix_entry **before = rib->peered;
	uint32_t before_count = rib->peered_count;
	struct prefix_entry **now = calloc(count + 1, sizeof(struct prefix_entry *));
	uint32_t n = 0;
	int rc = now ? 0 : -ENOMEM;

	if (!now || same_peered(rib, prefixes, count)) {
		free(now);
		return rc;
	}
	for (uint32_t i = 0; i < before_count; i++)
		before[i]->peered = false;
	for (uint32_t i = 0; i < count; i++) {
		struct prefix_entry *p = entry_get(rib, &prefixes[i]);

		if (p && !p->peered)
			now[n++] = p;
		if (p)
			p->peered = true;
		else
			rc = -ENOMEM;
	}
	rib->peered = now;
	rib->peered_count = n;
	for (uint32_t i = 0; i < n; i++)
		peered_changed(rib, now[i]);
	for (uint32_t i = 0; i < before_count; i++)
		if (!before[i]->peered) {
			peered_changed(rib, before[i]);
			entry_put(rib, before[i]);
		}
	free(before);
	return rc;
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
