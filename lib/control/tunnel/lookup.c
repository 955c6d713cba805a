#include "control/tunnel/lookup.h"

#include <string.h>

struct path_key {
	struct net_addr local;
	struct net_addr remote; /* NET_NONE: any source */
};

int lookup_rebuild(struct tunnels *all)
{
	int rc = 0;

	map_fini(&all->by_path);
	map_init(&all->by_path);
	/* Backwards, so that chains are in the order of the configuration. */
	for (uint32_t i = all->count; i-- && rc == 0;) {
		struct tunnel *tunnel = all->items[i];
		struct path_key key = { tunnel->plan->local, tunnel->remote };

		tunnel->next_path = map_get(&all->by_path, &key, sizeof(key));
		rc = map_set(&all->by_path, &key, sizeof(key), tunnel, NULL);
	}
	return rc;
}

size_t lookup_find(const struct tunnels *all, const struct ikev2_path *path,
		   struct ikev2_connection **found, size_t room)
{
	struct path_key keys[2] = { { path->local, path->remote }, { .local = path->local } };
	size_t count = 0;

	for (int k = 0; k < 2; k++)
		for (const struct tunnel *t = map_get(&all->by_path, &keys[k], sizeof(keys[k]));
		     t && count < room; t = t->next_path)
			found[count++] = t->connection;
	return count;
}
