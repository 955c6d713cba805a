#include "control/config/build.h"

#include "base/map.h"
#include "control/config/assign.h"
#include "control/config/check.h"
#include "control/config/compare.h"
#include "control/config/list.h"
#include "control/config/resource.h"
#include "control/config/sku.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct config_build {
	struct config *config;
	struct config_list added[CONFIG_KINDS]; /* not sorted */
	uint32_t capacity[CONFIG_KINDS];
	struct config_build_options options;
	struct config_report *report;
	struct config_scope scope;
	uint32_t failures;
	struct map failed; /* keys of resources that are wrong: told once is enough */
	bool removed;
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#define KEY_CHARS 48 /* of 62 letters: 285 bits */

static int generate_key(struct secret *key)
{
	uint8_t bytes[64];
	size_t at = 0;
	int status = secret_new(key, KEY_CHARS);

	while (!status && at < KEY_CHARS) {
		status = secret_random(bytes, sizeof(bytes));
		for (size_t i = 0; !status && i < sizeof(bytes) && at < KEY_CHARS; i++)
			/* 4 * 62: no letter is likelier than another; "0x" would begin octets */
			if (bytes[i] < 248 && (at || alphabet[bytes[i] % 62] != '0'))
				key->p[at++] = (uint8_t)alphabet[bytes[i] % 62];
	}
	secret_wipe(bytes, sizeof(bytes));
	return status;
}

static void scope_of(struct config_build *build, const struct config_appliance *appliance)
{
	build->scope = (struct config_scope){ .subscription = appliance->subscription_id,
					      .group = appliance->resource_group };
}

static int take_catalogue(struct config_build *build)
{
	const struct config *previous = build->options.previous;
	const struct sku_catalogue *catalogue = build->options.catalogue;
	struct sku_catalogue *built_in;
	int status;

	if (!catalogue && previous)
		catalogue = previous->catalogue;
	if (catalogue) {
		build->config->catalogue = sku_catalogue_get(catalogue);
		return 0;
	}
	status = sku_catalogue_load(&built_in, NULL, build->report);
	if (!status)
		build->config->catalogue = built_in;
	return status;
}

int config_build_begin(struct config_build **out, const struct config_build_options *options,
		       struct config_report *report)
{
	struct config_build *build = calloc(1, sizeof(*build));
	const struct config *from = options->empty ? NULL : options->previous;
	int status = -ENOMEM;

	if (!build)
		return -ENOMEM;
	build->config = calloc(1, sizeof(*build->config));
	if (!build->config)
		goto drop;
	build->options = *options;
	build->report = report;
	map_init(&build->failed);
	build->config->references = 1;
	status = take_catalogue(build);
	if (status)
		goto drop;
	build->config->revision = options->previous ? options->previous->revision + 1 : 1;
	build->scope = (struct config_scope){ .subscription = "", .group = "" };
	for (int kind = 0; from && kind < CONFIG_KINDS; kind++) {
		status = config_list_copy(&build->config->lists[kind], &from->lists[kind]);
		if (status)
			goto drop;
	}
	if (from)
		scope_of(build, config_appliance(from));
	*out = build;
	return 0;
drop:
	config_build_drop(build);
	return status;
}

void config_build_drop(struct config_build *build)
{
	if (!build)
		return;
	for (int kind = 0; kind < CONFIG_KINDS; kind++)
		config_list_fini(&build->added[kind]);
	map_fini(&build->failed);
	config_put(build->config);
	free(build);
}

void config_build_revision(struct config_build *build, uint64_t revision)
{
	build->config->revision = revision;
}

static int add(struct config_build *build, struct config_resource *resource)
{
	struct config_list *list = &build->added[resource->kind];
	uint32_t *capacity = &build->capacity[resource->kind];

	if (list->count == *capacity) {
		uint32_t wanted = *capacity ? *capacity * 2 : 16;
		const struct config_resource **items =
			realloc(list->items, wanted * sizeof(*items));

		if (!items)
			return -ENOMEM;
		list->items = items;
		*capacity = wanted;
	}
	list->items[list->count++] = resource;
	return 0;
}

static int keep_key(struct config_connection *connection, const struct config_connection *old)
{
	if (connection->shared_key.n)
		return 0;
	return old ? secret_copy(&connection->shared_key, old->shared_key.p, old->shared_key.n)
		   : generate_key(&connection->shared_key);
}

