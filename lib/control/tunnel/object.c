/*
 * A tunnel's objects in the data plane: itself and its children.
 */
#include "control/tunnel/bundle.h"
#include "control/tunnel/slot.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "tunnel"

static const struct ikev2_child_config *selectors_of(const struct tunnel *tunnel, uint16_t entry)
{
	return entry < tunnel->child_count ? &tunnel->peer->children[entry]
					   : &tunnel->children[entry].own->as;
}

/* `as`: negotiated selectors, or NULL for those of the entry or the slot. */
int tunnel_child_publish(struct tunnel *tunnel, uint16_t entry, const struct ikev2_child_config *as)
{
	struct net_selector selectors[2 * CONTRACT_SELECTORS_MAX];
	const struct ikev2_child_config *from = as ? as : selectors_of(tunnel, entry);
	struct contract_child body = {
		.tunnel = tunnel->id,
		.outbound_sa = tunnel->children[entry].outbound_sa,
		.local_count = from->local_count,
		.remote_count = from->remote_count,
	};
	struct net_selector *end = selectors;
	struct requests_message message = {
		.kind = CONTRACT_CHILD,
		.id = tunnel->children[entry].id,
		.owner = tunnel->id,
		.body = &body,
		.body_length = sizeof(body),
		.tail = selectors,
	};

	if (as && entry >= tunnel->child_count && slot_selectors(&tunnel->children[entry], as) < 0)
		return -ENOMEM;
	end = mempcpy(end, from->local, from->local_count * sizeof(*end));
	end = mempcpy(end, from->remote, from->remote_count * sizeof(*end));
	message.tail_length = (uint32_t)((uint8_t *)end - (uint8_t *)selectors);
	return desired_set(tunnel->all->desired, &message);
}

/* What a former control had negotiated goes on until it has a successor. */
static int child_first(struct tunnel *tunnel, uint16_t entry)
{
	struct tunnels *all = tunnel->all;
	struct tunnel_child *child = &tunnel->children[entry];
	struct adopted_child *adopted =
		map_del(&all->adopted_children, &child->id, sizeof(child->id));
	int rc;

	if (adopted)
		child->outbound_sa = adopted->outbound_sa;
	rc = tunnel_child_publish(tunnel, entry, adopted ? &adopted->as : NULL);
	if (adopted && child->outbound_sa)
		tunnel->state = TUNNEL_CONNECTED;
	free(adopted);
	return rc;
}

static uint32_t limit_of(const struct tunnel *tunnel)
{
	return limit_table_id(tunnel->all->limits, tunnel->plan->connection->resource.key);
}

enum contract_destination tunnel_far_end(const struct config_connection *connection)
{
	switch (connection->type) {
	case CONFIG_CONNECTION_VNET2VNET:
		return CONTRACT_TO_GATEWAY;
	case CONFIG_CONNECTION_VPN_CLIENT:
		return CONTRACT_TO_CLIENT;
	default:
		return CONTRACT_TO_SITE;
	}
}

static uint8_t source_check(const struct tunnel *tunnel)
{
	switch (tunnel->plan->connection->source_check) {
	case CONFIG_SOURCE_OFF:
		return CONTRACT_SOURCE_OFF;
	case CONFIG_SOURCE_STRICT:
		return CONTRACT_SOURCE_STRICT;
	default:
		return CONTRACT_SOURCE_FEASIBLE;
	}
}

/* Learned routes name their tunnels: what is known of those is told anew when it changes. */
static void source_set(struct tunnel *tunnel)
{
	const struct tunnel *first = tunnel->all->items[tunnel->site->first_tunnel];
	uint32_t source = first->id ? first->id : tunnel->id;

	if (tunnel->source && tunnel->source != source && tunnel->plan->session.peer.family)
		route_again(tunnel->all->route);
	tunnel->source = source;
}

