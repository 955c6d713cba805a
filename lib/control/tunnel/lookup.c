#include "control/tunnel/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct path_key {
	struct net_addr local;
	struct net_addr remote;
};

static bool is_roaming(const struct tunnel *tunnel)
{
	return !tunnel->plan->remote.family ||
	       !net_addr_equal(&tunnel->plan->remote, &tunnel->remote);
}

int lookup_rebuild(struct tunnels *all)
{
	struct tunnel **roaming = reallocarray(all->roaming, all->count + 1, sizeof(*roaming));
	int rc = roaming ? 0 : -ENOMEM;

	if (rc < 0)
		return rc;
	all->roaming = roaming;
	all->roaming_count = 0;
	for (uint32_t i = 0; i < all->count; i++)
		if (is_roaming(all->items[i]))
			roaming[all->roaming_count++] = all->items[i];

	map_fini(&all->by_path);
	map_init(&all->by_path);
	/* Backwards, so that chains are in the order of the configuration. */
	for (uint32_t i = all->count; i-- && rc == 0;) {
		struct tunnel *tunnel = all->items[i];
		struct path_key key = { tunnel->plan->local, tunnel->plan->remote };

		tunnel->next_path = map_get(&all->by_path, &key, sizeof(key));
		rc = map_set(&all->by_path, &key, sizeof(key), tunnel, NULL);
	}
	return rc;
}

void lookup_moved(struct tunnel *tunnel)
{
	struct tunnels *all = tunnel->all;
	bool roams = is_roaming(tunnel);
	uint32_t at = 0;

	while (at < all->roaming_count && all->roaming[at] != tunnel)
		at++;
	if (roams == (at < all->roaming_count))
		return;
	if (roams) { /* there is room for all */
		all->roaming[all->roaming_count++] = tunnel;
		return;
	}
	all->roaming_count--;
	memmove(&all->roaming[at], &all->roaming[at + 1],
		(all->roaming_count - at) * sizeof(struct tunnel *));
}

static bool leads_to(const struct tunnel *tunnel, const struct net_addr *remote)
{
	return net_addr_equal(&tunnel->remote, remote) || tunnel_name_has(tunnel, remote);
}

static bool may_be_anywhere(const struct tunnel *tunnel, const struct net_addr *remote)
{
	return !tunnel->plan->remote.family && !leads_to(tunnel, remote);
}

size_t lookup_find(const struct tunnels *all, const struct ikev2_path *path,
		   struct ikev2_connection **found, size_t room)
{
	bool (*const fits[])(const struct tunnel *, const struct net_addr *) = { leads_to,
										 may_be_anywhere };
	struct path_key key = { path->local, path->remote };
	size_t count = 0;

	for (const struct tunnel *t = map_get(&all->by_path, &key, sizeof(key)); t && count < room;
	     t = t->next_path)
		found[count++] = t->connection;
	for (size_t k = 0; k < sizeof(fits) / sizeof(fits[0]); k++)
		for (uint32_t i = 0; i < all->roaming_count && count < room; i++) {
			const struct tunnel *t = all->roaming[i];

			if (net_addr_equal(&t->plan->local, &path->local) &&
			    fits[k](t, &path->remote))
				found[count++] = t->connection;
		}
	return count;
}