/* Gone it is only when the body (`json` has the bgpSettings) says "": who puts what GET gave cannot
 * say it. */
static int keep_password(const struct config_bgp *now, const struct config_bgp *was,
			 const cJSON *json)
{
	const cJSON *settings = cJSON_GetObjectItemCaseSensitive(json, "bgpSettings");

	if (!now || !was || !was->password.n ||
	    cJSON_IsString(cJSON_GetObjectItemCaseSensitive(settings, "password")))
		return 0;
	return secret_copy(&((struct config_bgp *)now)->password, was->password.p, was->password.n);
}

static int keep_of_ports(const struct config_appliance *now, const struct config_appliance *was,
			 const cJSON *json)
{
	const cJSON *ports = cJSON_GetObjectItemCaseSensitive(json, "ports");
	int status = 0;

	for (uint32_t i = 0; i < now->ports.count && !status; i++) {
		const struct config_port *port = &now->ports.items[i];
		const struct config_port *before = config_appliance_port(was, port->name);

		if (before)
			status = keep_password(port->bgp, before->bgp,
					       cJSON_GetArrayItem(ports, (int)i));
	}
	return status;
}

static int keep_passwords(const struct config_body *body, const struct config_resource *resource,
			  const struct config_resource *old)
{
	const cJSON *properties = cJSON_GetObjectItemCaseSensitive(body->json, "properties");

	switch (resource->kind) {
	case CONFIG_GATEWAY:
		return keep_password(((const struct config_gateway *)resource)->bgp,
				     ((const struct config_gateway *)old)->bgp, properties);
	case CONFIG_LOCAL_GATEWAY:
		return keep_password(((const struct config_local_gateway *)resource)->bgp,
				     ((const struct config_local_gateway *)old)->bgp, properties);
	case CONFIG_APPLIANCE:
		return keep_of_ports((const struct config_appliance *)resource,
				     (const struct config_appliance *)old, body->json);
	default:
		return 0;
	}
}

/* What the body did not say and may not lose. */
static int keep_secrets(struct config_build *build, const struct config_body *body,
			struct config_resource *resource)
{
	const struct config_resource *old =
		build->options.previous
			? config_find(build->options.previous, resource->kind, resource->key)
			: NULL;

	if (resource->kind == CONFIG_CONNECTION)
		return keep_key((struct config_connection *)resource, (const void *)old);
	return old && !build->options.complete ? keep_passwords(body, resource, old) : 0;
}

static int put(struct config_build *build, const struct config_body *body)
{
	struct config_list *list = &build->config->lists[body->kind];
	struct resource_source source = { .kind = body->kind,
					  .id = body->id,
					  .origin = body->origin,
					  .json = body->json,
					  .scope = build->scope,
					  .lenient = build->options.lenient,
					  .report = build->report };
	struct config_resource *resource;
	uint32_t i;
	bool found;
	char failed[RESOURCE_KEY];
	int status = resource_new(&resource, &source, failed);

	if (status) {
		build->failures++;
		if (status == -EINVAL && failed[0] &&
		    map_set(&build->failed, failed, strlen(failed), build, NULL))
			status = -ENOMEM;
		return status;
	}
	resource->revision = build->config->revision;
	status = keep_secrets(build, body, resource);
	if (status) {
		resource_put(resource);
		return status;
	}
	if (body->kind == CONFIG_APPLIANCE)
		scope_of(build, (const struct config_appliance *)resource);
	i = config_list_find(list, resource->key, &found);
	if (found) {
		resource_put(list->items[i]);
		list->items[i] = resource;
		return 0;
	}
	status = add(build, resource);
	if (status)
		resource_put(resource);
	return status;
}

/* Names are completed with what the appliance says, also when the text has none. */
static int default_appliance(struct config_build *build)
{
	struct config_body body = { .kind = CONFIG_APPLIANCE, .origin = "/appliance" };
	cJSON *empty;
	int status;

	if (build->config->lists[CONFIG_APPLIANCE].count || build->added[CONFIG_APPLIANCE].count)
		return 0;
	empty = cJSON_CreateObject();
	if (!empty)
		return -ENOMEM;
	body.json = empty;
	status = put(build, &body);
	cJSON_Delete(empty);
	return status;
}

