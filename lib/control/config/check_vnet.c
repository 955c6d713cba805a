/*
 * Vnet2Vnet: a connection on each of two gateways, which are of two appliances. Both can be given
 * one file: a gateway is an appliance's when its addresses are on a port there.
 */
#include "control/config/check.h"

#include "control/config/list.h"

#include <stdlib.h>
#include <string.h>

static const struct config_gateway *user_of(const struct check *check,
					    const struct config_public_ip *ip, uint32_t *index)
{
	for (uint32_t g = 0; g < config_count(check->config, CONFIG_GATEWAY); g++) {
		const struct config_gateway *gateway = config_gateway_at(check->config, g);

		*index = g;
		for (uint32_t i = 0; i < gateway->ip_configurations.count; i++) {
			const char *key = gateway->ip_configurations.items[i].public_ip.key;

			if (key && !strcmp(key, ip->resource.key))
				return gateway;
		}
	}
	return NULL;
}

static bool index_of(const struct check *check, const struct config_ref *ref, uint32_t *index)
{
	bool found = false;

	if (ref->key)
		*index = config_list_find(&check->config->lists[CONFIG_GATEWAY], ref->key, &found);
	return found;
}

/* One more hop from the gateways that are reached; false: there is none. */
static bool reach_further(const struct check *check, bool *reached)
{
	bool further = false;

	for (uint32_t i = 0; i < config_count(check->config, CONFIG_CONNECTION); i++) {
		const struct config_connection *c = config_connection_at(check->config, i);
		uint32_t a, b;

		if (c->type != CONFIG_CONNECTION_VNET2VNET || !index_of(check, &c->gateway, &a) ||
		    !index_of(check, &c->other_gateway, &b) || reached[a] == reached[b])
			continue;
		reached[a] = reached[b] = further = true;
	}
	return further;
}

/* Vnet2Vnet connections lead from a gateway of ours to this one, maybe by others. */
static bool is_reached(const struct check *check, uint32_t index)
{
	uint32_t count = config_count(check->config, CONFIG_GATEWAY);
	bool *reached = calloc(count, sizeof(*reached));
	bool is;

	if (!reached)
		return false;
	for (uint32_t g = 0; g < count; g++)
		reached[g] =
			config_gateway_is_ours(check->config, config_gateway_at(check->config, g));
	while (!reached[index] && reach_further(check, reached))
		;
	is = reached[index];
	free(reached);
	return is;
}

static bool has_connection(const struct check *check, const struct config_gateway *gateway)
{
	for (uint32_t i = 0; i < config_count(check->config, CONFIG_CONNECTION); i++)
		if (check->gateways[i] == gateway)
			return true;
	return false;
}

enum check_whose check_vnet_whose(const struct check *check, const struct config_public_ip *ip)
{
	uint32_t index;
	const struct config_gateway *gateway = user_of(check, ip, &index);

	if (!gateway)
		return CHECK_NOBODYS;
	if (config_gateway_is_ours(check->config, gateway))
		return CHECK_OURS;
	if (is_reached(check, index))
		return CHECK_ANOTHERS;
	return has_connection(check, gateway) ? CHECK_OURS : CHECK_NOBODYS;
}

/* What the other side says of the same tunnels, when it is in the file. */
static const struct config_connection *way_back(const struct check *check,
						const struct config_connection *connection)
{
	for (uint32_t i = 0; i < config_count(check->config, CONFIG_CONNECTION); i++) {
		const struct config_connection *c = config_connection_at(check->config, i);

		if (c->type == CONFIG_CONNECTION_VNET2VNET && c->gateway.key &&
		    c->other_gateway.key &&
		    !strcmp(c->gateway.key, connection->other_gateway.key) &&
		    !strcmp(c->other_gateway.key, connection->gateway.key))
			return c;
	}
	return NULL;
}

/* Before it, to the same gateway. */
static const struct config_connection *twin(const struct check *check,
					    const struct config_connection *connection)
{
	for (uint32_t i = 0; i < config_count(check->config, CONFIG_CONNECTION); i++) {
		const struct config_connection *c = config_connection_at(check->config, i);

		if (c == connection)
			break;
		if (c->type == CONFIG_CONNECTION_VNET2VNET && c->gateway.key &&
		    c->other_gateway.key && !strcmp(c->gateway.key, connection->gateway.key) &&
		    !strcmp(c->other_gateway.key, connection->other_gateway.key))
			return c;
	}
	return NULL;
}

static bool keys_differ(const struct config_connection *a, const struct config_connection *b)
{
	return a->shared_key.n != b->shared_key.n ||
	       !secret_equal(a->shared_key.p, b->shared_key.p, a->shared_key.n);
}

void check_vnet_connection(struct check *check, const struct config_connection *connection,
			   const struct config_gateway *gateway)
{
	const struct config_resource *resource = &connection->resource;
	const struct config_gateway *other =
		config_gateway_find(check->config, &connection->other_gateway);
	const struct config_connection *before;
	const struct config_connection *back;

	if (connection->type != CONFIG_CONNECTION_VNET2VNET || !other || other == gateway)
		return;
	/* Its networks share one table of routes: what is sent between them needs no tunnel. */
	if (config_gateway_is_ours(check->config, gateway) &&
	    config_gateway_is_ours(check->config, other))
		check_not_built(check, AT(resource, "/properties/virtualNetworkGateway2"),
				"A tunnel between two gateways of one appliance is not built; "
				"give %s an appliance of its own.",
				other->resource.name);
	if (connection->enable_bgp && !other->enable_bgp)
		check_fail(check, AT(resource, "/properties/enableBgp"), CODE_PARAMETER,
			   "Needs enableBgp on gateway %s.", other->resource.name);
	else if (connection->enable_bgp && config_gateway_asn(gateway) == config_gateway_asn(other))
		check_fail(check, AT(resource, "/properties/enableBgp"), CODE_PARAMETER,
			   "%s has the AS number of the gateway; sessions are external only.",
			   other->resource.name);
	before = twin(check, connection);
	if (before)
		check_fail(check, AT(resource, "/properties/virtualNetworkGateway2"),
			   "VirtualNetworkGatewayConnectionAlreadyExists",
			   "Connection %s joins the two gateways already.", before->resource.name);
	back = way_back(check, connection);
	if (back && keys_differ(connection, back))
		check_warn(check, AT(resource, "/properties/sharedKey"),
			   "Is not that of %s, the connection of the other side.",
			   back->resource.name);
}
