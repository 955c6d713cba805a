#pragma once
/*
 * A change of the configuration with the operation that a client follows.
 */
#include "control/rest/state.h"

struct rest_change {
	struct rest *rest;
	struct operation *operation;
	char *result; /* of the operation when it succeeds, or NULL */
};

/* NULL: the exchange was ended with 503. */
struct rest_change *rest_change_new(struct router_call *call);
/* The store's completion: ends the operation and frees the change. */
void rest_change_done(void *change, int status, const char *why);
