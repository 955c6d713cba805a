#include "control/tunnel/plan.h"
#include "control/tunnel/plan_bgp.h"

#include "control/config/diff.h"
#include "control/config/resource.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool any_ip6(const struct net_prefix *prefixes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (prefixes[i].addr.family == NET_IP6)
			return true;
	return false;
}

static int child_alloc(struct plan_child *child, uint32_t local_count, uint32_t remote_count)
{
	child->local = calloc(local_count, sizeof(*child->local));
	child->remote = calloc(remote_count, sizeof(*child->remote));
	child->local_count = local_count;
	child->remote_count = remote_count;
	return child->local && child->remote ? 0 : -ENOMEM;
}

static int children_alloc(struct plan_connection *c, uint32_t count)
{
	c->children = calloc(count, sizeof(*c->children));
	if (!c->children)
		return -ENOMEM;
	c->child_count = count;
	return 0;
}

static int children_any(struct plan_connection *c, bool ip6)
{
	uint32_t families = ip6 ? 2 : 1;
	int rc = children_alloc(c, 1);

	if (rc == 0)
		rc = child_alloc(&c->children[0], families, families);
	for (uint32_t i = 0; rc == 0 && i < families; i++)
		c->children[0].local[i] = c->children[0].remote[i] =
			net_selector_any(i ? NET_IP6 : NET_IP4);
	return rc;
}

static int children_of_policies(struct plan_connection *c)
{
	uint32_t count = c->connection->selectors.count;
	int rc = children_alloc(c, count);

	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		const struct config_selector_policy *from = &c->connection->selectors.items[i];
		struct plan_child *child = &c->children[i];

		rc = child_alloc(child, from->local.count, from->remote.count);
		for (uint32_t s = 0; rc == 0 && s < from->local.count; s++)
			child->local[s] = net_selector_of_prefix(&from->local.items[s]);
		for (uint32_t s = 0; rc == 0 && s < from->remote.count; s++)
			child->remote[s] = net_selector_of_prefix(&from->remote.items[s]);
	}
	return rc;
}

static int pair_set(struct plan_child *child, const struct net_prefix *local,
		    const struct net_prefix *remote)
{
	int rc = child_alloc(child, 1, 1);

	if (rc == 0) {
		child->local[0] = net_selector_of_prefix(local);
		child->remote[0] = net_selector_of_prefix(remote);
	}
	return rc;
}

static int children_of_pairs(struct plan_connection *c, const struct config_virtual_network *here)
{
	uint32_t pairs = 0;
	int rc;

	for (uint32_t l = 0; l < here->prefixes.count; l++)
		for (uint32_t r = 0; r < c->prefix_count; r++)
			pairs += here->prefixes.items[l].addr.family == c->prefixes[r].addr.family;
	if (!pairs || pairs > PLAN_PAIRS_MAX)
		return -EINVAL;
	rc = children_alloc(c, pairs);
	pairs = 0;
	for (uint32_t l = 0; rc == 0 && l < here->prefixes.count; l++)
		for (uint32_t r = 0; rc == 0 && r < c->prefix_count; r++)
			if (here->prefixes.items[l].addr.family == c->prefixes[r].addr.family)
				rc = pair_set(&c->children[pairs++], &here->prefixes.items[l],
					      &c->prefixes[r]);
	return rc;
}

static int children_make(struct plan_connection *c, const struct config *config)
{
	const struct config_virtual_network *here = config_gateway_network(config, c->gateway);
	bool ip6 = any_ip6(c->prefixes, c->prefix_count) ||
		   (here && any_ip6(here->prefixes.items, here->prefixes.count));

	if (!c->connection->policy_selectors)
		return children_any(c, ip6);
	if (c->connection->selectors.count)
		return children_of_policies(c);
	return here ? children_of_pairs(c, here) : -EINVAL;
}

/* With certificates both default to what the certificates say. */
static void plan_ids_set(struct plan_tunnel *t, const struct config_public_ip *ours)
{
	const struct config_connection *c = t->connection;
	const struct net_addr *peer = &t->remote;
	bool certificate = c->authentication == CONFIG_AUTH_CERTIFICATE;
	char text[NET_ADDR_TEXT];

	if (c->local_id)
		snprintf(t->local_id, sizeof(t->local_id), "%s", c->local_id);
	else
		snprintf(t->local_id, sizeof(t->local_id), "%s",
			 certificate ? "*"
				     : net_addr_text(text,
						     t->over_circuit ? &t->local : &ours->address));
	if (c->remote_id && strcmp(c->remote_id, "%any"))
		snprintf(t->remote_id, sizeof(t->remote_id), "%s", c->remote_id);
	else if (c->remote_id || certificate)
		snprintf(t->remote_id, sizeof(t->remote_id), "*");
	else if (peer->family)
		snprintf(t->remote_id, sizeof(t->remote_id), "%s", net_addr_text(text, peer));
	else
		snprintf(t->remote_id, sizeof(t->remote_id), "%s", t->fqdn ? t->fqdn : "*");
}

