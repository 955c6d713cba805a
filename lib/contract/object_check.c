#include "contract/check.h"

#include <string.h>

/* A row for each kind: what follows the object and how it is judged. */
struct kind_row {
	uint32_t bytes;
	bool by_value;	  /* keyed by the body, id 0 */
	bool listed_only; /* belongs to the data plane */
	uint32_t (*tail_bytes)(const uint8_t *body);
	const char *(*check)(const struct contract_body *body);
	const char *(*check_key)(const uint8_t *body);
};

static bool text_ends(const char *text, size_t size)
{
	return memchr(text, 0, size) != NULL;
}

static bool mac_valid(const uint8_t mac[6])
{
	return !(mac[0] & 1);
}

static const char *check_port(const struct contract_body *b)
{
	const struct contract_port *port = (const void *)b->bytes;

	if (!text_ends(port->name, sizeof(port->name)) ||
	    !text_ends(port->device, sizeof(port->device)))
		return "the port's name does not end";
	if (!port->role || port->role & ~(CONTRACT_PUBLIC | CONTRACT_PRIVATE | CONTRACT_CIRCUIT))
		return "the port's role is unknown";
	if (port->link_up > 1 || port->zero || port->vlan > 4094)
		return "a field of the port is out of range";
	return NULL;
}

static const char *check_mirror(const struct contract_body *b)
{
	const struct contract_mirror *mirror = (const void *)b->bytes;

	if (!text_ends(mirror->interface, sizeof(mirror->interface)))
		return "the mirror's interface name does not end";
	return mirror->zero ? "the mirror's unused field is not zero" : NULL;
}

static const char *check_address_key(const uint8_t *body)
{
	const struct contract_address *address = (const void *)body;

	return contract_addr_valid(&address->addr) ? NULL : "the address is not valid";
}

static const char *check_address(const struct contract_body *b)
{
	return check_address_key(b->bytes);
}

static const char *check_neighbour_key(const uint8_t *body)
{
	const struct contract_neighbour *neighbour = (const void *)body;

	if (!contract_addr_valid(&neighbour->addr))
		return "the neighbour's address is not valid";
	if (!neighbour->port)
		return "the neighbour is on no port";
	return neighbour->zero ? "the neighbour's unused field is not zero" : NULL;
}

static const char *check_neighbour(const struct contract_body *b)
{
	const struct contract_neighbour *neighbour = (const void *)b->bytes;

	if (!mac_valid(neighbour->mac))
		return "the neighbour's MAC address is a multicast one";
	return check_neighbour_key(b->bytes);
}

static const char *check_members(const struct contract_body *b, size_t count)
{
	const struct contract_member *members = (const void *)b->tail;

	for (size_t i = 0; i < count; i++) {
		if (!members[i].id)
			return "a member has no id";
		if (members[i].weight > 256)
			return "a member's weight is above 256";
		if (members[i].zero)
			return "a member's unused field is not zero";
	}
	return NULL;
}

static uint32_t tail_of_nexthop(const uint8_t *body)
{
	const struct contract_nexthop *nexthop = (const void *)body;

	return nexthop->member_count * (uint32_t)sizeof(struct contract_member) +
	       contract_source_count(nexthop) * (uint32_t)sizeof(uint32_t);
}

static const char *check_nexthop_members(const struct contract_body *b)
{
	const struct contract_nexthop *nexthop = (const void *)b->bytes;
	const struct contract_member *members = (const void *)b->tail;

	if (nexthop->kind != CONTRACT_NEXTHOP_ECMP)
		return nexthop->member_count ? "only an ECMP next hop has members" : NULL;
	if (!nexthop->member_count || nexthop->member_count > CONTRACT_MEMBERS_MAX)
		return "an ECMP next hop has 1 to 64 members";
	for (size_t i = 0; i < nexthop->member_count; i++)
		if (members[i].id == b->object->id)
			return "an ECMP next hop is its own member";
	return check_members(b, nexthop->member_count);
}

static const char *check_nexthop_sources(const struct contract_body *b)
{
	const struct contract_nexthop *nexthop = (const void *)b->bytes;
	const struct contract_member *members = (const void *)b->tail;
	const uint32_t *sources = (const void *)(members + nexthop->member_count);

	if (contract_source_count(nexthop) > CONTRACT_SOURCES_MAX)
		return "a next hop has at most 64 sources";
	for (uint32_t i = 0; i < contract_source_count(nexthop); i++)
		if (!sources[i])
			return "a source of the next hop is 0";
	return NULL;
}

