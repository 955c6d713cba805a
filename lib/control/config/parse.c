#include "control/config/parse.h"

#include "base/log.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

typedef bool (*parse_fn)(struct parse *parse, const struct schema_field *field, const cJSON *json,
			 void *at, const struct where *where);

static bool parse_value(struct parse *parse, const struct schema_field *field, const cJSON *json,
			void *at, const struct where *where);

static const char *json_kind(const cJSON *json)
{
	switch (json->type & 0xff) {
	case cJSON_False:
	case cJSON_True:
		return "a boolean";
	case cJSON_NULL:
		return "null";
	case cJSON_Number:
		return "a number";
	case cJSON_String:
		return "a string";
	case cJSON_Array:
		return "an array";
	case cJSON_Object:
		return "an object";
	}
	return "nothing";
}

static bool wrong_type(struct parse *parse, const cJSON *json, const char *wanted,
		       const struct where *where)
{
	where_error(parse->report, where, CODE_FORMAT, "Must be %s, not %s.", wanted,
		    json_kind(json));
	return false;
}

static bool no_memory(struct parse *parse)
{
	parse->no_memory = true;
	return false;
}

static bool text_fits(struct parse *parse, const struct schema_field *field, const char *text,
		      const struct where *where)
{
	size_t n = strlen(text);

	if ((int64_t)n < field->min) {
		where_error(parse->report, where, CODE_PARAMETER,
			    field->min == 1 ? "Must not be empty."
					    : "Must have at least %lld characters.",
			    (long long)field->min);
		return false;
	}
	if ((int64_t)n > (field->max ? field->max : 1024)) {
		where_error(parse->report, where, CODE_PARAMETER,
			    "Must have at most %lld characters; it has %zu.",
			    (long long)(field->max ? field->max : 1024), n);
		return false;
	}
	return true;
}

static bool parse_string(struct parse *parse, const struct schema_field *field, const cJSON *json,
			 void *at, const struct where *where)
{
	const char **out = at;

	if (!cJSON_IsString(json))
		return wrong_type(parse, json, "a string", where);
	if (!json->valuestring[0] && !(field->flags & SCHEMA_REQUIRED)) {
		*out = field->preset_text; /* empty is absent */
		return true;
	}
	if (!text_fits(parse, field, json->valuestring, where))
		return false;
	*out = config_arena_text(parse->arena, json->valuestring);
	return *out || no_memory(parse);
}

static bool parse_bool(struct parse *parse, const struct schema_field *field, const cJSON *json,
		       void *at, const struct where *where)
{
	if (!cJSON_IsBool(json))
		return wrong_type(parse, json, "true or false", where);
	*(bool *)at = cJSON_IsTrue(json);
	return true;
}

static bool parse_int(struct parse *parse, const struct schema_field *field, const cJSON *json,
		      void *at, const struct where *where)
{
	int64_t max = field->max ? field->max : INT32_MAX;
	double value = json->valuedouble;

	if (!cJSON_IsNumber(json))
		return wrong_type(parse, json, "a whole number", where);
	if (!isfinite(value) || value != floor(value)) {
		where_error(parse->report, where, CODE_FORMAT, "Must be a whole number.");
		return false;
	}
	if (value < (double)field->min || value > (double)max) {
		where_error(parse->report, where, CODE_PARAMETER, "Must be %lld to %lld, not %.0f.",
			    (long long)field->min, (long long)max, value);
		return false;
	}
	*(int64_t *)at = (int64_t)value;
	return true;
}

static void enum_choices(const struct schema_enum *values, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (; values->name && n < size - 1; values++) {
		const char *part[] = { n ? ", " : "", values->name };

		for (int i = 0; i < 2; i++)
			for (const char *c = part[i]; *c && n < size - 1; c++)
				buf[n++] = *c;
		buf[n] = '\0';
	}
}

static bool parse_enum(struct parse *parse, const struct schema_field *field, const cJSON *json,
		       void *at, const struct where *where)
{
	char choices[512];
	char quoted[80];

	if (!cJSON_IsString(json))
		return wrong_type(parse, json, "a string", where);
	for (const struct schema_enum *v = field->values; v->name; v++) {
		if (strcasecmp(v->name, json->valuestring))
			continue;
		*(int *)at = v->value;
		if (v->refused) {
			where_refused(parse->report, where, "%s is not available: %s.", v->name,
				      v->reason);
			return false;
		}
		return true;
	}
	enum_choices(field->values, choices, sizeof(choices));
	log_text(quoted, sizeof(quoted),
		 (struct span){ (const uint8_t *)json->valuestring, strlen(json->valuestring) });
	where_error(parse->report, where, CODE_PARAMETER, "\"%s\" is not one of %s.", quoted,
		    choices);
	return false;
}

