#pragma once
/*
 * What a handler sees of a request and what it gives back.
 */
#include "base/span.h"
#include "base/text.h"
#include "control/config/appliance.h"

#include <stdbool.h>

enum http_method { HTTP_GET, HTTP_PUT, HTTP_POST, HTTP_PATCH, HTTP_DELETE, HTTP_METHODS };

const char *http_method_text(enum http_method method);

#define HTTP_SEGMENTS_MAX 24
#define HTTP_QUERY_MAX 16
#define HTTP_HEADERS_MAX 8

struct http_pair {
	const char *name;
	const char *value;
};

struct http_request {
	enum http_method method; /* HEAD is GET, and */
	bool head_only;
	const char *segments[HTTP_SEGMENTS_MAX]; /* decoded; their case is the client's */
	uint32_t segment_count;
	struct http_pair query[HTTP_QUERY_MAX]; /* decoded */
	uint32_t query_count;
	struct span body;
	const char *host; /* "[::1]:8443", as the client wrote it */
	bool tls;
	const char *if_match; /* NULL: none */
	const char *if_none_match;
	const char *accept;
	const char *last_event_id;
	const char *authorization; /* "Bearer ..." */
	char peer[64];		   /* address and port, for the audit */
	const char *token_name;	   /* who asks; NULL: nobody had to say */
	enum config_token_role role;
};

struct http_reply {
	int status;
	const char *content_type; /* "application/json" unless set */
	struct text body;
	struct http_pair headers[HTTP_HEADERS_MAX]; /* static names; values owned by the reply */
	uint32_t header_count;
	bool secret; /* no-store, and wiped after it was sent */
};

/* The value of a query parameter (name without case), or NULL. */
const char *http_query(const struct http_request *request, const char *name);
/* A copy of `value` is kept. */
void http_reply_header(struct http_reply *reply, const char *name, const char *value);
void http_reply_fini(struct http_reply *reply);