static int tunnel_name(struct plan_tunnel *t)
{
	char local[NET_ADDR_TEXT];
	char remote[NET_ADDR_TEXT] = "any";
	const char *peer = t->fqdn ? t->fqdn : remote;

	if (t->remote.family)
		net_addr_text(remote, &t->remote);
	/* The end of a long key names the connection; the whole is cut at what travels. */
	if (asprintf(&t->name, "%s %s %s", t->connection->resource.name,
		     net_addr_text(local, &t->local), peer) < 0)
		t->name = NULL;
	return t->name ? 0 : -ENOMEM;
}

static int tunnel_add(struct plan_connection *c, struct plan_tunnel *tunnel,
		      const struct config_public_ip *ours)
{
	struct plan_tunnel *grown = reallocarray(c->tunnels, c->tunnel_count + 1, sizeof(*grown));
	int rc;

	if (!grown)
		return -ENOMEM;
	c->tunnels = grown;
	plan_ids_set(tunnel, ours);
	rc = tunnel_name(tunnel);
	if (rc < 0)
		return rc;
	c->tunnels[c->tunnel_count++] = *tunnel;
	return 0;
}

/* One of our addresses to each address of the peer. */
static int tunnels_from(const struct config *config, struct plan_connection *c,
			struct plan_tunnel *tunnel, const struct config_public_ip *ours)
{
	const struct config_gateway *other =
		config_gateway_find(config, &c->connection->other_gateway);
	int rc = 0;

	if (c->site) {
		if (!net_addr_is_any(&c->site->address))
			tunnel->remote = c->site->address;
		tunnel->fqdn = c->site->fqdn;
		plan_bgp_set(tunnel, config, c->site, NULL, 0);
		return tunnel_add(c, tunnel, ours);
	}
	for (uint32_t i = 0; rc == 0 && other && i < other->ip_configurations.count; i++) {
		const struct config_public_ip *ip =
			config_public_ip_find(config, &other->ip_configurations.items[i].public_ip);

		if (!ip)
			continue;
		tunnel->remote = ip->address;
		plan_bgp_set(tunnel, config, NULL, other, i);
		rc = tunnel_add(c, tunnel, ours);
	}
	return rc;
}

static int tunnels_make(const struct config *config, struct plan_connection *c)
{
	uint32_t instances = c->gateway->active_active ? c->gateway->ip_configurations.count : 1;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < instances && i < c->gateway->ip_configurations.count;
	     i++) {
		const struct config_public_ip *ours = config_public_ip_find(
			config, &c->gateway->ip_configurations.items[i].public_ip);
		struct plan_tunnel tunnel = { .instance = i,
					      .connection = c->connection,
					      .gateway = c->gateway };

		if (!ours)
			continue;
		tunnel.local = *config_public_ip_local(ours);
		tunnel.over_circuit = c->connection->use_local_address &&
				      plan_speaker_address(config, c->gateway, i, &tunnel.local);
		rc = tunnels_from(config, c, &tunnel, ours);
	}
	return rc;
}

