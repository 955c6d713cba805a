#include "control/config/diff.h"

#include "control/config/compare.h"
#include "control/config/id.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int difference_add(struct config_diff *diff, uint32_t *capacity,
			  struct config_difference item)
{
	if (diff->count == *capacity) {
		uint32_t wanted = *capacity ? *capacity * 2 : 16;
		struct config_difference *items = realloc(diff->items, wanted * sizeof(*items));

		if (!items)
			return -ENOMEM;
		diff->items = items;
		*capacity = wanted;
	}
	diff->items[diff->count++] = item;
	return 0;
}

static struct config_difference changed(const struct config_resource *was,
					const struct config_resource *now)
{
	struct compare compare = { 0 };
	struct where root = { .root = "" };

	compare_objects(schema_kind(now->kind)->object, was, now, &root, &compare);
	return (struct config_difference){ .change = CONFIG_CHANGED,
					   .kind = now->kind,
					   .was = was,
					   .now = now,
					   .properties = compare.changed,
					   .live = !compare.not_live,
					   .restart = compare.restart != 0 };
}

static const struct config_difference *find(const struct config_diff *diff, uint32_t end,
					    enum config_kind kind, const char *key, size_t key_n)
{
	uint32_t low = 0, high = end;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct config_difference *item = &diff->items[middle];
		const char *other = (item->now ? item->now : item->was)->key;
		int order = (int)item->kind - (int)kind;

		if (!order)
			order = strncmp(other, key, key_n);
		if (!order && other[key_n])
			order = 1;
		if (!order)
			return item;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct touch {
	bool any;
	bool hard;
};

static void touch_by(struct touch *touch, const struct config_diff *diff, uint32_t end,
		     enum config_kind kind, const struct config_ref *ref)
{
	bool part = kind == CONFIG_VIRTUAL_NETWORK;
	const struct config_difference *item;

	if (!end || !ref->key)
		return;
	item = find(diff, end, kind, ref->key,
		    part ? config_key_parent(ref->key) : strlen(ref->key));
	if (!item)
		return;
	touch->any = true;
	touch->hard |= !item->live;
}

/* Kinds come in the order of their references, so that what a resource refers to is already in. */
static struct touch touched(const struct config_diff *diff, uint32_t end,
			    const struct config_resource *resource)
{
	struct touch touch = { 0 };

	if (resource->kind == CONFIG_GATEWAY) {
		const struct config_gateway *gateway = (const void *)resource;

		for (uint32_t i = 0; i < gateway->ip_configurations.count; i++) {
			const struct config_ip_configuration *ip =
				&gateway->ip_configurations.items[i];

			touch_by(&touch, diff, end, CONFIG_VIRTUAL_NETWORK, &ip->subnet);
			touch_by(&touch, diff, end, CONFIG_PUBLIC_IP, &ip->public_ip);
		}
	} else if (resource->kind == CONFIG_CONNECTION) {
		const struct config_connection *connection = (const void *)resource;

		touch_by(&touch, diff, end, CONFIG_GATEWAY, &connection->gateway);
		touch_by(&touch, diff, end, CONFIG_GATEWAY, &connection->other_gateway);
		touch_by(&touch, diff, end, CONFIG_LOCAL_GATEWAY, &connection->local_gateway);
	}
	return touch;
}

struct walk {
	struct config_diff *diff;
	uint32_t capacity;
	uint32_t before; /* entries of the kinds before */
};

static int both(struct walk *walk, const struct config_resource *was,
		const struct config_resource *now)
{
	struct touch touch = touched(walk->diff, walk->before, now);
	struct config_difference item;

	if (was != now) {
		item = changed(was, now);
		if (!item.properties && !touch.any)
			return 0;
	} else if (touch.any) {
		item = (struct config_difference){ .change = CONFIG_CHANGED,
						   .kind = now->kind,
						   .was = was,
						   .now = now,
						   .live = true };
	} else {
		return 0;
	}
	item.by_others = !item.properties;
	item.live &= !touch.hard;
	return difference_add(walk->diff, &walk->capacity, item);
}

static int diff_kind(struct walk *walk, const struct config_list *from,
		     const struct config_list *to)
{
	uint32_t a = 0, b = 0;
	int status = 0;

	walk->before = walk->diff->count;
	while (!status && (a < from->count || b < to->count)) {
		const struct config_resource *was = a < from->count ? from->items[a] : NULL;
		const struct config_resource *now = b < to->count ? to->items[b] : NULL;
		int order = !was ? 1 : !now ? -1 : strcmp(was->key, now->key);

		if (order < 0) {
			status = difference_add(
				walk->diff, &walk->capacity,
				(struct config_difference){
					.change = CONFIG_REMOVED, .kind = was->kind, .was = was });
		} else if (order > 0) {
			status = difference_add(walk->diff, &walk->capacity,
						(struct config_difference){ .change = CONFIG_ADDED,
									    .kind = now->kind,
									    .now = now });
		} else {
			status = both(walk, was, now);
		}
		a += order <= 0;
		b += order >= 0;
	}
	return status;
}

int config_diff(struct config_diff *diff, const struct config *from, const struct config *to)
{
	static const struct config_list nothing;
	struct walk walk = { .diff = diff };
	int status = 0;

	*diff = (struct config_diff){ 0 };
	for (int kind = 0; !status && kind < CONFIG_KINDS; kind++)
		status = diff_kind(&walk, from ? &from->lists[kind] : &nothing, &to->lists[kind]);
	if (status)
		config_diff_fini(diff);
	return status;
}

void config_diff_fini(struct config_diff *diff)
{
	free(diff->items);
	*diff = (struct config_diff){ 0 };
}

/* Names of properties, never their values: a key may be among them. */
static bool print_property(void *context, const struct schema_field *field,
			   const struct where *where)
{
	char pointer[WHERE_TEXT];

	text_add(context, " %s", where_text(pointer, where));
	return true;
}

void config_diff_text(const struct config_diff *diff, struct text *out)
{
	static const char marks[] = { '+', '-', '~' };

	for (uint32_t i = 0; i < diff->count; i++) {
		const struct config_difference *item = &diff->items[i];
		const struct config_resource *resource = item->now ? item->now : item->was;
		struct compare compare = { .each = print_property, .context = out };
		struct where root = { .root = "" };

		text_add(out, "%c %s/%s", marks[item->change], schema_kind(item->kind)->list,
			 resource->name);
		if (item->change == CONFIG_CHANGED)
			compare_objects(schema_kind(item->kind)->object, item->was, item->now,
					&root, &compare);
		if (item->by_others)
			text_add(out, " (by what it refers to)");
		if (item->change == CONFIG_CHANGED)
			text_add(out, "%s%s", item->live ? "" : "; tunnels restart",
				 item->restart ? "; in part at the next start" : "");
		text_add(out, "\n");
	}
}
