#include "control/rest/openapi.h"

#include "control/config/document.h"
#include "control/config/schema.h"
#include "control/rest/state.h"

#include <stdio.h>
#include <string.h>

#define PATH_MAX_TEXT 512

/* "a/ * /b" as "/.../a/{name}/b"; a second star is {name2}. */
static void path_text(char path[PATH_MAX_TEXT], const struct rest_rows *rows, const char *pattern)
{
	static const char provider[] =
		"/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
		"/providers/Microsoft.Network";
	static const char locations[] =
		"/subscriptions/{subscriptionId}/providers/Microsoft.Network";
	const char *prefix = provider;
	size_t n;
	int star = 0;

	if (rows->of == REST_OWN)
		prefix = "";
	else if (rows == &rest_group_rows)
		prefix = "/subscriptions/{subscriptionId}";
	else if (!strncmp(pattern, "locations/", 10))
		prefix = locations;
	n = (size_t)snprintf(path, PATH_MAX_TEXT, "%s/", prefix);
	for (; *pattern && n + 16 < PATH_MAX_TEXT; pattern++) {
		if (*pattern != '*')
			path[n++] = *pattern;
		else if (++star == 1)
			n += (size_t)snprintf(path + n, PATH_MAX_TEXT - n, "{name}");
		else
			n += (size_t)snprintf(path + n, PATH_MAX_TEXT - n, "{name%d}", star);
	}
	path[n] = '\0';
}

static void parameter_add(struct json_out *out, const char *name, size_t n, const char *in,
			  bool required)
{
	json_out_open(out, NULL, '{');
	json_out_bytes(out, "name", (struct span){ (const uint8_t *)name, n });
	json_out_string(out, "in", in);
	json_out_bool(out, "required", required);
	json_out_raw(out, "schema", "{\"type\":\"string\"}");
	json_out_close(out, '}');
}

static void parameters_add(struct json_out *out, const char *path, bool version, const char *query)
{
	const char *open = path;

	json_out_open(out, "parameters", '[');
	while ((open = strchr(open, '{'))) {
		size_t n = strcspn(++open, "}");

		parameter_add(out, open, n, "path", true);
		open += n;
	}
	if (version)
		parameter_add(out, "api-version", strlen("api-version"), "query", true);
	while (query && *query) {
		size_t n = strcspn(query, ",");

		parameter_add(out, query, n, "query", false);
		query += n + (query[n] == ',');
	}
	json_out_close(out, ']');
}

/* The kind whose resource stands at this pattern; CONFIG_KINDS: none. */
static int kind_at(const char *pattern)
{
	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		const char *list = schema_kind(kind)->list;
		size_t n = strlen(list);

		if (!strncmp(pattern, list, n) && !strcmp(pattern + n, "/*"))
			return kind;
	}
	return CONFIG_KINDS;
}

static void content_add(struct json_out *out, int kind)
{
	char text[160];

	snprintf(text, sizeof(text),
		 "{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}}",
		 schema_kind(kind)->list);
	json_out_raw(out, "content", text);
}

static void answers_add(struct json_out *out, const struct rest_rows *rows,
			const struct router_row *row)
{
	static const char *const done[HTTP_METHODS] = { "200", "200", "202", "200", "202" };
	int kind = kind_at(row->pattern);
	bool whole = kind < CONFIG_KINDS && row->method != HTTP_DELETE;

	json_out_open(out, "responses", '{');
	json_out_open(out, rows->of == REST_NOT_BUILT ? "501" : done[row->method], '{');
	json_out_string(out, "description",
			rows->of == REST_NOT_BUILT ? "Not built." : "Done, or under way.");
	if (whole)
		content_add(out, kind);
	json_out_close(out, '}');
	json_out_raw(out, "default",
		     "{\"description\":\"What is wrong.\",\"content\":{\"application/json\":{"
		     "\"schema\":{\"$ref\":\"#/components/schemas/error\"}}}}");
	json_out_close(out, '}');
}

static void method_add(struct json_out *out, const struct rest_rows *rows,
		       const struct router_row *row)
{
	static const char *const names[HTTP_METHODS] = { "get", "put", "post", "patch", "delete" };
	char text[PATH_MAX_TEXT];
	int kind = kind_at(row->pattern);

	json_out_open(out, names[row->method], '{');
	snprintf(text, sizeof(text), "%s %s", names[row->method], row->pattern);
	for (char *c = text; *c; c++)
		if (strchr(" /*.", *c))
			*c = '_';
	json_out_string(out, "operationId", text);
	snprintf(text, sizeof(text), "Needs a token of role %s.", auth_role_text(row->role));
	json_out_string(out, "description", text);
	if (row->method == HTTP_PUT && kind < CONFIG_KINDS) {
		json_out_open(out, "requestBody", '{');
		json_out_bool(out, "required", true);
		content_add(out, kind);
		json_out_close(out, '}');
	}
	answers_add(out, rows, row);
	json_out_close(out, '}');
}

static bool seen_before(const struct rest_rows *rows, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(rows->rows[k].pattern, rows->rows[i].pattern))
			return true;
	return false;
}

static void paths_add(struct json_out *out, const struct rest_rows *rows)
{
	char path[PATH_MAX_TEXT];

	for (size_t i = 0; i < rows->count; i++) {
		const char *pattern = rows->rows[i].pattern;

		if (seen_before(rows, i))
			continue;
		path_text(path, rows, pattern);
		json_out_open(out, path, '{');
		parameters_add(out, path, rows->of != REST_OWN, rows->rows[i].query);
		for (size_t k = i; k < rows->count; k++)
			if (!strcmp(rows->rows[k].pattern, pattern))
				method_add(out, rows, &rows->rows[k]);
		json_out_close(out, '}');
	}
}

static void components_add(struct json_out *out)
{
	json_out_open(out, "components", '{');
	json_out_raw(out, "securitySchemes",
		     "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"}}");
	json_out_open(out, "schemas", '{');
	for (int kind = 0; kind < CONFIG_KINDS; kind++) {
		if (kind == CONFIG_APPLIANCE)
			continue;
		json_out_open(out, schema_kind(kind)->list, '{');
		config_document_kind(out, kind);
		json_out_close(out, '}');
	}
	json_out_raw(out, "error",
		     "{\"type\":\"object\",\"properties\":{\"error\":{\"type\":\"object\","
		     "\"properties\":{\"code\":{\"type\":\"string\"},\"message\":{\"type\":"
		     "\"string\"},\"target\":{\"type\":\"string\"}}}}}");
	json_out_close(out, '}');
	json_out_close(out, '}');
}

void openapi_get(struct router_call *call)
{
	struct json_out out;

	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	json_out_string(&out, "openapi", "3.1.0");
	json_out_raw(&out, "info",
		     "{\"title\":\"vpngw\",\"version\":\"2025-05-01\",\"description\":\"Azure's "
		     "resources under their full paths; the same under /virtualNetworkGateways/... "
		     "without the prefix and without api-version.\"}");
	json_out_raw(&out, "security", "[{\"bearer\":[]}]");
	json_out_open(&out, "paths", '{');
	for (size_t i = 0; i < rest_all_count; i++)
		paths_add(&out, rest_all_rows[i]);
	json_out_close(&out, '}');
	components_add(&out);
	json_out_close(&out, '}');
	rest_answer_json(call, &out);
}