static const char *check_nexthop(const struct contract_body *b)
{
	const struct contract_nexthop *nexthop = (const void *)b->bytes;
	bool on_port = nexthop->kind == CONTRACT_NEXTHOP_GATEWAY ||
		       nexthop->kind == CONTRACT_NEXTHOP_CONNECTED;
	bool has_target =
		nexthop->kind == CONTRACT_NEXTHOP_GROUP || nexthop->kind == CONTRACT_NEXTHOP_MIRROR;
	const char *wrong;

	if (nexthop->kind < CONTRACT_NEXTHOP_GATEWAY || nexthop->kind > CONTRACT_NEXTHOP_ECMP)
		return "the next hop's kind is unknown";
	if (nexthop->flags & ~CONTRACT_NEXTHOP_PEERED)
		return "the next hop has a flag that is unknown";
	if (on_port && !nexthop->port)
		return "the next hop is on no port";
	if (has_target && !nexthop->target)
		return "the next hop has no target";
	if (nexthop->kind == CONTRACT_NEXTHOP_GATEWAY
		    ? !contract_addr_valid(&nexthop->gateway)
		    : !contract_zero(&nexthop->gateway, sizeof(nexthop->gateway)))
		return "the next hop's gateway is not valid";
	wrong = check_nexthop_members(b);
	return wrong ? wrong : check_nexthop_sources(b);
}

static uint32_t tail_of_group(const uint8_t *body)
{
	const struct contract_group *group = (const void *)body;

	return group->member_count * (uint32_t)sizeof(struct contract_member);
}

static const char *check_group(const struct contract_body *b)
{
	const struct contract_group *group = (const void *)b->bytes;

	if (group->member_count > CONTRACT_MEMBERS_MAX)
		return "a group has at most 64 members";
	if (!contract_zero(group->zero, sizeof(group->zero)))
		return "the group's unused field is not zero";
	return check_members(b, group->member_count);
}

static const char *check_tunnel(const struct contract_body *b)
{
	const struct contract_tunnel *tunnel = (const void *)b->bytes;
	const uint8_t flags = CONTRACT_TUNNEL_FIXED_DSCP | CONTRACT_TUNNEL_NO_MSS_CLAMP |
			      CONTRACT_TUNNEL_PLAIN_FALLBACK | CONTRACT_TUNNEL_TO_GATEWAY |
			      CONTRACT_TUNNEL_TO_CLIENT;

	if (tunnel->df > CONTRACT_DF_CLEAR)
		return "the tunnel's DF rule is unknown";
	if (tunnel->source_check > CONTRACT_SOURCE_FEASIBLE)
		return "the tunnel's source check is unknown";
	if (tunnel->dscp > 63)
		return "the tunnel's DSCP is above 63";
	return tunnel->flags & ~flags ? "a flag of the tunnel is unknown" : NULL;
}

static uint32_t tail_of_child(const uint8_t *body)
{
	const struct contract_child *child = (const void *)body;

	return ((uint32_t)child->local_count + child->remote_count) *
	       (uint32_t)sizeof(struct net_selector);
}

static const char *check_selector(const struct net_selector *s)
{
	if (!contract_addr_valid(&s->start) || !contract_addr_valid(&s->end) ||
	    net_addr_compare(&s->start, &s->end) > 0 || s->start.family != s->end.family)
		return "a selector's address range is not valid";
	if (!contract_zero(s->zero, sizeof(s->zero)))
		return "a selector's unused field is not zero";
	return NULL;
}

static const char *check_child(const struct contract_body *b)
{
	const struct contract_child *child = (const void *)b->bytes;
	const struct net_selector *selectors = (const void *)b->tail;
	const char *wrong = NULL;

	if (!child->tunnel)
		return "the child belongs to no tunnel";
	if (!child->local_count || !child->remote_count)
		return "the child has no selector on one side";
	if (child->zero)
		return "the child's unused field is not zero";
	for (size_t i = 0; !wrong && i < b->tail_bytes / sizeof(*selectors); i++)
		wrong = check_selector(&selectors[i]);
	return wrong;
}

static const char *check_limit(const struct contract_body *b)
{
	const struct contract_limit *limit = (const void *)b->bytes;

	if (limit->parent && limit->parent == b->object->id)
		return "the limit is its own parent";
	if (limit->direction_sum > 1)
		return "the limit's direction is unknown";
	if (!contract_zero(limit->zero, sizeof(limit->zero)))
		return "the limit's unused field is not zero";
	return NULL;
}

static const char *check_route_key(const uint8_t *body)
{
	const struct net_prefix *prefix =
		&((const struct contract_route *)(const void *)body)->prefix;
	struct net_prefix masked;

	if (!contract_addr_valid(&prefix->addr) || prefix->length > net_addr_len(&prefix->addr) * 8)
		return "the route's prefix is not valid";
	masked = net_prefix_of(&prefix->addr, prefix->length);
	if (!net_addr_equal(&masked.addr, &prefix->addr))
		return "the route's prefix has host bits";
	if (!contract_zero(prefix->zero, sizeof(prefix->zero)))
		return "the prefix's unused field is not zero";
	return NULL;
}

static const char *check_route(const struct contract_body *b)
{
	const struct contract_route *route = (const void *)b->bytes;

	return route->nexthop ? check_route_key(b->bytes) : "the route has no next hop";
}

