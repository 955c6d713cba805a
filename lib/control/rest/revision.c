/*
 * Changes of the whole configuration: the file again, back to a revision, and the confirmation of a
 * change that would otherwise be taken back.
 */
#include "control/rest/change.h"
#include "control/rest/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void answer_started(struct router_call *call, const struct operation *operation)
{
	struct http_reply reply = { .status = 202 };

	rest_follow(&reply, call, operation, REST_ASYNC_OPERATION);
	rest_answer(call, &reply);
}

static void import(struct router_call *call)
{
	struct config_report report;
	struct http_reply reply = { 0 };
	struct rest_change *change = rest_change_new(call);
	int rc;

	if (!change)
		return;
	config_report_init(&report);
	rc = config_store_import(rest_of(call)->config.store, call->request->token_name,
				 rest_change_done, change, &report);
	rest_audit(call, "configuration file", rc < 0 && rc != -EALREADY ? "refused" : "accepted");
	if (rc == 0) {
		answer_started(call, change->operation);
	} else if (rc == -EALREADY) { /* nothing to do is done */
		answer_started(call, change->operation);
		rest_change_done(change, 0, NULL);
	} else {
		rest_change_done(change, rc, "The file was refused.");
		error_set_report(&reply, &report);
		rest_answer(call, &reply);
	}
	config_report_fini(&report);
}

static void rollback(struct router_call *call)
{
	const char *text = http_query(call->request, "revision");
	uint64_t revision = text ? strtoull(text, NULL, 10) : 0;
	struct rest_change *change;
	int rc;

	if (!revision) {
		rest_refuse(call, &(struct error_answer){ 400, "InvalidParameter", "revision" },
			    "Say which revision: ?revision=N; GET /history lists them.");
		return;
	}
	change = rest_change_new(call);
	if (!change)
		return;
	rc = config_store_rollback(rest_of(call)->config.store, revision, call->request->token_name,
				   rest_change_done, change);
	rest_audit(call, "configuration", rc < 0 ? "rollback refused" : "rollback accepted");
	if (rc == 0) {
		answer_started(call, change->operation);
		return;
	}
	rest_change_done(change, rc, "There is no such revision.");
	rest_refuse(call, &(struct error_answer){ 404, "ResourceNotFound", "revision" },
		    "Revision %llu is not kept: %s.", (unsigned long long)revision, strerror(-rc));
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

static const struct router_row rows[] = {
	{ HTTP_POST, "config/import", CONFIG_TOKEN_ADMIN, import },
	{ HTTP_POST, "config/rollback", CONFIG_TOKEN_ADMIN, rollback },
	{ HTTP_POST, "config/confirm", CONFIG_TOKEN_ADMIN, confirm },
};

const struct rest_rows rest_revision_rows = { rows, sizeof(rows) / sizeof(rows[0]), REST_OWN };
