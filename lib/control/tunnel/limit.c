#include "control/tunnel/limit.h"

#include "base/map.h"
#include "control/config/sku.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BITS_PER_MBIT 1000000

struct limit_item {
	uint32_t id;
	uint32_t parent;
	uint32_t generation; /* of the last set that wanted it */
};

struct limit_table {
	struct desired *desired;
	struct map items; /* key of the resource -> struct limit_item */
	uint32_t generation;
};

int limit_table_new(struct limit_table **table, struct desired *desired)
{
	struct limit_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->desired = desired;
	map_init(&t->items);
	*table = t;
	return 0;
}

void limit_table_free(struct limit_table *table)
{
	struct map_entry *entry = NULL;

	if (!table)
		return;
	while ((entry = map_next(&table->items, entry)))
		free(entry->value);
	map_fini(&table->items);
	free(table);
}

/* What tells resources apart stands at the end of a key. */
static const char *name_of(const char *key)
{
	size_t n = strlen(key);

	return n < CONTRACT_OPAQUE_MAX ? key : key + (n - (CONTRACT_OPAQUE_MAX - 1));
}

static int item_get(struct limit_table *t, struct limit_item **item, const char *key)
{
	struct limit_item *new;
	int rc;

	*item = map_get(&t->items, key, strlen(key));
	if (*item)
		return 0;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	rc = desired_id(t->desired, CONTRACT_LIMIT, name_of(key), &new->id);
	if (rc == 0)
		rc = map_set(&t->items, key, strlen(key), new, NULL);
	if (rc < 0)
		free(new);
	else
		*item = new;
	return rc;
}

static int want(struct limit_table *t, const char *key, const struct contract_limit *body)
{
	struct requests_message message = { .kind = CONTRACT_LIMIT,
					    .body = body,
					    .body_length = sizeof(*body) };
	struct limit_item *item;
	int rc = item_get(t, &item, key);

	if (rc < 0)
		return rc;
	item->generation = t->generation;
	item->parent = body->parent;
	message.id = item->id;
	return desired_set(t->desired, &message);
}

static int want_gateway(struct limit_table *t, const struct config *config,
			const struct config_gateway *gateway)
{
	const struct sku *sku = sku_of_gateway(config, gateway);
	bool sum = config_appliance(config)->limit_direction == CONFIG_DIRECTION_SUM;
	struct contract_limit body = { .weight = 1, .direction_sum = sum };

	if (!sku || !sku->throughput_mbps)
		return 0;
	body.bits_per_s = (uint64_t)sku->throughput_mbps * BITS_PER_MBIT;
	return want(t, gateway->resource.key, &body);
}

static int want_connection(struct limit_table *t, const struct plan_connection *c)
{
	const struct config_limit *own = c->connection->limits;
	const struct limit_item *above =
		map_get(&t->items, c->gateway->resource.key, strlen(c->gateway->resource.key));
	struct contract_limit body = { .weight = 1, .direction_sum = 1 };

	if (above && above->generation == t->generation)
		body.parent = above->id;
	if (own) {
		body.bits_per_s = (uint64_t)own->bits_per_s;
		body.packets_per_s = (uint64_t)own->packets_per_s;
		body.burst_us = (uint32_t)own->burst_us;
		body.direction_sum = own->direction == CONFIG_DIRECTION_SUM;
	}
	if (!body.parent && !body.bits_per_s && !body.packets_per_s)
		return 0;
	return want(t, c->connection->resource.key, &body);
}

int limit_table_set(struct limit_table *table, const struct plan *plan)
{
	int rc = 0;

	table->generation++;
	for (uint32_t i = 0;
	     rc == 0 && plan->config && i < config_count(plan->config, CONFIG_GATEWAY); i++)
		rc = want_gateway(table, plan->config, config_gateway_at(plan->config, i));
	for (uint32_t i = 0; rc == 0 && i < plan->connection_count; i++)
		rc = want_connection(table, plan->connections[i]);
	return rc;
}

static void drop_unwanted(struct limit_table *t, bool children)
{
	struct map_entry *entry = map_next(&t->items, NULL);
	struct requests_message message = { .kind = CONTRACT_LIMIT };

	for (struct map_entry *next; entry; entry = next) {
		struct limit_item *item = entry->value;

		next = map_next(&t->items, entry);
		if (item->generation == t->generation || (item->parent != 0) != children)
			continue;
		message.id = item->id;
		desired_delete(t->desired, &message);
		desired_id_put(t->desired, CONTRACT_LIMIT, item->id);
		map_del(&t->items, entry->key, entry->key_len);
		free(item);
	}
}

void limit_table_sweep(struct limit_table *table)
{
	drop_unwanted(table, true);
	drop_unwanted(table, false);
}

uint32_t limit_table_id(const struct limit_table *table, const char *key)
{
	const struct limit_item *item = map_get(&table->items, key, strlen(key));

	return item && item->generation == table->generation ? item->id : 0;
}
