#include "dataplane/fib/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct contract_member *group_members(const struct contract_object *object)
{
	const struct contract_group *body = (const struct contract_group *)(object + 1);

	return (const struct contract_member *)(body + 1);
}

static int check_group(struct fib *fib, const struct contract_object *object, bool add)
{
	if (object->id == 0 || object->id >= fib->config.groups)
		return fib_refuse(fib, -EINVAL, "group id %u is not in 1..%u", object->id,
				  fib->config.groups - 1);
	if (add && fib->groups[object->id].exists)
		return fib_refuse(fib, -EEXIST, "group %u exists", object->id);
	return 0;
}

_Static_assert(CONTRACT_MEMBERS_MAX <= 64, "a bit for each member");

/* Members that cannot carry, as long as another one can. */
static uint64_t to_avoid(const struct fib *fib, const struct contract_member *members,
			 uint32_t count)
{
	uint64_t avoid = 0;
	bool other = false;

	for (uint32_t i = 0; fib->carries && i < count; i++) {
		if (!members[i].weight)
			continue;
		if (fib->carries(fib->carries_context, members[i].id))
			other = true;
		else
			avoid |= UINT64_C(1) << i;
	}
	return other ? avoid : 0;
}

static int table_set(struct fib *fib, uint32_t id, const struct contract_member *members,
		     uint32_t count, uint64_t avoid)
{
	const struct fib_table_want want = { members, count, avoid, &fib->groups[id].home };

	return fib_table_update(fib, &fib->hot.groups[id], &want);
}

void fib_groups_ask(struct fib *fib, fib_carries_fn carries, const void *context)
{
	fib->carries = carries;
	fib->carries_context = context;
}

uint32_t fib_groups_follow(struct fib *fib)
{
	uint32_t left = fib->group_count;
	uint32_t changed = 0;

	for (uint32_t id = 1; id < fib->config.groups && left; id++) {
		struct fib_group_record *group = &fib->groups[id];
		uint64_t avoid;

		if (!group->exists)
			continue;
		left--;
		avoid = to_avoid(fib, group->members, group->member_count);
		/* Without memory for a table the flows stay until control moves them. */
		if (avoid == group->avoided ||
		    table_set(fib, id, group->members, group->member_count, avoid))
			continue;
		group->avoided = avoid;
		changed++;
	}
	return changed;
}

int fib_group_apply(struct fib *fib, const struct contract_object *object, bool add)
{
	const struct contract_group *body = (const struct contract_group *)(object + 1);
	const struct contract_member *members = group_members(object);
	size_t bytes = body->member_count * sizeof(*members);
	struct fib_group_record *group;
	struct contract_member *copy;
	struct fib_tag tag = { 0 };
	uint64_t avoid = to_avoid(fib, members, body->member_count);
	int rc = check_group(fib, object, add);

	if (rc)
		return rc;
	group = &fib->groups[object->id];
	copy = malloc(bytes + 1);
	if (!copy || fib_tag_set(&tag, object, members + body->member_count)) {
		free(copy);
		return fib_refuse(fib, -ENOMEM, "no memory for the group's record");
	}
	rc = table_set(fib, object->id, members, body->member_count, avoid);
	if (rc) {
		free(copy);
		fib_tag_clear(&tag);
		return rc;
	}
	memcpy(copy, members, bytes);
	if (!group->exists)
		fib->group_count++;
	free(group->members);
	fib_tag_clear(&group->tag);
	*group = (struct fib_group_record){
		.members = copy,
		.home = group->home,
		.avoided = avoid,
		.domain = object->domain,
		.member_count = body->member_count,
		.exists = true,
		.tag = tag,
	};
	return 0;
}

int fib_group_remove(struct fib *fib, uint32_t id)
{
	struct fib_group_record *group;

	if (id == 0 || id >= fib->config.groups || !fib->groups[id].exists)
		return fib_refuse(fib, -ENOENT, "there is no group %u", id);
	group = &fib->groups[id];
	fib_table_drop(fib, &fib->hot.groups[id]);
	free(group->members);
	free(group->home);
	fib_tag_clear(&group->tag);
	*group = (struct fib_group_record){ 0 };
	fib->group_count--;
	return 0;
}

size_t fib_group_write(const struct fib *fib, uint32_t id, uint8_t *to)
{
	const struct fib_group_record *group = &fib->groups[id];
	struct contract_object object = {
		.kind = CONTRACT_GROUP,
		.opaque_length = group->tag.opaque_length,
		.id = id,
		.domain = group->domain,
		.owner = group->tag.owner,
		.generation = group->tag.generation,
	};
	struct contract_group body = { .member_count = group->member_count };
	size_t members = group->member_count * sizeof(struct contract_member);
	uint8_t *p = to;

	memcpy(p, &object, sizeof(object));
	p += sizeof(object);
	memcpy(p, &body, sizeof(body));
	p += sizeof(body);
	memcpy(p, group->members, members);
	p += members;
	if (object.opaque_length)
		memcpy(p, group->tag.opaque, object.opaque_length);
	return (size_t)(p - to) + object.opaque_length;
}
