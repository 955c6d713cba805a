#include "control/config/json_in.h"

#include "control/config/where.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Length of the UTF-8 sequence at p, 0 when it is none (RFC 3629 section 4). */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char first_low, first_high, second_low, second_high;
		size_t n;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (p[0] < forms[i].first_low || p[0] > forms[i].first_high)
			continue;
		if (left < forms[i].n || p[1] < forms[i].second_low || p[1] > forms[i].second_high)
			return 0;
		for (size_t k = 2; k < forms[i].n; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].n;
	}
	return 0;
}

struct scan {
	const unsigned char *p;
	size_t n;
	size_t at;
	uint32_t depth;
	uint32_t most;
	const char *problem;
};

static void scan_string(struct scan *s)
{
	for (s->at++; s->at < s->n; s->at++) {
		unsigned char c = s->p[s->at];

		if (c == '"')
			return;
		if (c == '\\') {
			/* cJSON would end the string there and lose the rest. */
			if (s->n - s->at >= 6 && !memcmp(s->p + s->at, "\\u0000", 6)) {
				s->problem = "a NUL character in a string";
				return;
			}
			s->at++;
		} else if (c < 0x20) {
			s->problem = "a control character in a string";
			return;
		} else if (c >= 0x80) {
			size_t n = utf8_length(s->p + s->at, s->n - s->at);

			if (!n) {
				s->problem = "text that is not UTF-8";
				return;
			}
			s->at += n - 1;
		}
	}
	s->at = s->n; /* an escape that was cut leads one further */
	s->problem = "a string without an end";
}

static void scan_text(struct scan *s)
{
	for (; s->at < s->n && !s->problem; s->at++) {
		unsigned char c = s->p[s->at];

		if (c == '"')
			scan_string(s);
		else if ((c == '{' || c == '[') && ++s->depth > s->most)
			s->problem = "objects nested deeper than is allowed";
		else if ((c == '}' || c == ']') && s->depth)
			s->depth--;
		else if (c == 0 || c >= 0x80)
			s->problem = "a character that JSON does not know";
		if (s->problem)
			return;
	}
}

static uint32_t line_of(const char *text, size_t at)
{
	uint32_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

static int broken(struct config_report *report, const char *text, size_t at, const char *problem)
{
	struct where root = { .root = "" };

	where_error(report, &root, CODE_CONTENT, "The text is not JSON: line %u has %s.",
		    line_of(text, at), problem);
	return -EINVAL;
}

/* Whatever cJSON frees may have held a key: trees, and what printing outgrew. */
static void wipe_and_free(void *p)
{
	if (p)
		secret_wipe(p, malloc_usable_size(p));
	free(p);
}

static void set_hooks(void)
{
	cJSON_Hooks hooks = { .malloc_fn = malloc, .free_fn = wipe_and_free };

	cJSON_InitHooks(&hooks);
}

void config_json_setup(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, set_hooks);
}

int config_json_parse(cJSON **root, const char *text, size_t n, struct config_report *report)
{
	return config_json_parse_depth(root, (struct span){ (const uint8_t *)text, n },
				       CONFIG_JSON_DEPTH, report);
}

int config_json_parse_depth(cJSON **root, struct span bytes, uint32_t depth,
			    struct config_report *report)
{
	struct scan scan = { .p = bytes.p, .n = bytes.n, .most = depth };
	const char *text = (const char *)bytes.p;
	size_t n = bytes.n;
	const char *end = NULL;

	config_json_setup();
	if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		scan.at = 3;
	scan_text(&scan);
	if (scan.problem)
		return broken(report, text, scan.at, scan.problem);
	*root = cJSON_ParseWithLengthOpts(text, n, &end, 0);
	if (!*root) {
		size_t at = end ? (size_t)(end - text) : 0;

		return broken(report, text, at < n ? at : n, "a mistake in its syntax");
	}
	for (; end < text + n; end++) {
		if (!strchr(" \t\r\n", *end)) {
			config_json_free(*root);
			*root = NULL;
			return broken(report, text, (size_t)(end - text), "text after the end");
		}
	}
	return 0;
}

void config_json_free(cJSON *root)
{
	cJSON_Delete(root);
}

const char *config_json_text(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return text ? text : "";
}
