#include "control/rest/parse.h"

#include "base/secret.h"

#include <event2/buffer.h>
#include <event2/http.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes in place; false for a bad escape or a control character. */
static bool decode(char *text, bool plus_is_space)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		unsigned char c = (unsigned char)*from;

		if (c == '%') {
			int high = hex_value(from[1]);
			int low = high < 0 ? -1 : hex_value(from[2]);

			if (low < 0)
				return false;
			c = (unsigned char)(high << 4 | low);
			from += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		if (c < 0x20 || c == 0x7f)
			return false;
		*to++ = (char)c;
	}
	*to = '\0';
	return true;
}

const char *parse_path(struct http_request *request, char *path)
{
	char *segment;

	request->segment_count = 0;
	while ((segment = strsep(&path, "/"))) {
		if (!segment[0])
			continue;
		if (request->segment_count == HTTP_SEGMENTS_MAX)
			return "The path has too many segments.";
		if (!decode(segment, false) || strchr(segment, '/'))
			return "The path has a bad percent escape.";
		if (!strcmp(segment, ".") || !strcmp(segment, ".."))
			return "The path has a dot segment.";
		request->segments[request->segment_count++] = segment;
	}
	return NULL;
}

const char *parse_query(struct http_request *request, char *query)
{
	char *pair;

	request->query_count = 0;
	while ((pair = strsep(&query, "&"))) {
		char *value = strchr(pair, '=');

		if (!pair[0])
			continue;
		if (request->query_count == HTTP_QUERY_MAX)
			return "The query has too many parameters.";
		if (value)
			*value++ = '\0';
		if (!decode(pair, true) || (value && !decode(value, true)))
			return "The query has a bad percent escape.";
		request->query[request->query_count++] =
			(struct http_pair){ pair, value ? value : "" };
	}
	return NULL;
}

static const char *method_set(struct http_request *request, enum evhttp_cmd_type command)
{
	switch (command) {
	case EVHTTP_REQ_GET:
		request->method = HTTP_GET;
		return NULL;
	case EVHTTP_REQ_PUT:
		request->method = HTTP_PUT;
		return NULL;
	case EVHTTP_REQ_POST:
		request->method = HTTP_POST;
		return NULL;
	case EVHTTP_REQ_PATCH:
		request->method = HTTP_PATCH;
		return NULL;
	case EVHTTP_REQ_DELETE:
		request->method = HTTP_DELETE;
		return NULL;
	default:
		return "The method is not one of GET, PUT, POST, PATCH and DELETE.";
	}
}

static const char *body_copy(struct http_request *request, struct parse_storage *storage,
			     struct evbuffer *body)
{
	size_t n = evbuffer_get_length(body);

	if (!n)
		return NULL;
	storage->body = malloc(n);
	if (!storage->body)
		return "The body does not fit into memory.";
	storage->body_n = n;
	evbuffer_remove(body, storage->body, n);
	request->body = (struct span){ storage->body, n };
	return NULL;
}

static void headers_copy(struct http_request *request, const struct evhttp_request *from)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers((struct evhttp_request *)from);

	request->host = evhttp_find_header(headers, "Host");
	request->if_match = evhttp_find_header(headers, "If-Match");
	request->if_none_match = evhttp_find_header(headers, "If-None-Match");
	request->accept = evhttp_find_header(headers, "Accept");
	request->last_event_id = evhttp_find_header(headers, "Last-Event-ID");
	request->authorization = evhttp_find_header(headers, "Authorization");
}

static void peer_copy(struct http_request *request, struct evhttp_request *from)
{
	char *address = NULL;
	ev_uint16_t port = 0;

	evhttp_connection_get_peer(evhttp_request_get_connection(from), &address, &port);
	snprintf(request->peer, sizeof(request->peer), "%s:%u", address ? address : "-", port);
}

const char *parse_request(struct http_request *request, struct parse_storage *storage,
			  struct evhttp_request *from)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(from);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
	const char *wrong = method_set(request, evhttp_request_get_command(from));

	if (wrong)
		return wrong;
	storage->path = strdup(path ? path : "/");
	storage->query = strdup(query ? query : "");
	if (!storage->path || !storage->query)
		return "The gateway is out of memory.";
	wrong = parse_path(request, storage->path);
	if (!wrong)
		wrong = parse_query(request, storage->query);
	if (!wrong)
		wrong = body_copy(request, storage, evhttp_request_get_input_buffer(from));
	headers_copy(request, from);
	peer_copy(request, from);
	return wrong;
}

void parse_storage_fini(struct parse_storage *storage)
{
	free(storage->path);
	free(storage->query);
	if (storage->body)
		secret_wipe(storage->body, storage->body_n);
	free(storage->body);
}
