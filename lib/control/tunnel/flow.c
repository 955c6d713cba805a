#include "control/tunnel/flow.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "tunnel"

struct group;

/* A site is in a group: what to tell when the site's members change. */
struct group_link {
	struct group *group;
	struct group_link *next; /* of the same site */
};

struct group {
	uint32_t id;
	uint32_t owner;
	uint32_t generation; /* of the last set that wanted it */
	uint32_t site_count;
	char (*sites)[CONTRACT_OPAQUE_MAX];
	struct group_link *links; /* one a site */
	uint64_t last;		  /* members that had flows (choose.h) */
	const struct source_set *sources;
	char name[CONTRACT_OPAQUE_MAX];
};

struct flow_prefix {
	struct net_prefix prefix;
	uint32_t site; /* index while a set is made */
	struct group *group;
	const struct source_set *sources; /* with which its route was added */
};

struct flow_table {
	struct desired *desired;
	struct route *route;
	struct map groups;	      /* name -> struct group */
	struct map members;	      /* site name -> struct site_members */
	struct flow_prefix *prefixes; /* sorted, one row a prefix */
	size_t prefix_count;
	uint32_t generation;
};

struct site_members {
	uint32_t count;
	uint32_t generation;
	struct group_link *links;
	struct flow_member items[];
};

int flow_table_new(struct flow_table **table, struct desired *desired, struct route *route)
{
	struct flow_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->desired = desired;
	t->route = route;
	map_init(&t->groups);
	map_init(&t->members);
	*table = t;
	return 0;
}

static void group_free(struct group *group)
{
	free(group->sites);
	free(group->links);
	free(group);
}

void flow_table_free(struct flow_table *table)
{
	struct map_entry *entry = NULL;

	if (!table)
		return;
	while ((entry = map_next(&table->groups, entry)))
		group_free(entry->value);
	while ((entry = map_next(&table->members, entry)))
		free(entry->value);
	map_fini(&table->groups);
	map_fini(&table->members);
	free(table->prefixes);
	free(table);
}

static int members_set(struct flow_table *t, const struct flow_site *site)
{
	size_t n = strlen(site->name);
	struct site_members *m = malloc(sizeof(*m) + site->member_count * sizeof(m->items[0]));
	void *old = NULL;
	int rc;

	if (!m)
		return -ENOMEM;
	m->count = site->member_count;
	m->generation = t->generation;
	m->links = NULL;
	memcpy(m->items, site->members, site->member_count * sizeof(m->items[0]));
	rc = map_set(&t->members, site->name, n, m, &old);
	free(rc < 0 ? m : old);
	return rc;
}

static uint8_t group_members(const struct flow_table *t, const struct group *group,
			     struct contract_member members[CONTRACT_MEMBERS_MAX],
			     uint8_t fitness[CONTRACT_MEMBERS_MAX])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < group->site_count; i++) {
		const struct site_members *m =
			map_get(&t->members, group->sites[i], strlen(group->sites[i]));

		for (uint32_t k = 0; m && k < m->count && count < CONTRACT_MEMBERS_MAX; k++) {
			fitness[count] = m->items[k].fitness;
			members[count++] = (struct contract_member){ .id = m->items[k].tunnel };
		}
	}
	return (uint8_t)count;
}

static int group_publish(struct flow_table *t, struct group *group)
{
	struct contract_member members[CONTRACT_MEMBERS_MAX];
	uint8_t fitness[CONTRACT_MEMBERS_MAX];
	struct contract_group body = { .member_count = group_members(t, group, members, fitness) };
	struct requests_message message = {
		.kind = CONTRACT_GROUP,
		.id = group->id,
		.owner = group->owner,
		.body = &body,
		.body_length = sizeof(body),
		.tail = members,
		.tail_length = body.member_count * (uint32_t)sizeof(members[0]),
	};

	choose_weights(members, fitness, body.member_count, &group->last);
	return desired_set(t->desired, &message);
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct flow_prefix *x = a;
	const struct flow_prefix *y = b;
	int order = net_prefix_compare(&x->prefix, &y->prefix);

	return order ? order : x->site < y->site ? -1 : x->site > y->site;
}

