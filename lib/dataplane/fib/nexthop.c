/*
 * Next hops. What workers read of one is a single word, so that a change is seen whole and at once
 * by every route that leads to it.
 */
#include "dataplane/fib/state.h"

#include <errno.h>
#include <stdlib.h>

static const struct contract_member *ecmp_members(const struct contract_object *object)
{
	const struct contract_nexthop *body = (const struct contract_nexthop *)(object + 1);

	return (const struct contract_member *)(body + 1);
}

/* Of members and sources. */
static size_t tail_bytes(const struct contract_nexthop *body)
{
	return body->member_count * sizeof(struct contract_member) +
	       contract_source_count(body) * sizeof(uint32_t);
}

static bool is_ecmp(const struct contract_nexthop *body)
{
	return body->kind == CONTRACT_NEXTHOP_ECMP;
}

static struct fib_nexthop_record *existing(struct fib *fib, uint32_t id)
{
	if (id == 0 || id >= fib->config.nexthops || fib->nexthops[id].body.kind == 0)
		return NULL;
	return &fib->nexthops[id];
}

static int check_members(struct fib *fib, const struct contract_object *object,
			 const struct contract_nexthop *body)
{
	const struct contract_member *members = ecmp_members(object);

	for (uint32_t i = 0; i < body->member_count; i++) {
		const struct fib_nexthop_record *member = existing(fib, members[i].id);

		if (!member || members[i].id == object->id)
			return fib_refuse(fib, -ENOENT, "next hop %u, a member, does not exist",
					  members[i].id);
		if (is_ecmp(&member->body))
			return fib_refuse(fib, -EINVAL, "next hop %u, a member, has members itself",
					  members[i].id);
	}
	return 0;
}

static bool is_member_somewhere(const struct fib *fib, uint32_t id)
{
	for (uint32_t i = 1; i < fib->config.nexthops; i++) {
		const struct fib_nexthop_record *n = &fib->nexthops[i];

		for (uint32_t k = 0; is_ecmp(&n->body) && k < n->body.member_count; k++)
			if (n->members[k].id == id)
				return true;
	}
	return false;
}

static int check_hop(struct fib *fib, const struct contract_object *object, bool add)
{
	const struct contract_nexthop *body = (const struct contract_nexthop *)(object + 1);
	bool with_port =
		body->kind == CONTRACT_NEXTHOP_GATEWAY || body->kind == CONTRACT_NEXTHOP_CONNECTED;

	if (object->id == 0 || object->id >= fib->config.nexthops)
		return fib_refuse(fib, -EINVAL, "next hop id %u is not in 1..%u", object->id,
				  fib->config.nexthops - 1);
	if (existing(fib, object->id) && add)
		return fib_refuse(fib, -EEXIST, "next hop %u exists", object->id);
	if (body->kind == 0 || body->kind > CONTRACT_NEXTHOP_ECMP)
		return fib_refuse(fib, -EINVAL, "next hop kind %u is not known", body->kind);
	if (with_port && (body->port == 0 || body->port > UINT16_MAX))
		return fib_refuse(fib, -EINVAL, "next hop %u needs a port", object->id);
	if (body->kind == CONTRACT_NEXTHOP_GATEWAY && body->gateway.family == NET_NONE)
		return fib_refuse(fib, -EINVAL, "next hop %u needs a gateway address", object->id);
	if (body->kind == CONTRACT_NEXTHOP_GROUP &&
	    (body->target == 0 || body->target >= fib->config.groups))
		return fib_refuse(fib, -EINVAL, "group %u is not in 1..%u", body->target,
				  fib->config.groups - 1);
	if (!is_ecmp(body))
		return 0;
	if (existing(fib, object->id) && !is_ecmp(&existing(fib, object->id)->body) &&
	    is_member_somewhere(fib, object->id))
		return fib_refuse(fib, -EINVAL, "next hop %u is a member of another", object->id);
	return check_members(fib, object, body);
}

static void refer(struct fib *fib, const struct contract_member *members, uint32_t count, int by)
{
	for (uint32_t i = 0; i < count; i++)
		fib->nexthops[members[i].id].references += (uint32_t)by;
}

static struct fib_hop hop_of(const struct fib *fib, uint32_t id,
			     const struct contract_nexthop *body,
			     const struct contract_member *members, uint32_t neighbour)
{
	struct fib_hop hop = { .kind = body->kind, .port = (uint16_t)body->port };

	switch (body->kind) {
	case CONTRACT_NEXTHOP_GATEWAY:
		hop.index = neighbour;
		break;
	case CONTRACT_NEXTHOP_GROUP:
		hop.flags = FIB_HOP_TUNNEL;
		hop.index = body->target;
		break;
	case CONTRACT_NEXTHOP_MIRROR:
		hop.index = body->target;
		break;
	case CONTRACT_NEXTHOP_ECMP:
		hop.index = id;
		for (uint32_t i = 0; i < body->member_count; i++)
			if (fib->nexthops[members[i].id].body.kind == CONTRACT_NEXTHOP_GROUP)
				hop.flags |= FIB_HOP_TUNNEL;
		break;
	default:
		break;
	}
	if (body->source_count)
		hop.flags |= FIB_HOP_SOURCED;
	if (body->flags & CONTRACT_NEXTHOP_PEERED)
		hop.flags |= FIB_HOP_PEERED;
	return hop;
}