static int prefixes_add(struct plan_connection *c, const struct net_prefix *prefixes,
			uint32_t count)
{
	struct net_prefix *grown =
		reallocarray(c->prefixes, c->prefix_count + count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	if (count)
		memcpy(grown + c->prefix_count, prefixes, count * sizeof(*grown));
	c->prefixes = grown;
	c->prefix_count += count;
	return 0;
}

/* The networks that use a hub's gateway lie behind it with the hub's own. */
static int network_add(struct plan_connection *c, const struct config *config,
		       const struct config_virtual_network *hub)
{
	int rc = prefixes_add(c, hub->prefixes.items, hub->prefixes.count);

	for (uint32_t i = 0; rc == 0 && i < hub->peerings.count; i++) {
		const struct config_virtual_network *spoke =
			config_virtual_network_find(config, &hub->peerings.items[i].remote);

		if (spoke && config_is_spoke(spoke, hub))
			rc = prefixes_add(c, spoke->prefixes.items, spoke->prefixes.count);
	}
	return rc;
}

/* Forced tunnelling: the default site has everything that nobody else has. */
static int default_add(struct plan_connection *c)
{
	const struct net_prefix all[] = { { .addr.family = NET_IP4 }, { .addr.family = NET_IP6 } };

	return prefixes_add(c, all, any_ip6(c->prefixes, c->prefix_count) ? 2 : 1);
}

/* With BGP the speaker itself is behind the tunnels whether or not a prefix says so. */
static int site_add(struct plan_connection *c, const struct config_local_gateway *site)
{
	struct net_prefix speaker;
	int rc = prefixes_add(c, site->prefixes.items, site->prefixes.count);

	if (rc < 0 || !c->connection->enable_bgp || !site->bgp ||
	    site->bgp->peering_address.family != NET_IP4)
		return rc;
	speaker = net_prefix_of(&site->bgp->peering_address, 32);
	return prefixes_add(c, &speaker, 1);
}

/* What lies behind the peer. */
static int prefixes_set(struct plan_connection *c, const struct config *config)
{
	const struct config_local_gateway *site = c->site;
	const struct config_gateway *other =
		config_gateway_find(config, &c->connection->other_gateway);
	const struct config_virtual_network *there =
		other ? config_gateway_network(config, other) : NULL;
	const char *by_default = c->gateway->default_site.key;
	int rc = 0;

	if (site)
		rc = site_add(c, site);
	else if (there)
		rc = network_add(c, config, there);
	if (rc == 0 && site && by_default && !strcmp(by_default, site->resource.key))
		rc = default_add(c);
	return rc;
}

static void connection_put(struct plan_connection *c)
{
	if (--c->references)
		return;
	for (uint32_t k = 0; c->children && k < c->child_count; k++) {
		free(c->children[k].local);
		free(c->children[k].remote);
	}
	for (uint32_t i = 0; i < c->tunnel_count; i++)
		free(c->tunnels[i].name);
	resource_put(&c->connection->resource);
	resource_put(&c->gateway->resource);
	if (c->site)
		resource_put(&c->site->resource);
	free(c->children);
	free(c->prefixes);
	free(c->tunnels);
	free(c);
}

static int connection_new(struct plan_connection **made, const struct config *config,
			  const struct config_connection *connection,
			  const struct config_gateway *gateway)
{
	struct plan_connection *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	c->references = 1;
	c->connection = connection;
	c->gateway = gateway;
	c->site = config_local_gateway_find(config, &connection->local_gateway);
	resource_get(&connection->resource);
	resource_get(&gateway->resource);
	if (c->site)
		resource_get(&c->site->resource);
	rc = prefixes_set(c, config);
	if (rc == 0)
		rc = children_make(c, config);
	if (rc == 0)
		rc = tunnels_make(config, c);
	if (rc < 0)
		connection_put(c);
	else
		*made = c;
	return rc;
}

/* Of the gateways that are ours, the one that was asked for last: most connections are of one. */
struct known_gateway {
	const char *key;
	const struct config_gateway *ours; /* NULL: it is not */
};

static const struct config_gateway *gateway_of(struct known_gateway *known,
					       const struct config *config,
					       const struct config_connection *connection)
{
	const struct config_gateway *gateway;

	if (known->key && !strcmp(known->key, connection->gateway.key))
		return known->ours;
	gateway = config_gateway_find(config, &connection->gateway);
	known->key = connection->gateway.key;
	known->ours = gateway && config_gateway_is_ours(config, gateway) ? gateway : NULL;
	return known->ours;
}

static bool makes_tunnels(const struct config_connection *connection)
{
	return connection->type == CONFIG_CONNECTION_IPSEC ||
	       connection->type == CONFIG_CONNECTION_VNET2VNET;
}

/* Where we are in what differs and in the plan before: all are in the order of keys. */
struct plan_walk {
	const struct plan *before;
	struct config_diff diff;
	uint32_t difference;
	uint32_t other;
	bool all; /* everything is touched */
	struct known_gateway gateway;
};

static bool is_touched(struct plan_walk *walk, const char *key)
{
	int order = -1;

	while (!walk->all && walk->difference < walk->diff.count) {
		const struct config_difference *item = &walk->diff.items[walk->difference];

		if (item->kind == CONFIG_CONNECTION && item->now) {
			order = strcmp(item->now->key, key);
			if (order >= 0)
				break;
		}
		walk->difference++;
	}
	return walk->all || order == 0;
}

static struct plan_connection *shared(struct plan_walk *walk, const char *key)
{
	const struct plan *before = walk->before;

	for (; walk->other < before->connection_count; walk->other++) {
		struct plan_connection *c = before->connections[walk->other];
		int order = strcmp(c->connection->resource.key, key);

		if (order > 0)
			break;
		if (order == 0)
			return c;
	}
	return NULL;
}

static int walk_init(struct plan_walk *walk, const struct plan *before, const struct config *config)
{
	int rc;

	*walk = (struct plan_walk){ .before = before, .all = !before || !before->config };
	if (walk->all)
		return 0;
	rc = config_diff(&walk->diff, before->config, config);
	/* Kinds come in this order; a network may be the spoke of one that a gateway is in. */
	if (rc == 0 && walk->diff.count && walk->diff.items[0].kind <= CONFIG_VIRTUAL_NETWORK)
		walk->all = true;
	return rc;
}

static int connection_add(struct plan *plan, struct plan_walk *walk,
			  const struct config_connection *connection)
{
	const char *key = connection->resource.key;
	const struct config_gateway *gateway = gateway_of(&walk->gateway, plan->config, connection);
	bool touched = is_touched(walk, key);
	struct plan_connection *c = NULL;
	int rc = 0;

	if (!gateway || !makes_tunnels(connection))
		return 0;
	if (!touched)
		c = shared(walk, key);
	if (c) {
		c->references++;
	} else {
		rc = connection_new(&c, plan->config, connection, gateway);
		if (rc < 0)
			return rc;
		plan->fresh[plan->connection_count] = true;
	}
	plan->connections[plan->connection_count++] = c;
	plan->tunnel_count += c->tunnel_count;
	return 0;
}

int plan_make(struct plan *plan, const struct config *config, const struct plan *before, char *why,
	      size_t why_size)
{
	uint32_t count = config_count(config, CONFIG_CONNECTION);
	struct plan_walk walk;
	int rc = walk_init(&walk, before, config);

	memset(plan, 0, sizeof(*plan));
	if (rc < 0)
		return rc;
	plan->config = config_get(config);
	plan->connections = calloc(count + 1, sizeof(struct plan_connection *));
	plan->fresh = calloc(count + 1, sizeof(*plan->fresh));
	if (!plan->connections || !plan->fresh)
		rc = -ENOMEM;
	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		const struct config_connection *connection = config_connection_at(config, i);

		rc = connection_add(plan, &walk, connection);
		if (rc == -EINVAL)
			snprintf(why, why_size,
				 "connection %s: its prefixes give no pair of selectors, or more "
				 "than %u",
				 connection->resource.name, PLAN_PAIRS_MAX);
	}
	config_diff_fini(&walk.diff);
	if (rc < 0)
		plan_fini(plan);
	return rc;
}