/* One connection names its group; a set of them is named by a digest of their names. */
static void group_name(char name[CONTRACT_OPAQUE_MAX], const struct flow_site *sites,
		       const struct flow_prefix *rows, uint32_t count)
{
	uint64_t digest = HASH_DIGEST;

	if (count == 1) {
		snprintf(name, CONTRACT_OPAQUE_MAX, "%s", sites[rows[0].site].name);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		digest = hash_digest(digest, sites[rows[i].site].name,
				     strlen(sites[rows[i].site].name));
	snprintf(name, CONTRACT_OPAQUE_MAX, "%u connections %016llx", count,
		 (unsigned long long)digest);
}

static int group_new(struct flow_table *t, struct group **group, const char *name, uint32_t count)
{
	struct group *g = calloc(1, sizeof(*g));
	int rc = -ENOMEM;

	if (!g)
		return rc;
	g->sites = calloc(count, sizeof(*g->sites));
	g->links = calloc(count, sizeof(*g->links));
	g->site_count = count;
	snprintf(g->name, sizeof(g->name), "%s", name);
	if (g->sites && g->links)
		rc = desired_id(t->desired, CONTRACT_GROUP, name, &g->id);
	if (rc == 0)
		rc = map_set(&t->groups, name, strlen(name), g, NULL);
	if (rc < 0)
		group_free(g);
	else
		*group = g;
	return rc;
}

static void group_join(struct flow_table *t, struct group *g, uint32_t i, const char *site)
{
	struct site_members *m = map_get(&t->members, site, strlen(site));

	snprintf(g->sites[i], sizeof(g->sites[i]), "%s", site);
	g->links[i] = (struct group_link){ g, m->links };
	m->links = &g->links[i];
}

static int group_sources(struct flow_table *t, struct group *g, const struct flow_site *sites,
			 const struct flow_prefix *rows, uint32_t count)
{
	uint32_t ids[CONTRACT_SOURCES_MAX + 1]; /* one too many says so */
	uint32_t n = 0;

	for (uint32_t i = 0; i < count && n < CONTRACT_SOURCES_MAX + 1; i++)
		if (sites[rows[i].site].owner)
			ids[n++] = sites[rows[i].site].owner;
	return route_sources(t->route, ids, n, &g->sources);
}

static int group_get(struct flow_table *t, struct group **group, const struct flow_site *sites,
		     const struct flow_prefix *rows, uint32_t count)
{
	char name[CONTRACT_OPAQUE_MAX];
	struct group *g;
	int rc = 0;

	group_name(name, sites, rows, count);
	g = map_get(&t->groups, name, strlen(name));
	if (!g)
		rc = group_new(t, &g, name, count);
	if (rc < 0)
		return rc;
	*group = g;
	if (g->generation == t->generation)
		return 0;
	g->generation = t->generation;
	g->owner = sites[rows[0].site].owner;
	for (uint32_t i = 0; i < count; i++)
		group_join(t, g, i, sites[rows[i].site].name);
	rc = group_sources(t, g, sites, rows, count);
	return rc < 0 ? rc : group_publish(t, g);
}

/* All prefixes of all sites, sorted. */
static int rows_make(const struct flow_site *sites, uint32_t count, struct flow_prefix **rows,
		     size_t *row_count)
{
	size_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += sites[i].prefix_count;
	*rows = calloc(n ? n : 1, sizeof(**rows));
	if (!*rows)
		return -ENOMEM;
	*row_count = 0;
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t p = 0; p < sites[i].prefix_count; p++)
			(*rows)[(*row_count)++] =
				(struct flow_prefix){ sites[i].prefixes[p], i, NULL, NULL };
	qsort(*rows, n, sizeof(**rows), compare_prefixes);
	return 0;
}

