#include "control/bgp/diff.h"

#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 512

/* A line with the contexts that it stands in ("" when it stands in none). */
struct line {
	char top[LINE_MAX_BYTES];
	char sub[LINE_MAX_BYTES];
	char text[LINE_MAX_BYTES];
};

struct reader {
	const char *at;
	struct line line;
};

static bool opens(const char *text)
{
	static const char *const contexts[] = { "router bgp ", "route-map ", "address-family ",
						"profile " };

	for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++)
		if (!strncmp(text, contexts[i], strlen(contexts[i])))
			return true;
	return !strcmp(text, "bfd");
}

/* The next line that says something; a context is a line of its own, in itself. */
static bool next(struct reader *r)
{
	char text[LINE_MAX_BYTES];

	while (*r->at) {
		size_t indent = strspn(r->at, " ");
		size_t n = strcspn(r->at, "\r\n");

		snprintf(text, sizeof(text), "%.*s", (int)(n - (indent < n ? indent : n)),
			 r->at + indent);
		r->at += n;
		r->at += strspn(r->at, "\r\n");
		if (n <= indent || text[0] == '!' || !strncmp(text, "exit", 4))
			continue;
		if (indent == 0)
			r->line.top[0] = r->line.sub[0] = '\0';
		else if (indent == 1)
			r->line.sub[0] = '\0';
		snprintf(r->line.text, sizeof(r->line.text), "%s", text);
		if (indent == 0 && opens(text))
			snprintf(r->line.top, sizeof(r->line.top), "%s", text);
		else if (indent == 1 && opens(text))
			snprintf(r->line.sub, sizeof(r->line.sub), "%s", text);
		return true;
	}
	return false;
}

/* A key's parts end with NULs: none is the beginning of another. */
static size_t key_of(const struct line *line, char key[3 * LINE_MAX_BYTES])
{
	return (size_t)snprintf(key, 3 * LINE_MAX_BYTES, "%s\n%s\n%s", line->top, line->sub,
				line->text);
}

static void lines_of(struct map *map, const char *text)
{
	struct reader r = { .at = text };
	char key[3 * LINE_MAX_BYTES];

	map_init(map);
	while (next(&r)) {
		size_t n = key_of(&r.line, key);

		if (map_set(map, key, n, map, NULL) < 0)
			return; /* what is missing here is said once more, which does no harm */
	}
}

static bool has(const struct map *map, const struct line *line)
{
	char key[3 * LINE_MAX_BYTES];
	size_t n = key_of(line, key);

	return map_get(map, key, n) != NULL;
}

static void enter(struct text *out, const struct line *line, const char *no)
{
	bool in_top = line->top[0] && strcmp(line->top, line->text);
	bool in_sub = line->sub[0] && strcmp(line->sub, line->text);

	if (in_top)
		text_add(out, "%s\n", line->top);
	if (in_sub)
		text_add(out, "%s\n", line->sub);
	if (!strncmp(line->text, "no ", 3) && *no)
		text_add(out, "%s\n", line->text + 3);
	else
		text_add(out, "%s%s\n", no, line->text);
	if (in_sub || opens(line->text))
		text_add(out, "exit\n");
	if (in_top && (in_sub || strcmp(line->top, line->text)))
		text_add(out, "exit\n");
}

/* "neighbor A remote-as": A, or false. */
static bool neighbor_of(const char *text, char name[64])
{
	name[0] = '\0';
	return sscanf(text, "neighbor %63s", name) == 1;
}

static bool neighbor_wanted(const struct map *wanted, const struct line *line, const char *name)
{
	char prefix[3 * LINE_MAX_BYTES];
	struct map_entry *entry = NULL;
	size_t n = (size_t)snprintf(prefix, sizeof(prefix), "%s\n\nneighbor %s remote-as ",
				    line->top, name);

	while ((entry = map_next(wanted, entry)))
		if (entry->key_len > n && !strncmp((const char *)entry->key, prefix, n))
			return true;
	return false;
}

