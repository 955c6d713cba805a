#include "dataplane/agent/kind.h"
#include "dataplane/agent/outcome.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum keeper { KEPT_HERE, KEPT_BY_FIB, KEPT_BY_SAS, KEPT_BY_ADDRESSES };

static struct address_store *kind_addresses(const struct agent *agent)
{
	return worker_addresses(agent->config.workers);
}

static enum keeper kind_keeper(enum contract_kind kind)
{
	switch (kind) {
	case CONTRACT_ROUTE:
	case CONTRACT_NEXTHOP:
	case CONTRACT_NEIGHBOUR:
	case CONTRACT_GROUP:
		return KEPT_BY_FIB;
	case CONTRACT_SA:
	case CONTRACT_CHILD:
	case CONTRACT_TUNNEL:
		return KEPT_BY_SAS;
	case CONTRACT_ADDRESS:
		return KEPT_BY_ADDRESSES;
	default:
		return KEPT_HERE;
	}
}

bool kind_has_id(enum contract_kind kind)
{
	return kind != CONTRACT_ROUTE && kind != CONTRACT_NEIGHBOUR && kind != CONTRACT_ADDRESS;
}

struct contract_object *kind_find(struct agent *agent, const struct contract_object *object)
{
	const struct contract_object *found;
	union kind_room room;
	size_t length;

	switch (kind_keeper((enum contract_kind)object->kind)) {
	case KEPT_BY_FIB:
		return fib_get(agent->config.fib, object, room.fib, &length)
			       ? NULL
			       : book_copy(&room.object);
	case KEPT_BY_SAS:
		return sa_get(agent->config.sas, object, room.sa, &length)
			       ? NULL
			       : book_copy(&room.object);
	case KEPT_BY_ADDRESSES:
		return address_get(kind_addresses(agent), object, room.address, &length)
			       ? NULL
			       : book_copy(&room.object);
	default:
		found = book_limit(&agent->book, object->id);
		return found ? book_copy(found) : NULL;
	}
}

bool kind_exists(struct agent *agent, enum contract_kind kind, uint32_t id)
{
	const struct contract_object key = { .kind = (uint16_t)kind, .id = id };
	struct contract_object *found = kind_find(agent, &key);

	free(found);
	return found != NULL;
}

struct kind_reference {
	struct agent *agent;
	struct outcome *outcome;
};

static bool kind_reference_exists(void *context, enum contract_kind kind, uint32_t id)
{
	struct kind_reference *check = context;

	if (kind_exists(check->agent, kind, id))
		return true;
	return outcome_refuse(check->outcome, CONTRACT_REFUSED_MISSING,
			      "it names %s %u, which does not exist", contract_kind_text(kind), id);
}

static bool kind_port(struct agent *agent, uint32_t port, struct outcome *outcome)
{
	if (port_get(agent->config.ports, port))
		return true;
	return outcome_refuse(outcome, CONTRACT_REFUSED_MISSING,
			      "it names port %u, which does not exist", port);
}

static bool kind_mirror(struct agent *agent, uint32_t mirror, struct outcome *outcome)
{
	if (mirror_get(agent->config.mirrors, mirror))
		return true;
	return outcome_refuse(outcome, CONTRACT_REFUSED_MISSING,
			      "it names mirror %u, which does not exist", mirror);
}

static bool kind_check_nexthop(struct agent *agent, const struct contract_nexthop *nexthop,
			       struct outcome *outcome)
{
	switch (nexthop->kind) {
	case CONTRACT_NEXTHOP_GATEWAY:
	case CONTRACT_NEXTHOP_CONNECTED:
		return kind_port(agent, nexthop->port, outcome);
	case CONTRACT_NEXTHOP_MIRROR:
		return kind_mirror(agent, nexthop->target, outcome);
	default:
		return true;
	}
}

static bool kind_check_tunnel(struct agent *agent, const struct contract_tunnel *tunnel,
			      struct outcome *outcome)
{
	if (!tunnel->nexthop)
		return outcome_refuse(outcome, CONTRACT_REFUSED_INVALID,
				      "the tunnel names no next hop");
	return !tunnel->mirror || kind_mirror(agent, tunnel->mirror, outcome);
}

/* Ports and mirrors are known here only; SAs and children are checked by their store. */
bool kind_check(struct agent *agent, const struct contract_object *now, struct outcome *outcome)
{
	struct kind_reference check = { agent, outcome };
	const void *body = now + 1;

	switch (now->kind) {
	case CONTRACT_GROUP:
		return book_each_reference(now, kind_reference_exists, &check);
	case CONTRACT_TUNNEL:
		return book_each_reference(now, kind_reference_exists, &check) &&
		       kind_check_tunnel(agent, body, outcome);
	case CONTRACT_NEXTHOP:
		/* Its group may come later: groups need tunnels, and tunnels next hops. */
		return kind_check_nexthop(agent, body, outcome);
	case CONTRACT_ADDRESS: {
		const struct contract_address *address = body;

		return (!address->port || kind_port(agent, address->port, outcome)) &&
		       kind_mirror(agent, address->mirror, outcome);
	}
	case CONTRACT_NEIGHBOUR:
		return kind_port(agent, ((const struct contract_neighbour *)body)->port, outcome);
	default:
		return true;
	}
}

static bool kind_told(int err, const char *reason, struct outcome *outcome)
{
	return !err || outcome_refuse(outcome, outcome_of_errno(err), "%s",
				      reason[0] ? reason : "the tables refuse it");
}

static bool kind_put_fib(struct agent *agent, const struct contract_object *old,
			 const struct contract_object *now, struct outcome *outcome)
{
	struct fib *fib = agent->config.fib;
	int err = !now ? fib_del(fib, old) : old ? fib_set(fib, now) : fib_add(fib, now);

	return kind_told(err, err ? fib_reason(fib) : "", outcome);
}

