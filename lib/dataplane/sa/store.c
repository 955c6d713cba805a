/*
 * Memory, records and grace periods of the SA store.
 */
#include "dataplane/sa/store.h"

#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sa_fail(struct sa_store *store, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(store->reason, sizeof(store->reason), format, args);
	va_end(args);
	return err;
}

const char *sa_reason(const struct sa_store *store)
{
	return store->reason;
}

const struct sa_hot *sa_hot(const struct sa_store *store)
{
	return &store->hot;
}

size_t sa_memory(const struct sa_config *config)
{
	return (size_t)config->sas * (SA_SLOT_BYTES + SA_KEY_STRIDE) +
	       (size_t)config->tunnels * sizeof(struct sa_tunnel) +
	       (size_t)config->children * sizeof(struct sa_child);
}

static int table_init(struct sa_table *table, uint32_t size)
{
	table->size = size;
	table->records = calloc(size, sizeof(struct sa_record *));
	return table->records ? 0 : -ENOMEM;
}

static void table_fini(struct sa_table *table)
{
	if (!table->records)
		return;
	for (uint32_t i = 0; i < table->size; i++)
		free(table->records[i]);
	free(table->records);
}

static int store_memory(struct sa_store *store)
{
	const struct sa_config *c = &store->config;
	int socket = c->socket < 0 ? SOCKET_ID_ANY : c->socket;

	store->hot.slots =
		rte_zmalloc_socket("sa_slots", (size_t)c->sas * SA_SLOT_BYTES, 64, socket);
	store->keys = rte_zmalloc_socket("sa_keys", (size_t)c->sas * SA_KEY_STRIDE, 64, socket);
	store->hot.tunnels =
		rte_zmalloc_socket("sa_tunnels", c->tunnels * sizeof(struct sa_tunnel), 64, socket);
	store->hot.children = rte_zmalloc_socket("sa_children",
						 c->children * sizeof(struct sa_child), 64, socket);
	if (!store->hot.slots || !store->keys || !store->hot.tunnels || !store->hot.children)
		return -ENOMEM;
	store->retired_size = 2 * c->sas + 2 * c->children + c->tunnels + 16;
	store->retired = calloc(store->retired_size, sizeof(struct sa_retired));
	store->slot_busy = calloc(c->sas, 1);
	store->slot_current = calloc(c->sas, 1);
	store->slot_token = calloc(c->sas, sizeof(uint64_t));
	if (!store->retired || !store->slot_busy || !store->slot_token || !store->slot_current)
		return -ENOMEM;
	if (table_init(&store->sas, c->sas) || table_init(&store->tunnels, c->tunnels) ||
	    table_init(&store->children, c->children))
		return -ENOMEM;
	store->hot.sas = c->sas;
	store->hot.tunnel_count = c->tunnels;
	store->hot.child_count = c->children;
	return 0;
}

int sa_init(struct sa_store **to, const struct sa_config *config, char reason[CONTRACT_REASON])
{
	struct sa_store *store;
	int err;

	if (!config->sas || config->sas > CONTRACT_SPI_ID_MASK + 1 || !config->tunnels ||
	    !config->children) {
		snprintf(reason, CONTRACT_REASON, "%u SAs, %u tunnels, %u children: out of range",
			 config->sas, config->tunnels, config->children);
		return -EINVAL;
	}
	store = calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	store->config = *config;
	err = store_memory(store);
	if (err)
		snprintf(reason, CONTRACT_REASON, "%zu MiB for %u SAs are not to be had",
			 sa_memory(config) >> 20, config->sas);
	else
		err = cipher_lane_new(&store->lane);
	if (err) {
		sa_fini(store);
		return err;
	}
	*to = store;
	return 0;
}

static void store_free_hot(struct sa_store *store)
{
	for (uint32_t i = 0; store->hot.children && i < store->config.children; i++)
		free((void *)store->hot.children[i].selectors);
	for (uint32_t i = 0; store->hot.tunnels && i < store->config.tunnels; i++)
		free((void *)store->hot.tunnels[i].children);
	for (uint32_t i = 0; store->sas.records && i < store->config.sas; i++)
		if (store->sas.records[i] || store->slot_busy[i])
			sa_assoc_wipe(store, i);
	if (store->keys)
		explicit_bzero(store->keys, (size_t)store->config.sas * SA_KEY_STRIDE);
}

void sa_fini(struct sa_store *store)
{
	if (!store)
		return;
	store->config.qsbr = NULL; /* workers have stopped */
	if (store->retired)
		sa_reclaim(store);
	if (store->retired && store->slot_busy)
		store_free_hot(store);
	table_fini(&store->sas);
	table_fini(&store->tunnels);
	table_fini(&store->children);
	rte_free(store->hot.slots);
	rte_free(store->keys);
	rte_free(store->hot.tunnels);
	rte_free(store->hot.children);
	free(store->retired);
	free(store->slot_busy);
	free(store->slot_current);
	free(store->slot_token);
	cipher_lane_free(store->lane);
	free(store);
}

