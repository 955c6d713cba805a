/*
 * What lies behind a gateway must lie behind one place of it. Everything is put in one array,
 * sorted by gateway and prefix; two prefixes overlap only when one is inside the other, so that one
 * pass with the last outer prefix finds all. 10,000 sites take a few milliseconds.
 */
#include "control/config/check.h"

#include "control/config/network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct claim {
	const struct config_gateway *gateway; /* NULL: it is missing, and told elsewhere */
	struct net_prefix prefix;
	struct net_addr address; /* of a site, for the second sort */
	const struct config_resource *owner;
	const struct config_connection *connection; /* NULL: here, not behind a tunnel */
	uint32_t index;
	bool shared;
	bool network; /* the owner is one: the gateway's, one that uses it, or of Vnet2Vnet */
};

struct claims {
	struct claim *items;
	size_t count;
};

typedef void (*claim_each)(struct claims *claims, const struct claim *claim);

static void claim_count(struct claims *claims, const struct claim *claim)
{
	claims->count++;
}

static void claim_add(struct claims *claims, const struct claim *claim)
{
	/* A default route is inside nothing and around everything: longest prefix decides. */
	if (claim->prefix.length)
		claims->items[claims->count++] = *claim;
}

static void network_claims(struct claims *claims, claim_each each, struct claim claim,
			   const struct config_virtual_network *network)
{
	claim.owner = &network->resource;
	claim.network = true;
	for (claim.index = 0; claim.index < network->prefixes.count; claim.index++) {
		claim.prefix = network->prefixes.items[claim.index];
		each(claims, &claim);
	}
}

/* A gateway's network, and those that use it. */
static void hub_claims(struct claims *claims, claim_each each, struct claim claim,
		       const struct config *config, const struct config_gateway *gateway)
{
	const struct config_virtual_network *hub = config_gateway_network(config, gateway);

	if (!hub)
		return;
	network_claims(claims, each, claim, hub);
	for (uint32_t i = 0; i < hub->peerings.count; i++) {
		const struct config_virtual_network *spoke =
			config_virtual_network_find(config, &hub->peerings.items[i].remote);

		if (spoke && spoke != hub && config_is_spoke(spoke, hub))
			network_claims(claims, each, claim, spoke);
	}
}

static void collect(struct claims *claims, const struct check *check, claim_each each)
{
	const struct config *config = check->config;

	for (uint32_t i = 0; i < config_count(config, CONFIG_GATEWAY); i++) {
		const struct config_gateway *gateway = config_gateway_at(config, i);

		hub_claims(claims, each, (struct claim){ .gateway = gateway }, config, gateway);
	}
	for (uint32_t i = 0; i < config_count(config, CONFIG_CONNECTION); i++) {
		const struct config_connection *connection = config_connection_at(config, i);
		const struct config_local_gateway *site = check->sites[i];
		const struct config_gateway *other =
			config_gateway_find(config, &connection->other_gateway);
		struct claim claim = { .gateway = check->gateways[i], .connection = connection };

		if (other && other != claim.gateway)
			hub_claims(claims, each, claim, config, other);
		for (uint32_t k = 0; site && k < site->prefixes.count; k++) {
			claim.prefix = site->prefixes.items[k];
			claim.owner = &site->resource;
			claim.shared = site->shared_prefixes;
			claim.index = k;
			each(claims, &claim);
		}
	}
}

static int by_prefix(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = (x->gateway > y->gateway) - (x->gateway < y->gateway);

	if (!order)
		order = x->prefix.addr.family - y->prefix.addr.family;
	if (!order)
		order = memcmp(x->prefix.addr.bytes, y->prefix.addr.bytes, 16);
	if (!order)
		order = x->prefix.length - y->prefix.length;
	return order ? order : strcmp(x->owner->key, y->owner->key);
}

static struct check_place place_of(const struct claim *claim)
{
	struct check_place place = { .resource = claim->owner, .index = claim->index };

	if (claim->network && claim->connection) {
		place.resource = &claim->connection->resource;
		place.path = "/properties/virtualNetworkGateway2";
	} else if (claim->network) {
		place.path = "/properties/addressSpace/addressPrefixes/#";
	} else {
		place.path = "/properties/localNetworkAddressSpace/addressPrefixes/#";
	}
	return place;
}

