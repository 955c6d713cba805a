#include "control/rest/parse.h"

#include <ctype.h>
#include <string.h>

int parse_hex(char c)
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
			int high = parse_hex(from[1]);
			int low = high < 0 ? -1 : parse_hex(from[2]);

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