static bool kind_put_sas(struct agent *agent, const struct contract_object *old,
			 const struct contract_object *now, struct outcome *outcome)
{
	struct sa_store *sas = agent->config.sas;
	int err = !now ? sa_del(sas, old, NULL) : old ? sa_set(sas, now) : sa_add(sas, now);

	return kind_told(err, err ? sa_reason(sas) : "", outcome);
}

static bool kind_put_address(struct agent *agent, const struct contract_object *old,
			     const struct contract_object *now, struct outcome *outcome)
{
	struct address_store *store = kind_addresses(agent);
	int err = !now	? address_del(store, old)
		  : old ? address_set(store, now)
			: address_add(store, now);

	return kind_told(err, err ? address_reason(store) : "", outcome);
}

static bool kind_put_limit(struct agent *agent, const struct contract_object *old,
			   const struct contract_object *now, struct outcome *outcome)
{
	struct meter *meter = agent->config.meter;
	struct contract_object *record = now ? book_copy(now) : NULL;
	int err;

	if (now && !record)
		return outcome_refuse(outcome, CONTRACT_REFUSED_FULL, "no memory left");
	err = now ? meter_set(meter, now->id, (const void *)(now + 1)) : meter_del(meter, old->id);
	if (err) {
		free(record);
		return kind_told(err, meter_reason(meter), outcome);
	}
	book_limit_put(&agent->book, now ? now->id : old->id, record);
	return true;
}

bool kind_put(struct agent *agent, const struct contract_object *old,
	      const struct contract_object *now, struct outcome *outcome)
{
	bool good;

	switch (kind_keeper((enum contract_kind)(now ? now->kind : old->kind))) {
	case KEPT_BY_FIB:
		good = kind_put_fib(agent, old, now, outcome);
		break;
	case KEPT_BY_SAS:
		good = kind_put_sas(agent, old, now, outcome);
		break;
	case KEPT_BY_ADDRESSES:
		good = kind_put_address(agent, old, now, outcome);
		break;
	default:
		good = kind_put_limit(agent, old, now, outcome);
		break;
	}
	if (good && old)
		book_refer(&agent->book, old, -1);
	if (good && now)
		book_refer(&agent->book, now, 1);
	return good;
}

bool kind_confirm(struct agent *agent, const struct contract_object *object,
		  struct outcome *outcome)
{
	struct contract_object *record;

	switch (kind_keeper((enum contract_kind)object->kind)) {
	case KEPT_BY_FIB:
		return kind_told(fib_confirm(agent->config.fib, object), "no such object", outcome);
	case KEPT_BY_SAS:
		return kind_told(sa_confirm(agent->config.sas, object), "no such object", outcome);
	case KEPT_BY_ADDRESSES:
		return kind_told(address_confirm(kind_addresses(agent), object), "no such object",
				 outcome);
	default:
		record = book_limit(&agent->book, object->id);
		if (record)
			record->generation = agent->session;
		return kind_told(record ? 0 : -ENOENT, "no such object", outcome);
	}
}

uint32_t kind_count(struct agent *agent, enum contract_kind kind)
{
	switch (kind_keeper(kind)) {
	case KEPT_BY_FIB:
		return fib_count(agent->config.fib, kind);
	case KEPT_BY_SAS:
		return sa_count(agent->config.sas, kind);
	case KEPT_BY_ADDRESSES:
		return address_count(kind_addresses(agent));
	default:
		return agent->book.limit_count;
	}
}

static const struct contract_object *kind_next_port(struct agent *agent, uint32_t id, void *room)
{
	struct contract_object *object = room;
	struct contract_port *out = (void *)(object + 1);
	const struct port *port = port_get(agent->config.ports, id);

	if (!port)
		return NULL;
	*object = (struct contract_object){ .kind = CONTRACT_PORT, .id = id };
	port_describe(agent->config.ports, port, out);
	out->mirror = mirror_of_port(agent->config.mirrors, id);
	return object;
}

static const struct contract_object *kind_next_mirror(struct agent *agent, uint32_t id, void *room)
{
	struct contract_object *object = room;
	struct contract_mirror *out = (void *)(object + 1);
	const struct mirror *mirror = mirror_get(agent->config.mirrors, id);

	if (!mirror)
		return NULL;
	*object = (struct contract_object){ .kind = CONTRACT_MIRROR,
					    .id = id,
					    .domain = mirror->domain };
	memset(out, 0, sizeof(*out));
	snprintf(out->interface, sizeof(out->interface), "%s", mirror->interface);
	out->port = mirror->port;
	out->instance = mirror->instance;
	out->ifindex = mirror->ifindex;
	out->mtu = mirror->mtu;
	return object;
}

const struct contract_object *kind_next(struct agent *agent, struct place *place,
					union kind_room *room)
{
	size_t length;

	if (place->kind == CONTRACT_PORT)
		return kind_next_port(agent, ++place->cursor, room);
	if (place->kind == CONTRACT_MIRROR)
		return kind_next_mirror(agent, ++place->cursor, room);
	switch (kind_keeper(place->kind)) {
	case KEPT_BY_FIB:
		return fib_list(agent->config.fib, place->kind, &place->cursor, room->fib,
				&length) == 1
			       ? &room->object
			       : NULL;
	case KEPT_BY_SAS:
		return sa_list(agent->config.sas, place->kind, &place->cursor, room->sa, &length) ==
				       1
			       ? &room->object
			       : NULL;
	case KEPT_BY_ADDRESSES:
		return address_list(kind_addresses(agent), &place->cursor, room->address,
				    &length) == 1
			       ? &room->object
			       : NULL;
	default:
		return book_limit_next(&agent->book, &place->cursor);
	}
}
