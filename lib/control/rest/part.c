/*
 * Parts of resources that have paths of their own: subnets and peerings of a network, NAT rules of
 * a gateway. They are read here and written with the resource that they belong to.
 */
#include "control/config/json_in.h"
#include "control/config/json_out.h"
#include "control/rest/state.h"

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

/* The whole resource as JSON, and its array of parts (NULL: it has none). */
static cJSON *whole_of(struct router_call *call, const struct part *part, cJSON **array)
{
	const struct config_resource *resource = rest_find(call, part->kind, call->names[0]);
	struct json_out out;
	cJSON *whole;

	if (!resource)
		return NULL;
	json_out_init(&out);
	rest_print(rest_of(call), resource, "Succeeded", NULL, &out);
	whole = cJSON_Parse(json_out_text(&out));
	json_out_fini(&out);
	*array = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(whole, "properties"), part->member);
	if (!whole)
		rest_refuse(call, &(struct error_answer){ 503, "ServiceUnavailable", NULL },
			    "The gateway is out of memory.");
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

static void part_get(struct router_call *call, const struct part *part)
{
	cJSON *array = NULL;
	cJSON *whole = whole_of(call, part, &array);
	const cJSON *found = NULL;
	const cJSON *item;

	if (!whole)
		return;
	cJSON_ArrayForEach(item, array)
	{
		const char *name =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "name"));

		if (name && !strcasecmp(name, call->names[1]))
			found = item;
	}
	if (found)
		answer_json(call, found, false);
	else
		rest_refuse(call, &(struct error_answer){ 404, "NotFound", NULL },
			    "There is no '%s' among the %s of '%s'.", call->names[1], part->member,
			    call->names[0]);
	cJSON_Delete(whole);
}

#define PART(part)                                                                                 \
	static void part##_list(struct router_call *call)                                          \
	{                                                                                          \
		part_list(call, &part);                                                            \
	}                                                                                          \
	static void part##_get(struct router_call *call)                                           \
	{                                                                                          \
		part_get(call, &part);                                                             \
	}

PART(subnets)
PART(peerings)
PART(rules)

#define ROWS(path, part)                                                                           \
	{ HTTP_GET, path, CONFIG_TOKEN_READ, part##_list },                                        \
	{                                                                                          \
		HTTP_GET, path "/*", CONFIG_TOKEN_READ, part##_get                                 \
	}

static const struct router_row rows[] = {
	ROWS("virtualNetworks/*/subnets", subnets),
	ROWS("virtualNetworks/*/virtualNetworkPeerings", peerings),
	ROWS("virtualNetworkGateways/*/natRules", rules),
};

const struct rest_rows rest_part_rows = { rows, sizeof(rows) / sizeof(rows[0]), REST_OF_AZURE };
