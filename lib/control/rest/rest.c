#include "control/rest/rest.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/config/appliance.h"
#include "control/config/json_in.h"
#include "control/config/json_out.h"
#include "control/rest/events.h"
#include "control/rest/state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOPIC "rest"

const struct rest_rows *const rest_all_rows[] = {
	&rest_resource_rows, &rest_action_rows,	 &rest_bgp_rows,     &rest_own_rows,
	&rest_revision_rows, &rest_device_rows,	 &rest_group_rows,   &rest_part_rows,
	&rest_other_rows,    &rest_later_rows,	 &rest_capture_rows, &rest_usage_rows,
	&rest_metering_rows, &rest_circuit_rows,
};
const size_t rest_all_count = sizeof(rest_all_rows) / sizeof(rest_all_rows[0]);

void rest_refuse(struct router_call *call, const struct error_answer *answer, const char *format,
		 ...)
{
	struct http_reply reply = { 0 };
	char message[900];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	error_set(&reply, answer, "%s", message);
	server_reply(call->exchange, &reply);
}

void rest_refuse_memory(struct router_call *call)
{
	rest_refuse(call, &(struct error_answer){ 503, "ServiceUnavailable", NULL },
		    "The gateway is out of memory.");
}

/* HEAD of a full path asks whether it is there, and yes is 204 in Azure. */
void rest_answer(struct router_call *call, struct http_reply *reply)
{
	if (!reply->status)
		reply->status = call->request->head_only && call->subscription ? 204 : 200;
	server_reply(call->exchange, reply);
}

void rest_answer_json(struct router_call *call, struct json_out *out)
{
	struct http_reply reply = { 0 };

	text_add_bytes(&reply.body, json_out_text(out), out->n);
	json_out_fini(out);
	rest_answer(call, &reply);
}

int rest_body_parse(const struct router_call *call, cJSON **json, struct config_report *report)
{
	const struct config_api *api = &config_appliance(rest_of(call)->configured)->api;

	return config_json_parse_depth(json, call->request->body, (uint32_t)api->limits.body_depth,
				       report);
}

static void follow_header(struct http_reply *reply, const struct router_call *call,
			  const struct operation *operation, const char *name, const char *where)
{
	const struct config_appliance *appliance =
		config_appliance(config_store_running(rest_of(call)->config.store));
	const char *version = http_query(call->request, "api-version");
	char url[512];

	snprintf(url, sizeof(url),
		 "%s://%s/subscriptions/%s/providers/Microsoft.Network/locations/appliance/%s/%s"
		 "?api-version=%s",
		 call->request->tls ? "https" : "http",
		 call->request->host ? call->request->host : "localhost",
		 call->subscription ? call->subscription : appliance->subscription_id, where,
		 operation->id, version ? version : "2025-05-01");
	http_reply_header(reply, name, url);
}

void rest_follow(struct http_reply *reply, const struct router_call *call,
		 const struct operation *operation, enum rest_follow how)
{
	if (how & REST_ASYNC_OPERATION)
		follow_header(reply, call, operation, "Azure-AsyncOperation", "operations");
	if (how & REST_LOCATION)
		follow_header(reply, call, operation, "Location", "operationResults");
	http_reply_header(reply, "Retry-After", "1");
}

void rest_audit(const struct router_call *call, const char *object, const char *result)
{
	log_info("audit", "method=%s object=\"%s\" who=\"%s\" from=%s result=%s",
		 http_method_text(call->request->method), object,
		 call->request->token_name ? call->request->token_name : "-", call->request->peer,
		 result);
}

static void refuse_authentication(struct router_call *call, enum auth_result result,
				  uint32_t retry_s)
{
	static const char *const text[] = {
		[AUTH_MISSING] = "Give a token: Authorization: Bearer TOKEN.",
		[AUTH_WRONG] = "The token is not known.",
		[AUTH_EXPIRED] = "The token has expired.",
		[AUTH_HELD_OFF] = "Too many failed authentications from this address.",
		[AUTH_TOO_MANY] = "Too many requests with this token.",
	};
	struct http_reply reply = { 0 };
	char seconds[16];

	if (result == AUTH_HELD_OFF || result == AUTH_TOO_MANY) {
		error_set(&reply, &(struct error_answer){ 429, "TooManyRequests", NULL }, "%s",
			  text[result]);
		snprintf(seconds, sizeof(seconds), "%u", retry_s);
		http_reply_header(&reply, "Retry-After", seconds);
	} else {
		error_set(&reply, &(struct error_answer){ 401, "AuthenticationFailed", NULL }, "%s",
			  text[result]);
		http_reply_header(&reply, "WWW-Authenticate", "Bearer");
	}
	server_reply(call->exchange, &reply);
}

static enum router_result find(const struct http_request *request, struct router_call *call,
			       const struct router_row **row)
{
	enum router_result result = ROUTER_NO_PATH;

	for (size_t i = 0; i < rest_all_count; i++) {
		enum router_result here = router_find(rest_all_rows[i]->rows,
						      rest_all_rows[i]->count, request, call, row);

		if (here == ROUTER_FOUND)
			return here;
		if (here == ROUTER_NO_METHOD)
			result = here;
	}
	return result;
}