int config_build_put(struct config_build *build, const struct config_body *body)
{
	int status = 0;

	if (body->kind != CONFIG_APPLIANCE)
		status = default_appliance(build);
	return status ? status : put(build, body);
}

int config_build_remove(struct config_build *build, enum config_kind kind, const char *id)
{
	struct config_list *list = &build->config->lists[kind];
	struct config_arena arena = { 0 };
	struct config_ref ref;
	bool found = false;
	uint32_t i = 0;
	int status = config_id_resolve(&ref, &arena, &build->scope, kind, NULL, id);

	if (!status)
		i = config_list_find(list, ref.key, &found);
	config_arena_fini(&arena);
	if (status == -ENOMEM)
		return status;
	if (!found)
		return -ENOENT;
	resource_put(list->items[i]);
	memmove(&list->items[i], &list->items[i + 1], (list->count - i - 1) * sizeof(*list->items));
	list->count--;
	build->removed = true;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct config_resource *x = *(const struct config_resource *const *)a;
	const struct config_resource *y = *(const struct config_resource *const *)b;

	return strcmp(x->key, y->key);
}

static void report_twice(struct config_build *build, const struct config_list *list)
{
	for (uint32_t i = 1; i < list->count; i++) {
		const struct config_resource *one = list->items[i - 1], *two = list->items[i];
		struct where where = { .root = two->origin, .resource = two->id };

		if (!strcmp(one->key, two->key))
			where_error(build->report, &where, CODE_CONTENT,
				    "There is already a %s with this name at %s.",
				    schema_kind(two->kind)->noun, one->origin);
	}
}

static int merge(struct config_build *build, enum config_kind kind)
{
	struct config_list *list = &build->config->lists[kind];
	struct config_list *added = &build->added[kind];
	uint32_t total = list->count + added->count, a = 0, b = 0;
	const struct config_resource **items;

	if (!added->count)
		return 0;
	qsort(added->items, added->count, sizeof(*added->items), by_key);
	report_twice(build, added);
	items = malloc(total * sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (uint32_t i = 0; i < total; i++) {
		bool from_added =
			a == list->count ||
			(b < added->count && strcmp(added->items[b]->key, list->items[a]->key) < 0);

		items[i] = from_added ? added->items[b++] : list->items[a++];
	}
	free(list->items);
	free(added->items);
	*list = (struct config_list){ .items = items, .count = total };
	*added = (struct config_list){ 0 };
	return 0;
}

bool config_resource_equal(const struct config_resource *a, const struct config_resource *b)
{
	struct compare compare = { 0 };
	struct where root = { .root = "" };

	if (a == b)
		return true;
	compare_objects(schema_kind(a->kind)->object, a, b, &root, &compare);
	return !compare.changed;
}

/* What says the same as before is the same object: a diff sees it by its pointer. */
static void share(struct config_build *build)
{
	const struct config *previous = build->options.previous;

	for (int kind = 0; previous && kind < CONFIG_KINDS; kind++) {
		struct config_list *list = &build->config->lists[kind];

		for (uint32_t i = 0; i < list->count; i++) {
			const struct config_resource *old;

			if (list->items[i]->revision != build->config->revision)
				continue; /* it came from there */
			old = config_find(previous, kind, list->items[i]->key);

			if (!old || old == list->items[i] ||
			    !config_resource_equal(old, list->items[i]))
				continue;
			resource_put(list->items[i]);
			list->items[i] = resource_get(old);
		}
	}
}

int config_build_end(struct config_build *build, struct config **config)
{
	struct check check = { .config = build->config,
			       .previous = build->options.previous,
			       .report = build->report,
			       .failed = &build->failed,
			       .removed = build->removed || build->options.empty,
			       .deleting = build->removed };
	int status = default_appliance(build);

	for (int kind = 0; !status && kind < CONFIG_KINDS; kind++)
		status = merge(build, kind);
	if (!status) {
		config_assign_addresses(build->config, build->options.previous);
		config_assign_generations(build->config, build->options.previous);
	}
	if (!status)
		status = check_config(&check);
	if (!status && (build->failures || !config_report_ok(build->report)))
		status = -EINVAL;
	if (!status) {
		share(build);
		*config = config_get(build->config);
	}
	config_build_drop(build);
	return status;
}
