#include "control/tunnel/bundle.h"

#include "base/log.h"
#include "control/route/speaker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "tunnel"
/* From the loss of BFD until FRR has taken the routes out, on a machine that has much to do. */
#define SUSPECT_NS (5 * CLOCK_NS_PER_S)

/* A tunnel is in a bundle: what to tell when the tunnel changes. */
struct bundle_link {
	struct bundle *bundle;
	struct bundle_link *next; /* of the same tunnel */
};

struct bundle {
	uint32_t group;
	uint32_t count;
	uint64_t last;				/* members that had flows (choose.h) */
	uint32_t tunnels[CONTRACT_MEMBERS_MAX]; /* ids, rising */
	struct bundle_link links[];		/* one a tunnel */
};

void bundle_init(struct tunnels *all)
{
	map_init(&all->bundles);
	map_init(&all->bundles_of);
}

void bundle_fini(struct tunnels *all)
{
	struct map_entry *entry = NULL;

	while ((entry = map_next(&all->bundles, entry)))
		free(entry->value);
	map_fini(&all->bundles);
	map_fini(&all->bundles_of);
}

static int publish(struct tunnels *all, struct bundle *bundle)
{
	struct contract_member members[CONTRACT_MEMBERS_MAX] = { 0 };
	struct contract_group body = { 0 };
	struct requests_message message = { .kind = CONTRACT_GROUP,
					    .id = bundle->group,
					    .body = &body,
					    .body_length = sizeof(body),
					    .tail = members };
	uint8_t fitness[CONTRACT_MEMBERS_MAX];

	for (uint32_t i = 0; i < bundle->count; i++) {
		const struct tunnel *t = map_get_u32(&all->by_id, bundle->tunnels[i]);

		if (!t)
			continue;
		members[body.member_count].id = t->id;
		fitness[body.member_count++] = tunnel_fitness(t);
	}
	choose_weights(members, fitness, body.member_count, &bundle->last);
	message.tail_length = body.member_count * (uint32_t)sizeof(members[0]);
	return desired_set(all->desired, &message);
}

/* Ids are stable over a restart of control as names are, so a set has the same name after it. */
static void name_of(char name[CONTRACT_OPAQUE_MAX], const uint32_t *ids, uint32_t count)
{
	size_t n = (size_t)snprintf(name, CONTRACT_OPAQUE_MAX, "learned");
	uint64_t digest = 0;

	for (uint32_t i = 0; i < count; i++)
		digest = (digest ^ ids[i]) * UINT64_C(0x9e3779b97f4a7c15);
	if (count > 16) {
		snprintf(name + n, CONTRACT_OPAQUE_MAX - n, " %u tunnels %016llx", count,
			 (unsigned long long)digest);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		n += (size_t)snprintf(name + n, CONTRACT_OPAQUE_MAX - n, " %u", ids[i]);
}

/* The last `count` that were made: what was there before is their next. */
static void links_drop(struct tunnels *all, const struct bundle *bundle, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t *id = &bundle->tunnels[i];

		if (!bundle->links[i].next)
			map_del(&all->bundles_of, id, sizeof(*id));
		else /* in the place of another: it needs no memory */
			(void)!map_set(&all->bundles_of, id, sizeof(*id), bundle->links[i].next,
				       NULL);
	}
}

static int links_make(struct tunnels *all, struct bundle *bundle)
{
	for (uint32_t i = 0; i < bundle->count; i++) {
		struct bundle_link *link = &bundle->links[i];
		const uint32_t *id = &bundle->tunnels[i];
		int rc;

		*link = (struct bundle_link){ bundle, map_get_u32(&all->bundles_of, *id) };
		rc = map_set(&all->bundles_of, id, sizeof(*id), link, NULL);
		if (rc < 0) {
			links_drop(all, bundle, i);
			return rc;
		}
	}
	return 0;
}

