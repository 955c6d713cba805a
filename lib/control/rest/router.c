#include "control/rest/router.h"

#include <string.h>
#include <strings.h>

#define PROVIDER "Microsoft.Network"

static bool segment_is(const struct http_request *request, uint32_t i, const char *text)
{
	return i < request->segment_count && !strcasecmp(request->segments[i], text);
}

/* How many segments are the prefix; its names go into the call. */
static uint32_t prefix(const struct http_request *request, struct router_call *call)
{
	uint32_t at = 0;

	call->subscription = call->group = NULL;
	if (!segment_is(request, 0, "subscriptions") || request->segment_count < 2)
		return 0;
	call->subscription = request->segments[1];
	at = 2;
	if (segment_is(request, at, "resourceGroups") && request->segment_count > at + 1) {
		if (!segment_is(request, at + 2, "providers"))
			return at; /* the resource group itself is a row */
		call->group = request->segments[at + 1];
		at += 2;
	}
	if (segment_is(request, at, "providers") && segment_is(request, at + 1, PROVIDER))
		at += 2;
	return at;
}

static bool matches(const char *pattern, const struct http_request *request, uint32_t at,
		    struct router_call *call)
{
	call->name_count = 0;
	while (*pattern && at < request->segment_count) {
		size_t n = strcspn(pattern, "/");
		const char *segment = request->segments[at++];

		if (n == 1 && pattern[0] == '*') {
			if (call->name_count == ROUTER_NAMES_MAX)
				return false;
			call->names[call->name_count++] = segment;
		} else if (strlen(segment) != n || strncasecmp(segment, pattern, n)) {
			return false;
		}
		pattern += n + (pattern[n] == '/');
	}
	return !*pattern && at == request->segment_count;
}

enum router_result router_find(const struct router_row *rows, size_t count,
			       const struct http_request *request, struct router_call *call,
			       const struct router_row **row)
{
	enum router_result result = ROUTER_NO_PATH;
	uint32_t at = prefix(request, call);

	call->request = request;
	for (size_t i = 0; i < count; i++) {
		if (!matches(rows[i].pattern, request, at, call))
			continue;
		if (rows[i].method == request->method) {
			*row = &rows[i];
			return ROUTER_FOUND;
		}
		result = ROUTER_NO_METHOD;
	}
	return result;
}
