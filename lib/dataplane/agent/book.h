#pragma once
/*
 * DOC: book of objects
 *
 * Limits as control has set them (the meter knows rates, not owners and opaque bytes), and the
 * references of objects of all kinds to one another: the fib knows nothing of tunnels, and in a
 * batch what is going must not count any more. Every other kind is kept, with its opaque bytes, by
 * the module whose table it is.
 */
#include "contract/message.h"

struct book_shelf {
	uint32_t *references; /* by id */
	uint32_t capacity;    /* ids below it */
};

struct book {
	struct book_shelf shelves[CONTRACT_KINDS];
	struct contract_object **limits; /* by id */
	uint32_t limit_count;
};

__attribute__((warn_unused_result)) int book_init(struct book *book,
						  const uint32_t capacity[CONTRACT_KINDS]);
void book_fini(struct book *book);

struct contract_object *book_limit(const struct book *book, uint32_t id); /* or NULL */
/* Takes the record (of book_copy(), or NULL) and frees what was there. */
void book_limit_put(struct book *book, uint32_t id, struct contract_object *record);
/* The next limit after *cursor (0 at first), or NULL. */
struct contract_object *book_limit_next(const struct book *book, uint32_t *cursor);

/* A copy of an object with what follows it, keys wiped; NULL without memory. */
struct contract_object *book_copy(const struct contract_object *object);
/* Object, body, what it counts, opaque bytes. */
size_t book_object_bytes(const struct contract_object *object);

uint32_t book_references(const struct book *book, enum contract_kind kind, uint32_t id);
/* Counts what `object` refers to up (by 1) or down (by -1). */
void book_refer(struct book *book, const struct contract_object *object, int by);

/* What an object refers to, in order; false ends the walk. */
typedef bool (*book_reference_fn)(void *context, enum contract_kind kind, uint32_t id);
bool book_each_reference(const struct contract_object *object, book_reference_fn each,
			 void *context);
