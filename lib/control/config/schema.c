#include "control/config/schema.h"

#include "control/config/id.h"
#include "control/config/schema_rows.h"

#include <string.h>
#include <strings.h>

#define PROVIDER "Microsoft.Network/"

static const struct schema_kind kinds[CONFIG_KINDS] = {
	[CONFIG_APPLIANCE] = { .list = "appliance",
			       .type = "vpngw/appliance",
			       .noun = "appliance",
			       .object = &schema_appliance },
	[CONFIG_VIRTUAL_NETWORK] = { .list = "virtualNetworks",
				     .type = PROVIDER "virtualNetworks",
				     .noun = "virtual network",
				     .object = &schema_virtual_network },
	[CONFIG_PUBLIC_IP] = { .list = "publicIPAddresses",
			       .type = PROVIDER "publicIPAddresses",
			       .noun = "public IP address",
			       .object = &schema_public_ip },
	[CONFIG_GATEWAY] = { .list = "virtualNetworkGateways",
			     .type = PROVIDER "virtualNetworkGateways",
			     .noun = "virtual network gateway",
			     .object = &schema_gateway },
	[CONFIG_LOCAL_GATEWAY] = { .list = "localNetworkGateways",
				   .type = PROVIDER "localNetworkGateways",
				   .noun = "local network gateway",
				   .object = &schema_local_gateway },
	[CONFIG_CONNECTION] = { .list = "connections",
				.type = PROVIDER "connections",
				.noun = "connection",
				.object = &schema_connection },
};

const struct schema_enum schema_allocation_values[] = {
	{ .name = "Static", .value = CONFIG_ALLOCATION_STATIC },
	{ .name = "Dynamic", .value = CONFIG_ALLOCATION_DYNAMIC },
	{ 0 }
};

const struct schema_kind *schema_kind(enum config_kind kind)
{
	return &kinds[kind];
}

size_t schema_element_size(const struct schema_field *field)
{
	switch (field->element) {
	case SCHEMA_STRING:
		return sizeof(const char *);
	case SCHEMA_INT:
		return sizeof(int64_t);
	case SCHEMA_ENUM:
		return sizeof(int);
	case SCHEMA_ADDR:
		return sizeof(struct net_addr);
	case SCHEMA_PREFIX:
		return sizeof(struct net_prefix);
	case SCHEMA_INTERFACE:
		return sizeof(struct config_interface_address);
	case SCHEMA_REF:
		return sizeof(struct config_ref);
	case SCHEMA_OBJECT:
		return field->object->size;
	}
	return 0;
}

const char *schema_enum_name(const struct schema_enum *values, int value)
{
	for (; values->name; values++)
		if (values->value == value)
			return values->name;
	return NULL;
}

const struct schema_field *schema_field_find(const struct schema_object *object, const char *name)
{
	for (uint16_t i = 0; i < object->count; i++)
		if (!strcmp(object->fields[i].name, name))
			return &object->fields[i];
	return NULL;
}

#define NAME_MAX_CHARS 48

/* Levenshtein distance without case; names longer than the table's longest are far away. */
static uint32_t distance(const char *a, const char *b)
{
	uint32_t row[NAME_MAX_CHARS + 1];
	size_t n = strlen(b);

	if (n > NAME_MAX_CHARS || strlen(a) > NAME_MAX_CHARS)
		return UINT32_MAX;
	for (uint32_t k = 0; k <= n; k++)
		row[k] = k;
	for (uint32_t i = 1; a[i - 1]; i++) {
		uint32_t diagonal = row[0];

		row[0] = i;
		for (uint32_t k = 1; k <= n; k++) {
			uint32_t cost = diagonal + (strncasecmp(&a[i - 1], &b[k - 1], 1) != 0);
			uint32_t step = (row[k] < row[k - 1] ? row[k] : row[k - 1]) + 1;

			diagonal = row[k];
			row[k] = step < cost ? step : cost;
		}
	}
	return row[n];
}

const struct schema_field *schema_field_near(const struct schema_object *object, const char *name)
{
	const struct schema_field *best = NULL;
	uint32_t nearest = UINT32_MAX;

	for (uint16_t i = 0; i < object->count; i++) {
		uint32_t d = distance(name, object->fields[i].name);

		if (d < nearest) {
			nearest = d;
			best = &object->fields[i];
		}
	}
	return nearest <= 1 + strlen(name) / 4 ? best : NULL;
}

bool schema_check_name(const struct schema_field *field, const void *value,
		       const struct where *where, struct config_report *report)
{
	const char *name = *(const char *const *)value;

	if (name && config_name_valid(name, strlen(name)))
		return true;
	where_error(
		report, where, "InvalidResourceName",
		"Must be 1 to 80 letters, digits, '_', '.' or '-', start with a letter or digit "
		"and end with one or '_'.");
	return false;
}

bool schema_is_set(const struct schema_field *field, const void *at)
{
	const char *text;

	switch (field->type) {
	case SCHEMA_STRING:
		text = *(const char *const *)at;
		return text && (!field->preset_text || strcmp(text, field->preset_text));
	case SCHEMA_BOOL:
		return *(const bool *)at != (bool)field->preset;
	case SCHEMA_INT:
		return *(const int64_t *)at != field->preset;
	case SCHEMA_ENUM:
		return *(const int *)at != (int)field->preset;
	case SCHEMA_ADDR:
	case SCHEMA_PREFIX:
		return ((const struct net_addr *)at)->family != NET_NONE;
	case SCHEMA_ARRAY:
	case SCHEMA_TAGS:
		return ((const struct config_array *)at)->count != 0;
	case SCHEMA_SECRET:
		return ((const struct secret *)at)->n != 0;
	default:
		return *(const void *const *)at != NULL;
	}
}
