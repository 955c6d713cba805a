#include "control/tunnel/tunnels.h"

#include "base/log.h"
#include "control/route/speaker.h"
#include "control/tunnel/bundle.h"
#include "control/tunnel/carry.h"
#include "control/tunnel/dial.h"
#include "control/tunnel/drain.h"
#include "control/tunnel/expiry.h"
#include "control/tunnel/keep.h"
#include "control/tunnel/lookup.h"
#include "control/tunnel/pair.h"
#include "control/tunnel/slot.h"
#include "control/tunnel/tunnel.h"
#include "control/tunnel/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "tunnel"
#define LOOK_BURST 64
#define LOOK_SLICE_NS (10 * CLOCK_NS_PER_MS)
#define LOOK_GAP_NS (5 * CLOCK_NS_PER_MS)
#define NODE_BITS_MASK 0x7f /* of an inbound SPI: node, instance and shard */

static void tick(void *context)
{
	struct tunnels *all = context;

	ikev2_tick(all->engine, clock_now_ns(all->clock));
	tunnel_rearm(all);
}

void tunnel_rearm(struct tunnels *all)
{
	uint64_t deadline = ikev2_deadline(all->engine);
	uint64_t now = clock_now_ns(all->clock);

	tunnel_remember_all(all);
	outbox_send(all);
	if (deadline)
		event_timer_set(all->tick, deadline > now ? deadline - now : 0);
	else
		event_timer_cancel(all->tick);
}

static void look(struct tunnel *tunnel, uint64_t now_ns)
{
	watch_tunnel(tunnel, now_ns);
	drain_watch(tunnel, now_ns);
	if (tunnel->remove_adopted) {
		tunnel->remove_adopted = false;
		pair_adopted_remove(tunnel);
	}
}

/* From where the last call ended; true when there is more to look at. */
static bool look_on(struct tunnels *all, uint64_t now_ns)
{
	while (all->looked < all->count) {
		look(all->items[all->looked++], now_ns);
		if (all->looked % LOOK_BURST == 0 &&
		    clock_now_ns(all->clock) - now_ns > LOOK_SLICE_NS)
			return true;
	}
	all->looked = 0;
	return false;
}

/* Thousands of tunnels that have lost their path at once are work for more than a moment. */
static void every_while(void *context)
{
	struct tunnels *all = context;
	uint64_t now = clock_now_ns(all->clock);
	uint64_t next = LOOK_GAP_NS;

	if (!all->looked)
		all->look_next_ns = now + WATCH_EVERY_NS;
	if (all->ready && !all->looked) {
		carry_watch(all, now);
		expiry_watch(all, now);
		tunnel_path_mtu_expire(all);
		tunnel_answers_expire(all, now);
	}
	if ((!all->ready || !look_on(all, now)) && all->look_next_ns > now + next)
		next = all->look_next_ns - now;
	event_timer_set(all->while_timer, next);
	if (all->ready)
		tunnel_rearm(all);
}

int tunnels_new(struct tunnels **tunnels, struct event_loop *loop, const struct clock *clock,
		struct desired *desired, struct route *route, const struct tunnels_hooks *hooks)
{
	struct tunnels *all = calloc(1, sizeof(*all));
	struct ikev2_hooks below = { .context = all };
	uint8_t node;
	int rc;

	if (!all)
		return -ENOMEM;
	all->loop = loop;
	all->clock = clock;
	all->desired = desired;
	all->route = route;
	all->hooks = *hooks;
	list_init(&all->work);
	list_init(&all->turns);
	list_init(&all->fresh);
	list_init(&all->changed);
	list_init(&all->silent);
	outbox_init(&all->outbox);
	heap_init(&all->dials);
	map_init(&all->by_id);
	bundle_init(all);
	map_init(&all->by_name);
	map_init(&all->by_path);
	map_init(&all->pairs);
	map_init(&all->spis);
	map_init(&all->outbound);
	map_init(&all->inbound);
	map_init(&all->adopted_children);
	rc = secret_random(&node, sizeof(node));
	all->node_bits = node & NODE_BITS_MASK;
	pair_hooks_set(&below);
	dial_hooks_set(&below, hooks->key_log);
	if (rc == 0)
		rc = ikev2_engine_new(&below, NULL, &all->engine);
	if (rc == 0)
		rc = flow_table_new(&all->flows, desired, route);
	if (rc == 0)
		rc = limit_table_new(&all->limits, desired);
	if (rc == 0)
		rc = event_timer_new(&all->tick, loop, tick, all);
	if (rc == 0)
		rc = event_timer_new(&all->work_timer, loop, dial_work, all);
	if (rc == 0)
		rc = event_timer_new(&all->while_timer, loop, every_while, all);
	if (rc < 0) {
		tunnels_free(all);
		return rc;
	}
	event_timer_set(all->while_timer, WATCH_EVERY_NS);
	*tunnels = all;
	return 0;
}

