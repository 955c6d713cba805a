/*
 * DOC: resources
 *
 * GET, PUT, PATCH (tags), DELETE and lists, the same for every kind that Azure's clients read or
 * write. A PUT is built into a snapshot at once, so that what is wrong is answered with 4xx; what
 * is right is answered with 201 or 200 and applied behind an operation.
 */
#include "base/log.h"
#include "control/config/build.h"
#include "control/config/list.h"
#include "control/config/print.h"
#include "control/config/schema.h"
#include "control/rest/change.h"
#include "control/rest/gateway.h"
#include "control/rest/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ID_MAX 1024

void rest_resource_id(const struct router_call *call, enum config_kind kind, const char *name,
		      char *id, size_t size)
{
	const struct config_appliance *a =
		config_appliance(config_store_running(rest_of(call)->config.store));

	snprintf(id, size, "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Network/%s/%s",
		 call->subscription ? call->subscription : a->subscription_id,
		 call->group ? call->group : a->resource_group, schema_kind(kind)->list, name);
}

/* In place when both are one. */
static void key_of(char *key, const char *id)
{
	size_t i;

	for (i = 0; id[i] && i < ID_MAX - 1; i++)
		key[i] = id[i] >= 'A' && id[i] <= 'Z' ? (char)(id[i] + 32) : id[i];
	key[i] = '\0';
}

void rest_resource_key(const struct router_call *call, enum config_kind kind, const char *name,
		       char *key, size_t size)
{
	rest_resource_id(call, kind, name, key, size);
	key_of(key, key);
}

static const struct config_resource *lookup(const struct router_call *call,
					    const struct config *config, enum config_kind kind,
					    const char *name)
{
	char key[ID_MAX];

	rest_resource_key(call, kind, name, key, sizeof(key));
	return config_find(config, kind, key);
}

const struct config_resource *rest_find(struct router_call *call, enum config_kind kind,
					const char *name)
{
	const struct config_store *store = rest_of(call)->config.store;
	const struct config_resource *resource =
		lookup(call, config_store_running(store), kind, name);

	if (resource)
		return resource;
	if (lookup(call, config_store_latest(store), kind, name))
		rest_refuse(call, &(struct error_answer){ 409, "AnotherOperationInProgress", NULL },
			    "The %s '%s' is being created: wait for that.", schema_kind(kind)->noun,
			    name);
	else
		rest_refuse(call, &(struct error_answer){ 404, "ResourceNotFound", NULL },
			    "The %s '%s' was not found.", schema_kind(kind)->noun, name);
	return NULL;
}

const char *rest_state_of(struct rest *rest, const struct config_resource *resource)
{
	const struct config_store *store = rest->config.store;

	if (!config_store_busy(store, resource->kind, resource->key))
		return "Succeeded";
	return config_find(config_store_latest(store), resource->kind, resource->key) ? "Updating"
										      : "Deleting";
}

static void body_set(struct http_reply *reply, struct json_out *out)
{
	text_add_bytes(&reply->body, json_out_text(out), out->n);
	json_out_fini(out);
}

/* The running resource, or the one that is being created. */
static const struct config_resource *find_to_show(struct router_call *call, enum config_kind kind)
{
	const struct config_store *store = rest_of(call)->config.store;
	const struct config_resource *coming =
		lookup(call, config_store_latest(store), kind, call->names[0]);

	if (coming && !config_find(config_store_running(store), kind, coming->key))
		return coming;
	return rest_find(call, kind, call->names[0]);
}

/* 200 with the resource, 304 when the client has it. */
static void resource_get_one(struct router_call *call, enum config_kind kind)
{
	const struct config_resource *resource = find_to_show(call, kind);
	struct rest *rest = rest_of(call);
	struct http_reply reply = { 0 };
	struct json_out out;
	char etag[CONFIG_ETAG];

	if (!resource)
		return;
	config_etag(etag, resource);
	http_reply_header(&reply, "ETag", etag);
	if (call->request->if_none_match && !strcmp(call->request->if_none_match, etag)) {
		reply.status = 304;
		rest_answer(call, &reply);
		return;
	}
	json_out_init(&out);
	rest_print(rest, resource, rest_state_of(rest, resource), &out);
	body_set(&reply, &out);
	rest_answer(call, &reply);
}

