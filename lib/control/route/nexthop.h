#pragma once
/*
 * Next hops of the data plane, one for each distinct description, counted by who uses them.
 */
#include "control/requests/desired.h"
#include "control/route/source.h"

struct nexthop_table;

__attribute__((warn_unused_result)) int nexthop_table_new(struct nexthop_table **table,
							  struct desired *desired);
void nexthop_table_free(struct nexthop_table *table);

/* `spec` without members and sources. Gives an id and takes a reference. */
__attribute__((warn_unused_result)) int nexthop_get(struct nexthop_table *table, uint32_t domain,
						    const struct contract_nexthop *spec,
						    const struct source_set *sources, uint32_t *id);
/* Several next hops of equal cost; their references pass to the new one when it succeeds. */
__attribute__((warn_unused_result)) int nexthop_get_ecmp(struct nexthop_table *table,
							 uint32_t domain,
							 const struct contract_member *members,
							 uint8_t count, uint32_t *id);
/* The same with these sources, and where it leads to a port, `peered` or not: takes a reference to
 * what it gives, `id` keeps its own. */
__attribute__((warn_unused_result)) int nexthop_with(struct nexthop_table *table, uint32_t id,
						     const struct source_set *sources, bool peered,
						     uint32_t *with);
const struct source_set *nexthop_sources(const struct nexthop_table *table, uint32_t id);
void nexthop_put(struct nexthop_table *table, uint32_t id); /* 0 is fine */