static const struct kind_row kinds[CONTRACT_KINDS] = {
	[CONTRACT_PORT] = { sizeof(struct contract_port), .listed_only = true,
			    .check = check_port },
	[CONTRACT_MIRROR] = { sizeof(struct contract_mirror), .listed_only = true,
			      .check = check_mirror },
	[CONTRACT_ADDRESS] = { sizeof(struct contract_address), .by_value = true,
			       .check = check_address, .check_key = check_address_key },
	[CONTRACT_NEIGHBOUR] = { sizeof(struct contract_neighbour), .by_value = true,
				 .check = check_neighbour, .check_key = check_neighbour_key },
	[CONTRACT_NEXTHOP] = { sizeof(struct contract_nexthop), .check = check_nexthop,
			       .tail_bytes = tail_of_nexthop },
	[CONTRACT_GROUP] = { sizeof(struct contract_group), .check = check_group,
			     .tail_bytes = tail_of_group },
	[CONTRACT_TUNNEL] = { sizeof(struct contract_tunnel), .check = check_tunnel },
	[CONTRACT_CHILD] = { sizeof(struct contract_child), .check = check_child,
			     .tail_bytes = tail_of_child },
	[CONTRACT_SA] = { sizeof(struct contract_sa), .check = contract_sa_check },
	[CONTRACT_LIMIT] = { sizeof(struct contract_limit), .check = check_limit },
	[CONTRACT_ROUTE] = { sizeof(struct contract_route), .by_value = true, .check = check_route,
			     .check_key = check_route_key },
};

uint32_t contract_body_bytes(enum contract_kind kind)
{
	return (unsigned)kind < CONTRACT_KINDS ? kinds[kind].bytes : 0;
}

uint32_t contract_tail_bytes(enum contract_kind kind, const void *body)
{
	return kinds[kind].tail_bytes ? kinds[kind].tail_bytes(body) : 0;
}

const uint8_t *contract_opaque_of(const struct contract_header *message)
{
	enum contract_kind kind = contract_object_of(message)->kind;
	const uint8_t *body = contract_body_of(message);

	return body + kinds[kind].bytes + contract_tail_bytes(kind, body);
}

/* Room for the object and the fields that all objects have. */
static const char *check_head(const struct contract_header *m)
{
	const struct contract_object *object = contract_object_of(m);

	if (m->length < sizeof(*m) + sizeof(*object))
		return "the message is too short for an object";
	if (!contract_body_bytes(object->kind))
		return "the object's kind is unknown";
	return object->zero ? "the object's unused field is not zero" : NULL;
}

static const char *check_id(const struct contract_header *m)
{
	const struct contract_object *object = contract_object_of(m);
	const struct kind_row *row = &kinds[object->kind];

	if (m->type != CONTRACT_OBJECT && row->listed_only)
		return "ports and mirrors belong to the data plane";
	if (row->by_value && object->id)
		return "an object that is keyed by value has id 0";
	if (!row->by_value && !object->id)
		return "the object has no id";
	return NULL;
}

const char *contract_object_check(const struct contract_header *m)
{
	const struct contract_object *object = contract_object_of(m);
	struct contract_body body = { .object = object, .type = m->type };
	const char *wrong = check_head(m);
	size_t used = sizeof(*m) + sizeof(*object);

	wrong = wrong ? wrong : check_id(m);
	if (wrong)
		return wrong;
	if (object->opaque_length > CONTRACT_OPAQUE_MAX)
		return "more than 256 opaque bytes";
	used += kinds[object->kind].bytes;
	if (used > m->length)
		return "the message is too short for its kind";
	body.bytes = contract_body_of(m);
	body.tail = body.bytes + kinds[object->kind].bytes;
	body.tail_bytes = contract_tail_bytes(object->kind, body.bytes);
	wrong = contract_padding_check(m, used + body.tail_bytes + object->opaque_length);
	return wrong ? wrong : kinds[object->kind].check(&body);
}

const char *contract_key_check(const struct contract_header *m)
{
	const struct contract_object *object = contract_object_of(m);
	const char *wrong = check_head(m);
	size_t used = sizeof(*m) + sizeof(*object);

	wrong = wrong ? wrong : check_id(m);
	if (wrong)
		return wrong;
	if (object->opaque_length)
		return "a key carries no opaque bytes";
	if (kinds[object->kind].by_value)
		used += kinds[object->kind].bytes;
	wrong = contract_padding_check(m, used);
	if (!wrong && kinds[object->kind].by_value)
		wrong = kinds[object->kind].check_key(contract_body_of(m));
	return wrong;
}

const char *contract_kind_check(const struct contract_header *m)
{
	const struct contract_object *object = contract_object_of(m);
	const char *wrong = check_head(m);

	if (wrong)
		return wrong;
	if (object->id || object->opaque_length)
		return "a list names a kind, not an object";
	return contract_padding_check(m, sizeof(*m) + sizeof(*object));
}
