#pragma once
/*
 * DOC: router
 *
 * Full paths (/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/...) and short ones
 * (/virtualNetworkGateways/gw) meet in the same rows: the router takes the prefix off and keeps
 * what it said. Segments compare without case. A row's pattern has a "*" for each name.
 */
#include "control/rest/server.h"

#define ROUTER_NAMES_MAX 4

struct router_call {
	void *context; /* of who routes */
	struct server_exchange *exchange;
	const struct http_request *request;
	const char *subscription; /* NULL: a short path */
	const char *group;
	const char *names[ROUTER_NAMES_MAX]; /* what stood where the stars are */
	uint32_t name_count;
};

/* Ends the exchange now or later. */
typedef void (*router_handler)(struct router_call *call);

struct router_row {
	enum http_method method;
	const char *pattern; /* "virtualNetworkGateways/ * /reset" without the blanks */
	enum config_token_role role;
	router_handler handler;
	const char *query; /* "from,to": optional parameters, for the description; or NULL */
};

enum router_result { ROUTER_FOUND, ROUTER_NO_PATH, ROUTER_NO_METHOD };

/* Finds the row and fills in the call. */
enum router_result router_find(const struct router_row *rows, size_t count,
			       const struct http_request *request, struct router_call *call,
			       const struct router_row **row);