static void report_overlap(struct check *check, const struct claim *outer,
			   const struct claim *inner)
{
	const struct claim *at = inner->connection ? inner : outer;
	const struct claim *other = at == inner ? outer : inner;
	const struct check_place place = place_of(at);
	char text[NET_PREFIX_TEXT];
	char with[NET_PREFIX_TEXT];

	if (outer->shared && inner->shared)
		return;
	if (outer->owner == inner->owner && outer->index == inner->index)
		return; /* two connections to one place are reported as such */
	check_fail(check, &place, CODE_OVERLAP, "%s overlaps %s of %s behind the same gateway.%s",
		   net_prefix_text(text, &at->prefix), net_prefix_text(with, &other->prefix),
		   other->owner->name,
		   at->connection && other->connection && !at->network && !other->network
			   ? " Two ways to the same place need sharedPrefixes on both."
			   : "");
}

static void sweep(struct check *check, struct claims *claims)
{
	const struct claim *outer = NULL;

	qsort(claims->items, claims->count, sizeof(*claims->items), by_prefix);
	for (size_t i = 0; i < claims->count; i++) {
		const struct claim *claim = &claims->items[i];

		if (outer && outer->gateway == claim->gateway &&
		    net_prefix_covers(&outer->prefix, &claim->prefix))
			report_overlap(check, outer, claim);
		else
			outer = claim;
	}
}

/* Connections of one gateway by the address of their site. */
static int by_site_address(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = (x->gateway > y->gateway) - (x->gateway < y->gateway);

	if (!order)
		order = net_addr_compare(&x->address, &y->address);
	return order ? order : strcmp(x->connection->resource.key, y->connection->resource.key);
}

/* Behind one NAT: told apart by what they call themselves and how they prove it. */
static bool told_apart(const struct config_connection *one, const struct config_connection *two)
{
	const char *a = one->remote_id, *b = two->remote_id;

	if (one->authentication != two->authentication)
		return true;
	if (!a && !b && one->certificate && two->certificate) {
		a = one->certificate->subject;
		b = two->certificate->subject;
	}
	return a && b && strcmp(a, b);
}

static void report_same_peer(struct check *check, const struct claim *a, const struct claim *b)
{
	const struct config_connection *one = a->connection, *two = b->connection;

	if (a->owner == b->owner) {
		check_fail(check, AT(&two->resource, "/properties/localNetworkGateway2"),
			   "VirtualNetworkGatewayConnectionAlreadyExists",
			   "Connection %s joins gateway and site already.", one->resource.name);
		return;
	}
	if (told_apart(one, two))
		return;
	check_fail(check, AT(b->owner, "/properties/gatewayIpAddress"), CODE_PARAMETER,
		   "Is the address of %s already; connections %s and %s of one gateway could not "
		   "be told apart but by remoteId, or by the subjects of certificates.",
		   a->owner->name, one->resource.name, two->resource.name);
}

static int check_peers(struct check *check)
{
	uint32_t count = config_count(check->config, CONFIG_CONNECTION), n = 0;
	struct claim *items = calloc(count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const struct config_connection *connection = config_connection_at(check->config, i);
		const struct config_local_gateway *site = check->sites[i];

		if (site && site->address.family != NET_NONE)
			items[n++] = (struct claim){ .gateway = check->gateways[i],
						     .address = site->address,
						     .owner = &site->resource,
						     .connection = connection };
	}
	qsort(items, n, sizeof(*items), by_site_address);
	for (uint32_t i = 1; i < n; i++)
		if (items[i - 1].gateway == items[i].gateway &&
		    net_addr_equal(&items[i - 1].address, &items[i].address))
			report_same_peer(check, &items[i - 1], &items[i]);
	free(items);
	return 0;
}

int check_overlaps(struct check *check)
{
	struct claims claims = { 0 };

	collect(&claims, check, claim_count);
	claims.items = calloc(claims.count + 1, sizeof(*claims.items));
	if (!claims.items)
		return -ENOMEM;
	claims.count = 0;
	collect(&claims, check, claim_add);
	sweep(check, &claims);
	free(claims.items);
	return check_peers(check);
}
