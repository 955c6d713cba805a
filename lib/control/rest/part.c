/*
 * DOC: parts
 *
 * Parts of resources that have paths of their own: subnets and peerings of a network, NAT rules of
 * a gateway. A part is written by putting the resource as it is with this part another one, so that
 * all that holds for the whole (checks, etags, one change at a time, the journal) holds for it too.
 */
#include "control/config/json_in.h"
#include "control/config/json_out.h"
#include "control/config/print.h"
#include "control/rest/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct part {
	enum config_kind kind;
	const char *member; /* of properties, and the segment */
};

static const struct part subnets = { CONFIG_VIRTUAL_NETWORK, "subnets" };
static const struct part peerings = { CONFIG_VIRTUAL_NETWORK, "virtualNetworkPeerings" };
static const struct part rules = { CONFIG_GATEWAY, "natRules" };

static cJSON *array_of(const cJSON *whole, const struct part *part)
{
	return cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(whole, "properties"), part->member);
}

static cJSON *find_in(const cJSON *array, const char *name, int *index)
{
	cJSON *item;

	*index = 0;
	cJSON_ArrayForEach(item, array)
	{
		if (!strcasecmp(config_json_text(item, "name"), name))
			return item;
		++*index;
	}
	return NULL;
}

/* The whole resource as it is answered. NULL: no memory. */
static cJSON *whole_print(struct router_call *call, const struct config_resource *resource,
			  const char *state)
{
	struct json_out out;
	cJSON *whole;

	json_out_init(&out);
	rest_print(rest_of(call), resource, state, &out);
	whole = cJSON_Parse(json_out_text(&out));
	json_out_fini(&out);
	return whole;
}

/* The whole resource as JSON, and its array of parts (NULL: it has none). */
static cJSON *whole_of(struct router_call *call, const struct part *part, cJSON **array)
{
	const struct config_resource *resource = rest_find(call, part->kind, call->names[0]);
	cJSON *whole;

	if (!resource)
		return NULL;
	whole = whole_print(call, resource, rest_state_of(rest_of(call), resource));
	*array = array_of(whole, part);
	if (!whole)
		rest_refuse_memory(call);
	return whole;
}

static void answer_json(struct router_call *call, const cJSON *json, bool list)
{
	struct http_reply reply = { 0 };
	char *text = json ? cJSON_PrintUnformatted(json) : NULL;

	if (list)
		text_add(&reply.body, "{\"value\":%s}", text ? text : "[]");
	else
		text_add(&reply.body, "%s", text ? text : "{}");
	free(text);
	rest_answer(call, &reply);
}

static void part_list(struct router_call *call, const struct part *part)
{
	cJSON *array = NULL;
	cJSON *whole = whole_of(call, part, &array);

	if (whole)
		answer_json(call, array, true);
	cJSON_Delete(whole);
}

static void refuse_part(struct router_call *call, const struct part *part)
{
	rest_refuse(call, &(struct error_answer){ 404, "NotFound", NULL },
		    "There is no '%s' among the %s of '%s'.", call->names[1], part->member,
		    call->names[0]);
}

static void part_get(struct router_call *call, const struct part *part)
{
	cJSON *array = NULL;
	cJSON *whole = whole_of(call, part, &array);
	const cJSON *found;
	int index;

	if (!whole)
		return;
	found = find_in(array, call->names[1], &index);
	if (found)
		answer_json(call, found, false);
	else
		refuse_part(call, part);
	cJSON_Delete(whole);
}

/* NULL: no memory. */
static cJSON *whole_kept(const struct config_resource *resource)
{
	struct config_report report;
	cJSON *whole;

	config_report_init(&report);
	whole = rest_resource_whole(resource, &report);
	config_report_fini(&report);
	return whole;
}

/* The client's body with the name of the path. NULL: the exchange was ended. */
static cJSON *body_of(struct router_call *call)
{
	struct http_reply reply = { 0 };
	struct config_report report;
	cJSON *body = NULL;

	config_report_init(&report);
	if (rest_body_parse(call, &body, &report) == 0 && cJSON_IsObject(body)) {
		cJSON_DeleteItemFromObjectCaseSensitive(body, "name");
		cJSON_AddStringToObject(body, "name", call->names[1]);
	} else if (config_report_ok(&report)) {
		config_json_free(body);
		body = NULL;
		rest_refuse(call, &(struct error_answer){ 400, "InvalidRequestFormat", "" },
			    "The body must be an object.");
	} else {
		error_set_report(&reply, &report, NULL);
		server_reply(call->exchange, &reply);
	}
	config_report_fini(&report);
	return body;
}

