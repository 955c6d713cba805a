/*
 * Changes of the whole configuration: the file again or one that is sent, back to a revision, and
 * the confirmation of a change that would otherwise be taken back.
 */
#include "control/rest/change.h"
#include "control/rest/state.h"

#include <cjson/cJSON.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void answer_started(struct router_call *call, const struct operation *operation,
			   const struct config_report *report)
{
	struct http_reply reply = { .status = 202 };

	if (report)
		rest_warnings_add(&reply, report);
	rest_follow(&reply, call, operation, REST_ASYNC_OPERATION);
	rest_answer(call, &reply);
}

/* A configuration; without one, and with an object that says nothing, the file is meant. */
static struct span text_of(const struct router_call *call)
{
	struct span body = call->request->body;

	return body.n == 2 && !memcmp(body.p, "{}", 2) ? (struct span){ 0 } : body;
}

/* What the file, or the body when there is one, would change: a line for each resource. */
static void preview(struct router_call *call)
{
	struct config_report report;
	struct http_reply reply = { 0 };
	struct text lines = { 0 };
	char *rest, *line;
	bool first = true;

	config_report_init(&report);
	if (config_store_preview(rest_of(call)->config.store, text_of(call), &lines, &report) < 0) {
		error_set_report(&reply, &report, NULL);
	} else {
		rest_warnings_add(&reply, &report);
		text_add(&reply.body, "{\"changes\":[");
		for (rest = lines.p; rest && (line = strsep(&rest, "\n")) && *line; first = false) {
			text_add(&reply.body, "%s", first ? "" : ",");
			error_json_string(&reply.body, line);
		}
		text_add(&reply.body, "]}");
	}
	text_fini(&lines);
	config_report_fini(&report);
	rest_answer(call, &reply);
}

static void import(struct router_call *call)
{
	struct config_store_import import = { .actor = call->request->token_name,
					      .done = rest_change_done,
					      .anew = true,
					      .text = text_of(call) };
	struct config_report report;
	struct http_reply reply = { 0 };
	struct rest_change *change;
	int rc;

	if (rest_is_dry_run(call)) {
		preview(call);
		return;
	}
	change = rest_confirm_of(call, &import.confirm_s) ? rest_change_new(call) : NULL;
	if (!change)
		return;
	import.context = change;
	config_report_init(&report);
	rc = config_store_import(rest_of(call)->config.store, &import, &report);
	rest_audit(call, import.text.n ? "configuration" : "configuration file",
		   rc < 0 && rc != -EALREADY ? "refused" : "accepted");
	if (rc == 0 || rc == -EALREADY) {
		answer_started(call, change->operation, &report);
		if (rc == -EALREADY) /* nothing to do is done */
			rest_change_done(change, 0, NULL);
	} else {
		rest_change_done(change, rc, "The configuration was refused.");
		error_set_report(&reply, &report, NULL);
		rest_answer(call, &reply);
	}
	config_report_fini(&report);
}

static bool is_kept(const struct rest *rest, uint64_t revision)
{
	uint32_t count = 0;
	const struct config_revision *all = config_store_history(rest->config.store, &count);

	for (uint32_t i = 0; i < count; i++)
		if (all[i].revision == revision)
			return true;
	return false;
}

/* ?revision=N, or the body {"revision": N}; 0: neither. */
static uint64_t revision_wanted(const struct router_call *call)
{
	const char *text = http_query(call->request, "revision");
	const struct span body = call->request->body;
	cJSON *json = body.n ? cJSON_ParseWithLength((const char *)body.p, body.n) : NULL;
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, "revision");
	uint64_t revision = 0;

	if (text)
		revision = strtoull(text, NULL, 10);
	else if (cJSON_IsNumber(number) && number->valuedouble > 0 && number->valuedouble < 1e15)
		revision = (uint64_t)number->valuedouble;
	cJSON_Delete(json);
	return revision;
}

static void rollback(struct router_call *call)
{
	uint64_t revision = revision_wanted(call);
	struct rest_change *change;
	int rc;

	if (!revision) {
		rest_refuse(call, &(struct error_answer){ 400, "InvalidParameter", "revision" },
			    "Say which revision: ?revision=N; GET /history lists them.");
		return;
	}
	if (!is_kept(rest_of(call), revision)) {
		rest_refuse(call, &(struct error_answer){ 404, "ResourceNotFound", "revision" },
			    "Revision %llu is not kept; GET /history lists those that are.",
			    (unsigned long long)revision);
		return;
	}
	change = rest_change_new(call);
	if (!change)
		return;
	rc = config_store_rollback(rest_of(call)->config.store, revision, call->request->token_name,
				   rest_change_done, change);
	rest_audit(call, "configuration", rc < 0 ? "rollback refused" : "rollback accepted");
	if (rc == 0) {
		answer_started(call, change->operation, NULL);
		return;
	}
	rest_change_done(change, rc, "The revision could not be read.");
	rest_refuse(call, &(struct error_answer){ 503, "ServiceUnavailable", "revision" },
		    "Revision %llu could not be read: %s.", (unsigned long long)revision,
		    strerror(-rc));
}

static void confirm(struct router_call *call)
{
	struct http_reply reply = { .status = 200 };

	if (config_store_confirm(rest_of(call)->config.store) < 0) {
		rest_refuse(call, &(struct error_answer){ 409, "OperationNotAllowed", NULL },
			    "No change waits for a confirmation.");
		return;
	}
	rest_audit(call, "configuration", "confirmed");
	text_add(&reply.body, "{}");
	rest_answer(call, &reply);
}

static const struct router_row revision_rows[] = {
	{ HTTP_POST, "config/import", CONFIG_TOKEN_ADMIN, import },
	{ HTTP_POST, "config/rollback", CONFIG_TOKEN_ADMIN, rollback },
	{ HTTP_POST, "config/confirm", CONFIG_TOKEN_ADMIN, confirm },
};

const struct rest_rows rest_revision_rows = { revision_rows,
					      sizeof(revision_rows) / sizeof(revision_rows[0]),
					      REST_OWN };
