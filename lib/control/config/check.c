#include "control/config/check.h"

#include "control/config/id.h"
#include "control/config/schema.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "#" in a path stands for the place's index, a second one for its inner index. */
static void place_text(char *buf, size_t size, const struct check_place *place)
{
	const uint32_t numbers[] = { place->index, place->inner };
	uint32_t next = 0;
	size_t n = (size_t)snprintf(buf, size, "%s", place->resource->origin);

	for (const char *c = place->path; *c && n + 12 < size; c++) {
		if (*c == '#' && next < 2)
			n += (size_t)snprintf(buf + n, size - n, "%u", numbers[next++]);
		else
			buf[n++] = *c;
	}
	buf[n < size ? n : size - 1] = '\0';
}

#define FILL(error_code, status)                                                                   \
	char pointer[WHERE_TEXT];                                                                  \
	struct config_problem problem = { .pointer = pointer,                                      \
					  .resource = place->resource->id,                         \
					  .code = (error_code),                                    \
					  .http_status = (status) };                               \
	char *message;                                                                             \
	va_list args;                                                                              \
                                                                                                   \
	place_text(pointer, sizeof(pointer), place);                                               \
	va_start(args, format);                                                                    \
	if (vasprintf(&message, format, args) < 0)                                                 \
		message = NULL;                                                                    \
	va_end(args)

void check_fail(struct check *check, const struct check_place *place, const char *code,
		const char *format, ...)
{
	FILL(code, 400);
	config_report_error(check->report, &problem, "%s", message ? message : "(out of memory)");
	free(message);
}

void check_not_built(struct check *check, const struct check_place *place, const char *format, ...)
{
	FILL(CODE_NOT_BUILT, 501);
	config_report_error(check->report, &problem, "%s", message ? message : "(out of memory)");
	free(message);
}

void check_warn(struct check *check, const struct check_place *place, const char *format, ...)
{
	FILL(NULL, 0);
	config_report_warn(check->report, &problem, "%s", message ? message : "(out of memory)");
	free(message);
}

/* Whether the resource, or the named part of it, is in the configuration. */
static bool part_exists(const struct config_resource *resource, const char *child,
			const char *child_key)
{
	const char *name = config_id_name(child_key);

	if (!strcmp(child, "subnets")) {
		const struct config_virtual_network *network = (const void *)resource;

		for (uint32_t i = 0; i < network->subnets.count; i++)
			if (!strcasecmp(network->subnets.items[i].name, name))
				return true;
	} else if (!strcmp(child, "ipConfigurations")) {
		const struct config_gateway *gateway = (const void *)resource;

		for (uint32_t i = 0; i < gateway->ip_configurations.count; i++)
			if (!strcasecmp(gateway->ip_configurations.items[i].name, name))
				return true;
	} else if (!strcmp(child, "natRules")) {
		const struct config_gateway *gateway = (const void *)resource;

		for (uint32_t i = 0; i < gateway->nat_rules.count; i++)
			if (!strcasecmp(gateway->nat_rules.items[i].name, name))
				return true;
	}
	return false;
}

static bool ref_exists(const struct config *config, const struct schema_field *field,
		       const struct config_ref *ref)
{
	const struct config_resource *resource;
	char key[1024];
	size_t n;

	if (!field->ref_child)
		return config_find(config, field->ref_kind, ref->key) != NULL;
	n = config_key_parent(ref->key);
	if (n >= sizeof(key))
		return false;
	memcpy(key, ref->key, n);
	key[n] = '\0';
	resource = config_find(config, field->ref_kind, key);
	return resource && part_exists(resource, field->ref_child, ref->key);
}

static void check_refs(struct check *check, const struct schema_object *object, const void *base,
		       const struct where *where);

/* It is there, but wrong, and that has been told. */
static bool has_failed(const struct check *check, const struct schema_field *field,
		       const struct config_ref *ref)
{
	size_t n = field->ref_child ? config_key_parent(ref->key) : strlen(ref->key);

	return map_get(check->failed, ref->key, n) != NULL;
}

