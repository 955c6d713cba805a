/*
 * Any request line at the router: the first byte is the method, the rest path and query as a client
 * writes them. What is taken has segments and pairs without control characters or slashes, and the
 * row that is found has as many names as its pattern has stars.
 */
#include "control/rest/parse.h"
#include "control/rest/state.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(const char *text)
{
	for (; *text; text++)
		check((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_row(const struct router_row *row, const struct router_call *call)
{
	uint32_t stars = 0;

	for (const char *c = row->pattern; *c; c++)
		stars += *c == '*';
	check(stars == call->name_count && row->method == call->request->method);
	for (uint32_t i = 0; i < call->name_count; i++)
		check(call->names[i] && call->names[i][0] && !strchr(call->names[i], '/'));
}

static void route(const struct http_request *request)
{
	for (size_t i = 0; i < rest_all_count; i++) {
		struct router_call call = { 0 };
		const struct router_row *row = NULL;

		if (router_find(rest_all_rows[i]->rows, rest_all_rows[i]->count, request, &call,
				&row) == ROUTER_FOUND)
			check_row(row, &call);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request request = { 0 };
	char *path, *query;

	if (!size)
		return 0;
	request.method = data[0] % HTTP_METHODS;
	path = malloc(size);
	check(path != NULL);
	memcpy(path, data + 1, size - 1);
	path[size - 1] = '\0';
	query = strchr(path, '?');
	if (query)
		*query++ = '\0';
	if (!parse_path(&request, path) && (!query || !parse_query(&request, query))) {
		for (uint32_t i = 0; i < request.segment_count; i++) {
			check_text(request.segments[i]);
			check(!strchr(request.segments[i], '/'));
		}
		for (uint32_t i = 0; i < request.query_count; i++) {
			check_text(request.query[i].name);
			check_text(request.query[i].value);
		}
		(void)http_query(&request, "api-version");
		route(&request);
	}
	free(path);
	return 0;
}
