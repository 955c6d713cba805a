/*
 * Any bytes as an HTTP client sends them: the head up to the first empty line, then a body in
 * chunks. What is taken points into the head and has no control characters; chunks never give more
 * than came, and the same body in whatever pieces it comes.
 */
#include "control/rest/parse.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(const char *text, const char *from, size_t n)
{
	if (!text)
		return;
	check(text >= from && text < from + n + 1);
	for (; *text; text++)
		check((unsigned char)*text >= 0x20 || *text == '\t');
}

static void head(const uint8_t *data, size_t n)
{
	struct http_request request = { 0 };
	struct parse_head head;
	char *text = malloc(n + 1);
	const struct parse_fault *fault;

	check(text != NULL);
	memcpy(text, data, n);
	text[n] = '\0';
	fault = parse_head(&request, &head, text, n);
	if (fault) {
		check(fault->status >= 400 && fault->status <= 505 && fault->message);
	} else {
		check(!head.chunked || !head.body_n);
		check_text(request.host, text, n);
		check_text(request.authorization, text, n);
		check_text(request.if_match, text, n);
		for (uint32_t i = 0; i < request.segment_count; i++)
			check_text(request.segments[i], text, n);
	}
	free(text);
}

/* A digest of the body and where it ended, in pieces of `step`. */
static uint64_t chunks(const uint8_t *data, size_t n, size_t step)
{
	struct parse_chunks chunks = { 0 };
	uint64_t digest = 14695981039346656037u;
	size_t at = 0;

	while (at < n && chunks.state != CHUNK_DONE) {
		struct span part;
		ssize_t got = parse_chunk(&chunks, data + at, n - at < step ? n - at : step, &part);

		if (got < 0)
			return 0;
		check(got > 0 && part.n <= (size_t)got);
		check(part.p >= data + at && part.p + part.n <= data + at + got);
		for (size_t i = 0; i < part.n; i++)
			digest = (digest ^ part.p[i]) * 1099511628211u;
		at += (size_t)got;
	}
	return digest + (chunks.state == CHUNK_DONE ? at : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
	size_t n = end ? (size_t)(end - data) + 2 : size;

	head(data, n);
	data += n;
	size -= n;
	check(chunks(data, size, 1) == chunks(data, size, size + 1));
	return 0;
}
