/*
 * GET .../virtualNetworkGateways/{gw}/metering: what was carried between two times.
 */
#include "control/rest/metering.h"

#include "base/clock.h"
#include "base/when.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Of a question under way. */
struct waiting {
	struct list list; /* rest->questions */
	struct rest *rest;
	struct server_exchange *exchange;
	struct metering_question *question;
	uint64_t from_ms;
	uint64_t to_ms;
	bool csv;
	char key[512];
	char name[128];
};

static void waiting_free(struct waiting *waiting)
{
	list_del(&waiting->list);
	free(waiting);
}

void rest_metering_end(struct rest *rest)
{
	struct list *at, *next;

	list_for_each_safe (at, next, &rest->questions) {
		struct waiting *waiting = list_entry(at, struct waiting, list);

		metering_cancel(waiting->question);
		server_reply(waiting->exchange, &(struct http_reply){ .status = 503 });
		waiting_free(waiting);
	}
}

static void fault(struct http_reply *reply, const struct waiting *waiting, int rc)
{
	if (rc == -ENOENT)
		error_set(reply, &(struct error_answer){ 404, "ResourceNotFound", NULL },
			  "The virtual network gateway '%s' was not found, and nothing was metered "
			  "of it.",
			  waiting->name);
	else
		error_set(reply, &(struct error_answer){ 500, "InternalServerError", NULL },
			  "What was metered cannot be read: %s.", strerror(-rc));
}

static void answered(void *context, const struct metering_answer *answer)
{
	struct waiting *waiting = context;
	const struct metering_page page = {
		.config = config_store_running(waiting->rest->config.store),
		.gateway_key = waiting->key,
		.gateway_name = waiting->name,
		.from_ms = waiting->from_ms,
		.to_ms = waiting->to_ms,
	};
	struct http_reply reply = { .status = 200 };
	int rc = answer->status;

	if (rc == 0)
		rc = metering_print(&page, answer, waiting->csv, &reply.body);
	if (rc < 0)
		fault(&reply, waiting, rc);
	else if (waiting->csv)
		reply.content_type = "text/csv; charset=utf-8; header=present";
	server_reply(waiting->exchange, &reply);
	waiting_free(waiting);
}

static bool refuse(struct router_call *call, const char *parameter, const char *format,
		   const char *value)
{
	rest_refuse(call, &(struct error_answer){ 400, "InvalidParameter", parameter }, format,
		    parameter, value);
	return false;
}

/* False: it is wrong, and the exchange was ended. */
static bool time_of(struct router_call *call, const char *parameter, uint64_t *ms)
{
	const char *text = http_query(call->request, parameter);

	if (!text || when_parse(text, ms) == 0)
		return true;
	return refuse(call, parameter,
		      "The parameter '%s' is not a time like 2026-11-28T06:00:00Z: '%.60s'.", text);
}

static uint64_t month_begin(uint64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	tm.tm_mday = 1;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	return (uint64_t)timegm(&tm) * 1000;
}

/* Without an end now, without a beginning that of the end's month, as bills are written. */
static bool range_of(struct router_call *call, struct waiting *waiting)
{
	const char *format = http_query(call->request, "format");
	const char *accept = call->request->accept;

	waiting->to_ms = clock_wall_ms();
	if (!time_of(call, "to", &waiting->to_ms))
		return false;
	waiting->from_ms = month_begin(waiting->to_ms);
	if (!time_of(call, "from", &waiting->from_ms))
		return false;
	if (waiting->from_ms > waiting->to_ms)
		return refuse(call, "from", "The parameter '%s' is later than the end: '%.60s'.",
			      http_query(call->request, "from"));
	if (format && strcasecmp(format, "csv") && strcasecmp(format, "json"))
		return refuse(call, "format", "The parameter '%s' is csv or json: '%.60s'.",
			      format);
	waiting->csv =
		format ? !strcasecmp(format, "csv") : accept && strcasestr(accept, "text/csv");
	return true;
}

static void metering_get(struct router_call *call)
{
	struct rest *rest = rest_of(call);
	struct waiting *waiting = calloc(1, sizeof(*waiting));
	const struct config_resource *gateway;
	int rc = waiting ? 0 : -ENOMEM;

	if (waiting && !range_of(call, waiting)) {
		free(waiting);
		return;
	}
	if (rc == 0) {
		rest_resource_key(call, CONFIG_GATEWAY, call->names[0], waiting->key,
				  sizeof(waiting->key));
		gateway = config_find(config_store_running(rest->config.store), CONFIG_GATEWAY,
				      waiting->key);
		snprintf(waiting->name, sizeof(waiting->name), "%s",
			 gateway ? gateway->name : call->names[0]);
		waiting->rest = rest;
		waiting->exchange = call->exchange;
		rc = metering_ask(rest->config.metering, &waiting->question, waiting->from_ms,
				  waiting->to_ms, answered, waiting);
	}
	if (rc == 0) {
		list_add_tail(&rest->questions, &waiting->list);
		return;
	}
	free(waiting);
	if (rc == -EAGAIN)
		rest_refuse(call, &(struct error_answer){ 503, "ServiceUnavailable", NULL },
			    "Others are asking what was metered; ask again in a second.");
	else
		rest_refuse_memory(call);
}

static const struct router_row metering_rows[] = {
	{ HTTP_GET, "virtualNetworkGateways/*/metering", CONFIG_TOKEN_READ, metering_get,
	  "from,to,format" },
};

const struct rest_rows rest_metering_rows = { metering_rows,
					      sizeof(metering_rows) / sizeof(metering_rows[0]) };