static void report_in_use(struct check *check, const struct schema_field *field,
			  const struct where *where)
{
	static const char *const codes[CONFIG_KINDS] = {
		[CONFIG_VIRTUAL_NETWORK] = "InUseVirtualNetworkCannotBeDeleted",
		[CONFIG_PUBLIC_IP] = "PublicIPAddressCannotBeDeleted",
		[CONFIG_GATEWAY] = "InUseGatewayCannotBeDeleted",
		[CONFIG_LOCAL_GATEWAY] = "InUseLocalNetworkGatewayCannotBeDeleted",
	};
	bool subnet = !check->deleting && field->ref_child && !strcmp(field->ref_child, "subnets");
	char pointer[WHERE_TEXT];
	const struct where *user = where;
	struct config_problem problem = { .pointer = where_text(pointer, where),
					  .code = subnet ? "InUseSubnetCannotBeDeleted"
							 : codes[field->ref_kind],
					  .http_status = 409 };

	while (user->up)
		user = user->up;
	problem.resource = user->resource;
	config_report_error(check->report, &problem, "The %s is used by %s: delete that first.",
			    subnet ? "subnet" : schema_kind(field->ref_kind)->noun, user->resource);
}

static void check_ref(struct check *check, const struct schema_field *field,
		      const struct config_ref *ref, const struct where *where)
{
	if (!ref->key || ref_exists(check->config, field, ref) || has_failed(check, field, ref))
		return;
	if ((check->deleting || check->user_stays) && check->previous &&
	    ref_exists(check->previous, field, ref))
		report_in_use(check, field, where);
	else
		where_error(check->report, where, CODE_REFERENCE, "There is no %s.", ref->id);
}

static void check_ref_array(struct check *check, const struct schema_field *field,
			    const struct config_array *array, const struct where *where)
{
	size_t size = schema_element_size(field);

	if (field->element != SCHEMA_REF && field->element != SCHEMA_OBJECT)
		return;
	for (uint32_t i = 0; i < array->count; i++) {
		const void *item = (const char *)array->items + i * size;
		struct where here = where_index(where, i);

		if (field->element == SCHEMA_REF)
			check_ref(check, field, item, &here);
		else
			check_refs(check, field->object, item, &here);
	}
}

static void check_refs(struct check *check, const struct schema_object *object, const void *base,
		       const struct where *where)
{
	for (uint16_t i = 0; i < object->count; i++) {
		const struct schema_field *field = &object->fields[i];
		const void *at = schema_member_const(base, field);
		struct where here = where_key(where, field->name);

		if (field->type == SCHEMA_REF) {
			check_ref(check, field, at, &here);
		} else if (field->type == SCHEMA_ARRAY) {
			check_ref_array(check, field, at, &here);
		} else if (field->type == SCHEMA_OBJECT) {
			const void *inner = field->flags & SCHEMA_INLINE ? at : *(void *const *)at;

			if (inner)
				check_refs(check, field->object, inner, &here);
		}
	}
}

/* What an unchanged connection refers to is still there when nothing went and no gateway changed.
 */
static bool is_intact(const struct check *check)
{
	if (!check->previous || check->removed)
		return false;
	for (uint32_t i = 0; i < config_count(check->config, CONFIG_GATEWAY); i++)
		if (config_at(check->config, CONFIG_GATEWAY, i)->revision ==
		    check->config->revision)
			return false;
	return true;
}

static void check_references(struct check *check)
{
	bool intact = is_intact(check);

	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		for (uint32_t i = 0; i < config_count(check->config, kind); i++) {
			const struct config_resource *resource = config_at(check->config, kind, i);
			struct where where = { .root = resource->origin, .resource = resource->id };

			check->user_stays = resource->revision != check->config->revision;
			if (kind == CONFIG_CONNECTION && intact && check->user_stays)
				continue;
			check_refs(check, schema_kind(kind)->object, resource, &where);
		}
	}
}

static int look_up(struct check *check)
{
	const struct config *config = check->config;
	uint32_t count = config_count(config, CONFIG_CONNECTION);

	check->gateways = calloc(count + 1, sizeof(*check->gateways));
	check->sites = calloc(count + 1, sizeof(*check->sites));
	if (!check->gateways || !check->sites)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const struct config_connection *connection = config_connection_at(config, i);
		bool same = i && !strcmp(connection->gateway.key,
					 config_connection_at(config, i - 1)->gateway.key);

		check->gateways[i] = same ? check->gateways[i - 1]
					  : config_gateway_find(config, &connection->gateway);
		check->sites[i] = config_local_gateway_find(config, &connection->local_gateway);
	}
	return 0;
}

/* What the others build on comes first: after a missing resource they would only repeat it. */
int check_config(struct check *check)
{
	int status = look_up(check);

	if (status)
		goto end;
	check_references(check);
	check_appliance(check);
	check_virtual_networks(check);
	check_public_ips(check);
	check_gateways(check);
	check_gateway_skus(check);
	check_gateway_bgp(check);
	check_nat_rules(check);
	check_local_gateways(check);
	check_connections(check);
	status = check_overlaps(check);
	if (!status && check->previous)
		check_immutable(check);
end:
	free(check->gateways);
	free(check->sites);
	return status;
}