/* The engine may still hold the configuration: it only forgets the tunnel. */
static void tunnel_free(struct tunnel *tunnel)
{
	if (!tunnel)
		return;
	if (tunnel->peer)
		tunnel->peer->tunnel = NULL;
	ikev2_connection_put(tunnel->connection);
	tunnel_name_free(tunnel);
	slot_fini(tunnel);
	free(tunnel->name);
	free(tunnel);
}

int tunnels_keep(struct tunnels *all, const char *path)
{
	return keep_open(&all->keep, path);
}

void tunnels_free(struct tunnels *all)
{
	struct map_entry *entry = NULL;

	if (!all)
		return;
	event_source_free(all->tick);
	event_source_free(all->work_timer);
	event_source_free(all->while_timer);
	for (uint32_t i = 0; i < all->count; i++)
		tunnel_free(all->items[i]);
	free(all->items);
	free(all->roaming);
	if (all->engine)
		ikev2_engine_free(all->engine);
	outbox_fini(&all->outbox);
	keep_close(all->keep);
	while ((entry = map_next(&all->pairs, entry)))
		free(entry->value);
	entry = NULL;
	while ((entry = map_next(&all->adopted_children, entry)))
		free(entry->value);
	flow_table_free(all->flows);
	bundle_fini(all);
	limit_table_free(all->limits);
	map_fini(&all->by_id);
	map_fini(&all->by_name);
	map_fini(&all->by_path);
	map_fini(&all->pairs);
	map_fini(&all->spis);
	map_fini(&all->outbound);
	map_fini(&all->inbound);
	map_fini(&all->adopted_children);
	heap_fini(&all->dials);
	plan_fini(&all->plan);
	free(all);
}

static int tunnel_new(struct tunnels *all, struct tunnel **tunnel, const char *name)
{
	struct tunnel *t = calloc(1, sizeof(*t));
	int rc = -ENOMEM;

	if (!t)
		return rc;
	t->all = all;
	list_init(&t->work);
	list_init(&t->turn);
	list_init(&t->fresh);
	list_init(&t->changed);
	list_init(&t->pairs);
	t->name = strdup(name);
	if (t->name)
		rc = map_set(&all->by_name, name, strlen(name), t, NULL);
	if (rc < 0)
		tunnel_free(t);
	else
		*tunnel = t;
	return rc;
}

/* Says goodbye to the peer; the engine removes the SAs. */
static void tunnel_close(struct tunnel *tunnel)
{
	struct tunnels *all = tunnel->all;

	dial_ike_end(tunnel, tunnel->ike);
	if (tunnel->peer) { /* else it could not be configured */
		tunnel->peer->tunnel = NULL;
		dial_cancel(tunnel);
	}
	pair_orphan(tunnel);
	if (all->hooks.goes)
		all->hooks.goes(all->hooks.context, tunnel->id, tunnel->name);
	tunnel_objects_delete(tunnel);
	/* Only now: what the engine says of the end puts it into the lists once more. */
	list_del(&tunnel->work);
	list_del(&tunnel->turn);
	list_del(&tunnel->changed);
	dial_ended(tunnel);
	heap_del(&all->dials, &tunnel->dial_at);
	map_del(&all->by_name, tunnel->name, strlen(tunnel->name));
	tunnel_free(tunnel);
}

/* A renewed certificate is for the next authentication: what is up goes on. */
static bool goes_on(struct tunnel *tunnel, const struct peer *peer,
		    struct ikev2_connection *connection)
{
	return tunnel->ike && peer_renewed(tunnel->peer, peer) &&
	       ikev2_rebind(tunnel->all->engine, tunnel->ike, connection) == 0;
}