static bool parse_addr(struct parse *parse, const struct schema_field *field, const cJSON *json,
		       void *at, const struct where *where)
{
	if (!cJSON_IsString(json))
		return wrong_type(parse, json, "an IP address as a string", where);
	if (!json->valuestring[0] && !(field->flags & SCHEMA_REQUIRED))
		return true;
	if (net_addr_parse(at, json->valuestring)) {
		where_error(parse->report, where, CODE_PARAMETER, "Is not an IP address.");
		return false;
	}
	return true;
}

static bool parse_prefix(struct parse *parse, const struct schema_field *field, const cJSON *json,
			 void *at, const struct where *where)
{
	char masked[NET_PREFIX_TEXT];
	int status;

	if (!cJSON_IsString(json))
		return wrong_type(parse, json, "a prefix (\"10.1.0.0/16\") as a string", where);
	if (!json->valuestring[0] && !(field->flags & SCHEMA_REQUIRED))
		return true;
	status = net_prefix_parse(at, json->valuestring);
	if (status == -ERANGE)
		where_error(parse->report, where, CODE_PARAMETER,
			    "Has bits set behind its length; do you mean %s?",
			    net_prefix_text(masked, at));
	else if (status)
		where_error(parse->report, where, CODE_PARAMETER,
			    "Is not a prefix like \"10.1.0.0/16\".");
	return !status;
}

static bool parse_interface(struct parse *parse, const struct schema_field *field,
			    const cJSON *json, void *at, const struct where *where)
{
	struct config_interface_address *out = at;
	struct net_prefix prefix;
	char text[NET_ADDR_TEXT];
	const char *slash;
	int status;

	if (!cJSON_IsString(json))
		return wrong_type(parse, json, "an address with its prefix length as a string",
				  where);
	slash = strchr(json->valuestring, '/');
	status = net_prefix_parse(&prefix, json->valuestring);
	if (!slash || (status && status != -ERANGE) ||
	    (size_t)(slash - json->valuestring) >= sizeof(text))
		goto wrong;
	memcpy(text, json->valuestring, (size_t)(slash - json->valuestring));
	text[slash - json->valuestring] = '\0';
	if (net_addr_parse(&out->addr, text))
		goto wrong;
	out->length = prefix.length;
	return true;
wrong:
	where_error(parse->report, where, CODE_PARAMETER,
		    "Is not an address with its prefix length like \"192.0.2.1/24\".");
	return false;
}

/* A name alone means a part of the resource itself, where that is what is referred to. */
static int resolve(struct parse *parse, const struct schema_field *field, const char *text,
		   struct config_ref *ref)
{
	if (field->ref_child && parse->self && parse->self_kind == field->ref_kind &&
	    config_name_valid(text, strlen(text)))
		return config_id_child(ref, parse->arena, parse->self, field->ref_child, text);
	return config_id_resolve(ref, parse->arena, &parse->scope, field->ref_kind,
				 field->ref_child, text);
}

static bool parse_ref(struct parse *parse, const struct schema_field *field, const cJSON *json,
		      void *at, const struct where *where)
{
	const cJSON *id = json;
	int status;

	if (cJSON_IsObject(json))
		id = cJSON_GetObjectItemCaseSensitive(json, "id");
	if (!id || !cJSON_IsString(id)) {
		where_error(parse->report, where, CODE_FORMAT,
			    "Must be a reference: {\"id\": \"...\"} or a name.");
		return false;
	}
	if (!id->valuestring[0] && !(field->flags & SCHEMA_REQUIRED))
		return true;
	status = resolve(parse, field, id->valuestring, at);
	if (status == -ENOMEM)
		return no_memory(parse);
	if (status) {
		const char *list = schema_kind(field->ref_kind)->list;
		bool part = field->ref_child != NULL;

		where_error(parse->report, where, CODE_REFERENCE,
			    "Must name a resource: /%s/NAME%s%s%s, the full id, or its name.", list,
			    part ? "/" : "", part ? field->ref_child : "", part ? "/NAME" : "");
	}
	return !status;
}

