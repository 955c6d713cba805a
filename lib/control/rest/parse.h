#pragma once
/*
 * DOC: HTTP/1.1 on the wire
 *
 * From bytes to struct http_request, without a socket: the head (request line and headers), path
 * and query, and bodies that come in chunks. Strict, since what two programs read differently is
 * how requests are smuggled (RFC 9112 section 11.2): one length or chunks, one Host, no folded
 * lines, no bare CR or LF, no control characters.
 */
#include "control/rest/http.h"

#include <sys/types.h>

/* Why a request goes no further. */
struct parse_fault {
	int status;
	const char *code;
	const char *message;
};

/* What the connection has to know of a head; the request points into its text. */
struct parse_head {
	size_t body_n; /* of Content-Length */
	bool chunked;
	bool keep_alive;
	bool wants_continue;
	bool head_only; /* HEAD: answers have no body */
	struct parse_fault fault;
};

/*
 * `text` has `n` bytes and a NUL behind them: the request line and the header lines, each with its
 * CRLF but without the empty line. It is changed. NULL, or what is wrong.
 */
const struct parse_fault *parse_head(struct http_request *request, struct parse_head *head,
				     char *text, size_t n);

int parse_hex(char c); /* -1: no digit */
/* Splits and decodes in place; NULL or what is wrong. */
const char *parse_path(struct http_request *request, char *path);
const char *parse_query(struct http_request *request, char *query);

/* Chunks, as far as they have come. */
struct parse_chunks {
	enum {
		CHUNK_SIZE,
		CHUNK_EXTENSION,
		CHUNK_DATA,
		CHUNK_END,
		CHUNK_TRAILER,
		CHUNK_DONE
	} state;
	size_t left;	/* of the chunk */
	uint32_t count; /* characters of this line */
	bool in_line;
	bool cr;
};

/*
 * Takes bytes; *data is what of them is body, to be copied before the next call. Gives how many
 * were taken (0 once CHUNK_DONE), or -EINVAL.
 */
ssize_t parse_chunk(struct parse_chunks *chunks, const uint8_t *bytes, size_t n, struct span *data);