int tunnel_configure(struct tunnel *tunnel, const struct peer_source *source, char *why,
		     size_t why_size)
{
	const struct plan_tunnel *plan = source->tunnel;
	struct ikev2_connection *connection;
	struct peer *peer;
	int rc = peer_new(&peer, &connection, source, why, why_size);

	if (rc < 0)
		return rc;
	tunnel->plan = plan;
	tunnel->site = source->site;
	if (tunnel->peer && peer_same(tunnel->peer, peer)) {
		ikev2_connection_put(connection);
		return 0;
	}
	if (tunnel->peer) {
		bool stays = goes_on(tunnel, peer, connection);

		tunnel->peer->tunnel = NULL;
		dial_cancel(tunnel);
		if (!stays) {
			dial_forget(tunnel);
			pair_orphan(tunnel); /* children that are no longer wanted can go then */
		}
		ikev2_connection_put(tunnel->connection);
	}
	tunnel->connection = connection;
	tunnel->peer = peer;
	peer->tunnel = tunnel;
	if (!tunnel->ike)
		tunnel->remote = plan->remote;
	if (peer->weak)
		log_warn(TOPIC, "the connection's crypto policy is weak tunnel=\"%s\"",
			 tunnel->name);
	return 0;
}

static int flows_set(struct tunnels *all)
{
	struct flow_site *sites = calloc(all->plan.connection_count + 1, sizeof(*sites));
	struct flow_member *members = calloc(all->count + 1, sizeof(*members));
	int rc = -ENOMEM;

	for (uint32_t i = 0; sites && members && i < all->count; i++)
		members[i] =
			(struct flow_member){ all->items[i]->id, tunnel_fitness(all->items[i]) };
	for (uint32_t i = 0; sites && members && i < all->plan.connection_count; i++) {
		const struct plan_connection *c = all->plan.connections[i];

		sites[i] = (struct flow_site){
			.name = c->connection->resource.key,
			.prefixes = c->prefixes,
			.prefix_count = c->prefix_count,
			.members = &members[c->first_tunnel],
			.member_count = c->tunnel_count,
			.owner = c->tunnel_count ? members[c->first_tunnel].tunnel : 0,
		};
	}
	if (sites && members)
		rc = flow_table_set(all->flows, sites, all->plan.connection_count);
	free(sites);
	free(members);
	return rc;
}

/* The addresses of ours that are on no port: tunnels over circuits end there. */
static int privates_set(struct tunnels *all)
{
	struct speaker_private privates[SPEAKER_PRIVATES_MAX];
	uint32_t count = 0;

	for (uint32_t i = 0; i < all->count; i++) {
		const struct plan_tunnel *plan = all->items[i]->plan;
		bool known = !plan->over_circuit;

		for (uint32_t k = 0; k < count && !known; k++)
			known = net_addr_equal(&privates[k].addr, &plan->local);
		if (known)
			continue;
		if (count == SPEAKER_PRIVATES_MAX)
			return -E2BIG;
		privates[count++] = (struct speaker_private){ plan->instance, plan->local };
	}
	return route_privates_set(all->route, privates, count);
}

/* What is wanted of the data plane, and a dial for what is not up. */
static void publish(struct tunnels *all, bool everything, bool paths)
{
	all->changes++;
	if (privates_set(all) < 0)
		log_error(TOPIC, "more than %d addresses have tunnels over circuits",
			  SPEAKER_PRIVATES_MAX);
	if (limit_table_set(all->limits, &all->plan) < 0)
		log_error(TOPIC, "cannot set the limits: out of memory or of ids");
	for (uint32_t c = 0; c < all->plan.connection_count; c++) {
		const struct plan_connection *site = all->plan.connections[c];

		if (!everything && !all->plan.fresh[c])
			continue;
		for (uint32_t i = 0; i < site->tunnel_count; i++) {
			struct tunnel *tunnel = all->items[site->first_tunnel + i];

			if (tunnel_objects_set(tunnel) == 0 && !tunnel->ike)
				dial_wanted(tunnel);
		}
	}
	if (paths && flows_set(all) < 0)
		log_error(TOPIC, "cannot set the flow groups: out of memory or of ids");
}

static int configure_one(struct tunnels *all, struct tunnel **item,
			 const struct peer_source *source, char *why, size_t why_size)
{
	const char *name = source->tunnel->name;
	int rc = 0;

	*item = map_get(&all->by_name, name, strlen(name));
	if (!*item)
		rc = tunnel_new(all, item, name);
	return rc < 0 ? rc : tunnel_configure(*item, source, why, why_size);
}