static int bundle_new(struct tunnels *all, struct bundle **made, const uint32_t *ids,
		      uint32_t count)
{
	struct bundle *bundle = calloc(1, sizeof(*bundle) + count * sizeof(bundle->links[0]));
	char name[CONTRACT_OPAQUE_MAX];
	int rc;

	if (!bundle)
		return -ENOMEM;
	memcpy(bundle->tunnels, ids, count * sizeof(*ids));
	bundle->count = count;
	name_of(name, ids, count);
	rc = desired_id(all->desired, CONTRACT_GROUP, name, &bundle->group);
	if (rc == 0)
		rc = publish(all, bundle);
	if (rc == 0)
		rc = map_set(&all->bundles, ids, count * sizeof(*ids), bundle, NULL);
	if (rc == 0)
		rc = links_make(all, bundle);
	if (rc < 0) {
		map_del(&all->bundles, ids, count * sizeof(*ids));
		free(bundle);
	} else {
		*made = bundle;
	}
	return rc;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int bundle_get(struct tunnels *all, const uint32_t *tunnels, uint32_t count, uint32_t *group)
{
	uint32_t ids[CONTRACT_MEMBERS_MAX];
	uint32_t n = 0;
	struct bundle *bundle;
	int rc = 0;

	if (!count || count > CONTRACT_MEMBERS_MAX)
		return count ? -E2BIG : -ENOENT;
	memcpy(ids, tunnels, count * sizeof(*ids));
	qsort(ids, count, sizeof(*ids), compare_ids);
	for (uint32_t i = 0; i < count; i++)
		if (!n || ids[n - 1] != ids[i])
			ids[n++] = ids[i];
	bundle = map_get(&all->bundles, ids, n * sizeof(*ids));
	if (!bundle)
		rc = bundle_new(all, &bundle, ids, n);
	if (rc == 0)
		*group = bundle->group;
	return rc;
}

static void update(struct tunnels *all, struct bundle *bundle)
{
	if (publish(all, bundle) < 0)
		log_error(TOPIC, "out of memory for a group of learned routes");
}

void bundle_update(struct tunnels *all, uint32_t tunnel)
{
	struct map_entry *entry = NULL;

	for (const struct bundle_link *link = map_get_u32(&all->bundles_of, tunnel); link;
	     link = link->next)
		update(all, link->bundle);
	while (!tunnel && (entry = map_next(&all->bundles, entry)))
		update(all, entry->value);
}

/* A daemon of the user's names the peer itself: all tunnels to it. */
static uint32_t tunnels_to(const struct tunnels *all, const struct net_addr *peer, uint32_t *ids,
			   uint32_t room)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < all->count && n < room; i++)
		if (all->items[i]->id && net_addr_equal(&all->items[i]->plan->session.peer, peer))
			ids[n++] = all->items[i]->id;
	return n;
}

static uint32_t tunnels_behind(const struct tunnels *all, const struct net_addr *gateways,
			       uint32_t count, uint32_t *ids, uint32_t room)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count && n < room; i++) {
		uint32_t tunnel = speaker_tunnel(&gateways[i]);

		if (tunnel && map_get_u32(&all->by_id, tunnel))
			ids[n++] = tunnel;
		else if (!tunnel)
			n += tunnels_to(all, &gateways[i], ids + n, room - n);
	}
	return n;
}

int bundle_recurse(struct tunnels *all, const struct net_addr *gateways, uint32_t count,
		   uint32_t *group)
{
	uint32_t ids[CONTRACT_MEMBERS_MAX];

	return bundle_get(all, ids, tunnels_behind(all, gateways, count, ids, CONTRACT_MEMBERS_MAX),
			  group);
}

static uint32_t source_add(uint32_t *sources, uint32_t n, uint32_t room, uint32_t source)
{
	for (uint32_t i = 0; i < n; i++)
		if (sources[i] == source)
			return n;
	if (n < room)
		sources[n++] = source;
	return n;
}

/* Each once: more tunnels than there is room for may be of few connections. */
uint32_t bundle_sources(struct tunnels *all, const struct net_addr *gateways, uint32_t count,
			uint32_t *sources, uint32_t room)
{
	uint32_t ids[CONTRACT_MEMBERS_MAX];
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t found = tunnels_behind(all, &gateways[i], 1, ids, CONTRACT_MEMBERS_MAX);

		for (uint32_t k = 0; k < found; k++) {
			const struct tunnel *tunnel = map_get_u32(&all->by_id, ids[k]);

			n = source_add(sources, n, room, tunnel->source);
		}
	}
	return n;
}

/* No sibling is better off, and no port or upstream says that the path is gone. */
static bool suspect(const struct tunnels *all, const struct tunnel *tunnel)
{
	const struct plan_connection *site = tunnel->site;

	if (!tunnel->ike || tunnel_path_down(tunnel) || !tunnel->bfd_lost_ns ||
	    clock_now_ns(all->clock) - tunnel->bfd_lost_ns > SUSPECT_NS)
		return false;
	for (uint32_t i = 0; i < site->tunnel_count; i++)
		if (all->items[site->first_tunnel + i]->bfd == TUNNEL_BFD_UP)
			return false;
	return true;
}

bool bundle_suspect(const struct tunnels *all, const struct net_addr *gateways, uint32_t count)
{
	uint32_t ids[CONTRACT_MEMBERS_MAX];
	uint32_t n = tunnels_behind(all, gateways, count, ids, CONTRACT_MEMBERS_MAX);
	bool all_are = n;

	for (uint32_t i = 0; i < n && all_are; i++)
		all_are = suspect(all, map_get_u32(&all->by_id, ids[i]));
	for (uint32_t i = 0; !count && i < all->count && !all_are; i++)
		all_are = all->items[i]->bfd == TUNNEL_BFD_DOWN && suspect(all, all->items[i]);
	return all_are;
}

int bundle_peer_set(struct tunnel *tunnel)
{
	const struct plan_session *s = &tunnel->plan->session;
	struct speaker_peer peer = { .tunnel = tunnel->id,
				     .instance = tunnel->plan->instance,
				     .local = s->local,
				     .peer = s->peer,
				     .ip6 = s->ip6 };
	uint32_t group;
	int rc;

	if (!s->peer.family) {
		route_speaker_delete(tunnel->all->route, tunnel->id);
		return 0;
	}
	rc = bundle_get(tunnel->all, &tunnel->id, 1, &group);
	return rc < 0 ? rc : route_speaker_set(tunnel->all->route, &peer, group);
}
