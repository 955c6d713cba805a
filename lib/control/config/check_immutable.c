#include "control/config/check.h"

#include "control/config/compare.h"

struct immutable {
	struct check *check;
	const struct config_resource *resource;
};

static bool refuse(void *context, const struct schema_field *field, const struct where *where)
{
	struct immutable *immutable = context;

	if (field->flags & SCHEMA_IMMUTABLE)
		where_error(immutable->check->report, where, CODE_IMMUTABLE,
			    "Cannot be changed: delete the %s and make a new one.",
			    schema_kind(immutable->resource->kind)->noun);
	return true;
}

void check_immutable(struct check *check)
{
	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		for (uint32_t i = 0; i < config_count(check->config, kind); i++) {
			const struct config_resource *now = config_at(check->config, kind, i);
			const struct config_resource *was = NULL;
			struct immutable immutable = { .check = check, .resource = now };
			struct compare compare = { .each = refuse, .context = &immutable };
			struct where where = { .root = now->origin, .resource = now->id };

			if (now->revision == check->config->revision)
				was = config_find(check->previous, kind, now->key);
			if (was)
				compare_objects(schema_kind(kind)->object, was, now, &where,
						&compare);
		}
	}
}