/* What the plan shares with the one before is as it was. */
static int configure_all(struct tunnels *all, const struct plan *plan, struct tunnel **items,
			 bool strict, char *why, size_t why_size)
{
	int rc = 0;

	for (uint32_t c = 0; rc == 0 && c < plan->connection_count; c++) {
		const struct plan_connection *site = plan->connections[c];

		if (!plan->fresh[c])
			memcpy(items, all->items + site->first_tunnel,
			       site->tunnel_count * sizeof(struct tunnel *));
		for (uint32_t i = 0; rc == 0 && plan->fresh[c] && i < site->tunnel_count; i++) {
			struct peer_source source = { &site->tunnels[i], site, plan->config,
						      strict };

			rc = configure_one(all, &items[i], &source, why, why_size);
		}
		items += site->tunnel_count;
	}
	return rc;
}

/* What was configured for a plan that is not taken goes back to the one that holds. */
static void configure_back(struct tunnels *all)
{
	bool *fresh = all->plan.fresh;
	char why[256];

	if (!all->plan.config)
		return;
	memset(fresh, true, all->plan.connection_count * sizeof(*fresh));
	if (configure_all(all, &all->plan, all->items, false, why, sizeof(why)) < 0)
		log_error(TOPIC, "cannot go back to the former configuration");
}

/* After the groups have let go of them: the data plane refuses to lose what is referred to. */
static void close_missing(struct tunnels *all, struct tunnel **were, uint32_t count)
{
	for (uint32_t i = 0; i < all->count; i++)
		all->items[i]->keep = true;
	for (uint32_t i = 0; i < count; i++)
		if (!were[i]->keep)
			tunnel_close(were[i]);
	for (uint32_t i = 0; i < all->count; i++)
		all->items[i]->keep = false;
	limit_table_sweep(all->limits);
}

/* Of a plan that was not taken: what it had made anew. */
static void close_made(struct tunnels *all, struct tunnel **items, uint32_t count)
{
	for (uint32_t i = 0; i < all->count; i++)
		all->items[i]->keep = true;
	for (uint32_t i = 0; i < count; i++)
		if (items[i] && !items[i]->keep)
			tunnel_close(items[i]);
	for (uint32_t i = 0; i < all->count; i++)
		all->items[i]->keep = false;
}

int tunnels_apply(struct tunnels *all, const struct config *config, char *why, size_t why_size)
{
	struct plan plan, old;
	struct tunnel **items, **were;
	uint32_t count;
	bool paths;
	int rc = plan_make(&plan, config, &all->plan, why, why_size);

	if (rc < 0)
		return rc;
	items = calloc(plan.tunnel_count + 1, sizeof(struct tunnel *));
	if (!items) {
		plan_fini(&plan);
		return -ENOMEM;
	}
	rc = configure_all(all, &plan, items, all->plan.config, why, why_size);
	if (rc < 0) {
		configure_back(all);
		close_made(all, items, plan.tunnel_count);
		free(items);
		plan_fini(&plan);
		return rc;
	}
	were = all->items;
	count = all->count;
	old = all->plan;
	paths = !plan_keeps_paths(&old, &plan);
	plan_number(&plan);
	all->plan = plan;
	all->items = items;
	all->count = plan.tunnel_count;
	all->changes++;
	all->looked = 0;
	if (paths)
		rc = lookup_rebuild(all);
	if (all->ready)
		publish(all, false, paths);
	close_missing(all, were, count);
	plan_fini(&old);
	free(were);
	tunnel_rearm(all);
	return rc;
}

static void adopted_child_listed(void *context, const struct contract_header *message)
{
	struct tunnels *all = context;
	const struct contract_object *object = contract_object_of(message);
	const struct contract_child *child = contract_body_of(message);
	uint32_t count = child->local_count + child->remote_count;
	struct adopted_child *kept = malloc(sizeof(*kept) + count * sizeof(kept->selectors[0]));

	if (!kept)
		return;
	memcpy(kept->selectors, child + 1, count * sizeof(kept->selectors[0]));
	kept->outbound_sa = child->outbound_sa;
	kept->as = (struct ikev2_child_config){
		.local = kept->selectors,
		.remote = kept->selectors + child->local_count,
		.local_count = child->local_count,
		.remote_count = child->remote_count,
	};
	if (map_set(&all->adopted_children, &object->id, sizeof(object->id), kept, NULL) < 0)
		free(kept);
}

static void adopted_sa_listed(void *context, const struct contract_header *message)
{
	pair_adopt(context, message);
}

static void adoption_complete(void *context, const struct contract_answer *answer)
{
	if (answer && answer->status != CONTRACT_APPLIED)
		log_error(TOPIC, "the data plane did not take the adoption: %s", answer->reason);
}

