#include "control/route/leftover.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

#define TOPIC "route"

struct leftover_item {
	struct leftover route; /* first: items are found by it */
	size_t seq;	       /* while they are read: the last word on a route counts */
	bool touched;
	bool gone;
};

struct leftover_set {
	struct leftover_item *items; /* sorted but while they are read */
	size_t count;
	size_t room;
	bool wanted;  /* by the next reading */
	bool noting;  /* by this one */
	bool reading; /* for whatever reason */
};

int leftover_set_new(struct leftover_set **leftovers)
{
	*leftovers = calloc(1, sizeof(**leftovers));
	return *leftovers ? 0 : -ENOMEM;
}

void leftover_set_free(struct leftover_set *leftovers)
{
	if (leftovers)
		free(leftovers->items);
	free(leftovers);
}

static void items_clear(struct leftover_set *l)
{
	free(l->items);
	l->items = NULL;
	l->count = l->room = 0;
}

void leftover_set_begin(struct leftover_set *leftovers)
{
	items_clear(leftovers);
	leftovers->wanted = true;
	leftovers->noting = false;
}

void leftover_set_rest(struct leftover_set *leftovers)
{
	items_clear(leftovers);
	leftovers->wanted = leftovers->noting = false;
}

void leftover_set_read_begin(struct leftover_set *leftovers)
{
	leftovers->reading = true;
	if (!leftovers->wanted)
		return;
	items_clear(leftovers);
	leftovers->noting = true;
}

static int items_compare(const void *a, const void *b)
{
	const struct leftover *x = a;
	const struct leftover *y = b;
	int rc = net_prefix_compare(&x->prefix, &y->prefix);

	if (rc == 0 && x->table != y->table)
		rc = x->table < y->table ? -1 : 1;
	if (rc == 0 && x->metric != y->metric)
		rc = x->metric < y->metric ? -1 : 1;
	return rc;
}

static int items_compare_read(const void *a, const void *b)
{
	const struct leftover_item *x = a;
	const struct leftover_item *y = b;
	int rc = items_compare(a, b);

	return rc ? rc : x->seq < y->seq ? -1 : 1;
}

void leftover_set_read_end(struct leftover_set *leftovers)
{
	struct leftover_item *items = leftovers->items;
	size_t count = 0;

	leftovers->reading = false;
	if (!leftovers->noting)
		return;
	leftovers->wanted = leftovers->noting = false;
	if (leftovers->count)
		qsort(items, leftovers->count, sizeof(*items), items_compare_read);
	for (size_t i = 0; i < leftovers->count; i++) {
		bool last =
			i + 1 == leftovers->count || items_compare(&items[i], &items[i + 1]) != 0;

		if (last && !items[i].gone)
			items[count++] = items[i];
	}
	leftovers->count = count;
}

static void item_note(struct leftover_set *l, const struct leftover *route, bool gone)
{
	if (l->count == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		struct leftover_item *grown = reallocarray(l->items, room, sizeof(*grown));

		if (!grown) {
			log_error(TOPIC, "out of memory for a route that may be left over");
			return;
		}
		l->items = grown;
		l->room = room;
	}
	l->items[l->count] =
		(struct leftover_item){ .route = *route, .seq = l->count, .gone = gone };
	l->count++;
}

static struct leftover_item *item_find(const struct leftover_set *l, const struct leftover *route)
{
	if (l->noting || !l->count)
		return NULL;
	return bsearch(route, l->items, l->count, sizeof(*l->items), items_compare);
}

void leftover_set_see(struct leftover_set *leftovers, const struct leftover *route, bool gone)
{
	struct leftover_item *item;

	if (leftovers->noting) {
		item_note(leftovers, route, gone);
		return;
	}
	if (leftovers->reading && !gone)
		return;
	item = item_find(leftovers, route);
	if (!item)
		return;
	item->touched = true;
	item->gone = gone;
}

bool leftover_set_next(const struct leftover_set *leftovers, size_t *at, struct leftover *route)
{
	while (!leftovers->noting && *at < leftovers->count) {
		const struct leftover_item *item = &leftovers->items[(*at)++];

		if (item->touched)
			continue;
		*route = item->route;
		return true;
	}
	return false;
}

bool leftover_set_has(const struct leftover_set *leftovers, const struct leftover *route)
{
	const struct leftover_item *item = item_find(leftovers, route);

	return item && !item->gone;
}