static int publish(struct tunnel *tunnel)
{
	static const uint8_t flags[CONTRACT_DESTINATIONS] = {
		[CONTRACT_TO_GATEWAY] = CONTRACT_TUNNEL_TO_GATEWAY,
		[CONTRACT_TO_CLIENT] = CONTRACT_TUNNEL_TO_CLIENT,
	};
	struct contract_tunnel body = {
		.nexthop = tunnel->nexthop,
		.limit = limit_of(tunnel),
		.mirror = route_tunnel_mirror(tunnel->all->route, tunnel->plan->instance),
		.df = CONTRACT_DF_COPY,
		.flags = flags[tunnel_far_end(tunnel->plan->connection)],
		.source_check = source_check(tunnel),
		.source = tunnel->source,
		.mtu = tunnel->path_mtu,
	};
	struct requests_message message = {
		.kind = CONTRACT_TUNNEL,
		.id = tunnel->id,
		.owner = tunnel->id,
		.body = &body,
		.body_length = sizeof(body),
	};

	if (!body.mirror)
		body.mirror = route_tunnel_mirror(tunnel->all->route, 0);
	return desired_set(tunnel->all->desired, &message);
}

static const char *no_path_text(int error)
{
	switch (error) {
	case -EHOSTUNREACH:
		return "the port of the local address has no gateway for this peer";
	case -EAGAIN:
		return "the local address is not on its port yet";
	default:
		return "no port has the local address";
	}
}

/* `former`: to be let go when the tunnel no longer refers to it; 0: none. */
static int uplink(struct tunnel *tunnel, uint32_t *former)
{
	struct route *route = tunnel->all->route;
	uint32_t nexthop = 0;
	uint32_t port;
	bool up = true;
	int rc = -EAGAIN;

	if (tunnel->remote.family)
		rc = route_uplink(route, &tunnel->plan->local, &tunnel->remote, &nexthop);
	if (rc == -ENOMEM || rc == -ENOSPC)
		return rc;
	tunnel->no_path = rc < 0;
	if (tunnel->no_path) {
		snprintf(tunnel->detail, sizeof(tunnel->detail), "%s",
			 tunnel->remote.family ? no_path_text(rc)
					       : "the peer's address is not known yet");
		rc = route_drop(route, &nexthop);
		if (rc < 0)
			return rc;
	}
	*former = tunnel->nexthop;
	tunnel->nexthop = nexthop;
	tunnel->upstream_down = !route_upstream_answers(route, &tunnel->plan->local);
	tunnel->link_down = route_port_of(route, &tunnel->plan->local, &port, &up) == 0 && !up;
	return 0;
}

int tunnel_objects_set(struct tunnel *tunnel)
{
	uint32_t former = 0;
	int rc = 0;

	if (!tunnel->id) {
		rc = desired_id(tunnel->all->desired, CONTRACT_TUNNEL, tunnel->name, &tunnel->id);
		if (rc == 0)
			rc = map_set(&tunnel->all->by_id, &tunnel->id, sizeof(tunnel->id), tunnel,
				     NULL);
	}
	if (rc == 0)
		source_set(tunnel);
	if (rc == 0)
		rc = uplink(tunnel, &former);
	if (rc == 0)
		rc = publish(tunnel);
	route_nexthop_put(tunnel->all->route, former);
	if (rc == 0)
		rc = slot_entries(tunnel);
	for (uint16_t i = 0; rc == 0 && i < tunnel->child_count; i++)
		if (!tunnel->children[i].outbound_sa)
			rc = child_first(tunnel, i);
	if (rc == 0)
		rc = bundle_peer_set(tunnel);
	if (rc < 0)
		log_error(TOPIC, "cannot set up a tunnel tunnel=\"%s\" error=\"%s\"", tunnel->name,
			  strerror(-rc));
	return rc;
}

void tunnel_objects_delete(struct tunnel *tunnel)
{
	struct desired *desired = tunnel->all->desired;
	struct requests_message message = { .kind = CONTRACT_TUNNEL, .id = tunnel->id };

	slot_delete_all(tunnel);
	if (tunnel->id) {
		map_del(&tunnel->all->by_id, &tunnel->id, sizeof(tunnel->id));
		route_speaker_delete(tunnel->all->route, tunnel->id);
		bundle_update(tunnel->all, tunnel->id);
		desired_delete(desired, &message);
		desired_id_put(desired, CONTRACT_TUNNEL, tunnel->id);
	}
	route_nexthop_put(tunnel->all->route, tunnel->nexthop);
	tunnel->nexthop = tunnel->id = 0;
}