/* The part as it will be. */
static void part_write(struct router_call *call, const struct config_resource *now,
		       const void *context, struct text *body)
{
	cJSON *whole = whole_print(call, now, "Updating");
	int index;
	const cJSON *found = find_in(array_of(whole, context), call->names[1], &index);
	char *text = found ? cJSON_PrintUnformatted(found) : NULL;

	text_add(body, "%s", text ? text : "{}");
	cJSON_free(text);
	cJSON_Delete(whole);
}

static void part_put(struct router_call *call, const struct part *part)
{
	const struct config_resource *resource = rest_find(call, part->kind, call->names[0]);
	cJSON *body = resource ? body_of(call) : NULL;
	cJSON *whole = body ? whole_kept(resource) : NULL;
	cJSON *properties = cJSON_GetObjectItemCaseSensitive(whole, "properties");
	cJSON *array = array_of(whole, part);
	struct rest_put_answer answer = { .follow = REST_ASYNC_OPERATION,
					  .write = part_write,
					  .context = part };
	char below[128];
	int index;

	if (!body)
		return;
	if (whole && !array)
		array = cJSON_AddArrayToObject(properties, part->member);
	if (!array) {
		config_json_free(body);
		config_json_free(whole);
		rest_refuse_memory(call);
		return;
	}
	answer.status = find_in(array, call->names[1], &index) ? 200 : 201;
	snprintf(below, sizeof(below), "/properties/%s/%d", part->member, index);
	answer.below = below;
	if (answer.status == 200)
		cJSON_ReplaceItemInArray(array, index, body);
	else
		cJSON_AddItemToArray(array, body);
	rest_resource_put_as(call, resource, whole, &answer);
	config_json_free(whole);
}

static void part_delete(struct router_call *call, const struct part *part)
{
	const struct config_resource *resource = rest_find(call, part->kind, call->names[0]);
	cJSON *whole = resource ? whole_kept(resource) : NULL;
	struct http_reply nothing = { .status = 204 };
	cJSON *array = array_of(whole, part);
	int index;

	if (!resource)
		return;
	if (!whole) {
		rest_refuse_memory(call);
	} else if (!find_in(array, call->names[1], &index)) {
		rest_answer(call, &nothing);
	} else {
		cJSON_DeleteItemFromArray(array, index);
		rest_resource_put_as(
			call, resource, whole,
			&(struct rest_put_answer){ .status = 202, .follow = REST_BOTH });
	}
	config_json_free(whole);
}

#define PART(part)                                                                                 \
	static void part##_list(struct router_call *call)                                          \
	{                                                                                          \
		part_list(call, &part);                                                            \
	}                                                                                          \
	static void part##_get(struct router_call *call)                                           \
	{                                                                                          \
		part_get(call, &part);                                                             \
	}                                                                                          \
	static void part##_put(struct router_call *call)                                           \
	{                                                                                          \
		part_put(call, &part);                                                             \
	}                                                                                          \
	static void part##_delete(struct router_call *call)                                        \
	{                                                                                          \
		part_delete(call, &part);                                                          \
	}

PART(subnets)
PART(peerings)
PART(rules)

#define ROWS(path, part)                                                                           \
	{ HTTP_GET, path, CONFIG_TOKEN_READ, part##_list },                                        \
		{ HTTP_GET, path "/*", CONFIG_TOKEN_READ, part##_get },                            \
		{ HTTP_PUT, path "/*", CONFIG_TOKEN_ADMIN, part##_put },                           \
	{                                                                                          \
		HTTP_DELETE, path "/*", CONFIG_TOKEN_ADMIN, part##_delete                          \
	}

static const struct router_row part_rows[] = {
	ROWS("virtualNetworks/*/subnets", subnets),
	ROWS("virtualNetworks/*/virtualNetworkPeerings", peerings),
	ROWS("virtualNetworkGateways/*/natRules", rules),
};
#undef ROWS

const struct rest_rows rest_part_rows = { part_rows, sizeof(part_rows) / sizeof(part_rows[0]),
					  REST_OF_AZURE };
