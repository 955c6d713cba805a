/*
 * NAT rules of a gateway. What only shows when a connection refers to a rule (one dynamic rule
 * each, no mixing, not with policy selectors) is checked there once that is built.
 */
#include "control/config/check.h"

#include "control/config/network.h"
#include "control/config/schema.h"

#include <string.h>
#include <strings.h>

#define RULE "/properties/natRules/#"
#define EXTERNAL RULE "/properties/externalMappings/0"
#define DYNAMIC_SHORTEST 26

/* False: it has none, or they are wrong, and that has been told. */
static bool ports_of(const struct config_nat_mapping *mapping, struct schema_ports *ports)
{
	return mapping->port_range && schema_port_range(mapping->port_range, ports);
}

static unsigned long port_count(const struct config_nat_mapping *mapping)
{
	struct schema_ports ports;

	return ports_of(mapping, &ports) ? ports.high - ports.low + 1 : 0;
}

static void check_sizes(struct check *check, const struct config_gateway *gateway, uint32_t i)
{
	const struct config_nat_rule *rule = &gateway->nat_rules.items[i];
	const struct config_nat_mapping *before = rule->internal.items;
	const struct config_nat_mapping *after = rule->external.items;
	const struct config_resource *resource = &gateway->resource;
	bool dynamic = rule->type == CONFIG_NAT_DYNAMIC;

	if (before->space.addr.family != after->space.addr.family)
		check_fail(check, AT(resource, EXTERNAL "/addressSpace", i), CODE_PARAMETER,
			   "Must be of the same family as the internal one.");
	else if (!dynamic && before->space.length != after->space.length)
		check_fail(check, AT(resource, EXTERNAL "/addressSpace", i), CODE_PARAMETER,
			   "A static rule needs prefixes of the same length: the internal one is a "
			   "/%u.",
			   before->space.length);
	if (dynamic &&
	    (after->space.addr.family != NET_IP4 || after->space.length < DYNAMIC_SHORTEST))
		check_fail(check, AT(resource, EXTERNAL "/addressSpace", i), CODE_PARAMETER,
			   "A dynamic rule takes an IPv4 /%u or smaller.", DYNAMIC_SHORTEST);
	if (dynamic && (before->port_range || after->port_range))
		check_fail(check, AT(resource, EXTERNAL "/portRange", i), CODE_PARAMETER,
			   "Only static rules have port ranges.");
	else if (port_count(before) != port_count(after))
		check_fail(check, AT(resource, EXTERNAL "/portRange", i), CODE_PARAMETER,
			   "Must have as many ports as that of the internal mapping: %lu.",
			   port_count(before));
}

static bool ports_overlap(const struct config_nat_mapping *a, const struct config_nat_mapping *b)
{
	struct schema_ports x, y;

	if (!ports_of(a, &x) || !ports_of(b, &y))
		return true;
	return x.low <= y.high && y.low <= x.high;
}

/* Two instances may translate to the same addresses: a flow is at one of them. */
static bool same_place(const struct config_nat_rule *a, const struct config_nat_rule *b)
{
	return a->mode == b->mode && (!a->ip_configuration.key || !b->ip_configuration.key ||
				      !strcmp(a->ip_configuration.key, b->ip_configuration.key));
}

static void check_pair(struct check *check, const struct config_gateway *gateway, uint32_t i,
		       uint32_t k)
{
	const struct config_nat_rule *rule = &gateway->nat_rules.items[i];
	const struct config_nat_rule *other = &gateway->nat_rules.items[k];
	const struct config_nat_mapping *a = rule->external.items, *b = other->external.items;

	if (!strcasecmp(rule->name, other->name))
		check_fail(check, AT(&gateway->resource, RULE "/name", i), CODE_NAME_TAKEN,
			   "There is already a NAT rule %s.", other->name);
	else if (same_place(rule, other) && net_prefix_overlaps(&a->space, &b->space) &&
		 ports_overlap(a, b))
		check_fail(check, AT(&gateway->resource, EXTERNAL "/addressSpace", i), CODE_OVERLAP,
			   "Overlaps that of NAT rule %s.", other->name);
}

static void check_rule(struct check *check, const struct config_gateway *gateway, uint32_t i)
{
	const struct config_nat_rule *rule = &gateway->nat_rules.items[i];
	const struct config_virtual_network *network =
		config_gateway_network(check->config, gateway);
	const struct config_resource *resource = &gateway->resource;
	const char *own = rule->ip_configuration.key;

	check_sizes(check, gateway, i);
	if (!own && gateway->active_active)
		check_fail(
			check, AT(resource, RULE "/properties/ipConfigurationId", i), CODE_CONTENT,
			"Is missing: on an active-active gateway a rule belongs to one instance.");
	if (own && (strncmp(own, resource->key, strlen(resource->key)) ||
		    own[strlen(resource->key)] != '/'))
		check_fail(check, AT(resource, RULE "/properties/ipConfigurationId", i),
			   CODE_REFERENCE, "Is not an IP configuration of this gateway.");
	for (uint32_t k = 0; network && k < network->prefixes.count; k++)
		if (net_prefix_overlaps(&rule->external.items->space, &network->prefixes.items[k]))
			check_fail(check, AT(resource, EXTERNAL "/addressSpace", i), CODE_OVERLAP,
				   "Overlaps the address space of virtual network %s.",
				   network->resource.name);
	for (uint32_t k = 0; k < i; k++)
		check_pair(check, gateway, i, k);
}

void check_nat_rules(struct check *check)
{
	for (uint32_t g = 0; g < config_count(check->config, CONFIG_GATEWAY); g++) {
		const struct config_gateway *gateway = config_gateway_at(check->config, g);

		for (uint32_t i = 0; i < gateway->nat_rules.count; i++)
			check_rule(check, gateway, i);
	}
}