/* Joins the rows of a prefix to one with its group. */
static int rows_join(struct flow_table *t, const struct flow_site *sites, struct flow_prefix *rows,
		     size_t *row_count)
{
	size_t out = 0;

	for (size_t i = 0; i < *row_count;) {
		size_t end = i + 1;
		int rc;

		while (end < *row_count && !net_prefix_compare(&rows[i].prefix, &rows[end].prefix))
			end++;
		rc = group_get(t, &rows[i].group, sites, &rows[i], (uint32_t)(end - i));
		if (rc < 0)
			return rc;
		rows[i].sources = rows[i].group->sources;
		rows[out++] = rows[i];
		i = end;
	}
	*row_count = out;
	return 0;
}

/* Walks the old and the new rows side by side: new routes first, what is gone after. */
static int routes_change(struct flow_table *t, const struct flow_prefix *rows, size_t count)
{
	size_t old = 0;
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		while (old < t->prefix_count &&
		       net_prefix_compare(&t->prefixes[old].prefix, &rows[i].prefix) < 0)
			old++;
		if (old == t->prefix_count || t->prefixes[old].group != rows[i].group ||
		    t->prefixes[old].sources != rows[i].sources ||
		    net_prefix_compare(&t->prefixes[old].prefix, &rows[i].prefix))
			rc = route_tunnel_add(t->route, &rows[i].prefix, rows[i].group->id,
					      rows[i].sources);
	}
	old = 0;
	for (size_t i = 0; i < t->prefix_count; i++) {
		const struct net_prefix *was = &t->prefixes[i].prefix;

		while (old < count && net_prefix_compare(&rows[old].prefix, was) < 0)
			old++;
		if (old == count || net_prefix_compare(&rows[old].prefix, was))
			route_tunnel_delete(t->route, was);
	}
	return rc;
}

static void groups_sweep(struct flow_table *t)
{
	struct map_entry *entry = map_next(&t->groups, NULL);

	while (entry) {
		struct group *g = entry->value;
		struct requests_message message = { .kind = CONTRACT_GROUP, .id = g->id };

		entry = map_next(&t->groups, entry);
		if (g->generation == t->generation)
			continue;
		desired_delete(t->desired, &message);
		desired_id_put(t->desired, CONTRACT_GROUP, g->id);
		map_del(&t->groups, g->name, strlen(g->name));
		group_free(g);
	}
}

static void members_sweep(struct flow_table *t)
{
	struct map_entry *entry = map_next(&t->members, NULL);

	while (entry) {
		struct map_entry *this = entry;
		struct site_members *m = this->value;

		entry = map_next(&t->members, entry);
		if (m->generation == t->generation)
			continue;
		map_del(&t->members, this->key, this->key_len);
		free(m);
	}
}

int flow_table_set(struct flow_table *t, const struct flow_site *sites, uint32_t count)
{
	struct flow_prefix *rows = NULL;
	size_t row_count = 0;
	int rc = 0;

	t->generation++;
	for (uint32_t i = 0; i < count && rc == 0; i++)
		rc = members_set(t, &sites[i]);
	if (rc == 0)
		rc = rows_make(sites, count, &rows, &row_count);
	if (rc == 0)
		rc = rows_join(t, sites, rows, &row_count);
	if (rc == 0)
		rc = routes_change(t, rows, row_count);
	if (rc < 0) {
		free(rows);
		return rc;
	}
	free(t->prefixes);
	t->prefixes = rows;
	t->prefix_count = row_count;
	groups_sweep(t);
	members_sweep(t);
	return 0;
}

void flow_table_update(struct flow_table *t, const struct flow_site *site)
{
	struct site_members *m = map_get(&t->members, site->name, strlen(site->name));

	if (!m || m->count != site->member_count)
		return; /* the next set brings it */
	memcpy(m->items, site->members, m->count * sizeof(m->items[0]));
	for (const struct group_link *link = m->links; link; link = link->next)
		if (group_publish(t, link->group) < 0)
			log_error(TOPIC, "out of memory for a group");
}