#define PAGE 1000

static void next_link(struct json_out *out, const struct router_call *call, uint32_t from)
{
	const char *version = http_query(call->request, "api-version");
	char url[1024];
	int n = snprintf(url, sizeof(url), "%s://%s", call->request->tls ? "https" : "http",
			 call->request->host ? call->request->host : "localhost");

	for (uint32_t i = 0; i < call->request->segment_count && n < (int)sizeof(url); i++)
		n += snprintf(url + n, sizeof(url) - (size_t)n, "/%s", call->request->segments[i]);
	if (n < (int)sizeof(url))
		snprintf(url + n, sizeof(url) - (size_t)n, "?api-version=%s&%%24skiptoken=%u",
			 version ? version : "2025-05-01", from);
	json_out_string(out, "nextLink", url);
}

/* False: the exchange was ended. */
static bool skip_token(struct router_call *call, uint32_t *from)
{
	const char *token = http_query(call->request, "$skiptoken");
	char *end = NULL;

	*from = token ? (uint32_t)strtoul(token, &end, 10) : 0;
	if (!token || (token[0] >= '0' && token[0] <= '9' && !*end))
		return true;
	rest_refuse(call, &(struct error_answer){ 400, "InvalidParameter", "$skiptoken" },
		    "$skiptoken '%.20s' is not from a nextLink of this list.", token);
	return false;
}

void rest_list_answer(struct router_call *call, const struct rest_list *list)
{
	struct rest *rest = rest_of(call);
	const struct config *config = config_store_running(rest->config.store);
	uint32_t printed = 0;
	struct json_out out;
	uint32_t i;

	if (!skip_token(call, &i))
		return;
	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	json_out_open(&out, "value", '[');
	for (; i < config_count(config, list->kind); i++) {
		const struct config_resource *resource = config_at(config, list->kind, i);

		if (!list->has(resource, list->context))
			continue;
		if (printed++ == PAGE)
			break;
		list->print(rest, resource, rest_state_of(rest, resource), &out);
	}
	json_out_close(&out, ']');
	if (i < config_count(config, list->kind))
		next_link(&out, call, i);
	json_out_close(&out, '}');
	rest_answer_json(call, &out);
}

static bool is_below(const struct config_resource *resource, const void *prefix)
{
	return strncmp(resource->key, prefix, strlen(prefix)) == 0;
}

/* Those of the call's resource group; a full path without a group is of the whole subscription. */
static void resource_list(struct router_call *call, enum config_kind kind)
{
	char prefix[ID_MAX];

	if (call->subscription && !call->group)
		snprintf(prefix, sizeof(prefix), "/subscriptions/%s/", call->subscription);
	else
		rest_resource_id(call, kind, "", prefix, sizeof(prefix));
	key_of(prefix, prefix);
	rest_list_answer(call, &(struct rest_list){ kind, is_below, prefix, rest_print });
}

/* Ends the exchange with what the report says. */
static void refuse_report(struct router_call *call, const char *id,
			  const struct config_report *report, const struct error_places *places)
{
	struct error_places here = { .about = id };
	struct http_reply reply = { 0 };

	if (places)
		here = (struct error_places){ id, places->below, places->as };
	rest_audit(call, id, "refused");
	error_set_report(&reply, report, &here);
	server_reply(call->exchange, &reply);
}

void rest_warnings_add(struct http_reply *reply, const struct config_report *report)
{
	char text[512];

	for (uint32_t i = 0; i < report->warning_kept && i < 4; i++) {
		snprintf(text, sizeof(text), "299 vpngw \"%.200s: %.250s\"",
			 report->warnings[i].pointer, report->warnings[i].message);
		for (char *c = text + 11; *c; c++)
			if (*c == '"' && c[1])
				*c = '\'';
		http_reply_header(reply, "Warning", text);
	}
}

#define CONFIRM_MAX_S 86400

bool rest_confirm_of(struct router_call *call, uint32_t *seconds)
{
	const char *text = http_query(call->request, "confirm");
	char *end = NULL;
	unsigned long value = text ? strtoul(text, &end, 10) : 0;

	*seconds = (uint32_t)value;
	if (!text || (*text && !*end && value >= 1 && value <= CONFIRM_MAX_S))
		return true;
	rest_refuse(call, &(struct error_answer){ 400, "InvalidParameter", "confirm" },
		    "confirm is a number of seconds from 1 to %u: the change is taken back unless "
		    "POST /config/confirm comes within.",
		    CONFIRM_MAX_S);
	return false;
}

