/*
 * What stands around the resources and is read by clients: resource groups, which are there as long
 * as they hold something (and the default one always), and the parts of networks and gateways that
 * have paths of their own.
 */
#include "control/config/json_out.h"
#include "control/rest/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_TEXT 128
#define GROUPS_MAX 256

struct group_set {
	char names[GROUPS_MAX][NAME_MAX_TEXT]; /* as their first resource spells it */
	uint32_t count;
};

static void set_add(struct group_set *set, const char *name, size_t n)
{
	if (n >= NAME_MAX_TEXT || set->count == GROUPS_MAX)
		return;
	for (uint32_t i = 0; i < set->count; i++)
		if (strlen(set->names[i]) == n && !strncasecmp(set->names[i], name, n))
			return;
	memcpy(set->names[set->count], name, n);
	set->names[set->count++][n] = '\0';
}

/* "/subscriptions/S/resourceGroups/G/..." of this subscription. */
static void group_of_id(struct group_set *set, const char *subscription, const char *id)
{
	static const char groups[] = "/resourceGroups/";
	const char *s = id + strlen("/subscriptions/");
	size_t n = strcspn(s, "/");

	if (strlen(subscription) != n || strncasecmp(s, subscription, n) ||
	    strncasecmp(s + n, groups, strlen(groups)))
		return;
	s += n + strlen(groups);
	set_add(set, s, strcspn(s, "/"));
}

static struct group_set *groups_find(const struct router_call *call)
{
	const struct config *config = config_store_running(rest_of(call)->config.store);
	const struct config_appliance *appliance = config_appliance(config);
	struct group_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	if (!strcasecmp(call->subscription, appliance->subscription_id))
		set_add(set, appliance->resource_group, strlen(appliance->resource_group));
	for (int kind = 0; kind < CONFIG_KINDS; kind++)
		for (uint32_t i = 0; kind != CONFIG_APPLIANCE && i < config_count(config, kind);
		     i++)
			group_of_id(set, call->subscription, config_at(config, kind, i)->id);
	return set;
}

static void group_print(struct json_out *out, const char *subscription, const char *name)
{
	char id[512];

	snprintf(id, sizeof(id), "/subscriptions/%s/resourceGroups/%s", subscription, name);
	json_out_open(out, NULL, '{');
	json_out_string(out, "id", id);
	json_out_string(out, "name", name);
	json_out_string(out, "type", "Microsoft.Resources/resourceGroups");
	json_out_string(out, "location", "appliance");
	json_out_raw(out, "properties", "{\"provisioningState\":\"Succeeded\"}");
	json_out_close(out, '}');
}

static void refuse_path(struct router_call *call)
{
	rest_refuse(call, &(struct error_answer){ 404, "NotFound", NULL },
		    "Resource groups are below /subscriptions/{subscriptionId}.");
}

static void group_list(struct router_call *call)
{
	struct group_set *set = call->subscription ? groups_find(call) : NULL;
	struct json_out out;

	if (!set) {
		refuse_path(call);
		return;
	}
	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	json_out_open(&out, "value", '[');
	for (uint32_t i = 0; i < set->count; i++)
		group_print(&out, call->subscription, set->names[i]);
	json_out_close(&out, ']');
	json_out_close(&out, '}');
	free(set);
	rest_answer_json(call, &out);
}

static void group_get(struct router_call *call)
{
	struct group_set *set = call->subscription ? groups_find(call) : NULL;
	struct json_out out;

	if (!set) {
		refuse_path(call);
		return;
	}
	for (uint32_t i = 0; i < set->count; i++) {
		if (strcasecmp(set->names[i], call->names[0]))
			continue;
		json_out_init(&out);
		group_print(&out, call->subscription, set->names[i]);
		free(set);
		rest_answer_json(call, &out);
		return;
	}
	free(set);
	rest_refuse(
		call, &(struct error_answer){ 404, "ResourceGroupNotFound", NULL },
		"Resource group '%s' could not be found: it holds nothing. It is there with its "
		"first resource.",
		call->names[0]);
}

static const struct router_row group_rows[] = {
	{ HTTP_GET, "resourceGroups", CONFIG_TOKEN_READ, group_list },
	{ HTTP_GET, "resourceGroups/*", CONFIG_TOKEN_READ, group_get },
};

const struct rest_rows rest_group_rows = { group_rows, sizeof(group_rows) / sizeof(group_rows[0]),
					   REST_OF_AZURE };
