#include "control/config/compare.h"

#include <string.h>

static bool equal_value(const struct schema_field *field, uint8_t type, const void *a,
			const void *b);

static bool equal_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool equal_interface(const struct config_interface_address *a,
			    const struct config_interface_address *b)
{
	return a->length == b->length && net_addr_equal(&a->addr, &b->addr);
}

static bool equal_secret(const struct secret *a, const struct secret *b)
{
	return a->n == b->n && (!a->n || secret_equal(a->p, b->p, a->n));
}

static bool equal_tags(const struct config_array *a, const struct config_array *b)
{
	const struct config_tag *x = a->items, *y = b->items;

	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (strcmp(x[i].name, y[i].name) || strcmp(x[i].value, y[i].value))
			return false;
	return true;
}

static bool equal_object(const struct schema_object *object, const void *a, const void *b)
{
	struct compare compare = { 0 };
	struct where root = { .root = "" };

	if (!a || !b)
		return a == b;
	compare_objects(object, a, b, &root, &compare);
	return !compare.changed;
}

static bool equal_array(const struct schema_field *field, const struct config_array *a,
			const struct config_array *b)
{
	size_t size = schema_element_size(field);

	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		const void *x = (const char *)a->items + i * size;
		const void *y = (const char *)b->items + i * size;

		if (field->element == SCHEMA_OBJECT ? !equal_object(field->object, x, y)
						    : !equal_value(field, field->element, x, y))
			return false;
	}
	return true;
}

static bool equal_value(const struct schema_field *field, uint8_t type, const void *a,
			const void *b)
{
	switch (type) {
	case SCHEMA_STRING:
	case SCHEMA_JSON:
		return equal_text(*(const char *const *)a, *(const char *const *)b);
	case SCHEMA_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case SCHEMA_INT:
		return *(const int64_t *)a == *(const int64_t *)b;
	case SCHEMA_ENUM:
		return *(const int *)a == *(const int *)b;
	case SCHEMA_ADDR:
		return !memcmp(a, b, sizeof(struct net_addr));
	case SCHEMA_PREFIX:
		return !memcmp(a, b, sizeof(struct net_prefix));
	case SCHEMA_INTERFACE:
		return equal_interface(a, b);
	case SCHEMA_REF:
		return equal_text(((const struct config_ref *)a)->key,
				  ((const struct config_ref *)b)->key);
	case SCHEMA_SECRET:
		return equal_secret(a, b);
	case SCHEMA_OBJECT:
		return equal_object(field->object, *(const void *const *)a,
				    *(const void *const *)b);
	case SCHEMA_ARRAY:
		return equal_array(field, a, b);
	case SCHEMA_TAGS:
		return equal_tags(a, b);
	}
	return true;
}

bool compare_objects(const struct schema_object *object, const void *a, const void *b,
		     const struct where *where, struct compare *compare)
{
	for (uint16_t i = 0; i < object->count; i++) {
		const struct schema_field *field = &object->fields[i];
		const void *x = schema_member_const(a, field);
		const void *y = schema_member_const(b, field);
		struct where here = where_key(where, field->name);

		if (field->type == SCHEMA_OBJECT && (field->flags & SCHEMA_INLINE)) {
			if (!compare_objects(field->object, x, y, &here, compare))
				return false;
			continue;
		}
		if (equal_value(field, field->type, x, y))
			continue;
		compare->changed++;
		compare->not_live += !(field->flags & (SCHEMA_LIVE | SCHEMA_RESTART));
		compare->restart += (field->flags & SCHEMA_RESTART) != 0;
		if (compare->each && !compare->each(compare->context, field, &here))
			return false;
	}
	return true;
}