/* Takes the snapshot. NULL: the exchange was ended. */
static const struct operation *submit(struct router_call *call, struct config *config,
				      const char *id, const char *result)
{
	struct rest *rest = rest_of(call);
	struct rest_change *change = NULL;
	struct config_store_commit commit = { .config = config,
					      .cause = "rest",
					      .done = rest_change_done };
	const struct operation *operation;
	struct config_report report;
	char actor[128];
	int rc;

	if (rest_confirm_of(call, &commit.confirm_s))
		change = rest_change_new(call);
	if (!change) {
		config_put(config);
		return NULL;
	}
	change->result = result ? strdup(result) : NULL;
	commit.context = change;
	operation = change->operation;
	snprintf(actor, sizeof(actor), "%s@%s", call->request->token_name, call->request->peer);
	commit.actor = actor;
	config_report_init(&report);
	rc = config_store_commit(rest->config.store, &commit, &report);
	if (rc < 0) {
		rest_change_done(change, rc, "The change was refused.");
		refuse_report(call, id, &report, NULL);
	}
	config_report_fini(&report);
	return rc < 0 ? NULL : operation;
}

/* A new snapshot with one resource put or (json NULL) removed. */
static int build(struct rest *rest, enum config_kind kind, const char *id, const cJSON *json,
		 struct config **config, struct config_report *report)
{
	struct config_build_options options = { .previous = config_store_latest(rest->config.store),
						.lenient = true };
	struct config_body body = { .kind = kind, .id = id, .origin = "", .json = json };
	struct config_build *builder;
	int rc = config_build_begin(&builder, &options, report);

	if (rc < 0)
		return rc;
	rc = json ? config_build_put(builder, &body) : config_build_remove(builder, kind, id);
	if (rc < 0) {
		config_build_drop(builder);
		return rc;
	}
	return config_build_end(builder, config);
}

static bool precondition_good(struct router_call *call, const struct config_resource *was)
{
	const char *wanted = call->request->if_match, *none = call->request->if_none_match;
	char etag[CONFIG_ETAG];

	if (was && none && (!strcmp(none, "*") || !strcmp(none, config_etag(etag, was)))) {
		rest_refuse(call,
			    &(struct error_answer){ 412, "PreconditionFailed", "If-None-Match" },
			    "The resource is there already.");
		return false;
	}
	if (!wanted || (was && (!strcmp(wanted, "*") || !strcmp(wanted, config_etag(etag, was)))))
		return true;
	rest_refuse(call, &(struct error_answer){ 412, "PreconditionFailed", "If-Match" },
		    "The resource was changed meanwhile: read it again.");
	return false;
}

/* True: the exchange was ended. */
static bool is_busy(struct router_call *call, enum config_kind kind, const char *key)
{
	if (!config_store_busy(rest_of(call)->config.store, kind, key))
		return false;
	rest_refuse(call, &(struct error_answer){ 409, "AnotherOperationInProgress", NULL },
		    "Another change of this resource is under way: wait for it.");
	return true;
}

static bool change_allowed(struct router_call *call, enum config_kind kind, const char *key,
			   const struct config_resource *was)
{
	return !is_busy(call, kind, key) && precondition_good(call, was);
}

bool rest_is_dry_run(const struct router_call *call)
{
	const char *value = http_query(call->request, "dryRun");

	return value && strcasecmp(value, "false") != 0;
}

struct put_target {
	enum config_kind kind;
	struct error_places places;
	char id[ID_MAX];
};

/* The body as it will be, with the operation to follow. */
static void answer_changed(struct router_call *call, struct http_reply *reply,
			   const struct config_resource *now, const struct operation *operation)
{
	char etag[CONFIG_ETAG];
	struct json_out out;

	json_out_init(&out);
	rest_print(rest_of(call), now, "Updating", &out);
	body_set(reply, &out);
	http_reply_header(reply, "ETag", config_etag(etag, now));
	if (operation)
		rest_follow(reply, call, operation, REST_ASYNC_OPERATION);
	rest_answer(call, reply);
}