/* The next line of a router that is not wanted; `name`: of the neighbour that goes with all its
 * lines, or "". */
static bool next_unwanted(struct reader *r, const struct map *wanted, char name[64])
{
	while (next(r)) {
		const struct line *line = &r->line;

		if (strncmp(line->top, "router bgp ", 11) || has(wanted, line) || opens(line->text))
			continue;
		if (neighbor_of(line->text, name) && !neighbor_wanted(wanted, line, name))
			return true;
		/* Without its first line the neighbour would be gone: another AS number takes its
		 * place. */
		if (name[0] && strstr(line->text, " remote-as "))
			continue;
		name[0] = '\0';
		return true;
	}
	return false;
}

/* By its first line. */
static void remove_neighbors(const struct map *wanted, const char *running, struct text *out)
{
	struct reader r = { .at = running };
	char name[64];

	while (next_unwanted(&r, wanted, name))
		if (name[0] && strstr(r.line.text, " remote-as "))
			text_add(out, "%s\nno neighbor %s\nexit\n", r.line.top, name);
}

static void remove_in_bgp(const struct map *wanted, const char *running, struct text *out)
{
	struct reader r = { .at = running };
	char name[64];

	while (next_unwanted(&r, wanted, name))
		if (!name[0])
			enter(out, &r.line, "no ");
}

/* What an entry that stays no longer says. */
static void remove_in_maps(const struct map *wanted, const char *running, struct text *out)
{
	struct reader r = { .at = running };

	while (next(&r)) {
		struct line entry = r.line;

		snprintf(entry.text, sizeof(entry.text), "%s", entry.top);
		if (!strncmp(r.line.top, "route-map VPNGW-", 16) && !opens(r.line.text) &&
		    has(wanted, &entry) && !has(wanted, &r.line))
			enter(out, &r.line, "no ");
	}
}

/* Another line of this list with the same number: it has replaced this one already. */
static bool replaced(const struct map *wanted, const char *text)
{
	char key[LINE_MAX_BYTES + 2];
	const char *seq = strstr(text, " seq ");
	struct map_entry *entry = NULL;
	size_t n;

	if (!seq)
		return false;
	n = (size_t)(seq + 5 - text) + strcspn(seq + 5, " ") + 1;
	n = (size_t)snprintf(key, sizeof(key), "\n\n%.*s", (int)n, text);
	while ((entry = map_next(wanted, entry)))
		if (entry->key_len > n && !strncmp((const char *)entry->key, key, n))
			return true;
	return false;
}

static void remove_filters(const struct map *wanted, const char *running, struct text *out)
{
	struct reader r = { .at = running };

	while (next(&r)) {
		const struct line *line = &r.line;
		bool ours = !strncmp(line->text, "ip prefix-list VPNGW-", 21) ||
			    !strncmp(line->text, "ipv6 prefix-list VPNGW-", 23) ||
			    !strncmp(line->text, "bgp as-path access-list VPNGW-", 30) ||
			    !strncmp(line->text, "bgp community-list standard VPNGW-", 34) ||
			    !strncmp(line->text, "route-map VPNGW-", 16);

		if (ours && !line->sub[0] && strncmp(line->top, "router", 6) &&
		    !has(wanted, line) && !replaced(wanted, line->text))
			text_add(out, "no %s\n", line->text);
	}
}

void bgp_diff(const char *running, const char *wanted, struct text *commands)
{
	struct reader r = { .at = wanted };
	struct map now, then;

	lines_of(&now, running);
	lines_of(&then, wanted);
	/* First: without graceful restart, which may be among the lines that go, FRR ends a session
	 * by a word for which the peer keeps its routes. */
	remove_neighbors(&then, running, commands);
	remove_in_bgp(&then, running, commands);
	remove_in_maps(&then, running, commands);
	while (next(&r))
		if (!has(&now, &r.line))
			enter(commands, &r.line, "");
	remove_filters(&then, running, commands);
	map_fini(&now);
	map_fini(&then);
}
