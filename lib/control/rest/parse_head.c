#include "control/rest/parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEADERS_MAX 100
#define LENGTH_DIGITS 15

#define FAULT(name, status, code, message)                                                         \
	static const struct parse_fault name = { status, code, message }
#define BAD(name, message) FAULT(name, 400, "InvalidRequestFormat", message)

BAD(bad_line, "The request line is not METHOD PATH HTTP/1.1.");
BAD(bad_bytes, "The head of the request has control characters.");
BAD(bad_header, "A header line is not NAME: VALUE.");
BAD(bad_host, "There must be one Host header with a host and perhaps a port.");
BAD(bad_length, "Content-Length must be there once at most, and be a number.");
BAD(bad_both, "A request has Content-Length or Transfer-Encoding, not both.");
BAD(bad_twice, "A header that may be there once is there twice.");
FAULT(bad_version, 505, "HttpVersionNotSupported", "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
FAULT(bad_coding, 501, "NotImplemented", "The only transfer coding that is known is chunked.");
FAULT(bad_expect, 417, "ExpectationFailed", "The only expectation that is known is 100-continue.");
FAULT(too_many, 431, "RequestHeaderFieldsTooLarge", "There are more than 100 headers.");
FAULT(no_method, 501, "NotImplemented",
      "The method is none of GET, HEAD, PUT, POST, PATCH and DELETE.");
FAULT(not_allowed, 405, "MethodNotAllowed",
      "The method is none of GET, HEAD, PUT, POST, PATCH and DELETE.");

static bool is_token(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_visible(const char *text)
{
	for (; *text; text++)
		if (*text <= 0x20 || *text >= 0x7f)
			return false;
	return true;
}

static const struct parse_fault *method_set(struct http_request *request, struct parse_head *head,
					    const char *method)
{
	static const char *const known[] = { "OPTIONS", "TRACE", "CONNECT" };

	for (int i = 0; i < HTTP_METHODS; i++) {
		request->method = (enum http_method)i;
		if (!strcmp(method, http_method_text(request->method)))
			return NULL;
	}
	request->method = HTTP_GET;
	request->head_only = head->head_only = !strcmp(method, "HEAD");
	if (head->head_only)
		return NULL;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(method, known[i]))
			return &not_allowed;
	for (const char *c = method; *c; c++)
		if (!is_token(*c))
			return &bad_line;
	return *method ? &no_method : &bad_line;
}

/* "http://host" goes: what is asked for is here, whatever the host is called. */
static char *target_path(char *target)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (int i = 0; i < 2; i++) {
		size_t n = strlen(schemes[i]);

		if (strncasecmp(target, schemes[i], n))
			continue;
		target += n + strcspn(target + n, "/?");
		return target;
	}
	return target;
}

static const struct parse_fault *target_set(struct http_request *request, struct parse_head *head,
					    char *target)
{
	const char *wrong;
	char *query;

	if (!is_visible(target) || strchr(target, '#'))
		return &bad_line;
	target = target_path(target);
	query = strchr(target, '?');
	if (query)
		*query++ = '\0';
	if (*target && *target != '/')
		return &bad_line;
	wrong = parse_path(request, target);
	if (!wrong && query)
		wrong = parse_query(request, query);
	head->fault = (struct parse_fault){ 400, "InvalidRequestFormat", wrong };
	return wrong ? &head->fault : NULL;
}

static const struct parse_fault *request_line(struct http_request *request, struct parse_head *head,
					      char *line)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;
	const struct parse_fault *fault;

	if (!version || strncmp(version + 1, "HTTP/", 5) || strlen(version + 1) != 8 ||
	    !isdigit((unsigned char)version[6]) || version[7] != '.' ||
	    !isdigit((unsigned char)version[8]))
		return &bad_line;
	*target++ = '\0';
	*version++ = '\0';
	if (version[5] != '1')
		return &bad_version;
	head->keep_alive = version[7] != '0';
	fault = method_set(request, head, line);
	return fault ? fault : target_set(request, head, target);
}