static void publish_hop(struct fib *fib, uint32_t id, struct fib_hop hop)
{
	uint64_t word;

	memcpy(&word, &hop, sizeof(word));
	__atomic_store_n(&fib->hot.hops[id], word, __ATOMIC_RELEASE);
}

/* A member that starts or ceases to be a tunnel group changes what its ECMP next hops are. */
static void republish_parents(struct fib *fib, uint32_t id)
{
	for (uint32_t i = 1; i < fib->config.nexthops; i++) {
		const struct fib_nexthop_record *n = &fib->nexthops[i];

		for (uint32_t k = 0; is_ecmp(&n->body) && k < n->body.member_count; k++)
			if (n->members[k].id == id)
				publish_hop(fib, i, hop_of(fib, i, &n->body, n->members, 0));
	}
}

/* The old one leaves after the new one is published. */
static void put_record(struct fib *fib, uint32_t id, const struct fib_nexthop_record *fresh)
{
	struct fib_nexthop_record *record = &fib->nexthops[id];
	struct fib_nexthop_record old = *record;
	bool was_group = old.body.kind == CONTRACT_NEXTHOP_GROUP;
	bool is_group = fresh->body.kind == CONTRACT_NEXTHOP_GROUP;

	if (old.body.kind == 0)
		fib->nexthop_count++;
	*record = *fresh;
	record->references = old.references;
	publish_hop(fib, id, hop_of(fib, id, &record->body, record->members, record->neighbour));
	if (is_ecmp(&old.body) && !is_ecmp(&record->body))
		fib_table_drop(fib, &fib->hot.ecmp[id]);
	if (was_group != is_group && old.references)
		republish_parents(fib, id);
	refer(fib, old.members, old.body.member_count, -1);
	if (old.body.kind == CONTRACT_NEXTHOP_GATEWAY)
		fib_neighbour_release(fib, old.neighbour);
	free(old.members);
	fib_tag_clear(&old.tag);
}

int fib_nexthop_apply(struct fib *fib, const struct contract_object *object, bool add)
{
	const struct contract_nexthop *body = (const struct contract_nexthop *)(object + 1);
	const struct contract_member *members = ecmp_members(object);
	struct fib_nexthop_record fresh = { .body = *body, .domain = object->domain };
	size_t bytes = tail_bytes(body);
	const uint8_t *opaque = (const uint8_t *)members + bytes;
	int rc = check_hop(fib, object, add);

	if (rc)
		return rc;
	fresh.members = malloc(bytes + 1);
	if (!fresh.members || fib_tag_set(&fresh.tag, object, opaque)) {
		free(fresh.members);
		return fib_refuse(fib, -ENOMEM, "no memory for the next hop's record");
	}
	memcpy(fresh.members, members, bytes);
	if (body->kind == CONTRACT_NEXTHOP_GATEWAY)
		rc = fib_neighbour_hold(fib, body->port, &body->gateway, &fresh.neighbour);
	else if (is_ecmp(body))
		rc = fib_table_update(fib, &fib->hot.ecmp[object->id],
				      &(struct fib_table_want){ .members = members,
								.count = body->member_count });
	if (!rc) {
		rc = fib_sources_set(fib, &fib->hot.sources[object->id],
				     (const uint32_t *)(members + body->member_count),
				     body->source_count);
		if (rc && body->kind == CONTRACT_NEXTHOP_GATEWAY)
			fib_neighbour_release(fib, fresh.neighbour);
	}
	if (rc) {
		free(fresh.members);
		fib_tag_clear(&fresh.tag);
		return rc;
	}
	refer(fib, members, body->member_count, 1);
	put_record(fib, object->id, &fresh);
	return 0;
}

int fib_nexthop_remove(struct fib *fib, uint32_t id)
{
	struct fib_nexthop_record *record = existing(fib, id);

	if (!record)
		return fib_refuse(fib, -ENOENT, "there is no next hop %u", id);
	if (record->references)
		return fib_refuse(fib, -EBUSY, "next hop %u is used by %u routes or next hops", id,
				  record->references);
	publish_hop(fib, id, (struct fib_hop){ 0 });
	fib_table_drop(fib, &fib->hot.ecmp[id]);
	fib_sources_drop(fib, &fib->hot.sources[id]);
	refer(fib, record->members, record->body.member_count, -1);
	if (record->body.kind == CONTRACT_NEXTHOP_GATEWAY)
		fib_neighbour_release(fib, record->neighbour);
	free(record->members);
	fib_tag_clear(&record->tag);
	*record = (struct fib_nexthop_record){ 0 };
	fib->nexthop_count--;
	return 0;
}

size_t fib_nexthop_write(const struct fib *fib, uint32_t id, uint8_t *to)
{
	const struct fib_nexthop_record *record = &fib->nexthops[id];
	struct contract_object object = {
		.kind = CONTRACT_NEXTHOP,
		.opaque_length = record->tag.opaque_length,
		.id = id,
		.domain = record->domain,
		.owner = record->tag.owner,
		.generation = record->tag.generation,
	};
	size_t members = tail_bytes(&record->body);
	uint8_t *p = to;

	memcpy(p, &object, sizeof(object));
	p += sizeof(object);
	memcpy(p, &record->body, sizeof(record->body));
	p += sizeof(record->body);
	memcpy(p, record->members, members);
	p += members;
	if (object.opaque_length)
		memcpy(p, record->tag.opaque, object.opaque_length);
	return (size_t)(p - to) + object.opaque_length;
}