static bool parse_secret(struct parse *parse, const struct schema_field *field, const cJSON *json,
			 void *at, const struct where *where)
{
	if (!cJSON_IsString(json))
		return wrong_type(parse, json, "a string", where);
	if (!json->valuestring[0])
		return true;
	if (!text_fits(parse, field, json->valuestring, where))
		return false;
	secret_free(at);
	if (secret_copy(at, json->valuestring, strlen(json->valuestring)))
		return no_memory(parse);
	return true;
}

static bool parse_json(struct parse *parse, const struct schema_field *field, const cJSON *json,
		       void *at, const struct where *where)
{
	bool empty = !json->child && (cJSON_IsObject(json) || cJSON_IsArray(json));
	char *text;

	if (empty || (cJSON_IsString(json) && !json->valuestring[0]))
		return true;
	text = cJSON_PrintUnformatted(json);
	*(const char **)at = text ? config_arena_text(parse->arena, text) : NULL;
	cJSON_free(text);
	return *(const char **)at || no_memory(parse);
}

static bool parse_tags(struct parse *parse, const struct schema_field *field, const cJSON *json,
		       void *at, const struct where *where)
{
	struct config_array *tags = at;
	struct config_tag *tag;
	uint32_t n = (uint32_t)cJSON_GetArraySize(json);

	if (!cJSON_IsObject(json))
		return wrong_type(parse, json, "an object of strings", where);
	if (n > 50) {
		where_error(parse->report, where, CODE_PARAMETER, "At most 50 tags; there are %u.",
			    n);
		return false;
	}
	tag = tags->items = n ? config_arena_alloc(parse->arena, n * sizeof(*tag)) : NULL;
	if (n && !tag)
		return no_memory(parse);
	for (const cJSON *item = json->child; item; item = item->next, tag++) {
		struct where here = where_key(where, item->string);

		if (!cJSON_IsString(item) || strlen(item->string) > 512 ||
		    strlen(item->valuestring) > 256) {
			where_error(parse->report, &here, CODE_PARAMETER,
				    "A tag is a name of at most 512 and a text of at most 256 "
				    "characters.");
			return false;
		}
		tag->name = config_arena_text(parse->arena, item->string);
		tag->value = config_arena_text(parse->arena, item->valuestring);
		if (!tag->name || !tag->value)
			return no_memory(parse);
	}
	tags->count = n;
	return true;
}

static bool parse_array(struct parse *parse, const struct schema_field *field, const cJSON *json,
			void *at, const struct where *where)
{
	struct schema_field element = *field;
	struct config_array *array = at;
	size_t size = schema_element_size(field);
	int64_t n = cJSON_GetArraySize(json);
	bool ok = true;
	uint32_t i = 0;

	if (!cJSON_IsArray(json))
		return wrong_type(parse, json, "an array", where);
	if (n < field->min || (field->max && n > field->max)) {
		where_error(parse->report, where, CODE_PARAMETER,
			    "Must have %lld to %lld entries, not %lld.", (long long)field->min,
			    (long long)(field->max ? field->max : n), (long long)n);
		return false;
	}
	if (!n)
		return true;
	array->items = config_arena_alloc(parse->arena, size * (size_t)n);
	if (!array->items)
		return no_memory(parse);
	array->count = (uint32_t)n;
	element.type = field->element;
	element.flags = SCHEMA_REQUIRED | SCHEMA_INLINE;
	element.min = field->element == SCHEMA_STRING ? 1 : 0;
	element.max = field->element_max;
	for (const cJSON *item = json->child; item; item = item->next, i++) {
		struct where here = where_index(where, i);

		ok &= parse_value(parse, &element, item, (char *)array->items + i * size, &here);
	}
	return ok;
}

static bool parse_sub_object(struct parse *parse, const struct schema_field *field,
			     const cJSON *json, void *at, const struct where *where)
{
	void *base = at;

	if (!cJSON_IsObject(json))
		return wrong_type(parse, json, "an object", where);
	if (!(field->flags & SCHEMA_INLINE)) {
		base = config_arena_alloc(parse->arena, field->object->size);
		if (!base)
			return no_memory(parse);
		*(void **)at = base;
	}
	return parse_object(parse, field->object, json, base, where);
}

static const parse_fn parsers[] = {
	[SCHEMA_STRING] = parse_string, [SCHEMA_BOOL] = parse_bool,
	[SCHEMA_INT] = parse_int,	[SCHEMA_ENUM] = parse_enum,
	[SCHEMA_ADDR] = parse_addr,	[SCHEMA_PREFIX] = parse_prefix,
	[SCHEMA_REF] = parse_ref,	[SCHEMA_INTERFACE] = parse_interface,
	[SCHEMA_SECRET] = parse_secret, [SCHEMA_OBJECT] = parse_sub_object,
	[SCHEMA_ARRAY] = parse_array,	[SCHEMA_TAGS] = parse_tags,
	[SCHEMA_JSON] = parse_json,
};