static const struct parse_fault *length_set(struct parse_head *head, bool *known, const char *value)
{
	size_t digits = strspn(value, "0123456789");

	if (*known || !digits || value[digits] || digits > LENGTH_DIGITS)
		return &bad_length;
	*known = true;
	head->body_n = strtoul(value, NULL, 10);
	return NULL;
}

static void connection_set(struct parse_head *head, char *value)
{
	char *word;

	while ((word = strsep(&value, ", \t"))) {
		if (!strcasecmp(word, "close"))
			head->keep_alive = false;
		else if (!strcasecmp(word, "keep-alive"))
			head->keep_alive = true;
	}
}

static bool host_good(const char *host)
{
	return *host &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "-._~:[]%") == strlen(host);
}

static const struct parse_fault *text_set(const char **to, const char *value)
{
	if (*to)
		return &bad_twice;
	*to = value;
	return NULL;
}

struct seen {
	bool length;
	bool hosts; /* more than one, or a bad one */
};

static const struct parse_fault *header_set(struct http_request *request, struct parse_head *head,
					    struct seen *seen, const char *name, char *value)
{
	const struct {
		const char *name;
		const char **to;
	} kept[] = {
		{ "If-Match", &request->if_match },
		{ "If-None-Match", &request->if_none_match },
		{ "Last-Event-ID", &request->last_event_id },
		{ "Authorization", &request->authorization },
	};

	if (!strcasecmp(name, "Host")) {
		seen->hosts |= request->host || !host_good(value);
		request->host = value;
	} else if (!strcasecmp(name, "Content-Length")) {
		return length_set(head, &seen->length, value);
	} else if (!strcasecmp(name, "Transfer-Encoding")) {
		if (strcasecmp(value, "chunked"))
			return &bad_coding;
		if (head->chunked)
			return &bad_twice;
		head->chunked = true;
	} else if (!strcasecmp(name, "Connection")) {
		connection_set(head, value);
	} else if (!strcasecmp(name, "Expect")) {
		if (strcasecmp(value, "100-continue"))
			return &bad_expect;
		head->wants_continue = true;
	} else if (!strcasecmp(name, "Accept") && !request->accept) {
		request->accept = value; /* a list that may be split; the first line will do */
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (!strcasecmp(name, kept[i].name))
			return text_set(kept[i].to, value);
	return NULL;
}

static const struct parse_fault *header_line(struct http_request *request, struct parse_head *head,
					     struct seen *seen, char *line)
{
	char *colon = strchr(line, ':');
	char *value, *end;

	if (!colon || colon == line)
		return &bad_header;
	for (const char *c = line; c < colon; c++)
		if (!is_token(*c))
			return &bad_header;
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	for (end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t'); end--)
		;
	*end = '\0';
	return header_set(request, head, seen, line, value);
}

/* Line ends are CRLF, and nothing else is below a blank but a tab. */
static bool bytes_good(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\r'	? text[i + 1] != '\n'
		    : c == '\n' ? !i || text[i - 1] != '\r'
				: (c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

const struct parse_fault *parse_head(struct http_request *request, struct parse_head *head,
				     char *text, size_t n)
{
	const struct parse_fault *fault = NULL;
	struct seen seen = { 0 };
	char *rest = text, *line;
	bool old = false; /* HTTP/1.0 needs no Host and has no chunks */

	*head = (struct parse_head){ 0 };
	if (!bytes_good(text, n))
		return &bad_bytes;
	if (!*text)
		return &bad_line;
	for (int i = 0; !fault && rest && *rest; i++) {
		line = rest;
		rest = strstr(line, "\r\n");
		if (rest) {
			*rest = '\0';
			rest += 2;
		}
		if (i > HEADERS_MAX)
			return &too_many;
		fault = i ? header_line(request, head, &seen, line)
			  : request_line(request, head, line);
		if (!i)
			old = !head->keep_alive;
	}
	if (fault)
		return fault;
	if (!request->host ? !old : seen.hosts)
		return &bad_host;
	return head->chunked && (seen.length || old) ? &bad_both : NULL;
}