/* IKE SAs of a former control go on, when their data plane is still the same one. */
static uint32_t recall_all(struct tunnels *all)
{
	uint64_t instance = requests_limits(desired_requests(all->desired))->instance;
	bool same = all->keep && keep_use(all->keep, instance);
	uint32_t count = 0;

	for (uint32_t i = 0; i < all->count; i++) {
		struct tunnel *tunnel = all->items[i];

		if (tunnel->ike)
			tunnel_remember(tunnel); /* ours: it is not in the emptied file */
		else if (same)
			count += tunnel_recall(tunnel);
	}
	return count;
}

/*
 * The data plane lost the SAs: each child is rekeyed, with the selectors that it has. One that
 * cannot be is negotiated as a new one a little later, like all that failed.
 */
static void renew_children(struct tunnel *tunnel)
{
	struct ikev2_engine *engine = tunnel->all->engine;
	uint64_t now = clock_now_ns(tunnel->all->clock);
	uint32_t child = 0;

	while ((child = ikev2_child_next(engine, tunnel->ike, child)))
		if (ikev2_child_rekey(engine, child, now) < 0)
			log_debug(TOPIC, "a child is not renewed tunnel=\"%s\"", tunnel->name);
}

static void adoption_end(struct tunnels *all)
{
	uint32_t recalled;
	uint32_t kept;

	all->ready = true;
	all->adopted = true;
	publish(all, true, true);
	kept = pair_adopt_finish(all);
	recalled = recall_all(all);
	if (requests_adopted(desired_requests(all->desired), adoption_complete, all) < 0)
		log_error(TOPIC, "cannot complete the adoption");
	if (kept)
		log_info(TOPIC, "adopted what the data plane holds pairs=%u ike_sas=%u", kept,
			 recalled);
}

/*
 * Not before the kernel was read: what is not wanted when adoption ends is removed, and the routes
 * and neighbours of the living traffic are wanted only once Linux has told them.
 */
static void adoption_try(struct tunnels *all)
{
	if (all->ready || !all->listed || !route_is_synced(all->route))
		return;
	if (!all->prepared) { /* routes that name tunnels mean something once these have ids */
		all->prepared = true;
		publish(all, true, true);
		route_again(all->route);
		return;
	}
	adoption_end(all);
	for (uint32_t i = 0; all->renew && i < all->count; i++)
		if (all->items[i]->ike)
			renew_children(all->items[i]);
	all->renew = false;
	tunnel_rearm(all);
}

static void sas_listed(void *context, const struct contract_answer *answer)
{
	struct tunnels *all = context;

	if (!answer)
		return;
	all->listed = true;
	adoption_try(all);
}

static void children_listed(void *context, const struct contract_answer *answer)
{
	struct tunnels *all = context;

	if (answer && requests_list(desired_requests(all->desired), CONTRACT_SA, adopted_sa_listed,
				    sas_listed, all) < 0)
		log_error(TOPIC, "cannot list the SAs of the data plane");
}

void tunnels_ready(struct tunnels *all, bool same_instance)
{
	if (all->adopted) {
		if (!same_instance)
			pair_forget_all(all);
		all->renew = !same_instance;
		all->listed = true;
		adoption_try(all);
		return;
	}
	if (requests_list(desired_requests(all->desired), CONTRACT_CHILD, adopted_child_listed,
			  children_listed, all) < 0)
		log_error(TOPIC, "cannot list the children of the data plane");
}

void tunnels_lost(struct tunnels *all)
{
	all->ready = all->listed = false;
	all->looked = 0;
}

static void path_changed(struct tunnel *tunnel, bool link_was_down, bool upstream_was_down)
{
	if (tunnel->upstream_down != upstream_was_down)
		log_info(TOPIC, "its upstream %s tunnel=\"%s\"",
			 tunnel->upstream_down ? "does not answer" : "answers", tunnel->name);
	else if (tunnel->link_down != link_was_down)
		log_info(TOPIC, "its port's link is %s tunnel=\"%s\"",
			 tunnel->link_down ? "down" : "up", tunnel->name);
	else
		log_info(TOPIC, "its path is %s tunnel=\"%s\" detail=\"%s\"",
			 tunnel->no_path ? "gone" : "back", tunnel->name,
			 tunnel->no_path ? tunnel->detail : "");
	if (!tunnel_path_down(tunnel) && tunnel->ike)
		tunnel_prove(tunnel);
	dial_flows_update(tunnel);
	tunnel_status_changed(tunnel);
	dial_wanted(tunnel);
}

