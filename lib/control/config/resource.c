#include "control/config/resource.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct parse parse_of(struct config_resource *resource, const struct resource_source *source)
{
	return (struct parse){ .arena = &resource->arena,
			       .scope = source->scope,
			       .report = source->report,
			       .self_kind = source->kind,
			       .lenient = source->lenient };
}

static const char *text_at(const cJSON *json, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);

	return cJSON_IsString(item) && item->valuestring[0] ? item->valuestring : NULL;
}

static int id_set(struct config_resource *resource, const struct resource_source *source,
		  const char *text)
{
	struct config_ref ref;
	int status =
		config_id_resolve(&ref, &resource->arena, &source->scope, source->kind, NULL, text);

	if (status)
		return status;
	resource->id = ref.id;
	resource->key = ref.key;
	resource->name = config_id_name(ref.id);
	return 0;
}

/* Id and name say the same, and the same as the path, or nothing. */
static int identify(struct config_resource *resource, const struct resource_source *source,
		    const struct where *where)
{
	const char *id = text_at(source->json, "id");
	const char *name = text_at(source->json, "name");
	const char *text = source->id ? source->id : id ? id : name;
	struct where at_name = where_key(where, id && !source->id ? "id" : "name");
	struct config_ref other = { 0 };
	int status;

	if (!text) {
		where_error(source->report, where, CODE_CONTENT, "Needs a \"name\" or an \"id\".");
		return -EINVAL;
	}
	status = id_set(resource, source, text);
	if (status == -EINVAL)
		where_error(source->report, &at_name, "InvalidResourceName",
			    "Must be a name of 1 to 80 letters, digits, '_', '.' or '-', or a full "
			    "resource id.");
	if (status)
		return status;
	if (name && strcasecmp(name, resource->name)) {
		struct where here = where_key(where, "name");

		where_error(source->report, &here, CODE_CONTENT, "Is not the name in the id.");
		return -EINVAL;
	}
	if (id &&
	    config_id_resolve(&other, &resource->arena, &source->scope, source->kind, NULL, id) ==
		    0 &&
	    strcmp(other.key, resource->key)) {
		struct where here = where_key(where, "id");

		where_error(source->report, &here, CODE_CONTENT, "Is not the id of the path.");
		return -EINVAL;
	}
	return 0;
}

static int appliance_identify(struct config_resource *resource)
{
	resource->id = resource->key = "/appliance";
	resource->name = "appliance";
	return 0;
}

int resource_new(struct config_resource **out, const struct resource_source *source,
		 char failed[RESOURCE_KEY])
{
	const struct schema_object *object = schema_kind(source->kind)->object;
	struct config_resource *resource = calloc(1, object->size);
	struct where where = { .root = source->origin };
	struct parse parse;
	int status = -EINVAL;

	failed[0] = '\0';
	if (!resource)
		return -ENOMEM;
	resource->kind = source->kind;
	resource->references = 1;
	if (!cJSON_IsObject(source->json)) {
		where_error(source->report, &where, CODE_FORMAT, "Must be an object.");
		goto drop;
	}
	status = source->kind == CONFIG_APPLIANCE ? appliance_identify(resource)
						  : identify(resource, source, &where);
	if (status)
		goto drop;
	parse = parse_of(resource, source);
	parse.self = where.resource = resource->id;
	status = parse_object(&parse, object, source->json, resource, &where) ? 0 : -EINVAL;
	resource->origin = config_arena_text(&resource->arena, source->origin);
	if (parse.no_memory || !resource->origin)
		status = -ENOMEM;
	if (status)
		goto drop;
	*out = resource;
	return 0;
drop:
	if (resource->key)
		snprintf(failed, RESOURCE_KEY, "%s", resource->key);
	resource_put(resource);
	return status;
}

struct config_resource *resource_get(const struct config_resource *resource)
{
	/* The count is the one thing that is not constant in a resource. */
	struct config_resource *counted = (struct config_resource *)resource;

	counted->references++;
	return counted;
}

void resource_put(const struct config_resource *resource)
{
	struct config_resource *counted = (struct config_resource *)resource;

	if (!counted || --counted->references)
		return;
	parse_release(schema_kind(counted->kind)->object, counted);
	config_arena_fini(&counted->arena);
	free(counted);
}
