#include "control/config/document.h"

#include "control/config/schema.h"

#include <stdio.h>
#include <string.h>

static void schema_object_body(struct json_out *out, const struct schema_object *object);

static void schema_reference(struct json_out *out)
{
	json_out_open(out, "anyOf", '[');
	json_out_open(out, NULL, '{');
	json_out_string(out, "type", "string");
	json_out_close(out, '}');
	json_out_open(out, NULL, '{');
	json_out_string(out, "type", "object");
	json_out_open(out, "properties", '{');
	json_out_raw(out, "id", "{\"type\":\"string\"}");
	json_out_close(out, '}');
	json_out_raw(out, "required", "[\"id\"]");
	json_out_close(out, '}');
	json_out_close(out, ']');
}

static void schema_string(struct json_out *out, const struct schema_field *field, bool limits)
{
	json_out_string(out, "type", "string");
	if (limits && field->min)
		json_out_int(out, "minLength", field->min);
	if (limits && field->max)
		json_out_int(out, "maxLength", field->max);
}

static void schema_int(struct json_out *out, const struct schema_field *field, bool limits)
{
	json_out_string(out, "type", "integer");
	json_out_int(out, "minimum", limits ? field->min : 0);
	if (limits && field->max)
		json_out_int(out, "maximum", field->max);
}

static void schema_enum(struct json_out *out, const struct schema_field *field)
{
	json_out_open(out, "enum", '[');
	for (const struct schema_enum *v = field->values; v->name; v++)
		if (!v->refused)
			json_out_string(out, NULL, v->name);
	json_out_close(out, ']');
}

static void schema_type(struct json_out *out, const struct schema_field *field, uint8_t type,
			bool limits)
{
	switch (type) {
	case SCHEMA_BOOL:
		json_out_string(out, "type", "boolean");
		break;
	case SCHEMA_INT:
		schema_int(out, field, limits);
		break;
	case SCHEMA_ENUM:
		schema_enum(out, field);
		break;
	case SCHEMA_REF:
		schema_reference(out);
		break;
	case SCHEMA_OBJECT:
		schema_object_body(out, field->object);
		break;
	case SCHEMA_TAGS:
		json_out_string(out, "type", "object");
		json_out_raw(out, "additionalProperties", "{\"type\":\"string\"}");
		break;
	case SCHEMA_ARRAY:
		json_out_string(out, "type", "array");
		if (field->min)
			json_out_int(out, "minItems", field->min);
		if (field->max)
			json_out_int(out, "maxItems", field->max);
		json_out_open(out, "items", '{');
		schema_type(out, field, field->element, false);
		json_out_close(out, '}');
		break;
	case SCHEMA_JSON:
	case SCHEMA_NOTHING:
		break;
	default:
		schema_string(out, field, limits);
	}
}

static void schema_default(struct json_out *out, const struct schema_field *field)
{
	const char *name;

	if (!(field->flags & SCHEMA_HAS_DEFAULT) && field->type != SCHEMA_BOOL)
		return;
	switch (field->type) {
	case SCHEMA_BOOL:
		json_out_bool(out, "default", field->preset != 0);
		break;
	case SCHEMA_INT:
		json_out_int(out, "default", field->preset);
		break;
	case SCHEMA_ENUM:
		name = schema_enum_name(field->values, (int)field->preset);
		json_out_string(out, "default", name ? name : "");
		break;
	case SCHEMA_STRING:
		if (field->preset_text)
			json_out_string(out, "default", field->preset_text);
		break;
	}
}

static void schema_property(struct json_out *out, const struct schema_field *field)
{
	json_out_open(out, field->name, '{');
	schema_type(out, field, field->type, true);
	schema_default(out, field);
	if (field->flags & SCHEMA_READ_ONLY)
		json_out_bool(out, "readOnly", true);
	if (field->flags & SCHEMA_WRITE_ONLY)
		json_out_bool(out, "writeOnly", true);
	if (field->help && field->help[0])
		json_out_string(out, "description", field->help);
	if (field->status == SCHEMA_REFUSED)
		json_out_string(out, "$comment", field->reason);
	json_out_close(out, '}');
}

