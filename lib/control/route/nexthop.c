#include "control/route/nexthop.h"

#include "base/hash.h"
#include "base/map.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct nexthop {
	uint32_t id;
	uint32_t users;
	uint32_t domain;
	struct contract_nexthop spec;
	struct contract_member members[CONTRACT_MEMBERS_MAX];
	const struct source_set *sources;
};

struct nexthop_table {
	struct desired *desired;
	struct map by_key; /* what it is */
	struct map by_id;
};

/* What tells one from all others. */
struct key {
	const struct source_set *sources; /* one object for equal ones */
	struct contract_nexthop spec;
	uint32_t domain;
	uint32_t zero;
	struct contract_member members[CONTRACT_MEMBERS_MAX];
};
_Static_assert(offsetof(struct key, members) ==
		       sizeof(void *) + sizeof(struct contract_nexthop) + 8,
	       "compared as bytes: no padding");

static size_t key_of(const struct nexthop *n, struct key *key)
{
	size_t members = n->spec.member_count * sizeof(n->members[0]);

	key->sources = n->sources;
	key->spec = n->spec;
	key->domain = n->domain;
	key->zero = 0;
	memcpy(key->members, n->members, members);
	return offsetof(struct key, members) + members;
}

int nexthop_table_new(struct nexthop_table **table, struct desired *desired)
{
	struct nexthop_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->desired = desired;
	map_init(&t->by_key);
	map_init(&t->by_id);
	*table = t;
	return 0;
}

void nexthop_table_free(struct nexthop_table *table)
{
	struct map_entry *entry = NULL;

	if (!table)
		return;
	while ((entry = map_next(&table->by_id, entry)))
		free(entry->value);
	map_fini(&table->by_key);
	map_fini(&table->by_id);
	free(table);
}

static void name_of_spec(char *name, size_t size, uint32_t domain,
			 const struct contract_nexthop *spec)
{
	char gateway[NET_ADDR_TEXT] = "";

	if (spec->gateway.family)
		net_addr_text(gateway, &spec->gateway);
	snprintf(name, size, "%u:%u:%u:%u:%s", domain, spec->kind, spec->port, spec->target,
		 gateway);
}

/* Long sets of members would not fit a name: a digest names them, ids are dense. */
static void name_of_members(char *name, size_t size, uint32_t domain,
			    const struct contract_member *members, uint8_t count)
{
	uint64_t digest = hash_digest(HASH_DIGEST, members, count * sizeof(*members));

	snprintf(name, size, "%u:ecmp:%u:%016llx", domain, count, (unsigned long long)digest);
}

static void name_peered(char *name, size_t size, uint8_t flags)
{
	size_t n = strlen(name);

	if (flags & CONTRACT_NEXTHOP_PEERED)
		snprintf(name + n, size - n, " peered");
}

static void name_sources(char *name, size_t size, const struct source_set *sources)
{
	size_t n = strlen(name);

	if (!sources)
		return;
	if (sources->count == CONTRACT_SOURCES_ANY)
		snprintf(name + n, size - n, " from any");
	else if (sources->count == 1)
		snprintf(name + n, size - n, " from %u", sources->ids[0]);
	else
		snprintf(name + n, size - n, " from %u:%016llx", sources->count,
			 (unsigned long long)hash_digest(HASH_DIGEST, sources->ids,
							 sources->count * sizeof(sources->ids[0])));
}

static int nexthop_publish(struct nexthop_table *t, const struct nexthop *n)
{
	uint8_t tail[sizeof(n->members) + sizeof(n->sources->ids)];
	size_t members = n->spec.member_count * sizeof(n->members[0]);
	size_t sources = contract_source_count(&n->spec) * sizeof(uint32_t);
	struct requests_message message = {
		.kind = CONTRACT_NEXTHOP,
		.id = n->id,
		.domain = n->domain,
		.body = &n->spec,
		.body_length = sizeof(n->spec),
		.tail = tail,
		.tail_length = (uint32_t)(members + sources),
	};

	memcpy(tail, n->members, members);
	if (sources)
		memcpy(tail + members, n->sources->ids, sources);

	return desired_set(t->desired, &message);
}

