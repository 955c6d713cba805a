#include "dataplane/fib/fib.h"

#include "dataplane/fib/state.h"

#include <rte_malloc.h>
#include <rte_random.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Kept back from routes that are added, so that routes can be removed when the nodes are used up.
 */
#define REMOVAL_UNITS 1024u
#define HOME_BYTES 1024 /* of a table of 256 buckets */
#define TABLE_UNITS 16u /* of a group with 2 to 8 members */
#define NODES_MIN (256u * 1024)
#define DENSE_BYTES 1024u
#define SPARSE4_BYTES 64u
#define SPARSE6_BYTES 256u /* two nodes of its own, two of a chain that it splits */
#define NEXTHOPS_LIMIT (1u << FIB_NEXTHOP_BITS)

int fib_refuse(struct fib *fib, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fib->reason, sizeof(fib->reason), format, args);
	va_end(args);
	return code;
}

const char *fib_reason(const struct fib *fib)
{
	return fib->reason;
}

const struct fib_hot *fib_hot(const struct fib *fib)
{
	return &fib->hot;
}

int fib_tag_set(struct fib_tag *tag, const struct contract_object *object, const void *opaque)
{
	*tag = (struct fib_tag){ .owner = object->owner, .generation = object->generation };
	if (object->opaque_length == 0)
		return 0;
	tag->opaque = malloc(object->opaque_length);
	if (!tag->opaque)
		return -ENOMEM;
	memcpy(tag->opaque, opaque, object->opaque_length);
	tag->opaque_length = object->opaque_length;
	return 0;
}

void fib_tag_clear(struct fib_tag *tag)
{
	free(tag->opaque);
	*tag = (struct fib_tag){ 0 };
}

static uint32_t bucket_count(const struct fib_config *config)
{
	uint32_t buckets = 16;

	while (buckets * 2 < config->neighbours)
		buckets *= 2;
	return buckets;
}

void fib_memory(const struct fib_config *config, struct fib_memory *memory)
{
	/* One domain full of /16s with longer prefixes needs 64 MiB of second level, no more. */
	size_t dense = config->routes4 < FIB_ROOT_ENTRIES ? config->routes4 : FIB_ROOT_ENTRIES;
	size_t nodes4 = dense * DENSE_BYTES + (size_t)config->routes4 * SPARSE4_BYTES;
	size_t nodes6 = (size_t)config->routes6 * SPARSE6_BYTES;
	size_t routes = (size_t)config->routes4 + config->routes6;

	*memory = (struct fib_memory){
		.roots = (size_t)config->domains * 2 * (FIB_ROOT_ENTRIES + 1) * sizeof(uint32_t),
		.nodes = nodes4 + nodes6 + NODES_MIN + REMOVAL_UNITS * FIB_UNIT_BYTES,
		.nexthops = (size_t)config->nexthops * 3 * sizeof(uint64_t),
		.groups = (size_t)config->groups *
			  (sizeof(fib_table_word) + TABLE_UNITS * FIB_UNIT_BYTES),
		.neighbours = (size_t)config->neighbours * FIB_UNIT_BYTES +
			      (size_t)bucket_count(config) * FIB_BUCKET_SLOTS * sizeof(uint32_t),
		.side_store = routes * (sizeof(struct fib_route) + 2 * sizeof(uint32_t)) +
			      config->nexthops * sizeof(struct fib_nexthop_record) +
			      config->groups * (sizeof(struct fib_group_record) +
						sizeof(struct fib_home) + HOME_BYTES) +
			      config->neighbours * sizeof(struct fib_neighbour_record),
		.per_route4 = config->routes4 ? (uint32_t)(nodes4 / config->routes4) : 0,
		.per_route6 = SPARSE6_BYTES,
	};
	memory->total = memory->roots + memory->nodes + memory->nexthops + memory->groups +
			memory->neighbours;
}

static size_t pool_bytes(const struct fib_config *config, const struct fib_memory *memory)
{
	return memory->nodes + (size_t)config->neighbours * FIB_UNIT_BYTES +
	       (size_t)config->groups * TABLE_UNITS * FIB_UNIT_BYTES;
}

uint32_t fib_reserve(const struct fib *fib)
{
	uint32_t tables = fib->config.groups * TABLE_UNITS;
	uint32_t neighbours = fib->config.neighbours - fib->neighbour_count;

	tables = fib->table_units < tables ? tables - fib->table_units : 0;
	return tables + neighbours + REMOVAL_UNITS;
}