/* Full paths are Azure's and need a version; any date will do. */
static bool version_good(struct router_call *call)
{
	const char *version = http_query(call->request, "api-version");
	unsigned int year, month, day;
	int n = 0;

	if (!version && !call->subscription)
		return true;
	if (!version) {
		rest_refuse(
			call,
			&(struct error_answer){ 400, "MissingApiVersionParameter", "api-version" },
			"The api-version query parameter (?api-version=) is required for all "
			"requests.");
		return false;
	}
	if (sscanf(version, "%4u-%2u-%2u%n", &year, &month, &day, &n) == 3 && n == 10 &&
	    (!version[n] || !strcasecmp(version + n, "-preview")))
		return true;
	rest_refuse(call,
		    &(struct error_answer){ 400, "InvalidApiVersionParameter", "api-version" },
		    "The api-version is not of the form 2025-05-01.");
	return false;
}

static bool open_to_all(const struct router_row *row)
{
	return !strcmp(row->pattern, "healthz") || !strcmp(row->pattern, "readyz");
}

static void dispatch(struct router_call *call)
{
	const struct router_row *row = NULL;
	enum router_result found = find(call->request, call, &row);
	struct http_request *request = (struct http_request *)call->request;
	enum auth_result who = AUTH_GOOD;
	uint32_t retry_s = 1;

	if (found != ROUTER_FOUND || !open_to_all(row))
		who = auth_check(rest_of(call)->auth, request, clock_now_ns(&clock_monotonic),
				 clock_wall_ms() / 1000, &retry_s);
	if (who != AUTH_GOOD)
		refuse_authentication(call, who, retry_s);
	else if (found == ROUTER_NO_PATH)
		rest_refuse(call, &(struct error_answer){ 404, "NotFound", NULL },
			    "There is nothing at this path.");
	else if (found == ROUTER_NO_METHOD)
		rest_refuse(call, &(struct error_answer){ 405, "MethodNotAllowed", NULL },
			    "%s is not for this path.", http_method_text(request->method));
	else if (row->role > request->role)
		rest_refuse(call, &(struct error_answer){ 403, "AuthorizationFailed", NULL },
			    "The token has the role %s; this needs %s.",
			    auth_role_text(request->role), auth_role_text(row->role));
	else if (version_good(call))
		row->handler(call);
}

static void on_request(void *context, struct server_exchange *exchange,
		       const struct http_request *request)
{
	struct router_call call = { .context = context, .exchange = exchange, .request = request };

	dispatch(&call);
}

int rest_new(struct rest **rest, const struct rest_config *config, char *why, size_t why_size)
{
	const struct config *running = config_store_running(config->store);
	const struct config_api *api = &config_appliance(running)->api;
	struct server_config server = { .api = api,
					.state_directory = config->state_directory,
					.handler = on_request };
	struct rest *r = calloc(1, sizeof(*r));
	char *file = NULL;
	int rc = -ENOMEM;

	if (!r)
		return rc;
	r->config = *config;
	r->configured = config_get(running);
	server.context = r;
	r->state_directory = strdup(config->state_directory);
	r->config.state_directory = server.state_directory = r->state_directory;
	list_init(&r->streams);
	list_init(&r->traces);
	list_init(&r->questions);
	if (!r->state_directory || asprintf(&file, "%s/operations", config->state_directory) < 0)
		file = NULL;
	if (file)
		rc = operation_store_new(&r->operations, file);
	free(file);
	if (rc < 0)
		snprintf(why, why_size, "cannot keep operations in %s: %s", config->state_directory,
			 strerror(-rc));
	if (rc == 0)
		rc = usage_new(&r->usage, config->loop, &clock_monotonic, config->desired,
			       config->tunnels);
	if (rc == 0)
		rc = auth_new(&r->auth, api, config->state_directory);
	if (rc == 0)
		rc = server_new(&r->server, config->loop, &server, why, why_size);
	if (rc < 0) {
		rest_free(r);
		return rc;
	}
	*rest = r;
	return 0;
}

void rest_files_reload(struct rest *rest)
{
	const struct config_api *api = &config_appliance(rest->configured)->api;
	int rc = auth_configure(rest->auth, api);

	if (rc < 0)
		log_error(TOPIC, "tokens stay as they were error=\"%s\"", strerror(-rc));
	server_configure(rest->server, api);
}

void rest_configure(struct rest *rest, const struct config *config)
{
	const struct config *was = rest->configured;

	rest->configured = config_get(config);
	if (config_appliance(was) != config_appliance(config))
		rest_files_reload(rest);
	config_put(was);
}

void rest_free(struct rest *rest)
{
	if (!rest)
		return;
	events_end_all(rest);
	rest_traces_end(rest);
	server_free(rest->server);
	rest_metering_end(rest); /* no client is left that could ask anew */
	auth_free(rest->auth);
	usage_free(rest->usage);
	if (rest->operations)
		operation_store_free(rest->operations);
	config_put(rest->configured);
	free(rest->state_directory);
	free(rest);
}
