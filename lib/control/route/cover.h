#pragma once
/*
 * DOC: cover
 *
 * Which prefix contains which: a binary tree over the bits of both families, where a node that
 * stands for no prefix has two ways on, so that it has at most twice as many nodes as prefixes and
 * the way to any is as long as its bits at most.
 *
 * Owner: who made it. An entry is the caller's.
 */
#include "net/addr.h"

#include <stdbool.h>

struct cover_node;

struct cover {
	struct cover_node *roots[2]; /* by family */
};

void cover_fini(struct cover *cover);
/* In the place of what was there. -ENOMEM. */
__attribute__((warn_unused_result)) int cover_set(struct cover *cover,
						  const struct net_prefix *prefix, void *entry);
void cover_delete(struct cover *cover, const struct net_prefix *prefix);
/* The longest that contains it and is not the same; NULL: none. */
void *cover_above(const struct cover *cover, const struct net_prefix *prefix);
/*
 * Every entry within `prefix` but its own, from the wider to the longer ones. Each gets what the
 * visit of the entry that contains it gave, those at the top `from`; false: those within this one
 * are left out.
 */
typedef bool (*cover_visit)(void *context, void *entry, const void *from, const void **to);
void cover_below(const struct cover *cover, const struct net_prefix *prefix, const void *from,
		 cover_visit visit, void *context);
