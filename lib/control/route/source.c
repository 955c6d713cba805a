#include "control/route/source.h"

#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct source_table {
	struct map sets; /* ids -> struct source_set */
};

static const struct source_set any_source = { .count = CONTRACT_SOURCES_ANY };

int source_table_new(struct source_table **table)
{
	struct source_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	map_init(&t->sets);
	*table = t;
	return 0;
}

void source_table_free(struct source_table *table)
{
	struct map_entry *entry = NULL;

	if (!table)
		return;
	while ((entry = map_next(&table->sets, entry)))
		free(entry->value);
	map_fini(&table->sets);
	free(table);
}

/* False: they do not fit. */
static bool add(struct source_set *set, uint32_t id)
{
	uint32_t at = set->count;

	while (at && set->ids[at - 1] > id)
		at--;
	if (at && set->ids[at - 1] == id)
		return true;
	if (set->count == CONTRACT_SOURCES_MAX)
		return false;
	memmove(&set->ids[at + 1], &set->ids[at], (set->count - at) * sizeof(id));
	set->ids[at] = id;
	set->count++;
	return true;
}

static int intern(struct source_table *t, const struct source_set *wanted,
		  const struct source_set **set)
{
	size_t n = wanted->count * sizeof(wanted->ids[0]);
	struct source_set *made;
	int rc;

	*set = wanted->count ? map_get(&t->sets, wanted->ids, n) : NULL;
	if (*set || !wanted->count)
		return 0;
	made = malloc(sizeof(*made));
	if (!made)
		return -ENOMEM;
	*made = *wanted;
	rc = map_set(&t->sets, made->ids, n, made, NULL);
	if (rc < 0)
		free(made);
	else
		*set = made;
	return rc;
}

int source_set_get(struct source_table *table, const uint32_t *ids, uint32_t count,
		   const struct source_set **set)
{
	struct source_set wanted = { 0 };

	for (uint32_t i = 0; i < count; i++)
		if (!add(&wanted, ids[i])) {
			*set = &any_source;
			return 0;
		}
	return intern(table, &wanted, set);
}

int source_set_join(struct source_table *table, const struct source_set *a,
		    const struct source_set *b, const struct source_set **set)
{
	struct source_set wanted;

	if (!a || !b || a == b) {
		*set = a ? a : b;
		return 0;
	}
	*set = &any_source;
	if (a == &any_source || b == &any_source)
		return 0;
	wanted = *a;
	for (uint32_t i = 0; i < b->count; i++)
		if (!add(&wanted, b->ids[i]))
			return 0;
	return intern(table, &wanted, set);
}
