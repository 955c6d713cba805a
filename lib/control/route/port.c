#include "control/route/port.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

#define TOPIC "route"
/* Tables and rule priorities of ports, out of the way of an administrator's. */
#define TABLE_BASE 7600

struct port *port_by_name(struct port_table *table, const char *name, bool create)
{
	for (uint32_t i = 0; i < table->count; i++)
		if (!strcmp(table->ports[i].wanted.name, name))
			return &table->ports[i];
	if (!create || table->count == PORTS_MAX)
		return NULL;
	memset(&table->ports[table->count], 0, sizeof(struct port));
	snprintf(table->ports[table->count].wanted.name, CONTRACT_NAME, "%s", name);
	return &table->ports[table->count++];
}

struct port *port_by_id(struct port_table *table, uint32_t id)
{
	for (uint32_t i = 0; i < table->count; i++)
		if (table->ports[i].id == id && table->ports[i].is.name[0])
			return &table->ports[i];
	return NULL;
}

struct port *port_by_ifindex(struct port_table *table, int ifindex)
{
	for (uint32_t i = 0; i < table->count; i++)
		if (table->ports[i].ifindex == ifindex)
			return &table->ports[i];
	return NULL;
}

const struct port *port_by_address(const struct port_table *table, const struct net_addr *addr,
				   const struct route_address **entry)
{
	for (uint32_t i = 0; i < table->count; i++) {
		const struct route_port_config *wanted = &table->ports[i].wanted;

		for (uint8_t a = 0; a < wanted->address_count; a++)
			if (net_addr_equal(&wanted->addresses[a].addr, addr)) {
				*entry = &wanted->addresses[a];
				return &table->ports[i];
			}
	}
	return NULL;
}

bool port_reaches(const struct port *port, const struct route_address *entry,
		  const struct net_addr *remote)
{
	for (uint8_t i = 0; i < port->wanted.address_count; i++) {
		const struct route_address *own = &port->wanted.addresses[i];
		struct net_prefix on_link = net_prefix_of(&own->addr, own->length);

		if ((!entry || entry == own) && net_prefix_contains(&on_link, remote))
			return true;
	}
	return false;
}

bool port_address_seen(struct port *port, const struct net_addr *addr, bool gone)
{
	uint32_t was = port->present;

	for (uint8_t i = 0; i < port->wanted.address_count; i++) {
		if (!net_addr_equal(&port->wanted.addresses[i].addr, addr))
			continue;
		if (gone)
			port->present &= ~(1u << i);
		else
			port->present |= 1u << i;
	}
	return port->present != was;
}

static bool *disabled_of(struct port_table *table, int ifindex)
{
	struct port *port = port_by_ifindex(table, ifindex);

	for (uint32_t i = 0; i < table->tunnel_count; i++)
		if ((int)table->tunnels[i].is.ifindex == ifindex)
			return &table->tunnels[i].disabled;
	return port ? &port->disabled : NULL;
}

bool port_link_seen(struct port_table *table, const struct netlink_link *link, bool gone)
{
	bool *disabled = disabled_of(table, link->ifindex);
	bool was = disabled && *disabled;

	if (disabled)
		*disabled = !gone && !link->enabled;
	return was && !gone && link->enabled;
}

static void mirror_listed(struct port_table *table, const struct contract_mirror *mirror,
			  const struct contract_object *object)
{
	uint32_t id = object->id;

	if (!mirror->port) {
		if (table->tunnel_count < PORTS_MAX)
			table->tunnels[table->tunnel_count++] =
				(struct tunnel_mirror){ *mirror, id, object->domain, false };
		return;
	}
	for (uint32_t i = 0; i < table->count; i++)
		if (table->ports[i].is.name[0] && table->ports[i].id == mirror->port) {
			table->ports[i].mirror = id;
			table->ports[i].ifindex = (int)mirror->ifindex;
		}
}

void port_listed(struct port_table *table, const struct contract_header *message)
{
	const struct contract_object *object = contract_object_of(message);
	const struct contract_port *listed = contract_body_of(message);
	char name[CONTRACT_NAME];
	struct port *port;

	if (object->kind == CONTRACT_MIRROR) {
		mirror_listed(table, contract_body_of(message), object);
		return;
	}
	snprintf(name, sizeof(name), "%.*s", CONTRACT_NAME - 1, listed->name);
	port = port_by_name(table, name, true);
	if (!port) {
		log_error(TOPIC, "more than %u ports; port=%s is not managed", PORTS_MAX, name);
		return;
	}
	port->is = *listed;
	port->id = object->id;
	if (!port->mirror)
		port->mirror = listed->mirror;
}

static bool wants(const struct route_port_config *config, const struct route_address *address)
{
	for (uint8_t i = 0; i < config->address_count; i++)
		if (net_addr_equal(&config->addresses[i].addr, &address->addr) &&
		    config->addresses[i].length == address->length)
			return true;
	return false;
}

static void address_write(struct netlink *netlink, const struct port *port, uint32_t table,
			  const struct route_address *address, bool add)
{
	struct netlink_address a = { port->ifindex, address->addr, address->length };

	netlink_address_set(netlink, &a, add);
	netlink_rule_set(netlink, &address->addr, table, add);
}

static void gateway_write(struct netlink *netlink, const struct port *port, uint32_t table,
			  const struct net_addr *gateway)
{
	struct netlink_route_spec spec = { .table = table,
					   .gateway = *gateway,
					   .ifindex = port->ifindex };

	if (!gateway->family)
		return;
	spec.prefix.addr.family = gateway->family;
	netlink_route_set(netlink, &spec, true);
}

void port_apply(struct netlink *netlink, const struct port_table *table, const struct port *port,
		const struct route_port_config *before)
{
	uint32_t number = TABLE_BASE + (uint32_t)(port - table->ports);

	if (!port->ifindex)
		return;
	for (uint8_t i = 0; before && i < before->address_count; i++)
		if (!wants(&port->wanted, &before->addresses[i]))
			address_write(netlink, port, number, &before->addresses[i], false);
	if (!port->wanted.address_count)
		return;
	netlink_link_set(netlink, port->ifindex, true);
	for (uint8_t i = 0; i < port->wanted.address_count; i++)
		address_write(netlink, port, number, &port->wanted.addresses[i], true);
	gateway_write(netlink, port, number, &port->wanted.gateway4);
	gateway_write(netlink, port, number, &port->wanted.gateway6);
}
