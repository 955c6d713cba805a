#include "dataplane/nodes/address.h"
#include "dataplane/nodes/address_table.h"

#include <rte_rcu_qsbr.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
	size_t length;
	struct contract_object object; /* body and opaque bytes follow */
};

struct address_store {
	struct path_shared *shared;
	struct rte_rcu_qsbr *qsbr;
	struct record **records;
	uint32_t count;
	uint32_t maximum;
	char reason[CONTRACT_REASON];
};

__attribute__((format(printf, 3, 4))) static int fail(struct address_store *store, int err,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(store->reason, sizeof(store->reason), format, args);
	va_end(args);
	return err;
}

const char *address_reason(const struct address_store *store)
{
	return store->reason;
}

static const struct contract_address *body_of(const struct contract_object *object)
{
	return (const struct contract_address *)(object + 1);
}

static uint32_t size_for(uint32_t count)
{
	uint32_t size = 8;

	while (size < count * 4)
		size *= 2;
	return size;
}

static void insert(struct address_table *table, const struct contract_object *object)
{
	const struct contract_address *a = body_of(object);
	uint64_t w[2];
	uint32_t v4;
	uint32_t at;

	memcpy(w, a->addr.bytes, sizeof(w));
	memcpy(&v4, a->addr.bytes, sizeof(v4));
	if (a->addr.family == NET_IP4) {
		at = address_hash(v4, object->domain);
		while (table->ip4[at & table->mask4].port | table->ip4[at & table->mask4].mirror)
			at++;
		table->ip4[at & table->mask4] =
			(struct address_entry4){ v4, object->domain, a->port, a->mirror };
		return;
	}
	at = address_hash(w[0] ^ (w[1] << 1 | w[1] >> 63), object->domain);
	while (table->ip6[at & table->mask6].used)
		at++;
	table->ip6[at & table->mask6] =
		(struct address_entry6){ { w[0], w[1] }, object->domain, a->port, a->mirror, 1 };
}

static struct address_table *table_build(const struct address_store *store)
{
	uint32_t size = size_for(store->count);
	struct address_table *table;

	table = calloc(1, sizeof(*table) + size * (sizeof(struct address_entry4) +
						   sizeof(struct address_entry6)));
	if (!table)
		return NULL;
	table->mask4 = table->mask6 = size - 1;
	table->ip4 = (struct address_entry4 *)(table + 1);
	table->ip6 = (struct address_entry6 *)(table->ip4 + size);
	for (uint32_t i = 0; i < store->count; i++)
		insert(table, &store->records[i]->object);
	return table;
}

static int publish(struct address_store *store)
{
	struct address_table *was = store->shared->addresses;
	struct address_table *now = table_build(store);

	if (!now)
		return fail(store, -ENOMEM, "no memory for the addresses");
	__atomic_store_n(&store->shared->addresses, now, __ATOMIC_RELEASE);
	if (was && store->qsbr)
		rte_rcu_qsbr_synchronize(store->qsbr, RTE_QSBR_THRID_INVALID);
	free(was);
	return 0;
}

int address_init(struct address_store **to, struct path_shared *shared, uint32_t maximum,
		 struct rte_rcu_qsbr *qsbr)
{
	struct address_store *store = calloc(1, sizeof(*store));
	int err = -ENOMEM;

	if (!store)
		return -ENOMEM;
	store->shared = shared;
	store->qsbr = qsbr;
	store->maximum = maximum;
	store->records = calloc(maximum, sizeof(store->records[0]));
	if (store->records)
		err = publish(store);
	if (err) {
		free(store->records);
		free(store);
		return err;
	}
	*to = store;
	return 0;
}

void address_fini(struct address_store *store)
{
	if (!store)
		return;
	for (uint32_t i = 0; i < store->count; i++)
		free(store->records[i]);
	free(store->shared->addresses);
	store->shared->addresses = NULL;
	free(store->records);
	free(store);
}

static struct record **find(const struct address_store *store, const struct contract_object *object)
{
	for (uint32_t i = 0; i < store->count; i++) {
		const struct contract_object *o = &store->records[i]->object;

		if (o->domain == object->domain &&
		    net_addr_equal(&body_of(o)->addr, &body_of(object)->addr))
			return &store->records[i];
	}
	return NULL;
}

int address_add(struct address_store *store, const struct contract_object *object)
{
	if (find(store, object))
		return fail(store, -EEXIST, "the address exists");
	return address_set(store, object);
}

static int check(struct address_store *store, const struct contract_object *object)
{
	const struct contract_address *a = body_of(object);

	if (a->addr.family == NET_NONE || (a->port == 0 && a->mirror == 0))
		return fail(store, -EINVAL, "an address needs a port or a mirror");
	if (a->port >= PATH_PORTS)
		return fail(store, -EINVAL, "port %u is not below %u", a->port, PATH_PORTS);
	return 0;
}

int address_set(struct address_store *store, const struct contract_object *object)
{
	size_t length = sizeof(*object) + sizeof(struct contract_address) + object->opaque_length;
	struct record **at = find(store, object);
	struct record *record;
	int err = check(store, object);

	if (err)
		return err;
	if (!at && store->count == store->maximum)
		return fail(store, -ENOSPC, "%u addresses are all there is room for",
			    store->maximum);
	record = calloc(1, offsetof(struct record, object) + length);
	if (!record)
		return fail(store, -ENOMEM, "no memory for the address");
	record->length = length;
	memcpy(&record->object, object, length);
	if (at)
		free(*at);
	else
		at = &store->records[store->count++];
	*at = record;
	return publish(store);
}

int address_del(struct address_store *store, const struct contract_object *object)
{
	struct record **at = find(store, object);

	if (!at)
		return fail(store, -ENOENT, "there is no such address");
	free(*at);
	*at = store->records[--store->count];
	return publish(store);
}

int address_confirm(struct address_store *store, const struct contract_object *object)
{
	struct record **at = find(store, object);

	if (!at)
		return fail(store, -ENOENT, "there is no such address");
	(*at)->object.generation = object->generation;
	(*at)->object.owner = object->owner;
	return 0;
}

static void write_record(const struct record *record, uint8_t *to, size_t *length)
{
	memcpy(to, &record->object, record->length);
	*length = record->length;
}

int address_get(const struct address_store *store, const struct contract_object *object,
		uint8_t to[ADDRESS_OBJECT_MAX], size_t *length)
{
	struct record **at = find(store, object);

	if (!at)
		return -ENOENT;
	write_record(*at, to, length);
	return 0;
}

int address_list(const struct address_store *store, uint32_t *cursor,
		 uint8_t to[ADDRESS_OBJECT_MAX], size_t *length)
{
	if (*cursor >= store->count)
		return 0;
	write_record(store->records[(*cursor)++], to, length);
	return 1;
}

uint32_t address_count(const struct address_store *store)
{
	return store->count;
}

bool address_sweep(struct address_store *store, uint32_t generation, uint32_t budget)
{
	for (uint32_t i = 0; i < store->count && budget;) {
		const struct contract_object *object = &store->records[i]->object;

		if ((int32_t)(object->generation - generation) >= 0) {
			i++;
			continue;
		}
		if (address_del(store, object))
			break;
		budget--;
	}
	return budget == 0;
}
