#pragma once
/*
 * Sets of sources: which connections may have a packet's source, each by a number (the tunnel that
 * stands for it in the data plane). A set is made once and stays, so that two are the same when
 * their pointers are; there are as many as there are ways in which prefixes spread over
 * connections.
 */
#include "contract/object.h"

struct source_table;

/* Rising; `count` CONTRACT_SOURCES_ANY: more than a next hop can have, all are allowed. */
struct source_set {
	uint32_t count;
	uint32_t ids[CONTRACT_SOURCES_MAX];
};

__attribute__((warn_unused_result)) int source_table_new(struct source_table **table);
void source_table_free(struct source_table *table);
/* In any order, also twice. None: the set is NULL. */
__attribute__((warn_unused_result)) int source_set_get(struct source_table *table,
						       const uint32_t *ids, uint32_t count,
						       const struct source_set **set);
/* Of two sets, each of which may be NULL. */
__attribute__((warn_unused_result)) int source_set_join(struct source_table *table,
							const struct source_set *a,
							const struct source_set *b,
							const struct source_set **set);
