/*
 * Actions of connections and gateways: keys, resets, what IKE holds, long-running poll targets.
 */
#include "base/log.h"
#include "control/config/json_in.h"
#include "control/config/print.h"
#include "control/rest/state.h"
#include "control/tunnel/dump.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct config_connection *connection_of(struct router_call *call)
{
	return (const struct config_connection *)rest_find(call, CONFIG_CONNECTION, call->names[0]);
}

/* The one place that shows the key. */
static void key_get(struct router_call *call)
{
	const struct config_connection *c = connection_of(call);
	struct http_reply reply = { .status = 200, .secret = true };
	struct json_out out;

	if (!c)
		return;
	rest_audit(call, c->resource.id, "shared key read");
	json_out_init(&out);
	json_out_open(&out, NULL, '{');
	json_out_bytes(&out, "value", secret_span(&c->shared_key));
	json_out_close(&out, '}');
	text_add_bytes(&reply.body, json_out_text(&out), out.n);
	json_out_fini(&out);
	rest_answer(call, &reply);
}

/* The connection as it is, with another key: the same door as a PUT of the whole. */
static void key_change(struct router_call *call, const struct config_connection *c, cJSON *value,
		       const struct rest_put_answer *answer)
{
	struct config_report report;
	cJSON *whole;
	cJSON *properties;

	config_report_init(&report);
	whole = rest_resource_whole(&c->resource, &report);
	if (!whole) {
		cJSON_Delete(value);
		rest_refuse(call, &(struct error_answer){ 500, "InternalServerError", NULL },
			    "The connection could not be read back.");
	} else {
		properties = cJSON_GetObjectItemCaseSensitive(whole, "properties");
		cJSON_DeleteItemFromObjectCaseSensitive(properties, "sharedKey");
		if (value)
			cJSON_AddItemToObject(properties, "sharedKey", value);
		rest_resource_put_as(call, &c->resource, whole, answer);
	}
	config_json_free(whole);
	config_report_fini(&report);
}

static cJSON *body_member(struct router_call *call, const char *name)
{
	struct config_report report;
	struct http_reply reply = { 0 };
	cJSON *json = NULL;
	cJSON *member = NULL;
	char pointer[32];
	int rc;

	config_report_init(&report);
	rc = rest_body_parse(call, &json, &report);
	if (rc == 0)
		member = cJSON_DetachItemFromObjectCaseSensitive(json, name);
	snprintf(pointer, sizeof(pointer), "/%s", name);
	if (rc < 0) {
		error_set_report(&reply, &report, NULL);
		server_reply(call->exchange, &reply);
	} else if (!member) {
		rest_refuse(call, &(struct error_answer){ 400, "InvalidRequestContent", pointer },
			    "The body needs \"%s\".", name);
	}
	config_json_free(json);
	config_report_fini(&report);
	return member;
}

static void key_put(struct router_call *call)
{
	const struct config_connection *c = connection_of(call);
	cJSON *value = c ? body_member(call, "value") : NULL;

	struct text body = { 0 };

	if (!value)
		return;
	if (cJSON_IsString(value) && !value->valuestring[0]) { /* it would leave the one there is */
		cJSON_Delete(value);
		rest_refuse(call, &(struct error_answer){ 400, "InvalidParameter", "/value" },
			    "A shared key has 1 to 128 characters.");
		return;
	}
	text_add(&body, "{\"id\":\"%s/sharedkey\",\"name\":\"sharedkey\"}", c->resource.id);
	key_change(call, c, value,
		   &(struct rest_put_answer){ .status = 200,
					      .body = text_get(&body),
					      .below = "/properties/sharedKey",
					      .as = "/value",
					      .follow = REST_ASYNC_OPERATION });
	text_fini(&body);
}

static void key_reset(struct router_call *call)
{
	const struct config_connection *c = connection_of(call);
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
	uint8_t bytes[128];
	char key[129];
	char result[32];
	cJSON *length = c ? body_member(call, "keyLength") : NULL;
	int n = cJSON_IsNumber(length) ? length->valueint : 0;

	if (!length)
		return;
	cJSON_Delete(length);
	if (n < 1 || n > 128) {
		rest_refuse(call, &(struct error_answer){ 400, "InvalidParameter", "/keyLength" },
			    "keyLength is 1 to 128.");
		return;
	}
	if (secret_random(bytes, (size_t)n) < 0) {
		rest_refuse(call, &(struct error_answer){ 503, "ServiceUnavailable", NULL },
			    "The kernel gives no random numbers.");
		return;
	}
	for (int i = 0; i < n; i++)
		key[i] = alphabet[bytes[i] & 63];
	if (key[0] == '0') /* "0x" would begin octets */
		key[0] = '_';
	key[n] = '\0';
	snprintf(result, sizeof(result), "{\"keyLength\":%d}", n);
	key_change(
		call, c, cJSON_CreateString(key),
		&(struct rest_put_answer){ .status = 202, .result = result, .follow = REST_BOTH });
	secret_wipe(key, sizeof(key));
	secret_wipe(bytes, sizeof(bytes));
}