/* Checked and taken: the new snapshot, with a reference for the answer; NULL: answered. */
static struct config *put(struct router_call *call, const struct put_target *target,
			  const cJSON *json, struct http_reply *reply, const char *result,
			  const struct operation **operation)
{
	struct rest *rest = rest_of(call);
	struct config_report report;
	struct config *config = NULL;

	*operation = NULL;
	config_report_init(&report);
	if (build(rest, target->kind, target->id, json, &config, &report) < 0) {
		refuse_report(call, target->id, &report, &target->places);
		config_report_fini(&report);
		return NULL;
	}
	rest_warnings_add(reply, &report);
	config_report_fini(&report);
	if (rest_is_dry_run(call))
		return config;
	config = config_get(config);
	*operation = submit(call, config, target->id, result);
	if (*operation) {
		rest_audit(call, target->id, "accepted");
		return config;
	}
	config_put(config);
	return NULL;
}

void rest_resource_put(struct router_call *call, enum config_kind kind, const char *name,
		       const cJSON *json)
{
	const struct config_resource *was =
		lookup(call, config_store_latest(rest_of(call)->config.store), kind, name);
	struct http_reply reply = { .status = was || rest_is_dry_run(call) ? 200 : 201 };
	const struct operation *operation;
	struct put_target target = { .kind = kind };
	struct config *config;
	char key[ID_MAX];

	rest_resource_id(call, kind, name, target.id, sizeof(target.id));
	key_of(key, target.id);
	if (!change_allowed(call, kind, key, was))
		return;
	config = put(call, &target, json, &reply, NULL, &operation);
	if (config)
		answer_changed(call, &reply, config_find(config, kind, key), operation);
	else
		http_reply_fini(&reply);
	config_put(config);
}

void rest_resource_put_as(struct router_call *call, const struct config_resource *resource,
			  const cJSON *json, const struct rest_put_answer *answer)
{
	struct http_reply reply = { .status = answer->status };
	struct put_target target = { .kind = resource->kind,
				     .places = { .below = answer->below, .as = answer->as } };
	const struct operation *operation;
	struct config *config;
	char key[ID_MAX];

	key_of(key, resource->key);
	snprintf(target.id, sizeof(target.id), "%s", resource->id);
	if (!change_allowed(call, resource->kind, resource->key, resource))
		return;
	config = put(call, &target, json, &reply, answer->result, &operation);
	if (!config) {
		http_reply_fini(&reply);
		return;
	}
	if (operation)
		rest_follow(&reply, call, operation, answer->follow);
	if (answer->write)
		answer->write(call, config_find(config, target.kind, key), answer->context,
			      &reply.body);
	else if (answer->body)
		text_add(&reply.body, "%s", answer->body);
	rest_answer(call, &reply);
	config_put(config);
}

static void put_body(struct router_call *call, enum config_kind kind)
{
	const char *name = call->names[0];
	struct config_report report;
	cJSON *json = NULL;

	config_report_init(&report);
	if (rest_body_parse(call, &json, &report) < 0) {
		refuse_report(call, name, &report, NULL);
	} else {
		if (kind == CONFIG_GATEWAY)
			rest_gateway_body(lookup(call,
						 config_store_latest(rest_of(call)->config.store),
						 kind, name),
					  json);
		rest_resource_put(call, kind, name, json);
	}
	config_json_free(json);
	config_report_fini(&report);
}

static void resource_delete(struct router_call *call, enum config_kind kind)
{
	struct rest *rest = rest_of(call);
	const struct config_resource *was =
		lookup(call, config_store_latest(rest->config.store), kind, call->names[0]);
	const struct operation *operation;
	struct config_report report;
	struct config *config = NULL;
	struct http_reply reply = { .status = 204 };
	char id[ID_MAX];

	rest_resource_key(call, kind, call->names[0], id, sizeof(id));
	if (was ? !change_allowed(call, kind, was->key, was) : is_busy(call, kind, id))
		return;
	if (!was) {
		rest_answer(call, &reply);
		return;
	}
	snprintf(id, sizeof(id), "%s", was->id);
	config_report_init(&report);
	if (build(rest, kind, was->id, NULL, &config, &report) < 0) {
		refuse_report(call, id, &report, NULL);
		config_report_fini(&report);
		return;
	}
	config_report_fini(&report);
	operation = submit(call, config, id, NULL);
	if (!operation)
		return;
	rest_audit(call, id, "accepted");
	reply.status = 202;
	rest_follow(&reply, call, operation, REST_BOTH);
	rest_answer(call, &reply);
}