static void schema_object_body(struct json_out *out, const struct schema_object *object)
{
	struct json_out_mark mark;

	json_out_string(out, "type", "object");
	json_out_bool(out, "additionalProperties", false);
	json_out_open(out, "properties", '{');
	json_out_raw(out, "$comment", "{}");
	for (uint16_t i = 0; i < object->count; i++)
		schema_property(out, &object->fields[i]);
	json_out_close(out, '}');
	mark = json_out_mark(out);
	json_out_open(out, "required", '[');
	for (uint16_t i = 0; i < object->count; i++)
		if (object->fields[i].flags & SCHEMA_REQUIRED)
			json_out_string(out, NULL, object->fields[i].name);
	if (out->first)
		json_out_back(out, mark);
	else
		json_out_close(out, ']');
}

void config_document_kind(struct json_out *out, enum config_kind kind)
{
	schema_object_body(out, schema_kind(kind)->object);
}

void config_document_schema(struct json_out *out)
{
	json_out_open(out, NULL, '{');
	json_out_string(out, "$schema", "https://json-schema.org/draft/2020-12/schema");
	json_out_string(out, "title", "vpngw configuration");
	json_out_string(out, "type", "object");
	json_out_bool(out, "additionalProperties", false);
	json_out_open(out, "properties", '{');
	json_out_raw(out, "$comment", "{}");
	json_out_raw(out, "$schema", "{\"type\":\"string\"}");
	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		const struct schema_kind *about = schema_kind(kind);

		json_out_open(out, about->list, '{');
		if (kind != CONFIG_APPLIANCE) {
			json_out_string(out, "type", "array");
			json_out_open(out, "items", '{');
		}
		schema_object_body(out, about->object);
		if (kind != CONFIG_APPLIANCE)
			json_out_close(out, '}');
		json_out_close(out, '}');
	}
	json_out_close(out, '}');
	json_out_close(out, '}');
}

static const char *type_name(uint8_t type)
{
	static const char *const names[] = {
		[SCHEMA_STRING] = "text",
		[SCHEMA_BOOL] = "boolean",
		[SCHEMA_INT] = "number",
		[SCHEMA_ENUM] = "one of",
		[SCHEMA_ADDR] = "address",
		[SCHEMA_PREFIX] = "prefix",
		[SCHEMA_INTERFACE] = "address/length",
		[SCHEMA_REF] = "reference",
		[SCHEMA_SECRET] = "secret",
		[SCHEMA_OBJECT] = "object",
		[SCHEMA_ARRAY] = "array",
		[SCHEMA_TAGS] = "object of texts",
		[SCHEMA_JSON] = "any",
		[SCHEMA_NOTHING] = "",
	};

	return names[type];
}

static void page_values(struct text *out, const struct schema_enum *values)
{
	const char *separator = " ";

	for (; values->name; values++) {
		if (values->refused)
			continue;
		text_add(out, "%s`%s`", separator, values->name);
		separator = ", ";
	}
}

static void page_type(struct text *out, const struct schema_field *field)
{
	uint8_t type = field->type;

	if (type == SCHEMA_ARRAY) {
		text_add(out, "array of ");
		type = field->element;
	}
	text_add(out, "%s", type_name(type));
	if (type == SCHEMA_ENUM)
		page_values(out, field->values);
	if (type == SCHEMA_REF)
		text_add(out, " to `%s%s%s`", schema_kind(field->ref_kind)->list,
			 field->ref_child ? "/*/" : "", field->ref_child ? field->ref_child : "");
	if (field->type == SCHEMA_INT && field->max)
		text_add(out, " %lld to %lld", (long long)field->min, (long long)field->max);
	if (field->type == SCHEMA_ARRAY && field->max)
		text_add(out, ", %lld to %lld", (long long)field->min, (long long)field->max);
}