static bool parse_value(struct parse *parse, const struct schema_field *field, const cJSON *json,
			void *at, const struct where *where)
{
	return parsers[field->type](parse, field, json, at, where);
}

static void preset(const struct schema_field *field, void *base)
{
	void *at = schema_member(base, field);

	switch (field->type) {
	case SCHEMA_BOOL:
		*(bool *)at = field->preset != 0;
		break;
	case SCHEMA_INT:
		*(int64_t *)at = field->preset;
		break;
	case SCHEMA_ENUM:
		*(int *)at = (int)field->preset;
		break;
	case SCHEMA_STRING:
		*(const char **)at = field->preset_text;
		break;
	case SCHEMA_OBJECT:
		if (field->flags & SCHEMA_INLINE)
			for (uint16_t i = 0; i < field->object->count; i++)
				preset(&field->object->fields[i], at);
		break;
	default:
		break;
	}
}

static bool is_comment(const char *key)
{
	return !strcmp(key, "$comment");
}

bool parse_keys(struct parse *parse, const struct schema_object *object, const cJSON *json,
		const struct where *where)
{
	bool ok = true;

	for (const cJSON *item = json->child; item; item = item->next) {
		struct where here = where_key(where, item->string);
		const struct schema_field *near;

		if (is_comment(item->string))
			continue;
		if (schema_field_find(object, item->string)) {
			if (cJSON_GetObjectItemCaseSensitive(json, item->string) != item) {
				where_error(parse->report, &here, CODE_CONTENT, "Is there twice.");
				ok = false;
			}
			continue;
		}
		near = schema_field_near(object, item->string);
		if (parse->lenient) {
			where_warn(parse->report, &here, "Is not known here and was ignored.");
			continue;
		}
		where_error(parse->report, &here, CODE_CONTENT,
			    near ? "Is not known here; do you mean \"%s\"?"
				 : "Is not known here%s.",
			    near ? near->name : "");
		ok = false;
	}
	return ok;
}

static bool parse_field(struct parse *parse, const struct schema_field *field, const cJSON *json,
			void *base, const struct where *where)
{
	void *at = schema_member(base, field);

	if (!parse_value(parse, field, json, at, where))
		return false;
	if (field->status == SCHEMA_REFUSED && schema_is_set(field, at)) {
		where_refused(parse->report, where, "%s is not available: %s.", field->name,
			      field->reason);
		return false;
	}
	return !field->check || field->check(field, at, where, parse->report);
}

bool parse_object(struct parse *parse, const struct schema_object *object, const cJSON *json,
		  void *base, const struct where *where)
{
	bool ok = parse_keys(parse, object, json, where);

	for (uint16_t i = 0; i < object->count; i++) {
		const struct schema_field *field = &object->fields[i];
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, field->name);
		struct where here = where_key(where, field->name);

		preset(field, base);
		if (field->type == SCHEMA_NOTHING)
			continue;
		if (item && (field->flags & SCHEMA_READ_ONLY)) {
			if (!parse->lenient)
				where_warn(parse->report, &here, "Is read-only and was ignored.");
			continue;
		}
		if (item && !cJSON_IsNull(item)) {
			ok &= parse_field(parse, field, item, base, &here);
		} else if (field->flags & SCHEMA_REQUIRED) {
			where_error(parse->report, &here, CODE_CONTENT, "Is missing.");
			ok = false;
		}
	}
	return ok && !parse->no_memory;
}

void parse_release(const struct schema_object *object, void *base)
{
	for (uint16_t i = 0; i < object->count; i++) {
		const struct schema_field *field = &object->fields[i];
		void *at = schema_member(base, field);
		const struct config_array *array = at;

		if (field->type == SCHEMA_SECRET)
			secret_free(at);
		else if (field->type == SCHEMA_OBJECT && (field->flags & SCHEMA_INLINE))
			parse_release(field->object, at);
		else if (field->type == SCHEMA_OBJECT && *(void **)at)
			parse_release(field->object, *(void **)at);
		else if (field->type == SCHEMA_ARRAY && field->element == SCHEMA_OBJECT)
			for (uint32_t k = 0; k < array->count; k++)
				parse_release(field->object,
					      (char *)array->items +
						      k * schema_element_size(field));
	}
}
