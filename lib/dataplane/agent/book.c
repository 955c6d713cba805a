#include "dataplane/agent/book.h"
#include "base/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t book_object_bytes(const struct contract_object *object)
{
	enum contract_kind kind = (enum contract_kind)object->kind;

	return sizeof(*object) + contract_body_bytes(kind) + contract_tail_bytes(kind, object + 1) +
	       object->opaque_length;
}

int book_init(struct book *book, const uint32_t capacity[CONTRACT_KINDS])
{
	bool good = true;

	memset(book, 0, sizeof(*book));
	for (uint32_t kind = 0; kind < CONTRACT_KINDS; kind++) {
		struct book_shelf *shelf = &book->shelves[kind];

		shelf->capacity = capacity[kind];
		if (!capacity[kind])
			continue;
		shelf->references = calloc(capacity[kind], sizeof(*shelf->references));
		good &= shelf->references != NULL;
	}
	book->limits = calloc(capacity[CONTRACT_LIMIT] + 1u, sizeof(*book->limits));
	if (good && book->limits)
		return 0;
	book_fini(book);
	return -ENOMEM;
}

void book_fini(struct book *book)
{
	for (uint32_t i = 0; book->limits && i < book->shelves[CONTRACT_LIMIT].capacity; i++)
		free(book->limits[i]);
	free(book->limits);
	for (uint32_t kind = 0; kind < CONTRACT_KINDS; kind++)
		free(book->shelves[kind].references);
	memset(book, 0, sizeof(*book));
}

struct contract_object *book_limit(const struct book *book, uint32_t id)
{
	return id < book->shelves[CONTRACT_LIMIT].capacity ? book->limits[id] : NULL;
}

void book_limit_put(struct book *book, uint32_t id, struct contract_object *record)
{
	book->limit_count -= book->limits[id] != NULL;
	book->limit_count += record != NULL;
	free(book->limits[id]);
	book->limits[id] = record;
}

struct contract_object *book_limit_next(const struct book *book, uint32_t *cursor)
{
	while (++*cursor < book->shelves[CONTRACT_LIMIT].capacity)
		if (book->limits[*cursor])
			return book->limits[*cursor];
	*cursor = book->shelves[CONTRACT_LIMIT].capacity;
	return NULL;
}

struct contract_object *book_copy(const struct contract_object *object)
{
	size_t bytes = book_object_bytes(object);
	struct contract_object *copy = malloc(bytes);

	if (!copy)
		return NULL;
	memcpy(copy, object, bytes);
	if (object->kind == CONTRACT_SA) {
		struct contract_sa *sa = (void *)(copy + 1);

		secret_wipe(sa->key, sizeof(sa->key));
		secret_wipe(sa->integrity_key, sizeof(sa->integrity_key));
	}
	return copy;
}

uint32_t book_references(const struct book *book, enum contract_kind kind, uint32_t id)
{
	const struct book_shelf *shelf = &book->shelves[kind];

	return id < shelf->capacity ? shelf->references[id] : 0;
}

struct book_refer {
	struct book *book;
	int by;
};

static bool book_refer_one(void *context, enum contract_kind kind, uint32_t id)
{
	struct book_refer *refer = context;
	struct book_shelf *shelf = &refer->book->shelves[kind];

	if (id < shelf->capacity)
		shelf->references[id] += (uint32_t)refer->by;
	return true;
}

void book_refer(struct book *book, const struct contract_object *object, int by)
{
	struct book_refer refer = { book, by };

	book_each_reference(object, book_refer_one, &refer);
}

static bool book_reference(book_reference_fn each, void *context, enum contract_kind kind,
			   uint32_t id)
{
	return !id || each(context, kind, id);
}

static bool book_each_member(const struct contract_object *object, book_reference_fn each,
			     void *context)
{
	const struct contract_group *group = (const void *)(object + 1);
	const struct contract_member *members = (const void *)(group + 1);

	for (uint32_t i = 0; i < group->member_count; i++)
		if (!book_reference(each, context, CONTRACT_TUNNEL, members[i].id))
			return false;
	return true;
}

bool book_each_reference(const struct contract_object *object, book_reference_fn each,
			 void *context)
{
	const void *body = object + 1;

	switch (object->kind) {
	case CONTRACT_NEXTHOP: {
		const struct contract_nexthop *nexthop = body;

		/* Its members are next hops too: those the fib counts itself. */
		return nexthop->kind != CONTRACT_NEXTHOP_GROUP ||
		       book_reference(each, context, CONTRACT_GROUP, nexthop->target);
	}
	case CONTRACT_GROUP:
		return book_each_member(object, each, context);
	case CONTRACT_TUNNEL: {
		const struct contract_tunnel *tunnel = body;

		return book_reference(each, context, CONTRACT_NEXTHOP, tunnel->nexthop) &&
		       book_reference(each, context, CONTRACT_LIMIT, tunnel->limit);
	}
	case CONTRACT_CHILD:
		return book_reference(each, context, CONTRACT_TUNNEL,
				      ((const struct contract_child *)body)->tunnel);
	case CONTRACT_SA: {
		const struct contract_sa *sa = body;

		return book_reference(each, context, CONTRACT_TUNNEL, sa->tunnel) &&
		       book_reference(each, context, CONTRACT_CHILD, sa->child);
	}
	default:
		return true;
	}
}