static void page_default(struct text *out, const struct schema_field *field)
{
	const char *name;

	if (field->flags & SCHEMA_REQUIRED) {
		text_add(out, "**required**");
	} else if (field->type == SCHEMA_BOOL) {
		text_add(out, "`%s`", field->preset ? "true" : "false");
	} else if (field->flags & SCHEMA_HAS_DEFAULT) {
		if (field->type == SCHEMA_INT)
			text_add(out, "`%lld`", (long long)field->preset);
		name = field->type == SCHEMA_ENUM
			       ? schema_enum_name(field->values, (int)field->preset)
			       : field->preset_text;
		if (field->type != SCHEMA_INT && name)
			text_add(out, "`%s`", name);
	}
}

static const char *change_name(const struct schema_field *field)
{
	if (field->flags & SCHEMA_READ_ONLY)
		return "read-only";
	if (field->flags & SCHEMA_IMMUTABLE)
		return "never";
	if (field->flags & SCHEMA_RESTART)
		return "next start";
	return field->flags & SCHEMA_LIVE ? "live" : "restarts tunnels";
}

static void page_status(struct text *out, const struct schema_field *field)
{
	static const char *const names[] = { "?", "enforced", "stored", "refused" };

	text_add(out, "%s", field->flags & SCHEMA_READ_ONLY ? "" : names[field->status]);
	if (field->status == SCHEMA_REFUSED)
		text_add(out, ": %s", field->reason);
	for (const struct schema_enum *v = field->values; v && v->name; v++)
		if (v->refused)
			text_add(out, "; `%s` refused: %s", v->name, v->reason);
}

struct path {
	char text[256];
	size_t n;
};

static void page_rows(struct text *out, const struct schema_object *object,
		      const struct path *above)
{
	for (uint16_t i = 0; i < object->count; i++) {
		const struct schema_field *field = &object->fields[i];
		bool many = field->type == SCHEMA_ARRAY && field->element == SCHEMA_OBJECT;
		struct path path = *above;

		path.n += (size_t)snprintf(path.text + path.n, sizeof(path.text) - path.n, "%s%s%s",
					   path.n ? "." : "", field->name, many ? "[]" : "");
		if (field->type == SCHEMA_OBJECT && (field->flags & SCHEMA_INLINE)) {
			page_rows(out, field->object, &path);
			continue;
		}
		text_add(out, "| `%s`%s | ", path.text,
			 field->flags & SCHEMA_EXTENSION ? " (ours)" : "");
		page_type(out, field);
		text_add(out, " | ");
		page_default(out, field);
		text_add(out, " | %s | ", change_name(field));
		page_status(out, field);
		text_add(out, " | %s |\n", field->help);
		if (many || field->type == SCHEMA_OBJECT)
			page_rows(out, field->object, &path);
	}
}

void config_document_reference(struct text *out)
{
	static const struct path root;

	text_add(out,
		 "# Reference of the configuration\n\n"
		 "Made from the schema table of `lib/control/config`; a test holds this page to "
		 "it.\n"
		 "`README.md` says how a file is built up.\n\n"
		 "*Change*: `live` leaves tunnels standing, `restarts tunnels` does not, `next "
		 "start` takes\neffect when the programs start again, `never` is refused "
		 "(PropertyChangeNotAllowed).\n"
		 "*Status*: `enforced` has an effect, `stored` is kept and given back without one, "
		 "`refused` answers\n501 unless it is absent, false or empty. (ours) marks what "
		 "Azure does not have.\n");
	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		text_add(out, "\n## %s\n\n", schema_kind(kind)->list);
		text_add(out, "| Property | Type | Default | Change | Status | Meaning |\n"
			      "|---|---|---|---|---|---|\n");
		page_rows(out, schema_kind(kind)->object, &root);
	}
}
