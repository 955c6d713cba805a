#include "control/rest/http.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *http_method_text(enum http_method method)
{
	static const char *const text[] = { "GET", "PUT", "POST", "PATCH", "DELETE" };

	return text[method];
}

const char *http_query(const struct http_request *request, const char *name)
{
	for (uint32_t i = 0; i < request->query_count; i++)
		if (!strcasecmp(request->query[i].name, name))
			return request->query[i].value;
	return NULL;
}

void http_reply_header(struct http_reply *reply, const char *name, const char *value)
{
	char *copy = reply->header_count < HTTP_HEADERS_MAX ? strdup(value) : NULL;

	if (copy)
		reply->headers[reply->header_count++] = (struct http_pair){ name, copy };
}

void http_reply_fini(struct http_reply *reply)
{
	if (reply->secret && reply->body.p)
		secret_wipe(reply->body.p, reply->body.n);
	text_fini(&reply->body);
	for (uint32_t i = 0; i < reply->header_count; i++)
		free((char *)reply->headers[i].value);
	reply->header_count = 0;
}