void tunnels_ports_changed(struct tunnels *all)
{
	if (!all->ready) {
		adoption_try(all);
		return;
	}
	for (uint32_t i = 0; i < all->count; i++) {
		struct tunnel *tunnel = all->items[i];
		bool link_was_down = tunnel->link_down;
		bool upstream_was_down = tunnel->upstream_down;
		bool was_down = tunnel_path_down(tunnel);

		if (tunnel_objects_set(tunnel) < 0)
			continue;
		if (tunnel_path_down(tunnel) != was_down)
			path_changed(tunnel, link_was_down, upstream_was_down);
		if (!tunnel->ike)
			dial_wanted(tunnel);
	}
	if (flows_set(all) < 0)
		log_error(TOPIC, "cannot set the flow groups: out of memory or of ids");
	tunnel_rearm(all);
}

int tunnels_recurse(struct tunnels *all, const struct net_addr *gateways, uint32_t count,
		    uint32_t *group)
{
	return bundle_recurse(all, gateways, count, group);
}

uint32_t tunnels_sources(struct tunnels *all, const struct net_addr *gateways, uint32_t count,
			 uint32_t *sources, uint32_t room)
{
	return bundle_sources(all, gateways, count, sources, room);
}

bool tunnels_suspect(const struct tunnels *all, const struct net_addr *gateways, uint32_t count)
{
	return bundle_suspect(all, gateways, count);
}

static void punted(struct tunnels *all, const struct contract_datagram *d)
{
	struct ikev2_datagram datagram = {
		.path = { d->local, d->remote, d->local_port, d->remote_port },
		.bytes = { (const uint8_t *)(d + 1), d->length },
		.non_esp_marker = d->non_esp_marker,
	};

	ikev2_receive(all->engine, &datagram, clock_now_ns(all->clock));
}

/* A packet waits for this: first the child of the IKE SA that is up, else a dial. */
static void acquire(struct tunnels *all, const struct contract_acquire *a)
{
	struct tunnel *tunnel = map_get_u32(&all->by_id, a->tunnel);
	struct net_selector packet[2] = {
		{ a->src, a->src, a->src_port, a->src_port, a->protocol },
		{ a->dst, a->dst, a->dst_port, a->dst_port, a->protocol },
	};

	if (!tunnel)
		return;
	if (!tunnel->ike) {
		if (!tunnel->dial_at
			     .deadline_ns) /* a peer that refused is not asked for each packet */
			dial_wanted(tunnel);
		return;
	}
	for (uint16_t i = 0; i < tunnel->child_count; i++)
		if (tunnel->children[i].id == a->child &&
		    !(tunnel->children[i].refused && tunnel->dial_at.deadline_ns) &&
		    ikev2_child_initiate(all->engine, tunnel->ike, i, packet,
					 clock_now_ns(all->clock)) < 0)
			log_debug(TOPIC, "child not asked for tunnel=\"%s\"", tunnel->name);
}

static void lifetime(struct tunnels *all, const struct contract_lifetime *event)
{
	const struct sa_pair *pair = pair_of_sa(all, event->sa);

	if (pair && !pair->adopted)
		ikev2_child_expiring(all->engine, pair->child, event->event == CONTRACT_HARD,
				     clock_now_ns(all->clock));
}

static void moved(struct tunnels *all, const struct contract_peer_moved *event)
{
	const struct sa_pair *pair = pair_of_sa(all, event->sa);

	if (pair && !pair->adopted)
		ikev2_peer_moved(all->engine, pair->child, &event->remote, event->remote_port,
				 clock_now_ns(all->clock));
}

static void path_mtu(struct tunnels *all, const struct contract_path_mtu *event)
{
	const struct sa_pair *pair = pair_of_sa(all, event->sa);

	if (pair && pair->tunnel)
		tunnel_path_mtu(pair->tunnel, event->mtu);
}

bool tunnels_event(struct tunnels *all, const struct contract_header *message)
{
	const void *body = message + 1;

	switch (message->type) {
	case CONTRACT_PUNT:
		punted(all, body);
		break;
	case CONTRACT_ACQUIRE:
		acquire(all, body);
		break;
	case CONTRACT_LIFETIME:
		lifetime(all, body);
		break;
	case CONTRACT_PEER_MOVED:
		moved(all, body);
		break;
	case CONTRACT_PATH_MTU:
		path_mtu(all, body);
		break;
	default:
		return false;
	}
	tunnel_rearm(all);
	return true;
}
