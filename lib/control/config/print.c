#include "control/config/print.h"

#include "control/config/schema.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct printer {
	const struct config_print *print;
	const struct config_resource *resource;
	const char *part_id;	/* of the part that is being printed, or NULL */
	const char *part_child; /* its segment */
	struct json_out *out;
};

static void print_fields(struct printer *printer, const struct schema_object *object,
			 const void *base);

const char *config_etag(char buf[CONFIG_ETAG], const struct config_resource *resource)
{
	char guid[ID_GUID_TEXT];
	char name[1200];

	snprintf(name, sizeof(name), "%s#%llu", resource->key,
		 (unsigned long long)resource->revision);
	id_guid_of_name(guid, name);
	snprintf(buf, CONFIG_ETAG, "W/\"%s\"", guid);
	return buf;
}

static void print_object(struct printer *printer, const char *key,
			 const struct schema_object *object, const void *base)
{
	json_out_open(printer->out, key, '{');
	print_fields(printer, object, base);
	json_out_close(printer->out, '}');
}

/* An element with an id of its own: the resource's, the segment, its name. */
static void print_part(struct printer *printer, const struct schema_object *object,
		       const void *base)
{
	char id[1400];
	const struct schema_field *name = schema_field_find(object, "name");

	if (!object->child || !name) {
		print_object(printer, NULL, object, base);
		return;
	}
	snprintf(id, sizeof(id), "%s/%s/%s", printer->resource->id, object->child,
		 *(const char *const *)schema_member_const(base, name));
	printer->part_id = id;
	printer->part_child = object->child;
	print_object(printer, NULL, object, base);
	printer->part_id = NULL;
}

static void print_interface(struct json_out *out, const char *key,
			    const struct config_interface_address *address)
{
	char addr[NET_ADDR_TEXT];
	char text[NET_ADDR_TEXT + 8];

	snprintf(text, sizeof(text), "%s/%u", net_addr_text(addr, &address->addr), address->length);
	json_out_string(out, key, text);
}

static void print_ref(struct json_out *out, const char *key, const struct config_ref *ref)
{
	if (!ref->id)
		return;
	json_out_open(out, key, '{');
	json_out_string(out, "id", ref->id);
	json_out_close(out, '}');
}

static void print_tags(struct json_out *out, const char *key, const struct config_array *tags)
{
	const struct config_tag *tag = tags->items;

	if (!tags->count)
		return;
	json_out_open(out, key, '{');
	for (uint32_t i = 0; i < tags->count; i++)
		json_out_string(out, tag[i].name, tag[i].value);
	json_out_close(out, '}');
}

static void print_addr(struct json_out *out, const char *key, const struct net_addr *addr)
{
	char text[NET_ADDR_TEXT];

	if (addr->family != NET_NONE)
		json_out_string(out, key, net_addr_text(text, addr));
}

static void print_prefix(struct json_out *out, const char *key, const struct net_prefix *prefix)
{
	char text[NET_PREFIX_TEXT];

	if (prefix->addr.family != NET_NONE)
		json_out_string(out, key, net_prefix_text(text, prefix));
}

/* Azure has two ways to refer to a part: an object with an id, and the bare id. */
static bool is_bare_ref(const struct schema_field *field)
{
	return !strcasecmp(field->name, "ipConfigurationId");
}

static void print_scalar(struct printer *printer, const struct schema_field *field, uint8_t type,
			 const char *key, const void *at)
{
	struct json_out *out = printer->out;
	const char *text;

	switch (type) {
	case SCHEMA_STRING:
		text = *(const char *const *)at;
		if (text)
			json_out_string(out, key, text);
		break;
	case SCHEMA_JSON:
		text = *(const char *const *)at;
		if (text)
			json_out_raw(out, key, text);
		break;
	case SCHEMA_BOOL:
		json_out_bool(out, key, *(const bool *)at);
		break;
	case SCHEMA_INT:
		json_out_int(out, key, *(const int64_t *)at);
		break;
	case SCHEMA_ENUM:
		text = schema_enum_name(field->values, *(const int *)at);
		json_out_string(out, key, text ? text : "");
		break;
	case SCHEMA_ADDR:
		print_addr(out, key, at);
		break;
	case SCHEMA_PREFIX:
		print_prefix(out, key, at);
		break;
	case SCHEMA_INTERFACE:
		print_interface(out, key, at);
		break;
	case SCHEMA_REF:
		if (is_bare_ref(field) && ((const struct config_ref *)at)->id)
			json_out_string(out, key, ((const struct config_ref *)at)->id);
		else
			print_ref(out, key, at);
		break;
	}
}