/* Our parameter: ?drain=true makes new SAs before the old ones go. False: refused. */
static bool drain_wanted(struct router_call *call, bool *drain)
{
	const char *text = http_query(call->request, "drain");

	*drain = text && !strcmp(text, "true");
	if (!text || *drain || !strcmp(text, "false"))
		return true;
	rest_refuse(call, &(struct error_answer){ 400, "InvalidParameter", "drain" },
		    "The query parameter 'drain' is 'true' or 'false', not '%s'.", text);
	return false;
}

static void connection_reset(struct router_call *call)
{
	const struct config_connection *c = connection_of(call);
	struct tunnels_reset reset = { 0 };

	if (!c)
		return;
	if (!drain_wanted(call, &reset.drain))
		return;
	reset.connection = c->resource.key;
	rest_audit(call, c->resource.id, reset.drain ? "reset with drain" : "reset");
	if (tunnels_reset(rest_of(call)->config.tunnels, &reset) < 0)
		rest_refuse(call, &(struct error_answer){ 409, "OperationNotAllowed", NULL },
			    "The connection '%s' has no tunnel on this appliance.",
			    c->resource.name);
	else
		rest_answer_operation(call, NULL);
}

static void rekey(struct router_call *call, bool ike)
{
	const struct config_connection *c = connection_of(call);

	if (!c)
		return;
	rest_audit(call, c->resource.id, ike ? "rekey ike" : "rekey");
	if (tunnels_rekey(rest_of(call)->config.tunnels, c->resource.key, ike) < 0)
		rest_refuse(call, &(struct error_answer){ 409, "OperationNotAllowed", NULL },
			    "The connection '%s' has nothing up that could be rekeyed now.",
			    c->resource.name);
	else
		rest_answer_operation(call, NULL);
}

static void rekey_children(struct router_call *call)
{
	rekey(call, false);
}

static void rekey_ike(struct router_call *call)
{
	rekey(call, true);
}

/* Azure's answer is a JSON string that holds JSON. */
static void ike_sas(struct router_call *call)
{
	const struct config_connection *c = connection_of(call);
	struct text dump = { 0 };
	struct text quoted = { 0 };

	if (!c)
		return;
	dump_ike_sas(rest_of(call)->config.tunnels, c->resource.key, &dump);
	error_json_string(&quoted, text_get(&dump));
	rest_answer_operation(call, text_get(&quoted));
	text_fini(&dump);
	text_fini(&quoted);
}

struct resets {
	struct rest *rest;
	const char *gateway;
	struct tunnels_reset how;
};

static void reset_one(void *context, const struct tunnel_status *status)
{
	struct resets *resets = context;
	const struct config_connection *c = status->connection;

	if (strcmp(c->gateway.key, resets->gateway) || c->resource.key == resets->how.connection)
		return;
	resets->how.connection = c->resource.key;
	if (tunnels_reset(resets->rest->config.tunnels, &resets->how) < 0)
		log_debug("rest", "no tunnel to reset connection=%s", c->resource.name);
}

/* Which instance has the address; the first when none is given. False: none, it is refused. */
static bool instance_of(struct router_call *call, const struct config_resource *resource,
			uint32_t *instance)
{
	const struct config *config = config_store_running(rest_of(call)->config.store);
	const struct config_ref self = { .key = resource->key };
	const struct config_gateway *gateway = config_gateway_find(config, &self);
	const char *vip = http_query(call->request, "gatewayVip");
	struct net_addr wanted;

	*instance = 0;
	if (!vip || !gateway)
		return true;
	for (uint32_t i = 0;
	     net_addr_parse(&wanted, vip) == 0 && i < gateway->ip_configurations.count; i++) {
		const struct config_public_ip *ip = config_public_ip_find(
			config, &gateway->ip_configurations.items[i].public_ip);

		*instance = i;
		if (ip && net_addr_equal(&ip->address, &wanted))
			return true;
	}
	rest_refuse(call, &(struct error_answer){ 400, "InvalidParameter", "gatewayVip" },
		    "The gateway '%s' has no public address '%s'.", resource->name, vip);
	return false;
}

