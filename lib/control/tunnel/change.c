#include "control/tunnel/change.h"

#include "control/config/diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void touch_all(struct change *change, uint32_t count)
{
	memset(change->touched, true, count * sizeof(*change->touched));
}

/* Both are in the order of keys. */
static void touch_listed(struct change *change, const struct plan *now,
			 const struct config_diff *diff)
{
	uint32_t d = 0;

	for (uint32_t i = 0; i < now->connection_count; i++) {
		const char *key = now->connections[i].connection->resource.key;
		int order = -1;

		for (; d < diff->count && order < 0; d += order < 0) {
			const struct config_difference *item = &diff->items[d];

			if (item->kind != CONFIG_CONNECTION || !item->now)
				continue; /* order stays below zero */
			order = strcmp(item->now->key, key);
		}
		change->touched[i] = order == 0;
	}
}

int change_find(struct change *change, const struct plan *old, const struct plan *now)
{
	struct config_diff diff;
	int rc;

	change->touched = calloc(now->connection_count + 1, sizeof(*change->touched));
	if (!change->touched)
		return -ENOMEM;
	if (!old->config) {
		touch_all(change, now->connection_count);
		return 0;
	}
	rc = config_diff(&diff, old->config, now->config);
	if (rc < 0) {
		change_fini(change);
		return rc;
	}
	/* Kinds come in this order; a network may be the spoke of one that a gateway is in. */
	if (diff.count && diff.items[0].kind <= CONFIG_VIRTUAL_NETWORK)
		touch_all(change, now->connection_count);
	else
		touch_listed(change, now, &diff);
	config_diff_fini(&diff);
	return 0;
}

void change_fini(struct change *change)
{
	free(change->touched);
	change->touched = NULL;
}

static bool same_connection(const struct plan_connection *a, const struct plan_connection *b)
{
	return (a->connection == b->connection ||
		!strcmp(a->connection->resource.key, b->connection->resource.key)) &&
	       a->prefix_count == b->prefix_count && a->tunnel_count == b->tunnel_count &&
	       (!a->prefix_count ||
		!memcmp(a->prefixes, b->prefixes, a->prefix_count * sizeof(*a->prefixes)));
}

bool change_keeps_paths(const struct plan *old, const struct plan *now)
{
	if (old->connection_count != now->connection_count ||
	    old->tunnel_count != now->tunnel_count)
		return false;
	for (uint32_t i = 0; i < now->connection_count; i++)
		if (!same_connection(&old->connections[i], &now->connections[i]))
			return false;
	for (uint32_t i = 0; i < now->tunnel_count; i++)
		if (!net_addr_equal(&old->tunnels[i].local, &now->tunnels[i].local) ||
		    !net_addr_equal(&old->tunnels[i].remote, &now->tunnels[i].remote))
			return false;
	return true;
}
