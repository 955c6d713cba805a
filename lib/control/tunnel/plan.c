#include "control/tunnel/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool gateway_is_ours(const struct config *config, const struct config_gateway *gateway)
{
	for (uint32_t i = 0; i < gateway->ip_configurations.count; i++) {
		const struct config_public_ip *ip = config_public_ip_find(
			config, &gateway->ip_configurations.items[i].public_ip);

		if (ip && (ip->port || config_appliance_port_of(config_appliance(config),
								config_public_ip_local(ip))))
			return true;
	}
	return false;
}

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
static void ids_set(struct plan_tunnel *t, const struct net_addr *peer)
{
	const struct config_connection *c = t->connection;
	bool certificate = c->authentication == CONFIG_AUTH_CERTIFICATE;
	char text[NET_ADDR_TEXT];

	if (c->local_id)
		snprintf(t->local_id, sizeof(t->local_id), "%s", c->local_id);
	else
		snprintf(t->local_id, sizeof(t->local_id), "%s",
			 certificate ? "*" : net_addr_text(text, &t->public_ip->address));
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

static int tunnel_add(struct plan *plan, struct plan_connection *c, struct plan_tunnel *tunnel)
{
	struct plan_tunnel *grown =
		reallocarray(plan->tunnels, plan->tunnel_count + 1, sizeof(*grown));
	int rc;

	if (!grown)
		return -ENOMEM;
	plan->tunnels = grown;
	ids_set(tunnel, &tunnel->remote);
	rc = tunnel_name(tunnel);
	if (rc < 0)
		return rc;
	plan->tunnels[plan->tunnel_count++] = *tunnel;
	c->tunnel_count++;
	return 0;
}

/* One of our addresses to each address of the peer. */
static int tunnels_from(struct plan *plan, struct plan_connection *c, struct plan_tunnel *tunnel)
{
	const struct config_local_gateway *site =
		config_local_gateway_find(plan->config, &c->connection->local_gateway);
	const struct config_gateway *other =
		config_gateway_find(plan->config, &c->connection->other_gateway);
	int rc = 0;

	if (site) {
		tunnel->remote = site->address;
		tunnel->fqdn = site->fqdn;
		return tunnel_add(plan, c, tunnel);
	}
	for (uint32_t i = 0; rc == 0 && other && i < other->ip_configurations.count; i++) {
		const struct config_public_ip *ip = config_public_ip_find(
			plan->config, &other->ip_configurations.items[i].public_ip);

		if (!ip)
			continue;
		tunnel->remote = ip->address;
		rc = tunnel_add(plan, c, tunnel);
	}
	return rc;
}

static int tunnels_make(struct plan *plan, struct plan_connection *c)
{
	uint32_t instances = c->gateway->active_active ? c->gateway->ip_configurations.count : 1;
	int rc = 0;

	c->first_tunnel = plan->tunnel_count;
	for (uint32_t i = 0; rc == 0 && i < instances && i < c->gateway->ip_configurations.count;
	     i++) {
		struct plan_tunnel tunnel = { .instance = i,
					      .connection = c->connection,
					      .gateway = c->gateway };

		tunnel.public_ip = config_public_ip_find(
			plan->config, &c->gateway->ip_configurations.items[i].public_ip);
		if (!tunnel.public_ip)
			continue;
		tunnel.local = *config_public_ip_local(tunnel.public_ip);
		rc = tunnels_from(plan, c, &tunnel);
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
		const struct config_peering *peering = &hub->peerings.items[i];
		const struct config_virtual_network *spoke =
			config_virtual_network_find(config, &peering->remote);
		bool uses = false;

		for (uint32_t k = 0; spoke && k < spoke->peerings.count; k++)
			uses |= spoke->peerings.items[k].use_remote_gateways &&
				!strcmp(spoke->peerings.items[k].remote.key, hub->resource.key);
		if (uses && peering->allow_gateway_transit)
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

/* What lies behind the peer. */
static int prefixes_set(struct plan_connection *c, const struct config *config)
{
	const struct config_local_gateway *site =
		config_local_gateway_find(config, &c->connection->local_gateway);
	const struct config_gateway *other =
		config_gateway_find(config, &c->connection->other_gateway);
	const struct config_virtual_network *there =
		other ? config_gateway_network(config, other) : NULL;
	const char *by_default = c->gateway->default_site.key;
	int rc = 0;

	if (site)
		rc = prefixes_add(c, site->prefixes.items, site->prefixes.count);
	else if (there)
		rc = network_add(c, config, there);
	if (rc == 0 && site && by_default && !strcmp(by_default, site->resource.key))
		rc = default_add(c);
	return rc;
}

static int connection_make(struct plan *plan, const struct config_connection *connection)
{
	const struct config_gateway *gateway =
		config_gateway_find(plan->config, &connection->gateway);
	struct plan_connection *c = &plan->connections[plan->connection_count];
	int rc;

	if (!gateway || !gateway_is_ours(plan->config, gateway))
		return 0;
	if (connection->type != CONFIG_CONNECTION_IPSEC &&
	    connection->type != CONFIG_CONNECTION_VNET2VNET)
		return 0;
	plan->connection_count++;
	c->connection = connection;
	c->gateway = gateway;
	rc = prefixes_set(c, plan->config);
	if (rc == 0)
		rc = children_make(c, plan->config);
	return rc < 0 ? rc : tunnels_make(plan, c);
}

int plan_make(struct plan *plan, const struct config *config, char *why, size_t why_size)
{
	uint32_t count = config_count(config, CONFIG_CONNECTION);
	int rc = 0;

	memset(plan, 0, sizeof(*plan));
	plan->config = config_get(config);
	plan->connections = calloc(count ? count : 1, sizeof(*plan->connections));
	if (!plan->connections)
		rc = -ENOMEM;
	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		const struct config_connection *connection = config_connection_at(config, i);

		rc = connection_make(plan, connection);
		if (rc == -EINVAL)
			snprintf(why, why_size,
				 "connection %s: its prefixes give no pair of selectors, or more "
				 "than %u",
				 connection->resource.name, PLAN_PAIRS_MAX);
	}
	if (rc < 0)
		plan_fini(plan);
	return rc;
}

void plan_fini(struct plan *plan)
{
	for (uint32_t i = 0; i < plan->connection_count; i++) {
		struct plan_connection *c = &plan->connections[i];

		for (uint32_t k = 0; c->children && k < c->child_count; k++) {
			free(c->children[k].local);
			free(c->children[k].remote);
		}
		free(c->children);
		free(c->prefixes);
	}
	for (uint32_t i = 0; i < plan->tunnel_count; i++)
		free(plan->tunnels[i].name);
	free(plan->connections);
	free(plan->tunnels);
	config_put(plan->config);
	memset(plan, 0, sizeof(*plan));
}