void plan_fini(struct plan *plan)
{
	for (uint32_t i = 0; i < plan->connection_count; i++)
		connection_put(plan->connections[i]);
	free(plan->connections);
	free(plan->fresh);
	config_put(plan->config);
	memset(plan, 0, sizeof(*plan));
}

void plan_number(struct plan *plan)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < plan->connection_count; i++) {
		plan->connections[i]->first_tunnel = next;
		next += plan->connections[i]->tunnel_count;
	}
}

static bool same_paths(const struct plan_connection *a, const struct plan_connection *b)
{
	if (a == b)
		return true;
	if (strcmp(a->connection->resource.key, b->connection->resource.key) != 0 ||
	    a->prefix_count != b->prefix_count || a->tunnel_count != b->tunnel_count ||
	    (a->prefix_count &&
	     memcmp(a->prefixes, b->prefixes, a->prefix_count * sizeof(*a->prefixes)) != 0))
		return false;
	for (uint32_t i = 0; i < a->tunnel_count; i++)
		if (strcmp(a->tunnels[i].name, b->tunnels[i].name) != 0 ||
		    !net_addr_equal(&a->tunnels[i].local, &b->tunnels[i].local) ||
		    !net_addr_equal(&a->tunnels[i].remote, &b->tunnels[i].remote))
			return false;
	return true;
}

bool plan_keeps_paths(const struct plan *before, const struct plan *now)
{
	if (before->connection_count != now->connection_count)
		return false;
	for (uint32_t i = 0; i < now->connection_count; i++)
		if (!same_paths(before->connections[i], now->connections[i]))
			return false;
	return true;
}