static int check_config(const struct fib_config *config, char reason[CONTRACT_REASON])
{
	struct fib_memory memory;

	fib_memory(config, &memory);
	if (config->domains == 0 || config->nexthops < 2 || config->groups == 0)
		snprintf(reason, CONTRACT_REASON,
			 "the fib needs at least one domain, two next hop ids and one group id");
	else if (config->nexthops > NEXTHOPS_LIMIT)
		snprintf(reason, CONTRACT_REASON, "the fib has at most %u next hops, not %u",
			 NEXTHOPS_LIMIT, config->nexthops);
	else if (pool_bytes(config, &memory) / FIB_UNIT_BYTES > FIB_UNIT_MASK)
		snprintf(reason, CONTRACT_REASON,
			 "the fib's nodes would take %zu MiB, more than the 4,096 MiB it can "
			 "address",
			 memory.nodes >> 20);
	else
		return 0;
	return -EINVAL;
}

static void *hot_alloc(const struct fib *fib, size_t count, size_t size)
{
	return rte_zmalloc_socket("fib", count * size, 64, fib->config.socket);
}

static int alloc_hot(struct fib *fib, const struct fib_memory *memory)
{
	const struct fib_config *config = &fib->config;
	size_t roots = (size_t)config->domains * FIB_ROOT_ENTRIES;
	struct fib_hot *hot = &fib->hot;

	hot->roots4 = hot_alloc(fib, roots, sizeof(uint32_t));
	hot->roots6 = hot_alloc(fib, roots, sizeof(uint32_t));
	hot->defaults4 = hot_alloc(fib, config->domains, sizeof(uint32_t));
	hot->defaults6 = hot_alloc(fib, config->domains, sizeof(uint32_t));
	hot->hops = hot_alloc(fib, config->nexthops, sizeof(uint64_t));
	hot->ecmp = hot_alloc(fib, config->nexthops, sizeof(fib_table_word));
	hot->groups = hot_alloc(fib, config->groups, sizeof(fib_table_word));
	hot->sources = hot_alloc(fib, config->nexthops, sizeof(fib_sources_word));
	hot->bucket_mask = bucket_count(config) - 1;
	hot->buckets = hot_alloc(fib, hot->bucket_mask + 1, FIB_BUCKET_SLOTS * sizeof(uint32_t));
	hot->seed = (uint32_t)rte_rand();
	hot->domains = config->domains;
	hot->nexthops = config->nexthops;
	hot->group_count = config->groups;
	if (!hot->roots4 || !hot->roots6 || !hot->defaults4 || !hot->defaults6 || !hot->hops ||
	    !hot->ecmp || !hot->groups || !hot->sources || !hot->buckets ||
	    fib_pool_init(&fib->pool, pool_bytes(config, memory), config->socket, config->qsbr))
		return -ENOMEM;
	hot->units = fib->pool.units;
	/* Unit 0 stays unused: a neighbour's index 0 says "none". */
	return fib_pool_get(&fib->pool, 0, 0) == 0 ? 0 : -ENOMEM;
}

static int alloc_side(struct fib *fib)
{
	fib->nexthops = calloc(fib->config.nexthops, sizeof(*fib->nexthops));
	fib->groups = calloc(fib->config.groups, sizeof(*fib->groups));
	if (!fib->nexthops || !fib->groups || fib_routes_init(fib) || fib_neighbours_init(fib))
		return -ENOMEM;
	return 0;
}

int fib_init(struct fib **out, const struct fib_config *config, char reason[CONTRACT_REASON])
{
	struct fib_memory memory;
	struct fib *fib;
	int rc = check_config(config, reason);

	if (rc)
		return rc;
	fib_memory(config, &memory);
	fib = calloc(1, sizeof(*fib));
	if (!fib) {
		snprintf(reason, CONTRACT_REASON, "no memory for the fib");
		return -ENOMEM;
	}
	fib->config = *config;
	rc = alloc_hot(fib, &memory);
	if (rc)
		snprintf(reason, CONTRACT_REASON,
			 "the fib for %u IPv4 and %u IPv6 routes in %u domains needs %zu MiB of "
			 "packet memory, which is not there",
			 config->routes4, config->routes6, config->domains,
			 (memory.total >> 20) + 1);
	if (!rc) {
		rc = alloc_side(fib);
		if (rc)
			snprintf(reason, CONTRACT_REASON, "no memory for the records of %u routes",
				 config->routes4 + config->routes6);
	}
	if (rc) {
		fib_fini(fib);
		return rc;
	}
	fib->trie4 = (struct fib_trie){ &fib->pool, fib->hot.roots4, 2 };
	fib->trie6 = (struct fib_trie){ &fib->pool, fib->hot.roots6, 0 };
	*out = fib;
	return 0;
}

