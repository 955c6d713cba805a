#include "control/rest/change.h"

#include <stdlib.h>

struct rest_change *rest_change_new(struct router_call *call)
{
	struct rest_change *change = calloc(1, sizeof(*change));

	if (change && operation_start(rest_of(call)->operations, &change->operation) == 0) {
		change->rest = rest_of(call);
		return change;
	}
	free(change);
	rest_refuse(call, &(struct error_answer){ 503, "ServiceUnavailable", NULL },
		    "The gateway is out of memory.");
	return NULL;
}

void rest_change_done(void *context, int status, const char *why)
{
	struct rest_change *change = context;
	struct operation_store *operations = change->rest->operations;

	if (status < 0)
		operation_fail(operations, change->operation, "OperationFailed", why);
	else
		operation_succeed(operations, change->operation, 200, NULL);
	free(change);
}