/* In the data plane it has a name, by which the next control finds it again. */
static int create(struct nexthop_table *t, struct nexthop *n)
{
	char name[CONTRACT_OPAQUE_MAX];
	struct key key;
	size_t key_n = key_of(n, &key);
	int rc;

	if (n->spec.member_count)
		name_of_members(name, sizeof(name), n->domain, n->members, n->spec.member_count);
	else
		name_of_spec(name, sizeof(name), n->domain, &n->spec);
	name_peered(name, sizeof(name), n->spec.flags);
	name_sources(name, sizeof(name), n->sources);
	rc = desired_id(t->desired, CONTRACT_NEXTHOP, name, &n->id);
	if (rc < 0)
		return rc;
	rc = map_set(&t->by_key, &key, key_n, n, NULL);
	if (rc < 0)
		goto fail_id;
	rc = map_set(&t->by_id, &n->id, sizeof(n->id), n, NULL);
	if (rc < 0)
		goto fail_key;
	rc = nexthop_publish(t, n);
	if (rc == 0)
		return 0;
	map_del(&t->by_id, &n->id, sizeof(n->id));
fail_key:
	map_del(&t->by_key, &key, key_n);
fail_id:
	desired_id_put(t->desired, CONTRACT_NEXTHOP, n->id);
	return rc;
}

static int get(struct nexthop_table *t, struct nexthop *wanted, uint32_t *id)
{
	struct key key;
	size_t key_n = key_of(wanted, &key);
	struct nexthop *n = map_get(&t->by_key, &key, key_n);
	int rc;

	if (!n) {
		n = malloc(sizeof(*n));
		if (!n)
			return -ENOMEM;
		*n = *wanted;
		rc = create(t, n);
		if (rc < 0) {
			free(n);
			return rc;
		}
	} else { /* the new user's members are referenced already by the first one */
		for (uint8_t i = 0; i < wanted->spec.member_count; i++)
			nexthop_put(t, wanted->members[i].id);
	}
	n->users++;
	*id = n->id;
	return 0;
}

static void peered_set(struct nexthop *n, bool peered)
{
	bool leads_to_port = n->spec.kind == CONTRACT_NEXTHOP_GATEWAY ||
			     n->spec.kind == CONTRACT_NEXTHOP_CONNECTED ||
			     n->spec.kind == CONTRACT_NEXTHOP_ECMP;

	n->spec.flags = peered && leads_to_port ? CONTRACT_NEXTHOP_PEERED : 0;
}

static void sources_set(struct nexthop *n, const struct source_set *sources)
{
	n->sources = sources;
	n->spec.source_count = sources ? (uint8_t)sources->count : 0;
}

int nexthop_get(struct nexthop_table *t, uint32_t domain, const struct contract_nexthop *spec,
		const struct source_set *sources, uint32_t *id)
{
	struct nexthop wanted = { .domain = domain, .spec = *spec };

	sources_set(&wanted, sources);
	return get(t, &wanted, id);
}

int nexthop_get_ecmp(struct nexthop_table *t, uint32_t domain,
		     const struct contract_member *members, uint8_t count, uint32_t *id)
{
	struct nexthop wanted = {
		.domain = domain,
		.spec = { .kind = CONTRACT_NEXTHOP_ECMP, .member_count = count },
	};

	if (count > CONTRACT_MEMBERS_MAX)
		return -E2BIG;
	memcpy(wanted.members, members, count * sizeof(*members));
	return get(t, &wanted, id);
}

int nexthop_with(struct nexthop_table *t, uint32_t id, const struct source_set *sources,
		 bool peered, uint32_t *with)
{
	struct nexthop *n = map_get(&t->by_id, &id, sizeof(id));
	struct nexthop wanted = { 0 };
	int rc;

	if (!n)
		return -ENOENT;
	wanted.domain = n->domain;
	wanted.spec = n->spec;
	memcpy(wanted.members, n->members, sizeof(wanted.members));
	sources_set(&wanted, sources);
	peered_set(&wanted, peered);
	for (uint8_t i = 0; i < n->spec.member_count; i++) {
		struct nexthop *member = map_get(&t->by_id, &n->members[i].id, sizeof(uint32_t));

		member->users++;
	}
	rc = get(t, &wanted, with);
	for (uint8_t i = 0; rc < 0 && i < wanted.spec.member_count; i++)
		nexthop_put(t, wanted.members[i].id);
	return rc;
}

const struct source_set *nexthop_sources(const struct nexthop_table *t, uint32_t id)
{
	const struct nexthop *n = map_get(&t->by_id, &id, sizeof(id));

	return n ? n->sources : NULL;
}

void nexthop_put(struct nexthop_table *t, uint32_t id)
{
	struct requests_message message = { .kind = CONTRACT_NEXTHOP, .id = id };
	struct nexthop *n = map_get(&t->by_id, &id, sizeof(id));
	struct key key;

	if (!n || --n->users)
		return;
	desired_delete(t->desired, &message);
	map_del(&t->by_id, &id, sizeof(id));
	map_del(&t->by_key, &key, key_of(n, &key));
	desired_id_put(t->desired, CONTRACT_NEXTHOP, id);
	for (uint8_t i = 0; i < n->spec.member_count; i++)
		nexthop_put(t, n->members[i].id);
	free(n);
}