void fib_fini(struct fib *fib)
{
	if (!fib)
		return;
	fib_routes_fini(fib);
	for (uint32_t i = 0; fib->nexthops && i < fib->config.nexthops; i++) {
		free(fib->nexthops[i].members);
		fib_tag_clear(&fib->nexthops[i].tag);
	}
	for (uint32_t i = 0; fib->groups && i < fib->config.groups; i++) {
		free(fib->groups[i].members);
		free(fib->groups[i].home);
		fib_tag_clear(&fib->groups[i].tag);
	}
	for (uint32_t i = 0; fib->neighbours && i < fib->neighbour_fresh; i++)
		fib_tag_clear(&fib->neighbours[i].tag);
	free(fib->nexthops);
	free(fib->groups);
	free(fib->neighbours);
	fib_pool_fini(&fib->pool);
	rte_free(fib->hot.roots4);
	rte_free(fib->hot.roots6);
	rte_free(fib->hot.defaults4);
	rte_free(fib->hot.defaults6);
	rte_free(fib->hot.hops);
	rte_free(fib->hot.ecmp);
	rte_free(fib->hot.groups);
	rte_free(fib->hot.sources);
	rte_free(fib->hot.buckets);
	free(fib);
}

static int apply(struct fib *fib, const struct contract_object *object, bool add)
{
	int rc;

	fib_pool_reclaim(&fib->pool, false);
	switch (object->kind) {
	case CONTRACT_ROUTE:
		rc = fib_route_apply(fib, object, add);
		break;
	case CONTRACT_NEXTHOP:
		rc = fib_nexthop_apply(fib, object, add);
		break;
	case CONTRACT_NEIGHBOUR:
		rc = fib_neighbour_apply(fib, object, add);
		break;
	case CONTRACT_GROUP:
		rc = fib_group_apply(fib, object, add);
		break;
	default:
		rc = fib_refuse(fib, -EINVAL, "kind %u is not the fib's", object->kind);
	}
	/* published: who sees the count sees the change */
	if (!rc && object->kind != CONTRACT_ROUTE)
		__atomic_add_fetch(&fib->hot.changes, 1, __ATOMIC_RELEASE);
	return rc;
}

int fib_add(struct fib *fib, const struct contract_object *object)
{
	return apply(fib, object, true);
}

int fib_set(struct fib *fib, const struct contract_object *object)
{
	return apply(fib, object, false);
}

int fib_del(struct fib *fib, const struct contract_object *object)
{
	fib_pool_reclaim(&fib->pool, false);
	switch (object->kind) {
	case CONTRACT_ROUTE:
		return fib_route_remove(fib, object);
	case CONTRACT_NEXTHOP:
		return fib_nexthop_remove(fib, object->id);
	case CONTRACT_NEIGHBOUR:
		return fib_neighbour_remove(fib, object);
	case CONTRACT_GROUP:
		return fib_group_remove(fib, object->id);
	default:
		return fib_refuse(fib, -EINVAL, "kind %u is not the fib's", object->kind);
	}
}

void fib_reclaim(struct fib *fib)
{
	fib_pool_close(&fib->pool);
	fib_pool_reclaim(&fib->pool, false);
}

void fib_usage(const struct fib *fib, struct fib_usage *usage)
{
	*usage = (struct fib_usage){
		.routes4 = fib->routes.count4,
		.routes6 = fib->routes.count6,
		.node_bytes_used = (size_t)fib->pool.used * FIB_UNIT_BYTES,
		.node_bytes_retired = (size_t)fib->pool.retired_units * FIB_UNIT_BYTES,
		.node_bytes = (size_t)fib->pool.unit_count * FIB_UNIT_BYTES,
	};
}