struct sa_table *sa_table_of(const struct sa_store *store, uint16_t kind)
{
	struct sa_store *s = (struct sa_store *)store;

	switch (kind) {
	case CONTRACT_SA:
		return &s->sas;
	case CONTRACT_TUNNEL:
		return &s->tunnels;
	case CONTRACT_CHILD:
		return &s->children;
	default:
		return NULL;
	}
}

struct sa_record *sa_record_get(const struct sa_store *store, uint16_t kind, uint32_t id)
{
	const struct sa_table *table = sa_table_of(store, kind);

	return table && id < table->size ? table->records[id] : NULL;
}

/* Bytes from the object's head to the end of its opaque bytes. */
static size_t object_bytes(const struct contract_object *object)
{
	const struct contract_child *child = (const void *)(object + 1);
	size_t n = sizeof(*object) + object->opaque_length;

	if (object->kind == CONTRACT_SA)
		return n + sizeof(struct contract_sa);
	if (object->kind == CONTRACT_TUNNEL)
		return n + sizeof(struct contract_tunnel);
	return n + sizeof(*child) +
	       (size_t)(child->local_count + child->remote_count) * sizeof(struct net_selector);
}

int sa_record_put(struct sa_store *store, const struct contract_object *object)
{
	struct sa_table *table = sa_table_of(store, object->kind);
	size_t length = object_bytes(object);
	struct sa_record *record;

	if (!table || object->id == 0 || object->id >= table->size)
		return sa_fail(store, -EINVAL, "id %u is not below %u", object->id,
			       table ? table->size : 0);
	record = calloc(1, offsetof(struct sa_record, object) + length);
	if (!record)
		return sa_fail(store, -ENOMEM, "no memory for the record");
	record->length = length;
	memcpy(&record->object, object, length);
	if (object->kind == CONTRACT_SA) {
		explicit_bzero(sa_body(record)->key, CONTRACT_KEY_MAX);
		explicit_bzero(sa_body(record)->integrity_key, CONTRACT_KEY_MAX);
	}
	if (!table->records[object->id])
		table->count++;
	free(table->records[object->id]);
	table->records[object->id] = record;
	return 0;
}

void sa_record_drop(struct sa_store *store, uint16_t kind, uint32_t id)
{
	struct sa_table *table = sa_table_of(store, kind);

	free(table->records[id]);
	table->records[id] = NULL;
	table->count--;
}

void sa_counters_zero(struct sa_store *store, enum contract_section section, uint32_t id)
{
	const struct contract_counters *counters = store->config.counters;

	if (!counters || id >= counters->header->sections[section].rows)
		return;
	for (uint32_t w = 0; w < counters->header->workers; w++)
		memset(contract_counters_row(counters, section, w, id), 0,
		       counters->header->sections[section].columns * sizeof(uint64_t));
}

uint64_t sa_counters_sum(const struct sa_store *store, uint32_t id, uint32_t column)
{
	const struct contract_counters *counters = store->config.counters;
	uint64_t sum = 0;

	if (!counters || id >= counters->header->sections[CONTRACT_COUNT_SAS].rows)
		return 0;
	for (uint32_t w = 0; w < counters->header->workers; w++)
		sum += contract_counters_row(counters, CONTRACT_COUNT_SAS, w, id)[column];
	return sum;
}

uint64_t sa_grace_start(struct sa_store *store)
{
	return store->config.qsbr ? rte_rcu_qsbr_start(store->config.qsbr) : 0;
}

void sa_grace_wait(struct sa_store *store, uint64_t token)
{
	if (store->config.qsbr)
		rte_rcu_qsbr_check(store->config.qsbr, token, true);
}

static void reclaim(struct sa_store *store, bool wait)
{
	while (store->retired_head != store->retired_tail) {
		struct sa_retired *r = &store->retired[store->retired_head];

		if (store->config.qsbr &&
		    rte_rcu_qsbr_check(store->config.qsbr, r->token, wait) != 1)
			return;
		if (r->slot)
			sa_assoc_wipe(store, r->slot);
		free(r->memory);
		store->retired_head = (store->retired_head + 1) % store->retired_size;
	}
}

void sa_reclaim(struct sa_store *store)
{
	reclaim(store, false);
}

void sa_retire(struct sa_store *store, uint32_t slot, void *memory)
{
	uint32_t next = (store->retired_tail + 1) % store->retired_size;

	if (next == store->retired_head)
		reclaim(store, true);
	if (slot)
		store->slot_busy[slot] = 1;
	store->retired[store->retired_tail] =
		(struct sa_retired){ sa_grace_start(store), slot, memory };
	store->retired_tail = next;
	reclaim(store, false);
}