/*
 * Azure reboots an instance: the one of gatewayVip, else the primary one. Here the tunnels of that
 * instance's address are torn down and dialled anew.
 */
static void gateway_reset(struct router_call *call)
{
	const struct config_resource *gateway = rest_find(call, CONFIG_GATEWAY, call->names[0]);
	struct resets resets = { .rest = rest_of(call), .how = { .one_instance = true } };
	struct json_out out;

	if (!gateway || !drain_wanted(call, &resets.how.drain) ||
	    !instance_of(call, gateway, &resets.how.instance))
		return;
	rest_audit(call, gateway->id, resets.how.drain ? "reset with drain" : "reset");
	resets.gateway = gateway->key;
	tunnels_each(resets.rest->config.tunnels, NULL, reset_one, &resets);
	json_out_init(&out);
	rest_print(resets.rest, gateway, "Succeeded", &out);
	rest_answer_operation(call, json_out_text(&out));
	json_out_fini(&out);
}

static bool is_of_gateway(const struct config_resource *resource, const void *context)
{
	const struct config_connection *c = (const void *)resource;
	const struct config_resource *gateway = context;

	return !strcmp(c->gateway.key, gateway->key) ||
	       (c->other_gateway.key && !strcmp(c->other_gateway.key, gateway->key));
}

static void gateway_connections(struct router_call *call)
{
	const struct config_resource *gateway = rest_find(call, CONFIG_GATEWAY, call->names[0]);

	if (gateway)
		rest_list_answer(call, &(struct rest_list){ .kind = CONFIG_CONNECTION,
							    .has = is_of_gateway,
							    .context = gateway,
							    .print = rest_print_entity });
}

static const struct operation *operation_of(struct router_call *call)
{
	const struct operation *operation =
		operation_find(rest_of(call)->operations, call->names[1]);

	if (!operation)
		rest_refuse(call, &(struct error_answer){ 404, "OperationNotFound", NULL },
			    "There is no operation '%s'; records are kept for 24 hours.",
			    call->names[1]);
	return operation;
}

static void operation_status(struct router_call *call)
{
	const struct operation *operation = operation_of(call);
	struct http_reply reply = { 0 };

	if (!operation)
		return;
	operation_render(operation, &reply.body);
	if (operation->state == OPERATION_RUNNING)
		http_reply_header(&reply, "Retry-After", "1");
	rest_answer(call, &reply);
}

static void operation_result(struct router_call *call)
{
	const struct operation *operation = operation_of(call);
	struct http_reply reply = { .status = 202 };

	if (!operation)
		return;
	if (operation->state == OPERATION_RUNNING) {
		rest_follow(&reply, call, operation, REST_LOCATION);
	} else if (operation->state == OPERATION_FAILED) {
		error_set(
			&reply,
			&(struct error_answer){
				409, operation->code ? operation->code : "OperationFailed", NULL },
			"%s", operation->message ? operation->message : "It did not succeed.");
	} else {
		reply.status = operation->result_status;
		if (operation->result)
			text_add(&reply.body, "%s", operation->result);
	}
	rest_answer(call, &reply);
}

static const struct router_row action_rows[] = {
	{ HTTP_GET, "connections/*/sharedkey", CONFIG_TOKEN_ADMIN, key_get },
	{ HTTP_PUT, "connections/*/sharedkey", CONFIG_TOKEN_ADMIN, key_put },
	{ HTTP_POST, "connections/*/sharedkey/reset", CONFIG_TOKEN_ADMIN, key_reset },
	{ HTTP_POST, "connections/*/resetconnection", CONFIG_TOKEN_OPERATE, connection_reset },
	{ HTTP_POST, "connections/*/rekey", CONFIG_TOKEN_OPERATE, rekey_children }, /* ours */
	{ HTTP_POST, "connections/*/rekeyike", CONFIG_TOKEN_OPERATE, rekey_ike },
	{ HTTP_POST, "connections/*/getikesas", CONFIG_TOKEN_OPERATE, ike_sas },
	{ HTTP_POST, "virtualNetworkGateways/*/reset", CONFIG_TOKEN_OPERATE, gateway_reset },
	{ HTTP_GET, "virtualNetworkGateways/*/connections", CONFIG_TOKEN_READ,
	  gateway_connections },
	{ HTTP_GET, "locations/*/operations/*", CONFIG_TOKEN_READ, operation_status },
	{ HTTP_GET, "locations/*/operationResults/*", CONFIG_TOKEN_READ, operation_result },
};

const struct rest_rows rest_action_rows = { action_rows,
					    sizeof(action_rows) / sizeof(action_rows[0]),
					    REST_OF_AZURE };