cJSON *rest_resource_whole(const struct config_resource *resource, struct config_report *report)
{
	struct config_print print = { .shape = CONFIG_PRINT_JOURNAL, .secrets = true };
	struct json_out out;
	cJSON *whole = NULL;

	json_out_init(&out);
	config_print_resource(&print, resource, NULL, &out);
	if (config_json_parse(&whole, json_out_text(&out), out.n, report) < 0)
		whole = NULL;
	json_out_fini(&out);
	return whole;
}

/* PATCH changes the tags: the resource as it is, with other tags. */
static void patch_tags(struct router_call *call, enum config_kind kind)
{
	const struct config_resource *was = rest_find(call, kind, call->names[0]);
	struct config_report report;
	cJSON *patch = NULL;
	cJSON *whole = NULL;

	if (!was)
		return;
	config_report_init(&report);
	if (rest_body_parse(call, &patch, &report) < 0 ||
	    !(whole = rest_resource_whole(was, &report))) {
		refuse_report(call, was->id, &report, NULL);
	} else {
		cJSON *tags = cJSON_DetachItemFromObjectCaseSensitive(patch, "tags");

		if (tags) {
			cJSON_DeleteItemFromObjectCaseSensitive(whole, "tags");
			cJSON_AddItemToObject(whole, "tags", tags);
			rest_resource_put(call, kind, call->names[0], whole);
		} else {
			rest_refuse(call,
				    &(struct error_answer){ 400, "InvalidRequestContent", "/tags" },
				    "Is missing: PATCH changes the tags, PUT everything else.");
		}
	}
	config_json_free(patch);
	config_json_free(whole);
	config_report_fini(&report);
}

#define KIND(prefix, kind)                                                                         \
	static void prefix##_get(struct router_call *call)                                         \
	{                                                                                          \
		resource_get_one(call, kind);                                                      \
	}                                                                                          \
	static void prefix##_list(struct router_call *call)                                        \
	{                                                                                          \
		resource_list(call, kind);                                                         \
	}                                                                                          \
	static void prefix##_put(struct router_call *call)                                         \
	{                                                                                          \
		put_body(call, kind);                                                              \
	}                                                                                          \
	static void prefix##_patch(struct router_call *call)                                       \
	{                                                                                          \
		patch_tags(call, kind);                                                            \
	}                                                                                          \
	static void prefix##_delete(struct router_call *call)                                      \
	{                                                                                          \
		resource_delete(call, kind);                                                       \
	}

KIND(gateway, CONFIG_GATEWAY)
KIND(connection, CONFIG_CONNECTION)
KIND(site, CONFIG_LOCAL_GATEWAY)
KIND(network, CONFIG_VIRTUAL_NETWORK)
KIND(address, CONFIG_PUBLIC_IP)

#define ROWS(list, prefix)                                                                         \
	{ HTTP_GET, list, CONFIG_TOKEN_READ, prefix##_list },                                      \
		{ HTTP_GET, list "/*", CONFIG_TOKEN_READ, prefix##_get },                          \
		{ HTTP_PUT, list "/*", CONFIG_TOKEN_ADMIN, prefix##_put },                         \
		{ HTTP_PATCH, list "/*", CONFIG_TOKEN_ADMIN, prefix##_patch },                     \
	{                                                                                          \
		HTTP_DELETE, list "/*", CONFIG_TOKEN_ADMIN, prefix##_delete                        \
	}

static const struct router_row resource_rows[] = {
	ROWS("virtualNetworkGateways", gateway), ROWS("connections", connection),
	ROWS("localNetworkGateways", site),	 ROWS("virtualNetworks", network),
	ROWS("publicIPAddresses", address),
};

const struct rest_rows rest_resource_rows = { resource_rows,
					      sizeof(resource_rows) / sizeof(resource_rows[0]),
					      REST_OF_AZURE };