static void print_array(struct printer *printer, const struct schema_field *field,
			const struct config_array *array)
{
	size_t size = schema_element_size(field);

	json_out_open(printer->out, field->name, '[');
	for (uint32_t i = 0; i < array->count; i++) {
		const void *item = (const char *)array->items + i * size;

		if (field->element == SCHEMA_OBJECT)
			print_part(printer, field->object, item);
		else
			print_scalar(printer, field, field->element, NULL, item);
	}
	json_out_close(printer->out, ']');
}

/* An inline group that has nothing to say is left out. */
static void print_inline(struct printer *printer, const struct schema_field *field, const void *at)
{
	struct json_out_mark mark = json_out_mark(printer->out);

	json_out_open(printer->out, field->name, '{');
	print_fields(printer, field->object, at);
	if (printer->out->first && !(field->flags & SCHEMA_REQUIRED))
		json_out_back(printer->out, mark);
	else
		json_out_close(printer->out, '}');
}

static void print_own(struct printer *printer, const char *name)
{
	const struct config_resource *resource = printer->resource;
	struct json_out *out = printer->out;
	char etag[CONFIG_ETAG];
	char guid[ID_GUID_TEXT];
	char type[128];

	if (!strcmp(name, "id")) {
		json_out_string(out, name, printer->part_id ? printer->part_id : resource->id);
	} else if (!strcmp(name, "name")) {
		json_out_string(out, name, resource->name);
	} else if (!strcmp(name, "type")) {
		snprintf(type, sizeof(type), "%s%s%s", schema_kind(resource->kind)->type,
			 printer->part_id ? "/" : "", printer->part_id ? printer->part_child : "");
		json_out_string(out, name, type);
	} else if (!strcmp(name, "etag")) {
		json_out_string(out, name, config_etag(etag, resource));
	} else if (!strcmp(name, "provisioningState")) {
		json_out_string(out, name, "Succeeded");
	} else if (!strcmp(name, "resourceGuid")) {
		id_guid_of_name(guid, resource->key);
		json_out_string(out, name, guid);
	} else if (!strcmp(name, "capacity")) {
		json_out_int(out, name, 2);
	} else if (!strcmp(name, "connectionStatus")) {
		json_out_string(out, name, "Unknown");
	} else if (!strcmp(name, "ingressBytesTransferred") ||
		   !strcmp(name, "egressBytesTransferred")) {
		json_out_int(out, name, 0);
	}
}

/* The status knows more of it than the configuration says. */
static bool print_known(struct printer *printer, const struct schema_object *object,
			const struct schema_field *field, const void *base)
{
	const struct config_print *print = printer->print;
	struct config_print_place place = { .resource = printer->resource,
					    .name = field->name,
					    .part = object->name,
					    .element = base };

	return print->shape == CONFIG_PRINT_BODY && print->status &&
	       print->status(print->context, &place, printer->out);
}

static void print_nothing(struct printer *printer, const struct schema_object *object,
			  const struct schema_field *field, const void *base)
{
	const struct config_print *print = printer->print;

	if (print->shape != CONFIG_PRINT_BODY) {
		bool id = print->shape == CONFIG_PRINT_JOURNAL && !strcmp(field->name, "id");
		bool name = print->shape == CONFIG_PRINT_FILE && !strcmp(field->name, "name");

		if ((id || name) && !printer->part_id)
			print_own(printer, field->name);
		return;
	}
	if (!print_known(printer, object, field, base))
		print_own(printer, field->name);
}

