#pragma once
/*
 * From libevent's request to ours: percent-decoding, segments, query, and what is refused before a
 * handler sees it (control characters, dot segments, too many segments or parameters).
 */
#include "control/rest/http.h"

struct evhttp_request;

struct parse_storage {
	char *path;
	char *query;
	uint8_t *body;
	size_t body_n;
};

/* NULL, or what is wrong. The request points into the storage and into libevent's. */
const char *parse_request(struct http_request *request, struct parse_storage *storage,
			  struct evhttp_request *from);
/* The body is wiped: it may hold a key. */
void parse_storage_fini(struct parse_storage *storage);

/* Splits and decodes in place; NULL or what is wrong. */
const char *parse_path(struct http_request *request, char *path);
const char *parse_query(struct http_request *request, char *query);
