/*
 * HTTP/1.1 on the wire: heads that are taken and what they say, heads that are not, and bodies in
 * chunks however the bytes are cut.
 */
#include "cmocka_all.h"
#include "control/rest/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST "Host: gw:8443\r\n"
#define LINE "GET / HTTP/1.1\r\n" HOST

static const struct parse_fault *parse(const char *text, struct http_request *request,
				       struct parse_head *head, char buffer[4096])
{
	size_t n = strlen(text);

	memset(request, 0, sizeof(*request));
	assert_true(n < 4096);
	memcpy(buffer, text, n + 1);
	return parse_head(request, head, buffer, n);
}

static void test_taken(void **state)
{
	struct http_request request;
	struct parse_head head;
	char buffer[4096];

	assert_null(parse("PUT /connections/a%20b?api-version=1&x HTTP/1.1\r\n" HOST
			  "content-length:  17 \r\nAUTHORIZATION:\tBearer x y\r\nAccept: a\r\n"
			  "Accept: b\r\nIf-Match: W/\"1\"\r\nX-Nothing:\r\n",
			  &request, &head, buffer));
	assert_int_equal(request.method, HTTP_PUT);
	assert_int_equal(request.segment_count, 2);
	assert_string_equal(request.segments[1], "a b");
	assert_string_equal(http_query(&request, "api-version"), "1");
	assert_string_equal(request.host, "gw:8443");
	assert_string_equal(request.authorization, "Bearer x y");
	assert_string_equal(request.accept, "a");
	assert_string_equal(request.if_match, "W/\"1\"");
	assert_null(request.if_none_match);
	assert_int_equal(head.body_n, 17);
	assert_true(head.keep_alive && !head.chunked && !head.wants_continue);
	assert_null(parse("POST /a HTTP/1.1\r\nHost: [::1]:8443\r\nTransfer-Encoding: Chunked\r\n"
			  "Connection: x, close\r\nExpect: 100-Continue\r\n",
			  &request, &head, buffer));
	assert_true(head.chunked && !head.keep_alive && head.wants_continue);
	assert_null(parse("GET http://elsewhere/a?b=c HTTP/1.1\r\n" HOST, &request, &head, buffer));
	assert_int_equal(request.segment_count, 1);
	assert_string_equal(http_query(&request, "b"), "c");
	assert_null(parse("GET https://elsewhere HTTP/1.1\r\n" HOST, &request, &head, buffer));
	assert_int_equal(request.segment_count, 0);
	assert_null(parse("HEAD /a HTTP/1.1\r\n" HOST, &request, &head, buffer));
	assert_true(request.method == HTTP_GET && request.head_only && head.head_only);
	assert_null(parse("GET / HTTP/1.0\r\n", &request, &head, buffer));
	assert_true(!head.keep_alive && !request.host);
	assert_null(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n", &request, &head, buffer));
	assert_true(head.keep_alive);
}

static const struct {
	const char *text;
	int status;
} refused[] = {
	{ "", 400 },
	{ "\r\n", 400 },
	{ "GET\r\n" HOST, 400 },
	{ "GET /\r\n" HOST, 400 },
	{ "GET  / HTTP/1.1\r\n" HOST, 400 },
	{ "GET / HTTP/1.1 \r\n" HOST, 400 },
	{ "GET / HTTP/1.1x\r\n" HOST, 400 },
	{ "GET / http/1.1\r\n" HOST, 400 },
	{ "GET /a b HTTP/1.1\r\n" HOST, 400 },
	{ "GET a HTTP/1.1\r\n" HOST, 400 },
	{ "GET /a#b HTTP/1.1\r\n" HOST, 400 },
	{ "GET /\xc3\xa4 HTTP/1.1\r\n" HOST, 400 },
	{ "GET /a\tb HTTP/1.1\r\n" HOST, 400 },
	{ "GET /%zz HTTP/1.1\r\n" HOST, 400 },
	{ "GET /?%zz HTTP/1.1\r\n" HOST, 400 },
	{ "GET /a/../b HTTP/1.1\r\n" HOST, 400 },
	{ "GET / HTTP/2.0\r\n" HOST, 505 },
	{ "GET / HTTP/0.9\r\n" HOST, 505 },
	{ "PRI * HTTP/2.0\r\n", 505 },
	{ "BREW / HTTP/1.1\r\n" HOST, 501 },
	{ "get / HTTP/1.1\r\n" HOST, 501 },
	{ "B@D / HTTP/1.1\r\n" HOST, 400 },
	{ " / HTTP/1.1\r\n" HOST, 400 },
	{ "OPTIONS * HTTP/1.1\r\n" HOST, 405 },
	{ "TRACE / HTTP/1.1\r\n" HOST, 405 },
	{ "CONNECT a:1 HTTP/1.1\r\n" HOST, 405 },
	{ "GET / HTTP/1.1\r\n", 400 },
	{ LINE HOST, 400 },
	{ "GET / HTTP/1.1\r\nHost:\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a\"b\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a/b\r\n", 400 },
	{ LINE "nonsense\r\n", 400 },
	{ LINE ": x\r\n", 400 },
	{ LINE "A : x\r\n", 400 },
	{ LINE " folded: x\r\n", 400 },
	{ LINE "A: x\r\n\tfolded\r\n", 400 },
	{ LINE "A: x\ny: z\r\n", 400 },
	{ LINE "A: x\ry: z\r\n", 400 },
	{ LINE "A: \x01\r\n", 400 },
	{ LINE "A: \x7f\r\n", 400 },
	{ LINE "Content-Length: -1\r\n", 400 },
	{ LINE "Content-Length: +1\r\n", 400 },
	{ LINE "Content-Length: 1x\r\n", 400 },
	{ LINE "Content-Length:\r\n", 400 },
	{ LINE "Content-Length: 18446744073709551616\r\n", 400 },
	{ LINE "Content-Length: 5\r\nContent-Length: 5\r\n", 400 },
	{ LINE "Content-Length: 5, 5\r\n", 400 },
	{ LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400 },
	{ LINE "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400 },
	{ LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400 },
	{ LINE "Transfer-Encoding: gzip, chunked\r\n", 501 },
	{ LINE "Transfer-Encoding: xchunked\r\n", 501 },
	{ "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", 400 },
	{ LINE "Expect: miracles\r\n", 417 },
	{ LINE "Authorization: a\r\nAuthorization: b\r\n", 400 },
	{ LINE "If-Match: a\r\nIf-Match: b\r\n", 400 },
};

static void test_refused(void **state)
{
	struct http_request request;
	struct parse_head head;
	char buffer[4096];

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const struct parse_fault *fault = parse(refused[i].text, &request, &head, buffer);

		if (!fault || fault->status != refused[i].status)
			print_message("row %zu: %s\n", i, refused[i].text);
		assert_non_null(fault);
		assert_int_equal(fault->status, refused[i].status);
		assert_true(strlen(fault->code) > 5 && strlen(fault->message) > 10);
	}
	assert_non_null(parse("HEAD a HTTP/1.1\r\n" HOST, &request, &head, buffer));
	assert_true(head.head_only); /* its refusal has no body either */
}

static void test_nul_and_count(void **state)
{
	char buffer[4096], nul[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n";
	struct http_request request = { 0 };
	struct parse_head head;
	struct text many = { 0 };

	assert_non_null(parse_head(&request, &head, nul, sizeof(nul) - 1));
	text_add(&many, "%s", LINE);
	for (int i = 0; i < 99; i++)
		text_add(&many, "X: y\r\n");
	assert_null(parse(text_get(&many), &request, &head, buffer));
	text_add(&many, "X: y\r\n");
	assert_int_equal(parse(text_get(&many), &request, &head, buffer)->status, 431);
	text_fini(&many);
}

/* All of it in pieces of `step` bytes: the body, or NULL. */
static char *dechunk(const char *text, size_t n, size_t step, size_t *taken)
{
	struct parse_chunks chunks = { 0 };
	char *body = calloc(1, n + 16), *copy = malloc(step);
	size_t length = 0;

	*taken = 0;
	while (*taken < n && chunks.state != CHUNK_DONE) {
		size_t piece = n - *taken < step ? n - *taken : step;
		struct span data;
		ssize_t got;

		memcpy(copy, text + *taken, piece);
		got = parse_chunk(&chunks, (uint8_t *)copy, piece, &data);
		if (got < 0) {
			free(body);
			free(copy);
			return NULL;
		}
		assert_true(got > 0 && (size_t)got <= piece && data.n <= (size_t)got);
		memcpy(body + length, data.p, data.n);
		length += data.n;
		*taken += (size_t)got;
	}
	free(copy);
	if (chunks.state != CHUNK_DONE)
		snprintf(body, n + 16, "(unfinished)");
	return body;
}

static void test_chunks(void **state)
{
	static const struct {
		const char *text;
		const char *body; /* NULL: malformed */
	} rows[] = {
		{ "0\r\n\r\n", "" },
		{ "5\r\nhello\r\n0\r\n\r\n", "hello" },
		{ "5;ext=1\r\nhello\r\n00A\r\n, my world\r\n0;x\r\nTrailer: a\r\nB: c\r\n\r\n",
		  "hello, my world" },
		{ "2\r\n\r\n\r\n0\r\n\r\n", "\r\n" },
		{ "5\r\nhello\r\n0\r\n", "(unfinished)" },
		{ "5\r\nhel", "(unfinished)" },
		{ "zz\r\n", NULL },
		{ "\r\n", NULL },
		{ " 5\r\nhello\r\n0\r\n\r\n", NULL },
		{ "5 \r\nhello\r\n0\r\n\r\n", NULL },
		{ "-5\r\nhello\r\n0\r\n\r\n", NULL },
		{ "0x5\r\nhello\r\n0\r\n\r\n", NULL },
		{ "5\nhello\r\n0\r\n\r\n", NULL },
		{ "5\rxhello\r\n0\r\n\r\n", NULL },
		{ "5\r;\nhello\r\n0\r\n\r\n", NULL },
		{ "5\r\nhelloo\r\n0\r\n\r\n", NULL },
		{ "5\r\nhello\n0\r\n\r\n", NULL },
		{ "5\r\nhello0\r\n\r\n", NULL },
		{ "ffffffffffffffff\r\nx", NULL },
		{ "000000001\r\nx\r\n0\r\n\r\n", NULL },
		{ "0\r\nTrailer\n\r\n", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step <= 80; step++) {
			size_t taken;
			char *body = dechunk(rows[i].text, strlen(rows[i].text), step, &taken);

			if (!body != !rows[i].body || (body && strcmp(body, rows[i].body)))
				print_message("row %zu in steps of %zu: %s\n", i, step,
					      body ? body : "malformed");
			assert_true(!body == !rows[i].body);
			if (body)
				assert_string_equal(body, rows[i].body);
			free(body);
		}
	}
}

/* What follows a whole body is the next request's. */
static void test_chunks_end(void **state)
{
	static const char text[] = "1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
	size_t taken;
	char *body = dechunk(text, strlen(text), 80, &taken);

	assert_string_equal(body, "a");
	assert_string_equal(text + taken, "GET / HTTP/1.1\r\n");
	free(body);
}

/* Extensions and trailers are bounded. */
static void test_chunks_bounded(void **state)
{
	size_t n = 40000, taken;
	char *text = malloc(n);

	memset(text, 'x', n);
	memcpy(text, "5;", 2);
	assert_null(dechunk(text, n, 1000, &taken));
	memcpy(text, "0\r\n", 3);
	assert_null(dechunk(text, n, 1000, &taken));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),	      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nul_and_count), cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_chunks_end),    cmocka_unit_test(test_chunks_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