/* Whether a value is worth a line in this shape. */
static bool is_wanted(const struct printer *printer, const struct schema_field *field,
		      const void *at)
{
	bool set = schema_is_set(field, at);

	if (printer->print->shape != CONFIG_PRINT_BODY)
		return set || (field->flags & SCHEMA_REQUIRED);
	if (field->status != SCHEMA_REFUSED)
		return true;
	return set || field->type == SCHEMA_BOOL;
}

static void print_field(struct printer *printer, const struct schema_object *object,
			const struct schema_field *field, const void *base)
{
	const void *at = schema_member_const(base, field);
	const struct secret *secret = at;

	if (field->type == SCHEMA_NOTHING) {
		print_nothing(printer, object, field, base);
	} else if (field->type == SCHEMA_SECRET) {
		if (printer->print->secrets && printer->print->shape != CONFIG_PRINT_BODY &&
		    secret->n)
			json_out_bytes(printer->out, field->name, secret_span(secret));
	} else if (field->type == SCHEMA_OBJECT && (field->flags & SCHEMA_INLINE)) {
		print_inline(printer, field, at);
	} else if (!is_wanted(printer, field, at)) {
		return;
	} else if (field->type == SCHEMA_OBJECT) {
		if (!print_known(printer, object, field, base) && *(const void *const *)at)
			print_object(printer, field->name, field->object, *(const void *const *)at);
	} else if (field->type == SCHEMA_ARRAY) {
		print_array(printer, field, at);
	} else if (field->type == SCHEMA_TAGS) {
		print_tags(printer->out, field->name, at);
	} else {
		print_scalar(printer, field, field->type, field->name, at);
	}
}

static bool is_left_out(const struct printer *printer, const struct schema_field *field)
{
	for (const char *const *name = printer->print->without; name && *name; name++)
		if (!strcmp(*name, field->name))
			return true;
	return false;
}

static void print_fields(struct printer *printer, const struct schema_object *object,
			 const void *base)
{
	for (uint16_t i = 0; i < object->count; i++)
		if (!is_left_out(printer, &object->fields[i]))
			print_field(printer, object, &object->fields[i], base);
}

void config_print_resource(const struct config_print *print, const struct config_resource *resource,
			   const char *key, struct json_out *out)
{
	struct printer printer = { .print = print, .resource = resource, .out = out };

	print_object(&printer, key, schema_kind(resource->kind)->object, resource);
}

/* Names suffice for what lives where the appliance says; the rest keeps its id. */
static bool is_at_home(const struct config_appliance *appliance,
		       const struct config_resource *resource)
{
	char home[1024];
	size_t n = (size_t)snprintf(home, sizeof(home), "/subscriptions/%s/resourceGroups/%s/",
				    appliance->subscription_id, appliance->resource_group);

	return n < sizeof(home) && !strncasecmp(resource->id, home, n);
}

void config_print_file(const struct config *config, bool secrets, struct json_out *out)
{
	const struct config_appliance *appliance = config_appliance(config);
	struct config_print print = { .shape = CONFIG_PRINT_FILE, .secrets = secrets };

	json_out_open(out, NULL, '{');
	config_print_resource(&print, &appliance->resource, "appliance", out);
	for (int kind = CONFIG_APPLIANCE + 1; kind < CONFIG_KINDS; kind++) {
		if (!config_count(config, kind))
			continue;
		json_out_open(out, schema_kind(kind)->list, '[');
		for (uint32_t i = 0; i < config_count(config, kind); i++) {
			const struct config_resource *resource = config_at(config, kind, i);

			print.shape = is_at_home(appliance, resource) ? CONFIG_PRINT_FILE
								      : CONFIG_PRINT_JOURNAL;
			config_print_resource(&print, resource, NULL, out);
		}
		json_out_close(out, ']');
	}
	json_out_close(out, '}');
}
