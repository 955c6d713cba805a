#include "control/rest/change.h"

#include <stdlib.h>

void rest_answer_operation(struct router_call *call, const char *body)
{
	struct rest *rest = rest_of(call);
	struct operation *operation;
	struct http_reply reply = { .status = 202 };

	if (operation_start(rest->operations, &operation) < 0) {
		rest_refuse_memory(call);
		return;
	}
	operation_succeed(rest->operations, operation, 200, body);
	rest_follow(&reply, call, operation, REST_BOTH);
	rest_answer(call, &reply);
}

struct rest_change *rest_change_new(struct router_call *call)
{
	struct rest_change *change = calloc(1, sizeof(*change));

	if (change && operation_start(rest_of(call)->operations, &change->operation) == 0) {
		change->rest = rest_of(call);
		return change;
	}
	free(change);
	rest_refuse_memory(call);
	return NULL;
}

void rest_change_done(void *context, int status, const char *why)
{
	struct rest_change *change = context;
	struct operation_store *operations = change->rest->operations;

	if (status < 0)
		operation_fail(operations, change->operation, "OperationFailed", why);
	else
		operation_succeed(operations, change->operation, 200, change->result);
	free(change->result);
	free(change);
}
